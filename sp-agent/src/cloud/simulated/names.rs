//! Ids, names and addresses, computed from the seed and a number, so that none is stored.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use shared::model::CloudId;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// What a number counts; keeps server 7 and volume 7 apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    Project = 1,
    Node = 2,
    Server = 3,
    Volume = 4,
    Network = 5,
    FloatingIp = 6,
    Port = 7,
    Answer = 8,
    Department = 9,
    User = 10,
    Group = 11,
    Role = 12,
}

/// Names things of one cloud. Another seed gives other ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) seed: u64,
}

const PROJECTS: [&str; 20] = [
    "payments",
    "data-platform",
    "人事系统",
    "web-portal",
    "analytics",
    "财务",
    "search",
    "video",
    "研发平台",
    "identity",
    "iot-gateway",
    "数据中台",
    "crm",
    "billing",
    "门户网站",
    "logistics",
    "observability",
    "视频会议",
    "build-farm",
    "education",
];
/// Combined with [`PROJECTS`] before anything has to be numbered.
const STAGES: [&str; 3] = ["", "-test", "-dev"];
const ROLES: [&str; 12] = [
    "web", "db", "app", "cache", "api", "worker", "mq", "proxy", "etcd", "gitlab", "k8s-node",
    "monitor",
];
const ROLES_ZH: [&str; 6] = ["数据库", "网关", "订单服务", "文件服务", "应用", "备份"];
const BACKENDS: [&str; 3] = ["ceph-ssd#ssd", "ceph-hdd#hdd", "nfs#archive"];

impl Names {
    /// Bits that look random and are always the same.
    pub(super) fn bits(self, thing: Thing, number: u64) -> u128 {
        let mut input = [0; 9];
        let (head, tail) = input.split_at_mut(1);
        head.fill(thing as u8);
        tail.copy_from_slice(&number.to_be_bytes());
        xxh3_128_with_seed(&input, self.seed)
    }

    fn uuid(self, thing: Thing, number: u64) -> [u8; 16] {
        let bits = self.bits(thing, number).to_be_bytes();
        uuid::Builder::from_random_bytes(bits)
            .into_uuid()
            .into_bytes()
    }

    /// An id as Nova, Cinder and Neutron write theirs.
    pub(super) fn id(self, thing: Thing, number: u32) -> CloudId {
        CloudId::Hyphenated(self.uuid(thing, number.into()))
    }

    /// An id as Keystone writes its own.
    pub(super) fn keystone_id(self, thing: Thing, number: u32) -> CloudId {
        CloudId::Simple(self.uuid(thing, number.into()))
    }

    /// A project's id.
    pub(super) fn project_id(self, project: u32) -> CloudId {
        self.keystone_id(Thing::Project, project)
    }

    /// The first project is the administrator's; no two have one name.
    pub(super) fn project(self, project: u32) -> String {
        let Some(number) = (project as usize).checked_sub(1) else {
            return "admin".to_owned();
        };
        let base = nth(&PROJECTS, number);
        let stage = nth(&STAGES, number / PROJECTS.len());
        match number / (PROJECTS.len() * STAGES.len()) {
            0 => format!("{base}{stage}"),
            round => format!("{base}{stage}-{}", round + 1),
        }
    }

    /// Servers of a project with a Chinese name have Chinese names, mostly.
    pub(super) fn server(self, project: u32, server: u32) -> String {
        let bits = self.bits(Thing::Server, server.into()) as usize;
        let number = (project as usize).wrapping_sub(1);
        let chinese = project > 0 && !nth(&PROJECTS, number).is_ascii();
        let role = match chinese && bits & 3 != 0 {
            true => nth(&ROLES_ZH, bits >> 2),
            false => nth(&ROLES, bits >> 2),
        };
        format!("{role}-{server:02}")
    }

