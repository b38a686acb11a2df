//! How regions come, go, and are refused.

use super::*;

#[test]
fn a_join_leads_to_a_healthy_region() {
    let mut hub = Hub::new();
    let mut joined = facts(A, Standing::Pending);
    joined.joined = WALL;
    hub.hear(Input::Known {
        no: A,
        facts: joined,
    });
    hub.expect(State::Connecting, Reason::Joining);
    hub.begin(1);
    let view = hub.expect(State::Connecting, Reason::AwaitingAcceptance);
    assert!(
        view.next_step
            .contains("`idp-hub region accept 'region 1'`")
    );
    hub.pass(60 * MINUTE);
    hub.expect(State::Connecting, Reason::AwaitingAcceptance);
    hub.hear(Input::Accepted { no: A });
    hub.expect(State::Connecting, Reason::FirstSync);
    hub.report(false, &[]);
    hub.report(true, &[]);
    let view = hub.expect(State::Healthy, Reason::Ok);
    assert_eq!(view.next_step, "");
    assert_eq!(hub.changes, 4);
}

#[test]
fn after_a_restart_of_the_hub_a_region_has_a_minute_to_return() {
    let mut hub = Hub::new();
    hub.known(Standing::Accepted);
    let view = hub.expect(State::Connecting, Reason::HubRestarted);
    assert_eq!(
        (view.facts.seen, view.condition.since),
        (UnixMillis(2_000), WALL)
    );
    hub.pass(59 * SECOND);
    hub.expect(State::Connecting, Reason::HubRestarted);
    hub.pass(SECOND);
    let view = hub.expect(State::Unreachable, Reason::NotBack);
    assert_eq!(view.condition.since, WALL.plus(MINUTE));
    hub.begin(1);
    hub.report(true, &[]);
    hub.expect(State::Healthy, Reason::Ok);
}

#[test]
fn after_a_restart_of_the_hub_who_took_its_leave_is_not_said_to_come_by_itself() {
    let known = |goodbye| {
        let mut hub = Hub::new();
        let mut facts = facts(A, Standing::Accepted);
        facts.goodbye = Some(goodbye);
        hub.hear(Input::Known { no: A, facts });
        hub
    };
    let mut left = known(Goodbye::Leaving);
    let view = left.expect(State::Unreachable, Reason::AgentLeft);
    assert!(
        view.next_step.contains("region remove"),
        "{}",
        view.next_step
    );
    left.pass(2 * MINUTE);
    left.expect(State::Unreachable, Reason::AgentLeft);
    // It may have been started while there was no hub.
    let mut stopped = known(Goodbye::Stopping);
    stopped.expect(State::Connecting, Reason::AgentStopped);
    stopped.pass(MINUTE);
    stopped.expect(State::Unreachable, Reason::AgentStopped);
    stopped.begin(1);
    stopped.report(true, &[]);
    stopped.expect(State::Healthy, Reason::Ok);
}

#[test]
fn a_region_that_never_came_says_so() {
    let mut hub = Hub::new();
    let mut joined = facts(A, Standing::Pending);
    joined.joined = WALL;
    hub.hear(Input::Known {
        no: A,
        facts: joined,
    });
    hub.pass(MINUTE);
    hub.expect(State::Unreachable, Reason::NeverConnected);
}

#[test]
fn a_restart_of_the_agent_rings_no_bell() {
    let mut hub = Hub::with_healthy();
    hub.pass(MINUTE);
    hub.end(1, Ended::Closed(Closed::AgentStopping));
    let view = hub.expect(State::Connecting, Reason::AgentStopped);
    assert_eq!(view.facts.seen, hub.now.wall);
    hub.pass(5 * SECOND);
    hub.begin(2);
    hub.expect(State::Healthy, Reason::Ok);
    hub.end(2, Ended::Closed(Closed::AgentStopping));
    hub.pass(10 * SECOND);
    hub.expect(State::Unreachable, Reason::AgentStopped);
}

#[test]
fn a_loss_is_seen_within_fifteen_seconds() {
    let mut hub = Hub::with_healthy();
    hub.end(1, Ended::Closed(Closed::Silent));
    hub.expect(State::Unreachable, Reason::Silent);
    hub.begin(2);
    hub.end(2, Ended::Lost("reset by peer".to_owned()));
    let view = hub.expect(State::Connecting, Reason::ConnectionLost);
    assert_eq!(view.condition.detail, "reset by peer");
    hub.pass(14 * SECOND);
    hub.expect(State::Unreachable, Reason::ConnectionLost);
}

#[test]
fn the_end_of_an_older_session_changes_nothing() {
    let mut hub = Hub::with_healthy();
    hub.begin(7);
    let changes = hub.changes;
    hub.end(1, Ended::Closed(Closed::Silent));
    hub.begin(3);
    hub.expect(State::Healthy, Reason::Ok);
    hub.end(3, Ended::Closed(Closed::Silent));
    hub.expect(State::Healthy, Reason::Ok);
    assert_eq!(hub.changes, changes);
}

