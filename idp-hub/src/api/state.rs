//! What the handlers work with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::runtime::clock::Clock;
use shared::runtime::logs::LogLimiter;
use shared::runtime::shutdown::Shutdown;
use shared::runtime::tasks::TaskGroup;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::directory::Seen;
use super::documents::RegionDocument;
use super::limiter::SignInLimiter;
use super::passwords::{PasswordError, Passwords};
use super::per_asker::PerAsker;
use super::users::{Asking, Lockout, Refusals, Regions, SignIns};
use super::visits::{Comer, Visits};
use crate::adoption::Adopter;
use crate::authority::Authority;
use crate::config::HostPort;
use crate::downlink::Registry;
use crate::metrics::Metrics;
use crate::overview::{FleetBoard, ShownRegion};
use crate::store::Store;
use crate::store::directory::Counts;

/// The audit has a line for each way of refusing an action, also a sign-in, once in this time, with
/// the count of the others.
const REFUSED_WINDOW: Duration = Duration::from_secs(60);

/// Who has no right at all may ask all day long, and must not push out what the trail has: with so
/// long a window all routes together make a few hundred thousand entries in the time they are kept.
const ASKED_WINDOW: Duration = Duration::from_secs(3600);

/// New passwords that a user gives himself, each with an entry, and after them one in so long.
const OWN_PASSWORDS_AT_ONCE: u32 = 10;
const OWN_PASSWORD_EACH: Duration = Duration::from_secs(3600);

/// Routes that are told apart: more than there are.
const ASKED_MAX: usize = 256;

/// Actions in the audit trail, each with the ways of refusing it: more than there are.
const REFUSALS_MAX: usize = 256;

/// What the API is made of.
pub struct ApiParts {
    /// The hub's store.
    pub store: Store,
    /// What is shown of the fleet.
    pub board: FleetBoard,
    /// The live sessions.
    pub registry: Registry,
    /// Who may join.
    pub authority: Authority,
    /// Adopts agents.
    pub adopter: Adopter,
    /// The clocks.
    pub clock: Clock,
    /// The stop.
    pub shutdown: Shutdown,
    /// One task for each follower of events.
    pub followers: TaskGroup,
    /// One task for each adoption that goes on.
    pub adoptions: TaskGroup,
    /// One task for each credential that goes to a region.
    pub credentials: TaskGroup,
    /// The metrics.
    pub metrics: Metrics,
    /// What agents are told to dial.
    pub link_address: HostPort,
    /// How long after it came a sign-in as a user is refused, at the soonest.
    pub refused_after: Duration,
}

/// What the handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Inner>);

pub(super) struct Inner {
    pub(super) parts: ApiParts,
    pub(super) passwords: Passwords,
    limiter: Mutex<SignInLimiter>,
    /// Of which the audit has heard, by action and reason.
    refusals: Mutex<LogLimiter<(String, &'static str)>>,
    /// The same of what is for cloud administrators alone, by route and for longer.
    asked: Mutex<LogLimiter<String>>,
    /// Comings and goings of which the audit has heard, by who it was.
    visits: Mutex<Visits>,
    /// New passwords that users gave themselves.
    own_passwords: Mutex<PerAsker>,
    /// One check of the audit trail at a time: it reads all of it.
    verifying: Semaphore,
    /// One count of what is in what was retired at a time: it reads whole inventories.
    counting: Semaphore,
    /// What it counted.
    counts: Arc<Counts>,
    /// One look at what somebody shifts at a time: it reads all that a region has, and who may only
    /// shift must not take all readers.
    shifting: Arc<Semaphore>,
    /// Tells this life of the hub from others: versions of the board begin anew with each.
    pub(super) life: u64,
    seen: Arc<Seen>,
    lockout: Mutex<Lockout>,
    /// Whom the hub did not let in, when last.
    not_let_in: Mutex<Refusals>,
    regions: Arc<dyn Regions>,
    /// Sign-ins that wait for regions.
    asking: Asking,
    /// Sign-ins as users, until what came of them is told.
    sign_ins: SignIns,
}

impl ApiState {
    /// Blocks for some 30 ms.
    ///
    /// # Errors
    /// If the system gives no random salt.
    pub fn new(parts: ApiParts) -> Result<Self, PasswordError> {
        let regions = Arc::new(parts.registry.clone());
        Self::with_regions(parts, regions)
    }

