//! Any life of any cloud, looked at from outside as an agent does, and from inside.

mod properties;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use shared::model::{
    CloudId, Key, NodeState, Record, RecordKind, ServerState, Totals, VolumeState,
};

use super::*;
use crate::cloud::Part;
use crate::cloud::simulated::options::{Character, Options, PACE_MAX};

const BORN: UnixMillis = UnixMillis(1_700_000_000_000);

type Held = BTreeMap<Key, Record>;

fn world(options: Options) -> World {
    World::new(options.check().unwrap(), BORN)
}

fn after(seconds: u64) -> UnixMillis {
    BORN.plus(Duration::from_secs(seconds))
}

fn audit(world: &World, part: Part) -> Held {
    let mut held = Held::new();
    let mut next = Some(Cursor::default());
    while let Some(cursor) = next {
        let (records, after) = world.page(part, cursor);
        assert!(records.len() <= PAGE_RECORDS_MAX);
        for record in records {
            assert_eq!(record.key().kind, part.kind());
            assert!(held.insert(record.key(), record).is_none(), "told twice");
        }
        next = after;
    }
    held
}

fn audit_all(world: &World) -> Held {
    Part::ALL
        .into_iter()
        .flat_map(|part| audit(world, part))
        .collect()
}

fn totals(held: &Held) -> Totals {
    let mut totals = Totals::default();
    held.values()
        .for_each(|record| totals.add(&Totals::of(record)));
    totals
}

#[derive(Default, PartialEq, Eq, Debug)]
struct Sum {
    count: u64,
    vcpus: u64,
    memory_mib: u64,
    disk_gib: u64,
}

/// What nodes, quotas, pools and networks say is what the things themselves add up to.
fn check_figures(held: &Held) {
    let mut by_node: HashMap<String, Sum> = HashMap::new();
    let mut used: HashMap<(CloudId, &str), u64> = HashMap::new();
    let mut add = |project: &CloudId, name: &'static str, figure: u64| {
        *used.entry((project.clone(), name)).or_default() += figure;
    };
    for record in held.values() {
        match record {
            Record::Server(it) => {
                add(&it.project, "instances", 1);
                add(&it.project, "cores", it.vcpus.into());
                add(&it.project, "ram", it.memory_mib);
                if let Some(node) = &it.node {
                    let sum = by_node.entry(node.clone()).or_default();
                    sum.vcpus += u64::from(it.vcpus);
                    sum.memory_mib += it.memory_mib;
                    sum.disk_gib += it.disk_gib;
                }
            }
            Record::Volume(it) => {
                add(&it.project, "volumes", 1);
                add(&it.project, "gigabytes", it.size_gib);
            }
            Record::FloatingIp(it) => add(&it.project, "floatingip", 1),
            Record::Network(it) => add(&it.project, "network", 1),
            _ => {}
        }
    }
    for record in held.values() {
        match record {
            Record::Node(it) => {
                let sum = by_node.remove(&it.name).unwrap_or_default();
                assert_eq!(it.vcpus.used, sum.vcpus, "{it:?}");
                assert_eq!(it.memory_mib.used, sum.memory_mib, "{it:?}");
                assert_eq!(it.disk_gib.used, sum.disk_gib, "{it:?}");
                assert!(it.memory_mib.used <= it.memory_mib.total, "{it:?}");
            }
            Record::Quota(it) => {
                assert!(it.resources.is_sorted_by_key(|it| it.name.clone()));
                for resource in &it.resources {
                    let key = (it.project.clone(), resource.name.as_str());
                    assert_eq!(resource.used, used.remove(&key).unwrap_or(0), "{it:?}");
                    assert!(resource.limit.is_none_or(|limit| resource.used <= limit));
                }
            }
            _ => {}
        }
    }
    assert!(by_node.is_empty(), "servers on unknown nodes: {by_node:?}");
    assert!(used.is_empty(), "things of unknown projects: {used:?}");
    let totals = totals(held);
    assert_eq!(totals.storage_used_gib, totals.volumes_gib);
    assert_eq!(totals.addresses_used, totals.floating_ips);
    assert!(totals.addresses_used <= totals.addresses_total);
}

/// What things say of one another agrees.
fn check_links(world: &World, held: &Held) {
    let server_of = |id: &CloudId| {
        let key = Key {
            kind: RecordKind::Server,
            id: id.clone(),
        };
        assert!(held.contains_key(&key), "a volume of a server that is gone");
    };
    let mut public = HashSet::new();
    for record in held.values() {
        match record {
            Record::Volume(it) => {
                it.attached_to.iter().for_each(server_of);
                let in_use = it.state == VolumeState::InUse;
                assert_eq!(in_use, !it.attached_to.is_empty(), "{it:?}");
            }
            Record::FloatingIp(it) => assert!(public.insert(it.address), "taken twice"),
            _ => {}
        }
    }
    let of_servers = held.values().filter_map(|record| match record {
        Record::Server(it) => Some(it.addresses.iter()),
        _ => None,
    });
    let floats = |it: &&IpAddr| matches!(it, IpAddr::V4(v4) if v4.octets()[0] == 198);
    let shown: Vec<IpAddr> = of_servers.flatten().filter(floats).copied().collect();
    assert!(shown.iter().all(|it| public.contains(it)));
    assert_eq!(shown.len() as u64, totals(held).floating_ips_attached);

    for (serial, _, machine) in world.servers.after(0) {
        let volume = machine.volume.and_then(|it| world.volumes.get(it));
        assert_eq!(
            volume.and_then(|it| it.server),
            machine.volume.map(|_| serial)
        );
        let address = machine.address.and_then(|it| world.addresses.get(it));
        assert_eq!(
            address.and_then(|it| it.server),
            machine.address.map(|_| serial)
        );
        let ends = matches!(
            machine.state,
            ServerState::Building | ServerState::Moving | ServerState::Deleting
        );
        let waits = world
            .ends
            .iter()
            .filter(|end| end.0.of == EndOf::Server(serial));
        assert_eq!(
            waits.count(),
            usize::from(ends),
            "every beginning has one end"
        );
    }
}

