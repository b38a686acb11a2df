//! What a cloud's APIs tell of it: pages of records, what changed, and what is gone.

use shared::model::{
    Capacity, FloatingIp, Key, Network, Node, Quota, QuotaResource, Record, Server, ServerState,
    ServiceKind, StoragePool, UnixMillis, Volume, VolumeState,
};

use super::floating::Address;
use super::servers::Machine;
use super::volumes::Disk;
use super::{Serial, World};
use crate::cloud::Part;
use crate::cloud::simulated::ledger::{NodeRow, PoolRow, ProjectRow};
use crate::cloud::simulated::names::Thing;
use crate::cloud::simulated::organization;

/// Records a page: what Nova, Cinder and Neutron give at most, as they are usually configured.
pub const PAGE_RECORDS_MAX: usize = 1000;

/// How far a reader has come in a part: the number of the last thing told. It stays right while
/// things come and go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor(u32);

/// A page of records, and from where on to go on reading; `None` after the last.
type Told = (Vec<Record>, Option<Cursor>);

impl World {
    /// What a part holds, from a cursor on.
    pub fn page(&self, part: Part, from: Cursor) -> Told {
        self.page_after(part, from, None)
    }

    /// What changed in a part after `since`, from a cursor on; `None` where that can't be told:
    /// only servers and volumes know, as in Nova and Cinder, and only after the cloud's birth.
    pub fn changed_page(&self, part: Part, since: UnixMillis, from: Cursor) -> Option<Told> {
        let known = match part {
            Part::Servers | Part::Volumes => since >= self.born,
            _ => false,
        };
        known.then(|| self.page_after(part, from, Some(since)))
    }

    /// What is gone from a part after `since`; `None` where that can't be told (any more).
    pub fn deleted(&self, part: Part, since: UnixMillis) -> Option<Vec<Key>> {
        let (serials, thing) = match part {
            Part::Servers => (self.servers.removed_after(since)?, Thing::Server),
            Part::Volumes => (self.volumes.removed_after(since)?, Thing::Volume),
            _ => return None,
        };
        let kind = part.kind();
        let key = |serial: Serial| Key {
            kind,
            id: self.names.id(thing, serial.get()),
        };
        Some(serials.into_iter().map(key).collect())
    }

    fn page_after(&self, part: Part, from: Cursor, since: Option<UnixMillis>) -> Told {
        let new = |changed: UnixMillis| since.is_none_or(|since| changed > since);
        match part {
            Part::Servers => told(
                self.servers
                    .after(from.0)
                    .filter(|(_, changed, _)| new(*changed))
                    .map(|(serial, _, row)| (serial.get(), self.server(serial, row))),
            ),
            Part::Volumes => told(
                self.volumes
                    .after(from.0)
                    .filter(|(_, changed, _)| new(*changed))
                    .map(|(serial, _, row)| (serial.get(), self.volume(serial, row))),
            ),
            Part::FloatingIps => told(
                self.addresses
                    .after(from.0)
                    .map(|(serial, _, row)| (serial.get(), self.floating_ip(serial, row))),
            ),
            Part::Nodes => listed(&self.ledger.nodes, from, |number, row| {
                self.node(number, row)
            }),
            Part::StoragePools => listed(&self.ledger.pools, from, |number, row| {
                self.pool(number, row)
            }),
            Part::Networks => {
                told((from.0..self.plan.networks).map(|number| (number + 1, self.network(number))))
            }
            Part::ComputeQuota => listed(&self.ledger.projects, from, |number, row| {
                self.quota(number, ServiceKind::Compute, compute_quota(row))
            }),
            Part::VolumeQuota => listed(&self.ledger.projects, from, |number, row| {
                self.quota(number, ServiceKind::Volume, volume_quota(row))
            }),
            Part::NetworkQuota => listed(&self.ledger.projects, from, |number, row| {
                self.quota(
                    number,
                    ServiceKind::Network,
                    self.network_quota(number, row),
                )
            }),
            Part::Departments
            | Part::Projects
            | Part::Users
            | Part::Groups
            | Part::Roles
            | Part::Memberships
            | Part::Implications
            | Part::Assignments => {
                let records = organization::records(self.names, part);
                listed(&records, from, |_, record| record.clone())
            }
        }
    }

    fn server(&self, serial: Serial, row: &Machine) -> Record {
        let number = serial.get();
        let flavor = row.flavor.flavor();
        let mut addresses = match row.node {
            Some(_) => self.names.fixed_addresses(row.project, number),
            None => Vec::new(),
        };
        let floating = row.address.and_then(|it| self.addresses.get(it));
        addresses.extend(floating.map(|it| self.names.public_address(it.address)));
        let fault = match (row.state, row.node) {
            (ServerState::Failed, None) => {
                Some("No valid host was found. There are not enough hosts available.")
            }
            (ServerState::Failed, Some(_)) => {
                Some("Unexpected error while running command: qemu exited with code 1")
            }
            _ => None,
        };
        Record::Server(Server {
            id: self.names.id(Thing::Server, number),
            name: self.names.server(row.project, number),
            project: self.names.project_id(row.project),
            state: row.state,
            vcpus: flavor.vcpus,
            memory_mib: flavor.memory_mib,
            disk_gib: flavor.disk_gib,
            node: row.node.map(|it| self.names.node(it.index())),
            addresses,
            created: row.created,
            fault: fault.map(str::to_owned),
        })
    }

