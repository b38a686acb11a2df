//! Records that are asked for one by one: one that can't be read must not cost the others.

use super::client::GivenUp;
use crate::cloud::{CloudError, Incomplete};

/// Failures in a row that are no longer some records' trouble but the service's.
const FAILURES_IN_A_ROW_MAX: u64 = 50;

/// A question that was not answered in time counts as so many of them, because each costs half a
/// minute.
const SLOW_ONE: u64 = 10;

/// How a pass over single records goes.
#[derive(Debug)]
pub(super) struct Singles {
    what: &'static str,
    of: u64,
    failed: u64,
    in_a_row: u64,
    first: Option<(String, CloudError)>,
}

impl Singles {
    /// `what` they are, in the plural.
    pub(super) const fn new(what: &'static str) -> Self {
        Self {
            what,
            of: 0,
            failed: 0,
            in_a_row: 0,
            first: None,
        }
    }

    /// Takes one record's answer; `None` if that one can't be read.
    ///
    /// # Errors
    /// If asking for the others would be in vain; that one counts as failed all the same.
    pub(super) fn take<T>(
        &mut self,
        answer: Result<T, GivenUp>,
        name: impl FnOnce() -> String,
    ) -> Result<Option<T>, CloudError> {
        let GivenUp {
            error, is_too_much, ..
        } = match answer {
            Ok(record) => {
                self.read();
                return Ok(Some(record));
            }
            Err(given_up) => given_up,
        };
        self.failed(&error, name);
        self.in_a_row += if is_too_much { SLOW_ONE } else { 1 };
        // The service's, or the credential's: any other record meets it too.
        let is_shared = match &error {
            CloudError::Unreachable { .. } => true,
            CloudError::Status { status, .. } => *status == 503,
            error => is_of_all(error),
        };
        match is_shared && !is_too_much || self.in_a_row >= FAILURES_IN_A_ROW_MAX {
            true => Err(error),
            false => Ok(None),
        }
    }

    /// Counts one that was read.
    pub(super) const fn read(&mut self) {
        self.of += 1;
        self.in_a_row = 0;
    }

    /// Counts one that can't be read, where somebody else decides whether the others can.
    pub(super) fn failed(&mut self, error: &CloudError, name: impl FnOnce() -> String) {
        self.of += 1;
        self.failed += 1;
        self.first.get_or_insert_with(|| (name(), error.clone()));
    }

    /// Counts a record as failed that is not asked for, after others were in vain.
    pub(super) const fn pass_over(&mut self) {
        self.of += 1;
        self.failed += 1;
    }

    /// Whether the first failure is that the account may not ask.
    pub(super) const fn is_forbidden(&self) -> bool {
        matches!(self.first, Some((_, CloudError::Forbidden { .. })))
    }

    /// The pass came to its end: which records could not be read, if not all could.
    pub(super) fn end(self) -> Option<Incomplete> {
        let (first, source) = self.first?;
        Some(Incomplete {
            what: self.what,
            failed: self.failed,
            of: self.of,
            first,
            source,
        })
    }
}

/// Whether an error is the credential's or the client's, so that any other question meets it too,
/// or asks for patience: whoever does counts all questions of this account, and the next one would
/// not wait.
pub(super) const fn is_of_all(error: &CloudError) -> bool {
    match error {
        CloudError::Unauthorized { .. }
        | CloudError::CredentialRefused { .. }
        | CloudError::Throttled { .. }
        | CloudError::Missing { .. }
        | CloudError::Unmanaged
        | CloudError::Stopped => true,
        CloudError::Unreachable { .. }
        | CloudError::Forbidden { .. }
        | CloudError::Conflict { .. }
        | CloudError::Refused { .. }
        | CloudError::Occupied { .. }
        | CloudError::Status { .. }
        | CloudError::Malformed { .. } => false,
    }
}
