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
use tokio::sync::{Notify, watch};

use super::Origin;
use super::files::Watcher;
use crate::audit::Trail;
use crate::config::{CREDENTIAL, Config, Purpose};

/// Editors and configuration management write in several steps; the last one counts.
const DEBOUNCE: Duration = Duration::from_millis(500);

/// The task that keeps the configuration new.
pub(super) struct Settings {
    pub(super) origin: Origin,
    pub(super) trail: Trail,
    pub(super) configs: watch::Sender<Arc<Config>>,
    pub(super) reload: ReloadListener,
}

/// Why the configuration is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// By SIGHUP.
    Asked,
    /// Something has changed in its directory, perhaps something else.
    Seen,
}

impl Settings {
    pub(super) async fn run(mut self, clock: Clock, shutdown: Shutdown) -> Result<(), Infallible> {
        let changed = Arc::new(Notify::new());
        let directory = self.origin.path.parent().unwrap_or(Path::new("/"));
        let mut directories = vec![directory];
        directories.extend(self.origin.credentials.as_deref());
        let _watcher = Watcher::new(&directories, Arc::clone(&changed));
        // Nothing: what was read at the start may have changed before it was watched.
        let mut seen = None;
        loop {
            let asked = async {
                tokio::select! {
                    () = self.reload.requested() => Cause::Asked,
                    () = changed.notified() => {
                        clock.sleep(DEBOUNCE).await;
                        Cause::Seen
                    }
                }
            };
            let Some(cause) = shutdown.until_draining(asked).await else {
                return Ok(());
            };
            self.read(cause, &mut seen, &clock).await;
        }
    }

    async fn read(&self, cause: Cause, seen: &mut Option<Contents>, clock: &Clock) {
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
        let Some((contents, loaded)) = read.await.ok().flatten() else {
            return;
        };
        *seen = Some(contents);
        match loaded {
            Ok(config) => {
                if let Some(act) = self.take(cause, config) {
                    self.trail.note(clock.unix_millis(), act).await;
                }
            }
            Err(error) => reread::refused(&error),
        }
    }

    /// Returns what the audit trail is to know of it.
    fn take(&self, cause: Cause, config: Config) -> Option<Act> {
        let before = Arc::clone(&self.configs.borrow());
        // Whoever asks may have changed what the configuration only points at, such as a CA's file.
        if cause == Cause::Seen && config == *before {
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
        let by = By::new("configuration", self.origin.path.display().to_string());
        let act = Act::new(by, "change policy").on("policy", "", "");
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
