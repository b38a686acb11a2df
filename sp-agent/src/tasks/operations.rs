//! What the local socket can have done, done.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use shared::audit::By;
use shared::host_port::HostPort;
use shared::pki::JoinToken;
use shared::runtime::errors::chain;
use shared::transport::DialOptions;
use tokio::sync::{Notify, mpsc, oneshot};

use super::Origin;
use super::custodian::Custodian;
use super::following::Leave;
use crate::audit::Trail;
use crate::config::{Config, ConfigError, Purpose};
use crate::credential::Giver;
use crate::join::{self, Request};
use crate::status::check::{self, CheckReport};
use crate::status::{
    CredentialAsked, CredentialTold, JoinAsked, JoinTold, LeaveTold, Metrics, Operations, Problem,
    Report, Sources,
};

/// The daemon, for its own socket.
pub(super) struct Local {
    pub(super) sources: Sources,
    pub(super) metrics: Metrics,
    pub(super) origin: Origin,
    pub(super) data_dir: PathBuf,
    pub(super) orders: mpsc::Sender<Leave>,
    pub(super) poke: Arc<Notify>,
    pub(super) trail: Trail,
    pub(super) custodian: Custodian,
}

const STOPPING: &str = "the agent stops; ask again when it runs";

#[async_trait]
impl Operations for Local {
    async fn report(&self) -> Report {
        self.sources.report().await
    }

    async fn join(&self, asked: JoinAsked) -> Result<JoinTold, Problem> {
        let config = Arc::clone(&self.sources.config.borrow());
        let view = self.sources.cloud.borrow().clone();
        let request = Request {
            token: asked.token.parse::<JoinToken>().map_err(Problem::invalid)?,
            addresses: addresses(&asked.hubs, &config)?,
            data_dir: self.data_dir.clone(),
            description: Some(view.description),
            dial: DialOptions {
                congestion: config.hub.congestion,
                ..DialOptions::default()
            },
        };
        let joined = join::join(request).await;
        let joined = joined.map_err(|error| Problem::refused(chain(&error)))?;
        self.poke.notify_one();
        let act = joined.act(By::new("administrator", "local socket"), "join");
        self.trail.note(self.sources.clock.unix_millis(), act).await;
        let warning = view
            .reason
            .map(|it| format!("the cloud can't be described: {it}"));
        Ok(JoinTold::new(&joined, warning))
    }

    async fn leave(&self) -> Result<LeaveTold, Problem> {
        let (reply, answer) = oneshot::channel();
        let sent = self.orders.send(Leave { reply }).await;
        sent.map_err(|_| Problem::unavailable(STOPPING))?;
        let left = answer.await.map_err(|_| Problem::unavailable(STOPPING))?;
        let left = left.map_err(|error| Problem::refused(chain(&error)))?;
        Ok(LeaveTold {
            kept: left.kept.display().to_string(),
            hub_told: left.hub_told,
            was_removed: left.was_removed,
        })
    }

    async fn check(&self) -> Result<Vec<CheckReport>, Problem> {
        let Origin { path, credentials } = self.origin.clone();
        let load =
            tokio::task::spawn_blocking(move || Config::load(&path, Purpose::Run, credentials));
        let loaded = load.await.map_err(|_| Problem::unavailable(STOPPING))?;
        let config = loaded.map_err(|error: ConfigError| Problem::refused(chain(&error)))?;
        match config.checked() {
            Some(cloud) => Ok(check::check(&cloud, self.sources.clock.clone()).await),
            None => Ok(Vec::new()),
        }
    }

    async fn credential(&self, asked: CredentialAsked) -> Result<CredentialTold, Problem> {
        let offered = asked.offered().map_err(Problem::invalid)?;
        let by = By::new("administrator", "local socket");
        let taken = self.custodian.take(offered, by, Giver::Here).await;
        let taken = taken.map_err(|error| Problem::refused(error.to_string()))?;
        Ok(CredentialTold {
            account: taken.account,
            warning: taken.warning,
        })
    }

    fn metrics(&self) -> String {
        self.metrics.render(&self.sources)
    }
}

/// What was asked for, else what is configured.
fn addresses(hubs: &[String], config: &Config) -> Result<Vec<HostPort>, Problem> {
    if hubs.is_empty() {
        return Ok(config.hub.addresses.clone());
    }
    let parse = |hub: &String| {
        hub.parse()
            .map_err(|error| Problem::invalid(format!("{hub:?} {error}")))
    };
    hubs.iter().map(parse).collect()
}
