//! Reads the configuration again, on SIGHUP and when its file changes.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shared::audit::{Act, By};
use shared::runtime::clock::Clock;
use shared::runtime::daemon::{ReloadListener, reread};
use shared::runtime::files::Contents;
use shared::runtime::settings;
use shared::runtime::shutdown::Shutdown;
use tokio::sync::{Notify, mpsc, watch};

use super::Origin;
use super::custodian::{NotTaken, Reread, admit, credential_act};
use super::files::Watcher;
use crate::audit::Trail;
use crate::cloud::openstack::Unproven;
use crate::config::{CREDENTIAL, CloudConfig, Config, Purpose};
use crate::credential::Counts;

/// Editors and configuration management write in several steps; the last one counts.
const DEBOUNCE: Duration = Duration::from_millis(500);

/// The task that keeps the configuration new.
pub(super) struct Settings {
    pub(super) origin: Origin,
    pub(super) trail: Trail,
    pub(super) configs: watch::Sender<Arc<Config>>,
    pub(super) reload: ReloadListener,
    /// Who gave a credential that is kept, and waits until it is used.
    pub(super) rereads: mpsc::Receiver<Reread>,
}

/// The configuration's new credential could not be proven yet: it is tried again after this.
const PROVE_AGAIN: Duration = Duration::from_secs(30);

/// Why the configuration is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// By SIGHUP.
    Asked,
    /// Something has changed in its directory, perhaps something else.
    Seen,
    /// A credential was given, which was proven already.
    Given,
    /// The configuration's credential could not be proven the last time.
    Unproven,
}

impl Settings {
    pub(super) async fn run(mut self, clock: Clock, shutdown: Shutdown) -> Result<(), Infallible> {
        let changed = Arc::new(Notify::new());
        let directory = self.origin.path.parent().unwrap_or(Path::new("/"));
        let mut directories = vec![directory];
        directories.extend(self.origin.credentials.as_deref());
        let _watcher = Watcher::new(&directories, Arc::clone(&changed));
        // Nothing: what was read at the start may have changed before it was watched.
        let (mut seen, mut is_unproven) = (None, false);
        loop {
            let asked = async {
                tokio::select! {
                    () = self.reload.requested() => (Cause::Asked, None),
                    () = changed.notified() => {
                        clock.sleep(DEBOUNCE).await;
                        (Cause::Seen, None)
                    }
                    Some(reread) = self.rereads.recv() => (Cause::Given, Some(reread)),
                    () = clock.sleep(PROVE_AGAIN), if is_unproven => (Cause::Unproven, None),
                }
            };
            let Some((cause, reread)) = shutdown.until_draining(asked).await else {
                return Ok(());
            };
            let read = self.read(cause, &mut seen, &clock);
            let Some(unproven) = shutdown.until_draining(read).await else {
                return Ok(());
            };
            is_unproven = unproven.unwrap_or(is_unproven);
            if let Some(reread) = reread {
                // Who waits for it may be gone.
                let _ = reread.send(());
            }
        }
    }

    /// Returns whether a credential of the configuration could not be proven yet; `None` where
    /// nothing was read.
    async fn read(&self, cause: Cause, seen: &mut Option<Contents>, clock: &Clock) -> Option<bool> {
        let (origin, known) = (self.origin.clone(), *seen);
        let read = tokio::task::spawn_blocking(move || {
            // Looked at first: what changes while it is read is then seen as a change.
            let contents = contents(&origin);
            if cause == Cause::Seen && known == Some(contents) {
                return None;
            }
            let Origin { path, credentials } = origin;
            Some((contents, Config::load(&path, Purpose::Run, credentials)))
        });
        // Without an outcome, the runtime stops.
        let (contents, loaded) = read.await.ok().flatten()?;
        *seen = Some(contents);
        let mut config = match loaded {
            Ok(config) => config,
            Err(error) => {
                reread::refused(&error);
                return None;
            }
        };
        let (proven, is_unproven) = match cause {
            Cause::Given => (None, false),
            Cause::Asked | Cause::Seen | Cause::Unproven => self.prove(&mut config, clock).await,
        };
        let policy = self.take(cause, config);
        for act in proven.into_iter().chain(policy) {
            self.trail.note(clock.unix_millis(), act).await;
        }
        Some(is_unproven)
    }

    /// Leaves the credential at work in its place, as long as the file's new one has not been
    /// proven. Returns what the audit trail is to know, and whether that can't be told yet.
    async fn prove(&self, config: &mut Config, clock: &Clock) -> (Option<Act>, bool) {
        let before = Arc::clone(&self.configs.borrow());
        let Some((former, proven)) = admit(&before, config, clock).await else {
            return (None, false);
        };
        let Some(CloudConfig::OpenStack(options)) = &mut config.cloud else {
            return (None, false);
        };
        let (kind, was) = (options.auth.kind(), former.shown());
        let taken = match &proven {
            Ok(()) => Ok(options.auth.shown()),
            Err(error) => {
                options.auth = former;
                let refused = error.to_string();
                tracing::error!(
                    reason = refused,
                    "the configuration's new credential is not taken; the one until now goes on"
                );
                config.credential.counts = Counts::Former { refused };
                Err(NotTaken::from(error.clone()))
            }
        };
        let is_unproven = matches!(proven, Err(Unproven::Unanswered(_)));
        // Each try of one that can't be told yet would be an entry.
        let is_told = is_unproven && before.credential.counts == config.credential.counts;
        let act = credential_act(self.by(), kind, Some(was), &taken);
        ((!is_told).then_some(act), is_unproven)
    }

    fn by(&self) -> By {
        By::new("configuration", self.origin.path.display().to_string())
    }

    /// Returns what the audit trail is to know of it.
    fn take(&self, cause: Cause, config: Config) -> Option<Act> {
        let before = Arc::clone(&self.configs.borrow());
        // Whoever asks may have changed what the configuration only points at, such as a CA's file.
        if matches!(cause, Cause::Seen | Cause::Unproven) && config == *before {
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

/// What the configuration and all files that belong to it hold. Blocks on the disk.
fn contents(origin: &Origin) -> Contents {
    let text = settings::read(&origin.path).unwrap_or_default();
    let mut paths = settings::named_files(&text);
    let handed = origin.credentials.as_ref();
    paths.extend(handed.map(|directory| directory.join(CREDENTIAL)));
    paths.push(origin.path.clone());
    Contents::of(paths.iter().map(PathBuf::as_path))
}
