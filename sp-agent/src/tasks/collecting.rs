//! Collects the configured cloud, and another one when the configuration says so.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use shared::model::CloudDescription;
use shared::runtime::clock::Clock;
use shared::runtime::errors::{BoxError, chain};
use shared::runtime::shutdown::Shutdown;
use tokio::sync::watch;

use super::applying::Applying;
use crate::cloud::Cloud;
use crate::cloud::openstack::OpenStack;
use crate::cloud::simulated::Simulated;
use crate::collect::{Collector, host_sampler};
use crate::config::{CloudConfig, Config, HostConfig};
use crate::host::Host;
use crate::spool::Spool;
use crate::status::CloudView;

/// A cloud's versions change by an upgrade.
const DESCRIBE_EVERY: Duration = Duration::from_secs(600);

/// A cloud that could not be described is asked again as soon as its operator looks.
const DESCRIBE_AGAIN: Duration = Duration::from_secs(15);

/// The task that reads the cloud into the spool.
#[derive(Clone)]
pub(super) struct Collecting {
    pub(super) configs: watch::Receiver<Arc<Config>>,
    pub(super) spool: Spool,
    pub(super) clock: Clock,
    pub(super) viewed: watch::Sender<CloudView>,
    pub(super) described: watch::Sender<CloudDescription>,
    pub(super) applying: Applying,
    /// The cloud, for whoever else asks it.
    pub(super) clouds: watch::Sender<Option<Arc<dyn Cloud>>>,
}

impl Collecting {
    pub(super) async fn run(self, shutdown: Shutdown) -> Result<(), BoxError> {
        let mut configs = self.configs.clone();
        let mut config = Arc::clone(&configs.borrow_and_update());
        // First, so that what is not allowed any more ends also where the rest can't be used.
        self.applying.policy.send_replace(config.policy.clone());
        let mut cloud = build(&config, &self.clock).await?;
        loop {
            self.clouds.send_replace(Some(Arc::clone(&cloud)));
            let collector = self.collector(&config, Arc::clone(&cloud));
            // Whoever applies ends before anybody else begins, and knows what it did.
            let stop = Shutdown::new();
            let applying = self.applying.clone();
            let applying = applying.run(Arc::clone(&cloud), stop.clone());
            let changed = async {
                let changed = tokio::select! {
                    () = collector.run(shutdown.clone()) => None,
                    never = self.describe(&*cloud) => match never {},
                    changed = next(&mut configs, &config) => Some(changed),
                };
                stop.begin();
                changed
            };
            let ((), Some(changed)) = tokio::join!(applying, changed) else {
                return Ok(());
            };
            self.applying.policy.send_replace(changed.policy.clone());
            if !same_cloud(&config, &changed) {
                cloud = build(&changed, &self.clock).await?;
            }
            config = changed;
            tracing::info!("collecting goes on with the changed configuration");
        }
    }

    fn collector(&self, config: &Config, cloud: Arc<dyn Cloud>) -> Collector {
        let mut writing = self.applying.between.writing.subscribe();
        // It may be in the midst of that.
        writing.mark_changed();
        Collector {
            cloud,
            spool: self.spool.clone(),
            clock: self.clock.clone(),
            options: config.collect.clone(),
            sampler: sampler(config.host.clone()),
            chance: Box::new(rand::random),
            read: self.applying.between.read.clone(),
            hindered: self.applying.between.hindered.clone(),
            wanted: self.applying.between.wanted.subscribe(),
            writing,
        }
    }

    /// Keeps what the cloud says of itself new.
    async fn describe(&self, cloud: &dyn Cloud) -> Infallible {
        loop {
            let wait = match cloud.describe().await {
                Ok(description) => {
                    self.described.send_if_modified(|it| {
                        let changed = *it != description;
                        it.clone_from(&description);
                        changed
                    });
                    self.viewed.send_replace(CloudView {
                        description,
                        reason: None,
                    });
                    DESCRIBE_EVERY
                }
                Err(error) => {
                    // The services' states tell it to the hub and the log.
                    let reason = chain(&error).to_string();
                    self.viewed.send_modify(|view| view.reason = Some(reason));
                    DESCRIBE_AGAIN
                }
            };
            self.clock.sleep(wait).await;
        }
    }
}

/// The next configuration by which something else would be collected. Cancel-safe.
async fn next(configs: &mut watch::Receiver<Arc<Config>>, now: &Config) -> Arc<Config> {
    loop {
        if configs.changed().await.is_err() {
            // Nobody is left to change it.
            std::future::pending::<()>().await;
        }
        let config = Arc::clone(&configs.borrow_and_update());
        let same =
            config.collect == now.collect && config.host == now.host && config.policy == now.policy;
        if !(same && same_cloud(now, &config)) {
            return config;
        }
    }
}

/// A cloud that did not change lives on, with its token: each one that is set up anew signs in, and
/// a credential that is refused may be locked by that.
fn same_cloud(one: &Config, other: &Config) -> bool {
    match (&one.cloud, &other.cloud) {
        (Some(CloudConfig::Simulated(one)), Some(CloudConfig::Simulated(other))) => one == other,
        (Some(CloudConfig::OpenStack(is)), Some(CloudConfig::OpenStack(was))) => {
            is == was && one.asked == other.asked
        }
        _ => false,
    }
}

async fn build(config: &Config, clock: &Clock) -> Result<Arc<dyn Cloud>, BoxError> {
    match config.cloud.clone() {
        Some(CloudConfig::OpenStack(options)) => {
            Ok(Arc::new(OpenStack::new(&options, clock.clone())?))
        }
        Some(CloudConfig::Simulated(plan)) => {
            let clock = clock.clone();
            let built = tokio::task::spawn_blocking(move || Simulated::new(plan, clock));
            Ok(Arc::new(built.await?))
        }
        None => Err("the configuration names no cloud".into()),
    }
}

/// Samples this machine, with the file systems that are asked for.
fn sampler(host: HostConfig) -> crate::collect::Sampler {
    let mut sampler = host_sampler(Host::new());
    Box::new(move |now, monotonic| {
        let mut sample = sampler(now, monotonic)?;
        if let Some(mounts) = &host.mounts {
            sample.disks.retain(|disk| mounts.contains(&disk.mount));
        }
        Some(sample)
    })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::config::{Purpose, Surroundings};

    fn config(password: &str) -> Arc<Config> {
        let text = format!(
            "[cloud]\nkind = \"openstack\"\n[cloud.openstack]\n\
             auth_url = \"https://cloud.test:5000/v3\"\nusername = \"admin\"\n\
             password = \"{password}\"\nproject_name = \"admin\"\n"
        );
        let surroundings = Surroundings::default();
        let config = Config::read("agent.toml", &text, Purpose::Run, &surroundings);
        Arc::new(config.unwrap())
    }

    #[test]
    fn a_changed_configuration_is_taken_once() {
        let now = config("first");
        let changed = config("second");
        let (sender, mut configs) = watch::channel(Arc::clone(&now));
        assert!(next(&mut configs, &now).now_or_never().is_none());
        sender.send_replace(Arc::clone(&changed));
        assert!(next(&mut configs, &now).now_or_never().is_some());
        assert!(next(&mut configs, &changed).now_or_never().is_none());
    }
}