    fn volume(&self, serial: Serial, row: &Disk) -> Record {
        let server = row.server.filter(|_| row.state == VolumeState::InUse);
        let attached = server.map(|it| self.names.id(Thing::Server, it.get()));
        Record::Volume(Volume {
            id: self.names.id(Thing::Volume, serial.get()),
            name: self.names.volume(serial.get()),
            project: self.names.project_id(row.project),
            state: row.state,
            size_gib: row.size_gib.into(),
            attached_to: attached.into_iter().collect(),
            created: row.created,
        })
    }

    fn floating_ip(&self, serial: Serial, row: &Address) -> Record {
        let port = row.server.map(|it| self.names.id(Thing::Port, it.get()));
        Record::FloatingIp(FloatingIp {
            id: self.names.id(Thing::FloatingIp, serial.get()),
            address: self.names.public_address(row.address),
            project: self.names.project_id(row.project),
            port,
        })
    }

    fn node(&self, number: u32, row: &NodeRow) -> Record {
        let all = row.kind.capacity();
        let capacity = |used: u64, total: u64| Capacity { used, total };
        Record::Node(Node {
            id: self.names.id(Thing::Node, number),
            name: self.names.node(number),
            state: row.state,
            vcpus: capacity(row.used.vcpus.into(), all.vcpus.into()),
            memory_mib: capacity(row.used.memory_mib, all.memory_mib),
            disk_gib: capacity(row.used.disk_gib, all.disk_gib),
        })
    }

    fn pool(&self, number: u32, row: &PoolRow) -> Record {
        Record::StoragePool(StoragePool {
            id: self.names.pool(number),
            space_gib: Some(Capacity {
                used: row.used_gib,
                total: row.total_gib,
            }),
        })
    }

    /// The first network is the external one, the second is shared, the others are the projects'.
    fn network(&self, number: u32) -> Record {
        let project = self.network_owner(number);
        let round = number.saturating_sub(2) / self.plan.projects.max(1);
        let name = match (number, round) {
            (0, _) => "public".to_owned(),
            (1, _) => "shared".to_owned(),
            (_, 0) => format!("{}-net", self.names.project(project)),
            (_, round) => format!("{}-net-{}", self.names.project(project), round + 1),
        };
        let addresses = Capacity {
            used: self.ledger.addresses_used.into(),
            total: self.ledger.addresses_total.into(),
        };
        Record::Network(Network {
            id: self.names.id(Thing::Network, number),
            name,
            project: self.names.project_id(project),
            active: true,
            shared: number == 1,
            external: number == 0,
            addresses: (number == 0).then_some(addresses),
        })
    }

    const fn network_owner(&self, number: u32) -> u32 {
        match number.checked_sub(2) {
            Some(own) => own % self.plan.projects,
            None => 0,
        }
    }

    pub(super) fn network_quota(&self, number: u32, row: &ProjectRow) -> Vec<QuotaResource> {
        let limits = row.limits;
        let own = self.plan.networks.saturating_sub(2);
        let projects = self.plan.projects.max(1);
        let administrators = if number == 0 {
            self.plan.networks.min(2)
        } else {
            0
        };
        let networks = own / projects + u32::from(number < own % projects) + administrators;
        vec![
            resource(
                "floatingip",
                limits.map(|it| it.floating_ips.into()),
                row.floating_ips.into(),
            ),
            resource(
                "network",
                match row.networks_limit {
                    Some(limit) => Some(limit.into()),
                    None => limits.map(|_| u64::from(networks) * 2 + 10),
                },
                networks.into(),
            ),
        ]
    }

    fn quota(&self, number: u32, service: ServiceKind, resources: Vec<QuotaResource>) -> Record {
        Record::Quota(self.quota_of(number, service, resources))
    }

    pub(super) fn quota_of(
        &self,
        number: u32,
        service: ServiceKind,
        resources: Vec<QuotaResource>,
    ) -> Quota {
        Quota {
            project: self.names.project_id(number),
            project_name: self.names.project(number),
            service,
            resources,
        }
    }
}

pub(super) fn compute_quota(row: &ProjectRow) -> Vec<QuotaResource> {
    let (limits, used) = (row.limits, row.servers);
    vec![
        resource("cores", limits.map(|it| it.cores.into()), used.vcpus.into()),
        resource(
            "instances",
            limits.map(|it| it.instances.into()),
            used.servers.into(),
        ),
        resource("ram", limits.map(|it| it.ram_mib), used.memory_mib),
    ]
}

pub(super) fn volume_quota(row: &ProjectRow) -> Vec<QuotaResource> {
    let limits = row.limits;
    vec![
        resource("gigabytes", limits.map(|it| it.gigabytes), row.volumes_gib),
        resource(
            "volumes",
            limits.map(|it| it.volumes.into()),
            row.volumes.into(),
        ),
    ]
}

fn resource(name: &str, limit: Option<u64>, used: u64) -> QuotaResource {
    QuotaResource {
        name: name.to_owned(),
        // As of no limit.
        limit: limit.filter(|it| *it < u32::MAX.into()),
        used,
        reserved: 0,
    }
}

/// A page out of a list that never grows or shrinks.
fn listed<T>(rows: &[T], from: Cursor, record: impl Fn(u32, &T) -> Record) -> Told {
    let rest = rows.get(from.0 as usize..).unwrap_or_default();
    told(
        (from.0..)
            .zip(rest)
            .map(|(number, row)| (number + 1, record(number, row))),
    )
}

/// The first records of a sequence, each with the cursor that stands behind it.
fn told(sequence: impl Iterator<Item = (u32, Record)>) -> Told {
    let mut sequence = sequence;
    let mut records = Vec::new();
    let mut last = 0;
    for (number, record) in sequence.by_ref().take(PAGE_RECORDS_MAX) {
        last = number;
        records.push(record);
    }
    let more = records.len() == PAGE_RECORDS_MAX;
    (records, more.then_some(Cursor(last)))
}
