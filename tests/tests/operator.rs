//! What an operator sees and is asked: metrics, questions on the terminal, and without one.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use tests::lab::{Lab, Program, Region, programs};

const STILL: &str = "kind = \"simulated\"\n[cloud.simulated]\nseed = 8\nservers = 50\npace = 0\n";

const README: &str = include_str!("../../README.md");

/// The metrics' names in the README's tables.
fn documented(prefix: &str) -> Vec<&'static str> {
    let rows = README.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| row.split('`'));
    names.filter(|name| name.starts_with(prefix)).collect()
}

/// A scrape has every documented metric, with a help text, and no label that a fleet makes grow.
fn is_complete(scrape: &str, prefix: &str) {
    let documented = documented(prefix);
    assert!(documented.len() > 5, "{documented:?}");
    for name in documented {
        let is_sample = |line: &str| line.starts_with(name);
        assert!(
            scrape.lines().any(is_sample),
            "{name} is missing:\n{scrape}"
        );
        assert!(
            scrape.contains(&format!("# HELP {name} ")),
            "{name} has no help"
        );
    }
    for line in scrape.lines() {
        assert!(!line.contains("north"), "a region's name: {line}");
    }
    let samples = scrape.lines().filter(|line| !line.starts_with('#')).count();
    assert!(samples < 400, "{samples} samples:\n{scrape}");
}

fn value(scrape: &str, sample: &str) -> f64 {
    let line = scrape.lines().find(|line| line.starts_with(sample));
    let line = line.unwrap_or_else(|| panic!("no {sample}:\n{scrape}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_the_readme_lists_is_scraped() {
    let mut lab = Lab::found();
    let mut region = lab.join("north", STILL, lab.link());
    lab.until("north", "healthy");
    let is_scraped = |lab: &Lab| {
        let scrape = lab.metrics();
        scrape.contains("idp_hub_store_bytes") && value(&scrape, "idp_hub_sessions ") == 1.0
    };
    lab.until_shown(&true, || is_scraped(&lab));
    let hub = lab.metrics();
    is_complete(&hub, "idp_hub_");
    let ingested = value(&hub, "idp_hub_records_ingested_total{feed=\"inventory\"}");
    assert!(ingested >= 50.0, "{ingested}");
    assert!(value(&hub, "idp_hub_commit_duration_seconds_count") > 0.0);
    lab.until_shown(&true, || {
        region.metrics().contains("sp_agent_unacknowledged_changes")
    });
    let agent = region.metrics();
    is_complete(&agent, "sp_agent_");
    assert_eq!(value(&agent, "sp_agent_link{phase=\"following\"}"), 1.0);
    assert!(value(&agent, "sp_agent_spool_bytes") > 4096.0);

    lab.hub().kill();
    let lost = || value(&region.metrics(), "sp_agent_link{phase=\"following\"}") == 0.0;
    lab.until_shown(&true, lost);
    let samples = "sp_agent_unacknowledged_changes{feed=\"samples\"}";
    lab.until_shown(&true, || value(&region.metrics(), samples) > 0.0);
    region.daemon.stop();
}

/// Runs a command at a terminal of its own, where somebody types this.
fn typed(lab: &Lab, region: Option<&Region>, arguments: &str, answer: &str) -> (i32, String) {
    let (program, config) = match region {
        None => (Program::Hub, lab.hub_config()),
        Some(region) => (Program::Agent, region.config()),
    };
    let name = if program == Program::Hub {
        "idp-hub"
    } else {
        "sp-agent"
    };
    let binary = programs().join(name);
    let (binary, config) = (binary.display(), config.display());
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("{binary} --config {config} {arguments}"))
        .arg("/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = terminal.stdin.take().unwrap();
    // Whoever types looks at the question first.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    writeln!(keyboard, "{answer}").unwrap();
    let Output { status, stdout, .. } = terminal.wait_with_output().unwrap();
    drop(keyboard);
    (status.code().unwrap(), String::from_utf8(stdout).unwrap())
}

#[test]
fn who_accepts_is_shown_the_key_and_asked() {
    let lab = Lab::found();
    let region = lab.waiting("north", STILL);
    let key = lab.show("north")["key_fingerprint"].clone();
    let key = key.as_str().unwrap();
    assert_eq!(region.status()["region"]["key"], key);
    let is_waiting = || lab.show("north")["reason"] == "awaiting-acceptance";

    let unasked = lab.ask(&["region", "accept", "north"]);
    assert_eq!(unasked.status.code(), Some(64), "{unasked:?}");
    for (answer, done) in [("no", false), ("yes", true)] {
        assert!(is_waiting(), "before {answer:?}: {}", lab.show("north"));
        let (code, told) = typed(&lab, None, "region accept north", answer);
        assert_eq!(code == 0, done, "{told}");
        assert!(
            told.contains(key) && told.contains("sp-agent status"),
            "{told}"
        );
        assert_eq!(told.contains("Accepted"), done, "{told}");
    }
    lab.until("north", "healthy");
    let other = "ab".repeat(32);
    let refused = lab.ask(&["region", "accept", "north", "--key", &other]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("another key"), "{told}");
}

#[test]
fn who_removes_or_leaves_is_asked_and_nobody_is_taken_for_no() {
    let lab = Lab::found();
    let region = lab.join("north", STILL, lab.link());
    lab.until("north", "healthy");

    let unasked = lab.ask(&["region", "remove", "north"]);
    assert_eq!(unasked.status.code(), Some(64), "{unasked:?}");
    let told = String::from_utf8(unasked.stderr).unwrap();
    assert!(told.contains("--yes"), "{told}");
    let (code, told) = typed(&lab, None, "region remove north", "south");
    assert!(
        code != 0 && told.contains("Type its name to go on"),
        "{code}: {told}"
    );
    assert_eq!(lab.show("north")["state"], "healthy", "it is still there");

    let (code, told) = typed(&lab, Some(&region), "leave", "no");
    assert!(code != 0, "{told}");
    assert_eq!(lab.show("north")["state"], "healthy");

    let (code, told) = typed(&lab, None, "region remove north", "north");
    assert!(
        code == 0 && told.contains("the name is free"),
        "{code}: {told}"
    );
    let gone = lab.ask(&["region", "show", "north"]);
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
}
