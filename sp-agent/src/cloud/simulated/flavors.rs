//! The sizes of servers, volumes and nodes.

/// A server's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flavor {
    pub(super) vcpus: u32,
    pub(super) memory_mib: u64,
    pub(super) disk_gib: u64,
}

/// From tiny to large: on average 3.6 virtual CPUs, 7.1 GiB and 71 GiB with [`DRAWN`].
const FLAVORS: [Flavor; 6] = [
    flavor(1, 1, 10),
    flavor(1, 2, 20),
    flavor(2, 4, 40),
    flavor(4, 8, 80),
    flavor(8, 16, 160),
    flavor(16, 32, 320),
];

/// Which flavor a draw gives: small ones are many.
const DRAWN: [u8; 16] = [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5];

const fn flavor(vcpus: u32, memory_gib: u64, disk_gib: u64) -> Flavor {
    Flavor {
        vcpus,
        memory_mib: memory_gib << 10,
        disk_gib,
    }
}

/// A flavor's place in the list, which is all that a server holds of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FlavorNumber(u8);

impl FlavorNumber {
    /// How many draws there are.
    pub(super) const DRAWS: u32 = DRAWN.len() as u32;

    pub(super) fn drawn(draw: u32) -> Self {
        let draw = draw % Self::DRAWS;
        Self(DRAWN.get(draw as usize).copied().unwrap_or_default())
    }

    pub(super) fn flavor(self) -> Flavor {
        let [smallest, ..] = FLAVORS;
        FLAVORS.get(self.0 as usize).copied().unwrap_or(smallest)
    }
}

/// Sizes of volumes, GiB.
const VOLUME_GIB: [u32; 8] = [10, 20, 20, 50, 50, 100, 200, 500];

/// A volume's size for a draw below 8.
pub(super) fn volume_gib(draw: u32) -> u32 {
    let [smallest, ..] = VOLUME_GIB;
    let place = draw as usize % VOLUME_GIB.len();
    VOLUME_GIB.get(place).copied().unwrap_or(smallest)
}

/// A generation of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// 48 threads, 256 GiB.
    Small,
    /// 64 threads, 512 GiB.
    Medium,
    /// 128 threads, 1 TiB.
    Large,
}

impl NodeKind {
    pub(super) const fn drawn(bits: u128) -> Self {
        match bits % 3 {
            0 => Self::Small,
            1 => Self::Medium,
            _ => Self::Large,
        }
    }

    /// What servers may use: four virtual CPUs a thread, memory less what is reserved for the host.
    pub(super) const fn capacity(self) -> Flavor {
        match self {
            Self::Small => flavor(48 * 4, 256 - 8, 3_600),
            Self::Medium => flavor(64 * 4, 512 - 8, 7_200),
            Self::Large => flavor(128 * 4, 1024 - 16, 14_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flavor_is_drawn_and_fits_the_smallest_node() {
        let node = NodeKind::Small.capacity();
        let drawn = (0..FlavorNumber::DRAWS).map(|draw| FlavorNumber::drawn(draw).flavor());
        let drawn: Vec<Flavor> = drawn.collect();
        for flavor in FLAVORS {
            assert!(drawn.contains(&flavor), "{flavor:?}");
            assert!(flavor.vcpus <= node.vcpus && flavor.memory_mib <= node.memory_mib);
        }
        let memory: u64 = drawn.iter().map(|it| it.memory_mib).sum();
        assert_eq!(
            memory / 16,
            7296,
            "the average that node counts are derived from"
        );
    }
}
