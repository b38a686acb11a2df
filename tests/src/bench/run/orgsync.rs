//! `orgsync`: an organization's way from the directory into a real Keystone that has nothing of it.
//!
//! From the merge's confirmation until the agent says that all is in place, beside a bare loader
//! with the same calls into another Keystone of the same kind and a script on openstacksdk into a
//! third one, in turns. All Keystones, the hub and the agents share the machine, as they would not
//! elsewhere: what the agent takes of the processor, its Keystone has not.

use serde_json::Value;

use super::Options;
use crate::bench::figures::{Figure, median};
use crate::bench::orgsync::{Administrator, WRITES, furnish, load_by_sdk};
use crate::keystone::{Options as Simulated, SimulatedKeystone};
use crate::lab::{Lab, Region};
use crate::openstack::RealCloud;

/// What a Keystone of two workers takes for all writes, several times over.
const SYNC_MAX_S: u64 = 1_200;

/// How long it is seen that nothing more is written: two readings of the organization.
const QUIET_S: u64 = 25;

pub(super) fn orgsync(options: &Options) -> Vec<Figure> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut rates: Vec<[f64; 3]> = Vec::new();
    for number in 1..=options.rounds {
        eprintln!("round {number} of {}: {WRITES} writes each", options.rounds);
        let bare = RealCloud::up("bench-bare", &["--services", "keystone"]);
        let theirs = runtime.block_on(async {
            let (auth_url, password) = (bare.fact("auth_url"), bare.fact("password"));
            let administrator = Administrator::sign_in(auth_url, password).await;
            administrator.load().await.as_secs_f64()
        });
        drop(bare);
        let scripted = RealCloud::up("bench-sdk", &["--services", "keystone"]);
        let script = load_by_sdk(&scripted).as_secs_f64();
        drop(scripted);
        let ours = round(&runtime);
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
    vec![figure("keystone", of(1)), figure("openstacksdk", of(2))]
}

/// How long the sync took, in seconds.
fn round(runtime: &tokio::runtime::Runtime) -> f64 {
    let source = runtime.block_on(SimulatedKeystone::start(Simulated::default()));
    furnish(&source);
    let cloud = RealCloud::up("bench-sync", &["--services", "keystone"]);
    let lab = Lab::found();
    let _home = lab.join_keystone("home", &source);
    lab.merge("home");
    let target = lab.join_openstack("target", &cloud);
    lab.merge("target");
    let begun = Lab::now();
    let in_place = wait(&target, SYNC_MAX_S, |it| {
        it["in_place"].as_u64() >= Some(WRITES as u64) && it["failed"] == 0
    });
    let took = begun.elapsed().as_secs_f64();
    assert_eq!(in_place["failed"], 0, "{in_place}");
    let before = requests(&target);
    let source_writes = source.writes();
    std::thread::sleep(std::time::Duration::from_secs(QUIET_S));
    let asked = requests(&target) - before;
    eprintln!("  then {asked} requests in {QUIET_S} s, two readings of eight lists and health");
    assert_eq!(source.writes(), source_writes, "nothing is written again");
    took
}

/// Requests to Keystone so far.
fn requests(region: &Region) -> u64 {
    let metrics = region.metrics();
    let lines = metrics
        .lines()
        .filter(|it| it.starts_with("sp_agent_cloud_requests_total") && it.contains("identity"));
    let counts = lines.filter_map(|it| it.rsplit(' ').next()?.parse::<f64>().ok());
    counts.sum::<f64>() as u64
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
