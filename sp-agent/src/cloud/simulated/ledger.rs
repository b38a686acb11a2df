//! Owns what is in use of nodes, pools, projects and public addresses, and what there is in all.
//!
//! Servers, volumes and floating IPs take from it when they begin and give back when they are gone,
//! here and nowhere else: that is why the figures agree with the things.

use std::num::NonZeroU32;

use shared::model::NodeState;

use super::flavors::{Flavor, NodeKind};
use super::names::{Names, Thing};
use super::options::Plan;

/// How many nodes or pools are looked at for one that has room. The fullest cloud costs no more.
const CANDIDATES_MAX: u32 = 8;
/// The addresses in 198.18.0.0/15, less the first and the last.
const ADDRESSES_MAX: u32 = (1 << 17) - 2;

/// A node's place in the list, held so that none takes no more room than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeNumber(NonZeroU32);

impl NodeNumber {
    fn new(index: u32) -> Option<Self> {
        NonZeroU32::new(index.checked_add(1)?).map(Self)
    }

    pub(super) const fn index(self) -> u32 {
        self.0.get() - 1
    }
}

#[derive(Debug, Clone)]
pub(super) struct NodeRow {
    pub(super) state: NodeState,
    pub(super) kind: NodeKind,
    pub(super) used: Use,
}

/// What servers take: of a node, or of a project's quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) servers: u32,
    pub(super) vcpus: u32,
    pub(super) memory_mib: u64,
    pub(super) disk_gib: u64,
}

impl Use {
    fn with(self, flavor: Flavor) -> Self {
        Self {
            servers: self.servers + 1,
            vcpus: self.vcpus + flavor.vcpus,
            memory_mib: self.memory_mib + flavor.memory_mib,
            disk_gib: self.disk_gib + flavor.disk_gib,
        }
    }

