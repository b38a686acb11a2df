//! A whole reading of a part of a cloud, as it is told to who waits for it.

use std::collections::BTreeSet;
use std::time::Instant;

use shared::model::CloudId;

/// A reading that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When it began: what was made after that it may have passed by.
    pub began: Instant,
    /// Departments of whose part it tells nothing: what is missing there may be there.
    pub lacks: BTreeSet<CloudId>,
}

impl From<Instant> for Reading {
    /// One that lacks nothing.
    fn from(began: Instant) -> Self {
        let lacks = BTreeSet::new();
        Self { began, lacks }
    }
}
