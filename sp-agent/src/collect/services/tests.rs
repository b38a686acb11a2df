//! What follows for a service from its probes and parts.

use std::time::Duration;

use super::*;

const COMPUTE: ServiceKind = ServiceKind::Compute;

fn available() -> Probe {
    Probe {
        service: COMPUTE,
        endpoint: "http://controller:8774".to_owned(),
        outcome: ProbeOutcome::Available {
            latency: Duration::from_millis(12),
            versions: ("2.1".to_owned(), "2.100".to_owned()),
        },
    }
}

fn failing(reason: &str) -> Probe {
    Probe {
        service: COMPUTE,
        endpoint: String::new(),
        outcome: ProbeOutcome::Failing {
            trouble: Trouble::Service,
            reason: reason.to_owned(),
        },
    }
}

fn missing() -> Probe {
    Probe {
        service: COMPUTE,
        endpoint: String::new(),
        outcome: ProbeOutcome::Missing,
    }
}

/// The state and since when, of the one service.
fn told(services: &Services) -> (ServiceState, u64) {
    let list = services.list();
    assert_eq!(list.len(), 1);
    (list[0].state.clone(), list[0].since.0)
}

fn failing_state(reason: &str) -> ServiceState {
    ServiceState::Failing {
        reason: reason.to_owned(),
    }
}

/// All parts are read by then.
fn probed(outcomes: Vec<Probe>) -> Services {
    let mut services = Services::new(Vec::new());
    are_whole(&mut services);
    for (time, probe) in outcomes.into_iter().enumerate() {
        services.probed(UnixMillis(time as u64), vec![probe]);
    }
    services
}

fn are_whole(services: &mut Services) {
    for part in [Part::Servers, Part::Nodes] {
        services.part_is_whole(part);
    }
}

#[test]
fn a_service_that_answers_is_told_of_once_all_of_it_was_read() {
    let mut services = Services::new(Vec::new());
    services.probed(UnixMillis(1), vec![available()]);
    services.part_is_whole(Part::Nodes);
    assert_eq!(services.list(), [], "nothing read yet is not nothing there");
    for _ in 0..2 {
        services.part_failed(UnixMillis(3), Part::Servers, "500", Trouble::Service);
    }
    assert_eq!(told(&services), (failing_state("servers: 500"), 3));
    let mut again = Services::new(services.list());
    services.part_is_whole(Part::Servers);
    services.part_is_read(UnixMillis(4), Part::Servers);
    assert_eq!(told(&services), (ServiceState::Available, 4));
    let restarted = Services::new(services.list());
    assert_eq!(told(&restarted), (ServiceState::Available, 4));

    // One that stopped before it had read them knows no more.
    again.probed(UnixMillis(5), vec![available()]);
    assert_eq!(again.list(), []);
    are_whole(&mut again);
    assert_eq!(told(&again), (ServiceState::Available, 5));
}

#[test]
fn the_first_answer_is_told_as_it_is() {
    assert_eq!(
        told(&probed(vec![available()])),
        (ServiceState::Available, 0)
    );
    assert_eq!(
        told(&probed(vec![failing("503")])),
        (failing_state("503"), 0)
    );
    assert_eq!(told(&probed(vec![missing()])), (ServiceState::Missing, 0));
}

#[test]
fn one_failure_is_no_news_and_the_second_is() {
    let mut services = probed(vec![
        available(),
        failing("503"),
        available(),
        failing("503"),
    ]);
    assert_eq!(told(&services), (ServiceState::Available, 0));
    services.probed(UnixMillis(4), vec![failing("still 503")]);
    assert_eq!(told(&services), (failing_state("still 503"), 4));
    services.probed(UnixMillis(5), vec![failing("no answer")]);
    assert_eq!(
        told(&services),
        (failing_state("no answer"), 4),
        "since the state, not the reason"
    );
    services.probed(UnixMillis(6), vec![available()]);
    assert_eq!(told(&services), (ServiceState::Available, 6));
}

#[test]
fn a_part_that_cannot_be_read_fails_its_service_though_the_probe_answers() {
    let mut services = probed(vec![available()]);
    services.part_failed(UnixMillis(1), Part::Servers, "HTTP 500", Trouble::Service);
    assert_eq!(told(&services), (ServiceState::Available, 0));
    services.part_failed(UnixMillis(2), Part::Servers, "HTTP 500", Trouble::Service);
    services.probed(UnixMillis(3), vec![available()]);
    assert_eq!(told(&services), (failing_state("servers: HTTP 500"), 2));
    services.part_is_read(UnixMillis(4), Part::Nodes);
    assert_eq!(told(&services).0, failing_state("servers: HTTP 500"));
    services.part_is_read(UnixMillis(5), Part::Servers);
    assert_eq!(told(&services), (ServiceState::Available, 5));
}

#[test]
fn two_parts_that_fail_once_each_are_not_one_that_fails_twice() {
    let mut services = probed(vec![available()]);
    services.part_failed(UnixMillis(1), Part::Servers, "x", Trouble::Service);
    services.part_failed(UnixMillis(2), Part::Nodes, "x", Trouble::Service);
    assert_eq!(told(&services), (ServiceState::Available, 0));
}