    fn without(self, flavor: Flavor) -> Self {
        Self {
            servers: self.servers.saturating_sub(1),
            vcpus: self.vcpus.saturating_sub(flavor.vcpus),
            memory_mib: self.memory_mib.saturating_sub(flavor.memory_mib),
            disk_gib: self.disk_gib.saturating_sub(flavor.disk_gib),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PoolRow {
    pub(super) used_gib: u64,
    pub(super) total_gib: u64,
}

/// What a project uses, and may use; the administrator's project may use all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ProjectRow {
    pub(super) servers: Use,
    pub(super) volumes: u32,
    pub(super) volumes_gib: u64,
    pub(super) floating_ips: u32,
    /// As an administrator set it; otherwise it follows from their number.
    pub(super) networks_limit: Option<u32>,
    pub(super) limits: Option<Limits>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) instances: u32,
    pub(super) cores: u32,
    pub(super) ram_mib: u64,
    pub(super) volumes: u32,
    pub(super) gigabytes: u64,
    pub(super) floating_ips: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Ledger {
    pub(super) nodes: Vec<NodeRow>,
    pub(super) pools: Vec<PoolRow>,
    pub(super) projects: Vec<ProjectRow>,
    pub(super) addresses_used: u32,
    pub(super) addresses_total: u32,
    /// Addresses given back, taken again before new ones.
    addresses_free: Vec<u32>,
    addresses_next: u32,
}

impl Ledger {
    /// Everything there is, nothing in use; without bounds until [`Self::settle`].
    pub(super) fn new(plan: &Plan, names: Names) -> Self {
        let node = |number: u32| NodeRow {
            state: NodeState::Up,
            kind: match plan.is_small() {
                true => NodeKind::Small,
                false => NodeKind::drawn(names.bits(Thing::Node, number.into())),
            },
            used: Use::default(),
        };
        let pools = (plan.volumes / 1500 + 2).min(64);
        let unbounded = PoolRow {
            used_gib: 0,
            total_gib: u64::MAX,
        };
        Self {
            nodes: (0..plan.nodes).map(node).collect(),
            pools: vec![unbounded; pools as usize],
            projects: vec![ProjectRow::default(); plan.projects as usize],
            addresses_used: 0,
            addresses_total: match plan.networks {
                0 => 0,
                _ => usable_addresses(plan.floating_ips.saturating_mul(2)),
            },
            addresses_free: Vec::new(),
            addresses_next: 0,
        }
    }

    /// Sets quotas and the pools' sizes by what is in use at birth.
    pub(super) fn settle(&mut self, names: Names) {
        for pool in &mut self.pools {
            pool.total_gib = round_up(pool.used_gib.max(10_000) * 8 / 5);
        }
        for (number, project) in (0_u64..).zip(&mut self.projects).skip(1) {
            let bits = names.bits(Thing::Project, number) >> 64;
            // Some live close to their limits, some far.
            let quarters = match bits & 3 {
                0 => 4,
                1 => 5,
                2 => 8,
                _ => 12,
            };
            project.limits = Some(Limits::for_use(project, quarters));
        }
    }

    /// Finds room for a server on a node that is up, beginning at `start`: the emptiest of a few.
    pub(super) fn place(&mut self, flavor: Flavor, start: u32) -> Option<NodeNumber> {
        let count = u32::try_from(self.nodes.len()).ok()?;
        let candidates = (0..CANDIDATES_MAX.min(count)).map(|step| (start % count + step) % count);
        let room = |number: u32| {
            let node = self.nodes.get(number as usize)?;
            let (used, all) = (node.used.with(flavor), node.kind.capacity());
            let fits = node.state == NodeState::Up
                && used.vcpus <= all.vcpus
                && used.memory_mib <= all.memory_mib
                && used.disk_gib <= all.disk_gib;
            fits.then(|| (all.memory_mib - used.memory_mib, number))
        };
        let (_, number) = candidates.filter_map(room).max()?;
        let node = self.nodes.get_mut(number as usize)?;
        node.used = node.used.with(flavor);
        NodeNumber::new(number)
    }

    pub(super) fn unplace(&mut self, node: NodeNumber, flavor: Flavor) {
        if let Some(node) = self.nodes.get_mut(node.index() as usize) {
            node.used = node.used.without(flavor);
        }
    }

    /// Counts a server to its project, whatever its limits.
    pub(super) fn own(&mut self, project: u32, flavor: Flavor) {
        if let Some(project) = self.projects.get_mut(project as usize) {
            project.servers = project.servers.with(flavor);
        }
    }

    pub(super) fn disown(&mut self, project: u32, flavor: Flavor) {
        if let Some(project) = self.projects.get_mut(project as usize) {
            project.servers = project.servers.without(flavor);
        }
    }

    /// Whether a project may have a server more, in place of what `without` it has now.
    pub(super) fn allows(&self, project: u32, flavor: Flavor, without: Option<Flavor>) -> bool {
        let Some(project) = self.projects.get(project as usize) else {
            return false;
        };
        let used = without.map_or(project.servers, |it| project.servers.without(it));
        let used = used.with(flavor);
        project.limits.is_none_or(|limits| {
            used.servers <= limits.instances
                && used.vcpus <= limits.cores
                && used.memory_mib <= limits.ram_mib
        })
    }

    /// Takes `gib` more for a project's volume, and `volumes` (0 or 1) more, out of `pool`.
    pub(super) fn store(&mut self, project: u32, pool: u32, volumes: u32, gib: u64) -> Option<()> {
        let project = self.projects.get_mut(project as usize)?;
        let pool = self.pools.get_mut(pool as usize)?;
        let (count, size) = (project.volumes + volumes, project.volumes_gib + gib);
        let allowed = project
            .limits
            .is_none_or(|limits| count <= limits.volumes && size <= limits.gigabytes);
        if !allowed || gib > pool.total_gib.saturating_sub(pool.used_gib) {
            return None;
        }
        (project.volumes, project.volumes_gib) = (count, size);
        pool.used_gib += gib;
        Some(())
    }

    pub(super) fn discard(&mut self, project: u32, pool: u32, gib: u64) {
        if let Some(project) = self.projects.get_mut(project as usize) {
            project.volumes = project.volumes.saturating_sub(1);
            project.volumes_gib = project.volumes_gib.saturating_sub(gib);
        }
        if let Some(pool) = self.pools.get_mut(pool as usize) {
            pool.used_gib = pool.used_gib.saturating_sub(gib);
        }
    }

    /// Takes a public address for a project.
    pub(super) fn take_address(&mut self, project: u32) -> Option<u32> {
        let project = self.projects.get_mut(project as usize)?;
        let allowed = project
            .limits
            .is_none_or(|limits| project.floating_ips < limits.floating_ips);
        if !allowed || self.addresses_used >= self.addresses_total {
            return None;
        }
        project.floating_ips += 1;
        self.addresses_used += 1;
        Some(self.addresses_free.pop().unwrap_or_else(|| {
            let address = self.addresses_next;
            self.addresses_next += 1;
            address
        }))
    }

    pub(super) fn give_address(&mut self, project: u32, address: u32) {
        if let Some(project) = self.projects.get_mut(project as usize) {
            project.floating_ips = project.floating_ips.saturating_sub(1);
        }
        self.addresses_used = self.addresses_used.saturating_sub(1);
        self.addresses_free.push(address);
    }

    /// Raises all limits of a project by a quarter, as an administrator does who was asked.
    pub(super) fn raise_limits(&mut self, project: u32) {
        let project = self.projects.get_mut(project as usize);
        if let Some(limits) = project.and_then(|it| it.limits.as_mut()) {
            *limits = limits.raised();
        }
    }
}

impl Limits {
    fn for_use(project: &ProjectRow, quarters: u64) -> Self {
        let limit = |used: u64, base: u64| round_up(used * quarters / 4 + base);
        let small = |used: u32, base: u64| narrow(limit(used.into(), base));
        Self {
            instances: small(project.servers.servers, 10),
            cores: small(project.servers.vcpus, 40),
            ram_mib: limit(project.servers.memory_mib >> 10, 80) << 10,
            volumes: small(project.volumes, 10),
            gigabytes: limit(project.volumes_gib, 1000),
            floating_ips: small(project.floating_ips, 5),
        }
    }

    /// Nothing is limited.
    pub(super) const NONE: Self = Self {
        instances: u32::MAX,
        cores: u32::MAX,
        ram_mib: u64::MAX,
        volumes: u32::MAX,
        gigabytes: u64::MAX,
        floating_ips: u32::MAX,
    };

    fn raised(self) -> Self {
        // Bounded far beyond what all nodes together hold, so that raising for ever stays a number.
        // What an administrator set to no limit has none.
        let wide = |limit: u64| match limit {
            u64::MAX => limit,
            limit => round_up(limit + limit / 4).min(1 << 32),
        };
        let small = |limit: u32| match limit {
            u32::MAX => limit,
            limit => narrow(wide(limit.into())),
        };
        Self {
            instances: small(self.instances),
            cores: small(self.cores),
            ram_mib: match self.ram_mib {
                u64::MAX => u64::MAX,
                limit => wide(limit >> 10) << 10,
            },
            volumes: small(self.volumes),
            gigabytes: wide(self.gigabytes),
            floating_ips: small(self.floating_ips),
        }
    }
}

fn narrow(figure: u64) -> u32 {
    u32::try_from(figure).unwrap_or(u32::MAX)
}

/// A figure as administrators write them: two digits and zeros.
fn round_up(figure: u64) -> u64 {
    let mut unit = 10;
    while figure / unit >= 100 {
        unit *= 10;
    }
    figure.div_ceil(unit) * unit
}

/// The addresses of the smallest IPv4 subnet, from a /24 on, that has so many.
fn usable_addresses(wanted: u32) -> u32 {
    (8..17)
        .map(|bits| (1 << bits) - 2)
        .find(|usable| *usable >= wanted)
        .unwrap_or(ADDRESSES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_round() {
        for (figure, round) in [(0, 0), (7, 10), (99, 100), (101, 110), (1234, 1300)] {
            assert_eq!(round_up(figure), round);
        }
    }

    #[test]
    fn a_subnet_holds_what_is_wanted() {
        for (wanted, usable) in [(0, 254), (254, 254), (255, 510), (131_072, 131_070)] {
            assert_eq!(usable_addresses(wanted), usable);
        }
    }
}
