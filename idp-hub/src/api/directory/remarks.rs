//! What the regions' agents remark, as JSON.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use shared::ids::ObjectId;
use shared::model::{
    Actor, DriftKind, DriftWhy, Drifted, End, Holder, Link, ObjectKind, RemarkState, Scope, Subject,
};
use utoipa::ToSchema;

use super::documents::DepartmentDocument;
use crate::api::documents::Time;
use crate::directory::{adoption, is_unsaid_link, may_put_back};
use crate::store::directory::{Remarked, Within};
use crate::store::{Reading, StoreError};

const UNSAID_LINK: &str = "it was given after the backup that this hub was restored from: adopted, \
                           it is given everywhere, and put back, it is taken away there";

/// Something in a region that is not as the directory says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemarkDocument {
    /// In which region.
    pub region: String,
    /// Its id, by which it is put back or adopted. It is the same as long as it is about the same
    /// thing.
    pub id: String,
    /// What kind of thing: `department`, `project`, `user`, `group`, `role`, `membership`,
    /// `implication`, `assignment`, a user's `password`, or a project's `quota`.
    pub kind: String,
    /// What it is called in the region; of a link, what it links.
    pub name: String,
    /// The department that it is in; of a link, the one that all of its ends are in, and where
    /// these are in several, `name` says each one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentDocument>,
    /// The directory's id; absent for what the directory does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// What the region's cloud calls it: of what was made there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
    /// `drift`, `failed` or `blocked`.
    pub state: String,
    /// In what it differs: of drift.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<DifferenceDocument>,
    /// Why it stays so, of drift: `region`, as somebody there changed it; `custody`, as it is the
    /// region's own; `protected` or `read-only`, by its agent's policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What was wrong: of what failed, or can't be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How often it was tried: of what failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u32>,
    /// Since when: of what failed by the region's clock, otherwise since it is known here as it is.
    pub since: Time,
    /// What is to be done about it.
    pub next_step: String,
    /// Whether the directory's value can be put back.
    pub can_put_back: bool,
    /// Whether the region's value can be adopted.
    pub can_adopt: bool,
    /// What says that it was this one that somebody saw.
    pub seen: String,
}

/// One difference between the directory and a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DifferenceDocument {
    /// In what: `name`, `description`, `enabled`, `email`, `default-project`, `moved`, `deleted`,
    /// `created-here`, `link-given`, `link-taken`, `missing`, `surplus`, `not-in-directory`,
    /// `password` or `quota`.
    pub what: String,
    /// The directory's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// The region's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
}

impl RemarkDocument {
    pub(super) fn new(reading: &Reading<'_>, it: &Remarked) -> Result<Self, StoreError> {
        let remark = &it.remark;
        let (kind, object, own) = match &remark.subject {
            Subject::Object(kind, id) => (kind.name(), Some(id.to_string()), None),
            Subject::Link(link) => (link.kind().name(), None, None),
            Subject::Password(user) => ("password", Some(user.to_string()), None),
            Subject::Own(kind, here) => (kind.name(), None, Some(here.to_string())),
            Subject::Quota(Holder::Project(id), _) => ("quota", Some(id.to_string()), None),
            Subject::Quota(Holder::Own(here), _) => ("quota", None, Some(here.to_string())),
            Subject::Reading(_) => ("reading", None, None),
        };
        let mut document = Self {
            region: it.region.clone(),
            id: remark.subject.id().to_string(),
            kind: kind.to_owned(),
            name: remark.name.clone(),
            department: department(reading, it)?.map(Into::into),
            object,
            own,
            state: String::new(),
            differences: Vec::new(),
            why: None,
            error: None,
            tries: None,
            since: it.changed.into(),
            next_step: String::new(),
            can_put_back: may_put_back(remark).is_ok(),
            can_adopt: adoption(remark, false).is_ok(),
            seen: HEXLOWER.encode(&it.seen.to_bytes()),
        };
        if let Subject::Link(link) = &remark.subject {
            document.name = link_words(reading, link, document.department.is_some())?;
        }
        document.stand(reading, &remark.state)?;
        if is_unsaid_link(remark) {
            let [put_back, adopt] = reading.unsaid_answers(remark)?;
            document.can_put_back &= put_back.is_none();
            document.can_adopt &= adopt.is_none();
            let why = put_back.or(adopt).map(|it| it.to_string());
            document.next_step = why.unwrap_or_else(|| UNSAID_LINK.to_owned());
        }
        if let Err(refusal) = may_put_back(remark)
            && let RemarkState::Drift {
                why: DriftWhy::Region,
                ..
            } = remark.state
            && !document.can_adopt
        {
            document.next_step = refusal.to_string();
        }
        Ok(document)
    }

