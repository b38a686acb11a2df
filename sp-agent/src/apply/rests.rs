//! How long what is to be purged was seen switched off.
//!
//! A service goes on taking a token that it remembers after its project was switched off
//! (keystonemiddleware's `token_cache_time`, 300 s by default), and what was ordered with it before
//! is still being made: a list that is empty just then is full a minute later. So nothing is purged
//! that this agent has not seen switched off for a while. A start counts anew.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::model::{Becomes, CloudId};

use super::Reconciler;
use super::alarms::Alarms;
use super::compare::enabled;
use super::subject::Subject;
use super::verdict::Verdict;
use crate::cloud::Order;

/// What is retired and switched off. Bounded by what the cloud has.
#[derive(Debug, Default)]
pub(super) struct Rests {
    since: BTreeMap<Subject, (CloudId, Instant)>,
    pub(super) alarms: Alarms,
}

impl Rests {
    /// It was just seen so; `None` is not switched off.
    fn see(&mut self, now: Instant, subject: &Subject, off: Option<CloudId>) {
        let Some(here) = off else {
            self.since.remove(subject);
            return;
        };
        match self.since.get(subject) {
            Some((known, _)) if *known == here => {}
            _ => drop(self.since.insert(subject.clone(), (here, now))),
        }
    }

    /// Whether it must rest longer, and then it is looked at again.
    fn holds(&mut self, now: Instant, subject: &Subject, rest: Duration) -> bool {
        let since = self.since.get(subject).map_or(now, |(_, it)| *it);
        match since.checked_add(rest) {
            Some(until) if until > now => {
                self.alarms.set(until, subject.clone());
                true
            }
            _ => false,
        }
    }
}

impl Reconciler {
    /// Notes whether a subject is switched off, and says whether a purge of it is too early.
    pub(super) fn rests(&mut self, now: Instant, subject: &Subject, verdict: &Verdict) -> bool {
        let off = self.switched_off(subject);
        self.rests.see(now, subject, off);
        let is_purge = match verdict {
            Verdict::Due(due) => {
                matches!(due.order, Order::Look { .. } | Order::Purge { .. })
            }
            _ => false,
        };
        is_purge && self.rests.holds(now, subject, self.policy.purge_rest)
    }

    /// Which thing of the cloud it is, if that ended and is off.
    fn switched_off(&self, subject: &Subject) -> Option<CloudId> {
        let (kind, here) = match subject {
            Subject::Object(kind, id) => {
                let has_ended = self.replica.ended.contains_key(id);
                if !has_ended || self.replica.directory.has(*kind, id) {
                    return None;
                }
                (*kind, self.places.here(*kind, id)?)
            }
            Subject::Own(kind, here) => {
                let becomes = self.places.binding(*kind, here);
                let is_withheld = matches!(becomes, Some(Becomes::Withheld(_)));
                (*kind, is_withheld.then(|| here.clone())?)
            }
            Subject::Link(_) | Subject::Password(_) | Subject::Quota(..) | Subject::Reading(_) => {
                return None;
            }
        };
        let found = self.actual.object(kind, &here)?;
        (enabled(&found) == Some(false)).then_some(here)
    }
}
