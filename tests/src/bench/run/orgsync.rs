//! `orgsync`: an organization's way from the directory into a real Keystone that has nothing of it.
//!
//! From the merge's confirmation until the agent says that all is in place, beside a bare loader
//! with the same calls into another Keystone of the same kind and a script on openstacksdk into a
//! third one, in turns. All Keystones, the hub and the agents share the machine, as they would not
//! elsewhere: what the agent takes of the processor, its Keystone has not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Options;
use crate::bench::figures::{Figure, median};
use crate::bench::orgsync::{AT_ONCE, Administrator, WRITES, furnish, load_by_sdk};
use crate::keystone::{Options as Simulated, SimulatedKeystone};
use crate::lab::{Lab, Region};
use crate::openstack::RealCloud;

/// What a Keystone of two workers takes for all writes, several times over.
const SYNC_MAX_S: u64 = 1_200;

/// How long it is seen that nothing more is written: two readings of the organization.
const QUIET_S: u64 = 25;

/// How many orders at once are tried, and with how many writes each.
const SWEEP: [usize; 5] = [1, 4, AT_ONCE, 16, 32];
const SWEEP_WRITES: usize = 300;

/// What is asked for once in each reading of the organization.
const ONCE_A_READING: &str = "/v3/role_inferences";

pub(super) fn orgsync(options: &Options) -> Vec<Figure> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut rates: Vec<[f64; 3]> = Vec::new();
    let (mut most, mut guesses) = (Vec::new(), Vec::new());
    for number in 1..=options.rounds {
        eprintln!("round {number} of {}: {WRITES} writes each", options.rounds);
        let bare = RealCloud::up("bench-bare", &["--services", "keystone"]);
        let theirs = runtime.block_on(async {
            let (auth_url, password) = (bare.fact("auth_url"), bare.fact("password"));
            let administrator = Administrator::sign_in(auth_url, password).await;
            let took = administrator.load().await.as_secs_f64();
            most.push(sweep(&administrator).await);
            took
        });
        drop(bare);
        let scripted = RealCloud::up("bench-sdk", &["--services", "keystone"]);
        let script = load_by_sdk(&scripted).as_secs_f64();
        drop(scripted);
        let (ours, guess) = round(&runtime);
        guesses.push(guess);
        let rate = |seconds: f64| WRITES as f64 / seconds;
        let [ours, theirs, script] = [ours, theirs, script].map(rate);
        eprintln!("  bare {theirs:.1}/s, openstacksdk {script:.1}/s, ours {ours:.1}/s");
        rates.push([ours, theirs, script]);
    }
    let of = |place: usize| median(rates.iter().map(|it| it[place]).collect());
    let figure = |against: &str, theirs| {
        let what = ("orgsync", "writes_per_s", "1/s");
        Figure::new(what, of(0), against, theirs, "kept by Keystone and agent")
    };
    let at = |place: usize| median(most.iter().map(|it: &[f64; 2]| it[place]).collect());
    let what = ("orgsync", "writes_per_s_of_8_at_once", "1/s");
    let ceiling = Figure::new(what, at(0), "any number", at(1), "kept by Keystone");
    let told = |place: usize| median(guesses.iter().map(|it: &[f64; 2]| it[place]).collect());
    let what = ("orgsync", "left_s_told_at_half", "s");
    let left = Figure::new(what, told(0), "what it took", told(1), "told by the agent");
    vec![
        figure("keystone", of(1)),
        figure("openstacksdk", of(2)),
        ceiling,
        left,
    ]
}

/// How many writes a second a Keystone takes of as many at once as an agent gives, and the most
/// that it takes of any number.
async fn sweep(administrator: &Administrator) -> [f64; 2] {
    let mut rates = BTreeMap::new();
    for at_once in SWEEP {
        let department = format!("sweep {at_once}");
        let many = (SWEEP_WRITES, at_once);
        rates.insert(at_once, administrator.makes_users(&department, many).await);
    }
    let told = rates
        .iter()
        .map(|(at_once, rate)| format!("{at_once} at once {rate:.1}/s"));
    eprintln!("  bare, {}", told.collect::<Vec<_>>().join(", "));
    [rates[&AT_ONCE], rates.values().copied().fold(0.0, f64::max)]
}

