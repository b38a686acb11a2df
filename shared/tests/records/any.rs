//! Any record, within its caps and beyond; and some frame of each kind.

#[path = "organization.rs"]
mod organization;
#[path = "remarks.rs"]
mod remarks;

use std::net::IpAddr;

use proptest::prelude::*;
use shared::ids::{FederationId, FeedId, HubId, ObjectId, RegionId};
use shared::model::*;
use shared::wire::frame::*;
use shared::wire::record::FIGURE_MAX;
use shared::wire::{Bytes, List, Text};

/// A text that is short, or longer than any cap, of characters of one to four bytes.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        6 => ".{0,12}",
        1 => ("[aß中🦀]{1,4}", 0usize..700).prop_map(|(part, times)| part.repeat(times)),
    ]
    .boxed()
}

/// A figure small, large, or beyond the bound.
fn figure() -> BoxedStrategy<u64> {
    prop_oneof![
        0u64..300,
        any::<u64>(),
        (FIGURE_MAX - 2)..(FIGURE_MAX + 2),
        any::<u32>().prop_map(u64::from),
    ]
    .boxed()
}

/// A list that is short, or longer than its cap.
fn list<T: Strategy + 'static>(element: T, max: usize) -> BoxedStrategy<Vec<T::Value>>
where
    T::Value: Clone,
{
    let short = prop::collection::vec(element, 0..4).boxed();
    let long = (short.clone(), 0..max).prop_map(move |(few, extra)| {
        let length = if few.is_empty() { 0 } else { max + extra };
        few.into_iter().cycle().take(length).collect()
    });
    prop_oneof![8 => short, 1 => long].boxed()
}

fn id() -> BoxedStrategy<CloudId> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(CloudId::Hyphenated),
        any::<[u8; 16]>().prop_map(CloudId::Simple),
        text().prop_map(|text| CloudId::new(&text)),
    ]
    .boxed()
}

fn capacity() -> impl Strategy<Value = Capacity> {
    (figure(), figure()).prop_map(|(used, total)| Capacity { used, total })
}

fn time() -> impl Strategy<Value = UnixMillis> {
    any::<u64>().prop_map(UnixMillis)
}

fn address() -> impl Strategy<Value = IpAddr> {
    any::<IpAddr>()
}

fn server() -> impl Strategy<Value = Record> {
    use ServerState::*;
    let states = [
        Unknown, Running, Stopped, Building, Paused, Moving, Rescued, Failed, Deleting,
    ];
    let first = (id(), text(), id(), prop::sample::select(states.to_vec()));
    let sizes = (any::<u32>(), figure(), figure());
    let rest = (
        prop::option::of(text()),
        list(address(), 64),
        time(),
        prop::option::of(text()),
    );
    (first, sizes, rest).prop_map(|(first, sizes, rest)| {
        let (id, name, project, state) = first;
        let (vcpus, memory_mib, disk_gib) = sizes;
        let (node, addresses, created, fault) = rest;
        Record::Server(Server {
            id,
            name,
            project,
            state,
            vcpus,
            memory_mib,
            disk_gib,
            node,
            addresses,
            created,
            fault,
        })
    })
}

fn volume() -> impl Strategy<Value = Record> {
    use VolumeState::*;
    let states = [Unknown, Available, InUse, Changing, Failed, Deleting];
    let state = prop::sample::select(states.to_vec());
    (id(), text(), id(), state, figure(), list(id(), 64), time()).prop_map(
        |(id, name, project, state, size_gib, attached_to, created)| {
            Record::Volume(Volume {
                id,
                name,
                project,
                state,
                size_gib,
                attached_to,
                created,
            })
        },
    )
}

fn network() -> impl Strategy<Value = Record> {
    let flags = any::<(bool, bool, bool)>();
    let addresses = prop::option::of(capacity());
    (id(), text(), id(), flags, addresses).prop_map(
        |(id, name, project, (active, shared, external), addresses)| {
            Record::Network(Network {
                id,
                name,
                project,
                active,
                shared,
                external,
                addresses,
            })
        },
    )
}

