//! One server, from Nova's JSON to the model. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Deserialize;
use shared::model::{CloudId, Server, ServerState, UnixMillis};

use super::flavors::{Figures, Flavors};
use crate::cloud::openstack::fault;
use crate::cloud::openstack::paging::{Link, Listing};
use crate::cloud::openstack::scalar::Scalar;

/// `GET /servers/detail`.
#[derive(Debug, Deserialize)]
pub(super) struct ServerList {
    servers: Vec<RawServer>,
    #[serde(default)]
    servers_links: Vec<Link>,
}

impl Listing for ServerList {
    type Item = RawServer;

    fn into_parts(self) -> (Vec<RawServer>, Option<String>) {
        (self.servers, Link::next(self.servers_links))
    }

    fn id(item: &RawServer) -> Option<&str> {
        item.id.text()
    }

    /// Nova puts servers that were asked for and are in no cell yet before all others, whatever the
    /// order (Nova 34, `API.get_all`). Once it is in its cell, such a marker stands near the end of
    /// the list, which is ordered by age: all older servers would be passed over. A server in a
    /// cell may look like it, and then the one before serves as the marker; but where one comes
    /// that does not, all those in no cell are behind the reader.
    fn is_unsettled(item: &RawServer) -> bool {
        let host = item.host_id.as_ref().and_then(Scalar::text);
        item.status.text() == Some("BUILD") && host.is_none()
    }
}

/// A server as Nova writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawServer {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    status: Scalar,
    #[serde(default)]
    tenant_id: Scalar,
    #[serde(default)]
    created: Scalar,
    #[serde(default, rename = "hostId")]
    host_id: Option<Scalar>,
    flavor: Option<RawFlavor>,
    addresses: Option<BTreeMap<String, Vec<RawAddress>>>,
    fault: Option<RawFault>,
    #[serde(default, rename = "OS-EXT-SRV-ATTR:hypervisor_hostname")]
    node: Scalar,
}

/// A server's flavor: from microversion 2.47 its figures, before that its id.
#[derive(Debug, Default, Deserialize)]
struct RawFlavor {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    vcpus: Scalar,
    #[serde(default)]
    ram: Scalar,
    #[serde(default)]
    disk: Scalar,
    #[serde(default)]
    ephemeral: Scalar,
}

#[derive(Debug, Deserialize)]
struct RawAddress {
    #[serde(default)]
    addr: Scalar,
}

#[derive(Debug, Deserialize)]
struct RawFault {
    #[serde(default)]
    message: Scalar,
}

/// What a list entry turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A server.
    Server(Server),
    /// A server that is no more.
    Deleted(CloudId),
    /// A server of which nothing is known now but that it exists: its cell's database does not
    /// answer (Compute API guide, "Handling Down Cells").
    Silent(CloudId),
}

impl RawServer {
    /// The id of its flavor, where that has to be looked up.
    pub(super) fn flavor_id(&self) -> Option<&str> {
        self.flavor.as_ref()?.id.text()
    }

    /// The server; `None` if it has no id.
    pub(super) fn read(self, flavors: &Flavors) -> Option<Found> {
        let id = self.id.id()?;
        let status = self.status.text().unwrap_or_default();
        // A server may have lost its name, or be in a state that Nova itself can't tell: only one
        // without what every server has, placed or not, is known by its id alone.
        if status == "UNKNOWN" && (self.flavor.is_none() || self.host_id.is_none()) {
            return Some(Found::Silent(id));
        }
        if status == "DELETED" {
            return Some(Found::Deleted(id));
        }
        let state = state(status);
        let figures = self.flavor.map_or_else(Figures::default, |flavor| {
            flavor
                .id
                .text()
                .map_or_else(|| flavor.figures(), |id| flavors.figures(id))
        });
        let fault = self.fault.as_ref().and_then(|fault| fault.message.text());
        Some(Found::Server(Server {
            id,
            name: self.name.into_text(),
            project: CloudId::new(self.tenant_id.text().unwrap_or_default()),
            state,
            vcpus: figures.vcpus,
            memory_mib: figures.memory_mib,
            disk_gib: figures.disk_gib,
            node: self.node.text().map(str::to_owned),
            addresses: addresses(self.addresses),
            created: self.created.time().unwrap_or(UnixMillis(0)),
            // Nova keeps an old fault after a recovery, where it only misleads.
            fault: fault
                .filter(|_| state == ServerState::Failed)
                .map(fault::one_line),
        }))
    }
}

impl RawFlavor {
    fn figures(&self) -> Figures {
        Figures::new(&self.vcpus, &self.ram, &self.disk, &self.ephemeral)
    }
}

/// All addresses, sorted: Nova's order changes without a change.
fn addresses(networks: Option<BTreeMap<String, Vec<RawAddress>>>) -> Vec<IpAddr> {
    let all = networks.into_iter().flatten().flat_map(|(_, list)| list);
    let sorted: BTreeSet<IpAddr> = all.filter_map(|it| it.addr.address()).collect();
    sorted.into_iter().collect()
}

