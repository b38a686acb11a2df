//! Every word of every state, by the number that it goes by.

use shared::model::*;
use shared::wire::frame::{cloud_kind, cloud_kind_code, feed_code};
use shared::wire::record::{self, Decoded};

use super::{Example, Part};

pub(crate) fn examples() -> Vec<Example> {
    vec![
        states("states-server", &servers()),
        states("states-volume", &volumes()),
        states("states-node", &nodes()),
        states("states-service", &services(&first_states())),
        states("states-service-account", &services(&account_states())),
        numbers(),
        numbers_of_organizations(),
        later_numbers(),
    ]
}

pub(crate) fn states(name: &str, records: &[(String, Record)]) -> Example {
    let part = |(word, record): &(String, Record)| {
        Part::new(word.as_str(), record::encode(record).unwrap().value)
    };
    let frozen = records.to_vec();
    Example {
        name: name.to_owned(),
        parts: records.iter().map(part).collect(),
        read: Box::new(move |parts| {
            assert_eq!(parts.len(), frozen.len());
            for (part, (_, record)) in parts.iter().zip(&frozen) {
                let (kind, id) = record::encode_key(&record.key()).unwrap();
                let read = record::decode(kind, &id, &part.bytes).unwrap();
                assert_eq!(read, Decoded::Known(Box::new(record.clone())));
            }
        }),
    }
}

fn named<S: std::fmt::Debug>(state: S, record: Record) -> (String, Record) {
    (format!("{state:?}"), record)
}

fn servers() -> Vec<(String, Record)> {
    use ServerState::*;
    let states = [
        Unknown, Running, Stopped, Building, Paused, Moving, Rescued, Failed, Deleting,
    ];
    let server = |state| Server {
        id: CloudId::new("s"),
        name: String::new(),
        project: CloudId::new("p"),
        state,
        vcpus: 1,
        memory_mib: 1,
        disk_gib: 1,
        node: None,
        addresses: Vec::new(),
        created: UnixMillis(0),
        fault: None,
    };
    states
        .map(|it| named(it, Record::Server(server(it))))
        .to_vec()
}

fn volumes() -> Vec<(String, Record)> {
    use VolumeState::*;
    let states = [Unknown, Available, InUse, Changing, Failed, Deleting];
    let volume = |state| Volume {
        id: CloudId::new("v"),
        name: String::new(),
        project: CloudId::new("p"),
        state,
        size_gib: 1,
        attached_to: Vec::new(),
        created: UnixMillis(0),
    };
    states
        .map(|it| named(it, Record::Volume(volume(it))))
        .to_vec()
}

fn nodes() -> Vec<(String, Record)> {
    use NodeState::*;
    let node = |state| Node {
        id: CloudId::new("n"),
        name: String::new(),
        state,
        vcpus: Capacity::default(),
        memory_mib: Capacity::default(),
        disk_gib: Capacity::default(),
    };
    [Unknown, Up, Disabled, Down]
        .map(|it| named(it, Record::Node(node(it))))
        .to_vec()
}

fn first_states() -> [ServiceState; 3] {
    let reason = String::new();
    [
        ServiceState::Available,
        ServiceState::Missing,
        ServiceState::Failing { reason },
    ]
}

/// Those that came later: of the account that the agent signs in with.
fn account_states() -> [ServiceState; 2] {
    let reason = String::new;
    [
        ServiceState::CredentialRefused { reason: reason() },
        ServiceState::RightsMissing { reason: reason() },
    ]
}

fn services(states: &[ServiceState]) -> Vec<(String, Record)> {
    let mut records = Vec::new();
    for kind in ServiceKind::ALL {
        for state in states {
            let service = Service {
                kind,
                state: state.clone(),
                endpoint: String::new(),
                versions: (String::new(), String::new()),
                since: UnixMillis(0),
            };
            let word = state.code();
            let record = Record::Service(service);
            records.push((format!("{} {word}", kind.name()), record));
        }
    }
    records
}

/// The numbers of kinds, feeds and clouds, which stand outside of values.
fn numbers() -> Example {
    let number = |it: RecordKind| (it.name(), record::kind_code(it));
    let (later, kinds): (Vec<_>, Vec<_>) = RecordKind::ALL
        .into_iter()
        .partition(|it| it.feed() == Feed::Organization);
    assert_eq!(later.len(), 17, "these have an example of their own");
    let kinds: Vec<_> = kinds.into_iter().map(number).collect();
    let feeds: Vec<_> = Feed::ALL
        .into_iter()
        .filter(|it| *it != Feed::Organization)
        .map(|it| (it.name(), u16::from(feed_code(it))))
        .collect();
    let clouds = [
        CloudKind::Other,
        CloudKind::OpenStack,
        CloudKind::Kubernetes,
        CloudKind::Simulated,
    ];
    for cloud in clouds {
        assert_eq!(cloud_kind(cloud_kind_code(cloud)), cloud);
    }
    let clouds = clouds.map(|it| (it.name(), u16::from(cloud_kind_code(it))));
    let part = |what: &str, numbers: &[(&str, u16)]| -> Vec<Part> {
        let part = |(name, number): &(&str, u16)| {
            Part::new(format!("{what} {name}"), number.to_be_bytes().to_vec())
        };
        numbers.iter().map(part).collect()
    };
    let groups = [
        part("kind", &kinds),
        part("feed", &feeds),
        part("cloud", &clouds),
    ];
    Example {
        name: "numbers".to_owned(),
        parts: groups.into_iter().flatten().collect(),
        read: Box::new(|parts| assert_eq!(parts.len(), 17)),
    }
}

/// The number of a kind of an organization's feed.
fn number(kind: RecordKind) -> Part {
    let number = record::kind_code(kind).to_be_bytes().to_vec();
    Part::new(format!("kind {}", kind.name()), number)
}

/// Those of organizations, which came later.
fn numbers_of_organizations() -> Example {
    let kinds = RecordKind::ALL.into_iter();
    let kinds = kinds.filter(|it| it.feed() == Feed::Organization && *it != RecordKind::Recall);
    let mut parts: Vec<Part> = kinds.map(number).collect();
    let feed = u16::from(feed_code(Feed::Organization));
    parts.push(Part::new("feed organization", feed.to_be_bytes().to_vec()));
    Example {
        name: "numbers-organization".to_owned(),
        parts,
        read: Box::new(|parts| assert_eq!(parts.len(), 17)),
    }
}

/// Those that came after these.
fn later_numbers() -> Example {
    Example {
        name: "numbers-recall".to_owned(),
        parts: vec![number(RecordKind::Recall)],
        read: Box::new(|parts| assert_eq!(parts.len(), 1)),
    }
}
