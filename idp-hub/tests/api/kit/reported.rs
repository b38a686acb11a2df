//! What a region's agent reports, in these tests.

use bytes::Bytes;
use idp_hub::store::IncomingRecord;
use idp_hub::store::regions::Introduction;
use shared::model::{
    CloudDescription, CloudId, CloudKind, HostSample, Record, Server, ServerState, ServiceKind,
    ServiceLatency, UnixMillis, Weight,
};
use shared::wire::record;

use super::START;

pub(super) fn incoming(number: u32) -> IncomingRecord {
    encoded(&Record::Server(server(number)))
}

pub(crate) fn encoded(record: &Record) -> IncomingRecord {
    let encoded = record::encode(record).unwrap();
    IncomingRecord {
        kind: encoded.kind,
        id: Bytes::from(encoded.id),
        value: Some(Bytes::from(encoded.value)),
        weight: Weight::of(record),
        known: None,
    }
}

pub(super) fn sample(at: UnixMillis) -> IncomingRecord {
    let latency = ServiceLatency {
        service: ServiceKind::Compute,
        millis: Some(12),
    };
    let sample = HostSample {
        at,
        cpu_permille: vec![100, 200],
        memory_total_mib: 2048,
        latencies: vec![latency],
        ..HostSample::default()
    };
    let record = Record::HostSample(sample);
    let encoded = record::encode(&record).unwrap();
    IncomingRecord {
        kind: encoded.kind,
        id: Bytes::from(encoded.id),
        value: Some(Bytes::from(encoded.value)),
        weight: Weight::default(),
        known: Some(Box::new(record)),
    }
}

fn server(number: u32) -> Server {
    Server {
        id: CloudId::new(&format!("server-{number:05}")),
        name: format!("web-{number}"),
        project: CloudId::new("p"),
        state: ServerState::Running,
        vcpus: 2,
        memory_mib: 2048,
        disk_gib: 10,
        node: None,
        addresses: vec!["10.0.0.1".parse().unwrap()],
        created: START,
        fault: None,
    }
}

pub(super) fn introduction() -> Introduction {
    let (version, endpoint) = ("seed 7".to_owned(), "simulated".to_owned());
    let cloud = CloudDescription {
        kind: CloudKind::Simulated,
        version,
        endpoint,
    };
    Introduction {
        cloud,
        software: "0.1.0".to_owned(),
        host: "agent-1".to_owned(),
    }
}
