//! A small organization, the same for a cloud's whole life: computed from the seed, so that none is
//! stored. Clouds of different seeds share some names, as clouds in the field do.
//!
//! Its first projects are those that servers and quotas name, as far as the cloud has so many.

use shared::model::{
    Actor, Assignment, CloudId, Custody, Department, Entry, Group, Implication, Membership,
    Project, Record, Role, Scope, User,
};

use super::names::{Names, Thing};
use crate::cloud::Part;

/// Departments besides Keystone's own; each has as many projects, users and one group.
const DEPARTMENTS: u32 = 3;
/// Projects of a department: the second is nested in the first.
const PROJECTS: u32 = 2;
const USERS: u32 = 2;

/// Of these a cloud has some in a row.
const DEPARTMENT_NAMES: [&str; 7] = [
    "Finance",
    "研发中心",
    "Operations",
    "Sales",
    "客户服务",
    "Legal",
    "Engineering",
];
const USER_NAMES: [&str; 11] = [
    "anna",
    "li.wei",
    "omar",
    "chen.jie",
    "sofia",
    "王芳",
    "david",
    "amara",
    "yuki",
    "zhang.min",
    "lucas",
];
/// Keystone's own, each with the next one, and one that nobody else knows.
const ROLES: [&str; 6] = ["admin", "manager", "member", "reader", "service", "auditor"];
const MANAGER: u32 = 1;
const MEMBER: u32 = 2;
const READER: u32 = 3;
const SERVICE: u32 = 4;
const AUDITOR: u32 = 5;

/// The projects of Keystone's own domain: the administrator's, which comes first of all, and that
/// of the services, which comes behind all that have servers.
const SERVICE_PROJECT: u32 = u32::MAX;

/// The records of one part of the organization; none of any other part.
pub(super) fn records(names: Names, part: Part) -> Vec<Record> {
    let organization = Organization { names };
    match part {
        Part::Departments => organization.departments(),
        Part::Projects => organization.projects(),
        Part::Users => organization.users(),
        Part::Groups => organization.groups(),
        Part::Roles => organization.roles(),
        Part::Memberships => organization.memberships(),
        Part::Implications => organization.implications(),
        Part::Assignments => organization.assignments(),
        _ => Vec::new(),
    }
}

struct Organization {
    names: Names,
}

const fn entry<T>(id: CloudId, custody: Custody, what: T) -> Entry<T> {
    Entry {
        id,
        custody,
        marker: None,
        what,
    }
}

impl Organization {
    fn departments(&self) -> Vec<Record> {
        let department = |number, custody, name: String| {
            let what = Department {
                name,
                description: Some(String::new()),
                enabled: true,
            };
            Record::Department(entry(self.department(number), custody, what))
        };
        let first = self.names.bits(Thing::Department, 0) as usize;
        let own = (1..=DEPARTMENTS).map(|number| {
            let name = nth(&DEPARTMENT_NAMES, first.wrapping_add(number as usize));
            department(number, Custody::Common, name.to_owned())
        });
        let default = department(0, Custody::Reserved, "Default".to_owned());
        std::iter::once(default).chain(own).collect()
    }

    fn projects(&self) -> Vec<Record> {
        let project = |id, custody, (department, parent), name| {
            let what = Project {
                department: self.department(department),
                parent,
                name,
                description: None,
                enabled: true,
            };
            Record::Project(entry(id, custody, what))
        };
        let mut projects = vec![
            project(
                self.names.project_id(0),
                Custody::Administrator,
                (0, None),
                self.names.project(0),
            ),
            project(
                self.names.project_id(SERVICE_PROJECT),
                Custody::Reserved,
                (0, None),
                "service".to_owned(),
            ),
        ];
        for (department, number) in each(PROJECTS) {
            let parent = (number % PROJECTS == 0).then(|| self.names.project_id(number - 1));
            projects.push(project(
                self.names.project_id(number),
                Custody::Common,
                (department, parent),
                self.names.project(number),
            ));
        }
        projects
    }

    /// Number 0 is the administrator, the last one a service.
    fn users(&self) -> Vec<Record> {
        let user = |number, custody, department, name: &str| {
            let what = User {
                department: self.department(department),
                name: name.to_owned(),
                description: None,
                email: (custody == Custody::Common).then(|| format!("user{number}@example.org")),
                enabled: true,
                default_project: None,
            };
            Record::User(entry(self.id(Thing::User, number), custody, what))
        };
        let first = self.names.bits(Thing::User, 0) as usize;
        let mut users = vec![
            user(0, Custody::Administrator, 0, "admin"),
            user(self.service_user(), Custody::Reserved, 0, "nova"),
        ];
        for (department, number) in each(USERS) {
            let name = nth(&USER_NAMES, first.wrapping_add(number as usize));
            users.push(user(number, Custody::Common, department, name));
        }
        users
    }

    fn groups(&self) -> Vec<Record> {
        let group = |department| {
            let what = Group {
                department: self.department(department),
                name: "staff".to_owned(),
                description: Some("everybody here".to_owned()),
            };
            let id = self.id(Thing::Group, department);
            Record::Group(entry(id, Custody::Common, what))
        };
        (1..=DEPARTMENTS).map(group).collect()
    }

    fn roles(&self) -> Vec<Record> {
        let role = |(number, name): (u32, &&str)| {
            let what = Role {
                department: None,
                name: (*name).to_owned(),
                description: None,
            };
            Record::Role(entry(self.role(number), Custody::Common, what))
        };
        (0..).zip(&ROLES).map(role).collect()
    }

