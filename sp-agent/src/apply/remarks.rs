//! What is told the hub of how far the directory is applied here: the counts, and of each thing
//! that is not as it should be what is wrong with it.
//!
//! A remark of drift has nothing in it that changes while the drift is the same, so that an answer
//! can name it by its digest, also after a restart.

use std::time::Duration;

use shared::model::{
    Applying, CloudId, DriftKind, Drifted, Feed, Object, ObjectKind, REMARK_CHARS_MAX, RecordKind,
    Remark, RemarkState,
};

use super::compare::{default_project, description};
use super::progress::Failed;
use super::subject::{Difference, Drift, Standing, Subject};
use super::{Progress, Reconciler};
use crate::cloud::Part;
use crate::spool::Remarks;

/// Failures that are told, and as many differences: more than people look through, and a megabyte
/// at the hub. The counts say how many there are.
const REMARKS_MAX: usize = 1000;

impl From<&Progress> for Applying {
    fn from(it: &Progress) -> Self {
        Self {
            desired: it.desired,
            in_place: it.in_place,
            under_way: it.under_way,
            waiting: it.waiting,
            // The hub counts whatever is held back together.
            removals_held: it.held(),
            failed: it.failed_count,
            drift: it.drift_count,
            left: it.left.map(|it| Duration::from_secs(it.as_secs())),
            paused: it.paused.as_deref().map(short),
            read_only: it.read_only,
        }
    }
}

impl Reconciler {
    /// What is to be told, as of this progress.
    pub fn remarks(&self, progress: &Progress) -> Remarks {
        let failed = self.tally.failed().filter(|it| !self.is_revived(it));
        let failed = failed.take(REMARKS_MAX);
        let subjects = failed.chain(self.tally.drift().take(REMARKS_MAX));
        let remarks = subjects.filter_map(|it| self.remark(it));
        let listed = progress.failed.iter();
        let unread = listed.filter(|it| matches!(it.subject, Subject::Reading(_)));
        Remarks {
            applying: progress.into(),
            recalled: self.replica.feed,
            // The hub bounds what it wants purged at a time.
            remarks: remarks
                .chain(self.purged().take(REMARKS_MAX))
                .chain(self.ended_again())
                .chain(unread.cloned().map(Failed::remark))
                .collect(),
            is_whole: kinds().all(|it| self.actual.is_told(it)),
            kept: self.kept(),
        }
    }

    /// What is to be told before the hub tells its directory: whether that will be followed, so
    /// that whoever looks at the plan of a merge knows it.
    pub fn remarks_before_told(&self) -> Remarks {
        Remarks {
            applying: Applying {
                read_only: self.policy.read_only,
                ..Applying::default()
            },
            recalled: None,
            remarks: Vec::new(),
            is_whole: false,
            kept: Vec::new(),
        }
    }

    /// Whether every kind of an organization was read to its end, of all departments.
    pub(super) fn is_whole(&self) -> bool {
        kinds().all(|it| self.actual.is_whole(it))
    }

    /// The hub was told this, or is not any more.
    pub fn remarked(&mut self, id: CloudId, subject: Option<Subject>) {
        match subject {
            Some(subject) => drop(self.remarked.insert(id, subject)),
            None => drop(self.remarked.remove(&id)),
        }
    }

    /// What the hub was told of, and of which nothing is known since this agent's start, or not yet
    /// why it is missing.
    fn kept(&self) -> Vec<CloudId> {
        let coverage = self.actual.coverage();
        let is_whole = self.is_whole() && !kinds().any(|it| coverage.is_cut(it, None));
        let is_unknown = |it: &Subject| self.missed.awaits(it) || !is_whole && self.is_unread(it);
        let all = self.remarked.iter();
        let unknown = all.filter(|(_, subject)| is_unknown(subject));
        unknown.map(|(id, _)| id.clone()).collect()
    }

    fn remark(&self, subject: &Subject) -> Option<Remark> {
        let (name, state) = match (self.standings.get(subject)?, self.failures.get(subject)) {
            (Standing::Drift(drift), _) => return Some(self.of_drift(subject, drift)),
            (Standing::Blocked(reason), _) => {
                let reason = short(reason);
                (self.name(subject), RemarkState::Blocked { reason })
            }
            (_, Some(failure)) => {
                let state = RemarkState::Failed {
                    error: short(&failure.error),
                    since: failure.since,
                    tries: failure.tries(),
                };
                (failure.name.clone(), state)
            }
            _ => return None,
        };
        Some(Remark {
            subject: subject.clone(),
            name,
            state,
        })
    }

    fn is_revived(&self, subject: &Subject) -> bool {
        matches!(subject, Subject::Object(kind, id) if self.revived.contains(&(*kind, *id)))
    }

    /// What is told of what ended and is told of again, so that the hub ends it too: all of it,
    /// whatever else there is to tell, and before anything of the cloud was read. Who was deleted
    /// may sign in at that hub until then. The hub itself bounds how much that is.
    fn ended_again(&self) -> impl Iterator<Item = Remark> {
        self.revived.iter().filter_map(|(kind, id)| {
            let (_, how) = *self.replica.ended.get(id)?;
            let proof = self.replica.proofs.get(id).copied().unwrap_or_default();
            let subject = Subject::Object(*kind, *id);
            Some(Remark {
                name: self.name(&subject),
                subject,
                state: RemarkState::Ended { how, proof },
            })
        })
    }

