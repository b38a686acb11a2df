//! What people see in each state, whole.

use super::*;
use crate::status::{
    AllegianceReport, BehindReport, CloudReport, CredentialReport, FailureReport, LinkReport,
    PartReport, ServiceReport,
};

const START: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;

fn time(minutes: u64) -> Time {
    UnixMillis(START + minutes * MINUTE).into()
}

/// A day after the start: whatever is not given has been as it is for that long.
fn report(state: &str, reason: Option<&str>, next_step: Option<&str>) -> Report {
    let own = |text: &str| text.to_owned();
    let joined = !["unjoined", "damaged"].contains(&state);
    Report {
        software: own("sp-agent 0.1.0"),
        at: time(24 * 60),
        running_since: Some(time(0)),
        allegiance: AllegianceReport {
            state: own(state),
            since: Some(time(23 * 60)),
            epoch: joined.then_some(3),
            hub: None,
            reason: reason.map(own),
            refusal: None,
            next_step: next_step.map(own),
        },
        adoption: None,
        region: joined.then(|| RegionReport {
            name: own("east"),
            id: own("01234567-89ab-4def-8123-456789abcdef"),
            federation: own("fedcba98-7654-4321-8fed-cba987654321"),
            addresses: vec![own("hub.example.org:7443"), own("[2001:db8::1]:7443")],
            key: Some(own("c0ffee")),
            certificate_until: Some(time(24 * 60 + 725)),
        }),
        link: joined.then(|| LinkReport {
            phase: own(if state == "autonomous" {
                "waiting"
            } else {
                state
            }),
            since: time(24 * 60 - 2),
            address: Some(own("hub.example.org:7443")),
            reason: None,
            last_acknowledged: (state != "pending").then(|| time(24 * 60 - 5)),
            behind: Vec::new(),
        }),
        cloud: Some(cloud_report()),
        spool: Some(SpoolReport {
            path: own("/var/lib/sp-agent/spool/spool.sqlite"),
            bytes: 3 << 20,
            reason: None,
            next_step: None,
            samples: 4096,
            samples_since: Some(time(12 * 60)),
        }),
        organization: None,
    }
}

fn cloud_report() -> CloudReport {
    let service = |name: &str, state: &str, reason: Option<&str>| ServiceReport {
        service: name.to_owned(),
        state: state.to_owned(),
        since: time(60),
        reason: reason.map(str::to_owned),
        endpoint: String::new(),
        versions: None,
    };
    let part = |name: &str, read| PartReport {
        part: name.to_owned(),
        read,
    };
    CloudReport {
        kind: "openstack".to_owned(),
        version: "Keystone v3.14, Nova 2.1–2.96".to_owned(),
        endpoint: "https://cloud.example.org:5000/v3".to_owned(),
        reason: None,
        credential: None,
        services: vec![
            service("identity", "available", None),
            service(
                "compute",
                "failing",
                Some("no answer; check that the service runs"),
            ),
            service("volume", "missing", None),
        ],
        parts: vec![
            part("nodes", Some(time(24 * 60))),
            part("servers", Some(time(24 * 60 - 1))),
            part("networks", Some(time(0))),
            part("volumes", None),
        ],
    }
}

#[test]
fn an_agent_that_follows() {
    let mut report = report("following", None, None);
    if let Some(link) = &mut report.link {
        let behind = |feed: &str, changes| BehindReport {
            feed: feed.to_owned(),
            changes,
        };
        link.behind = vec![behind("inventory", 12), behind("samples", 3)];
    }
    assert_eq!(text_of(&report), include_str!("tests/following.txt"));
}

