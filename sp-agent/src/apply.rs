//! Applies: what the directory says, less what the cloud has, as orders to the cloud.
//!
//! ```text
//! replica (the hub's word) ─▶ ┌────────────┐ ─▶ orders ─▶ cloud ─▶ notes, then records ─▶ spool
//! base (applied last)      ─▶ │ Reconciler │
//! actual (read last)       ─▶ └────────────┘ ─▶ progress, remarks: in place, failed, drift
//! ```
//!
//! The [`Reconciler`] is pure. It compares three ways, one thing at a time: what changed at the hub
//! since it was applied is written; what changed in the cloud alone is drift, reported and not
//! written over. What the hub says nothing of stays. A thing that is not in the cloud any more is
//! not made again unless somebody says so, and only what the hub says was deleted is removed.
//! [`driver`] carries orders to the cloud and news back.

mod actual;
mod administrators;
mod alarms;
mod batch;
mod beforehand;
mod bounds;
mod breaker;
mod changes;
mod circles;
mod compare;
mod coverage;
mod doubts;
pub mod driver;
mod ended;
mod failures;
mod found;
mod hindered;
mod inputs;
mod late;
mod left;
mod link_ends;
mod links;
mod looks;
mod met;
mod missed;
mod objects;
mod own;
mod pace;
mod passwords;
mod places;
mod progress;
mod purge;
mod put_back;
mod quotas;
mod reach;
mod readings;
mod refused;
mod remarks;
mod rests;
mod rights;
mod settle;
mod subject;
mod switching;
mod taken;
#[cfg(test)]
mod tests;
mod turns;
mod unlisted;
mod verdict;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use shared::ids::FederationId;
use shared::model::{Administration, CloudId, RecordKind, UnixMillis};

use crate::cloud::Hindrance;
use crate::replica::{Base, Bound, Note, Replica};

pub use crate::cloud::Policy;
pub use actual::{Actual, Touched, Traits};
pub use batch::{Batch, Change, Outcome, Task};
pub use bounds::REMOVALS_PERIOD;
pub use driver::{Apply, Audit, Keep, News, Report, StoreError, Unseal};
pub use found::Found;
pub use met::FoundDone;
pub use progress::{Failed, Progress};
pub use subject::{Difference, Drift, Level, Standing, Subject, Wait, Why};

/// Decides what is to be done in a cloud, so that it becomes what the directory says.
#[derive(Debug)]
pub struct Reconciler {
    federation: FederationId,
    /// When it was made.
    began: Instant,
    /// Where the federation's own administrators have their role.
    administration: Administration,
    policy: Policy,
    replica: Replica,
    base: Base,
    actual: Actual,
    places: places::Places,
    /// What refers to each thing of the directory, and is looked at again when that comes or goes.
    referrers: BTreeMap<places::There, BTreeSet<Subject>>,
    /// Departments that are not in common custody.
    reserved: BTreeSet<CloudId>,
    /// What is the administrator's: the few things by which the federation works here.
    administrators: BTreeSet<places::Here>,
    /// Drift that is to be written over: the one of this digest, or whatever it is.
    put_back: BTreeMap<Subject, Option<[u8; 16]>>,
    /// What ended, and stays here all the same.
    left: BTreeSet<places::There>,
    /// What ended, and lives all the same by the word of a hub of an older backup.
    revived: BTreeSet<places::There>,
    /// Links that were being made when the agent stopped.
    begun: BTreeSet<CloudId>,
    /// To be looked at.
    dirty: BTreeSet<Subject>,
    standings: BTreeMap<Subject, Standing>,
    tally: progress::Tally,
    /// What is due, in the order in which it is given.
    ready: BTreeMap<Level, BTreeSet<Subject>>,
    /// What is due as well, and was refused.
    refused: refused::Refused,
    failures: failures::Failures,
    /// Whether somebody may be a cloud administrator of whom nobody knows; found when it is asked
    /// for, and forgotten when something changes in the cloud.
    hidden: OnceCell<bool>,
    /// What the hub was told, by the ids of the remarks.
    remarked: BTreeMap<CloudId, Subject>,
    /// What could not be read last time.
    hindrances: BTreeMap<RecordKind, Hindrance>,
    breaker: breaker::Breaker,
    doubts: BTreeMap<Subject, doubts::Doubt>,
    missed: missed::Missed,
    removals: bounds::Given,
    withdrawals: bounds::Given,
    rests: rests::Rests,
    /// Passwords that may still arrive at the cloud.
    lates: late::Lates,
    /// What was found empty, and by which word of the hub's. Bounded by what the hub wants purged.
    empty: BTreeMap<Subject, (CloudId, UnixMillis)>,
    pace: pace::Pace,
    /// When a project was made last.
    project_made: Option<Instant>,
    /// What was done and never answered.
    met: met::Met,
    /// Noted here, and not yet kept.
    notes: Vec<Note>,
}

impl Reconciler {
    /// Begins with what was applied last, and knows nothing yet of directory and cloud.
    pub fn new(federation: FederationId, policy: Policy, base: Base, now: Instant) -> Self {
        Self {
            federation,
            began: now,
            administration: Administration::of(federation),
            policy,
            replica: Replica::default(),
            places: places::Places::new(federation, &base),
            begun: beforehand::begun(&base),
            removals: bounds::Given::resumed(now, &base, Bound::Removals),
            withdrawals: bounds::Given::resumed(now, &base, Bound::Withdrawals),
            lates: late::Lates::resumed(now, &base),
            base,
            actual: Actual::default(),
            referrers: BTreeMap::new(),
            reserved: BTreeSet::new(),
            administrators: BTreeSet::new(),
            put_back: BTreeMap::new(),
            left: BTreeSet::new(),
            revived: BTreeSet::new(),
            dirty: BTreeSet::new(),
            standings: BTreeMap::new(),
            tally: progress::Tally::default(),
            ready: BTreeMap::new(),
            refused: refused::Refused::default(),
            failures: failures::Failures::default(),
            hidden: OnceCell::new(),
            remarked: BTreeMap::new(),
            hindrances: BTreeMap::new(),
            breaker: breaker::Breaker::default(),
            doubts: BTreeMap::new(),
            missed: missed::Missed::default(),
            rests: rests::Rests::default(),
            empty: BTreeMap::new(),
            pace: pace::Pace::default(),
            project_made: None,
            met: met::Met::default(),
            notes: Vec::new(),
        }
    }

    /// What is known of the cloud.
    pub const fn actual(&self) -> &Actual {
        &self.actual
    }

    /// What was applied.
    pub const fn base(&self) -> &Base {
        &self.base
    }

    /// How a subject stands, as of the last batch; `None` where it is none of the federation's
    /// business.
    pub fn standing(&self, subject: &Subject) -> Option<&Standing> {
        self.standings.get(subject)
    }

    fn is_put_back(&self, subject: &Subject) -> bool {
        self.put_back.contains_key(subject)
    }
}
