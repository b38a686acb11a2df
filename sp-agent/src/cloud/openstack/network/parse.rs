//! One network, one floating IP, from Neutron's JSON to the model. Pure.

use serde::Deserialize;
use shared::model::{Capacity, CloudId, FloatingIp, Network};

use crate::cloud::openstack::paging::{Link, Listing};
use crate::cloud::openstack::scalar::Scalar;

/// What is asked for of a network; the rest would make answers four times as long.
pub(super) const NETWORK_FIELDS: &[&str] = &[
    "id",
    "name",
    "tenant_id",
    "status",
    "shared",
    "router:external",
];

/// What is asked for of a floating IP.
pub(super) const FLOATING_IP_FIELDS: &[&str] =
    &["id", "floating_ip_address", "tenant_id", "port_id"];

/// `GET /networks`.
#[derive(Debug, Deserialize)]
pub(super) struct NetworkList {
    networks: Vec<RawNetwork>,
    #[serde(default)]
    networks_links: Vec<Link>,
}

impl Listing for NetworkList {
    type Item = RawNetwork;

    fn into_parts(self) -> (Vec<RawNetwork>, Option<String>) {
        (self.networks, Link::next(self.networks_links))
    }

    fn id(item: &RawNetwork) -> Option<&str> {
        item.id.text()
    }
}

/// A network as Neutron writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawNetwork {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    tenant_id: Scalar,
    #[serde(default)]
    status: Scalar,
    #[serde(default)]
    shared: Scalar,
    #[serde(default, rename = "router:external")]
    external: Scalar,
}

impl RawNetwork {
    /// The network, yet without its addresses; `None` if it has no id.
    pub(super) fn read(self) -> Option<Network> {
        Some(Network {
            id: self.id.id()?,
            name: self.name.into_text(),
            project: CloudId::new(self.tenant_id.text().unwrap_or_default()),
            active: self.status.text() == Some("ACTIVE"),
            shared: self.shared.flag(),
            external: self.external.flag(),
            addresses: None,
        })
    }
}

/// `GET /network-ip-availabilities/{network}`.
#[derive(Debug, Deserialize)]
pub(super) struct Availability {
    network_ip_availability: RawAvailability,
}

#[derive(Debug, Deserialize)]
struct RawAvailability {
    #[serde(default)]
    total_ips: Scalar,
    #[serde(default)]
    used_ips: Scalar,
}

impl Availability {
    /// Addresses in use and in all; of an IPv6 network as many as a figure can say.
    pub(super) fn addresses(&self) -> Option<Capacity> {
        Some(Capacity {
            used: self.network_ip_availability.used_ips.count()?,
            total: self.network_ip_availability.total_ips.count()?,
        })
    }
}

/// `GET /floatingips`.
#[derive(Debug, Deserialize)]
pub(super) struct FloatingIpList {
    floatingips: Vec<RawFloatingIp>,
    #[serde(default)]
    floatingips_links: Vec<Link>,
}

impl Listing for FloatingIpList {
    type Item = RawFloatingIp;

    fn into_parts(self) -> (Vec<RawFloatingIp>, Option<String>) {
        (self.floatingips, Link::next(self.floatingips_links))
    }

    fn id(item: &RawFloatingIp) -> Option<&str> {
        item.id.text()
    }
}

/// A floating IP as Neutron writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawFloatingIp {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    floating_ip_address: Scalar,
    #[serde(default)]
    tenant_id: Scalar,
    #[serde(default)]
    port_id: Scalar,
}

impl RawFloatingIp {
    /// The floating IP; `None` if it has no id or no address.
    pub(super) fn read(self) -> Option<FloatingIp> {
        Some(FloatingIp {
            id: self.id.id()?,
            address: self.floating_ip_address.address()?,
            project: CloudId::new(self.tenant_id.text().unwrap_or_default()),
            port: self.port_id.id(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cloud::openstack::scalar::COUNT_MAX;
    use crate::cloud::openstack::testing::any_json;

    #[test]
    fn a_recorded_network_is_read_whole() {
        let raw: RawNetwork = serde_json::from_value(json!({
            "id": "335c445c-9f3c-4876-b8f7-32cfed442d5f", "name": "ext",
            "tenant_id": "1d39f79a4c394426963fa88c54910723",
            "status": "ACTIVE", "shared": false, "router:external": true
        }))
        .unwrap();
        let expected = Network {
            id: CloudId::new("335c445c-9f3c-4876-b8f7-32cfed442d5f"),
            name: "ext".to_owned(),
            project: CloudId::new("1d39f79a4c394426963fa88c54910723"),
            active: true,
            shared: false,
            external: true,
            addresses: None,
        };
        assert_eq!(raw.read(), Some(expected));
    }

    #[test]
    fn an_ipv6_networks_addresses_are_capped() {
        let body = r#"{"network_ip_availability": {
            "total_ips": 18446744073709551614, "used_ips": 3, "network_name": "v6"}}"#;
        let availability: Availability = serde_json::from_str(body).unwrap();
        let expected = Capacity {
            used: 3,
            total: COUNT_MAX,
        };
        assert_eq!(availability.addresses(), Some(expected));
    }

    #[test]
    fn a_floating_ip_may_lead_nowhere_but_has_an_address() {
        let mut json = json!({
            "id": "335c445c-9f3c-4876-b8f7-32cfed442d5f", "floating_ip_address": "2001:db8::7",
            "tenant_id": "1d39f79a4c394426963fa88c54910723", "port_id": null
        });
        let read = |json: &serde_json::Value| {
            let raw: RawFloatingIp = serde_json::from_value(json.clone()).unwrap();
            raw.read()
        };
        assert_eq!(read(&json).unwrap().port, None);
        json["floating_ip_address"] = json!(null);
        assert_eq!(read(&json), None);
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(
            json in any_json(&[
                "networks", "floatingips", "id", "name", "status", "floating_ip_address",
                "network_ip_availability", "total_ips", "used_ips", "router:external",
            ]),
        ) {
            let network = format!("{{\"networks\":[{json}]}}");
            let address = format!("{{\"floatingips\":[{json}]}}");
            for text in [json, network, address] {
                if let Ok(list) = serde_json::from_str::<NetworkList>(&text) {
                    list.into_parts().0.into_iter().for_each(|it| drop(it.read()));
                }
                if let Ok(list) = serde_json::from_str::<FloatingIpList>(&text) {
                    list.into_parts().0.into_iter().for_each(|it| drop(it.read()));
                }
                if let Ok(availability) = serde_json::from_str::<Availability>(&text) {
                    let _ = availability.addresses();
                }
            }
        }
    }
}
