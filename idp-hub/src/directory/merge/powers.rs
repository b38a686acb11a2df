//! What makes somebody an administrator: of every cloud, or of a department or project.
//!
//! OpenStack asks for the role `admin` alone, wherever somebody has it: on any project it is power
//! over the whole cloud. What a region gave in its own cloud must not become that in all others.
//!
//! The role `manager` is power at the hub, over a place's users and their passwords. A region gives
//! it in what it brings along itself, and nowhere else: each region has a copy of all the others'
//! departments, and a captured one could say of any that somebody of its own administers it.

use std::collections::{HashMap, HashSet};

use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, Implication, Membership, Object, ObjectKind, Role};

use super::Merger;
use crate::directory::names::is_administrators_role;
use crate::directory::plan::Action;

/// Whoever has one of these is an administrator. Without any at the first merge of all, as the home
/// region's administrators are the federation's: those whom an operator has there when he founds
/// it, and not whom somebody with a right in that one cloud makes one later.
#[derive(Debug, Default)]
pub(super) struct Powers {
    /// The role `admin`, and those that bring it along: of every cloud.
    roles: HashSet<ObjectId>,
    /// The role `manager` as well, and those that bring it along: of the place where it counts.
    of_places: HashSet<ObjectId>,
    /// Groups that have one of either somewhere in the directory.
    groups: HashSet<ObjectId>,
}

impl Powers {
    pub(super) fn in_membership(&self, it: &Membership<ObjectId>) -> bool {
        self.groups.contains(&it.group)
    }

    pub(super) fn in_implication(&self, it: &Implication<ObjectId>) -> bool {
        self.roles.contains(&it.implied)
    }

    /// `is_own`: whether the place comes along with the region.
    pub(super) fn in_assignment(&self, it: &Assignment<ObjectId>, is_own: bool) -> bool {
        self.roles.contains(&it.role) || !is_own && self.of_places.contains(&it.role)
    }
}

impl Merger<'_> {
    /// By what the directory and the region's new roles imply together.
    pub(super) fn powers(&self) -> Powers {
        if self.arrival.is_first {
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
        let roles = leading_to(self.roles_that(Role::is_cloud_admin), &priors);
        let of_places = leading_to(self.roles_that(is_administrators_role), &priors);
        let strong = live.assignments.iter();
        let strong = strong.filter(|it| of_places.contains(&it.role));
        let groups = strong.filter_map(|it| match it.actor {
            Actor::Group(group) => Some(group),
            Actor::User(_) => None,
        });
        Powers {
            groups: groups.collect(),
            roles,
            of_places,
        }
    }

    /// The directory's, and those that it gets.
    fn roles_that(&self, is: impl Fn(&Role<ObjectId>) -> bool) -> Vec<ObjectId> {
        let known = self.directory.live.roles.iter();
        let known = known.filter(|(_, it)| is(it));
        let mut all: Vec<ObjectId> = known.map(|(id, _)| *id).collect();
        all.extend(self.steps.iter().filter_map(|step| match &step.action {
            Action::Adopt {
                id,
                object: Object::Role(role),
                ..
            } => is(role).then_some(*id),
            _ => None,
        }));
        all
    }
}

/// These roles, and those that bring one of them along.
fn leading_to(
    mut next: Vec<ObjectId>,
    priors: &HashMap<ObjectId, Vec<ObjectId>>,
) -> HashSet<ObjectId> {
    let mut all = HashSet::new();
    while let Some(role) = next.pop() {
        if all.insert(role) {
            next.extend(priors.get(&role).into_iter().flatten());
        }
    }
    all
}