/// Compute API guide, "Server Concepts", status.
fn state(status: &str) -> ServerState {
    match status {
        "ACTIVE" | "PASSWORD" | "REBOOT" | "HARD_REBOOT" => ServerState::Running,
        "SHUTOFF" | "SHELVED" | "SHELVED_OFFLOADED" => ServerState::Stopped,
        "BUILD" | "REBUILD" => ServerState::Building,
        "PAUSED" | "SUSPENDED" => ServerState::Paused,
        "RESIZE" | "VERIFY_RESIZE" | "REVERT_RESIZE" | "MIGRATING" => ServerState::Moving,
        "RESCUE" => ServerState::Rescued,
        "ERROR" => ServerState::Failed,
        "DELETED" | "SOFT_DELETED" => ServerState::Deleting,
        _ => ServerState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::cloud::openstack::testing::any_json;

    /// A server as a real Nova 34 wrote it, shortened.
    fn recorded() -> Value {
        json!({
            "id": "597942de-d086-4600-80b1-b8bc32bf7400",
            "name": "withnet",
            "status": "ACTIVE",
            "tenant_id": "1d39f79a4c394426963fa88c54910723",
            "created": "2026-11-21T17:03:59Z",
            "flavor": {
                "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 2, "swap": 0,
                "original_name": "m1.s", "extra_specs": {}
            },
            "addresses": {"n1": [
                {"version": 4, "addr": "203.0.113.7", "OS-EXT-IPS:type": "floating"},
                {"version": 4, "addr": "10.9.0.189", "OS-EXT-IPS:type": "fixed"}
            ]},
            "hostId": "2091634baaccdc4c5a1d57069c833e402921df696b7f970791b12ec6",
            "OS-EXT-SRV-ATTR:host": "compute1",
            "OS-EXT-SRV-ATTR:hypervisor_hostname": "compute1.example",
            "fault": {"message": "old", "code": 500}
        })
    }

    fn read(server: Value) -> Found {
        let raw: RawServer = serde_json::from_value(server).unwrap();
        raw.read(&Flavors::default()).unwrap()
    }

    fn with(changes: &[(&str, Value)]) -> Value {
        let mut server = recorded();
        for (name, value) in changes {
            server[*name] = value.clone();
        }
        server
    }

    #[test]
    fn a_recorded_server_is_read_whole() {
        let expected = Server {
            id: CloudId::new("597942de-d086-4600-80b1-b8bc32bf7400"),
            name: "withnet".to_owned(),
            project: CloudId::new("1d39f79a4c394426963fa88c54910723"),
            state: ServerState::Running,
            vcpus: 1,
            memory_mib: 512,
            disk_gib: 3,
            node: Some("compute1.example".to_owned()),
            addresses: vec![
                "10.9.0.189".parse().unwrap(),
                "203.0.113.7".parse().unwrap(),
            ],
            created: UnixMillis(1_795_280_639_000),
            fault: None,
        };
        assert_eq!(read(recorded()), Found::Server(expected));
    }

    #[test]
    fn a_failed_server_tells_its_fault() {
        let fault = json!({"message": "No valid host\nwas found.", "code": 500});
        let failed = with(&[("status", json!("ERROR")), ("fault", fault)]);
        let Found::Server(server) = read(failed) else {
            panic!("a failed server is a server");
        };
        assert_eq!(server.state, ServerState::Failed);
        assert_eq!(server.fault.as_deref(), Some("No valid host was found."));
    }

    #[test]
    fn a_server_that_is_not_placed_yet_has_no_node() {
        let building = with(&[
            ("status", json!("BUILD")),
            ("OS-EXT-SRV-ATTR:hypervisor_hostname", Value::Null),
            ("addresses", json!({})),
        ]);
        let Found::Server(server) = read(building) else {
            panic!("a server that is being built is a server");
        };
        assert_eq!((server.node, server.addresses.len()), (None, 0));
    }

    #[test]
    fn deleted_ones_and_those_of_a_silent_cell_are_told_apart() {
        let id = CloudId::new("597942de-d086-4600-80b1-b8bc32bf7400");
        let deleted = with(&[("status", json!("DELETED"))]);
        assert_eq!(read(deleted), Found::Deleted(id.clone()));
        let silent = json!({
            "id": "597942de-d086-4600-80b1-b8bc32bf7400", "status": "UNKNOWN",
            "tenant_id": "1d39f79a4c394426963fa88c54910723",
            "created": "2026-11-21T17:03:59Z", "links": []
        });
        assert_eq!(read(silent), Found::Silent(id));
    }

    #[test]
    fn a_server_without_a_name_or_with_an_unknown_status_is_a_server() {
        let odd = [
            with(&[("name", Value::Null)]),
            with(&[("status", json!("UNKNOWN"))]),
        ];
        for odd in odd {
            let found = read(odd.clone());
            assert!(matches!(found, Found::Server(_)), "{odd}: {found:?}");
        }
    }

    #[test]
    fn every_documented_status_has_a_state() {
        for status in [
            "ACTIVE",
            "BUILD",
            "ERROR",
            "HARD_REBOOT",
            "MIGRATING",
            "PASSWORD",
            "PAUSED",
            "REBOOT",
            "REBUILD",
            "RESCUE",
            "RESIZE",
            "REVERT_RESIZE",
            "SHELVED",
            "SHELVED_OFFLOADED",
            "SHUTOFF",
            "SOFT_DELETED",
            "SUSPENDED",
            "VERIFY_RESIZE",
        ] {
            assert_ne!(state(status), ServerState::Unknown, "{status}");
        }
        assert_eq!(state("UNKNOWN"), ServerState::Unknown);
        assert_eq!(state("SOMETHING_NEW"), ServerState::Unknown);
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(
            json in any_json(&[
                "servers", "servers_links", "id", "name", "status", "flavor", "addresses", "addr",
                "fault", "vcpus", "ram", "disk", "created", "rel", "href", "message",
            ]),
        ) {
            let entry = format!("{{\"servers\":[{json}]}}");
            for text in [json, entry] {
                if let Ok(list) = serde_json::from_str::<ServerList>(&text) {
                    for server in list.into_parts().0 {
                        let _ = server.read(&Flavors::default());
                    }
                }
            }
        }
    }
}
