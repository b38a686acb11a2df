//! One full and one minimal record of each kind of an organization, and every word of theirs.

use shared::ids::{FederationId, ObjectId};
use shared::model::*;

use super::records::example;
use super::{Example, states::states};

const SIMPLE: &str = "67e5504410b1426f9247bb680e5fe0c8";
const OBJECT: ObjectId = ObjectId::from_bytes([7; 16]);

pub(crate) fn examples() -> Vec<Example> {
    let full = full().into_iter().chain(full_links());
    let full = full.map(|it| example("full", it));
    let minimal = minimal().into_iter().map(|it| example("minimal", it));
    let mut examples: Vec<Example> = full.chain(minimal).collect();
    examples.push(states("states-organization", &words()));
    examples
}

fn entry<T>(id: &str, marked: bool, what: T) -> Entry<T> {
    let federation = FederationId::from_bytes([9; 16]);
    let object = OBJECT;
    Entry {
        id: CloudId::new(id),
        custody: Custody::Common,
        marker: marked.then_some(Marker { federation, object }),
        what,
    }
}

fn full() -> Vec<Record> {
    let (id, department) = (CloudId::new(SIMPLE), CloudId::new("default"));
    let (name, description) = ("研发 1".to_owned(), Some("what for".to_owned()));
    vec![
        Record::Department(entry(
            SIMPLE,
            true,
            Department {
                name: name.clone(),
                description: description.clone(),
                enabled: true,
            },
        )),
        Record::Project(entry(
            SIMPLE,
            true,
            Project {
                department: department.clone(),
                parent: Some(id.clone()),
                name: name.clone(),
                description: description.clone(),
                enabled: true,
            },
        )),
        Record::User(entry(
            SIMPLE,
            true,
            User {
                department: department.clone(),
                name: name.clone(),
                description: description.clone(),
                email: Some("ann@example.org".to_owned()),
                enabled: true,
                default_project: Some(id.clone()),
            },
        )),
        Record::Group(entry(
            SIMPLE,
            true,
            Group {
                department: department.clone(),
                name: name.clone(),
                description: description.clone(),
            },
        )),
        Record::Role(entry(
            SIMPLE,
            true,
            Role {
                department: Some(department.clone()),
                name,
                description,
            },
        )),
    ]
}

fn full_links() -> Vec<Record> {
    let (id, department) = (CloudId::new(SIMPLE), CloudId::new("default"));
    vec![
        Record::Membership(Membership {
            group: id.clone(),
            user: department.clone(),
        }),
        Record::Implication(Implication {
            prior: id.clone(),
            implied: department.clone(),
        }),
        Record::Assignment(Assignment {
            actor: Actor::Group(id.clone()),
            scope: Scope::Project(department),
            role: id,
            inherited: true,
        }),
        Record::Binding(binding(Becomes::Withheld(OBJECT))),
        Record::Lapse(Lapse {
            object: OBJECT,
            kind: ObjectKind::Role,
            how: End::Retired,
            name: "研发 1".to_owned(),
            proof: [0x5a; 32],
        }),
        Record::Purge(Purge {
            object: OBJECT,
            kind: ObjectKind::Project,
            name: "研发 1".to_owned(),
            at: UnixMillis(1_795_000_000_123),
            step: PurgeStep::Delete,
        }),
        Record::Secret(Secret {
            user: OBJECT,
            version: u64::MAX,
            sealed: vec![0xed; 60],
        }),
        Record::Limits(Limits {
            holder: Holder::Project(OBJECT),
            service: ServiceKind::Compute,
            resources: vec![
                limit("cores", Some(LIMIT_MAX), true),
                limit("ram", None, false),
            ],
        }),
    ]
}

fn limit(name: &str, limit: Option<u64>, force: bool) -> Limit {
    Limit {
        name: name.to_owned(),
        limit,
        version: 1_800_000_000_000,
        force,
    }
}

fn binding(becomes: Becomes) -> Binding {
    Binding {
        kind: ObjectKind::User,
        here: CloudId::new(SIMPLE),
        becomes,
    }
}

/// Nothing that can be left out.
fn minimal() -> Vec<Record> {
    let (none, name) = (CloudId::new(""), String::new());
    vec![
        Record::Department(entry(
            "",
            false,
            Department {
                name: name.clone(),
                description: None,
                enabled: false,
            },
        )),
        Record::Project(entry(
            "",
            false,
            Project {
                department: none.clone(),
                parent: None,
                name: name.clone(),
                description: None,
                enabled: false,
            },
        )),
        Record::User(entry(
            "",
            false,
            User {
                department: none.clone(),
                name: name.clone(),
                description: None,
                email: None,
                enabled: false,
                default_project: None,
            },
        )),
        Record::Group(entry(
            "",
            false,
            Group {
                department: none.clone(),
                name: name.clone(),
                description: None,
            },
        )),
        Record::Role(entry(
            "",
            false,
            Role {
                department: None,
                name,
                description: None,
            },
        )),
        Record::Assignment(Assignment {
            actor: Actor::User(none.clone()),
            scope: Scope::Department(none.clone()),
            role: none,
            inherited: false,
        }),
        Record::Limits(Limits {
            holder: Holder::Own(CloudId::new("")),
            service: ServiceKind::Volume,
            resources: Vec::new(),
        }),
    ]
}

/// Each word that goes by a number.
fn words() -> Vec<(String, Record)> {
    let mut words = Vec::new();
    for custody in [Custody::Common, Custody::Reserved, Custody::Administrator] {
        let mut department = entry(
            "d",
            false,
            Department {
                name: String::new(),
                description: None,
                enabled: false,
            },
        );
        department.custody = custody;
        words.push((format!("{custody:?}"), Record::Department(department)));
    }
    for becomes in [Becomes::Object(OBJECT), Becomes::Withheld(OBJECT)] {
        let word = match becomes {
            Becomes::Object(_) => "becomes object",
            _ => "becomes withheld",
        };
        words.push((word.to_owned(), Record::Binding(binding(becomes))));
    }
    for how in [End::Deleted, End::Retired] {
        let object = OBJECT;
        for kind in ObjectKind::ALL {
            let word = format!("{} {how:?}", kind.name());
            let proof = [0; 32];
            let lapse = Lapse {
                object,
                kind,
                how,
                name: String::new(),
                proof,
            };
            words.push((word, Record::Lapse(lapse)));
        }
    }
    words
}
