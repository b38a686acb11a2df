//! A whole reading of a part of a cloud, as it is told to who waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use shared::model::{CloudId, RecordKind};

/// Departments and groups that a reading tells of, or does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Departments, with all of the part that is in them; of memberships, those of their groups.
    pub departments: BTreeSet<CloudId>,
    /// Groups, with their members.
    pub groups: BTreeSet<CloudId>,
}

impl Reach {
    /// Whether it is of nothing.
    pub fn is_empty(&self) -> bool {
        self.departments.is_empty() && self.groups.is_empty()
    }

    /// Whether what is in a department may be in one of these. `None` is nobody knows in which.
    pub fn may_have(&self, department: Option<&CloudId>) -> bool {
        match department {
            Some(it) => self.departments.contains(it),
            None => !self.departments.is_empty(),
        }
    }
}

/// Departments whose lists were cut, each with what came of it: what is missing there may be there,
/// and what did not come may be gone.
pub type Cut = BTreeMap<CloudId, BTreeSet<CloudId>>;

/// A reading that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When it began: what was made after that it may have passed by.
    pub began: Instant,
    /// Of whose part it tells nothing: what is missing there may be there.
    pub lacks: Reach,
    /// Of whose part it tells all; nothing where a part is not read department by department.
    pub tells: Arc<Reach>,
    /// Of whose part it tells some.
    pub cut: Arc<Cut>,
}

impl From<Instant> for Reading {
    /// One that lacks nothing.
    fn from(began: Instant) -> Self {
        Self {
            began,
            lacks: Reach::default(),
            tells: Arc::default(),
            cut: Arc::default(),
        }
    }
}

/// Kinds of records of which readings are needed: of each by one that begins then or later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Something is not done before.
    pub at_once: BTreeMap<RecordKind, Instant>,
    /// It is worth a reading before its time, and not one after the other: whoever may take links
    /// away in the cloud causes these.
    pub soon: BTreeMap<RecordKind, Instant>,
}
