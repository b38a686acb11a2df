//! What the handlers work with.

use std::sync::{Arc, Mutex, PoisonError};

use shared::runtime::clock::Clock;
use shared::runtime::shutdown::Shutdown;
use shared::runtime::tasks::TaskGroup;

use super::documents::RegionDocument;
use super::limiter::SignInLimiter;
use super::passwords::{PasswordError, Passwords};
use crate::adoption::Adopter;
use crate::authority::Authority;
use crate::config::HostPort;
use crate::downlink::Registry;
use crate::metrics::Metrics;
use crate::overview::{FleetBoard, ShownRegion};
use crate::store::Store;

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
    /// The metrics.
    pub metrics: Metrics,
    /// What agents are told to dial.
    pub link_address: HostPort,
}

/// What the handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Inner>);

pub(super) struct Inner {
    pub(super) parts: ApiParts,
    pub(super) passwords: Passwords,
    limiter: Mutex<SignInLimiter>,
    /// Tells this life of the hub from others: versions of the board begin anew with each.
    pub(super) life: u64,
}

impl ApiState {
    /// Blocks for some 30 ms.
    ///
    /// # Errors
    /// If the system gives no random salt.
    pub fn new(parts: ApiParts) -> Result<Self, PasswordError> {
        Ok(Self(Arc::new(Inner {
            parts,
            passwords: Passwords::new()?,
            limiter: Mutex::default(),
            life: rand::random(),
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

    pub(super) fn life(&self) -> u64 {
        self.0.life
    }
}