    /// A volume's name; some have none, as most of Cinder's haven't.
    pub(super) fn volume(self, volume: u32) -> String {
        match self.bits(Thing::Volume, volume.into()) & 3 {
            0 => String::new(),
            1 => format!("backup-{volume:02}"),
            2 => format!("数据盘-{volume:02}"),
            _ => format!("data-{volume:02}"),
        }
    }

    /// A node's host name: rack and place in it.
    pub(super) fn node(self, node: u32) -> String {
        format!("cmp-r{:02}-{:02}", node / 32 + 1, node % 32 + 1)
    }

    /// Cinder's name of a pool.
    pub(super) fn pool(self, pool: u32) -> CloudId {
        let backend = nth(&BACKENDS, pool as usize);
        CloudId::new(&format!("cinder-{}@{backend}", pool + 1))
    }

    /// A server's address in its project's network, and in some projects one of IPv6.
    /// Unique among any 16 million servers in a row.
    pub(super) fn fixed_addresses(self, project: u32, server: u32) -> Vec<IpAddr> {
        let (subnet, host) = (server / 250, server % 250 + 2);
        let v4 = Ipv4Addr::from(0x0A00_0000 | (subnet << 8 & 0x00FF_FF00) | host);
        let bits = self.bits(Thing::Project, project.into());
        let mut addresses = vec![IpAddr::V4(v4)];
        if bits & 3 == 0 {
            // A unique local prefix (RFC 4193 §3.1) that is the project's own.
            let prefix = 0xFD << 120 | (bits >> 8 & 0xFFFF_FFFF_FFFF) << 72;
            addresses.push(Ipv6Addr::from(prefix | u128::from(server)).into());
        }
        addresses
    }

    /// A public address, out of 198.18.0.0/15 (RFC 2544 §C.2.2: for tests only, routed nowhere).
    pub(super) fn public_address(self, offset: u32) -> IpAddr {
        Ipv4Addr::from(0xC612_0000 | (offset + 1) & 0x0001_FFFF).into()
    }
}

/// The element at `number`, counted round and round.
fn nth(list: &[&'static str], number: usize) -> &'static str {
    list.get(number % list.len().max(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_things_of_two_clouds_have_one_id() {
        let mut ids = HashSet::new();
        for seed in [1, 2] {
            let names = Names { seed };
            for number in 0..1000 {
                for thing in [Thing::Node, Thing::Server, Thing::Volume, Thing::Port] {
                    assert!(ids.insert(names.id(thing, number)));
                }
                assert!(ids.insert(names.project_id(number)));
            }
        }
        let (id, project) = (
            Names { seed: 1 }.id(Thing::Server, 1).to_string(),
            Names { seed: 1 }.project_id(1).to_string(),
        );
        assert_eq!((id.len(), project.len()), (36, 32), "{id} {project}");
        assert_eq!(CloudId::new(&id), Names { seed: 1 }.id(Thing::Server, 1));
    }

    #[test]
    fn projects_have_their_own_names() {
        let names = Names { seed: 1 };
        let all: HashSet<String> = (0..5000).map(|number| names.project(number)).collect();
        assert_eq!(all.len(), 5000);
        assert!(all.contains("admin") && all.contains("财务-test") && all.contains("crm-2"));
    }

    #[test]
    fn addresses_differ_and_are_private_or_for_tests() {
        let names = Names { seed: 1 };
        let mut seen = HashSet::new();
        for server in (1..100_000).chain(15_000_000..15_000_100) {
            let addresses = names.fixed_addresses(server % 7, server);
            assert!(addresses.iter().all(|it| seen.insert(*it)));
            let IpAddr::V4(v4) = addresses[0] else {
                panic!("{addresses:?}")
            };
            assert!(v4.is_private() && v4.octets()[3] >= 2, "{v4}");
        }
        assert_eq!(names.public_address(0).to_string(), "198.18.0.1");
        assert_eq!(names.public_address(131_069).to_string(), "198.19.255.254");
    }
}
