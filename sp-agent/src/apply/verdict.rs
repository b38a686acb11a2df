//! What is found about one subject.

use shared::ids::ObjectId;
use shared::model::{CloudId, ObjectKind, UnixMillis};

use super::compare::enabled;
use super::subject::{Drift, Level, Wait};
use crate::cloud::Order;
use crate::replica::{Note, SetLimits, SetPassword, Was};

/// How a subject is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is none of the federation's business.
    Nothing(Option<Note>),
    /// As it should be.
    InPlace(Option<Note>),
    /// This is to be done.
    Due(Box<Due>),
    /// Something else comes first.
    Waiting(Wait),
    /// It differs, and stays so.
    Drift(Drift),
    /// Somebody has to do something else first.
    Blocked(String),
}

/// What is to be done, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) level: Level,
    pub(super) order: Order,
    pub(super) done: Done,
}

impl Due {
    /// Whether something that is on is switched off by it.
    pub(super) fn switches_off(&self) -> bool {
        match &self.order {
            Order::Update { from, to, .. } => {
                enabled(from) == Some(true) && enabled(to) == Some(false)
            }
            _ => false,
        }
    }
}

/// What is noted once it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    /// This was applied, as of this record of the directory.
    Applied(ObjectKind, ObjectId, Was),
    /// It is a step on the way, and is looked at again.
    Step(ObjectKind, ObjectId),
    /// This is gone.
    Gone(ObjectKind, ObjectId),
    /// This was found empty, as this word of the hub's asks.
    Empty(CloudId, UnixMillis),
    /// This link is there, or is not any more.
    Link(CloudId, bool),
    /// This user has this password.
    Password(ObjectId, SetPassword),
    /// The limits of this record were set.
    Limits(CloudId, SetLimits),
}
