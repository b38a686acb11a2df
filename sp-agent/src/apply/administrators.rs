//! Who administers this cloud, and by whose word.
//!
//! The role `admin` is power over all of a cloud wherever somebody has it. Whom a link of the
//! directory gave it, which was made here because the directory has it, was no administrator of
//! this cloud before, and only the federation's own give that role or set a password for whoever
//! has it: he is the federation's. Where some of what gives it was the region's before (a group
//! that had the role when the region was merged), the link counts that came last: whom the
//! directory put into such a group it made one. All others are the cloud's own: who was given the
//! role in the region, had it when the region was merged, or has it by a role that leads to it in
//! the region alone.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Becomes, CloudId, Implication, Link, ObjectKind, Organization, Role, Scope,
};

use super::Reconciler;
use crate::replica::Tied;

impl Reconciler {
    /// Whom a link of the directory makes a cloud administrator, if it waits for his password. But
    /// for the federation's own administrators, that is where his account was made by an agent: one
    /// that came with the region has a password, of which the hub knows nothing before he signs in
    /// there.
    pub(super) fn empowered(&self, link: &Link<ObjectId>) -> Option<ObjectId> {
        let appointed = self.administration.appointed(link);
        let all = &self.replica.directory;
        let by_role = || match link {
            Link::Assignment(it) => match it.actor {
                Actor::User(user) => leads_to_admin(all, &it.role).then_some(user),
                Actor::Group(_) => None,
            },
            Link::Membership(it) => {
                let mut given = assignments_of(all, it.group);
                given
                    .any(|it| leads_to_admin(all, &it.role))
                    .then_some(it.user)
            }
            Link::Implication(_) => None,
        };
        appointed.or_else(|| by_role().filter(|it| self.is_made_here(it)))
    }

    /// The group that a link of the directory gives the role.
    pub(super) fn empowered_group(&self, link: &Link<ObjectId>) -> Option<ObjectId> {
        let Link::Assignment(it) = link else {
            return None;
        };
        match it.actor {
            Actor::Group(group) => {
                leads_to_admin(&self.replica.directory, &it.role).then_some(group)
            }
            Actor::User(_) => None,
        }
    }

    /// Those of the directory who are in a group here, and whose accounts were made by an agent.
    pub(super) fn made_members(&self, group: ObjectId) -> Vec<ObjectId> {
        let Some(here) = self.places.here(ObjectKind::Group, &group) else {
            return Vec::new();
        };
        let links = self.actual.links_of(ObjectKind::Group, &here);
        let users = links.filter_map(|it| match it {
            Link::Membership(it) => self.places.there(ObjectKind::User, &it.user),
            Link::Assignment(_) | Link::Implication(_) => None,
        });
        users.filter(|it| self.is_made_here(it)).collect()
    }

    /// Whether a user's account was made by an agent, and did not come with the region.
    fn is_made_here(&self, user: &ObjectId) -> bool {
        let kind = ObjectKind::User;
        let is_bound = |here: CloudId| {
            let becomes = self.places.binding(kind, &here);
            matches!(becomes, Some(Becomes::Object(_)))
        };
        !self.places.here(kind, user).is_some_and(is_bound)
    }

    /// Whether a link of the cloud makes anybody an administrator.
    pub(super) fn gives_power(&self, link: &Link<CloudId>) -> bool {
        match link {
            Link::Assignment(it) => self.leads_to_admin(&it.role),
            Link::Implication(it) => self.leads_to_admin(&it.implied),
            Link::Membership(it) => {
                let mut all = self.actual.links_of(ObjectKind::Group, &it.group);
                all.any(|it| matches!(it, Link::Assignment(it) if self.leads_to_admin(&it.role)))
            }
        }
    }

    /// Whether a user has the role `admin` anywhere in the cloud, by himself, by a group, or by a
    /// role that comes with it, and not by the directory's word alone. Who has a role in the system
    /// as a whole is the region's own.
    pub(super) fn administers(&self, user: &CloudId) -> bool {
        let gives = |it: &Link<CloudId>| match it {
            Link::Assignment(it) => self.leads_to_admin(&it.role),
            Link::Membership(_) | Link::Implication(_) => false,
        };
        let mut links = self.actual.links_of(ObjectKind::User, user);
        links.any(|link| match link {
            Link::Membership(it) => {
                let mut all = self.actual.links_of(ObjectKind::Group, &it.group);
                all.any(|given| gives(given) && !self.is_by_the_directory(&[link, given]))
            }
            Link::Assignment(_) => gives(link) && !self.is_by_the_directory(&[link]),
            Link::Implication(_) => false,
        })
    }

    /// Whether links that make somebody an administrator do so by the directory's word: it has
    /// them all, its own roles lead there, and what came last was made here because of that. Where
    /// that was met, the region made him one, and the directory took that over.
    fn is_by_the_directory(&self, links: &[&Link<CloudId>]) -> bool {
        let known = links.iter().map(|it| self.known_link(it));
        let Some(known) = known.collect::<Option<Vec<Link<ObjectId>>>>() else {
            return false;
        };
        let all = &self.replica.directory;
        let noted = |it: &Link<ObjectId>| self.base.links.get(&it.id());
        let made = known.iter().filter_map(noted);
        let made = made.filter(|it| it.tied == Tied::Made);
        let Some(last) = made.map(|it| it.order).max() else {
            return false;
        };
        let counts = |it: &Link<ObjectId>| {
            noted(it).is_some_and(|it| match it.tied {
                Tied::Made => true,
                Tied::Met => it.order < last,
                Tied::Making => false,
            })
        };
        let leads = |it: &Implication<ObjectId>| counts(&Link::Implication(it.clone()));
        known.iter().all(|link| {
            self.has_link(link)
                && counts(link)
                && match link {
                    Link::Assignment(it) => leads_by(all, &it.role, leads),
                    Link::Membership(_) | Link::Implication(_) => true,
                }
        })
    }

    pub(super) fn leads_to_admin(&self, role: &CloudId) -> bool {
        leads_to_admin(self.actual.organization(), role)
    }
}

/// Whether a role is the one of administrators, or one that comes with it is. What is not known may
/// be.
pub(super) fn leads_to_admin<I: Ord>(all: &Organization<I>, role: &I) -> bool {
    leads_by(all, role, |_| true)
}

/// The same by some of what comes with others.
fn leads_by<I: Ord>(
    all: &Organization<I>,
    role: &I,
    counts: impl Fn(&Implication<I>) -> bool,
) -> bool {
    let (mut seen, mut left) = (BTreeSet::from([role]), vec![role]);
    while let Some(role) = left.pop() {
        if all.roles.get(role).is_none_or(Role::is_cloud_admin) {
            return true;
        }
        let its = all.implications.iter();
        let its = its.filter(|it| it.prior == *role && counts(it));
        let new = its.map(|it| &it.implied).filter(|it| seen.insert(it));
        left.extend(new);
    }
    false
}

/// What gives a group of the directory a role anywhere.
pub(super) fn assignments_of(
    all: &Organization<ObjectId>,
    group: ObjectId,
) -> impl Iterator<Item = &Assignment<ObjectId>> {
    let (actor, least) = (Actor::Group(group), ObjectId::from_bytes([0; 16]));
    let first = Assignment {
        actor: actor.clone(),
        scope: Scope::Department(least),
        role: least,
        inherited: false,
    };
    let its = all.assignments.range(first..);
    its.take_while(move |it| it.actor == actor)
}
