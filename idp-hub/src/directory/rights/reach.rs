//! How far somebody's power reaches, whatever of it is switched off just now.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{Actor, Organization, Scope};

use super::powers::{administers, has_admin, implied};

/// Where somebody is more than a member: by himself, by a group, or by a role that brings another
/// one along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// He has the role `admin` somewhere, which is power over every cloud.
    Everywhere,
    /// He administers these, and what is in them: nothing, as most do.
    Places(BTreeSet<Scope<ObjectId>>),
}

/// All who are more than members, which are few: found in one walk of who has which role, so that
/// nobody walks it for each user.
#[derive(Debug, Default)]
pub struct Powerful {
    reaches: BTreeMap<Actor<ObjectId>, Reach>,
    /// Users, with the groups among these that they are in.
    groups: BTreeMap<ObjectId, Vec<ObjectId>>,
}

impl Reach {
    const NOWHERE: Self = Self::Places(BTreeSet::new());

    /// A user's.
    pub fn of(live: &Organization<ObjectId>, user: ObjectId) -> Self {
        Powerful::of(live).reach(user)
    }

    /// With this one as well.
    fn and(&mut self, more: &Self) {
        match (&mut *self, more) {
            (Self::Everywhere, _) => {}
            (_, Self::Everywhere) => *self = Self::Everywhere,
            (Self::Places(all), Self::Places(more)) => all.extend(more.iter().cloned()),
        }
    }
}

impl Powerful {
    /// All of an organization.
    pub fn of(live: &Organization<ObjectId>) -> Self {
        let mut all = Self::default();
        let mut roles = BTreeMap::new();
        for it in &live.assignments {
            let (is_admin, is_administrator) = *roles.entry(it.role).or_insert_with(|| {
                let given = implied(live, it.role);
                (has_admin(live, &given), administers(live, &given))
            });
            let reach = match (is_admin, is_administrator) {
                (true, _) => Reach::Everywhere,
                (false, true) => Reach::Places(BTreeSet::from([it.scope.clone()])),
                (false, false) => continue,
            };
            let actor = it.actor.clone();
            let known = all.reaches.entry(actor).or_insert(Reach::NOWHERE);
            known.and(&reach);
        }
        for it in &live.memberships {
            if all.reaches.contains_key(&Actor::Group(it.group)) {
                all.groups.entry(it.user).or_default().push(it.group);
            }
        }
        all
    }

    /// A user's reach.
    pub fn reach(&self, user: ObjectId) -> Reach {
        let groups = self.groups.get(&user).into_iter().flatten();
        let his = groups
            .map(|it| Actor::Group(*it))
            .chain([Actor::User(user)]);
        let mut reach = Reach::NOWHERE;
        for it in his.filter_map(|it| self.reaches.get(&it)) {
            reach.and(it);
        }
        reach
    }
}

#[cfg(test)]
mod tests {
    use shared::model::{Assignment, Implication, Membership, Role};

    use super::*;

    const fn id(number: u8) -> ObjectId {
        ObjectId::from_bytes([number; 16])
    }

    const ANN: ObjectId = id(1);
    const STAFF: ObjectId = id(2);
    const ADMIN: ObjectId = id(3);
    const MANAGER: ObjectId = id(4);
    const MEMBER: ObjectId = id(5);
    const CHIEF: ObjectId = id(6);
    const ROOT: ObjectId = id(7);
    const OPS: Scope<ObjectId> = Scope::Department(id(8));
    const WEB: Scope<ObjectId> = Scope::Project(id(9));

    /// ANN is in STAFF; CHIEF brings `manager` along, and ROOT `admin`.
    fn organization(
        given: &[(Actor<ObjectId>, ObjectId, Scope<ObjectId>)],
    ) -> Organization<ObjectId> {
        let mut live = Organization::default();
        for (id, name) in [
            (ADMIN, "Admin"),
            (MANAGER, "manager"),
            (MEMBER, "member"),
            (CHIEF, "chief"),
            (ROOT, "root"),
        ] {
            let (name, description, department) = (name.to_owned(), None, None);
            let role = Role {
                department,
                name,
                description,
            };
            live.roles.insert(id, role);
        }
        for (prior, implied) in [(CHIEF, MANAGER), (ROOT, ADMIN)] {
            live.implications.insert(Implication { prior, implied });
        }
        let (group, user) = (STAFF, ANN);
        live.memberships.insert(Membership { group, user });
        for (actor, role, scope) in given.iter().cloned() {
            let inherited = scope == OPS;
            let link = Assignment {
                actor,
                scope,
                role,
                inherited,
            };
            live.assignments.insert(link);
        }
        live
    }

    #[test]
    fn it_is_as_far_as_groups_and_implied_roles_go() {
        let (ann, staff, other) = (Actor::User(ANN), Actor::Group(STAFF), Actor::User(id(99)));
        let places = |all: &[Scope<ObjectId>]| Reach::Places(all.iter().cloned().collect());
        for (given, expected) in [
            (vec![], places(&[])),
            (vec![(ann.clone(), MEMBER, WEB)], places(&[])),
            (vec![(other.clone(), MANAGER, WEB)], places(&[])),
            (vec![(ann.clone(), MANAGER, WEB)], places(&[WEB])),
            (vec![(staff.clone(), CHIEF, OPS)], places(&[OPS])),
            (
                vec![(ann.clone(), CHIEF, WEB), (staff.clone(), MANAGER, OPS)],
                places(&[WEB, OPS]),
            ),
            (vec![(ann, ADMIN, WEB)], Reach::Everywhere),
            (vec![(staff.clone(), ROOT, OPS)], Reach::Everywhere),
            (vec![(other.clone(), ADMIN, WEB)], places(&[])),
            (
                vec![(staff.clone(), MANAGER, WEB), (staff, ROOT, OPS)],
                Reach::Everywhere,
            ),
            (
                vec![(Actor::Group(id(98)), ROOT, OPS), (other, ADMIN, WEB)],
                places(&[]),
            ),
        ] {
            let found = Reach::of(&organization(&given), ANN);
            assert_eq!(found, expected, "{given:?}");
        }
    }
}
