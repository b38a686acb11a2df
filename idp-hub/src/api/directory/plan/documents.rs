//! Plans as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::ids::ObjectId;
use shared::model::{End, Object, ObjectKind};
use utoipa::ToSchema;

use super::super::documents::DepartmentDocument;
use super::super::exposed::ExposureDocument;
use super::super::local_administrators::LocalAdministratorDocument;
use super::withheld::WithheldDocument;
use crate::api::documents::Time;
use crate::directory::{Action, Evidence, Field, Links, Obstacle, Reason, Rename, Step};
use crate::store::directory::ShownPlan;

/// What a merge of a region would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanDocument {
    /// The region.
    pub region: String,
    /// What the plan is confirmed by, 32 hexadecimal digits.
    pub digest: String,
    /// Other federations, whose markers are on what the region has; it is merged only with
    /// `take_over`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_federations: Vec<String>,
    /// Another region of the same cloud, by the ids of its projects; it is merged only with
    /// `copied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_cloud: Option<String>,
    /// A region that was removed, whose cloud this is, by the ids of its departments: what came
    /// with that one is known by what it was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comes_again: Option<String>,
    /// Whether the region's agent takes no changes, by its policy: then nothing is made, renamed,
    /// switched or changed there, whatever the steps say, and all of it is shown as drift.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub read_only: bool,
    /// When the region was merged last; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<Time>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_by: Option<String>,
    /// How many steps of each kind and action there are.
    pub counts: Vec<CountDocument>,
    /// How many things get another name in the region.
    pub renamed: u64,
    /// How many things of the region lose something else to the directory's.
    pub overwritten: u64,
    /// How many things were merged before and differ from the directory's, and stay so.
    #[serde(default)]
    pub differing: u64,
    /// How many things are taken in switched off.
    #[serde(default)]
    pub taken_in_off: u64,
    /// How many users whom the directory has without a default project get one that was made since
    /// the backup, with the region that has it as theirs.
    #[serde(default)]
    pub default_projects: u64,
    /// What becomes of links.
    pub links: LinksDocument,
    /// How many users who have the role `admin` come to be of a department that somebody else
    /// administers, who sets their passwords in a region's own Keystone.
    #[serde(default)]
    pub exposed: u64,
    /// The first 100 of them, on the first page alone.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub exposures: Vec<ExposureDocument>,
    /// Links that are not taken in, because they lead to the role `admin`, which counts in every
    /// region, or to `manager` over what the directory had already: the first 1000, on the
    /// first page alone.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub withheld: Vec<WithheldDocument>,
    /// Who has the role `admin` in the region's cloud and keeps it in that one alone, and is not
    /// among `withheld`: the first 1000, on the first page alone. The region's own accounts are
    /// behind the others.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub local_administrators: Vec<LocalAdministratorDocument>,
    /// How many these are.
    #[serde(default)]
    pub local_administrators_count: u64,
    /// The steps that were asked for, in the order in which they can be done.
    pub items: Vec<StepDocument>,
    /// What to ask for the next page with, as `after`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountDocument {
    /// `department`, `project`, `user`, `group` or `role`.
    pub kind: String,
    /// `found`, `adopt`, `recognize`, `create`, `withhold`, `block` or `skip`.
    pub action: String,
    /// How many of them.
    pub count: u64,
}

/// What becomes of links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinksDocument {
    /// Memberships that the directory takes in.
    pub memberships: u64,
    /// Implications that the directory takes in.
    pub implications: u64,
    /// Assignments that the directory takes in.
    pub assignments: u64,
    /// Not taken in, because they lead to the role `admin` or `manager`.
    pub withheld: u64,
    /// Between things that the directory knows without that link: its word holds.
    pub superseded: u64,
    /// One of their ends stays the region's own.
    pub outside: u64,
    /// A role of a department that would count in another one, which no Keystone takes.
    #[serde(default)]
    pub unfit: u64,
}