    fn memberships(&self) -> Vec<Record> {
        let membership = |(department, number)| {
            Record::Membership(Membership {
                group: self.id(Thing::Group, department),
                user: self.id(Thing::User, number),
            })
        };
        each(USERS).map(membership).collect()
    }

    fn implications(&self) -> Vec<Record> {
        let implication = |number| {
            Record::Implication(Implication {
                prior: self.role(number),
                implied: self.role(number + 1),
            })
        };
        (0..READER).map(implication).collect()
    }

    /// Who is first in a department manages it, everybody else works in one of its projects, and
    /// all may look at all of them.
    fn assignments(&self) -> Vec<Record> {
        let assignment = |actor, scope, role, inherited| {
            Record::Assignment(Assignment {
                actor,
                scope,
                role: self.role(role),
                inherited,
            })
        };
        let user = |number| Actor::User(self.id(Thing::User, number));
        let project = |number| Scope::Project(self.names.project_id(number));
        let mut assignments = vec![
            assignment(user(0), project(0), 0, false),
            assignment(
                user(self.service_user()),
                project(SERVICE_PROJECT),
                SERVICE,
                false,
            ),
        ];
        for (department, number) in each(USERS) {
            let whole = Scope::Department(self.department(department));
            assignments.push(match number % USERS {
                1 => assignment(user(number), whole, MANAGER, false),
                _ => assignment(user(number), project(number), MEMBER, false),
            });
        }
        for department in 1..=DEPARTMENTS {
            let group = Actor::Group(self.id(Thing::Group, department));
            let whole = Scope::Department(self.department(department));
            let role = if department == 1 { AUDITOR } else { READER };
            assignments.push(assignment(group, whole, role, true));
        }
        assignments
    }

    /// Number 0 is Keystone's own.
    fn department(&self, number: u32) -> CloudId {
        match number {
            0 => CloudId::new("default"),
            number => self.id(Thing::Department, number),
        }
    }

    fn role(&self, number: u32) -> CloudId {
        self.id(Thing::Role, number)
    }

    const fn service_user(&self) -> u32 {
        DEPARTMENTS * USERS + 1
    }

    fn id(&self, thing: Thing, number: u32) -> CloudId {
        self.names.keystone_id(thing, number)
    }
}

/// Things of which each department has so many: its number, and the thing's, from 1 on.
fn each(of_department: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..DEPARTMENTS * of_department).map(move |it| (it / of_department + 1, it + 1))
}

/// The element at `number`, counted round and round.
fn nth(list: &[&'static str], number: usize) -> &'static str {
    list.get(number % list.len().max(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shared::model::Key;

    use super::*;

    fn all(seed: u64) -> Vec<Record> {
        let names = Names { seed };
        let parts = Part::ALL.into_iter();
        parts.flat_map(|part| records(names, part)).collect()
    }

    #[test]
    fn it_is_small_constant_and_of_its_seed() {
        for seed in 0..50 {
            let records = all(seed);
            assert!((20..=50).contains(&records.len()), "{}", records.len());
            assert_eq!(records, all(seed));
            let keys: BTreeSet<Key> = records.iter().map(Record::key).collect();
            assert_eq!(keys.len(), records.len(), "two of one id");
        }
        assert_ne!(all(1), all(2));
    }

    #[test]
    fn names_are_unique_where_keystone_wants_them_to_be() {
        for seed in 0..50 {
            let mut names = BTreeSet::new();
            for record in all(seed) {
                let (kind, id) = (record.key().kind, record.key().id);
                let (department, name) = match record {
                    Record::Department(it) => (None, it.what.name),
                    Record::Project(it) => (Some(it.what.department), it.what.name),
                    Record::User(it) => (Some(it.what.department), it.what.name),
                    Record::Group(it) => (Some(it.what.department), it.what.name),
                    Record::Role(it) => (it.what.department, it.what.name),
                    _ => continue,
                };
                assert!(names.insert((kind, department, name)), "{seed}: {id}");
            }
        }
    }

    #[test]
    fn every_link_leads_to_what_there_is() {
        use shared::model::RecordKind as Kind;
        let records = all(7);
        let keys: BTreeSet<Key> = records.iter().map(Record::key).collect();
        let is = |kind, id: &CloudId| {
            let id = id.clone();
            assert!(keys.contains(&Key { kind, id }), "{kind:?}");
        };
        for record in &records {
            match record {
                Record::Project(it) => {
                    is(Kind::Department, &it.what.department);
                    it.what.parent.iter().for_each(|it| is(Kind::Project, it));
                }
                Record::User(it) => is(Kind::Department, &it.what.department),
                Record::Group(it) => is(Kind::Department, &it.what.department),
                Record::Membership(it) => {
                    is(Kind::Group, &it.group);
                    is(Kind::User, &it.user);
                }
                Record::Implication(it) => {
                    is(Kind::Role, &it.prior);
                    is(Kind::Role, &it.implied);
                }
                Record::Assignment(it) => {
                    is(Kind::Role, &it.role);
                    match &it.actor {
                        Actor::User(id) => is(Kind::User, id),
                        Actor::Group(id) => is(Kind::Group, id),
                    }
                    match &it.scope {
                        Scope::Department(id) => is(Kind::Department, id),
                        Scope::Project(id) => is(Kind::Project, id),
                    }
                }
                _ => {}
            }
        }
    }
}