fn floating_ip() -> impl Strategy<Value = Record> {
    (id(), address(), id(), prop::option::of(id())).prop_map(|(id, address, project, port)| {
        Record::FloatingIp(FloatingIp {
            id,
            address,
            project,
            port,
        })
    })
}

fn node() -> impl Strategy<Value = Record> {
    use NodeState::*;
    let state = prop::sample::select(vec![Unknown, Up, Disabled, Down]);
    (id(), text(), state, capacity(), capacity(), capacity()).prop_map(
        |(id, name, state, vcpus, memory_mib, disk_gib)| {
            Record::Node(Node {
                id,
                name,
                state,
                vcpus,
                memory_mib,
                disk_gib,
            })
        },
    )
}

fn storage_pool() -> impl Strategy<Value = Record> {
    (id(), prop::option::of(capacity()))
        .prop_map(|(id, space_gib)| Record::StoragePool(StoragePool { id, space_gib }))
}

fn kind() -> impl Strategy<Value = ServiceKind> {
    prop::sample::select(ServiceKind::ALL.to_vec())
}

fn quota() -> impl Strategy<Value = Record> {
    let resource = (text(), prop::option::of(figure()), figure(), figure()).prop_map(
        |(name, limit, used, reserved)| QuotaResource {
            name,
            limit,
            used,
            reserved,
        },
    );
    (id(), text(), kind(), list(resource, 256)).prop_map(
        |(project, project_name, service, resources)| {
            Record::Quota(Quota {
                project,
                project_name,
                service,
                resources,
            })
        },
    )
}

fn holder() -> BoxedStrategy<Holder> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(|it| Holder::Project(ObjectId::from_bytes(it))),
        id().prop_map(Holder::Own),
    ]
    .boxed()
}

fn limits() -> impl Strategy<Value = Record> {
    let limit = prop::option::of(figure());
    let resource =
        (text(), limit, any::<u64>(), any::<bool>()).prop_map(|(name, limit, version, force)| {
            Limit {
                name,
                limit,
                version,
                force,
            }
        });
    (holder(), kind(), list(resource, 256)).prop_map(|(holder, service, resources)| {
        Record::Limits(Limits {
            holder,
            service,
            resources,
        })
    })
}

fn service() -> impl Strategy<Value = Record> {
    let state = prop_oneof![
        Just(ServiceState::Available),
        Just(ServiceState::Missing),
        text().prop_map(|reason| ServiceState::Failing { reason }),
        text().prop_map(|reason| ServiceState::CredentialRefused { reason }),
        text().prop_map(|reason| ServiceState::RightsMissing { reason }),
    ];
    (kind(), state, text(), (text(), text()), time()).prop_map(
        |(kind, state, endpoint, versions, since)| {
            Record::Service(Service {
                kind,
                state,
                endpoint,
                versions,
                since,
            })
        },
    )
}

fn sample() -> impl Strategy<Value = Record> {
    let disk = (text(), figure(), figure()).prop_map(|(mount, used_mib, total_mib)| Disk {
        mount,
        used_mib,
        total_mib,
    });
    let nic =
        (text(), figure(), figure()).prop_map(|(name, received_bytes_per_s, sent_bytes_per_s)| {
            Nic {
                name,
                received_bytes_per_s,
                sent_bytes_per_s,
            }
        });
    let latency = (kind(), any::<Option<u32>>())
        .prop_map(|(service, millis)| ServiceLatency { service, millis });
    let figures = (time(), list(any::<u16>(), 1024), any::<[u32; 3]>());
    let lists = (list(disk, 64), list(nic, 64), list(latency, 16));
    (figures, (figure(), figure()), lists).prop_map(|(figures, memory, lists)| {
        let (at, cpu_permille, load_centi) = figures;
        let (memory_used_mib, memory_total_mib) = memory;
        let (disks, nics, latencies) = lists;
        Record::HostSample(HostSample {
            at,
            cpu_permille,
            load_centi,
            memory_used_mib,
            memory_total_mib,
            disks,
            nics,
            latencies,
        })
    })
}