#[test]
fn a_refused_credential_is_told_at_once() {
    let mut services = probed(vec![available()]);
    services.part_failed(UnixMillis(1), Part::Servers, "refused", Trouble::Token);
    assert_eq!(told(&services), (failing_state("servers: refused"), 1));
}

#[test]
fn what_is_wrong_still_is_told_when_another_thing_is_mended() {
    let mut services = probed(vec![failing("503")]);
    services.part_failed(UnixMillis(1), Part::Servers, "HTTP 500", Trouble::Service);
    services.probed(UnixMillis(2), vec![available()]);
    assert_eq!(told(&services), (failing_state("servers: HTTP 500"), 0));
}

#[test]
fn a_service_goes_missing_and_comes_back() {
    let services = probed(vec![available(), missing(), missing(), available()]);
    assert_eq!(told(&services), (ServiceState::Available, 3));
    let mut services = probed(vec![available(), missing()]);
    assert_eq!(told(&services), (ServiceState::Missing, 1));
    assert_eq!(services.latencies(), []);
    services.probed(UnixMillis(2), Vec::new());
    assert_eq!(services.list(), [], "the cloud speaks no more of it");
}

#[test]
fn a_restart_changes_nothing_by_itself() {
    let mut services = probed(vec![available()]);
    let held = services.list();
    services.probed(UnixMillis(7), vec![failing("503")]);
    let mut again = Services::new(held.clone());
    assert_eq!(again.list(), held);
    again.part_is_read(UnixMillis(8), Part::Servers);
    again.part_failed(UnixMillis(8), Part::Nodes, "HTTP 500", Trouble::Service);
    assert_eq!(again.list(), held);
    again.probed(UnixMillis(9), vec![failing("503")]);
    assert_eq!(again.list(), held, "one failure");
    again.probed(UnixMillis(10), vec![failing("503")]);
    assert_eq!(told(&again), (failing_state("503"), 10));

    let mut again = Services::new(again.list());
    again.part_is_read(UnixMillis(11), Part::Servers);
    assert_eq!(told(&again), (failing_state("503"), 10), "not asked yet");
    again.probed(UnixMillis(12), vec![available()]);
    are_whole(&mut again);
    assert_eq!(told(&again), (ServiceState::Available, 12));
}

#[test]
fn addresses_and_versions_outlive_a_failure() {
    let services = probed(vec![available(), failing("x"), failing("x")]);
    let list = services.list();
    assert_eq!(list[0].endpoint, "http://controller:8774");
    assert_eq!(list[0].versions.1, "2.100");
}

#[test]
fn a_round_that_is_lost_is_a_failure_of_all_but_the_missing() {
    let mut services = probed(vec![available()]);
    let mut image = missing();
    image.service = ServiceKind::Image;
    services.probed(UnixMillis(1), vec![available(), image]);
    for time in 2..4 {
        services.probe_lost(UnixMillis(time), "no answer");
    }
    let states: Vec<_> = services.list().into_iter().map(|it| it.state).collect();
    assert_eq!(states, [failing_state("no answer"), ServiceState::Missing]);
    let latency = ServiceLatency {
        service: COMPUTE,
        millis: None,
    };
    assert_eq!(services.latencies(), [latency]);
}

#[test]
fn latencies_are_those_of_the_last_round() {
    let services = probed(vec![available()]);
    let latency = ServiceLatency {
        service: COMPUTE,
        millis: Some(12),
    };
    assert_eq!(services.latencies(), [latency]);
}

#[test]
fn an_endless_reason_is_cut_at_a_character() {
    let services = probed(vec![failing(&"ö".repeat(10_000))]);
    let (ServiceState::Failing { reason }, _) = told(&services) else {
        panic!("not failing");
    };
    assert_eq!(reason.len(), 512);
}

fn troubled(trouble: Trouble, reason: &str) -> Probe {
    Probe {
        outcome: ProbeOutcome::Failing {
            trouble,
            reason: reason.to_owned(),
        },
        ..failing("")
    }
}

#[test]
fn a_refused_credential_is_told_at_once_before_all_else_and_since_when() {
    let mut services = probed(vec![available()]);
    let part_failed = |it: &mut Services, at, part, trouble| {
        it.part_failed(UnixMillis(at), part, "403", trouble);
    };
    part_failed(&mut services, 1, Part::Servers, Trouble::Rights);
    let reason = "servers: 403".to_owned();
    assert_eq!(told(&services), (ServiceState::RightsMissing { reason }, 1));
    services.probed(UnixMillis(2), vec![troubled(Trouble::Credential, "401")]);
    services.probed(UnixMillis(3), vec![troubled(Trouble::Credential, "401")]);
    let reason = "401".to_owned();
    assert_eq!(
        told(&services),
        (ServiceState::CredentialRefused { reason }, 2)
    );

    // Keystone is away: that says nothing of the credential.
    services.probed(UnixMillis(4), vec![troubled(Trouble::Service, "503")]);
    assert_eq!(told(&services), (failing_state("503"), 4));
    services.part_is_read(UnixMillis(5), Part::Servers);
    services.probed(UnixMillis(6), vec![available()]);
    assert_eq!(told(&services), (ServiceState::Available, 6));
}
