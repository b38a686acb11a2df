//! Reads the configuration again, on SIGHUP and when its file changes, and has the credential work
//! that [`choose`](crate::credential::choose) says: the configuration's is proven beside the one at
//! work, and what was given and proven is kept here, so that neither overtakes the other.

mod conclude;
#[cfg(test)]
mod tests;
mod trial;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use shared::audit::{Act, By};
use shared::runtime::clock::Clock;
use shared::runtime::daemon::{ReloadListener, reread};
use shared::runtime::files::Contents;
use shared::runtime::settings;
use shared::runtime::shutdown::Shutdown;
use tokio::sync::{Notify, mpsc, watch};

use super::Origin;
use super::custodian::{Gift, NotTaken, broken_off};
use super::files::Watcher;
use crate::audit::Trail;
use crate::cloud::openstack::Proof;
use crate::config::{CREDENTIAL, Config, Purpose};
use crate::credential::{Counts, Tries, Why, is_same_keystone};
use crate::status::CloudView;
use trial::Trial;

/// Editors and configuration management write in several steps; the last one counts.
const DEBOUNCE: Duration = Duration::from_millis(500);

/// The configuration's new credential could not be proven yet: it is tried again after this.
const PROVE_AGAIN: Duration = Duration::from_secs(30);

/// The task that keeps the configuration new.
pub(super) struct Settings {
    pub(super) origin: Origin,
    /// Where the daemon keeps things, whatever the file says since it runs.
    pub(super) data_dir: PathBuf,
    pub(super) trail: Trail,
    pub(super) clock: Clock,
    pub(super) configs: watch::Sender<Arc<Config>>,
    /// Credentials that were given and proven.
    pub(super) gifts: mpsc::Receiver<Gift>,
    pub(super) tries: Arc<Mutex<Tries>>,
    /// Whether the agent signs in at its cloud.
    pub(super) cloud: watch::Receiver<CloudView>,
}

/// Why the configuration is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// By SIGHUP.
    Asked,
    /// Something has changed in its directory, perhaps something else.
    Seen,
}

/// What happens next.
enum Event {
    Read(Cause),
    Changed,
    Given(Gift),
    Proven(Result<Proof, NotTaken>),
    Again,
    SignsIn,
}

/// What is known meanwhile.
#[derive(Default)]
struct Course {
    /// Nothing: what was read at the start may have changed before it was watched.
    seen: Option<Contents>,
    /// When a change is looked at.
    look_at: Option<Instant>,
    /// When the configuration's credential is tried again.
    again_at: Option<Instant>,
    trial: Option<Trial>,
    /// The last doubt that the audit trail was told of, each try of which would be an entry.
    told: Option<String>,
}

impl Settings {
    pub(super) async fn run(
        mut self,
        mut reload: ReloadListener,
        shutdown: Shutdown,
    ) -> Result<(), Infallible> {
        let changed = Arc::new(Notify::new());
        let directory = self
            .origin
            .path
            .parent()
            .unwrap_or(Path::new("/"))
            .to_owned();
        let handed = self.origin.credentials.clone();
        let mut directories = vec![directory.as_path()];
        directories.extend(handed.as_deref());
        let _watcher = Watcher::new(&directories, Arc::clone(&changed));
        let mut course = Course::default();
        self.go_on(&mut course);
        loop {
            let event = self.next(&mut course, (&mut reload, &changed));
            let Some(event) = shutdown.until_draining(event).await else {
                return Ok(());
            };
            // To its end, also where the agent stops meanwhile, as it waits for the disk alone:
            // what is being kept may be kept whoever waits for it, and is told as it is.
            self.handle(event, &mut course).await;
        }
    }

