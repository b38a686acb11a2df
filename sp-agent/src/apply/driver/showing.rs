//! Shows how far it is, and says what the hub should hear of.

use std::time::{Duration, Instant};

use super::Run;

/// Progress is shown so often at most while much changes.
const SHOW_EVERY: Duration = Duration::from_millis(250);

/// Remarks are made so often at most: each change of them is a commit of the spool, and goes to the
/// hub.
const REMARK_EVERY: Duration = Duration::from_secs(1);

impl Run {
    /// Shows how far it is, not too often; returns when to show it next.
    pub(super) fn show(&mut self) -> Option<Instant> {
        let now = self.it.clock.now();
        let due = self.shown_at.and_then(|it| it.checked_add(SHOW_EVERY));
        if let Some(due) = due.filter(|it| now < *it) {
            return Some(due);
        }
        let progress = self.core.progress(now);
        let is_new = self.it.progress.send_if_modified(|shown| {
            let is_new = *shown != progress;
            *shown = progress;
            is_new
        });
        // What did not change is not looked at again before something happens.
        self.shown_at = is_new.then_some(now);
        None
    }

    /// Says what the hub should hear of, not too often; returns when to look again.
    pub(super) fn remark(&mut self) -> Option<Instant> {
        let now = self.it.clock.now();
        let due = self.remarked_at;
        let due = due.and_then(|it| it.checked_add(REMARK_EVERY));
        if let Some(due) = due.filter(|it| now < *it) {
            return Some(due);
        }
        let remarks = Some(match self.is_told {
            true => self.core.remarks(&self.core.progress(now)),
            false => self.core.remarks_before_told(),
        });
        self.it.remarks.send_if_modified(|said| {
            let is_new = *said != remarks;
            *said = remarks;
            is_new
        });
        self.remarked_at = Some(now);
        None
    }
}