/// Any record of any kind.
pub(crate) fn record() -> BoxedStrategy<Record> {
    prop_oneof![
        server(),
        volume(),
        network(),
        floating_ip(),
        node(),
        storage_pool(),
        quota(),
        limits(),
        organization::record(),
        remarks::record(),
        service(),
        sample(),
    ]
    .boxed()
}

/// Some frame of each kind that has lists, texts or options to damage, with its header.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let (control, joins, feed) = (control_frames(), join_frames(), feed_frames());
    let mut frames = Vec::new();
    let mut frame = |encode: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        encode(&mut bytes);
        frames.push(bytes);
    };
    control
        .iter()
        .for_each(|it| frame(&|bytes| it.encode(bytes).unwrap()));
    joins
        .iter()
        .for_each(|it| frame(&|bytes| it.encode(bytes).unwrap()));
    feed.iter()
        .for_each(|it| frame(&|bytes| it.encode(bytes).unwrap()));
    frames
}

const FEED: FeedId = FeedId::from_bytes([1; 16]);
const FEDERATION: FederationId = FederationId::from_bytes([2; 16]);

fn cloud() -> Cloud<'static> {
    Cloud {
        kind: 1,
        version: Text::cut("version"),
        endpoint: Text::cut("endpoint"),
    }
}

fn control_frames() -> [Control<'static>; 3] {
    let offer = Offer {
        feed: 1,
        id: FEED,
        head: 300,
    };
    let cursor = Cursor {
        feed: 1,
        id: FEED,
        seq: 300,
        phase: Phase::Snapshot,
    };
    let hello = Hello {
        versions: PROTOCOL,
        codec: 1,
        software: Text::cut("software"),
        host: Text::cut("host"),
        cloud: cloud(),
        federation: FEDERATION,
        epoch: 1,
        offers: List::cut([offer; 4]),
    };
    let welcome = Welcome {
        version: 1,
        federation: FEDERATION,
        epoch: 1,
        path: List::cut([HubId::from_bytes([3; 16]); 2]),
        heartbeat_ms: 4000,
        standing: Standing::Pending,
        cursors: List::cut([cursor; 4]),
    };
    let refuse = Refuse {
        code: 1,
        reason: Text::cut("reason"),
        retry_after_ms: 60_000,
    };
    [
        Control::Hello(hello),
        Control::Welcome(welcome),
        Control::Refuse(refuse),
    ]
}

fn join_frames() -> [JoinFrame<'static>; 2] {
    let join = Join {
        token_id: Text::cut("token"),
        secret: [4; 32],
        csr: Text::cut("csr"),
        proof: Bytes::new(b"proof").unwrap(),
        software: Text::cut("software"),
        host: Text::cut("host"),
        cloud: cloud(),
    };
    let issued = Issued {
        region: RegionId::from_bytes([5; 16]),
        name: Text::cut("name"),
        federation: FEDERATION,
        epoch: 1,
        hub: HubId::from_bytes([6; 16]),
        certificate: Text::cut("certificate"),
    };
    [JoinFrame::Join(join), JoinFrame::Issued(issued)]
}

fn feed_frames() -> [FeedFrame<'static>; 2] {
    let record = BatchRecord {
        kind: 1,
        id: Bytes::new(b"id").unwrap(),
        value: Some(Bytes::new(b"value").unwrap()),
    };
    let batch = Batch {
        after: 1,
        last: 9,
        digest: Some([7; 16]),
        records: List::cut([record; 8]),
    };
    let open = Open {
        feed: 1,
        id: FEED,
        start: Start::Resume { seq: 300 },
    };
    [FeedFrame::Batch(batch), FeedFrame::Open(open)]
}
