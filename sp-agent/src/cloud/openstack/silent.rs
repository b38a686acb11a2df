//! Departments whose directory server did not answer when it was asked last: they are asked after
//! all others, so that these have their turn before the patience with those is spent.
//!
//! Each collection by itself: Keystone has the roles of a department in its own database, and
//! answers for them while the department's directory server hangs.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::model::CloudId;

type All = BTreeSet<(&'static str, CloudId)>;

/// Those departments, as far as there are such: at most those that there are and were.
#[derive(Debug, Default)]
pub(super) struct Silent(Mutex<All>);

impl Silent {
    pub(super) fn has(&self, collection: &'static str, department: &CloudId) -> bool {
        self.all().contains(&(collection, department.clone()))
    }

    pub(super) fn answered(&self, collection: &'static str, department: &CloudId) {
        self.all().remove(&(collection, department.clone()));
    }

    pub(super) fn failed(&self, collection: &'static str, department: &CloudId) {
        self.all().insert((collection, department.clone()));
    }

    /// Never held while anything is awaited.
    fn all(&self) -> MutexGuard<'_, All> {
        // Each change of it is a single one, so a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
