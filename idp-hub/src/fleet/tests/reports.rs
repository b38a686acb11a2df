//! What regions report, and what the registry says of them.

use super::*;

#[test]
fn what_an_agent_says_of_a_service_stays_on_one_line() {
    let reason = "503\u{1b}[2J\n  Key       \u{202e}cd".to_owned();
    let failing = service(ServiceKind::Compute, ServiceState::Failing { reason });
    let mut hub = Hub::with_healthy();
    hub.report(true, &[failing]);
    let view = hub.expect(State::Degraded, Reason::ServiceFailing);
    assert_eq!(view.condition.detail, "compute: 503 [2J Key cd");
    let reason = "503 [2J Key cd".to_owned();
    assert_eq!(view.troubles[0].state, ServiceState::Failing { reason });
}

#[test]
fn a_failing_service_comes_before_a_missing_one_and_both_before_health() {
    let failing = service(
        ServiceKind::Compute,
        ServiceState::Failing {
            reason: "GET /servers: 503".to_owned(),
        },
    );
    let missing = service(ServiceKind::Volume, ServiceState::Missing);
    let mut hub = Hub::with_healthy();
    hub.report(true, &[failing.clone(), missing.clone()]);
    let view = hub.expect(State::Degraded, Reason::ServiceFailing);
    assert_eq!(view.condition.detail, "compute: GET /servers: 503");
    assert_eq!(view.troubles, [failing, missing.clone()]);
    hub.report(true, std::slice::from_ref(&missing));
    let since = hub.now.wall;
    let view = hub.expect(State::Degraded, Reason::ServiceMissing);
    assert_eq!(view.condition.detail, "volume");
    hub.pass(MINUTE);
    let changes = hub.changes;
    hub.report(
        true,
        &[missing, service(ServiceKind::Image, ServiceState::Missing)],
    );
    let view = hub.expect(State::Degraded, Reason::ServiceMissing);
    assert_eq!(view.condition.detail, "volume; image");
    assert_eq!((view.condition.since, hub.changes), (since, changes));
    hub.report(true, &[]);
    hub.expect(State::Healthy, Reason::Ok);
}

#[test]
fn an_agent_that_beats_but_reports_nothing_is_stalled() {
    let mut hub = Hub::with_healthy();
    hub.pass(10 * MINUTE - SECOND);
    hub.expect(State::Healthy, Reason::Ok);
    hub.pass(SECOND);
    hub.expect(State::Degraded, Reason::FeedStalled);
    hub.report(true, &[]);
    hub.expect(State::Healthy, Reason::Ok);
}

#[test]
fn an_agent_that_can_t_keep_anything_is_degraded_until_it_can() {
    let mut hub = Hub::with_healthy();
    let keeping = |session, fault: Option<&str>| Input::Keeping {
        no: A,
        session,
        fault: fault.map(str::to_owned),
    };
    hub.hear(keeping(1, Some("no room left")));
    let view = hub.expect(State::Degraded, Reason::SpoolFailing);
    assert_eq!(view.condition.detail, "no room left");
    hub.hear(keeping(1, Some("cannot write")));
    let view = hub.expect(State::Degraded, Reason::SpoolFailing);
    assert_eq!(view.condition.detail, "cannot write");
    // Nothing can come meanwhile; that is no fault of its collectors.
    hub.pass(20 * MINUTE);
    hub.hear(keeping(2, None));
    hub.expect(State::Degraded, Reason::SpoolFailing);
    hub.hear(keeping(1, None));
    hub.expect(State::Healthy, Reason::Ok);
    // An agent that comes again says so again.
    hub.hear(keeping(1, Some("no room left")));
    hub.begin(2);
    hub.expect(State::Healthy, Reason::Ok);
}

#[test]
fn a_first_sync_without_end_does_not_stay_connecting() {
    let mut hub = Hub::new();
    hub.known(Standing::Accepted);
    hub.begin(1);
    for _ in 0..10 {
        hub.expect(State::Connecting, Reason::FirstSync);
        hub.pass(MINUTE);
        hub.report(false, &[]);
    }
    hub.expect(State::Degraded, Reason::SyncSlow);
    hub.report(true, &[]);
    hub.expect(State::Healthy, Reason::Ok);
}

#[test]
fn a_later_sync_is_silent_unless_it_takes_too_long() {
    let mut hub = Hub::with_healthy();
    for _ in 0..10 {
        hub.report(false, &[]);
        hub.expect(State::Healthy, Reason::Ok);
        hub.pass(MINUTE);
    }
    hub.report(false, &[]);
    hub.expect(State::Degraded, Reason::SyncSlow);
}