    fn stand(&mut self, reading: &Reading<'_>, state: &RemarkState) -> Result<(), StoreError> {
        match state {
            RemarkState::Failed {
                error,
                since,
                tries,
            } => {
                "failed".clone_into(&mut self.state);
                self.error = Some(error.clone());
                self.tries = Some(*tries);
                self.since = (*since).into();
                "do what the error says; it is tried again by itself"
                    .clone_into(&mut self.next_step);
            }
            RemarkState::Blocked { reason } => {
                "blocked".clone_into(&mut self.state);
                self.error = Some(reason.clone());
                "do what the error says; it goes on by itself".clone_into(&mut self.next_step);
            }
            RemarkState::Purged { .. } => {
                "purged".clone_into(&mut self.state);
                "nothing; it is deleted there".clone_into(&mut self.next_step);
            }
            RemarkState::Purgeable { .. } => {
                "purgeable".clone_into(&mut self.state);
                "wait until every region finds it empty".clone_into(&mut self.next_step);
            }
            RemarkState::Ended { how, .. } => {
                let word = match how {
                    End::Deleted => "deleted",
                    End::Retired => "retired",
                };
                "blocked".clone_into(&mut self.state);
                self.error = Some(format!(
                    "the region knows that it was {word}, and this hub, which was restored from an \
                     older backup, has it again; it does not come back there"
                ));
                "nothing, where this hub can prove that it said so: then it ends by itself within \
                 a minute; otherwise end it here again, with `idp-hub org delete` or `retire`"
                    .clone_into(&mut self.next_step);
            }
            RemarkState::Drift { why, what } => {
                "drift".clone_into(&mut self.state);
                self.why = Some(why.name().to_owned());
                why.next_step().clone_into(&mut self.next_step);
                let what = what.iter().map(|it| DifferenceDocument::new(reading, it));
                self.differences = what.collect::<Result<_, _>>()?;
            }
        }
        Ok(())
    }
}

impl DifferenceDocument {
    fn new(reading: &Reading<'_>, it: &Drifted) -> Result<Self, StoreError> {
        let shown = |value: &Option<String>| match (it.what, value) {
            (DriftKind::DefaultProject, Some(id)) => project(reading, id).map(Some),
            (_, value) => Ok(value.clone()),
        };
        Ok(Self {
            what: it.what.name().to_owned(),
            directory: shown(&it.directory)?,
            cloud: shown(&it.cloud)?,
        })
    }
}

/// A project's name, where it is one of the directory's.
fn project(reading: &Reading<'_>, id: &str) -> Result<String, StoreError> {
    match id.parse() {
        Ok(id) => name(reading, ObjectKind::Project, id),
        Err(_) => Ok(id.to_owned()),
    }
}

fn name(reading: &Reading<'_>, kind: ObjectKind, id: ObjectId) -> Result<String, StoreError> {
    let object = reading.object(kind, id)?;
    Ok(object.map_or_else(|| id.to_string(), |it| it.name().to_owned()))
}

/// Where it is that an agent remarks.
fn department(reading: &Reading<'_>, it: &Remarked) -> Result<Option<Within>, StoreError> {
    match &it.remark.subject {
        Subject::Object(kind, id) => reading.department_of(*kind, *id),
        Subject::Link(link) => all_in(reading, link),
        Subject::Password(user) => reading.department_of(ObjectKind::User, *user),
        Subject::Quota(Holder::Project(id), _) => reading.department_of(ObjectKind::Project, *id),
        Subject::Own(kind, here) => reading.department_there(it.no, *kind, here),
        Subject::Quota(Holder::Own(here), _) => {
            reading.department_there(it.no, ObjectKind::Project, here)
        }
        Subject::Reading(_) => Ok(None),
    }
}

/// The department that all ends of a link are in, but for global roles, which are everywhere.
fn all_in(reading: &Reading<'_>, link: &Link<ObjectId>) -> Result<Option<Within>, StoreError> {
    let mut found: Option<Within> = None;
    for (kind, id) in link.ends() {
        let within = match kind {
            ObjectKind::Department => Some(Within {
                name: name(reading, kind, *id)?,
                id: Some(*id),
            }),
            kind => reading.department_of(kind, *id)?,
        };
        let Some(within) = within else {
            if kind == ObjectKind::Role {
                continue;
            }
            return Ok(None);
        };
        if found.as_ref().is_some_and(|it| *it != within) {
            return Ok(None);
        }
        found = Some(within);
    }
    Ok(found)
}

/// What a link says; where its ends are in several departments, of each in which it is.
fn link_words(
    reading: &Reading<'_>,
    link: &Link<ObjectId>,
    is_in_one: bool,
) -> Result<String, StoreError> {
    let name = |kind, id| {
        let name = name(reading, kind, id)?;
        let within = match is_in_one {
            true => None,
            false => reading.department_of(kind, id)?,
        };
        Ok::<_, StoreError>(match within {
            Some(within) => format!("{name} (in {})", within.name),
            None => name,
        })
    };
    Ok(match link {
        Link::Membership(it) => format!(
            "{} in {}",
            name(ObjectKind::User, it.user)?,
            name(ObjectKind::Group, it.group)?
        ),
        Link::Implication(it) => format!(
            "{} brings {}",
            name(ObjectKind::Role, it.prior)?,
            name(ObjectKind::Role, it.implied)?
        ),
        Link::Assignment(it) => {
            let actor = match it.actor {
                Actor::User(id) => name(ObjectKind::User, id)?,
                Actor::Group(id) => name(ObjectKind::Group, id)?,
            };
            let scope = match it.scope {
                Scope::Department(id) => name(ObjectKind::Department, id)?,
                Scope::Project(id) => name(ObjectKind::Project, id)?,
            };
            let below = if it.inherited { " (below it)" } else { "" };
            let role = name(ObjectKind::Role, it.role)?;
            format!("{actor}: {role} in {scope}{below}")
        }
    })
}
