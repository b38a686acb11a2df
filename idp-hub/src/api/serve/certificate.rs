//! The web certificate: the site's own, or one by the federation's CA.
//!
//! The hub's own is kept over restarts, since browsers remember a certificate and not a name, and
//! made anew before it ends or when the names change. The site's own is read again when its files
//! change or on SIGHUP; one that is faulty is told, and the one before stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use shared::keyring;
use shared::pki::{Slot, WebCredential, WebNames};
use shared::runtime::clock::Clock;
use shared::runtime::daemon::ReloadListener;
use shared::runtime::errors::chain;
use shared::runtime::files::{self, Contents, Mode};
use shared::runtime::shutdown::Shutdown;
use tokio::sync::Notify;

use super::ServeError;
use crate::authority::Authority;
use crate::config::{CertificateFiles, Config};

/// The hub's own web key, certificate, and the names that it is for, within the data directory.
const KEY_FILE: &str = "web-key.pem";
const CERTIFICATE_FILE: &str = "web.pem";
const NAMES_FILE: &str = "web.names";

/// The longest list of names read, in bytes: 32 of the longest.
const NAMES_BYTES_MAX: u64 = 16 * 1024;

/// With so much left a certificate of ours is replaced, and one of the site's own is warned of.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often its end is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(12 * 3600);

/// After a change of the files: certificate and key are written one after the other.
const SETTLE: Duration = Duration::from_secs(2);

/// Which certificate is shown, and where it comes from. Cheap to clone.
#[derive(Clone)]
pub(super) struct Certificate {
    source: Arc<Source>,
    slot: Arc<Slot<WebCredential>>,
    clock: Clock,
}

enum Source {
    Given(CertificateFiles),
    Own {
        authority: Authority,
        data_dir: PathBuf,
        names: WebNames,
    },
}

impl Certificate {
    /// Reads it, or makes it. Blocks on the disk.
    pub(super) fn load(
        config: &Config,
        authority: &Authority,
        clock: &Clock,
    ) -> Result<Self, ServeError> {
        let source = match &config.web.certificate {
            Some(files) => Source::Given(files.clone()),
            None => Source::Own {
                authority: authority.clone(),
                data_dir: config.data_dir.clone(),
                names: config.web.names.clone(),
            },
        };
        let credential = source.credential(clock.unix_millis().as_secs())?;
        let (source, slot) = (Arc::new(source), Slot::new(credential));
        Ok(Self {
            source,
            slot,
            clock: clock.clone(),
        })
    }

    /// What TLS looks into at each handshake.
    pub(super) const fn slot(&self) -> &Arc<Slot<WebCredential>> {
        &self.slot
    }

    /// Looks again when asked, when the files change, and now and then, until the stop.
    pub(super) async fn keep(
        &self,
        mut reload: ReloadListener,
        shutdown: &Shutdown,
    ) -> Result<(), notify::Error> {
        let changed = Arc::new(Notify::new());
        let _watcher = self.source.watch(&changed)?;
        let mut seen = None;
        loop {
            let is_asked = tokio::select! {
                () = reload.requested() => true,
                () = changed.notified() => {
                    self.clock.sleep(SETTLE).await;
                    false
                }
                () = self.clock.sleep(LOOK_INTERVAL) => true,
                () = shutdown.draining() => return Ok(()),
            };
            // The directory tells of other files too, perhaps of the log with the last fault.
            let contents = self.contents().await;
            if is_asked || contents != seen {
                seen = contents;
                self.look().await;
            }
        }
    }

    /// What the given files hold.
    async fn contents(&self) -> Option<Contents> {
        let source = Arc::clone(&self.source);
        let look = tokio::task::spawn_blocking(move || match &*source {
            Source::Given(files) => Some(Contents::of([&*files.certificate, &*files.key])),
            Source::Own { .. } => None,
        });
        look.await.ok().flatten()
    }

    async fn look(&self) {
        let (source, now_secs) = (Arc::clone(&self.source), self.clock.unix_millis().as_secs());
        let read = tokio::task::spawn_blocking(move || source.credential(now_secs)).await;
        match read {
            Ok(Ok(credential)) => {
                let ends = credential.validity().not_after;
                if ends.saturating_sub(now_secs) < RENEW_BEFORE.as_secs() {
                    let days = ends.saturating_sub(now_secs) / (24 * 3600);
                    tracing::warn!(
                        days,
                        "the web certificate ends soon; put a new one in place"
                    );
                }
                self.slot.replace(credential);
            }
            Ok(Err(error)) => {
                let error = chain(&error).to_string();
                tracing::error!(
                    error,
                    "the web certificate can't be read; the old one stays"
                );
            }
            // The runtime ends.
            Err(_) => {}
        }
    }
}

impl Source {
    fn credential(&self, now_secs: u64) -> Result<WebCredential, ServeError> {
        match self {
            Self::Given(files) => Ok(keyring::load_web(&files.certificate, &files.key, now_secs)?),
            Self::Own {
                authority,
                data_dir,
                names,
            } => own(authority, data_dir, names, now_secs),
        }
    }

    /// Watches the directories, since files are replaced by renaming.
    fn watch(&self, changed: &Arc<Notify>) -> Result<Option<RecommendedWatcher>, notify::Error> {
        let Self::Given(files) = self else {
            return Ok(None);
        };
        let (changed, files) = (Arc::clone(changed), files.clone());
        let ours = [files.certificate.clone(), files.key.clone()];
        type Seen = notify::Result<notify::Event>;
        let mut watcher = notify::recommended_watcher(move |event: Seen| {
            // After an error, such as a full queue, it is better to look than to miss something.
            let read = |it: &notify::Event| it.kind.is_access();
            if !event.as_ref().is_ok_and(read) {
                changed.notify_one();
            }
        })?;
        let directories: std::collections::BTreeSet<_> =
            ours.iter().filter_map(|it| it.parent()).collect();
        for directory in directories {
            watcher.watch(directory, RecursiveMode::NonRecursive)?;
        }
        Ok(Some(watcher))
    }
}

/// The hub's own: the one that is there if it is for these names and lasts, or a new one.
fn own(
    authority: &Authority,
    data_dir: &Path,
    names: &WebNames,
    now_secs: u64,
) -> Result<WebCredential, ServeError> {
    let key = keyring::load_or_create_key(&data_dir.join(KEY_FILE))?;
    let (path, names_path) = (data_dir.join(CERTIFICATE_FILE), data_dir.join(NAMES_FILE));
    let wanted = names.as_slice().join("\n");
    let kept_for = files::read_text(&names_path, NAMES_BYTES_MAX).unwrap_or_default();
    if kept_for == wanted
        && let Ok(der) = keyring::load_certificate(&path)
        && let Ok(credential) = WebCredential::issued(&key, &der, authority.anchor())
        && credential.validity().contains(now_secs)
        && credential.validity().not_after.saturating_sub(now_secs) > RENEW_BEFORE.as_secs()
    {
        return Ok(credential);
    }
    let issued = authority.issue_web(key.public_key(), names)?;
    let credential = WebCredential::issued(&key, &issued.der, authority.anchor())?;
    keyring::save_certificate(&path, &issued.der)?;
    files::write_atomic(&names_path, wanted.as_bytes(), Mode::Public).map_err(ServeError::Names)?;
    tracing::info!(
        names = names.as_slice().join(", "),
        "made a new web certificate"
    );
    Ok(credential)
}