    /// What is told of a drift.
    pub(super) fn of_drift(&self, subject: &Subject, drift: &Drift) -> Remark {
        let what = drift.what.iter().map(|it| self.drifted(subject, it));
        Remark {
            subject: subject.clone(),
            name: drift.name.clone(),
            state: RemarkState::Drift {
                why: drift.why,
                what: what.collect(),
            },
        }
    }

    fn drifted(&self, subject: &Subject, what: &Difference) -> Drifted {
        let (wanted, found) = match subject {
            Subject::Object(kind, id) => {
                let here = self.places.here(*kind, id);
                let found = here.and_then(|it| self.actual.object(*kind, &it));
                (self.replica.directory.object(*kind, id), found)
            }
            Subject::Own(kind, here) => (None, self.actual.object(*kind, here)),
            Subject::Link(_) | Subject::Password(_) | Subject::Quota(..) | Subject::Reading(_) => {
                (None, None)
            }
        };
        let (wanted, found) = (wanted.as_ref(), found.as_ref());
        let drifted = |what, directory, cloud| Drifted {
            what,
            directory,
            cloud,
        };
        let there = |what, of: fn(&_) -> _| drifted(what, wanted.and_then(of), None);
        let here = |what| drifted(what, None, found.map(|it| it.name().to_owned()));
        match what {
            Difference::Renamed { from, to } => {
                drifted(DriftKind::Name, Some(from.clone()), Some(to.clone()))
            }
            Difference::Disabled => drifted(DriftKind::Enabled, said(true), said(false)),
            Difference::Enabled => drifted(DriftKind::Enabled, said(false), said(true)),
            Difference::Description => drifted(
                DriftKind::Description,
                wanted.and_then(description).map(str::to_owned),
                found.and_then(description).map(str::to_owned),
            ),
            Difference::Email => drifted(
                DriftKind::Email,
                wanted.and_then(email),
                found.and_then(email),
            ),
            Difference::DefaultProject => {
                let home = wanted.and_then(default_project);
                let its = found.and_then(default_project);
                let its = its.map(|it| self.known_as(ObjectKind::Project, it));
                drifted(
                    DriftKind::DefaultProject,
                    home.map(ToString::to_string),
                    its,
                )
            }
            Difference::Moved => drifted(
                DriftKind::Moved,
                wanted.and_then(place_of),
                found.map(|it| self.place_here(it)),
            ),
            Difference::Deleted => there(DriftKind::Deleted, name_of),
            Difference::Missing => there(DriftKind::Missing, name_of),
            Difference::CreatedHere => here(DriftKind::CreatedHere),
            Difference::Surplus => here(DriftKind::Surplus),
            Difference::NotInDirectory => here(DriftKind::NotInDirectory),
            Difference::Password => drifted(DriftKind::Password, None, None),
            Difference::Quota => drifted(DriftKind::Quota, self.wanted_limits(subject), None),
            Difference::LinkGiven => drifted(DriftKind::LinkGiven, None, None),
            Difference::LinkTaken => drifted(DriftKind::LinkTaken, None, None),
        }
    }

    /// The directory's id of a thing of the cloud, or the cloud's, where it is none of those.
    fn known_as(&self, kind: ObjectKind, here: &CloudId) -> String {
        match self.places.there(kind, here) {
            Some(id) => id.to_string(),
            None => here.to_string(),
        }
    }

    /// Where a thing of the cloud is, by the directory's ids as far as they are known.
    fn place_here(&self, found: &Object<CloudId>) -> String {
        let department = found.department();
        let department = department.map(|it| self.known_as(ObjectKind::Department, it));
        let outer = match found {
            Object::Project(it) => it.parent.as_ref(),
            _ => None,
        };
        let outer = outer.map(|it| self.known_as(ObjectKind::Project, it));
        place(department, outer)
    }
}

/// The kinds of an organization.
fn kinds() -> impl Iterator<Item = RecordKind> {
    let kinds = Part::ALL.into_iter().map(Part::kind);
    kinds.filter(|it| it.feed() == Feed::Organization)
}

/// Where a thing of the directory is.
fn place_of(wanted: &Object<shared::ids::ObjectId>) -> Option<String> {
    let outer = match wanted {
        Object::Project(it) => it.parent.map(|it| it.to_string()),
        _ => None,
    };
    Some(place(wanted.department().map(ToString::to_string), outer))
}

fn place(department: Option<String>, outer: Option<String>) -> String {
    let parts: Vec<String> = department.into_iter().chain(outer).collect();
    parts.join("/")
}

fn name_of<I>(object: &Object<I>) -> Option<String> {
    Some(object.name().to_owned())
}

fn email<I>(object: &Object<I>) -> Option<String> {
    match object {
        Object::User(it) => it.email.clone(),
        _ => None,
    }
}

fn said(is_on: bool) -> Option<String> {
    Some(is_on.to_string())
}

fn short(text: &str) -> String {
    text.chars().take(REMARK_CHARS_MAX).collect()
}
