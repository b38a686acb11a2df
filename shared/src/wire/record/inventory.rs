//! Inventory between the model and the wire.

use std::net::IpAddr;

use super::codes::{node_code, node_state, server_code, server_state, volume_code, volume_state};
use super::{capped, figure, moment, timely};
use crate::model::{
    Capacity, CloudId, FloatingIp, Network, Node, Server, StoragePool, UnixMillis, Volume,
};
use crate::wire::codec::DecodeError;
use crate::wire::v1::{
    AddressV1, CapacityV1, CloudIdV1, FloatingIpV1, NetworkV1, NodeV1, ServerV1, StoragePoolV1,
    VolumeV1,
};
use crate::wire::{List, Text};

impl<'a> From<&'a Server> for ServerV1<'a> {
    fn from(it: &'a Server) -> Self {
        Self {
            name: Text::cut(&it.name),
            project: (&it.project).into(),
            state: server_code(it.state),
            vcpus: it.vcpus,
            memory_mib: capped(it.memory_mib),
            disk_gib: capped(it.disk_gib),
            node: it.node.as_deref().map(Text::cut),
            addresses: List::cut(it.addresses.iter().map(AddressV1::from)),
            created_s: timely(it.created).as_secs(),
            fault: it.fault.as_deref().map(Text::cut),
        }
    }
}

pub(super) fn server(id: CloudId, it: ServerV1<'_>) -> Result<Server, DecodeError> {
    Ok(Server {
        id,
        name: it.name.into_string(),
        project: it.project.into(),
        state: server_state(it.state),
        vcpus: it.vcpus,
        memory_mib: figure("a server's memory", it.memory_mib)?,
        disk_gib: figure("a server's disk", it.disk_gib)?,
        node: it.node.map(Text::into_string),
        addresses: it
            .addresses
            .into_vec()
            .into_iter()
            .map(IpAddr::from)
            .collect(),
        created: moment("a server's creation", UnixMillis::from_secs(it.created_s))?,
        fault: it.fault.map(Text::into_string),
    })
}

impl<'a> From<&'a Volume> for VolumeV1<'a> {
    fn from(it: &'a Volume) -> Self {
        Self {
            name: Text::cut(&it.name),
            project: (&it.project).into(),
            state: volume_code(it.state),
            size_gib: capped(it.size_gib),
            attached_to: List::cut(it.attached_to.iter().map(CloudIdV1::from)),
            created_s: timely(it.created).as_secs(),
        }
    }
}

pub(super) fn volume(id: CloudId, it: VolumeV1<'_>) -> Result<Volume, DecodeError> {
    Ok(Volume {
        id,
        name: it.name.into_string(),
        project: it.project.into(),
        state: volume_state(it.state),
        size_gib: figure("a volume's size", it.size_gib)?,
        attached_to: it
            .attached_to
            .into_vec()
            .into_iter()
            .map(CloudId::from)
            .collect(),
        created: moment("a volume's creation", UnixMillis::from_secs(it.created_s))?,
    })
}

impl<'a> From<&'a Network> for NetworkV1<'a> {
    fn from(it: &'a Network) -> Self {
        Self {
            name: Text::cut(&it.name),
            project: (&it.project).into(),
            active: it.active,
            shared: it.shared,
            external: it.external,
            addresses: it.addresses.map(CapacityV1::from),
        }
    }
}

pub(super) fn network(id: CloudId, it: NetworkV1<'_>) -> Result<Network, DecodeError> {
    Ok(Network {
        id,
        name: it.name.into_string(),
        project: it.project.into(),
        active: it.active,
        shared: it.shared,
        external: it.external,
        addresses: it
            .addresses
            .map(|it| capacity("a network's addresses", it))
            .transpose()?,
    })
}

impl<'a> From<&'a FloatingIp> for FloatingIpV1<'a> {
    fn from(it: &'a FloatingIp) -> Self {
        Self {
            address: AddressV1::from(&it.address),
            project: (&it.project).into(),
            port: it.port.as_ref().map(CloudIdV1::from),
        }
    }
}

pub(super) fn floating_ip(id: CloudId, it: FloatingIpV1<'_>) -> FloatingIp {
    FloatingIp {
        id,
        address: it.address.into(),
        project: it.project.into(),
        port: it.port.map(CloudId::from),
    }
}

impl<'a> From<&'a Node> for NodeV1<'a> {
    fn from(it: &'a Node) -> Self {
        Self {
            name: Text::cut(&it.name),
            state: node_code(it.state),
            vcpus: it.vcpus.into(),
            memory_mib: it.memory_mib.into(),
            disk_gib: it.disk_gib.into(),
        }
    }
}

pub(super) fn node(id: CloudId, it: NodeV1<'_>) -> Result<Node, DecodeError> {
    Ok(Node {
        id,
        name: it.name.into_string(),
        state: node_state(it.state),
        vcpus: capacity("a node's virtual CPUs", it.vcpus)?,
        memory_mib: capacity("a node's memory", it.memory_mib)?,
        disk_gib: capacity("a node's disk", it.disk_gib)?,
    })
}

impl From<&StoragePool> for StoragePoolV1 {
    fn from(it: &StoragePool) -> Self {
        Self {
            space_gib: it.space_gib.map(CapacityV1::from),
        }
    }
}

pub(super) fn storage_pool(id: CloudId, it: StoragePoolV1) -> Result<StoragePool, DecodeError> {
    let space_gib = it
        .space_gib
        .map(|it| capacity("a storage pool's space", it))
        .transpose()?;
    Ok(StoragePool { id, space_gib })
}

impl From<Capacity> for CapacityV1 {
    fn from(it: Capacity) -> Self {
        Self {
            used: capped(it.used),
            total: capped(it.total),
        }
    }
}

fn capacity(what: &'static str, it: CapacityV1) -> Result<Capacity, DecodeError> {
    Ok(Capacity {
        used: figure(what, it.used)?,
        total: figure(what, it.total)?,
    })
}

impl From<&IpAddr> for AddressV1 {
    fn from(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(it) => Self::V4(it.octets()),
            IpAddr::V6(it) => Self::V6(it.octets()),
        }
    }
}

impl From<AddressV1> for IpAddr {
    fn from(address: AddressV1) -> Self {
        match address {
            AddressV1::V4(it) => it.into(),
            AddressV1::V6(it) => it.into(),
        }
    }
}
