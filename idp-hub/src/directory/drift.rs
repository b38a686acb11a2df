//! What becomes of a difference between the directory and one region's cloud: the region's value is
//! adopted, or the directory's is put back. Decided by the remark that the region's agent made, and
//! that the administrator saw.

use shared::ids::ObjectId;
use shared::model::{DriftKind, DriftWhy, Drifted, Link, ObjectKind, Remark, RemarkState, Subject};

use super::change::{Edit, Patch};

mod present;
#[cfg(test)]
mod tests;

/// What to do about drift in a region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DriftPolicy {
    /// It is shown, and an administrator decides.
    #[default]
    Ask,
    /// The directory's value is put back, where that can be and the directory says it.
    PutBack,
    /// The region's value is adopted, where nothing ends by it and nobody may do more by it.
    Adopt,
}

impl DriftPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Ask, Self::PutBack, Self::Adopt];

    /// Its word in documents and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::PutBack => "put-back",
            Self::Adopt => "adopt",
        }
    }
}

/// Why a drift is not cured so. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriftRefusal {
    /// There is no such remark.
    #[error(
        "the region {region:?} has no drift {id:?} (any more); `idp-hub org drift` shows what \
         there is"
    )]
    Gone {
        /// The region.
        region: String,
        /// What was asked for.
        id: String,
    },
    /// The remark is another one by now.
    #[error(
        "the drift of {subject} is another one than you saw; look again, with `idp-hub org drift`"
    )]
    Changed {
        /// Of what.
        subject: String,
    },
    /// It is not drift.
    #[error(
        "{subject} does not differ: it failed, and is tried again; `idp-hub org status` says why"
    )]
    NoDrift {
        /// What.
        subject: String,
    },
    /// Nobody at the hub may decide.
    #[error("{subject} stays as it is: {}", .why.next_step())]
    Stays {
        /// What.
        subject: String,
        /// Why.
        why: DriftWhy,
    },
    /// It would end something.
    #[error(
        "{subject} was deleted in the region: to adopt that ends it in the directory and in every \
         region, so it takes a word of its own (`--end`); or put it back"
    )]
    Ends {
        /// What.
        subject: String,
    },
    /// Nobody ever heard of it.
    #[error(
        "the directory has no {subject}, and never had it: there is nothing to put back; \
         `idp-hub org plan` of the region shows what merging it again does"
    )]
    Unknown {
        /// What.
        subject: String,
    },
    /// A link's end is not there.
    #[error(
        "{subject}: the directory has no {} {id}, and never had it: it was made after the backup \
         that this hub was restored from; merge the region again, which takes both in, as \
         `idp-hub org plan` of the region shows", .kind.name()
    )]
    NoEnd {
        /// Of what.
        subject: String,
        /// What kind of thing is not there.
        kind: ObjectKind,
        /// Which.
        id: ObjectId,
    },
    /// A link's end has ended.
    #[error("{subject}: the {} {id} has ended in the directory; put it back", .kind.name())]
    PastEnd {
        /// Of what.
        subject: String,
        /// What kind of thing has ended.
        kind: ObjectKind,
        /// Which.
        id: ObjectId,
    },
    /// That can't be done with such a difference.
    #[error("{subject}: {what}; {next}")]
    Wrong {
        /// What.
        subject: String,
        /// What is in the way.
        what: &'static str,
        /// What to do.
        next: &'static str,
    },
}

/// The differences of a remark about which an administrator decides.
fn curable(remark: &Remark) -> Result<&[Drifted], DriftRefusal> {
    let subject = || remark.subject.to_string();
    match &remark.state {
        RemarkState::Failed { .. }
        | RemarkState::Blocked { .. }
        | RemarkState::Purgeable { .. }
        | RemarkState::Purged { .. }
        | RemarkState::Ended { .. } => Err(DriftRefusal::NoDrift { subject: subject() }),
        RemarkState::Drift {
            why: DriftWhy::Region,
            what,
        } => Ok(what),
        RemarkState::Drift { why, .. } => Err(DriftRefusal::Stays {
            subject: subject(),
            why: *why,
        }),
    }
}

