//! What a record is after the wire's caps, told a second time and without the wire's own types.

use std::time::Duration;

use shared::model::*;
use shared::wire::record::FIGURE_MAX;

const NAME: usize = 1020;
const MESSAGE: usize = 512;

fn text(text: &str, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

fn figure(figure: u64) -> u64 {
    figure.min(FIGURE_MAX)
}

fn capacity(it: Capacity) -> Capacity {
    Capacity {
        used: figure(it.used),
        total: figure(it.total),
    }
}

fn time(time: UnixMillis) -> UnixMillis {
    time.min(UnixMillis::LATEST)
}

fn seconds(it: UnixMillis) -> UnixMillis {
    UnixMillis(time(it).0 / 1000 * 1000)
}

fn list<T: Clone, U>(elements: &[T], max: usize, each: impl Fn(&T) -> U) -> Vec<U> {
    elements.iter().take(max).map(each).collect()
}

/// The record as its receiver has it.
pub(crate) fn capped(record: &Record) -> Record {
    match record.clone() {
        Record::Server(it) => Record::Server(Server {
            name: text(&it.name, NAME),
            memory_mib: figure(it.memory_mib),
            disk_gib: figure(it.disk_gib),
            node: it.node.map(|it| text(&it, NAME)),
            addresses: list(&it.addresses, 64, |it| *it),
            created: seconds(it.created),
            fault: it.fault.map(|it| text(&it, MESSAGE)),
            ..it
        }),
        Record::Volume(it) => Record::Volume(Volume {
            name: text(&it.name, NAME),
            size_gib: figure(it.size_gib),
            attached_to: list(&it.attached_to, 64, Clone::clone),
            created: seconds(it.created),
            ..it
        }),
        Record::Network(it) => Record::Network(Network {
            name: text(&it.name, NAME),
            addresses: it.addresses.map(capacity),
            ..it
        }),
        Record::FloatingIp(it) => Record::FloatingIp(it),
        Record::Node(it) => Record::Node(Node {
            name: text(&it.name, NAME),
            vcpus: capacity(it.vcpus),
            memory_mib: capacity(it.memory_mib),
            disk_gib: capacity(it.disk_gib),
            ..it
        }),
        Record::StoragePool(it) => Record::StoragePool(StoragePool {
            space_gib: it.space_gib.map(capacity),
            ..it
        }),
        Record::Quota(it) => Record::Quota(Quota {
            project_name: text(&it.project_name, NAME),
            resources: list(&it.resources, 256, resource),
            ..it
        }),
        Record::Limits(it) => Record::Limits(Limits {
            resources: list(&it.resources, 256, limit),
            ..it
        }),
        Record::Service(it) => Record::Service(service(it)),
        Record::HostSample(it) => Record::HostSample(sample(&it)),
        other => of_organization(other),
    }
}

/// One of an organization.
fn of_organization(record: Record) -> Record {
    match record {
        Record::Department(it) => Record::Department(entry(it, |it| Department {
            name: text(&it.name, NAME),
            description: it.description.map(|it| text(&it, NAME)),
            ..it
        })),
        Record::Project(it) => Record::Project(entry(it, |it| Project {
            name: text(&it.name, NAME),
            description: it.description.map(|it| text(&it, NAME)),
            ..it
        })),
        Record::User(it) => Record::User(entry(it, |it| User {
            name: text(&it.name, NAME),
            description: it.description.map(|it| text(&it, NAME)),
            email: it.email.map(|it| text(&it, NAME)),
            ..it
        })),
        Record::Group(it) => Record::Group(entry(it, |it| Group {
            name: text(&it.name, NAME),
            description: it.description.map(|it| text(&it, NAME)),
            ..it
        })),
        Record::Role(it) => Record::Role(entry(it, |it| Role {
            name: text(&it.name, NAME),
            description: it.description.map(|it| text(&it, NAME)),
            ..it
        })),
        Record::Lapse(it) => Record::Lapse(Lapse {
            name: text(&it.name, NAME),
            ..it
        }),
        other => of_remarks(other),
    }
}

/// What is remarked, and what is answered.
fn of_remarks(record: Record) -> Record {
    let complaint = |it: &str| text(it, 4 * REMARK_CHARS_MAX);
    match record {
        Record::Remark(it) => Record::Remark(Remark {
            name: text(&it.name, NAME),
            state: match it.state {
                RemarkState::Failed {
                    error,
                    since,
                    tries,
                } => RemarkState::Failed {
                    error: complaint(&error),
                    since: time(since),
                    tries,
                },
                RemarkState::Blocked { reason } => RemarkState::Blocked {
                    reason: complaint(&reason),
                },
                RemarkState::Drift { why, what } => RemarkState::Drift {
                    why,
                    what: what.into_iter().take(16).map(drifted).collect(),
                },
                RemarkState::Purged { told } => RemarkState::Purged { told: time(told) },
                RemarkState::Purgeable { told } => RemarkState::Purgeable { told: time(told) },
                ended @ RemarkState::Ended { .. } => ended,
            },
            ..it
        }),
        Record::Applying(it) => Record::Applying(Applying {
            desired: figure(it.desired),
            in_place: figure(it.in_place),
            under_way: figure(it.under_way),
            waiting: figure(it.waiting),
            removals_held: figure(it.removals_held),
            failed: figure(it.failed),
            drift: figure(it.drift),
            left: it.left.map(|it| Duration::from_secs(figure(it.as_secs()))),
            paused: it.paused.map(|it| complaint(&it)),
            ..it
        }),
        Record::PutBack(it) => Record::PutBack(PutBack {
            at: time(it.at),
            ..it
        }),
        Record::Purge(it) => Record::Purge(Purge {
            name: text(&it.name, NAME),
            at: time(it.at),
            ..it
        }),
        // Nothing of it is capped.
        other => other,
    }
}

fn drifted(it: Drifted) -> Drifted {
    Drifted {
        directory: it.directory.map(|it| text(&it, NAME)),
        cloud: it.cloud.map(|it| text(&it, NAME)),
        ..it
    }
}

fn entry<T>(it: Entry<T>, what: impl FnOnce(T) -> T) -> Entry<T> {
    Entry {
        id: it.id,
        custody: it.custody,
        marker: it.marker,
        what: what(it.what),
    }
}

fn limit(it: &Limit) -> Limit {
    Limit {
        name: text(&it.name, 300),
        limit: it.limit.map(figure),
        ..it.clone()
    }
}

fn resource(it: &QuotaResource) -> QuotaResource {
    QuotaResource {
        name: text(&it.name, 300),
        limit: it.limit.map(figure),
        used: figure(it.used),
        reserved: figure(it.reserved),
    }
}

fn service(mut it: Service) -> Service {
    if let Some(reason) = it.state.reason_mut() {
        *reason = text(reason, MESSAGE);
    }
    Service {
        endpoint: text(&it.endpoint, MESSAGE),
        versions: (text(&it.versions.0, 32), text(&it.versions.1, 32)),
        since: time(it.since),
        ..it
    }
}

fn sample(it: &HostSample) -> HostSample {
    HostSample {
        at: time(it.at),
        cpu_permille: list(&it.cpu_permille, 1024, |share| (*share).min(1000)),
        load_centi: it.load_centi,
        memory_used_mib: figure(it.memory_used_mib),
        memory_total_mib: figure(it.memory_total_mib),
        disks: list(&it.disks, 64, |it| Disk {
            mount: text(&it.mount, 128),
            used_mib: figure(it.used_mib),
            total_mib: figure(it.total_mib),
        }),
        nics: list(&it.nics, 64, |it| Nic {
            name: text(&it.name, 32),
            received_bytes_per_s: figure(it.received_bytes_per_s),
            sent_bytes_per_s: figure(it.sent_bytes_per_s),
        }),
        latencies: list(&it.latencies, 16, |it| *it),
    }
}
