//! The federation's CA, its join tokens, and the standing of its regions.
//!
//! ```text
//! operator ── invite ──▶ token ──▶ agent ── join ──▶ certificate, region pending
//! operator ── accept, rename, remove ──▶ store ──▶ AuthorityEvent ──▶ downlink, fleet
//! agent ── Hello ── admit ──▶ may this key speak?    agent ── renew, recover ──▶ certificate
//! ```
//!
//! What is decided is stored first, in one transaction, and only then told. The registry in the
//! store is the only word on who may speak: a certificate alone opens nothing.
//!
//! Events are sent on the writer's thread once their change is durable, in the order of the
//! commits, whether or not the asker still waits. An event says where to look, not what to believe:
//! a receiver reads the region anew. One that lags behind ([`RecvError::Lagged`]) lost some, and
//! must compare instead: read [`Authority::regions`], close each session whose region is not in it,
//! and tell the fleet `Known` for each that is.
//!
//! Whatever changes the registry leaves an entry in the audit trail, in its transaction, and a line
//! with the target `audit` after it. But for renewals, which have the line alone: each region does
//! that twice a day by itself, and they would push out what people did.
//!
//! [`RecvError::Lagged`]: tokio::sync::broadcast::error::RecvError::Lagged

mod admission;
mod error;
mod founding;
mod invitations;
mod issue;
mod join;
mod limiter;
mod name;
mod own;
mod refused;
mod regions;

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::audit::By;
use shared::ids::RegionId;
use shared::link::hub::HubFacts;
use shared::pki::{
    Anchor, Authority as Ca, BoundKey, Fingerprint, IssuedCertificate, LinkCredential, PublicKey,
    Serial, ServerTls, Slot, TlsClock, TrustAnchors, WebNames, link_server,
};
use shared::runtime::clock::Clock;
use tokio::sync::broadcast;
use zeroize::Zeroizing;

pub use self::error::AuthorityError;
pub use self::founding::{CA_FILE, Founded, HUB_KEY_FILE, RESET_KEY_FILE};
pub(crate) use self::invitations::OPEN_INVITATION;
pub use self::invitations::{INVITATION_LIFETIME, Invitation, OPEN_INVITATIONS_MAX};
pub use self::issue::{Certificate, IssuedRegion};
pub use self::limiter::{JoinLimiter, Limiter};
pub use self::name::{NAME_CHARS_MAX, NameError, check_name};
pub use self::refused::{NotAdmitted, Refused};
use crate::store::regions::RegionRow;
use crate::store::{Founding, RegionNo, Store};

/// How long a region's certificate counts. It is renewed at half of that, so that a hub which is
/// away for half a day costs nobody a recovery.
pub const CERTIFICATE_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Bytes of the key by which a restarted hub tells agents at once that their connection is gone
/// (RFC 9000 §10.3).
pub const RESET_KEY_BYTES: usize = 64;

/// Events that may wait for a slow receiver: a thousand regions accepted by one script.
const EVENTS_MAX: usize = 1024;

/// What changed in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorityEvent {
    /// A region joined, and waits for its second yes.
    Joined(RegionNo),
    /// It got it.
    Accepted(RegionNo),
    /// It has another name.
    Renamed(RegionNo),
    /// It was removed: its key is dead, its sessions must be closed.
    Removed(RegionNo),
    /// It got a new certificate.
    Certified(RegionNo),
    /// It says of itself what was not known: its cloud, its host, its agent's release.
    Introduced(RegionNo),
}

/// The federation's authority, on behalf of somebody. Cheap to clone.
#[derive(Clone)]
pub struct Authority(Arc<Inner>, Arc<By>);

struct Inner {
    store: Store,
    clock: Clock,
    founding: Founding,
    regions_max: u32,
    ca: Ca,
    key: BoundKey,
    reset_key: Zeroizing<[u8; RESET_KEY_BYTES]>,
    own: Arc<Slot<LinkCredential>>,
    events: broadcast::Sender<AuthorityEvent>,
    joins: Mutex<JoinLimiter>,
    recoveries: Mutex<Limiter<RegionId>>,
    renewals: Mutex<Limiter<RegionNo>>,
    strangers: Mutex<admission::Strangers>,
}

impl Authority {
    /// Makes a new federation in the private data directory `dir`, and notes it in the store.
    ///
    /// An attempt that was interrupted is carried on with the same ids. Nothing that is there is
    /// ever overwritten.
    ///
    /// # Errors
    /// [`AuthorityError::Founded`] if there is one already; else the step that failed.
    pub async fn init(dir: &Path, store: &Store, clock: &Clock) -> Result<Founded, AuthorityError> {
        founding::init(dir, store, clock).await
    }