/// Whether the directory's value can be put back. Of a link of which a restored hub says nothing
/// that is that it goes: its ends are known, so that no merge brings it, and nothing else ends it.
///
/// # Errors
/// With what is in the way.
pub fn may_put_back(remark: &Remark) -> Result<(), DriftRefusal> {
    use DriftKind::{
        CreatedHere, Missing, Moved, NotInDirectory, Password, Quota, Surplus, Unknown,
    };
    let what = curable(remark)?;
    let is_lost = |it: &Drifted| match it.what {
        NotInDirectory => !is_of_link(remark),
        it => matches!(
            it,
            CreatedHere | Missing | Moved | Password | Quota | Surplus | Unknown
        ),
    };
    match what.iter().find(|it| is_lost(it)) {
        // The rest of it can.
        Some(_) if !what.iter().all(is_lost) => Ok(()),
        Some(it) => Err(refused(remark, it)),
        None => Ok(()),
    }
}

/// Whether a policy may put the directory's value back, with nobody asked. That a hub which was
/// restored from a backup says nothing of a link is no word that it should go.
pub fn may_put_back_unasked(remark: &Remark) -> bool {
    may_put_back(remark).is_ok() && !is_unsaid_link(remark)
}

/// Whether it is a link that was given after the backup that the hub was restored from.
pub fn is_unsaid_link(remark: &Remark) -> bool {
    let is_unsaid = |it: &Drifted| it.what == DriftKind::NotInDirectory;
    is_of_link(remark) && curable(remark).is_ok_and(|what| what.iter().any(is_unsaid))
}

/// What the directory has of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It has it.
    Live,
    /// It had it.
    Ended,
    /// It never heard of it.
    Never,
}

/// Why a link of which a restored hub says nothing can't be put back, and can't be adopted, by what
/// the directory has of each of its ends.
pub fn unsaid_answers(
    remark: &Remark,
    ends: &[(ObjectKind, ObjectId, Known)],
) -> [Option<DriftRefusal>; 2] {
    let subject = || remark.subject.to_string();
    let never = ends.iter().find(|it| it.2 == Known::Never);
    if let Some((kind, id, _)) = never.copied() {
        let refusal = DriftRefusal::NoEnd {
            subject: subject(),
            kind,
            id,
        };
        return [Some(refusal.clone()), Some(refusal)];
    }
    let ended = ends.iter().find(|it| it.2 == Known::Ended).copied();
    let past = ended.map(|(kind, id, _)| DriftRefusal::PastEnd {
        subject: subject(),
        kind,
        id,
    });
    [None, past]
}

const fn is_of_link(remark: &Remark) -> bool {
    matches!(remark.subject, Subject::Link(_))
}

/// The edit by which the directory has what the region has. `may_end`: also where that ends
/// something.
///
/// # Errors
/// With what is in the way.
pub fn adoption(remark: &Remark, may_end: bool) -> Result<Edit, DriftRefusal> {
    let what = curable(remark)?;
    match &remark.subject {
        Subject::Link(link) => of_link(remark, what, link),
        Subject::Object(kind, id) => of_object(remark, what, (*kind, *id), may_end),
        Subject::Own(..) | Subject::Password(_) | Subject::Quota(..) | Subject::Reading(_) => {
            Err(match what.first() {
                Some(it) => refused(remark, it),
                None => nothing(remark),
            })
        }
    }
}