/// How long the sync took, in seconds: from the confirmation, so that what the hub takes to write
/// it and to tell the agent counts, as nothing of the kind does for the loader. And how long the
/// agent said halfway that the rest would take, and how long that took.
fn round(runtime: &tokio::runtime::Runtime) -> (f64, [f64; 2]) {
    let source = runtime.block_on(SimulatedKeystone::start(Simulated::default()));
    furnish(&source);
    let cloud = RealCloud::up("bench-sync", &["--services", "keystone"]);
    let lab = Lab::found();
    let _home = lab.join_keystone("home", &source);
    lab.merge("home");
    let mut target = lab.join_openstack("target", &cloud);
    let (_, begun) = lab.merge_begun("target", &[]);
    let half = wait(&target, SYNC_MAX_S, |it| {
        it["in_place"].as_u64() >= Some(WRITES as u64 / 2) && it["left_s"].is_u64()
    });
    let until_half = begun.elapsed().as_secs_f64();
    is_in_place(&target);
    let took = begun.elapsed().as_secs_f64();
    let left = [half["left_s"].as_u64().unwrap() as f64, took - until_half];
    eprintln!(
        "  halfway {:.0} s were left as told, and {:.1} s it took",
        left[0], left[1]
    );
    let source_writes = source.writes();
    sync_again(&mut target, &cloud);
    assert_eq!(source.writes(), source_writes, "nothing is written again");
    (took, left)
}

/// Waits until all is in place.
fn is_in_place(target: &Region) {
    let shown = wait(target, SYNC_MAX_S, |it| {
        it["in_place"].as_u64() >= Some(WRITES as u64) && it["failed"] == 0
    });
    assert_eq!(shown["failed"], 0, "{shown}");
}

/// The agent begins anew, reads the whole organization, and has nothing to write. What it asked
/// for is counted by Keystone.
fn sync_again(target: &mut Region, cloud: &RealCloud) {
    // Orders that follow from what was made last.
    std::thread::sleep(Duration::from_secs(QUIET_S));
    target.daemon.kill();
    let (written, read) = (cloud.keystone_writes().len(), cloud.keystone_reads().len());
    target.daemon.again();
    is_in_place(target);
    std::thread::sleep(Duration::from_secs(QUIET_S));
    let writes = cloud.keystone_writes().split_off(written);
    let kinds = by_kind(&cloud.keystone_reads()[read..]);
    let readings = kinds.get(ONCE_A_READING).copied().unwrap_or_default();
    eprintln!("  second_sync_writes {}", writes.len());
    eprintln!("  second sync, {readings} readings: {}", told(&kinds));
    assert!(readings > 0, "the organization was read again");
    assert!(
        writes.is_empty(),
        "a second sync writes nothing: {writes:#?}"
    );
}

/// Keystone's requests by kind of listing, with any id as `*`.
fn by_kind(paths: &[String]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for path in paths {
        let is_id = |it: &str| it.len() == 32 && it.bytes().all(|it| it.is_ascii_hexdigit());
        let parts = path.split('/').map(|it| if is_id(it) { "*" } else { it });
        let kind = parts.collect::<Vec<_>>().join("/");
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

/// `/v3/domains 14, /v3/groups 46`.
fn told(kinds: &BTreeMap<String, usize>) -> String {
    let kinds = kinds.iter().map(|(kind, count)| format!("{kind} {count}"));
    kinds.collect::<Vec<_>>().join(", ")
}

/// What the agent says of the directory, once it is as wanted.
fn wait(region: &Region, seconds: u64, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Lab::now();
    loop {
        let status = region.status();
        let shown = &status["organization"];
        if wanted(shown) {
            return shown.clone();
        }
        assert!(begun.elapsed().as_secs() < seconds, "{shown}");
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_kind() {
        let group = "0123456789abcdef0123456789abcdef";
        let paths = [
            "/v3/users".to_owned(),
            format!("/v3/groups/{group}/users"),
            "/v3/users".to_owned(),
        ];
        let told = told(&by_kind(&paths));
        assert_eq!(told, "/v3/groups/*/users 1, /v3/users 2");
    }
}
