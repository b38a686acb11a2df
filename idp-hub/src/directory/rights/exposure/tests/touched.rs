//! A link is checked by what it touches, with what comparing all of a directory finds.

use std::collections::BTreeSet;

use proptest::prelude::*;
use shared::model::{Assignment, Project};

use super::*;

const ROOT: ObjectId = id(11);
const OWN: ObjectId = id(12);
const WEB: ObjectId = id(13);
const DAN: ObjectId = id(14);
const CREW: ObjectId = id(15);

const USERS: [ObjectId; 4] = [ANN, BOB, CLEO, DAN];
const GROUPS: [ObjectId; 2] = [STAFF, CREW];

/// The site with some more of each: ROOT is a role that brings others along, OWN one of OPS that is
/// called as one that is power, and DAN a user of LAB.
fn larger() -> Directory {
    let mut directory = site();
    let live = &mut directory.live;
    for (id, department, name) in [(ROOT, None, "root"), (OWN, Some(OPS), "manager")] {
        let (name, description) = (name.to_owned(), None);
        let role = Role {
            department,
            name,
            description,
        };
        live.roles.insert(id, role);
    }
    let web = Project {
        department: OPS,
        parent: None,
        name: "web".to_owned(),
        description: None,
        enabled: true,
    };
    live.projects.insert(WEB, web);
    live.users.insert(DAN, live.users[&CLEO].clone());
    live.groups.insert(CREW, live.groups[&STAFF].clone());
    directory
}

fn assignments() -> impl Strategy<Value = Link<ObjectId>> {
    let actor = prop_oneof![
        prop::sample::select(&USERS[..]).prop_map(Actor::User),
        prop::sample::select(&GROUPS[..]).prop_map(Actor::Group),
    ];
    // Mostly what is power.
    let role =
        prop::sample::select(&[ADMIN, ADMIN, MANAGER, MANAGER, CHIEF, ROOT, OWN, MEMBER][..]);
    let scope = prop::sample::select(
        &[
            Scope::Department(OPS),
            Scope::Department(LAB),
            Scope::Project(WEB),
        ][..],
    );
    (actor, role, scope, prop::bool::weighted(0.2)).prop_map(|(actor, role, scope, inherited)| {
        Link::Assignment(Assignment {
            actor,
            scope,
            role,
            inherited,
        })
    })
}

fn memberships() -> impl Strategy<Value = Link<ObjectId>> {
    let (group, user) = (
        prop::sample::select(&GROUPS[..]),
        prop::sample::select(&USERS[..]),
    );
    (group, user).prop_map(|(group, user)| Link::Membership(Membership { group, user }))
}

fn implications() -> impl Strategy<Value = Link<ObjectId>> {
    let some = [
        (CHIEF, MANAGER),
        (ROOT, ADMIN),
        (ROOT, CHIEF),
        (MEMBER, CHIEF),
        (OWN, MEMBER),
    ];
    let some = prop::sample::select(some.to_vec());
    some.prop_map(|(prior, implied)| Link::Implication(Implication { prior, implied }))
}

fn links() -> impl Strategy<Value = Link<ObjectId>> {
    prop_oneof![4 => assignments(), 3 => memberships(), 1 => implications()]
}

/// Who has the role `admin`, each with whoever else administers his department: as it is said, and
/// not as it is found.
fn pairs(live: &Organization<ObjectId>) -> BTreeSet<(ObjectId, ObjectId)> {
    let leads_to = |from: ObjectId, to: &[ObjectId]| {
        let mut roles = BTreeSet::from([from]);
        for _ in 0..live.implications.len() {
            let more = live.implications.iter();
            let more: Vec<_> = more.filter(|it| roles.contains(&it.prior)).collect();
            roles.extend(more.iter().map(|it| it.implied));
        }
        to.iter().any(|it| roles.contains(it))
    };
    let has = |user, it: &Assignment<ObjectId>| match it.actor {
        Actor::User(id) => id == user,
        Actor::Group(group) => live.memberships.contains(&Membership { group, user }),
    };
    let is_admin = |user| {
        let mut all = live.assignments.iter();
        all.any(|it| has(user, it) && leads_to(it.role, &[ADMIN]))
    };
    let manages = |user, department| {
        let mut all = live.assignments.iter();
        all.any(|it| {
            let is_there = it.scope == Scope::Department(department) && !it.inherited;
            is_there && has(user, it) && leads_to(it.role, &[ADMIN, MANAGER])
        })
    };
    let admins = live.users.iter().filter(|(id, _)| is_admin(**id));
    let pairs = admins.flat_map(|(id, user)| {
        let others = live.users.keys().filter(move |other| *other != id);
        let others = others.filter(move |it| manages(**it, user.department));
        others.map(move |it| (*id, *it))
    });
    pairs.collect()
}

proptest! {
    #[test]
    fn it_finds_what_comparing_all_finds(
        there in prop::collection::vec(links(), 0..12),
        made in prop::collection::vec(links(), 1..12),
    ) {
        let mut directory = larger();
        there.iter().for_each(|it| directory.live.link(it.clone()));
        // Some that are there already.
        for link in there.iter().take(2).chain(&made) {
            let change = Change::Link(link);
            let all = Standing::whole(&directory.live, change);
            let all = brought(&directory, change, Some(all), usize::MAX);
            let touched = by_link(&directory.live, link);
            let touched = brought(&directory, change, touched, usize::MAX);
            prop_assert_eq!(&touched, &all, "{:?}", link);
            let before = pairs(&directory.live);
            directory.live.link(link.clone());
            let after = pairs(&directory.live);
            let found = touched.some.iter();
            let found = found.flat_map(|it| it.by.iter().map(|by| (it.user.id, by.id)));
            let found: BTreeSet<_> = found.collect();
            prop_assert_eq!(found, after.difference(&before).copied().collect(), "{:?}", link);
        }
        for user in USERS {
            let change = Change::Appointment(user);
            let all = Standing::of(&directory.live, change);
            let all = exposed(&directory, change, (all, None), (None, usize::MAX));
            let alone = Standing::of_appointed(&directory.live, user);
            let alone = exposed(&directory, change, (alone, None), (None, usize::MAX));
            let his: Vec<_> = all.some.iter().filter(|it| it.user.id == user).collect();
            prop_assert_eq!(alone.some.iter().collect::<Vec<_>>(), his);
        }
    }
}
