//! Every decoder over hundreds of thousands of mutated seeds: none panics, none takes memory that
//! its input does not account for, and what decodes says the same when it is encoded again.
//!
//! The mutations are drawn from a fixed seed, so that a failure comes again; it names its bytes.

#[path = "decoders/memory.rs"]
mod memory;
#[path = "decoders/mutations.rs"]
mod mutations;

use std::panic::catch_unwind;

use idp_hub::config::Machine;
use sp_agent::config::Surroundings;
use sp_agent::membership::Membership;
use tests::fuzzing::{TARGETS, Target, target};
use tests::inproc::private_dir;

use mutations::Mutations;

/// What a decoder may take at once on behalf of a short input, and on top of that for each byte of
/// it: a list's element is some 56 bytes in memory and as little as 3 on the wire, and a growing
/// list doubles.
const ALLOCATION_MAX: usize = 64 << 10;

/// See [`ALLOCATION_MAX`].
const ALLOCATION_PER_BYTE_MAX: usize = 64;

/// Tries a target, and says which bytes it could not bear.
fn try_all(target: Target, cases: usize) {
    let mut mutations = Mutations::new((target.seeds)());
    for seed in (target.seeds)() {
        (target.check)(&seed);
    }
    for number in 0..cases {
        let bytes = mutations.next();
        memory::begin();
        let outcome = catch_unwind(|| (target.check)(&bytes));
        let most = memory::largest();
        assert!(
            outcome.is_ok(),
            "{}, case {number}: {bytes:02x?}",
            target.name
        );
        let allowed = ALLOCATION_MAX + ALLOCATION_PER_BYTE_MAX * bytes.len();
        assert!(
            most <= allowed,
            "{}, case {number}: {most} bytes at once for {bytes:02x?}",
            target.name
        );
    }
}

#[test]
fn control_frames() {
    try_all(target("control"), 60_000);
}

#[test]
fn feed_frames() {
    try_all(target("feed"), 60_000);
}

#[test]
fn join_frames() {
    try_all(target("join"), 40_000);
}

#[test]
fn adoption_frames() {
    try_all(target("adopt"), 40_000);
}

#[test]
fn records() {
    try_all(target("record"), 100_000);
}

#[test]
fn streams() {
    try_all(target("stream"), 4_000);
}

#[test]
fn tokens() {
    try_all(target("token"), 20_000);
}

#[test]
fn certificates_requests_and_keys() {
    for name in ["request", "certificate", "anchors", "key"] {
        try_all(target(name), 5_000);
    }
}

#[test]
fn every_seed_is_read_as_it_is() {
    // A corpus whose seeds are refused at the first byte would test nothing.
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        assert!(seeds.iter().all(|seed| seed.len() > 6), "{}", target.name);
    }
}

/// Configuration is its operator's word, and may be any text all the same.
#[test]
fn configurations() {
    let agent = include_str!("../../packaging/sp-agent/agent.toml");
    let hub = include_str!("../../packaging/idp-hub/hub.toml");
    let mut mutations = Mutations::new(vec![agent.into(), hub.into()]);
    let surroundings = Surroundings {
        credentials: None,
        is_open: false,
    };
    let machine = Machine {
        host_name: "hub".to_owned(),
        now_secs: 1_800_000_000,
    };
    for _ in 0..2_000 {
        let text = String::from_utf8_lossy(&mutations.next()).into_owned();
        let purpose = sp_agent::config::Purpose::Ask;
        let told = sp_agent::config::Config::read("agent.toml", &text, purpose, &surroundings);
        assert!(told.is_ok() || !told.unwrap_err().to_string().is_empty());
        let purpose = idp_hub::config::Purpose::Ask;
        let told = idp_hub::config::Config::read("hub.toml", &text, purpose, &machine);
        assert!(told.is_ok() || !told.unwrap_err().to_string().is_empty());
    }
}

/// A damaged membership is told as such: an agent that took it for none would join anew.
#[test]
fn memberships() {
    let directory = private_dir();
    let membership = Membership {
        federation: shared::ids::FederationId::from_bytes([1; 16]),
        region: shared::ids::RegionId::from_bytes([2; 16]),
        name: "north".to_owned(),
        epoch: 7,
        addresses: vec!["hub.example.org:7443".to_owned()],
    };
    let folder = directory.path().join(sp_agent::membership::DIRECTORY);
    shared::runtime::files::create_private_dir(&folder).unwrap();
    membership.save(directory.path()).unwrap();
    let path = folder.join("membership.toml");
    let mut mutations = Mutations::new(vec![std::fs::read(&path).unwrap()]);
    for _ in 0..1_000 {
        std::fs::write(&path, mutations.next()).unwrap();
        if let Ok(read) = Membership::load(directory.path()) {
            let read = read.expect("a membership that is there is never none");
            read.save(directory.path()).unwrap();
            assert_eq!(Membership::load(directory.path()).unwrap(), Some(read));
        }
    }
}
