//! What is shown of a region, and of all of them.

use std::collections::BTreeMap;

use shared::ids::RegionId;
use shared::model::{CloudDescription, Service, UnixMillis};
use shared::pki::Fingerprint;
use shared::wire::frame::{Goodbye, Standing};

use super::{Condition, Reason, RegionNo, State};

/// What the registry knows of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its id, the federation's own.
    pub id: RegionId,
    /// Its name.
    pub name: String,
    /// Whether the hub's administrator has confirmed it.
    pub standing: Standing,
    /// SHA-256 of its bound key.
    pub fingerprint: Fingerprint,
    /// What its cloud is.
    pub cloud: CloudDescription,
    /// Its agent's release.
    pub software: String,
    /// Its agent's host name.
    pub host: String,
    /// When it joined.
    pub joined: UnixMillis,
    /// When it was last heard, as the store has it.
    pub seen: UnixMillis,
    /// When its newest certificate expires, unix seconds.
    pub not_after: u64,
    /// How often it got a certificate by its bound key alone.
    pub recoveries: u32,
    /// How its agent took its leave in the newest session, if it did.
    pub goodbye: Option<Goodbye>,
}

/// What is shown of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionView {
    /// Its number.
    pub no: RegionNo,
    /// What the registry knows. `seen` is as fresh as is known here: the newest of a session's
    /// beginning, its end, and its newest batch.
    pub facts: Facts,
    /// Its state, why, and since when.
    pub condition: Condition,
    /// What to do, in English; empty when it is healthy.
    pub next_step: String,
    /// Whether a session is open.
    pub online: bool,
    /// Whether health and inventory are complete.
    pub live: bool,
    /// When a batch was last committed.
    pub fresh: UnixMillis,
    /// The services that don't answer or are missing.
    pub troubles: Vec<Service>,
}

/// How many regions are in each state, and have each reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    states: [u32; State::ALL.len()],
    reasons: BTreeMap<Reason, u32>,
}

impl Counts {
    /// Regions in a state.
    pub fn of(&self, state: State) -> u32 {
        // A state's place is its number.
        self.states.get(state as usize).copied().unwrap_or(0)
    }

    /// Regions that were not removed.
    pub fn registered(&self) -> u32 {
        State::ALL
            .into_iter()
            .filter(|state| *state != State::Removed)
            .map(|state| self.of(state))
            .sum()
    }

    /// Regions in each state, zero included.
    pub fn states(&self) -> impl Iterator<Item = (State, u32)> {
        State::ALL.into_iter().zip(self.states)
    }

    /// Regions for each reason, zero included, so that a gauge falls back to it.
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, u32)> {
        let count = |reason: &Reason| self.reasons.get(reason).copied().unwrap_or(0);
        Reason::ALL
            .iter()
            .map(move |reason| (*reason, count(reason)))
    }

    pub(super) fn add(&mut self, condition: &Condition) {
        if let Some(count) = self.states.get_mut(condition.state as usize) {
            *count += 1;
        }
        *self.reasons.entry(condition.reason).or_default() += 1;
    }

    pub(super) fn subtract(&mut self, condition: &Condition) {
        if let Some(count) = self.states.get_mut(condition.state as usize) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.reasons.get_mut(&condition.reason) {
            *count = count.saturating_sub(1);
        }
    }
}
