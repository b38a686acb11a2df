//! Who administers this cloud, and by whose word.
//!
//! The role `admin` is power over all of a cloud wherever somebody has it. Whom a link of the
//! directory gave it, which was made here because the directory has it, was no administrator of
//! this cloud before, and only the federation's own give that role or set a password for whoever
//! has it: he is the federation's. All others are the cloud's own: who was given the role in the
//! region, had it when the region was merged, or has it by a role that leads to it in the region
//! alone.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Becomes, CloudId, Implication, Link, ObjectKind, Organization, Role, Scope,
};

use super::Reconciler;
use super::subject::{Standing, Subject, Wait};
use crate::replica::Tied;

impl Reconciler {
    /// Whom a link of the directory makes a cloud administrator, if it waits for his password. But
    /// for the federation's own administrators, that is where his account was made by an agent: one
    /// that came with the region has a password, of which the hub knows nothing before he signs in
    /// there. What gives the role to a group waits for none of its members, or one who never signs
    /// in would keep it from all.
    pub(super) fn empowered(&self, link: &Link<ObjectId>) -> Option<ObjectId> {
        let appointed = self.administration.appointed(link);
        let all = &self.replica.directory;
        let by_role = || match link {
            Link::Assignment(it) => match it.actor {
                Actor::User(user) => leads_to_admin(all, &it.role).then_some(user),
                Actor::Group(_) => None,
            },
            Link::Membership(it) => {
                let mut given = roles_of(all, it.group);
                given
                    .any(|role| leads_to_admin(all, role))
                    .then_some(it.user)
            }
            Link::Implication(_) => None,
        };
        appointed.or_else(|| by_role().filter(|it| self.is_made_here(it)))
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
    /// them all, its own roles lead there, and all of it was made here because of that. Where one
    /// was met, nobody knows whether that one came last: then the region made him one, and the
    /// directory took that over.
    fn is_by_the_directory(&self, links: &[&Link<CloudId>]) -> bool {
        let all = &self.replica.directory;
        let known = links.iter().map(|it| self.known_link(it));
        let known: Option<Vec<Link<ObjectId>>> = known.collect();
        let is_made = |it: &Link<ObjectId>| self.base.links.get(&it.id()) == Some(&Tied::Made);
        let says = |link: &Link<ObjectId>| {
            self.has_link(link)
                && match link {
                    Link::Assignment(it) => {
                        leads_by(all, &it.role, |it| is_made(&Link::Implication(it.clone())))
                    }
                    Link::Membership(_) | Link::Implication(_) => true,
                }
        };
        known.is_some_and(|it| it.iter().all(|it| is_made(it) && says(it)))
    }

    pub(super) fn leads_to_admin(&self, role: &CloudId) -> bool {
        leads_to_admin(self.actual.organization(), role)
    }

    /// The directory has a link, or not any more, or it is known to be made: those whom it makes
    /// administrators may be given their passwords by it, or not any more, and what waited for
    /// these may be given.
    pub(super) fn look_at_empowered(&mut self, link: &Link<ObjectId>) {
        let is_held = |it: &Subject| {
            let standing = self.standings.get(it);
            matches!(standing, Some(Standing::Waiting(Wait::Password(_))))
        };
        let held: Vec<Subject> = match link {
            // There are few, and all roles hang on them.
            Link::Implication(_) => {
                let secrets = self.replica.secrets.keys();
                let secrets = secrets.map(|it| Subject::Password(*it));
                let all = self.standings.keys().filter(|it| is_held(it));
                all.cloned().chain(secrets).collect()
            }
            Link::Assignment(it) => match it.actor {
                Actor::Group(group) => {
                    let its = self.referrers.get(&(ObjectKind::Group, group));
                    let its = its.into_iter().flatten();
                    its.filter(|it| is_held(it)).cloned().collect()
                }
                Actor::User(_) => Vec::new(),
            },
            Link::Membership(_) => Vec::new(),
        };
        self.dirty.extend(held);
        if let Some(here) = link.translated(|kind, id| self.places.here(kind, id)) {
            self.look_at_passwords(&here);
        }
    }
}

/// Whether a role is the one of administrators, or one that comes with it is. What is not known may
/// be.
fn leads_to_admin<I: Ord>(all: &Organization<I>, role: &I) -> bool {
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

/// The roles that a group of the directory has anywhere.
fn roles_of(all: &Organization<ObjectId>, group: ObjectId) -> impl Iterator<Item = &ObjectId> {
    let (actor, least) = (Actor::Group(group), ObjectId::from_bytes([0; 16]));
    let first = Assignment {
        actor: actor.clone(),
        scope: Scope::Department(least),
        role: least,
        inherited: false,
    };
    let its = all.assignments.range(first..);
    its.take_while(move |it| it.actor == actor)
        .map(|it| &it.role)
}
