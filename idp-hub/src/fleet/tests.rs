//! The fleet's rules, one by one; in `any_order`, whatever comes.

mod any_order;

use std::time::Duration;

use shared::ids::RegionId;
use shared::model::{CloudDescription, CloudKind, ServiceKind, ServiceState};
use shared::pki::Fingerprint;

use super::*;

const WALL: UnixMillis = UnixMillis(1_800_000_000_000);
const DAY_SECS: u64 = 24 * 3600;
const A: RegionNo = RegionNo(1);

fn facts(no: RegionNo, standing: Standing) -> Box<Facts> {
    let cloud = CloudDescription {
        kind: CloudKind::Simulated,
        version: String::new(),
        endpoint: String::new(),
    };
    Box::new(Facts {
        id: RegionId::from_random(no.0.into()),
        name: format!("region {}", no.0),
        standing,
        fingerprint: Fingerprint::from_bytes([no.0 as u8; 32]),
        cloud,
        software: "sp-agent 0.1.0".to_owned(),
        host: "node1".to_owned(),
        joined: UnixMillis(1_000),
        seen: UnixMillis(2_000),
        not_after: WALL.as_secs() + DAY_SECS,
        recoveries: 0,
    })
}

fn service(kind: ServiceKind, state: ServiceState) -> Service {
    Service {
        kind,
        state,
        endpoint: String::new(),
        versions: (String::new(), String::new()),
        since: WALL,
    }
}

/// A fleet, and the time in it.
struct Hub {
    fleet: Fleet,
    now: Moment,
    wake: Option<Instant>,
    changes: u32,
}

impl Hub {
    fn new() -> Self {
        // Any moment will do: the fleet only compares.
        #[allow(clippy::disallowed_methods)]
        let mono = Instant::now();
        let now = Moment { mono, wall: WALL };
        Self {
            fleet: Fleet::new(),
            now,
            wake: None,
            changes: 0,
        }
    }

    /// A hub that started with one region, which is back and complete.
    fn with_healthy() -> Self {
        let mut hub = Self::new();
        hub.known(Standing::Accepted);
        hub.begin(1);
        hub.report(true, &[]);
        hub.expect(State::Healthy, Reason::Ok);
        hub
    }

    fn hear(&mut self, input: Input) {
        for effect in self.fleet.handle(self.now, input) {
            match effect {
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Changed { .. } => self.changes += 1,
                Effect::Refreshed { .. } => {}
            }
        }
    }

    /// Lets time pass, waking the fleet whenever it asked for it.
    fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(at) = self.wake.filter(|at| *at <= end) {
            self.step_to(at);
            self.wake = None;
            self.hear(Input::Tick);
            assert!(self.wake.is_none_or(|next| next > at), "it would spin");
        }
        self.step_to(end);
    }

    fn step_to(&mut self, at: Instant) {
        let step = at.saturating_duration_since(self.now.mono);
        self.now = Moment {
            mono: self.now.mono + step,
            wall: self.now.wall.plus(step),
        };
    }

    fn known(&mut self, standing: Standing) {
        let facts = facts(A, standing);
        self.hear(Input::Known { no: A, facts });
    }

    fn begin(&mut self, session: u64) {
        self.hear(Input::SessionBegan { no: A, session });
    }

    fn end(&mut self, session: u64, why: Ended) {
        let no = A;
        self.hear(Input::SessionEnded { no, session, why });
    }

    fn report(&mut self, live: bool, troubles: &[Service]) {
        self.hear(Input::Overview {
            no: A,
            live,
            fresh: self.now.wall,
            troubles: troubles.to_vec(),
        });
    }

    /// Reports each minute, as an agent that is well does.
    fn report_for(&mut self, time: Duration, troubles: &[Service]) {
        for _ in 0..time.as_secs() / 60 {
            self.pass(Duration::from_secs(60));
            self.report(true, troubles);
        }
    }

    #[track_caller]
    fn expect(&self, state: State, reason: Reason) -> RegionView {
        let view = self.fleet.view(A).unwrap();
        let condition = &view.condition;
        assert_eq!((condition.state, condition.reason), (state, reason));
        view
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

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
        (Refusal::Removed, State::Unreachable, Reason::RefusedKey),
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
        hub.hear(Input::Refused { no: A, refusal });
        hub.expect(state, reason);
        hub.pass(59 * SECOND);
        hub.hear(Input::Refused { no: A, refusal });
        hub.pass(SECOND);
        hub.expect(State::Unreachable, reason);
        hub.begin(1);
        hub.report(true, &[]);
        hub.hear(Input::Refused { no: A, refusal });
        hub.expect(State::Healthy, Reason::Ok);
    }
}

#[test]
fn a_region_that_leaves_says_so() {
    let mut hub = Hub::with_healthy();
    hub.end(1, Ended::Closed(Closed::AgentLeaving));
    let view = hub.expect(State::Unreachable, Reason::AgentLeft);
    assert!(view.next_step.contains("region remove 'region 1'"));
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
