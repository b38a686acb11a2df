//! The federation's beginning on the disk, and its opening at each start.
//!
//! ```text
//! ids into the store → CA, hub key, reset key as files → "ready" into the store
//! ```
//!
//! The ids come first and "ready" last, so that an interrupted founding is known as one, and is
//! carried on instead of leaving a CA that nobody dares to touch.

use std::path::{Path, PathBuf};

use shared::audit::{Act, By};
use shared::ids::{FederationId, HubId};
use shared::keyring;
use shared::pki::{Authority as Ca, BoundKey, Fingerprint};
use shared::runtime::clock::Clock;
use shared::runtime::files::{self, Mode};
use zeroize::Zeroizing;

use super::{AuthorityError, RESET_KEY_BYTES};
use crate::store::{Founding, Store};

/// The CA's key and certificate, within the data directory.
pub const CA_FILE: &str = "ca.pem";

/// This hub's own key, within the data directory.
pub const HUB_KEY_FILE: &str = "hub-key.pem";

/// The key for stateless resets, within the data directory.
pub const RESET_KEY_FILE: &str = "stateless-reset.key";

/// What a new federation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Founded {
    /// Its id.
    pub federation: FederationId,
    /// Its first hub.
    pub hub: HubId,
    /// Its epoch, 1.
    pub epoch: u64,
    /// SHA-256 of its CA's key, which join tokens pin.
    pub pin: Fingerprint,
}

pub(super) struct Opened {
    pub(super) founding: Founding,
    pub(super) ca: Ca,
    pub(super) key: BoundKey,
    pub(super) reset_key: Zeroizing<[u8; RESET_KEY_BYTES]>,
}

pub(super) async fn init(
    dir: &Path,
    store: &Store,
    clock: &Clock,
) -> Result<Founded, AuthorityError> {
    let begun = store.read(|it| it.founding()).await?;
    if let Some(Founding {
        ready: true,
        federation,
        ..
    }) = begun
    {
        return Err(AuthorityError::Founded { federation });
    }
    let path = dir.join(CA_FILE);
    if begun.is_none() && on_disk(move || Ok(path.exists())).await? {
        let path = dir.join(CA_FILE);
        return Err(AuthorityError::Orphaned { path });
    }
    let founding = store
        .change(|it| {
            let founding = it.founding()?.unwrap_or_else(draw);
            it.set_founding(&founding)?;
            Ok(founding)
        })
        .await?;
    let (dir, now_secs) = (dir.to_owned(), clock.unix_millis().as_secs());
    let pin = on_disk(move || make_keys(&dir, founding.federation, now_secs)).await?;
    let ready = Founding {
        ready: true,
        ..founding
    };
    let made = store.change(move |it| {
        it.set_founding(&ready)?;
        let act = Act::new(By::new("idp-hub init", "this machine"), "init");
        let act = act.on("federation", ready.federation, "");
        it.audit(act.changing("", format!("hub={} pin={pin}", ready.hub)))
    });
    made.await?;
    let Founding {
        federation,
        hub,
        epoch,
        ..
    } = founding;
    tracing::info!(target: "audit", action = "init", %federation, %hub, epoch, %pin);
    Ok(Founded {
        federation,
        hub,
        epoch,
        pin,
    })
}

pub(super) async fn open(dir: &Path, store: &Store) -> Result<Opened, AuthorityError> {
    let founding = store.read(|it| it.founding()).await?;
    let Some(founding) = founding else {
        // Whoever lost the database should not make another federation in its place.
        let path = dir.join(CA_FILE);
        let looked = path.clone();
        return Err(match on_disk(move || Ok(looked.exists())).await? {
            true => AuthorityError::Orphaned { path },
            false => AuthorityError::Unfounded,
        });
    };
    if !founding.ready {
        return Err(AuthorityError::Unfinished);
    }
    let dir = dir.to_owned();
    on_disk(move || {
        let ca = keyring::load_authority(&dir.join(CA_FILE))?;
        of_federation(&ca, founding.federation)?;
        Ok(Opened {
            founding,
            ca,
            key: keyring::load_key(&dir.join(HUB_KEY_FILE))?,
            reset_key: reset_key(dir.join(RESET_KEY_FILE))?,
        })
    })
    .await
}

fn draw() -> Founding {
    Founding {
        federation: FederationId::from_random(rand::random()),
        hub: HubId::from_random(rand::random()),
        epoch: 1,
        ready: false,
    }
}

/// Makes what is not there yet, and takes what is.
fn make_keys(
    dir: &Path,
    federation: FederationId,
    now_secs: u64,
) -> Result<Fingerprint, AuthorityError> {
    files::create_private_dir(dir).map_err(AuthorityError::Directory)?;
    let path = dir.join(CA_FILE);
    let ca = match keyring::load_authority(&path) {
        Err(error) if error.is_not_found() => {
            let ca = Ca::create(federation, now_secs).map_err(AuthorityError::Create)?;
            keyring::create_authority(&path, &ca)?;
            ca
        }
        loaded => loaded?,
    };
    of_federation(&ca, federation)?;
    keyring::load_or_create_key(&dir.join(HUB_KEY_FILE))?;
    reset_key(dir.join(RESET_KEY_FILE))?;
    Ok(ca.pin())
}

fn of_federation(ca: &Ca, database: FederationId) -> Result<(), AuthorityError> {
    let ca = ca.federation();
    if ca == database {
        Ok(())
    } else {
        Err(AuthorityError::Mixed { ca, database })
    }
}

/// Reads the key, or makes it: with a new one agents only take longer to notice a restart.
fn reset_key(path: PathBuf) -> Result<Zeroizing<[u8; RESET_KEY_BYTES]>, AuthorityError> {
    let bytes = match files::read_secret(&path, RESET_KEY_BYTES as u64) {
        Err(error) if error.is_not_found() => {
            let drawn = Zeroizing::new(rand::random::<[u8; RESET_KEY_BYTES]>());
            files::create_atomic(&path, drawn.as_slice(), Mode::Private)
                .map_err(AuthorityError::ResetKey)?;
            return Ok(drawn);
        }
        read => read.map_err(AuthorityError::ResetKey)?,
    };
    let key = <[u8; RESET_KEY_BYTES]>::try_from(bytes.as_slice());
    key.map(Zeroizing::new)
        .map_err(|_| AuthorityError::ResetKeyDamaged { path })
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AuthorityError> + Send + 'static,
) -> Result<T, AuthorityError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| AuthorityError::Stopping)?
}