#[test]
fn a_certificate_that_is_not_renewed_is_told_hours_before_it_ends() {
    let mut hub = Hub::with_healthy();
    hub.report_for(18 * 60 * MINUTE - MINUTE, &[]);
    hub.expect(State::Healthy, Reason::Ok);
    hub.pass(MINUTE);
    hub.expect(State::Degraded, Reason::CertificateExpiring);
    hub.report_for(6 * 60 * MINUTE, &[]);
    hub.expect(State::Degraded, Reason::CertificateExpired);
    let not_after = hub.now.wall.as_secs() + DAY_SECS;
    hub.hear(Input::Certified { no: A, not_after });
    hub.expect(State::Healthy, Reason::Ok);
}

#[test]
fn what_the_registry_says_anew_leaves_the_session_alone() {
    let mut hub = Hub::with_healthy();
    let changes = hub.changes;
    let mut upgraded = facts(A, Standing::Accepted);
    upgraded.software = "sp-agent 0.2.0".to_owned();
    let effects = hub.fleet.handle(
        hub.now,
        Input::Known {
            no: A,
            facts: upgraded,
        },
    );
    assert_eq!(effects, [Effect::Refreshed { no: A }]);
    let name = "北京".to_owned();
    hub.hear(Input::Renamed { no: A, name });
    let view = hub.expect(State::Healthy, Reason::Ok);
    assert_eq!(view.facts.software, "sp-agent 0.2.0");
    assert_eq!(view.facts.name, "北京");
    assert_eq!(view.facts.seen, WALL, "the newer word of both");
    assert_eq!(hub.changes, changes);
}

#[test]
fn views_come_by_name_and_counts_without_counting() {
    let mut hub = Hub::new();
    for no in [3, 1, 2].map(RegionNo) {
        let facts = facts(no, Standing::Accepted);
        hub.hear(Input::Known { no, facts });
    }
    let names: Vec<_> = hub.fleet.views().into_iter().map(|it| it.no.0).collect();
    assert_eq!(names, [1, 2, 3]);
    let counts = hub.fleet.counts();
    assert_eq!(counts.states().map(|(_, n)| n).sum::<u32>(), 3);
    let restarted = counts
        .reasons()
        .find(|(reason, _)| *reason == Reason::HubRestarted);
    assert_eq!(restarted, Some((Reason::HubRestarted, 3)));
}

#[test]
fn a_region_that_may_have_no_more_says_how_much_it_has_until_it_fits_again() {
    let mut hub = Hub::with_healthy();
    let (live, fresh, troubles) = (true, hub.now.wall, Vec::new());
    let full = Some("7 records of 1 KiB are here, and at most 7 may be".to_owned());
    hub.hear(Input::Overview {
        no: A,
        live,
        fresh,
        troubles,
        full: full.clone(),
    });
    let view = hub.expect(State::Degraded, Reason::RegionFull);
    assert_eq!(Some(view.condition.detail), full);
    hub.report(true, &[]);
    hub.expect(State::Healthy, Reason::Ok);
}

#[test]
fn a_refused_credential_is_one_reason_however_many_services_say_it() {
    let refused = |kind| {
        let reason = "Keystone refuses user admin".to_owned();
        service(kind, ServiceState::CredentialRefused { reason })
    };
    let lacking = |kind| {
        let reason = "403".to_owned();
        service(kind, ServiceState::RightsMissing { reason })
    };
    let failing = |kind| {
        let reason = "503".to_owned();
        service(kind, ServiceState::Failing { reason })
    };
    let mut hub = Hub::with_healthy();
    let identity = refused(ServiceKind::Identity);
    let volume = lacking(ServiceKind::Volume);
    hub.report(
        true,
        &[
            failing(ServiceKind::Network),
            identity,
            refused(ServiceKind::Compute),
            volume.clone(),
        ],
    );
    let view = hub.expect(State::Degraded, Reason::CredentialRefused);
    assert_eq!(view.condition.detail, "Keystone refuses user admin");
    let step = "idp-hub region credential";
    assert!(view.next_step.contains(step), "{}", view.next_step);
    hub.report(true, &[failing(ServiceKind::Network), volume.clone()]);
    hub.expect(State::Degraded, Reason::ServiceFailing);
    hub.report(true, &[volume]);
    let view = hub.expect(State::Degraded, Reason::RightsMissing);
    assert_eq!(view.condition.detail, "volume: 403");
    hub.report(true, &[]);
    hub.expect(State::Healthy, Reason::Ok);
}