/// What becomes of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepDocument {
    /// `department`, `project`, `user`, `group` or `role`.
    pub kind: String,
    /// `found`: the federation's own, in which its cloud administrators have their role, is made in
    /// the directory. `adopt`: the region's is taken into it. `recognize`: it is one that it has.
    /// `create`: the directory's is made in the region. `withhold`: it has ended in the federation,
    /// and is switched off. `block`: the directory's can't be made in the region. `skip`: it stays
    /// the region's own.
    pub action: String,
    /// What it is called.
    pub name: String,
    /// The department that it is in: the directory's, or of what stays the region's own, that
    /// one's; absent for departments and global roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentDocument>,
    /// What it is called in the region from then on, where that is another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_to: Option<String>,
    /// Its id in the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The region's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<String>,
    /// What it was recognized by: `map`, `origin`, `former` (the map of its cloud's region that was
    /// removed), `marker`, `earlier-marker` (of the federation that it is taken over from) or
    /// `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether what is taken in is switched off: as it is in the region, or where `changes` says
    /// `disabled`, as what it is nested in is.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub taken_in_off: bool,
    /// What else becomes the directory's in the region: `enabled`, it is switched on there;
    /// `disabled`, it is switched off there; `description`, `email`, `default_project`; `parent` is
    /// only told, as no cloud moves a project.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changes: Vec<String>,
    /// What differs of a thing that was merged before, in the same words, or its `name`. The merge
    /// leaves it: the agent writes what has changed in the directory in any case, and what was
    /// changed in the region stays there, as drift.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub differs: Vec<String>,
    /// Why it is skipped or blocked: `reserved`, `above-is-out`, `above-is-unread`, `same-name`,
    /// `name-held`, `unusable`, `name-unfit`, `too-deep`, `outer-elsewhere`, `email-unfit`,
    /// `administration`, `name-reserved` or `department-blocked`; or how what is withheld ended:
    /// `retired`, `deleted` or `purged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergedDocument {
    /// The region.
    pub region: String,
    /// The plan that was done.
    pub digest: String,
    /// How much of the directory, and of what is known of the region, is new: nothing, where it was
    /// merged before.
    pub written: u64,
    /// How many things were taken into the directory.
    pub adopted: u64,
    /// Whether the region's agent takes no changes, by its policy.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub read_only: bool,
}

/// What stands on the first page alone.
#[derive(Default)]
pub(super) struct Once {
    pub(super) exposures: Vec<ExposureDocument>,
    pub(super) withheld: Vec<WithheldDocument>,
    pub(super) local_administrators: Vec<LocalAdministratorDocument>,
}

impl PlanDocument {
    pub(super) fn new(
        region: String,
        shown: &ShownPlan,
        once: Once,
        items: Vec<StepDocument>,
        next: Option<String>,
    ) -> Self {
        let mut counts: BTreeMap<(ObjectKind, &str), u64> = BTreeMap::new();
        let (mut overwritten, mut differing, mut taken_in_off) = (0, 0, 0);
        for Step { kind, action } in &shown.plan.steps {
            *counts.entry((*kind, action.name())).or_default() += 1;
            match action {
                Action::Recognize {
                    changes, differs, ..
                } => {
                    overwritten += u64::from(!changes.is_empty());
                    differing += u64::from(!differs.is_empty());
                }
                Action::Adopt {
                    object,
                    is_switched_off,
                    ..
                } => {
                    overwritten += u64::from(*is_switched_off);
                    taken_in_off += u64::from(is_off(object));
                }
                _ => {}
            }
        }
        let counts = counts
            .into_iter()
            .map(|((kind, action), count)| CountDocument {
                kind: kind.name().to_owned(),
                action: action.to_owned(),
                count,
            });
        let before = shown.before.as_ref();
        Self {
            region,
            digest: shown.digest.to_string(),
            foreign_federations: shown.plan.foreign.iter().map(ToString::to_string).collect(),
            same_cloud: shown.twin.clone(),
            comes_again: shown.former.clone(),
            read_only: shown.read_only,
            merged: before.and_then(|it| it.merged).map(Into::into),
            merged_by: before.and_then(|it| it.author.clone()),
            counts: counts.collect(),
            renamed: shown.plan.renames().count() as u64,
            overwritten,
            differing,
            taken_in_off,
            default_projects: shown.plan.default_projects.len() as u64,
            links: (&shown.plan.links).into(),
            exposed: shown.plan.exposed.count,
            exposures: once.exposures,
            withheld: once.withheld,
            local_administrators: once.local_administrators,
            local_administrators_count: shown.local_administrators.len() as u64,
            items,
            next,
        }
    }
}