#[test]
fn parts_without_changes_say_so_and_so_do_times_before_birth() {
    let world = world(Options::default());
    for part in Part::ALL {
        let knows = matches!(part, Part::Servers | Part::Volumes);
        assert_eq!(world.deleted(part, BORN).is_some(), knows);
        assert_eq!(
            world.changed_page(part, BORN, Cursor::default()).is_some(),
            knows
        );
        let before = UnixMillis(BORN.0 - 1);
        assert_eq!(world.deleted(part, before), None);
        assert_eq!(world.changed_page(part, before, Cursor::default()), None);
    }
}

#[test]
fn each_character_lives_its_own_way() {
    let live = |character| {
        let mut world = world(Options {
            servers: 500,
            character,
            pace: Some(600),
            ..Options::default()
        });
        let at_birth = totals(&audit_all(&world));
        let mut down = 0;
        for minute in 1..=120 {
            world.advance_to(after(minute * 60));
            let nodes = audit(&world, Part::Nodes);
            let is_down =
                |it: &&Record| matches!(it, Record::Node(it) if it.state == NodeState::Down);
            down += nodes.values().filter(is_down).count();
        }
        let held = audit_all(&world);
        check_figures(&held);
        (at_birth, totals(&held), down)
    };
    for character in [Character::Steady, Character::Busy] {
        let (birth, now, down) = live(character);
        assert!(
            now.servers.abs_diff(birth.servers) <= birth.servers / 10,
            "{now:?}"
        );
        assert!(
            now.volumes.abs_diff(birth.volumes) <= birth.volumes / 10,
            "{now:?}"
        );
        assert!(now.servers_running > now.servers * 6 / 10, "{now:?}");
        assert!(now.servers_failed < now.servers / 20, "{now:?}");
        assert!(now.floating_ips_attached > now.floating_ips / 3, "{now:?}");
        assert_eq!(down, 0);
    }
    let (birth, now, _) = live(Character::Growing);
    assert!(now.servers > birth.servers * 3 / 2, "{birth:?} {now:?}");
    let (birth, now, down) = live(Character::Flaky);
    assert!(
        now.servers_failed > birth.servers_failed * 2 && down > 0,
        "{now:?}"
    );
}

#[test]
fn a_cloud_at_birth_looks_like_a_cloud() {
    let world = world(Options {
        servers: 1_000,
        ..Options::default()
    });
    let held = audit_all(&world);
    let totals = totals(&held);
    assert_eq!(
        (totals.servers, totals.volumes, totals.floating_ips),
        (1_000, 500, 200)
    );
    assert!((780..900).contains(&totals.servers_running), "{totals:?}");
    let full = totals.memory_used_mib * 100 / totals.memory_total_mib;
    assert!((35..75).contains(&full), "nodes are {full} % full");
    let names = held.values().filter_map(|record| match record {
        Record::Server(it) => Some(it.name.as_str()),
        _ => None,
    });
    let names: Vec<&str> = names.collect();
    assert!(names.iter().any(|it| it.starts_with("web-")));
    assert!(names.iter().any(|it| it.starts_with("数据库-")));
}

#[test]
fn a_cloud_without_pace_stands_still() {
    let mut world = world(Options {
        pace: Some(0),
        ..Options::default()
    });
    let before = audit_all(&world);
    world.advance_to(UnixMillis(u64::MAX));
    assert_eq!(audit_all(&world), before);
}

#[test]
fn a_gap_nobody_could_catch_up_with_is_slept_through() {
    let mut world = world(Options {
        pace: Some(60_000),
        ..Options::default()
    });
    world.advance_to(after(100));
    world.advance_to(after(100 * 365 * 86_400));
    check_figures(&audit_all(&world));
    world.advance_to(UnixMillis(u64::MAX));
    world.advance_to(UnixMillis(u64::MAX));
    check_figures(&audit_all(&world));
    assert_eq!(world.lived(), UnixMillis(u64::MAX));
}

#[test]
fn time_that_goes_back_changes_nothing() {
    let mut world = world(Options::default());
    world.advance_to(after(600));
    let before = audit_all(&world);
    world.advance_to(after(1));
    assert_eq!((audit_all(&world), world.lived()), (before, after(600)));
}

#[test]
fn servers_are_small() {
    let mut world = world(Options {
        servers: 10_000,
        character: Character::Busy,
        pace: Some(60_000),
        ..Options::default()
    });
    let bytes = |world: &World| world.servers.heap_bytes() / world.servers.len();
    assert!(
        bytes(&world) <= 64,
        "{} bytes a server at birth",
        bytes(&world)
    );
    world.advance_to(after(60));
    let lived = bytes(&world);
    assert!(
        lived <= 96,
        "{lived} bytes a server, with removals remembered"
    );
}