    /// Cancel-safe.
    async fn next(
        &mut self,
        course: &mut Course,
        (reload, changed): (&mut ReloadListener, &Notify),
    ) -> Event {
        let is_unkept = self.is_unkept() && course.trial.is_none() && course.again_at.is_none();
        let (look_at, again_at) = (course.look_at, course.again_at);
        let (clock, cloud) = (&self.clock, &mut self.cloud);
        tokio::select! {
            () = reload.requested() => Event::Read(Cause::Asked),
            () = changed.notified() => Event::Changed,
            () = at(clock, look_at) => Event::Read(Cause::Seen),
            Some(gift) = self.gifts.recv() => Event::Given(gift),
            proven = trial::outcome(&mut course.trial) => Event::Proven(proven),
            () = at(clock, again_at) => Event::Again,
            Ok(_) = cloud.wait_for(|it| it.reason.is_none()), if is_unkept => Event::SignsIn,
        }
    }

    async fn handle(&self, event: Event, course: &mut Course) {
        match event {
            Event::Changed => course.look_at = Some(self.clock.now() + DEBOUNCE),
            Event::Read(cause) => {
                course.look_at = None;
                self.read(cause, course).await;
            }
            Event::Given(gift) => {
                let (told, taken) = self.accept(gift, course).await;
                // Who waits for it may be gone.
                let _ = told.send(taken);
            }
            Event::Proven(proven) => self.conclude(proven, course).await,
            Event::Again | Event::SignsIn => {
                course.again_at = None;
                self.try_configured(course);
            }
        }
    }

    /// The configuration's credential is at work, and a start would not know that it works.
    fn is_unkept(&self) -> bool {
        let config = self.configs.borrow();
        let it = &config.credential;
        it.configured.is_some() && it.counts == Counts::Configured && !it.is_kept
    }

    /// Begins to try the configuration's credential where that is to be done.
    fn go_on(&self, course: &mut Course) {
        course.again_at = None;
        match self.configs.borrow().credential.is_tried {
            true => self.try_configured(course),
            false => course.trial = None,
        }
    }

    /// Tries the configuration's credential; one that is being tried goes on.
    fn try_configured(&self, course: &mut Course) {
        let config = Arc::clone(&self.configs.borrow());
        let Some(configured) = &config.credential.configured else {
            return;
        };
        if course.trial.as_ref().is_none_or(|it| !it.is_of(configured)) {
            let (tries, clock) = (Arc::clone(&self.tries), self.clock.clone());
            course.trial = Some(Trial::new(configured, tries, clock));
        }
    }

    /// Reads the file, and has what it says used.
    async fn read(&self, cause: Cause, course: &mut Course) {
        let known = (cause == Cause::Seen).then_some(course.seen).flatten();
        let Some((contents, loaded)) = self.load(known).await else {
            return;
        };
        course.seen = Some(contents);
        let Ok(config) = loaded.inspect_err(reread::refused) else {
            return;
        };
        let Some(config) = self.chosen(config, cause == Cause::Asked).await else {
            return;
        };
        if let Some(act) = self.take(cause, config) {
            self.trail.note(self.clock.unix_millis(), act).await;
        }
        self.go_on(course);
    }

    /// The file as it is now; `None` if it has the contents that are `known`, or the agent stops.
    async fn load(
        &self,
        known: Option<Contents>,
    ) -> Option<(Contents, Result<Config, crate::config::ConfigError>)> {
        let origin = self.origin.clone();
        let load = tokio::task::spawn_blocking(move || {
            // Looked at first: what changes while it is read is then seen as a change.
            let contents = contents(&origin);
            if known == Some(contents) {
                return None;
            }
            let Origin { path, credentials } = origin;
            let loaded = Config::as_written(&path, Purpose::Run, credentials);
            Some((contents, loaded))
        });
        load.await.ok().flatten()
    }

    /// With the credential that is to work; `None` if the agent stops.
    async fn chosen(&self, mut config: Config, is_asked: bool) -> Option<Config> {
        let (before, data_dir) = (Arc::clone(&self.configs.borrow()), self.data_dir.clone());
        let now = self.clock.unix_millis();
        let choose = move || {
            config.choose(&data_dir, Some(&before), (is_asked, now));
            config
        };
        tokio::task::spawn_blocking(choose).await.ok()
    }

