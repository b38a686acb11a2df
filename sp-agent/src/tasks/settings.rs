//! Reads the configuration again, on SIGHUP and when its file changes.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use shared::runtime::clock::Clock;
use shared::runtime::daemon::ReloadListener;
use shared::runtime::errors::chain;
use shared::runtime::logs;
use shared::runtime::shutdown::Shutdown;
use tokio::sync::{Notify, watch};

use super::Origin;
use super::files::Watcher;
use crate::config::{Config, Purpose};

/// Editors and configuration management write in several steps; the last one counts.
const DEBOUNCE: Duration = Duration::from_millis(500);

/// The task that keeps the configuration new.
pub(super) struct Settings {
    pub(super) origin: Origin,
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
            self.read(cause).await;
        }
    }

    async fn read(&self, cause: Cause) {
        let Origin { path, credentials } = self.origin.clone();
        let read =
            tokio::task::spawn_blocking(move || Config::load(&path, Purpose::Run, credentials));
        let config = match read.await {
            Ok(Ok(config)) => config,
            Ok(Err(error)) => {
                let told = chain(&error);
                tracing::error!(
                    "the changed configuration is not taken, the old one holds: {told}"
                );
                return;
            }
            // The runtime stops.
            Err(_) => return,
        };
        let before = Arc::clone(&self.configs.borrow());
        // Whoever asks may have changed what the configuration only points at, such as a CA's file.
        if cause == Cause::Seen && config == *before {
            return;
        }
        if let Err(error) = logs::change_filter(config.log.as_deref()) {
            tracing::error!(error = %chain(&error), "the changed log level is not taken");
        }
        for (what, differs) in [
            ("data_dir", before.data_dir != config.data_dir),
            ("socket", before.socket != config.socket),
            ("metrics.listen", before.metrics != config.metrics),
        ] {
            if differs {
                tracing::warn!("{what} has changed, which takes a restart: systemctl restart");
            }
        }
        tracing::info!("the configuration was read again");
        self.configs.send_replace(Arc::new(config));
    }
}