impl From<&Links> for LinksDocument {
    fn from(links: &Links) -> Self {
        Self {
            memberships: links.memberships.len() as u64,
            implications: links.implications.len() as u64,
            assignments: links.assignments.len() as u64,
            withheld: links.withheld.len() as u64,
            superseded: links.superseded,
            outside: links.outside,
            unfit: links.unfit,
        }
    }
}

impl StepDocument {
    pub(super) fn new(shown: &ShownPlan, step: &Step) -> Self {
        let name = |id: &ObjectId| shown.names.get(id).cloned().unwrap_or_default();
        let mut document = Self {
            kind: step.kind.name().to_owned(),
            action: step.action.name().to_owned(),
            name: String::new(),
            department: shown.department_of(step).map(Into::into),
            renamed_to: None,
            id: None,
            here: None,
            by: None,
            taken_in_off: false,
            changes: Vec::new(),
            differs: Vec::new(),
            why: None,
        };
        let before = |rename: &Option<Rename>, otherwise: String| {
            rename.as_ref().map_or(otherwise, |it| it.from.clone())
        };
        let after = |rename: &Option<Rename>| rename.as_ref().map(|it| it.to.clone());
        match &step.action {
            Action::Recognize {
                id,
                here,
                by,
                rename,
                changes,
                differs,
            } => {
                document.name = before(rename, name(id));
                document.renamed_to = after(rename);
                (document.id, document.here) = (Some(id.to_string()), Some(here.to_string()));
                document.by = Some(evidence(*by).to_owned());
                document.changes = words(changes);
                document.differs = words(differs);
            }
            Action::Adopt {
                id,
                here,
                object,
                rename,
                is_switched_off,
            } => {
                document.name = before(rename, object.name().to_owned());
                document.renamed_to = after(rename);
                document.taken_in_off = is_off(object);
                let off = is_switched_off.then_some(Field::Enabled(false));
                document.changes = words(off.as_slice());
                (document.id, document.here) = (Some(id.to_string()), Some(here.to_string()));
            }
            Action::Found { id, .. } | Action::Create { id } => {
                (document.name, document.id) = (name(id), Some(id.to_string()));
            }
            Action::Block { id, why } => {
                (document.name, document.id) = (name(id), Some(id.to_string()));
                document.why = Some(obstacle(*why).to_owned());
            }
            Action::Withhold { id, here } => {
                (document.name, document.id) = (name(id), Some(id.to_string()));
                document.here = Some(here.to_string());
                let how = shown.ended.get(id).copied();
                document.why = how.map(|how| end(step.kind, how).to_owned());
            }
            Action::Skip { here, name, why } => {
                (document.name, document.here) = (name.clone(), Some(here.to_string()));
                document.why = Some(reason(*why).to_owned());
            }
        }
        document
    }
}

const fn is_off(object: &Object<ObjectId>) -> bool {
    match object {
        Object::Department(it) => !it.enabled,
        Object::Project(it) => !it.enabled,
        Object::User(it) => !it.enabled,
        Object::Group(_) | Object::Role(_) => false,
    }
}

fn words(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|it| it.name().to_owned()).collect()
}

const fn evidence(by: Evidence) -> &'static str {
    match by {
        Evidence::Map => "map",
        Evidence::Origin => "origin",
        Evidence::Former => "former",
        Evidence::Marker => "marker",
        Evidence::Earlier => "earlier-marker",
        Evidence::Name => "name",
    }
}

/// A department or project that was deleted was purged.
const fn end(kind: ObjectKind, how: End) -> &'static str {
    match (kind, how) {
        (_, End::Retired) => "retired",
        (ObjectKind::Department | ObjectKind::Project, End::Deleted) => "purged",
        (_, End::Deleted) => "deleted",
    }
}

const fn obstacle(why: Obstacle) -> &'static str {
    match why {
        Obstacle::NameReserved => "name-reserved",
        Obstacle::DepartmentBlocked => "department-blocked",
    }
}

const fn reason(why: Reason) -> &'static str {
    match why {
        Reason::Reserved => "reserved",
        Reason::AboveIsOut => "above-is-out",
        Reason::AboveIsUnread => "above-is-unread",
        Reason::SameName => "same-name",
        Reason::NameHeld => "name-held",
        Reason::Unusable => "unusable",
        Reason::NameUnfit => "name-unfit",
        Reason::TooDeep => "too-deep",
        Reason::OuterElsewhere => "outer-elsewhere",
        Reason::EmailUnfit => "email-unfit",
        Reason::Administration => "administration",
    }
}
