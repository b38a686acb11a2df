//! What people read, to the letter.

use serde_json::json;

use super::*;

const NOW: UnixMillis = UnixMillis(1_795_284_000_000);

pub(in crate::cli::region) fn region(
    name: &str,
    state: &str,
    reason: &str,
    next_step: &str,
) -> RegionDocument {
    let names = shared::model::Totals::NAMES.iter();
    let mut totals: serde_json::Map<_, _> = names
        .enumerate()
        .map(|(place, name)| ((*name).to_owned(), json!(place)))
        .collect();
    totals.insert("servers_other".to_owned(), json!(2));
    serde_json::from_value(json!({
        "id": "01234567-89ab-4def-8123-456789abcdef", "name": name, "state": state,
        "reason": reason, "detail": "", "since": "2026-11-21T15:30:00.000Z",
        "next_step": next_step, "standing": "accepted", "online": true, "complete": true,
        "joined": "2026-11-01T00:00:00.000Z", "last_heard": "2026-11-21T17:59:55.000Z",
        "data_from": "2026-11-21T17:55:00.000Z",
        "cloud": { "kind": "simulated", "version": "seed 7", "endpoint": "simulated" },
        "software": "0.1.0", "host": "agent-1", "key_fingerprint": "ab".repeat(32),
        "sealing_key_fingerprint": "cd".repeat(32),
        "sealing_key_since": "2026-11-20T18:00:00.000Z",
        "certificate_expires": "2026-11-22T06:00:00.000Z", "recoveries": 0, "troubles": [
            { "service": "volume", "state": "failing", "reason": "HTTP 503",
              "since": "2026-11-21T15:30:00.000Z" }
        ], "totals": totals, "lacking": [],
    }))
    .unwrap()
}

fn screen() -> Screen {
    Screen::wide(80)
}

#[test]
fn the_list_fits_eighty_columns_and_says_what_to_do() {
    let long = "a-name-that-is-as-long-as-names-of-regions-may-ever-become-in-a-";
    let regions = [
        region("north", "healthy", "ok", ""),
        region(
            "南",
            "unreachable",
            "silent",
            "Check whether the agent's machine runs.",
        ),
    ];
    let expected = " NAME   STATE        FOR  SERVERS  RUNNING  DATA   REASON
 north  healthy      2 h        0        1  5 min
 南     unreachable  2 h        0        1  5 min  silent

南: silent
  next: Check whether the agent's machine runs.";
    assert_eq!(list(&regions, NOW, screen()), expected);
    let wide = list(
        &[region(long, "degraded", "certificate-expiring", "x")],
        NOW,
        screen(),
    );
    // It is typed in commands, and so stands in one piece whatever there is room for.
    let mut lines = wide.lines().take_while(|line| !line.is_empty());
    assert!(lines.nth(1).unwrap().contains(long), "{wide}");
    assert!(list(&[], NOW, screen()).contains("idp-hub region invite NAME"));
}

/// Nothing is known of its nodes and networks, and not all of its servers and volumes.
fn lacking() -> RegionDocument {
    let mut region = region("north", "degraded", "service-failing", "Check it.");
    let all = ["servers", "nodes", "volumes", "networks"];
    region.lacking = all.map(str::to_owned).to_vec();
    let totals = &mut region.totals;
    (totals.servers, totals.volumes) = (Some(7), Some(9));
    for figure in [
        &mut totals.nodes,
        &mut totals.vcpus_used,
        &mut totals.vcpus_total,
        &mut totals.networks,
        &mut totals.addresses_used,
    ] {
        *figure = None;
    }
    region
}

#[test]
fn what_is_not_known_is_no_zero() {
    let mut unknown = lacking();
    unknown.name = "south".to_owned();
    unknown.totals.servers = None;
    unknown.totals.servers_running = None;
    assert_eq!(servers_of(&unknown), "of its servers nothing is known");
    assert_eq!(servers_of(&lacking()), "7+ servers");
    let text = list(&[lacking(), unknown], NOW, screen());
    let rows: Vec<&str> = text.lines().take(3).collect();
    assert!(rows[1].contains(" 7+ "), "{text}");
    assert_eq!(rows[2].matches("unknown").count(), 2, "{text}");
    assert!(text.contains("next: idp-hub region show NAME"), "{text}");
    let text = one(&lacking(), NOW, screen());
    for line in [
        "Servers       7+: 1 running, 2 stopped, 2 other",
        "vCPUs         unknown",
        "Addresses     unknown",
        "Volumes       9+ (",
        "Networks      unknown",
        "Nodes         unknown",
        "Not known     not all of servers, nodes, volumes, networks:",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

#[test]
fn a_long_list_does_not_drown_in_next_steps() {
    let regions: Vec<_> = (0..15)
        .map(|it| region(&format!("r{it}"), "degraded", "unstable", "Look."))
        .collect();
    let text = list(&regions, NOW, screen());
    assert_eq!(text.matches("next: Look.").count(), 10);
    assert!(
        text.ends_with("5 more are not healthy; see: idp-hub region show NAME"),
        "{text}"
    );
}

#[test]
fn one_region_is_shown_whole() {
    let expected = " Name          north
 State         degraded for 2 h
 Reason        service-failing
 Service       volume failing HTTP 503
 Cloud         simulated seed 7
 Endpoint      simulated
 Agent         0.1.0 on agent-1
 Joined        2026-11-01T00:00:00.000Z (20 d ago)
 Standing      accepted
 Last heard    2026-11-21T17:59:55.000Z (5 s ago)
 Data from     2026-11-21T17:55:00.000Z (5 min ago)
 Certificate   expires 2026-11-22T06:00:00.000Z";
    let region = region(
        "north",
        "degraded",
        "service-failing",
        "Check the named service.",
    );
    let text = one(&region, NOW, screen());
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains("Servers       0: 1 running, 2 stopped, 2 other"),
        "{text}"
    );
    assert!(text.contains("Floating IPs  20 of 19"), "{text}");
    assert!(
        text.ends_with("\n  next: Check the named service."),
        "{text}"
    );
    let sealing = format!("Sealing key   {}", "cd".repeat(32));
    assert!(text.contains(&sealing), "{text}");
    assert!(
        text.contains("since 2026-11-20T18:00:00.000Z (24 h ago)"),
        "{text}"
    );
}