    /// As [`new`](Self::new), where others than the live sessions are asked about passwords.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_regions(parts: ApiParts, regions: Arc<dyn Regions>) -> Result<Self, PasswordError> {
        Ok(Self(Arc::new(Inner {
            sign_ins: SignIns::new(parts.refused_after),
            parts,
            passwords: Passwords::new()?,
            limiter: Mutex::default(),
            refusals: Mutex::new(LogLimiter::new(REFUSED_WINDOW, REFUSALS_MAX)),
            asked: Mutex::new(LogLimiter::new(ASKED_WINDOW, ASKED_MAX)),
            visits: Mutex::default(),
            own_passwords: Mutex::new(PerAsker::new(OWN_PASSWORDS_AT_ONCE, OWN_PASSWORD_EACH)),
            verifying: Semaphore::new(1),
            counting: Semaphore::new(1),
            shifting: Arc::new(Semaphore::new(1)),
            counts: Arc::default(),
            life: rand::random(),
            seen: Arc::default(),
            lockout: Mutex::default(),
            not_let_in: Mutex::default(),
            regions,
            asking: Asking::default(),
        })))
    }

    pub(super) fn limiter<T>(&self, with: impl FnOnce(&mut SignInLimiter) -> T) -> T {
        with(
            &mut self
                .0
                .limiter
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// How many actions like this were refused in this way without a word in the audit, if this one
    /// may have one: anybody may be refused as often as he likes.
    pub(super) fn admit_refusal(&self, action: &str, reason: &'static str) -> Option<u64> {
        let refused = &self.0.refusals;
        let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.admit(self.clock.now(), (action.to_owned(), reason))
    }

    /// The same for routes that are for cloud administrators alone.
    pub(super) fn admit_asked(&self, route: &str) -> Option<u64> {
        let asked = &self.0.asked;
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.admit(self.clock.now(), route.to_owned())
    }

    /// How often he came or went without a word in the audit, if this time may have one.
    pub(super) fn admit_visit(&self, comer: Comer, asker: &str) -> Option<u64> {
        let visits = self.0.visits.lock();
        let mut visits = visits.unwrap_or_else(PoisonError::into_inner);
        visits.admit(self.clock.now(), comer, asker)
    }

    /// Whether a user may give himself another password now; else how long he has to wait.
    pub(super) fn admit_own_password(&self, user: &str) -> Result<(), Duration> {
        let passwords = self.0.own_passwords.lock();
        let mut passwords = passwords.unwrap_or_else(PoisonError::into_inner);
        passwords.admit(self.clock.now(), user).map(drop)
    }

    /// The one that he was to have is none.
    pub(super) fn give_back_own_password(&self, user: &str) {
        let passwords = self.0.own_passwords.lock();
        let mut passwords = passwords.unwrap_or_else(PoisonError::into_inner);
        passwords.give_back(user);
    }

    pub(super) fn verifying(&self) -> &Semaphore {
        &self.0.verifying
    }

    /// The turn to look at a shift, which the reading keeps, as it goes on where whoever asked is
    /// gone. Waiting for it holds no reader.
    pub(super) async fn shifting(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.0.shifting).acquire_owned().await.ok()
    }

    /// What is in what was retired, and the turn to count it. Waiting for it holds no reader.
    pub(super) async fn counts(&self) -> (Arc<Counts>, Option<SemaphorePermit<'_>>) {
        // It is never closed.
        let turn = self.0.counting.acquire().await.ok();
        (Arc::clone(&self.0.counts), turn)
    }
}

impl std::ops::Deref for ApiState {
    type Target = ApiParts;

    fn deref(&self) -> &ApiParts {
        &self.0.parts
    }
}

impl ApiState {
    /// A region as it is shown now.
    pub(super) fn document(&self, region: &ShownRegion) -> RegionDocument {
        RegionDocument::new(region, self.registry.heard(region.view.no))
    }

    pub(super) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(super) fn seen(&self) -> &Arc<Seen> {
        &self.0.seen
    }

    pub(super) fn lockout<T>(&self, with: impl FnOnce(&mut Lockout) -> T) -> T {
        let lockout = self.0.lockout.lock();
        with(&mut lockout.unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn refusals<T>(&self, with: impl FnOnce(&mut Refusals) -> T) -> T {
        let refusals = self.0.not_let_in.lock();
        with(&mut refusals.unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn regions(&self) -> &dyn Regions {
        &*self.0.regions
    }

    pub(super) fn asking(&self) -> &Asking {
        &self.0.asking
    }

    pub(super) fn sign_ins(&self) -> &SignIns {
        &self.0.sign_ins
    }

    pub(super) fn life(&self) -> u64 {
        self.0.life
    }
}