#[test]
fn an_agent_that_applies_the_directory() {
    let mut it = report("following", None, None);
    it.cloud = None;
    assert!(it.is_well());
    it.organization = Some(OrganizationReport {
        desired: 240,
        in_place: 200,
        failed: 1,
        removals_held: 3,
        withdrawals_held: 510,
        drift: 2,
        left_s: Some(75),
        paused: None,
        read_only: false,
        failures: vec![FailureReport {
            what: "user 67e55044-10b1-426f-9247-bb680e5fe0c8".to_owned(),
            name: "ann".to_owned(),
            error: "a user of that name is there; rename it".to_owned(),
            tries: 4,
        }],
    });
    assert!(!it.is_well());
    let text = text_of(&it);
    let (_, told) = text.split_once("directory").unwrap();
    assert_eq!(
        told,
        "    200 of 240 in place, 1 min 15 s left\n             \
         3 to be removed wait: the policy allows so many a minute (removals_max)\n             \
         510 to be taken away or switched off wait: the policy allows so many a minute \
         (withdrawals_max)\n             \
         2 differ in the cloud, and are left so\n             FAILED: 1\n             \
         \"ann\": a user of that name is there; rename it\n"
    );
}

#[test]
fn an_agent_that_waits_for_the_administrator() {
    let next = "Ask the hub's administrator to compare the key and run: idp-hub region accept east";
    let report = report("pending", None, Some(next));
    assert_eq!(text_of(&report), include_str!("tests/pending.txt"));
}

#[test]
fn an_agent_whose_hub_is_gone() {
    let next = "Nothing, if the hub is down: the agent keeps everything and goes on trying.";
    let mut report = report(
        "autonomous",
        Some("no answer from 192.0.2.1:7443"),
        Some(next),
    );
    if let Some(region) = &mut report.region {
        region.certificate_until = Some(time(23 * 60));
    }
    if let Some(spool) = &mut report.spool {
        spool.reason = Some("the disk is full; make room".to_owned());
        spool.next_step = Some("Make room: until then nothing new is kept".to_owned());
    }
    assert_eq!(text_of(&report), include_str!("tests/autonomous.txt"));
}

#[test]
fn an_agent_that_has_not_joined() {
    let mut report = report("unjoined", None, Some("Ask for an invitation"));
    if let Some(cloud) = &mut report.cloud {
        cloud.reason = Some("https://cloud.example.org:5000/v3 does not answer".to_owned());
        cloud.version.clear();
        cloud.services.clear();
        cloud.parts.clear();
    }
    assert_eq!(text_of(&report), include_str!("tests/unjoined.txt"));
}

#[test]
fn an_agent_that_waits_for_its_adoption() {
    let mut report = report(
        "unjoined",
        None,
        Some("Have a hub's administrator adopt it"),
    );
    (report.cloud, report.spool) = (None, None);
    report.adoption = Some(AdoptionReport {
        address: "10.0.0.7:7444".to_owned(),
        key: Some("c0ffee".to_owned()),
        reason: None,
    });
    assert_eq!(text_of(&report), include_str!("tests/waiting.txt"));
    report.adoption = Some(AdoptionReport {
        address: "10.0.0.7:7444".to_owned(),
        key: None,
        reason: Some("the port is taken".to_owned()),
    });
    let told = text_of(&report);
    assert!(told.contains("NOT POSSIBLE at 10.0.0.7:7444"), "{told}");
    assert!(told.contains("the port is taken"), "{told}");
}

#[test]
fn an_agent_that_does_not_run() {
    let reason = Some("the agent does not run");
    let mut report = report(
        "autonomous",
        reason,
        Some("Start it: systemctl start sp-agent"),
    );
    report.running_since = None;
    report.allegiance.since = None;
    (report.link, report.cloud, report.spool) = (None, None, None);
    assert_eq!(text_of(&report), include_str!("tests/stopped.txt"));
}

#[test]
fn an_agent_with_a_damaged_membership() {
    let reason = "cannot read the membership; restore it from a backup, or run `sp-agent leave`";
    let mut report = report(
        "damaged",
        Some(reason),
        Some("Restore it, or run: sp-agent leave"),
    );
    (report.cloud, report.spool) = (None, None);
    assert_eq!(text_of(&report), include_str!("tests/damaged.txt"));
}

/// Nothing wrong: what is failing in the others is left out.
fn well(state: &str) -> Report {
    let mut report = report(state, None, None);
    if let Some(cloud) = &mut report.cloud {
        cloud.services.retain(|it| it.state != "failing");
    }
    report
}