    /// Opens the federation in `dir`, and certifies this hub anew.
    ///
    /// # Errors
    /// [`AuthorityError::Unfounded`] if there is none yet; else the step that failed.
    pub async fn open(
        dir: &Path,
        store: Store,
        clock: Clock,
        regions_max: u32,
    ) -> Result<Self, AuthorityError> {
        let opened = founding::open(dir, &store).await?;
        let now_secs = clock.unix_millis().as_secs();
        let own = own::certify(&opened.ca, &opened.key, opened.founding.hub, now_secs)?;
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let inner = Inner {
            store,
            clock,
            founding: opened.founding,
            regions_max,
            ca: opened.ca,
            key: opened.key,
            reset_key: opened.reset_key,
            own: Slot::new(own),
            events,
            joins: Mutex::new(JoinLimiter::new()),
            recoveries: Mutex::new(admission::recovery_limiter(regions_max)),
            renewals: Mutex::new(admission::renewal_limiter(regions_max)),
            strangers: Mutex::new(admission::strangers()),
        };
        Ok(Self(Arc::new(inner), Arc::new(By::new("hub", "itself"))))
    }

    /// The same, on behalf of somebody: what is asked of it from then on is his in the audit trail.
    #[must_use]
    pub fn by(&self, by: By) -> Self {
        Self(Arc::clone(&self.0), Arc::new(by))
    }

    /// On whose behalf, for the audit trail.
    fn on_behalf(&self) -> By {
        By::clone(&self.1)
    }

    /// The TLS configuration for agents' links and joins. It shows the newest of this hub's
    /// certificates by itself.
    ///
    /// # Errors
    /// If TLS can't be set up.
    pub fn link_server_config(&self) -> Result<ServerTls, AuthorityError> {
        let anchors = TrustAnchors::of(self.anchor().clone());
        let clock = self.0.clock.clone();
        let clock = TlsClock::from_fn(move || clock.unix_millis().as_secs());
        link_server(&anchors, &self.0.own, &clock).map_err(AuthorityError::Tls)
    }

    /// What sessions greet with.
    pub fn hub_facts(&self) -> HubFacts {
        let founding = &self.0.founding;
        HubFacts {
            federation: founding.federation,
            epoch: founding.epoch,
            path: vec![founding.hub],
        }
    }

    /// The key for stateless resets, the same after each restart.
    pub fn stateless_reset_key(&self) -> &[u8; RESET_KEY_BYTES] {
        &self.0.reset_key
    }

    /// The CA's certificate.
    pub fn anchor(&self) -> &Anchor {
        self.0.ca.anchor()
    }

    /// SHA-256 of this hub's own key.
    pub fn hub_fingerprint(&self) -> Fingerprint {
        self.0.key.fingerprint()
    }

    /// Issues a certificate for the console, where the site gave none of its own.
    ///
    /// # Errors
    /// If it can't be signed.
    pub fn issue_web(
        &self,
        key: &PublicKey,
        names: &WebNames,
    ) -> Result<IssuedCertificate, AuthorityError> {
        let now_secs = self.0.clock.unix_millis().as_secs();
        let serial = Serial::generate().map_err(AuthorityError::Random)?;
        self.0
            .ca
            .issue_web(key, names, serial, now_secs)
            .map_err(AuthorityError::Issue)
    }

    /// What changes from now on. See the module's page for what a receiver that lags must do.
    pub fn events(&self) -> broadcast::Receiver<AuthorityEvent> {
        self.0.events.subscribe()
    }

    /// Every region that was not removed, by name.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn regions(&self) -> Result<Vec<RegionRow>, AuthorityError> {
        Ok(self.0.store.read(|it| it.regions()).await?)
    }

    /// Whether a join or recovery from this address may be read now: asked before anything is
    /// decoded or verified.
    ///
    /// # Errors
    /// [`Refused::TooMany`], with the time to wait.
    pub fn allow_join(&self, source: IpAddr) -> Result<(), Refused> {
        let now = self.0.clock.now();
        let mut joins = self.0.joins.lock().unwrap_or_else(PoisonError::into_inner);
        joins
            .admit(now, source)
            .map_err(|wait| Refused::TooMany { wait })
    }
}

impl Inner {
    fn tell(&self, event: AuthorityEvent) {
        // Without receivers nobody needs to know.
        let _ = self.events.send(event);
    }
}

#[cfg(test)]
mod tests;
