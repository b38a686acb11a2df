//! What makes somebody an administrator of every cloud.
//!
//! OpenStack asks for the role `admin` alone, wherever somebody has it: on any project it is power
//! over the whole cloud. What a region gave in its own cloud must not become that in all others.

use std::collections::{HashMap, HashSet};

use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, Implication, Membership, Object, ObjectKind};

use super::Merger;
use crate::directory::names::is_admin_role;
use crate::directory::plan::Action;

/// Whoever has one of these is an administrator of every cloud. Without any for the home region,
/// whose administrators are the federation's.
#[derive(Debug, Default)]
pub(super) struct Powers {
    /// The role `admin`, and those that bring it along.
    roles: HashSet<ObjectId>,
    /// Groups that have one of them somewhere in the directory.
    groups: HashSet<ObjectId>,
}

impl Powers {
    pub(super) fn in_membership(&self, it: &Membership<ObjectId>) -> bool {
        self.groups.contains(&it.group)
    }

    pub(super) fn in_implication(&self, it: &Implication<ObjectId>) -> bool {
        self.roles.contains(&it.implied)
    }

    pub(super) fn in_assignment(&self, it: &Assignment<ObjectId>) -> bool {
        self.roles.contains(&it.role)
    }
}

impl Merger<'_> {
    /// By what the directory and the region's new roles imply together.
    pub(super) fn powers(&self) -> Powers {
        if self.arrival.is_home() {
            return Powers::default();
        }
        let live = &self.directory.live;
        let mut priors: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        let here = self.arrival.organization.implications.iter();
        let here = here.filter(|it| self.is_new(ObjectKind::Role, &it.prior));
        let here =
            here.filter_map(|it| it.translated(|kind, here| self.identities.fate(kind, here).id()));
        for it in live.implications.iter().cloned().chain(here) {
            priors.entry(it.implied).or_default().push(it.prior);
        }
        let (mut roles, mut next) = (HashSet::new(), self.admin_roles());
        while let Some(role) = next.pop() {
            if roles.insert(role) {
                next.extend(priors.get(&role).into_iter().flatten());
            }
        }
        let strong = live.assignments.iter();
        let strong = strong.filter(|it| roles.contains(&it.role));
        let groups = strong.filter_map(|it| match it.actor {
            Actor::Group(group) => Some(group),
            Actor::User(_) => None,
        });
        Powers {
            groups: groups.collect(),
            roles,
        }
    }

    /// The directory's, and one that it gets.
    fn admin_roles(&self) -> Vec<ObjectId> {
        let known = self.directory.live.roles.iter();
        let known = known.filter(|(_, it)| is_admin_role(it));
        let mut all: Vec<ObjectId> = known.map(|(id, _)| *id).collect();
        all.extend(self.steps.iter().filter_map(|step| match &step.action {
            Action::Adopt {
                id,
                object: Object::Role(role),
                ..
            } => is_admin_role(role).then_some(*id),
            _ => None,
        }));
        all
    }
}
