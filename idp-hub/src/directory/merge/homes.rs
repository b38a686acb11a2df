//! In which department roles and projects are: a role of a department counts in that one alone
//! (Keystone, Identity API v3: domain-specific roles).

use std::collections::HashMap;

use shared::ids::ObjectId;
use shared::model::{Assignment, Implication, ObjectKind, Organization, Scope};

use super::Merger;
use crate::directory::plan::Action;

/// Those of the directory, and those that it gets.
pub(super) struct Homes<'a> {
    live: &'a Organization<ObjectId>,
    /// Of roles that are of one, and of projects.
    new: HashMap<ObjectId, ObjectId>,
}

impl Merger<'_> {
    pub(super) fn homes(&self) -> Homes<'_> {
        let steps = self.steps.iter();
        let adopted = steps.filter_map(|step| match (&step.action, step.kind) {
            (Action::Adopt { id, object, .. }, ObjectKind::Role | ObjectKind::Project) => {
                Some((*id, object))
            }
            _ => None,
        });
        Homes {
            live: &self.directory.live,
            new: adopted
                .filter_map(|(id, object)| Some((id, *object.department()?)))
                .collect(),
        }
    }
}

impl Homes<'_> {
    pub(super) fn takes_implication(&self, it: &Implication<ObjectId>) -> bool {
        let own = self.of_role(it.implied);
        own.is_none() || own == self.of_role(it.prior)
    }

    pub(super) fn takes_assignment(&self, it: &Assignment<ObjectId>) -> bool {
        let own = self.of_role(it.role);
        own.is_none() || own == self.of_scope(&it.scope)
    }

    fn of_role(&self, role: ObjectId) -> Option<ObjectId> {
        match self.live.roles.get(&role) {
            Some(role) => role.department,
            None => self.new.get(&role).copied(),
        }
    }

    fn of_scope(&self, scope: &Scope<ObjectId>) -> Option<ObjectId> {
        match scope {
            Scope::Department(id) => Some(*id),
            Scope::Project(id) => match self.live.projects.get(id) {
                Some(project) => Some(project.department),
                None => self.new.get(id).copied(),
            },
        }
    }
}
