//! Real daemons: killed, restored, reinstalled, cut off, misconfigured.

use std::path::Path;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tests::inproc::private_dir;
use tests::lab::{Lab, Program, Region, succeeded};
use tests::relay::{Faults, Relay};

/// A cloud in which something happens several times a second.
const BUSY: &str = "kind = \"simulated\"\n[cloud.simulated]\nseed = 7\nservers = 300\n\
                    character = \"busy\"\npace = 600\nborn = \"2026-11-01T00:00:00Z\"\n";

/// A cloud that stays as it is.
const STILL: &str = "kind = \"simulated\"\n[cloud.simulated]\nseed = 8\nservers = 50\npace = 0\n";

/// Compares both sides record by record, between two changes: an agent that stops may hold some
/// that it did not send, so it is started again until it holds none.
fn settled(lab: &Lab, region: &mut Region) {
    for _ in 0..10 {
        lab.until(&region.name, "healthy");
        pause(300);
        region.daemon.stop();
        if lab.shows(region, &region.totals()) {
            return;
        }
        region.daemon.again();
    }
    panic!(
        "the hub never shows what the agent holds:\n{}",
        region.daemon.log()
    );
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

#[test]
fn killed_at_any_moment_both_come_back_with_all_that_was_acknowledged() {
    let seed = 20_261_121;
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut lab = Lab::found();
    let mut region = lab.join("north", BUSY, lab.link());
    lab.until("north", "healthy");
    for round in 0..4 {
        pause(chance.random_range(50..1500));
        let before = lab.show("north")["totals"]["servers"].as_u64().unwrap();
        assert!(
            before > 0,
            "round {round} of seed {seed}: the hub forgot what it had"
        );
        if chance.random_bool(0.5) {
            lab.hub().kill();
            pause(chance.random_range(0..500));
            lab.hub().again();
        } else {
            region.daemon.kill();
            pause(chance.random_range(0..500));
            region.daemon.again();
        }
        lab.until("north", "healthy");
    }
    settled(&lab, &mut region);
}

#[test]
fn a_hub_from_an_older_backup_and_an_agent_installed_anew_are_brought_up() {
    let mut lab = Lab::found();
    let mut region = lab.join("north", BUSY, lab.link());
    lab.until("north", "healthy");
    let backup = lab.hub_data().join("backup.db");
    succeeded(lab.ask(&["backup", backup.to_str().unwrap()]));
    let south = lab.join("south", STILL, lab.link());
    lab.until("south", "healthy");
    pause(3000);
    lab.hub().kill();
    succeeded(lab.ask(&["restore", backup.to_str().unwrap()]));
    lab.hub().again();
    lab.until("north", "healthy");
    not_known(&mut lab, &south);

    region.daemon.stop();
    std::fs::remove_dir_all(region.spool()).unwrap();
    region.daemon.again();
    pause(2000);
    settled(&lab, &mut region);
}

/// A region that joined after the backup is told so, and is not told that it was removed.
fn not_known(lab: &mut Lab, region: &Region) {
    let status = || region.status()["allegiance"]["next_step"].clone();
    let next_step = || status().as_str().map(str::to_owned);
    let told = |it: &Option<String>| {
        let known = it.as_deref().unwrap_or_default();
        known.contains("does not know this region") && known.contains("new invitation")
    };
    lab.until_shown(&true, || told(&next_step()));
    let log = lab.hub().log();
    let lines = log
        .lines()
        .filter(|it| it.contains("an agent was not admitted"));
    let unknown = lines.filter(|it| it.contains("hub does not know the region"));
    assert_eq!(unknown.count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_cut_off_is_seen_within_fifteen_seconds_and_heals() {
    let lab = tokio::task::spawn_blocking(Lab::found).await.unwrap();
    let relay = Relay::start(lab.link(), 1).await.unwrap();
    let address = relay.address();
    tokio::task::spawn_blocking(move || {
        let _region = lab.join("islands", STILL, address);
        lab.until("islands", "healthy");
        let servers = lab.show("islands")["totals"]["servers"].clone();
        for cut in ["both ways", "towards the hub only"] {
            let gone = Faults {
                is_cut: true,
                ..Faults::default()
            };
            match cut {
                "both ways" => relay.set_both(gone),
                _ => relay.set(tests::relay::Way::Up, gone),
            }
            let seen = lab.until("islands", "unreachable");
            assert!(
                seen < Duration::from_secs(15),
                "cut {cut}: seen after {seen:?}"
            );
            let shown = lab.show("islands");
            assert_eq!(
                shown["totals"]["servers"], servers,
                "last known figures stay"
            );
            assert!(!shown["next_step"].as_str().unwrap().is_empty());
            relay.set_both(Faults::default());
            lab.until("islands", "healthy");
        }
    })
    .await
    .unwrap();
}

/// Waits until the agent tells so of itself.
fn until_told(region: &Region, what: &str, reached: impl Fn(&Value) -> bool) {
    for _ in 0..300 {
        if reached(&region.status()) {
            return;
        }
        pause(100);
    }
    let (told, log) = (region.status(), region.daemon.log());
    panic!("the agent never tells that {what}: {told:#}\n{log}");
}

#[test]
fn a_region_s_new_name_and_its_removal_reach_its_agent() {
    let lab = Lab::found();
    let mut region = lab.join("north", STILL, lab.link());
    lab.until("north", "healthy");
    let named = |region: &Region, name: &str| {
        until_told(region, name, |it| it["region"]["name"] == name);
        let record = region.membership();
        assert!(record.contains(&format!("name = \"{name}\"")), "{record}");
    };
    succeeded(lab.ask(&["region", "rename", "north", "east"]));
    named(&region, "east");
    region.daemon.stop();
    succeeded(lab.ask(&["region", "rename", "east", "south"]));
    region.daemon.again();
    named(&region, "south");
    lab.until("south", "healthy");
    let heard = || lab.show("south")["last_heard"].as_str().unwrap().to_owned();
    let first = heard();
    lab.until_shown(&true, || heard() > first);
    succeeded(region.ask(&["status"]));

    succeeded(lab.ask(&["region", "remove", "south", "--yes"]));
    until_told(&region, "it was removed", |it| {
        it["allegiance"]["refusal"] == "removed"
    });
    let told = region.ask(&["status"]);
    assert_eq!(told.status.code(), Some(1));
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    // The hub's words, the agent's own, and those of a join say the same.
    let leave_first = |text: &str| {
        let (leave, join) = (text.find("sp-agent leave"), text.rfind("join"));
        assert!(leave.is_some() && leave < join, "{text}");
    };
    leave_first(&told);
    leave_first(&told[told.find("Next:").unwrap()..]);
    let (before, _) = told.split_at(told.find("Next:").unwrap());
    leave_first(before);
    let left = succeeded(region.ask(&["leave", "--yes"]));
    let left = String::from_utf8_lossy(&left.stdout).into_owned();
    assert!(!left.contains("region remove"), "{left}");
}

#[test]
fn bad_configuration_is_told_whole_before_a_port_is_bound() {
    let folder = private_dir();
    let tell = |program: Program, command: &str, text: &str| {
        let config = folder.path().join("config.toml");
        std::fs::write(&config, text).unwrap();
        let output = tests::lab::run(program, Path::new(&config), &[command]);
        assert_eq!(output.status.code(), Some(64), "{program:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let hub = tell(
        Program::Hub,
        "serve",
        "data_dirr = \"/x\"\n[link]\nlisten = \"nowhere\"\naddress = 7\n",
    );
    for place in [
        "config.toml:1:",
        "config.toml:3:",
        "config.toml:4:",
        "data_dir",
    ] {
        assert!(hub.contains(place), "{place} is not in:\n{hub}");
    }
    let agent = tell(
        Program::Agent,
        "run",
        "[cloud]\nkind = \"openstak\"\n[collect]\nprobe = \"fast\"\nchange = \"5s\"\n",
    );
    for place in ["config.toml:2:", "config.toml:4:", "config.toml:5:"] {
        assert!(agent.contains(place), "{place} is not in:\n{agent}");
    }
}