#[test]
fn the_exit_code_says_whether_anything_is_wrong() {
    for state in ["following", "pending", "unjoined"] {
        assert_eq!(exit_of(&well(state)), Exit::Success, "{state}");
    }
    // It dials for the first time, and nothing has failed yet.
    assert_eq!(exit_of(&well("autonomous")), Exit::Success);
    type Fault = fn(&mut Report);
    let faults: [(&str, Fault); 8] = [
        ("it does not run", |it| it.running_since = None),
        ("damaged", |it| it.allegiance.state = "damaged".to_owned()),
        ("no hub", |it| {
            it.allegiance.state = "autonomous".to_owned();
            it.allegiance.reason = Some("no answer".to_owned());
        }),
        ("adoption", |it| {
            it.adoption = Some(AdoptionReport {
                address: "10.0.0.7:7444".to_owned(),
                key: None,
                reason: Some("the port is taken".to_owned()),
            });
        }),
        ("certificate", |it| {
            it.region.as_mut().unwrap().certificate_until = Some(time(0));
        }),
        ("cloud", |it| {
            it.cloud.as_mut().unwrap().reason = Some("it does not answer".to_owned());
        }),
        ("service", |it| it.cloud = Some(cloud_report())),
        ("spool", |it| {
            it.spool.as_mut().unwrap().reason = Some("the disk is full".to_owned());
        }),
    ];
    for (what, fault) in faults {
        let mut report = well("following");
        fault(&mut report);
        assert_eq!(exit_of(&report), Exit::Failure, "{what}");
    }
    // A hub that is full asks for nobody's help.
    let mut busy = well("autonomous");
    busy.allegiance.reason = Some("too many sessions".to_owned());
    busy.allegiance.refusal = Some("busy".to_owned());
    assert_eq!(exit_of(&busy), Exit::Success);
}

#[test]
fn an_agent_whose_region_was_removed() {
    let reason = Some("this region was removed from the federation");
    let mut report = report("autonomous", reason, Some("Run: sp-agent leave"));
    report.allegiance.refusal = Some("removed".to_owned());
    let told = text_of(&report);
    assert!(
        told.contains("certificate  refused: the hub does not have this region"),
        "{told}"
    );
    assert!(!told.contains("renewed by itself"), "{told}");
}

#[test]
fn spans_have_two_units() {
    let told = [0, 59, 60, 3599, 3600, 86_399, 86_400, 1_000_000]
        .map(|secs| span(Duration::from_secs(secs)));
    let expected = [
        "0 s",
        "59 s",
        "1 min 0 s",
        "59 min 59 s",
        "1 h 0 min",
        "23 h 59 min",
        "1 d 0 h",
        "11 d 13 h",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_refused_credential_stands_once_with_its_next_step() {
    let mut it = report("following", None, None);
    let mut cloud = cloud_report();
    cloud.reason = Some("Keystone refuses it".to_owned());
    cloud.services.truncate(1);
    cloud.services[0].state = "credential-refused".to_owned();
    cloud.services[0].reason = Some("401".to_owned());
    cloud.credential = Some(CredentialReport {
        account: "user regroup of domain Default in project admin".to_owned(),
        kind: "password".to_owned(),
        source: "given".to_owned(),
        given: Some(time(12 * 60)),
        by: Some("admin (hub)".to_owned()),
        state: "credential-refused".to_owned(),
        since: Some(time(24 * 60 - 2)),
        reason: Some("401".to_owned()),
        note: None,
        next_step: Some("Give it another one.".to_owned()),
    });
    it.cloud = Some(cloud);
    assert!(!it.is_well());
    let text = text_of(&it);
    for line in [
        "credential   user regroup of domain Default in project admin, given 12 h 0 min ago by \
         admin (hub); counts before the configuration's",
        "REFUSED for 2 min 0 s: 401",
        "identity      not asked",
        "\nNext: Give it another one.\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("NOT KNOWN"), "{text}");
}
