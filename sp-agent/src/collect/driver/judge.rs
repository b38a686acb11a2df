//! What the end of a reading means.

use std::time::Duration;

use shared::model::UnixMillis;
use shared::runtime::errors::chain;
use tracing::{info, warn};

use super::Run;
use crate::cloud::{CloudError, Hindrance, Part, Trouble};
use crate::collect::reading::{Audited, Broken};
use crate::collect::schedule::{Outcome, Work};
use crate::spool::SpoolError;

impl Run {
    /// What a reading's end means for the part's service and its next turn. A part is well when its
    /// audits and its changes are.
    pub(super) fn judge(
        &mut self,
        wall: UnixMillis,
        work: Work,
        part: Part,
        read: Result<Outcome, &Broken>,
    ) -> Outcome {
        let broken = match read {
            Ok(outcome) => {
                self.is_well(work, part);
                if matches!(work, Work::Audit(_)) {
                    self.services.part_is_whole(part);
                }
                let mut kinds = [Work::Audit(part), Work::Changes(part)].into_iter();
                if !kinds.any(|kind| self.failing.contains_key(&kind)) {
                    self.services.part_is_read(wall, part);
                }
                return outcome;
            }
            Err(broken) => broken,
        };
        self.is_broken(work, part, chain(broken).to_string());
        let mut patience = Duration::ZERO;
        match broken {
            // This will not pass by itself, so whoever looks at the service must see it.
            Broken::Spool {
                source:
                    source @ (SpoolError::TooMany { .. }
                    | SpoolError::Misplaced { .. }
                    | SpoolError::Encode { .. }),
                ..
            } => {
                let reason = chain(source).to_string();
                self.services
                    .part_failed(wall, part, &reason, Trouble::Service);
            }
            // The spool's condition tells of it. The cloud sees no more than that its pages are
            // not taken.
            Broken::Spool { .. }
            | Broken::Cloud {
                source: CloudError::Stopped,
                ..
            } => {}
            Broken::Cloud {
                source: CloudError::Missing { .. },
                ..
            } => {
                self.services.part_is_whole(part);
                self.services.part_is_read(wall, part);
                return Outcome::Missing;
            }
            Broken::Cloud { source, .. } => {
                if let CloudError::Throttled { retry_after, .. } = source {
                    patience = *retry_after;
                }
                let trouble = Trouble::from(source);
                let reason = chain(source).to_string();
                self.services.part_failed(wall, part, &reason, trouble);
            }
            Broken::Silent { .. } => {
                let reason = broken.to_string();
                self.services
                    .part_failed(wall, part, &reason, Trouble::Service);
            }
        }
        Outcome::Failed { patience }
    }

    /// Tells what keeps a part of the organization from being read, or that nothing does any more.
    pub(super) fn tell_hindered(
        &self,
        wall: UnixMillis,
        part: Part,
        read: &Result<Audited, Broken>,
    ) {
        if !part.is_organization() {
            return;
        }
        let reason = match read {
            Ok(audited) => match (audited.incomplete(), &audited.written) {
                (None, it) if it.lacks_some || !it.lacks.is_empty() => {
                    Some("something is there of which the cloud's lists say nothing".to_owned())
                }
                // What is missing is looked for again, by the next reading.
                (None, it) if it.held.is_some() => return,
                (incomplete, _) => incomplete,
            },
            // Not the cloud's doing; the region's state tells it.
            Err(Broken::Spool { .. }) => return,
            Err(Broken::Cloud { source, .. }) => Some(chain(source).to_string()),
            Err(broken) => Some(chain(broken).to_string()),
        };
        self.hindered.send_if_modified(|all| match reason {
            Some(reason) => {
                let before = all.remove(&part.kind());
                let (since, tries) = before.map_or((wall, 0), |it| (it.since, it.tries));
                let tries = tries.saturating_add(1);
                let hindrance = Hindrance {
                    reason,
                    since,
                    tries,
                };
                all.insert(part.kind(), hindrance);
                true
            }
            None => all.remove(&part.kind()).is_some(),
        });
    }

    /// Logs a failure when it begins and when it becomes another, not at each try.
    pub(super) fn is_broken(&mut self, work: Work, part: Part, text: String) {
        if self.failing.get(&work) != Some(&text) {
            warn!(part = part.name(), "{text}");
            self.failing.insert(work, text);
        }
    }

    fn is_well(&mut self, work: Work, part: Part) {
        if self.failing.remove(&work).is_some() {
            info!(part = part.name(), "{} can be read again", part.name());
        }
    }
}
