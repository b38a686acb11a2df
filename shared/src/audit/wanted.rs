//! Which entries somebody looks for.

use super::Entry;
use crate::model::UnixMillis;

/// A clock may go back: entries are looked for so far behind the first that is too old.
const CLOCK_STEP_MS: u64 = 24 * 3600 * 1000;

/// Which entries are wanted; what is `None` is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this action.
    pub action: Option<String>,
    /// By this account.
    pub who: Option<String>,
    /// About this: its kind, its id, its name, or a part of its name.
    pub subject: Option<String>,
    /// Not before this.
    pub since: Option<UnixMillis>,
}

impl Wanted {
    /// Whether an entry is wanted.
    pub fn has(&self, entry: &Entry) -> bool {
        let act = &entry.act;
        let subject = &act.subject;
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        let is_about = |wanted: &str| {
            subject.kind == wanted || subject.id == wanted || subject.name.contains(wanted)
        };
        is(&self.action, &act.action)
            && is(&self.who, &act.by.who)
            && self.subject.as_deref().is_none_or(is_about)
            && self.since.is_none_or(|since| entry.at >= since)
    }

    /// Whether the entries before this one are too old, also where a clock went back a day.
    pub fn ends_at(&self, entry: &Entry) -> bool {
        self.since
            .is_some_and(|since| entry.at.0.saturating_add(CLOCK_STEP_MS) < since.0)
    }
}
