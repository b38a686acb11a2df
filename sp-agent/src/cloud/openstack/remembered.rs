//! What a service told last of each record, for the time when it does not answer.
//!
//! A record may need a second question, for figures of its own, and that one may fail where the
//! list was read. Then the record goes on being told, with the figures that it was told with last.
//! Where there are none, since the start, it can't be told rightly, and what is held of it stays.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::model::CloudId;

use super::client::GivenUp;
use super::singles::Singles;
use crate::cloud::Incomplete;

/// The figures that each record was told with last.
#[derive(Debug)]
pub(super) struct Remembered<T>(Mutex<HashMap<CloudId, T>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Remembered<T> {
    /// Never held while anything is awaited.
    fn known(&self) -> MutexGuard<'_, HashMap<CloudId, T>> {
        // Each change of it is a single one, so a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One pass over records that are told with figures of their own.
#[derive(Debug)]
pub(super) struct Figures<'a, T> {
    remembered: &'a Remembered<T>,
    singles: Singles,
    met: HashSet<CloudId>,
    in_vain: bool,
}

impl<'a, T: Copy> Figures<'a, T> {
    /// `what` the figures are, in the plural.
    pub(super) fn new(what: &'static str, remembered: &'a Remembered<T>) -> Self {
        Self {
            remembered,
            singles: Singles::new(what),
            met: HashSet::new(),
            in_vain: false,
        }
    }

    /// Whether asking is in vain for the rest of the pass: a thousand records would each wait.
    pub(super) const fn is_in_vain(&self) -> bool {
        self.in_vain
    }

    /// Whether the account may not ask.
    pub(super) const fn is_forbidden(&self) -> bool {
        self.singles.is_forbidden()
    }

    /// The figures that a record is told with; `None` if it can't be told. `answer` is `None` where
    /// nothing was asked, because it is in vain.
    pub(super) fn settle(
        &mut self,
        (id, name): (&CloudId, &str),
        answer: Option<Result<T, GivenUp>>,
    ) -> Option<T> {
        self.met.insert(id.clone());
        let name = || format!("{name} ({id})");
        let told = match answer {
            Some(answer) => self.singles.take(answer, name).unwrap_or_else(|error| {
                tracing::debug!(%error, "figures are not asked for again in this pass");
                self.in_vain = true;
                None
            }),
            None => {
                self.singles.pass_over();
                None
            }
        };
        let mut known = self.remembered.known();
        match told {
            Some(figures) => {
                known.insert(id.clone(), figures);
                Some(figures)
            }
            None => known.get(id).copied(),
        }
    }

    /// The pass came to its end: what could not be read. Forgets the records that it did not meet.
    pub(super) fn end(self) -> Option<Incomplete> {
        self.remembered
            .known()
            .retain(|id, _| self.met.contains(id));
        self.singles.end()
    }
}
