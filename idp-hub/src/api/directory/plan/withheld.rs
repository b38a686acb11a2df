//! Links that a merge does not take in, as JSON.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared::ids::ObjectId;
use shared::model::{Actor, Link, ObjectKind, Scope};
use utoipa::ToSchema;

use super::super::documents::DepartmentDocument;
use crate::store::directory::ShownPlan;

/// Links that one answer holds at most: a region may tell of any number.
const WITHHELD_MAX: usize = 1000;

/// A link that is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WithheldDocument {
    /// `membership`, `implication` or `assignment`.
    pub kind: String,
    /// Who has it there: a user or a group; of implications the role that brings the other along.
    pub actor: LinkEndDocument,
    /// The role: of assignments, and of implications the one that comes along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<LinkEndDocument>,
    /// Where it counts, a project or a department: of assignments; of memberships the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<LinkEndDocument>,
    /// Whether it counts in the projects below instead: of assignments.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub inherited: bool,
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkEndDocument {
    /// `department`, `project`, `user`, `group` or `role`.
    pub kind: String,
    /// Its id in the directory, once the region is merged.
    pub id: String,
    /// What it is called there.
    pub name: String,
    /// The department that it is in; absent for departments and global roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentDocument>,
}

/// The first ones of a plan.
pub(super) fn of(shown: &ShownPlan) -> Vec<WithheldDocument> {
    let withheld = &shown.plan.links.withheld;
    if withheld.is_empty() {
        return Vec::new();
    }
    let adopted = shown.plan.adopted().map(|(id, it)| (id, it.name()));
    let names = Names {
        shown,
        adopted: adopted.collect(),
    };
    let first = withheld.iter().take(WITHHELD_MAX);
    first.map(|link| names.document(link)).collect()
}

/// What the ends of links are called.
struct Names<'a> {
    shown: &'a ShownPlan,
    adopted: HashMap<ObjectId, &'a str>,
}

impl Names<'_> {
    fn document(&self, link: &Link<ObjectId>) -> WithheldDocument {
        let (kind, actor, role, scope, inherited) = match link {
            Link::Membership(it) => {
                let (user, group) = ((ObjectKind::User, it.user), (ObjectKind::Group, it.group));
                ("membership", user, None, Some(group), false)
            }
            Link::Implication(it) => {
                let prior = (ObjectKind::Role, it.prior);
                ("implication", prior, Some(it.implied), None, false)
            }
            Link::Assignment(it) => {
                let actor = match it.actor {
                    Actor::User(id) => (ObjectKind::User, id),
                    Actor::Group(id) => (ObjectKind::Group, id),
                };
                let scope = match it.scope {
                    Scope::Department(id) => (ObjectKind::Department, id),
                    Scope::Project(id) => (ObjectKind::Project, id),
                };
                (
                    "assignment",
                    actor,
                    Some(it.role),
                    Some(scope),
                    it.inherited,
                )
            }
        };
        WithheldDocument {
            kind: kind.to_owned(),
            actor: self.end(actor),
            role: role.map(|id| self.end((ObjectKind::Role, id))),
            scope: scope.map(|it| self.end(it)),
            inherited,
        }
    }

    fn end(&self, (kind, id): (ObjectKind, ObjectId)) -> LinkEndDocument {
        let known = self.shown.names.get(&id).map(String::as_str);
        let name = known.or_else(|| self.adopted.get(&id).copied());
        LinkEndDocument {
            kind: kind.name().to_owned(),
            id: id.to_string(),
            name: name.unwrap_or_default().to_owned(),
            department: self.shown.department_of_id(&id).map(Into::into),
        }
    }
}
