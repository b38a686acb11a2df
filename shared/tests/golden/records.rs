//! One full and one minimal record of each kind, and an id of each form.

use std::net::IpAddr;

use shared::model::*;
use shared::wire::record::{self, Decoded, EncodedRecord};

use super::{Example, Part};

const UUID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
const SIMPLE: &str = "67e5504410b1426f9247bb680e5fe0c8";

pub(crate) fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = full()
        .into_iter()
        .map(|it| ("full", it))
        .chain(minimal().into_iter().map(|it| ("minimal", it)))
        .map(|(which, record)| example(which, record))
        .collect();
    for (name, text) in [
        ("hyphenated", UUID),
        ("simple", SIMPLE),
        ("text", "host@lvm#池"),
    ] {
        examples.push(id_example(name, CloudId::new(text)));
    }
    examples
}

pub(crate) fn example(which: &str, record: Record) -> Example {
    let EncodedRecord { kind, id, value } = record::encode(&record).unwrap();
    Example {
        name: format!("{}-{which}", record.key().kind.name()),
        parts: vec![
            Part::new(format!("kind {kind}, id"), id),
            Part::new("value", value),
        ],
        read: Box::new(move |parts| {
            let read = record::decode(kind, &parts[0].bytes, &parts[1].bytes).unwrap();
            assert_eq!(read, Decoded::Known(Box::new(record.clone())));
        }),
    }
}

fn id_example(name: &str, id: CloudId) -> Example {
    Example {
        name: format!("id-{name}"),
        parts: vec![Part::new("id", record::encode_id(&id).unwrap())],
        read: Box::new(move |parts| {
            assert_eq!(record::decode_id(&parts[0].bytes).unwrap(), id);
        }),
    }
}

/// Figures of each length that the codec writes, texts of several scripts, each option and list.
fn full() -> Vec<Record> {
    let addresses: [IpAddr; 2] = ["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    let created = UnixMillis::from_secs(1_800_000_000);
    let capacity = |used, total| Capacity { used, total };
    vec![
        Record::Server(Server {
            id: CloudId::new(UUID),
            name: "web 网站 1".to_owned(),
            project: CloudId::new(SIMPLE),
            state: ServerState::Failed,
            vcpus: 70_000,
            memory_mib: 5_000_000_000,
            disk_gib: record::FIGURE_MAX,
            node: Some("compute-1.example".to_owned()),
            addresses: addresses.to_vec(),
            created,
            fault: Some("No valid host was found.".to_owned()),
        }),
        Record::Volume(Volume {
            id: CloudId::new(UUID),
            name: "данные".to_owned(),
            project: CloudId::new(SIMPLE),
            state: VolumeState::InUse,
            size_gib: 300,
            attached_to: vec![CloudId::new(UUID), CloudId::new("pod/a")],
            created,
        }),
        Record::Network(Network {
            id: CloudId::new(UUID),
            name: "public".to_owned(),
            project: CloudId::new(SIMPLE),
            active: true,
            shared: true,
            external: true,
            addresses: Some(capacity(250, 251)),
        }),
        Record::FloatingIp(FloatingIp {
            id: CloudId::new(UUID),
            address: addresses[1],
            project: CloudId::new(SIMPLE),
            port: Some(CloudId::new(UUID)),
        }),
        Record::Node(Node {
            id: CloudId::new("1"),
            name: "compute-1.example".to_owned(),
            state: NodeState::Up,
            vcpus: capacity(31, 64),
            memory_mib: capacity(70_000, 262_144),
            disk_gib: capacity(0, 65_535),
        }),
        Record::StoragePool(StoragePool {
            id: CloudId::new("compute-1@lvm#lvm"),
            space_gib: Some(capacity(65_536, 4_294_967_296)),
        }),
        Record::Quota(quota()),
        Record::Service(Service {
            kind: ServiceKind::Compute,
            state: ServiceState::Failing {
                reason: "GET /servers/detail: 503 after 3.2 s".to_owned(),
            },
            endpoint: "http://192.0.2.1:8774/v2.1".to_owned(),
            versions: ("2.1".to_owned(), "2.100".to_owned()),
            since: UnixMillis(1_800_000_000_123),
        }),
        Record::HostSample(sample()),
    ]
}

fn quota() -> Quota {
    let resource = |name: &str, limit, used, reserved| QuotaResource {
        name: name.to_owned(),
        limit,
        used,
        reserved,
    };
    Quota {
        project: CloudId::new(SIMPLE),
        project_name: "生产".to_owned(),
        service: ServiceKind::Compute,
        resources: vec![
            resource("cores", Some(400), 251, 4),
            resource("ram", None, 1_048_576, 0),
        ],
    }
}

fn sample() -> HostSample {
    let latency = |service, millis| ServiceLatency { service, millis };
    HostSample {
        at: UnixMillis(1_800_000_000_456),
        cpu_permille: vec![0, 251, 1000],
        load_centi: [1, 300, 70_000],
        memory_used_mib: 7_000,
        memory_total_mib: 16_384,
        disks: vec![Disk {
            mount: "/var/lib".to_owned(),
            used_mib: 40_000,
            total_mib: 100_000,
        }],
        nics: vec![Nic {
            name: "eth0".to_owned(),
            received_bytes_per_s: 1_250_000_000,
            sent_bytes_per_s: 9,
        }],
        latencies: vec![
            latency(ServiceKind::Identity, Some(12)),
            latency(ServiceKind::Volume, None),
        ],
    }
}

/// Nothing that can be left out.
fn minimal() -> Vec<Record> {
    let (id, project) = (CloudId::new(""), CloudId::new(""));
    let none = Capacity::default();
    vec![
        Record::Server(Server {
            id: id.clone(),
            name: String::new(),
            project: project.clone(),
            state: ServerState::Unknown,
            vcpus: 0,
            memory_mib: 0,
            disk_gib: 0,
            node: None,
            addresses: Vec::new(),
            created: UnixMillis(0),
            fault: None,
        }),
        Record::Volume(Volume {
            id: id.clone(),
            name: String::new(),
            project: project.clone(),
            state: VolumeState::Unknown,
            size_gib: 0,
            attached_to: Vec::new(),
            created: UnixMillis(0),
        }),
        Record::Network(Network {
            id: id.clone(),
            name: String::new(),
            project: project.clone(),
            active: false,
            shared: false,
            external: false,
            addresses: None,
        }),
        Record::FloatingIp(FloatingIp {
            id: id.clone(),
            address: "192.0.2.7".parse().unwrap(),
            project: project.clone(),
            port: None,
        }),
        Record::Node(Node {
            id: id.clone(),
            name: String::new(),
            state: NodeState::Unknown,
            vcpus: none,
            memory_mib: none,
            disk_gib: none,
        }),
        Record::StoragePool(StoragePool {
            id,
            space_gib: None,
        }),
        Record::Quota(Quota {
            project,
            project_name: String::new(),
            service: ServiceKind::Network,
            resources: Vec::new(),
        }),
        Record::Service(Service {
            kind: ServiceKind::Kubernetes,
            state: ServiceState::Missing,
            endpoint: String::new(),
            versions: (String::new(), String::new()),
            since: UnixMillis(0),
        }),
        Record::HostSample(HostSample::default()),
    ]
}
