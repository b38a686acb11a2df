//! Whatever comes in whatever order, the fleet's promises hold.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use shared::model::{ServiceKind, ServiceState};
use shared::wire::frame::Refusal;

use super::super::*;
use super::{WALL, facts, service};

/// What happens next: an input, or time.
#[derive(Debug, Clone)]
enum Event {
    Input(Input),
    Pass(Duration),
    /// The wall clock alone is set.
    SetWall(u64),
}

fn no() -> impl Strategy<Value = RegionNo> {
    (1u32..5).prop_map(RegionNo)
}

fn refusal() -> impl Strategy<Value = Refusal> {
    (1u16..9).prop_map(Refusal::from_code)
}

fn why() -> impl Strategy<Value = Ended> {
    prop_oneof![
        Just(Ended::Closed(Closed::Silent)),
        Just(Ended::Closed(Closed::NoGreeting)),
        Just(Ended::Closed(Closed::AgentStopping)),
        Just(Ended::Closed(Closed::AgentLeaving)),
        refusal().prop_map(|refusal| Ended::Closed(Closed::Refused(refusal))),
        ".{0,300}".prop_map(Ended::Lost),
    ]
}

fn troubles() -> impl Strategy<Value = Vec<Service>> {
    let kind = prop::sample::select(ServiceKind::ALL.to_vec());
    let state = prop_oneof![
        Just(ServiceState::Available),
        Just(ServiceState::Missing),
        ".{0,600}".prop_map(|reason| ServiceState::Failing { reason }),
        ".{0,600}".prop_map(|reason| ServiceState::CredentialRefused { reason }),
    ];
    prop::collection::vec(
        (kind, state).prop_map(|(kind, state)| service(kind, state)),
        0..4,
    )
}

fn time() -> impl Strategy<Value = UnixMillis> {
    prop_oneof![
        any::<u64>(),
        (WALL.0 - 100_000)..(WALL.0 + 100_000),
        Just(WALL.0)
    ]
    .prop_map(UnixMillis)
}

fn known() -> impl Strategy<Value = Input> {
    (no(), any::<bool>(), time(), time(), any::<u64>()).prop_map(
        |(no, accepted, joined, seen, not_after)| {
            let standing = if accepted {
                Standing::Accepted
            } else {
                Standing::Pending
            };
            let facts = Facts {
                joined,
                seen,
                not_after: not_after % (WALL.as_secs() * 2),
                ..*facts(no, standing)
            };
            Input::Known {
                no,
                facts: Box::new(facts),
            }
        },
    )
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        2 => known(),
        4 => (no(), 0u64..20).prop_map(|(no, session)| Input::SessionBegan { no, session }),
        3 => (no(), 0u64..20, why())
            .prop_map(|(no, session, why)| Input::SessionEnded { no, session, why }),
        1 => (no(), why()).prop_map(|(no, why)| Input::Refused { no, why }),
        1 => (no(), any::<u8>()).prop_map(|(no, byte)| {
            let key = Fingerprint::from_bytes([byte; 32]);
            Input::OtherKey { no, key }
        }),
        1 => no().prop_map(|no| Input::Accepted { no }),
        1 => (no(), ".{0,20}").prop_map(|(no, name)| Input::Renamed { no, name }),
        1 => (no(), any::<u64>()).prop_map(|(no, not_after)| Input::Certified { no, not_after }),
        4 => (no(), any::<bool>(), time(), troubles()).prop_map(|(no, live, fresh, troubles)| {
            let full = troubles.is_empty().then(|| "7 records".to_owned()).filter(|_| live);
            Input::Overview { no, live, fresh, troubles, full }
        }),
        1 => (no(), 0u64..20, any::<bool>()).prop_map(|(no, session, is_sound)| {
            let fault = (!is_sound).then(|| "no room\nleft".to_owned());
            Input::Keeping { no, session, fault }
        }),
        1 => no().prop_map(|no| Input::Removed { no }),
        4 => Just(Input::Tick),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        10 => input().prop_map(Event::Input),
        4 => (0u64..1_000_000).prop_map(|ms| Event::Pass(Duration::from_millis(ms))),
        1 => any::<u64>().prop_map(Event::SetWall),
    ]
}

type Shown = BTreeMap<RegionNo, RegionView>;

fn shown(fleet: &Fleet) -> Shown {
    (1..5)
        .map(RegionNo)
        .filter_map(|no| Some((no, fleet.view(no)?)))
        .collect()
}

/// Every promise about one state.
fn check_state(fleet: &Fleet, views: &Shown) -> Result<(), TestCaseError> {
    for (state, count) in fleet.counts().states() {
        let recount = views.values().filter(|it| it.condition.state == state);
        prop_assert_eq!(recount.count() as u32, count, "{:?}", state);
    }
    for (reason, count) in fleet.counts().reasons() {
        let recount = views.values().filter(|it| it.condition.reason == reason);
        prop_assert_eq!(recount.count() as u32, count, "{:?}", reason);
    }
    for view in views.values() {
        let healthy = view.condition.state == State::Healthy;
        prop_assert_eq!(healthy, view.condition.reason == Reason::Ok);
        prop_assert_eq!(healthy, view.next_step.is_empty());
        prop_assert!(view.condition.detail.len() <= 2048);
    }
    let registered = views
        .values()
        .filter(|it| it.condition.state != State::Removed);
    prop_assert_eq!(fleet.views().len(), registered.count());
    let ordered = fleet.views().is_sorted_by_key(|it| it.facts.name.clone());
    prop_assert!(ordered);
    Ok(())
}

/// Every promise about one step: `since` and `Changed` are exactly for state and reason.
fn check_step(
    before: &Shown,
    after: &Shown,
    effects: &[Effect],
    now: Moment,
) -> Result<(), TestCaseError> {
    for no in (1..5).map(RegionNo) {
        let changed = effects.contains(&Effect::Changed { no });
        match (before.get(&no), after.get(&no)) {
            (Some(old), Some(new)) => {
                let (old, new) = (&old.condition, &new.condition);
                let same = (old.state, old.reason) == (new.state, new.reason);
                prop_assert_eq!(changed, !same);
                prop_assert_eq!(new.since, if same { old.since } else { now.wall });
            }
            (None, Some(new)) => {
                prop_assert!(changed);
                prop_assert_eq!(new.condition.since, now.wall);
            }
            (Some(_), None) => prop_assert!(changed),
            (None, None) => prop_assert!(!changed),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_algorithm: prop::test_runner::RngAlgorithm::ChaCha,
        rng_seed: prop::test_runner::RngSeed::Fixed(0x5e7),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_promises_hold(events in prop::collection::vec(event(), 1..200)) {
        let mut fleet = Fleet::new();
        // Any moment will do: the fleet only compares.
        #[allow(clippy::disallowed_methods)]
        let mut now = Moment { mono: Instant::now(), wall: WALL };
        let mut before = shown(&fleet);
        for event in events {
            let input = match event {
                Event::Input(input) => input,
                Event::Pass(time) => {
                    now = Moment { mono: now.mono + time, wall: now.wall.plus(time) };
                    Input::Tick
                }
                Event::SetWall(wall) => {
                    now.wall = UnixMillis(wall);
                    continue;
                }
            };
            let ticked = matches!(input, Input::Tick);
            let effects = fleet.handle(now, input);
            let after = shown(&fleet);
            check_state(&fleet, &after)?;
            check_step(&before, &after, &effects, now)?;
            for effect in &effects {
                if let Effect::WakeAt(at) = effect {
                    prop_assert!(!ticked || *at > now.mono, "it would spin");
                }
            }
            before = after;
        }
    }
}
