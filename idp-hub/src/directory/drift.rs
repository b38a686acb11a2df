//! What becomes of a difference between the directory and one region's cloud: the region's value is
//! adopted, or the directory's is put back. Decided by the remark that the region's agent made, and
//! that the administrator saw.

use shared::ids::ObjectId;
use shared::model::{DriftKind, DriftWhy, Drifted, Link, ObjectKind, Remark, RemarkState, Subject};

use super::change::{Edit, Patch};

mod present;

/// What to do about drift in a region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DriftPolicy {
    /// It is shown, and an administrator decides.
    #[default]
    Ask,
    /// The directory's value is put back, where that can be.
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

/// Whether the directory's value can be put back.
///
/// # Errors
/// With what is in the way.
pub fn may_put_back(remark: &Remark) -> Result<(), DriftRefusal> {
    use DriftKind::{
        CreatedHere, Missing, Moved, NotInDirectory, Password, Quota, Surplus, Unknown,
    };
    let what = curable(remark)?;
    let is_lost = |it: &Drifted| {
        matches!(
            it.what,
            CreatedHere | Missing | Moved | NotInDirectory | Password | Quota | Surplus | Unknown
        )
    };
    match what.iter().find(|it| is_lost(it)) {
        // The rest of it can.
        Some(_) if !what.iter().all(is_lost) => Ok(()),
        Some(it) => Err(refused(remark, it)),
        None => Ok(()),
    }
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
        Subject::Own(..) | Subject::Password(_) | Subject::Quota(..) => Err(match what.first() {
            Some(it) => refused(remark, it),
            None => nothing(remark),
        }),
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
    match what.first() {
        Some(it) if it.what == DriftKind::LinkGiven => Ok(Edit::Link(link.clone())),
        Some(it) if it.what == DriftKind::LinkTaken => Ok(Edit::Unlink(link.clone())),
        Some(it) => Err(refused(remark, it)),
        None => Err(nothing(remark)),
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
        let text = || Some(it.cloud.clone().unwrap_or_default());
        match it.what {
            DriftKind::Name => patch.name.clone_from(&it.cloud),
            DriftKind::Description => patch.description = text(),
            DriftKind::Email => patch.email = text(),
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
            "make it anew in its place, there or here",
        ),
        DriftKind::NotInDirectory => (
            "the directory says nothing of it, though it bears the federation's marker",
            "`idp-hub org plan` of the region shows what merging it again does",
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

#[cfg(test)]
mod tests {
    use shared::model::{Implication, Membership};

    use super::*;

    fn remark(subject: Subject, what: &[(DriftKind, Option<&str>)]) -> Remark {
        let what = what.iter().map(|(what, cloud)| Drifted {
            what: *what,
            directory: Some("here".to_owned()),
            cloud: cloud.map(str::to_owned),
        });
        Remark {
            subject,
            name: "ann".to_owned(),
            state: RemarkState::Drift {
                why: DriftWhy::Region,
                what: what.collect(),
            },
        }
    }

    fn user() -> Subject {
        Subject::Object(ObjectKind::User, ObjectId::from_random(1))
    }

    #[test]
    fn what_a_region_changed_of_a_thing_becomes_one_edit() {
        let home = ObjectId::from_random(5);
        let text = home.to_string();
        let seen = remark(
            user(),
            &[
                (DriftKind::Name, Some("anna")),
                (DriftKind::Email, None),
                (DriftKind::Enabled, Some("false")),
                (DriftKind::DefaultProject, Some(&text)),
                (DriftKind::Moved, Some("elsewhere")),
            ],
        );
        let Ok(Edit::Update { kind, patch, .. }) = adoption(&seen, false) else {
            panic!("{:?}", adoption(&seen, false));
        };
        let expected = Patch {
            name: Some("anna".to_owned()),
            description: None,
            enabled: Some(false),
            email: Some(String::new()),
            default_project: Some(Some(home)),
        };
        assert_eq!((kind, patch), (ObjectKind::User, expected));
        assert_eq!(may_put_back(&seen), Ok(()), "but for the place");
    }

    #[test]
    fn links_are_made_and_taken_away_as_they_were_there() {
        let link = Link::Membership(Membership {
            group: ObjectId::from_random(1),
            user: ObjectId::from_random(2),
        });
        let subject = Subject::Link(link.clone());
        let given = remark(subject.clone(), &[(DriftKind::LinkGiven, None)]);
        assert_eq!(adoption(&given, false), Ok(Edit::Link(link.clone())));
        let taken = remark(subject, &[(DriftKind::LinkTaken, None)]);
        assert_eq!(adoption(&taken, false), Ok(Edit::Unlink(link)));
        assert!(may_put_back(&given).is_ok() && may_put_back(&taken).is_ok());
        assert!(may_adopt_unasked(&taken) && !may_adopt_unasked(&given));
        for (cloud, may) in [("true", false), ("false", true)] {
            let switched = remark(user(), &[(DriftKind::Enabled, Some(cloud))]);
            assert_eq!(may_adopt_unasked(&switched), may, "{cloud}");
            assert!(adoption(&switched, false).is_ok());
        }
    }

    #[test]
    fn nothing_of_roles_is_adopted_unasked() {
        use DriftKind::{Description, LinkTaken, Name};
        let id = ObjectId::from_random;
        let object = |kind| Subject::Object(kind, id(1));
        let membership = Link::Membership(Membership {
            group: id(1),
            user: id(2),
        });
        let implication = Link::Implication(Implication {
            prior: id(1),
            implied: id(2),
        });
        for (subject, what, expected) in [
            (object(ObjectKind::Department), Name, true),
            (object(ObjectKind::Project), Name, true),
            (object(ObjectKind::User), Name, true),
            (object(ObjectKind::Group), Name, true),
            (object(ObjectKind::Role), Name, false),
            (object(ObjectKind::Role), Description, false),
            (Subject::Link(membership), LinkTaken, true),
            (Subject::Link(implication), LinkTaken, false),
        ] {
            let seen = remark(subject, &[(what, Some("admin"))]);
            assert_eq!(may_adopt_unasked(&seen), expected, "{seen:?}");
            assert!(adoption(&seen, false).is_ok(), "asked, it may");
        }
    }

    #[test]
    fn nothing_ends_without_a_word_of_its_own() {
        let seen = remark(user(), &[(DriftKind::Deleted, None)]);
        let refused = adoption(&seen, false);
        assert!(
            matches!(refused, Err(DriftRefusal::Ends { .. })),
            "{refused:?}"
        );
        assert!(matches!(adoption(&seen, true), Ok(Edit::End { .. })));
        assert_eq!(may_put_back(&seen), Ok(()));
    }

    #[test]
    fn what_a_region_made_is_neither_adopted_nor_deleted_from_here() {
        let subject = Subject::Own(ObjectKind::User, shared::model::CloudId::new("u"));
        let seen = remark(subject, &[(DriftKind::CreatedHere, Some("eve"))]);
        for refused in [adoption(&seen, true).map(drop), may_put_back(&seen)] {
            let text = refused.unwrap_err().to_string();
            assert!(text.contains("org plan"), "{text}");
        }
    }

    #[test]
    fn what_the_region_decides_alone_is_not_decided_here() {
        let mut seen = remark(user(), &[(DriftKind::Name, Some("anna"))]);
        for why in [DriftWhy::Custody, DriftWhy::Protected, DriftWhy::ReadOnly] {
            let RemarkState::Drift { why: its, .. } = &mut seen.state else {
                panic!("a drift");
            };
            *its = why;
            for refused in [adoption(&seen, true).map(drop), may_put_back(&seen)] {
                assert!(matches!(refused, Err(DriftRefusal::Stays { .. })));
            }
        }
        let reason = "a name that is taken".to_owned();
        seen.state = RemarkState::Blocked { reason };
        assert!(matches!(
            may_put_back(&seen),
            Err(DriftRefusal::NoDrift { .. })
        ));
    }
}