/// Whether a policy may adopt it, with nobody asked. Who administers one region must not make
/// anybody an administrator elsewhere: what he gives to somebody, or switches on, waits for a yes.
/// So does all that is of roles, as every cloud's rules go by their names and by what they imply.
pub fn may_adopt_unasked(remark: &Remark) -> bool {
    let is_of_roles = matches!(
        &remark.subject,
        Subject::Object(ObjectKind::Role, _) | Subject::Link(Link::Implication(_))
    );
    let is_harmless = |it: &Drifted| match it.what {
        DriftKind::Name
        | DriftKind::Description
        | DriftKind::Email
        | DriftKind::DefaultProject
        | DriftKind::LinkTaken => true,
        DriftKind::Enabled => it.cloud.as_deref() == Some("false"),
        _ => false,
    };
    !is_of_roles
        && curable(remark).is_ok_and(|what| what.iter().all(is_harmless))
        && adoption(remark, false).is_ok()
}

fn of_link(remark: &Remark, what: &[Drifted], link: &Link<ObjectId>) -> Result<Edit, DriftRefusal> {
    let Some(it) = what.first() else {
        return Err(nothing(remark));
    };
    match it.what {
        DriftKind::LinkGiven | DriftKind::NotInDirectory => Ok(Edit::Link(link.clone())),
        DriftKind::LinkTaken => Ok(Edit::Unlink(link.clone())),
        _ => Err(refused(remark, it)),
    }
}

fn of_object(
    remark: &Remark,
    what: &[Drifted],
    (kind, id): (ObjectKind, ObjectId),
    may_end: bool,
) -> Result<Edit, DriftRefusal> {
    let (mut patch, mut lost) = (Patch::default(), None);
    for it in what {
        match it.what {
            DriftKind::Name => patch.name.clone_from(&it.cloud),
            DriftKind::Description => patch.description = Some(it.cloud.clone()),
            DriftKind::Email => patch.email = Some(it.cloud.clone()),
            DriftKind::Enabled => patch.enabled = Some(it.cloud.as_deref() == Some("true")),
            DriftKind::DefaultProject => match it.cloud.as_deref().map(str::parse) {
                None => patch.default_project = Some(None),
                Some(Ok(project)) => patch.default_project = Some(Some(project)),
                Some(Err(_)) => lost = Some(it),
            },
            DriftKind::Deleted if may_end => return Ok(Edit::End { kind, id }),
            DriftKind::Deleted => {
                let subject = remark.subject.to_string();
                return Err(DriftRefusal::Ends { subject });
            }
            _ => lost = Some(it),
        }
    }
    match lost {
        _ if patch != Patch::default() => Ok(Edit::Update { kind, id, patch }),
        Some(it) => Err(refused(remark, it)),
        None => Err(nothing(remark)),
    }
}

fn refused(remark: &Remark, it: &Drifted) -> DriftRefusal {
    let (what, next) = match it.what {
        DriftKind::CreatedHere => (
            "it was made in the region, and what is there is never deleted from here",
            "`idp-hub org plan` and `org merge` of the region take it in; or delete it there",
        ),
        DriftKind::Moved => (
            "no cloud moves anything",
            "delete it there, once it is empty: it is made anew in its place, or told as deleted, \
             to be put back; or leave it where it is",
        ),
        DriftKind::NotInDirectory => (
            "the directory says nothing of it, though it bears the federation's marker",
            "`idp-hub org plan` of the region shows what merging it again does; where that leaves \
             it out, as another one has its name, rename it there first, and, as what it is in has \
             ended, delete it there, once it is empty",
        ),
        DriftKind::DefaultProject => (
            "its default project is none of the directory's",
            "put it back, or merge the region again so that the project is taken in",
        ),
        DriftKind::Enabled => ("it has ended in the directory", "put it back"),
        DriftKind::Missing | DriftKind::Surplus | DriftKind::Password | DriftKind::Quota => (
            "the agent may not write it",
            "change the agent's policy, or leave it",
        ),
        _ => (
            "this hub does not know such a difference",
            "upgrade it to the agent's release",
        ),
    };
    DriftRefusal::Wrong {
        subject: remark.subject.to_string(),
        what,
        next,
    }
}

fn nothing(remark: &Remark) -> DriftRefusal {
    DriftRefusal::Wrong {
        subject: remark.subject.to_string(),
        what: "its agent does not say in what it differs",
        next: "look again in a moment",
    }
}
