//! Who administers clouds: whoever has the role `admin`, and whom the federation makes that.
//!
//! OpenStack's policy files ask for the role of this name alone, wherever somebody has it
//! (`role:admin`, Keystone's "Service API protection"): in any project it is power over the whole
//! cloud. So the federation's own administrators have it in one project of their own, in a
//! department of their own, in every region; and whoever has it elsewhere got it otherwise.

use super::{Actor, Assignment, Folded, Link, Role, Scope};
use crate::ids::{FederationId, ObjectId};

/// The role that every service's policy asks of an administrator.
pub const ADMIN: &str = "admin";

/// The role that services of OpenStack have, since Keystone 23 made by its `bootstrap`.
pub const SERVICE: &str = "service";

/// What the project is called that services have their accounts in: one of these, by all
/// installers. In every department it stays the region's own.
pub const SERVICE_PROJECTS: [&str; 2] = ["service", "services"];

/// Whether a project of this name is where services have their accounts.
pub fn is_service_project(name: &str) -> bool {
    let mut all = SERVICE_PROJECTS.into_iter();
    all.any(|it| Folded::new(it) == Folded::new(name))
}

/// Whether a global role of this name is the one of administrators, to some cloud's database.
pub fn is_admin_name(name: &str) -> bool {
    Folded::new(name) == Folded::new(ADMIN)
}

impl<I> Role<I> {
    /// Whether whoever has it administers the cloud. One of a department never does: it counts only
    /// by what it implies, and stands in no token itself (Keystone: domain-specific roles).
    pub fn is_cloud_admin(&self) -> bool {
        self.department.is_none() && is_admin_name(&self.name)
    }

    /// Whether whoever has it, himself and not by a group, is a service's account: each region
    /// keeps that as its own.
    pub fn is_of_services(&self) -> bool {
        self.department.is_none() && Folded::new(&self.name) == Folded::new(SERVICE)
    }
}

/// Where the federation's own administrators have their role: the same in every region, and known
/// to hub and agents alike without a word about it.
///
/// Keystone's convention is a project in its department Default, which each region keeps as it is;
/// so it is a project in a department of the federation's, which no region brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administration {
    /// The department, which holds nothing that came with a region.
    pub department: ObjectId,
    /// The project in it.
    pub project: ObjectId,
}

impl Administration {
    /// A federation's.
    pub fn of(federation: FederationId) -> Self {
        let id = |kind| ObjectId::of_federation(federation, kind, "administration");
        Self {
            department: id("department"),
            project: id("project"),
        }
    }

    /// Whom a link makes an administrator, if its role is the one of administrators: a user by
    /// himself. A group makes nobody one, and what is inherited counts elsewhere.
    pub const fn appointed(&self, link: &Link<ObjectId>) -> Option<ObjectId> {
        match link {
            Link::Assignment(it) => self.assigned(it),
            Link::Membership(_) | Link::Implication(_) => None,
        }
    }

    /// The same of an assignment.
    pub const fn assigned(&self, it: &Assignment<ObjectId>) -> Option<ObjectId> {
        match (&it.actor, it.inherited) {
            (Actor::User(user), false) if self.is_its_project(&it.scope) => Some(*user),
            _ => None,
        }
    }

    /// Whether a role there is one among administrators.
    pub const fn has(&self, scope: &Scope<ObjectId>) -> bool {
        match scope {
            Scope::Department(id) => is_same(*id, self.department),
            Scope::Project(_) => self.is_its_project(scope),
        }
    }

    const fn is_its_project(&self, scope: &Scope<ObjectId>) -> bool {
        match scope {
            Scope::Project(id) => is_same(*id, self.project),
            Scope::Department(_) => false,
        }
    }

    /// The link that makes a user an administrator, by the role of that name.
    pub const fn link(&self, user: ObjectId, role: ObjectId) -> Assignment<ObjectId> {
        Assignment {
            actor: Actor::User(user),
            scope: Scope::Project(self.project),
            role,
            inherited: false,
        }
    }
}

const fn is_same(one: ObjectId, other: ObjectId) -> bool {
    u128::from_be_bytes(one.to_bytes()) == u128::from_be_bytes(other.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Membership;

    fn role(department: Option<u8>, name: &str) -> Role<u8> {
        let (name, description) = (name.to_owned(), None);
        Role {
            department,
            name,
            description,
        }
    }

    #[test]
    fn the_role_admin_is_one_whatever_its_case_and_only_a_global_one() {
        for (department, name, expected) in [
            (None, "admin", true),
            (None, "Admin ", true),
            (None, "admins", false),
            (None, "manager", false),
            (Some(1), "admin", false),
        ] {
            let found = role(department, name).is_cloud_admin();
            assert_eq!(found, expected, "{department:?} {name:?}");
        }
    }

    #[test]
    fn a_user_is_appointed_by_himself_in_that_project_alone() {
        let place = Administration::of(FederationId::from_random(7));
        assert_eq!(place, Administration::of(FederationId::from_random(7)));
        assert_ne!(place, Administration::of(FederationId::from_random(8)));
        assert_ne!(place.department, place.project);
        let [user, role] = [1, 2].map(ObjectId::from_random);
        let given = place.link(user, role);
        let who = |it: Assignment<ObjectId>| place.appointed(&Link::Assignment(it));
        assert_eq!(who(given.clone()), Some(user));
        let change = |change: fn(&mut Assignment<ObjectId>, Administration)| {
            let mut other = given.clone();
            change(&mut other, place);
            who(other)
        };
        assert_eq!(change(|it, _| it.inherited = true), None);
        assert_eq!(change(|it, _| it.actor = Actor::Group(it.role)), None);
        let elsewhere = |it: &mut Assignment<_>, place: Administration| {
            it.scope = Scope::Department(place.department);
        };
        assert_eq!(change(elsewhere), None);
        assert!(place.has(&given.scope) && place.has(&Scope::Department(place.department)));
        assert!(!place.has(&Scope::Project(role)));
        let member = Membership { group: role, user };
        assert_eq!(place.appointed(&Link::Membership(member)), None);
    }
}
