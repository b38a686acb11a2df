//! Remarks, progress and answers to them between the model and the wire.

use std::time::Duration;

use super::codes::{
    drift_code, drift_kind, object_kind, object_kind_code, service_code, service_kind, why,
    why_code,
};
use super::organization::{assignment, end_from, end_to, implication, membership};
use super::quota::holder;
use super::{capped, figure, kind_code, moment, timely};
use crate::ids::ObjectId;
use crate::model::directory::inward;
use crate::model::{
    Actor, Applying, Drifted, Link, PutBack, Recall, RecordKind, Remark, RemarkState, Scope,
    Subject, UnixMillis,
};
use crate::wire::codec::DecodeError;
use crate::wire::v1::{
    ActorV1, ApplyingV1, AssignmentV1, CloudIdV1, DriftedV1, PairV1, PutBackV1, RecallV1,
    RemarkStateV1, RemarkV1, ScopeV1, SubjectV1,
};
use crate::wire::{List, Text};

impl<'a> From<&'a Subject> for SubjectV1<'a> {
    fn from(it: &'a Subject) -> Self {
        match it {
            Subject::Object(kind, id) => Self::Object(object_kind_code(*kind), *id),
            Subject::Password(user) => Self::Password(*user),
            Subject::Own(kind, here) => Self::Own(object_kind_code(*kind), here.into()),
            Subject::Quota(holder, service) => Self::Quota(holder.into(), service_code(*service)),
            Subject::Reading(kind) => Self::Reading(kind_code(*kind)),
            Subject::Link(Link::Membership(it)) => {
                Self::Membership(PairV1(there(it.group), there(it.user)))
            }
            Subject::Link(Link::Implication(it)) => {
                Self::Implication(PairV1(there(it.prior), there(it.implied)))
            }
            Subject::Link(Link::Assignment(it)) => Self::Assignment(AssignmentV1 {
                actor: match it.actor {
                    Actor::User(id) => ActorV1::User(there(id)),
                    Actor::Group(id) => ActorV1::Group(there(id)),
                },
                scope: match it.scope {
                    Scope::Department(id) => ScopeV1::Department(there(id)),
                    Scope::Project(id) => ScopeV1::Project(there(id)),
                },
                role: there(it.role),
                inherited: it.inherited,
            }),
        }
    }
}

/// A directory's id as it stands in records.
const fn there<'a>(id: ObjectId) -> CloudIdV1<'a> {
    CloudIdV1::Hyphenated(id.to_bytes())
}

fn subject(it: SubjectV1<'_>) -> Result<Subject, DecodeError> {
    let kind = |code| {
        object_kind(code).ok_or(DecodeError::OutOfRange {
            what: "the kind of what is remarked on",
        })
    };
    let link = match it {
        SubjectV1::Object(code, id) => return Ok(Subject::Object(kind(code)?, id)),
        SubjectV1::Password(user) => return Ok(Subject::Password(user)),
        SubjectV1::Own(code, here) => return Ok(Subject::Own(kind(code)?, here.into())),
        SubjectV1::Quota(it, code) => {
            let service = service_kind(code).ok_or(DecodeError::OutOfRange {
                what: "the service of the quota that is remarked on",
            })?;
            return Ok(Subject::Quota(holder(it), service));
        }
        SubjectV1::Reading(code) => {
            let mut kinds = RecordKind::ALL.into_iter();
            let kind = kinds.find(|it| kind_code(*it) == code);
            return kind.map(Subject::Reading).ok_or(DecodeError::OutOfRange {
                what: "the kind of what could not be read",
            });
        }
        SubjectV1::Membership(it) => Link::Membership(membership(it)),
        SubjectV1::Implication(it) => Link::Implication(implication(it)),
        SubjectV1::Assignment(it) => Link::Assignment(assignment(it)),
    };
    let link = link.translated(|_, id| inward(id));
    link.map(Subject::Link).ok_or(DecodeError::OutOfRange {
        what: "an end of the link that is remarked on",
    })
}

