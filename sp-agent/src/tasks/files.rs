//! Tells when something in a directory has changed.

use std::path::Path;
use std::sync::Arc;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// Watches directories for as long as it lives. The directory and not the file, since a file that
/// is replaced by a rename is another one.
#[derive(Debug)]
pub(super) struct Watcher {
    _inner: Option<RecommendedWatcher>,
}

impl Watcher {
    /// Wakes `poke` when something in one of the directories is made, changed or removed. Where
    /// the system has no watch left, that is logged: then only SIGHUP, and looking now and then,
    /// find changes.
    pub(super) fn new(directories: &[&Path], poke: Arc<Notify>) -> Self {
        let told = move |event: notify::Result<notify::Event>| {
            // Reading is an event too, and our own reading must not wake us.
            let is_change = event.as_ref().map_or(true, |event| {
                event.kind.is_create() || event.kind.is_modify() || event.kind.is_remove()
            });
            if is_change {
                poke.notify_one();
            }
        };
        let watching = notify::recommended_watcher(told).and_then(|mut watcher| {
            for directory in directories {
                watcher.watch(directory, RecursiveMode::NonRecursive)?;
            }
            Ok(watcher)
        });
        let inner = watching
            .inspect_err(|error| {
                tracing::warn!(
                    %error,
                    "cannot watch for changed files; send SIGHUP after changing the configuration"
                );
            })
            .ok();
        Self { _inner: inner }
    }
}
