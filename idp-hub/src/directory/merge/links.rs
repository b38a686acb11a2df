//! Links: who is in which group, which role comes with which, who has which role where.
//!
//! A link is taken in if one of its ends is new: then it came with it. Between things that the
//! directory knew already its word holds, also where it has no such link, because that may have
//! been taken away while the region was elsewhere. And a role that is known does not bring others
//! along because one region says so: that would give more power to everybody who has it.
//!
//! Nor does a link come along that makes somebody an administrator of every cloud, or of a
//! department or project that did not come with it, but by the first merge of all: it is withheld,
//! and told one by one. So is a role among the federation's cloud administrators, also by the first
//! merge: no merge makes anybody one.

use std::collections::BTreeSet;

use shared::model::{Actor, Assignment, CloudId, Link, ObjectKind, Scope};

use super::Merger;
use super::identities::Fate;
use crate::directory::plan::Links;

/// Links of one kind, sorted out.
struct Sorted<'d, L> {
    here: &'d BTreeSet<L>,
    taken: Vec<L>,
    withheld: Vec<L>,
    superseded: u64,
    outside: u64,
    unfit: u64,
}

impl<'d, L: Ord> Sorted<'d, L> {
    const fn new(here: &'d BTreeSet<L>) -> Self {
        Self {
            here,
            taken: Vec::new(),
            withheld: Vec::new(),
            superseded: 0,
            outside: 0,
            unfit: 0,
        }
    }

    /// `link` is `None` where one of its ends stays the region's own.
    fn sort(
        &mut self,
        link: Option<L>,
        is_new: bool,
        is_power: impl FnOnce(&L) -> bool,
        is_fit: impl FnOnce(&L) -> bool,
    ) {
        match link {
            None => self.outside += 1,
            Some(link) if is_new && !is_fit(&link) => self.unfit += 1,
            Some(link) if is_new && is_power(&link) => self.withheld.push(link),
            Some(link) if is_new => self.taken.push(link),
            Some(link) => self.superseded += u64::from(!self.here.contains(&link)),
        }
    }
}

impl Merger<'_> {
    pub(super) fn links(&self) -> Links {
        let organization = self.arrival.organization;
        let id = |kind, here: &CloudId| self.identities.fate(kind, here).id();
        let (live, powers) = (&self.directory.live, self.powers());
        let homes = self.homes();
        let place = self.administration;

        let mut memberships = Sorted::new(&live.memberships);
        for it in &organization.memberships {
            let is_new = self.is_new(ObjectKind::Group, &it.group)
                || self.is_new(ObjectKind::User, &it.user);
            memberships.sort(
                it.translated(id),
                is_new,
                |it| powers.in_membership(it),
                |_| true,
            );
        }
        let mut implications = Sorted::new(&live.implications);
        for it in &organization.implications {
            let is_new = self.is_new(ObjectKind::Role, &it.prior);
            implications.sort(
                it.translated(id),
                is_new,
                |it| powers.in_implication(it),
                |it| homes.takes_implication(it),
            );
        }
        let mut assignments = Sorted::new(&live.assignments);
        for it in &organization.assignments {
            let is_new = self.comes_along(it);
            let is_own = self.is_new_place(&it.scope);
            assignments.sort(
                it.translated(id),
                is_new,
                |it| place.has(&it.scope) || powers.in_assignment(it, is_own),
                |it| homes.takes_assignment(it),
            );
        }
        // Assignments first, as they say best what it is about.
        let withheld = assignments.withheld.into_iter().map(Link::Assignment);
        let withheld = withheld.chain(memberships.withheld.into_iter().map(Link::Membership));
        let withheld = withheld.chain(implications.withheld.into_iter().map(Link::Implication));
        Links {
            withheld: withheld.collect(),
            superseded: memberships.superseded + implications.superseded + assignments.superseded,
            outside: memberships.outside + implications.outside + assignments.outside,
            unfit: implications.unfit + assignments.unfit,
            memberships: memberships.taken,
            implications: implications.taken,
            assignments: assignments.taken,
        }
    }

    /// Whether who has the role, or where it counts, is new.
    fn comes_along(&self, assignment: &Assignment<CloudId>) -> bool {
        let actor = match &assignment.actor {
            Actor::User(user) => self.is_new(ObjectKind::User, user),
            Actor::Group(group) => self.is_new(ObjectKind::Group, group),
        };
        actor || self.is_new_place(&assignment.scope)
    }

    fn is_new_place(&self, scope: &Scope<CloudId>) -> bool {
        match scope {
            Scope::Department(department) => self.is_new(ObjectKind::Department, department),
            Scope::Project(project) => self.is_new(ObjectKind::Project, project),
        }
    }

    pub(super) fn is_new(&self, kind: ObjectKind, here: &CloudId) -> bool {
        matches!(self.identities.fate(kind, here), Fate::New(_))
    }
}