impl<'a> From<&'a Remark> for RemarkV1<'a> {
    fn from(it: &'a Remark) -> Self {
        Self {
            subject: (&it.subject).into(),
            name: Text::cut(&it.name),
            state: match &it.state {
                RemarkState::Failed {
                    error,
                    since,
                    tries,
                } => RemarkStateV1::Failed {
                    error: Text::cut(error),
                    since_ms: timely(*since).0,
                    tries: *tries,
                },
                RemarkState::Blocked { reason } => RemarkStateV1::Blocked(Text::cut(reason)),
                RemarkState::Drift { why, what } => RemarkStateV1::Drift {
                    why: why_code(*why),
                    what: List::cut(what.iter().map(DriftedV1::from)),
                },
                RemarkState::Purged { told } => RemarkStateV1::Purged {
                    told_ms: timely(*told).0,
                },
                RemarkState::Purgeable { told } => RemarkStateV1::Purgeable {
                    told_ms: timely(*told).0,
                },
                RemarkState::Ended { how, proof } => RemarkStateV1::Ended {
                    how: end_to(*how),
                    proof: *proof,
                },
            },
        }
    }
}

impl<'a> From<&'a Drifted> for DriftedV1<'a> {
    fn from(it: &'a Drifted) -> Self {
        Self {
            what: drift_code(it.what),
            directory: it.directory.as_deref().map(Text::cut),
            cloud: it.cloud.as_deref().map(Text::cut),
        }
    }
}

pub(super) fn remark(it: RemarkV1<'_>) -> Result<Remark, DecodeError> {
    Ok(Remark {
        subject: subject(it.subject)?,
        name: it.name.into_string(),
        state: match it.state {
            RemarkStateV1::Failed {
                error,
                since_ms,
                tries,
            } => RemarkState::Failed {
                error: error.into_string(),
                since: moment("since when it failed", UnixMillis(since_ms))?,
                tries,
            },
            RemarkStateV1::Blocked(reason) => RemarkState::Blocked {
                reason: reason.into_string(),
            },
            RemarkStateV1::Drift { why: code, what } => RemarkState::Drift {
                why: why(code),
                what: what.into_vec().into_iter().map(drifted).collect(),
            },
            RemarkStateV1::Purged { told_ms } => RemarkState::Purged {
                told: moment("which word to purge is done", UnixMillis(told_ms))?,
            },
            RemarkStateV1::Purgeable { told_ms } => RemarkState::Purgeable {
                told: moment("which word to purge is answered", UnixMillis(told_ms))?,
            },
            RemarkStateV1::Ended { how, proof } => RemarkState::Ended {
                how: end_from(&how),
                proof,
            },
        },
    })
}

fn drifted(it: DriftedV1<'_>) -> Drifted {
    Drifted {
        what: drift_kind(it.what),
        directory: it.directory.map(Text::into_string),
        cloud: it.cloud.map(Text::into_string),
    }
}

impl<'a> From<&'a Applying> for ApplyingV1<'a> {
    fn from(it: &'a Applying) -> Self {
        Self {
            desired: capped(it.desired),
            in_place: capped(it.in_place),
            under_way: capped(it.under_way),
            waiting: capped(it.waiting),
            removals_held: capped(it.removals_held),
            failed: capped(it.failed),
            drift: capped(it.drift),
            left_s: it.left.map(|it| capped(it.as_secs())),
            paused: it.paused.as_deref().map(Text::cut),
            read_only: it.read_only,
        }
    }
}

pub(super) fn applying(it: ApplyingV1<'_>) -> Result<Applying, DecodeError> {
    let left = it.left_s.map(|it| figure("how long the rest takes", it));
    Ok(Applying {
        desired: figure("what is desired", it.desired)?,
        in_place: figure("what is in place", it.in_place)?,
        under_way: figure("what is under way", it.under_way)?,
        waiting: figure("what waits", it.waiting)?,
        removals_held: figure("the removals that wait", it.removals_held)?,
        failed: figure("what failed", it.failed)?,
        drift: figure("what differs", it.drift)?,
        left: left.transpose()?.map(Duration::from_secs),
        paused: it.paused.map(Text::into_string),
        read_only: it.read_only,
    })
}

impl From<&Recall> for RecallV1 {
    fn from(it: &Recall) -> Self {
        Self { feed: it.feed }
    }
}

pub(super) const fn recall(it: &RecallV1) -> Recall {
    Recall { feed: it.feed }
}

impl<'a> From<&'a PutBack> for PutBackV1<'a> {
    fn from(it: &'a PutBack) -> Self {
        Self {
            subject: (&it.subject).into(),
            seen: it.seen,
            at_ms: timely(it.at).0,
        }
    }
}

pub(super) fn put_back(it: PutBackV1<'_>) -> Result<PutBack, DecodeError> {
    Ok(PutBack {
        subject: subject(it.subject)?,
        seen: it.seen,
        at: moment("when a drift is to be put back", UnixMillis(it.at_ms))?,
    })
}
