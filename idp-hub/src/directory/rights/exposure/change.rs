//! A change as far as powers go, looked at before it is made: what there is, and what it adds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::slice;

use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, Implication, Link, Membership, Object, Organization, Role};

use super::Person;
use super::standing::Users;
use crate::directory::plan::Plan;
use crate::directory::rights::RolePowers;

/// A change.
#[derive(Clone, Copy)]
pub(super) enum Change<'a> {
    /// None.
    Nothing,
    /// A link is made.
    Link(&'a Link<ObjectId>),
    /// A role becomes another one.
    Role(ObjectId, &'a Role<ObjectId>),
    /// A user gets the role `admin`.
    Appointment(ObjectId),
    /// A region is merged.
    Merge(&'a Plan),
}

impl<'a> Change<'a> {
    /// Which roles are power then.
    pub(super) fn powers(self, live: &'a Organization<ObjectId>) -> RolePowers {
        let other = match self {
            Self::Role(id, role) => Some((id, role)),
            _ => None,
        };
        let known = live.roles.iter().map(|(id, it)| (*id, it));
        let known = known.filter(|(id, _)| other.is_none_or(|(other, _)| other != *id));
        let taken = self.taken().filter_map(|(id, object)| match object {
            Object::Role(role) => Some((id, role)),
            _ => None,
        });
        let implications = live.implications.iter().chain(self.implications());
        RolePowers::new(known.chain(other).chain(taken), implications.cloned())
    }

    /// Who has which role where then; what is there already may come twice.
    pub(super) fn all_assignments(
        self,
        live: &'a Organization<ObjectId>,
    ) -> impl Iterator<Item = &'a Assignment<ObjectId>> {
        live.assignments.iter().chain(self.assignments())
    }

    /// Who comes into which group.
    pub(super) fn joined(self) -> HashMap<ObjectId, Vec<ObjectId>> {
        let mut all: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        for it in self.memberships() {
            all.entry(it.group).or_default().push(it.user);
        }
        all
    }

    /// Who has the role `admin` by it alone.
    pub(super) const fn appointed(self) -> Option<ObjectId> {
        match self {
            Self::Appointment(user) => Some(user),
            _ => None,
        }
    }

    /// The departments of these users.
    pub(super) fn homes(
        self,
        live: &Organization<ObjectId>,
        users: &Users,
    ) -> BTreeMap<ObjectId, ObjectId> {
        let known = users.iter();
        let known = known.filter_map(|it| Some((*it, live.users.get(it)?.department)));
        let taken = self.taken().filter_map(|(id, object)| match object {
            Object::User(user) if users.contains(&id) => Some((id, user.department)),
            _ => None,
        });
        known.chain(taken).collect()
    }

    /// Whether a merge takes in anything by which somebody has power: most regions' do not.
    pub(super) fn gives_power(self, live: &'a Organization<ObjectId>) -> bool {
        let powers = self.powers(live);
        let mut given = powers.given(self.assignments().iter());
        if given.next().is_some() {
            return true;
        }
        let groups: HashSet<ObjectId> = self.memberships().iter().map(|it| it.group).collect();
        let mut held = powers.given(live.assignments.iter());
        !groups.is_empty()
            && held.any(|(it, _)| match it.actor {
                Actor::Group(group) => groups.contains(&group),
                Actor::User(_) => false,
            })
    }

    /// Who gets which role where.
    pub(super) fn assignments(self) -> &'a [Assignment<ObjectId>] {
        match self {
            Self::Link(Link::Assignment(it)) => slice::from_ref(it),
            Self::Merge(plan) => &plan.links.assignments,
            _ => &[],
        }
    }

    fn memberships(self) -> &'a [Membership<ObjectId>] {
        match self {
            Self::Link(Link::Membership(it)) => slice::from_ref(it),
            Self::Merge(plan) => &plan.links.memberships,
            _ => &[],
        }
    }

    fn implications(self) -> &'a [Implication<ObjectId>] {
        match self {
            Self::Link(Link::Implication(it)) => slice::from_ref(it),
            Self::Merge(plan) => &plan.links.implications,
            _ => &[],
        }
    }

    /// What comes into the directory.
    fn taken(self) -> impl Iterator<Item = (ObjectId, &'a Object<ObjectId>)> {
        let plan = match self {
            Self::Merge(plan) => Some(plan),
            _ => None,
        };
        plan.into_iter().flat_map(Plan::adopted)
    }
}

/// What people are called once a change is made.
pub(super) struct Names<'a> {
    live: &'a Organization<ObjectId>,
    taken: HashMap<ObjectId, &'a Object<ObjectId>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(live: &'a Organization<ObjectId>, change: Change<'a>) -> Self {
        let taken = change.taken().collect();
        Self { live, taken }
    }

    pub(super) fn person(&self, id: ObjectId) -> Person {
        let user = match self.taken.get(&id) {
            Some(Object::User(user)) => Some(user),
            _ => self.live.users.get(&id),
        };
        // Whoever has a role is there.
        let (name, department) = user.map_or_else(
            || (id.to_string(), id),
            |it| (it.name.clone(), it.department),
        );
        let home = match self.taken.get(&department) {
            Some(Object::Department(it)) => Some(it),
            _ => self.live.departments.get(&department),
        };
        Person {
            id,
            name,
            department,
            home: home.map_or_else(String::new, |it| it.name.clone()),
        }
    }
}
