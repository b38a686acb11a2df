//! Decides about one link between things of the directory.

use shared::ids::ObjectId;
use shared::model::{CloudId, Link, ObjectKind};

use super::Reconciler;
use super::link_ends::touched;
use super::objects::drift;
use super::subject::{Difference, Level, Subject, Wait, Why};
use super::verdict::{Done, Due, Verdict};
use crate::cloud::Order;
use crate::replica::{Note, Tied};

impl Reconciler {
    pub(super) fn judge_link(&self, link: &Link<ObjectId>) -> Verdict {
        let unread = self.unread_for(link);
        // Of what ended once nothing comes back, also where a hub of an older backup has it again.
        let is_wanted = self.has_link(link) && link.ends().all(|(kind, id)| self.is_live(kind, id));
        match unread {
            Some(kind) if is_wanted => Verdict::Waiting(Wait::Reading(kind)),
            Some(_) => Verdict::Nothing(None),
            None if is_wanted => self.judge_wanted(link),
            None => self.judge_unwanted(link),
        }
    }

    fn judge_wanted(&self, link: &Link<ObjectId>) -> Verdict {
        let Some(here) = link.translated(|kind, id| self.places.here(kind, id)) else {
            let mut ends = link.ends();
            let missing = ends.find(|(kind, id)| self.places.here(*kind, id).is_none());
            return match missing {
                Some((kind, id)) => Verdict::Waiting(Wait::Needs(kind, *id)),
                None => Verdict::Nothing(None),
            };
        };
        let id = link.id();
        let tied = self.base.tied(&id);
        if self.actual.has_link(&here) {
            let tied = match tied {
                None => Some(Tied::Met),
                Some(Tied::Making) => Some(Tied::Made),
                Some(Tied::Met | Tied::Made) => None,
            };
            return Verdict::InPlace(tied.map(|it| Note::Link(id, Some(it))));
        }
        let is_noted = tied.is_some_and(|it| it != Tied::Making);
        if let Some(why) = self.guard_link(&here) {
            return drift("", vec![Difference::Missing], why);
        }
        let subject = Subject::Link(link.clone());
        if is_noted && !self.is_put_back(&subject) {
            return match self.missed.is_sure(&subject) {
                true => drift("", vec![Difference::LinkTaken], Why::Region),
                // It may have gone with an end, which is told then.
                false => Verdict::Waiting(Wait::Again),
            };
        }
        // Where nothing is given, the link is as missing as the password.
        if let Some(wait) = self
            .awaits_password(link)
            .filter(|_| !self.policy.read_only)
        {
            return Verdict::Waiting(wait);
        }
        let due = Due {
            level: Level::Link,
            order: Order::Link(here),
            done: Done::Link(id, true),
        };
        self.due(due, "", vec![Difference::Missing])
    }

    /// Only what was applied is taken away: a link that was made in the region is reported.
    fn judge_unwanted(&self, link: &Link<ObjectId>) -> Verdict {
        let id = link.id();
        let is_noted = self.base.links.contains_key(&id);
        let is_live = link.ends().all(|(kind, id)| self.is_live(kind, id));
        let is_asked = is_live || is_noted && self.gives_on(link);
        let here = link.translated(|kind, id| self.places.here(kind, id));
        let Some(here) = here.filter(|_| is_asked) else {
            return Verdict::Nothing(None);
        };
        if !self.actual.has_link(&here) {
            return Verdict::Nothing(is_noted.then_some(Note::Link(id, None)));
        }
        let is_put_back = self.is_put_back(&Subject::Link(link.clone()));
        let guard = self.guard_link(&here);
        // Absence from the directory is no removal: the hub may be from an older backup.
        let is_unsaid = self.replica.unsaid.contains(link);
        match guard {
            // What is the region's own has what links it likes.
            Some(_) if !is_noted => Verdict::Nothing(None),
            Some(why) => drift("", vec![Difference::Surplus], why),
            None if is_unsaid && !is_put_back => {
                drift("", vec![Difference::NotInDirectory], Why::Region)
            }
            None if is_noted || is_put_back => {
                let due = Due {
                    level: match self.administration.appointed(link) {
                        Some(_) => Level::Dismiss,
                        None if self.gives_power(&here) => Level::Demote,
                        None => Level::Unlink,
                    },
                    order: Order::Unlink(here),
                    done: Done::Link(id, false),
                };
                self.due(due, "", vec![Difference::Surplus])
            }
            None => drift("", vec![Difference::LinkGiven], Why::Region),
        }
    }

    fn guard_link(&self, link: &Link<CloudId>) -> Option<Why> {
        touched(link).find_map(|(kind, id)| self.guard(kind, id))
    }

    pub(super) fn has_link(&self, link: &Link<ObjectId>) -> bool {
        self.replica.directory.has_link(link)
    }

    /// A link of the cloud, by the directory's ids; `None` where an end is none of the directory's.
    pub(super) fn known_link(&self, link: &Link<CloudId>) -> Option<Link<ObjectId>> {
        link.translated(|kind: ObjectKind, id| self.places.there(kind, id))
    }
}
