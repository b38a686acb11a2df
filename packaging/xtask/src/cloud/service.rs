//! The OpenStack services of a cloud: their ports, catalog entries and needs.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A service. The order is the order of starting, which is also that of the ports.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Service {
    /// Identity.
    Keystone,
    /// Capacity of hosts.
    Placement,
    /// Servers.
    Nova,
    /// Networks.
    Neutron,
    /// Volumes.
    Cinder,
    /// Images.
    Glance,
}

impl Service {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 6] = [
        Self::Keystone,
        Self::Placement,
        Self::Nova,
        Self::Neutron,
        Self::Cinder,
        Self::Glance,
    ];

    /// The name of its folder, configuration and log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keystone => "keystone",
            Self::Placement => "placement",
            Self::Nova => "nova",
            Self::Neutron => "neutron",
            Self::Cinder => "cinder",
            Self::Glance => "glance",
        }
    }

    /// Its port in a cloud whose ports begin at `base`.
    pub(crate) fn port(self, base: u16) -> u16 {
        base.saturating_add(self as u16)
    }

    /// Its entries in the catalog: service type and path of the address.
    pub(crate) fn catalog(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Keystone => &[("identity", "/v3")],
            Self::Placement => &[("placement", "")],
            Self::Nova => &[("compute", "/v2.1")],
            Self::Neutron => &[("network", "")],
            Self::Cinder => &[("block-storage", "/v3"), ("volumev3", "/v3")],
            Self::Glance => &[("image", "")],
        }
    }

    /// Its configuration file.
    pub(crate) fn conf_file(self) -> &'static str {
        match self {
            Self::Keystone => "keystone.conf",
            Self::Placement => "placement.conf",
            Self::Nova => "nova.conf",
            Self::Neutron => "neutron.conf",
            Self::Cinder => "cinder.conf",
            Self::Glance => "glance-api.conf",
        }
    }

    /// The services that it cannot work without.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Nova => &[Self::Keystone, Self::Placement],
            _ => &[Self::Keystone],
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The services to run for those that were asked for: with what these need, once, in order.
pub(crate) fn with_needs(asked: &[Service]) -> Vec<Service> {
    let needed = asked
        .iter()
        .flat_map(|service| service.needs())
        .chain(asked);
    needed
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// `keystone, placement, nova`.
pub(crate) fn list(services: &[Service]) -> String {
    services
        .iter()
        .map(|service| service.name())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_follow_the_order() {
        let ports: Vec<u16> = Service::ALL
            .iter()
            .map(|service| service.port(15000))
            .collect();
        assert_eq!(ports, [15000, 15001, 15002, 15003, 15004, 15005]);
    }

    #[test]
    fn what_a_service_needs_comes_with_it() {
        use Service::{Cinder, Keystone, Nova, Placement};
        assert_eq!(with_needs(&[Nova]), [Keystone, Placement, Nova]);
        assert_eq!(with_needs(&[Cinder, Keystone, Cinder]), [Keystone, Cinder]);
        assert_eq!(with_needs(&Service::ALL), Service::ALL);
    }
}
