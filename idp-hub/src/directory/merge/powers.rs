//! What makes somebody an administrator: of every cloud, or of a department or project.
//!
//! OpenStack asks for the role `admin` alone, wherever somebody has it: on any project it is power
//! over the whole cloud. What a region gave in its own cloud must not become that in all others.
//!
//! The role `manager` is power at the hub, over a place's users and their passwords. A region gives
//! it in what it brings along itself, and nowhere else: each region has a copy of all the others'
//! departments, and a captured one could say of any that somebody of its own administers it.

use std::collections::HashSet;

use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, Implication, Membership, Object, ObjectKind};

use super::Merger;
use crate::directory::plan::Action;
use crate::directory::rights::{Power, RolePowers};

/// Whoever has one of these is an administrator. Without any at the first merge of all, as the home
/// region's administrators are the federation's: those whom an operator has there when he founds
/// it, and not whom somebody with a right in that one cloud makes one later.
#[derive(Debug, Default)]
pub(super) struct Powers {
    roles: RolePowers,
    /// Groups that have one of them somewhere in the directory.
    groups: HashSet<ObjectId>,
}

impl Powers {
    pub(super) fn in_membership(&self, it: &Membership<ObjectId>) -> bool {
        self.groups.contains(&it.group)
    }

    pub(super) fn in_implication(&self, it: &Implication<ObjectId>) -> bool {
        self.roles.of(it.implied) == Some(Power::Clouds)
    }

    /// `is_own`: whether the place comes along with the region.
    pub(super) fn in_assignment(&self, it: &Assignment<ObjectId>, is_own: bool) -> bool {
        match self.roles.of(it.role) {
            Some(Power::Clouds) => true,
            Some(Power::Place) => !is_own,
            None => false,
        }
    }
}

impl Merger<'_> {
    /// By what the directory and the region's new roles imply together.
    pub(super) fn powers(&self) -> Powers {
        if self.arrival.is_first {
            return Powers::default();
        }
        let live = &self.directory.live;
        let here = self.arrival.organization.implications.iter();
        let here = here.filter(|it| self.is_new(ObjectKind::Role, &it.prior));
        let here =
            here.filter_map(|it| it.translated(|kind, here| self.identities.fate(kind, here).id()));
        let new = self.steps.iter().filter_map(|step| match &step.action {
            Action::Adopt {
                id,
                object: Object::Role(role),
                ..
            } => Some((*id, role)),
            _ => None,
        });
        let known = live.roles.iter().map(|(id, it)| (*id, it));
        let implications = live.implications.iter().cloned().chain(here);
        let roles = RolePowers::new(known.chain(new), implications);
        let groups = roles.given(live.assignments.iter());
        let groups = groups.filter_map(|(it, _)| match it.actor {
            Actor::Group(group) => Some(group),
            Actor::User(_) => None,
        });
        Powers {
            groups: groups.collect(),
            roles,
        }
    }
}
