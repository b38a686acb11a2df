//! Running totals: what the overview shows, kept by adding and taking away single records.

use super::{Capacity, Network, Node, NodeState, Record, StoragePool, Weight};

macro_rules! totals {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        /// Sums over the records of one region, or of many.
        ///
        /// Taking a record away is the exact inverse of adding it, so that totals kept over any
        /// history equal totals counted afresh. Sums wrap at 2⁶⁴; the wire bounds each record's
        /// figures so far below that no federation gets there.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Totals {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl Totals {
            /// How many figures there are.
            pub const COUNT: usize = [$(stringify!($field)),*].len();

            /// The figures' names, in the order of [`Self::to_array`].
            pub const NAMES: [&'static str; Self::COUNT] = [$(stringify!($field)),*];

            /// The figures, for a store.
            pub const fn to_array(&self) -> [u64; Self::COUNT] {
                [$(self.$field),*]
            }

            /// From a store.
            pub const fn from_array(figures: [u64; Self::COUNT]) -> Self {
                let [$($field),*] = figures;
                Self { $($field),* }
            }

            /// Adds another's figures.
            pub const fn add(&mut self, other: &Self) {
                $(self.$field = self.$field.wrapping_add(other.$field);)*
            }

            /// Takes another's figures away.
            pub const fn subtract(&mut self, other: &Self) {
                $(self.$field = self.$field.wrapping_sub(other.$field);)*
            }
        }
    };
}

totals! {
    /// Servers in all.
    servers,
    /// Servers that run.
    servers_running,
    /// Servers that are stopped or shelved.
    servers_stopped,
    /// Servers that failed.
    servers_failed,
    /// Virtual CPUs of all servers' flavors.
    server_vcpus,
    /// Memory of all servers' flavors, MiB.
    server_memory_mib,
    /// Nodes in all.
    nodes,
    /// Nodes that are up and enabled.
    nodes_up,
    /// Virtual CPUs in use on nodes.
    vcpus_used,
    /// Virtual CPUs usable on nodes.
    vcpus_total,
    /// Memory in use on nodes, MiB.
    memory_used_mib,
    /// Memory usable on nodes, MiB.
    memory_total_mib,
    /// Local disk in use on nodes, GiB.
    disk_used_gib,
    /// Local disk usable on nodes, GiB.
    disk_total_gib,
    /// Volumes in all.
    volumes,
    /// Size of all volumes, GiB.
    volumes_gib,
    /// Space in use in storage pools, GiB.
    storage_used_gib,
    /// Space of storage pools, GiB.
    storage_total_gib,
    /// Networks in all.
    networks,
    /// Floating IPs that projects hold.
    floating_ips,
    /// Floating IPs that lead to a port.
    floating_ips_attached,
    /// Addresses in use of external networks.
    addresses_used,
    /// Addresses of external networks.
    addresses_total,
}

impl Totals {
    /// Servers that neither run nor are stopped: building, moving, paused, failed and others.
    pub const fn servers_other(&self) -> u64 {
        self.servers
            .wrapping_sub(self.servers_running)
            .wrapping_sub(self.servers_stopped)
    }

    /// What one record adds to the totals.
    pub fn of(record: &Record) -> Self {
        let mut totals = Self::default();
        match record {
            Record::Node(it) => totals.count_node(it),
            Record::StoragePool(StoragePool { space_gib, .. }) => {
                let Capacity { used, total } = space_gib.unwrap_or_default();
                (totals.storage_used_gib, totals.storage_total_gib) = (used, total);
            }
            Record::Network(Network { addresses, .. }) => {
                let Capacity { used, total } = addresses.unwrap_or_default();
                totals.networks = 1;
                (totals.addresses_used, totals.addresses_total) = (used, total);
            }
            Record::FloatingIp(it) => {
                totals.floating_ips = 1;
                totals.floating_ips_attached = it.port.is_some().into();
            }
            Record::Server(_)
            | Record::Volume(_)
            | Record::Quota(_)
            | Record::Department(_)
            | Record::Project(_)
            | Record::User(_)
            | Record::Group(_)
            | Record::Role(_)
            | Record::Membership(_)
            | Record::Implication(_)
            | Record::Assignment(_)
            | Record::Binding(_)
            | Record::Lapse(_)
            | Record::Remark(_)
            | Record::Applying(_)
            | Record::Recall(_)
            | Record::PutBack(_)
            | Record::Secret(_)
            | Record::Limits(_)
            | Record::Purge(_)
            | Record::Service(_)
            | Record::HostSample(_) => totals.put(&Weight::of(record)),
        }
        totals
    }

    fn count_node(&mut self, node: &Node) {
        self.nodes = 1;
        self.nodes_up = (node.state == NodeState::Up).into();
        (self.vcpus_used, self.vcpus_total) = (node.vcpus.used, node.vcpus.total);
        (self.memory_used_mib, self.memory_total_mib) =
            (node.memory_mib.used, node.memory_mib.total);
        (self.disk_used_gib, self.disk_total_gib) = (node.disk_gib.used, node.disk_gib.total);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn taking_away_undoes_adding(
            a in prop::array::uniform23(any::<u64>()),
            b in prop::array::uniform23(any::<u64>()),
        ) {
            let (start, other) = (Totals::from_array(a), Totals::from_array(b));
            let mut sum = start;
            sum.add(&other);
            sum.subtract(&other);
            prop_assert_eq!(sum, start);
            prop_assert_eq!(start.to_array(), a);
        }
    }

    #[test]
    fn every_figure_has_a_name() {
        assert_eq!(Totals::COUNT, 23);
        assert_eq!(Totals::NAMES[0], "servers");
    }
}
