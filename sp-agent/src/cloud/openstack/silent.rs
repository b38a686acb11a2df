//! Departments whose directory server did not answer when it was asked last: they are asked after
//! all others, so that these have their turn before the patience with those is spent.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::model::CloudId;

/// Those departments, as far as there are such: at most those that there are and were.
#[derive(Debug, Default)]
pub(super) struct Silent(Mutex<BTreeSet<CloudId>>);

impl Silent {
    pub(super) fn has(&self, department: &CloudId) -> bool {
        self.all().contains(department)
    }

    pub(super) fn answered(&self, department: &CloudId) {
        self.all().remove(department);
    }

    pub(super) fn failed(&self, department: &CloudId) {
        let mut all = self.all();
        if !all.contains(department) {
            all.insert(department.clone());
        }
    }

    /// Never held while anything is awaited.
    fn all(&self) -> MutexGuard<'_, BTreeSet<CloudId>> {
        // Each change of it is a single one, so a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
