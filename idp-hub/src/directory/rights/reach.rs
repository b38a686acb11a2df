//! How far somebody's power reaches, whatever of it is switched off just now.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{Actor, ObjectKind, Organization, Scope};

use super::powers::{Power, RolePowers, members_of, with_nested};

/// What somebody is more than a member of: by himself, by a group, or by a role that brings another
/// one along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// He has the role `admin` somewhere, which is power over every cloud.
    Everywhere,
    /// He administers these departments and projects, and what is in them: nothing, as most do.
    Things(BTreeSet<(ObjectKind, ObjectId)>),
}

/// All who are more than members, which are few: found in one walk of who has which role, so that
/// nobody walks it for each user.
#[derive(Debug, Default)]
pub struct Powerful {
    /// Where each is; `None` is everywhere.
    places: BTreeMap<Actor<ObjectId>, Option<BTreeSet<Scope<ObjectId>>>>,
    /// Users, with the groups among these that they are in.
    groups: BTreeMap<ObjectId, Vec<ObjectId>>,
}

impl Reach {
    /// A user's.
    pub fn of(live: &Organization<ObjectId>, user: ObjectId) -> Self {
        Powerful::of(live).reach(live, user)
    }
}

impl Powerful {
    /// All of an organization.
    pub fn of(live: &Organization<ObjectId>) -> Self {
        let mut all = Self::default();
        for (it, power) in RolePowers::of_all(live).given(live.assignments.iter()) {
            let empty = || Some(BTreeSet::new());
            let places = all.places.entry(it.actor.clone()).or_insert_with(empty);
            match (power, places.as_mut()) {
                (Power::Clouds, _) => *places = None,
                (Power::Place, Some(places)) => drop(places.insert(it.scope.clone())),
                (Power::Place, None) => {}
            }
        }
        for it in &live.memberships {
            if all.places.contains_key(&Actor::Group(it.group)) {
                all.groups.entry(it.user).or_default().push(it.group);
            }
        }
        all
    }

    /// Users who administer one of these places in the same organization, without more.
    pub fn administrators(
        &self,
        live: &Organization<ObjectId>,
        places: &BTreeSet<Scope<ObjectId>>,
    ) -> BTreeSet<ObjectId> {
        let mut users = BTreeSet::new();
        for (actor, theirs) in &self.places {
            if theirs.as_ref().is_none_or(|it| it.is_disjoint(places)) {
                continue;
            }
            match actor {
                Actor::User(user) => drop(users.insert(*user)),
                Actor::Group(group) => users.extend(members_of(live, *group)),
            }
        }
        users
    }

    /// A user's reach in the same organization, of which whoever administers a department has all
    /// users and projects looked at.
    pub fn reach(&self, live: &Organization<ObjectId>, user: ObjectId) -> Reach {
        let groups = self.groups.get(&user).into_iter().flatten();
        let his = groups
            .map(|it| Actor::Group(*it))
            .chain([Actor::User(user)]);
        let (mut departments, mut projects) = (BTreeSet::new(), BTreeSet::new());
        for places in his.filter_map(|it| self.places.get(&it)) {
            let Some(places) = places else {
                return Reach::Everywhere;
            };
            for it in places {
                match it {
                    Scope::Department(id) => departments.insert(*id),
                    Scope::Project(id) => projects.insert(*id),
                };
            }
        }
        with_nested(live, &mut projects);
        let mut things = BTreeSet::new();
        if !departments.is_empty() {
            let is_in = |it: &ObjectId| departments.contains(it);
            let all = live.projects.iter().filter(|(_, it)| is_in(&it.department));
            things.extend(all.map(|(id, _)| (ObjectKind::Project, *id)));
            let all = live.users.iter().filter(|(_, it)| is_in(&it.department));
            things.extend(all.map(|(id, _)| (ObjectKind::User, *id)));
            let all = live.groups.iter().filter(|(_, it)| is_in(&it.department));
            things.extend(all.map(|(id, _)| (ObjectKind::Group, *id)));
        }
        things.extend(
            departments
                .into_iter()
                .map(|it| (ObjectKind::Department, it)),
        );
        things.extend(projects.into_iter().map(|it| (ObjectKind::Project, it)));
        Reach::Things(things)
    }
}

#[cfg(test)]
mod tests {
    use shared::model::{Assignment, Group, Implication, Membership, Project, Role, User};

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
        let places = |all: &[Scope<ObjectId>]| {
            let all = all.iter().map(|it| match it {
                Scope::Department(id) => (ObjectKind::Department, *id),
                Scope::Project(id) => (ObjectKind::Project, *id),
            });
            Reach::Things(all.collect())
        };
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

    #[test]
    fn what_is_in_a_place_is_within_reach_too() {
        let (ann, far) = (Actor::User(ANN), id(20));
        let (carol, staff, web, deep) = (id(11), STAFF, id(9), id(12));
        for (place, expected) in [
            (
                OPS,
                vec![
                    (ObjectKind::Department, id(8)),
                    (ObjectKind::Project, web),
                    (ObjectKind::Project, deep),
                    (ObjectKind::User, carol),
                    (ObjectKind::Group, staff),
                ],
            ),
            (
                WEB,
                vec![(ObjectKind::Project, web), (ObjectKind::Project, deep)],
            ),
        ] {
            let mut live = organization(&[(ann.clone(), MANAGER, place)]);
            for (id, department, parent) in [
                (web, id(8), None),
                (deep, id(8), Some(web)),
                (id(13), far, None),
            ] {
                let project = Project {
                    department,
                    parent,
                    name: "p".to_owned(),
                    description: None,
                    enabled: true,
                };
                live.projects.insert(id, project);
            }
            for (id, department) in [(carol, id(8)), (ANN, far)] {
                let user = User {
                    department,
                    name: "u".to_owned(),
                    description: None,
                    email: None,
                    enabled: true,
                    default_project: None,
                };
                live.users.insert(id, user);
            }
            for (id, department) in [(staff, id(8)), (id(14), far)] {
                let group = Group {
                    department,
                    name: "g".to_owned(),
                    description: None,
                };
                live.groups.insert(id, group);
            }
            let found = Reach::of(&live, ANN);
            assert_eq!(found, Reach::Things(expected.into_iter().collect()));
        }
    }
}