#[test]
fn a_refusal_is_the_reason_until_a_session_comes() {
    for (refusal, state, reason) in [
        (Refusal::Version, State::Unreachable, Reason::RefusedVersion),
        (
            Refusal::Federation,
            State::Unreachable,
            Reason::RefusedFederation,
        ),
        (
            Refusal::StaleEpoch,
            State::Unreachable,
            Reason::RefusedEpoch,
        ),
        (Refusal::Busy, State::Connecting, Reason::HubBusy),
        (Refusal::Protocol, State::Connecting, Reason::ProtocolError),
        (Refusal::Other(99), State::Connecting, Reason::ProtocolError),
    ] {
        let mut hub = Hub::new();
        hub.known(Standing::Accepted);
        hub.refuse(refusal);
        hub.expect(state, reason);
        hub.pass(59 * SECOND);
        hub.refuse(refusal);
        hub.pass(SECOND);
        hub.expect(State::Unreachable, reason);
        hub.begin(1);
        hub.report(true, &[]);
        hub.refuse(refusal);
        hub.expect(State::Healthy, Reason::Ok);
    }
}

/// Whoever has an old certificate of a region can't make it look bad.
#[test]
fn another_key_is_a_note_and_no_more() {
    let key = Fingerprint::from_bytes([9; 32]);
    let knock = |hub: &mut Hub| hub.hear(Input::OtherKey { no: A, key });
    let mut hub = Hub::with_healthy();
    knock(&mut hub);
    let view = hub.expect(State::Healthy, Reason::Ok);
    assert_eq!(view.condition.detail, "");
    hub.end(1, Ended::Lost("reset".to_owned()));
    let changes = hub.changes;
    knock(&mut hub);
    let view = hub.expect(State::Connecting, Reason::ConnectionLost);
    let detail = view.condition.detail;
    assert!(
        detail.starts_with("reset; an agent with another key, "),
        "{detail}"
    );
    assert!(detail.contains(&key.to_string()), "{detail}");
    assert_eq!(hub.changes, changes);
    hub.pass(10 * SECOND);
    hub.expect(State::Unreachable, Reason::ConnectionLost);
    hub.begin(2);
    hub.end(2, Ended::Closed(Closed::Silent));
    let view = hub.expect(State::Unreachable, Reason::Silent);
    assert_eq!(view.condition.detail, "");
}

#[test]
fn a_region_that_leaves_says_so() {
    let mut hub = Hub::with_healthy();
    hub.end(1, Ended::Closed(Closed::AgentLeaving));
    let view = hub.expect(State::Unreachable, Reason::AgentLeft);
    assert!(view.next_step.contains("region remove 'region 1'"));
}

#[test]
fn a_loop_of_restarts_shows_one_steady_state() {
    let mut hub = Hub::with_healthy();
    for session in 1..5 {
        hub.end(session, Ended::Lost("reset".to_owned()));
        hub.pass(5 * SECOND);
        hub.begin(session + 1);
    }
    hub.expect(State::Degraded, Reason::Unstable);
    let changes = hub.changes;
    for session in 5..20 {
        hub.pass(5 * SECOND);
        hub.end(session, Ended::Lost("reset".to_owned()));
        hub.expect(State::Degraded, Reason::Unstable);
        hub.begin(session + 1);
    }
    assert_eq!(hub.changes, changes);
    hub.report(true, &[]);
    hub.report_for(5 * MINUTE, &[]);
    hub.expect(State::Healthy, Reason::Ok);
}

#[test]
fn two_agents_with_one_key_are_seen() {
    let mut hub = Hub::with_healthy();
    for session in 2..7 {
        hub.begin(session);
    }
    let view = hub.expect(State::Degraded, Reason::Unstable);
    assert!(view.next_step.contains("no copy of the agent's machine"));
}

#[test]
fn a_removed_region_is_shown_a_while_and_then_forgotten() {
    let mut hub = Hub::with_healthy();
    hub.hear(Input::Removed { no: A });
    hub.expect(State::Removed, Reason::Removed);
    assert_eq!(hub.fleet.views(), []);
    assert_eq!(hub.fleet.counts().registered(), 0);
    assert_eq!(hub.fleet.counts().of(State::Removed), 1);
    hub.begin(9);
    hub.report(true, &[]);
    hub.known(Standing::Accepted);
    hub.expect(State::Removed, Reason::Removed);
    hub.pass(10 * MINUTE);
    assert_eq!(hub.fleet.view(A), None);
    assert_eq!(hub.fleet.counts().of(State::Removed), 0);
}