    /// Keeps a credential that was given, for the configuration's as that is now, and has it used.
    async fn accept(&self, gift: Gift, course: &mut Course) -> (Told, Result<(), NotTaken>) {
        let Gift {
            auth,
            homes,
            auth_url,
            at,
            by,
            told,
        } = gift;
        // A file that can't be read just now is another one, perhaps, once it can.
        let config = match self.load(None).await {
            Some((contents, Ok(config))) => {
                course.seen = Some(contents);
                config
            }
            _ => self.as_before(),
        };
        let other = |text: String| Err(NotTaken::Other(text));
        let Some(configured) = config.credential.configured.clone() else {
            return (
                told,
                other("the configuration names no OpenStack any more".to_owned()),
            );
        };
        if !is_same_keystone(&configured.auth_url, &auth_url) {
            let text = "it works, but the configuration names another Keystone by now; give it \
                        again";
            return (told, other(text.to_owned()));
        }
        if let Err(error) = self
            .keep(&config, (&auth, homes), Why::Given { at, by })
            .await
        {
            return (
                told,
                other(format!("it works, but it can't be kept: {error}")),
            );
        }
        let Some(config) = self.chosen(config, false).await else {
            return (told, Err(broken_off()));
        };
        let is_at_work = matches!(config.credential.counts, Counts::Given { .. })
            && config.openstack().is_some_and(|it| it.auth == auth);
        if let Some(act) = self.take(Cause::Seen, config) {
            self.trail.note(self.clock.unix_millis(), act).await;
        }
        self.go_on(course);
        match is_at_work {
            true => (told, Ok(())),
            false => (
                told,
                other("it works, but what was kept can't be read again".to_owned()),
            ),
        }
    }

    /// The configuration as it was read last, as the file has it.
    fn as_before(&self) -> Config {
        let mut config = Config::clone(&self.configs.borrow());
        if let Some(configured) = &config.credential.configured {
            let auth = configured.auth.clone();
            config.sign_in_by(auth);
        }
        config
    }

    fn by(&self) -> By {
        By::new("configuration", self.origin.path.display().to_string())
    }

    /// Returns what the audit trail is to know of it.
    fn take(&self, cause: Cause, mut config: Config) -> Option<Act> {
        let before = Arc::clone(&self.configs.borrow());
        config.asked = match cause {
            Cause::Asked => before.asked.wrapping_add(1),
            Cause::Seen => before.asked,
        };
        if config == *before {
            return None;
        }
        let fixed = [
            ("data_dir", before.data_dir != config.data_dir),
            ("socket", before.socket != config.socket),
            ("metrics.listen", before.metrics != config.metrics),
        ];
        reread::taken("sp-agent", config.log.as_deref(), &fixed);
        let (was, is) = (before.policy.to_string(), config.policy.to_string());
        self.configs.send_replace(Arc::new(config));
        let act = Act::new(self.by(), "change policy").on("policy", "", "");
        (was != is).then(|| act.changing(was, is))
    }
}

type Told = tokio::sync::oneshot::Sender<Result<(), NotTaken>>;

/// Waits for a time; for ever without one. Cancel-safe.
async fn at(clock: &Clock, time: Option<Instant>) {
    match time {
        Some(time) => clock.sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// What the configuration and all files that belong to it hold. Blocks on the disk.
fn contents(origin: &Origin) -> Contents {
    let text = settings::read(&origin.path).unwrap_or_default();
    let mut paths = settings::named_files(&text);
    let handed = origin.credentials.as_ref();
    paths.extend(handed.map(|directory| directory.join(CREDENTIAL)));
    paths.push(origin.path.clone());
    Contents::of(paths.iter().map(PathBuf::as_path))
}
