use std::time::Duration;

use super::*;
use crate::wire::frame::{Heartbeat, Renew};

fn facts() -> HubFacts {
    HubFacts {
        federation: FederationId::from_random(1),
        epoch: 3,
        path: vec![HubId::from_random(2)],
    }
}

fn hello() -> Hello<'static> {
    Hello {
        versions: PROTOCOL,
        codec: CODEC,
        software: Text::cut("sp-agent 0.1.0"),
        host: Text::cut("node1"),
        cloud: Cloud {
            kind: 3,
            version: Text::cut("simulated"),
            endpoint: Text::cut(""),
        },
        federation: facts().federation,
        epoch: 3,
        offers: List::default(),
    }
}

fn greeted(now: Instant, standing: Standing) -> HubSession {
    let (mut session, _) = HubSession::new(facts(), now);
    let effects = session.handle(now, Input::Frame(Control::Hello(hello())));
    assert_eq!(effects, [Effect::Register(hello())]);
    let effects = session.handle(
        now,
        Input::Registered {
            standing,
            cursors: Vec::new(),
            name: "north".to_owned(),
        },
    );
    assert_eq!(names(&effects), ["north"]);
    session
}

/// The names that the agent is told.
fn names<'a>(effects: &'a [Effect<'_>]) -> Vec<&'a str> {
    let name = |effect: &'a Effect<'_>| match effect {
        Effect::Send(Control::Named(named)) => Some(named.name.as_str()),
        _ => None,
    };
    effects.iter().filter_map(name).collect()
}

fn refusal(effects: &[Effect<'_>]) -> Refusal {
    match effects {
        [
            Effect::Send(Control::Refuse(refuse)),
            Effect::Close(Closed::Refused(why)),
        ] => {
            assert_eq!(Refusal::from_code(refuse.code), *why);
            assert!(!refuse.reason.as_str().is_empty());
            *why
        }
        other => panic!("no refusal: {other:?}"),
    }
}

/// Any moment will do: the machine only compares.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn an_agent_that_is_heard_stays() {
    let start = now();
    let mut session = greeted(start, Standing::Accepted);
    assert!(session.serves());
    for beat in 1..10u32 {
        let now = start + beat * HEARTBEAT;
        let heartbeat = Control::Heartbeat(Heartbeat { count: beat });
        assert_eq!(session.handle(now, Input::Frame(heartbeat)), []);
        assert!(matches!(
            session.handle(now, Input::Tick)[..],
            [Effect::WakeAt(_)]
        ));
    }
}

#[test]
fn silence_is_noticed_within_fifteen_seconds() {
    let start = now();
    let mut session = greeted(start, Standing::Accepted);
    let heard = start + Duration::from_secs(100);
    session.handle(heard, Input::FeedHeard);
    let still = session.handle(heard + SILENCE_MAX - Duration::from_millis(1), Input::Tick);
    assert_eq!(still, [Effect::WakeAt(heard + SILENCE_MAX)]);
    let gone = session.handle(heard + SILENCE_MAX, Input::Tick);
    assert_eq!(gone, [Effect::Close(Closed::Silent)]);
    assert!(SILENCE_MAX < Duration::from_secs(15));
    assert_eq!(session.handle(heard + SILENCE_MAX * 2, Input::Tick), []);
}

#[test]
fn a_stranger_who_never_speaks_is_closed() {
    let start = now();
    let (mut session, effects) = HubSession::new(facts(), start);
    assert_eq!(effects, [Effect::WakeAt(start + GREETING_MAX)]);
    let effects = session.handle(start + GREETING_MAX, Input::Tick);
    assert_eq!(effects, [Effect::Close(Closed::NoGreeting)]);
}

#[test]
fn what_does_not_fit_is_refused_with_a_reason() {
    for (change, expected) in [
        (
            (|hello| hello.versions = (7, 9)) as fn(&mut Hello<'_>),
            Refusal::Version,
        ),
        (|hello| hello.codec = 99, Refusal::Version),
        (
            |hello| hello.federation = FederationId::from_random(9),
            Refusal::Federation,
        ),
        (|hello| hello.epoch = 4, Refusal::StaleEpoch),
    ] {
        let mut hello = hello();
        change(&mut hello);
        let (mut session, _) = HubSession::new(facts(), now());
        let effects = session.handle(now(), Input::Frame(Control::Hello(hello)));
        assert_eq!(refusal(&effects), expected);
    }
}

#[test]
fn frames_out_of_turn_end_the_session() {
    let heartbeat = || Input::Frame(Control::Heartbeat(Heartbeat { count: 1 }));
    let (mut session, _) = HubSession::new(facts(), now());
    assert_eq!(
        refusal(&session.handle(now(), heartbeat())),
        Refusal::Protocol
    );
    let (mut session, _) = HubSession::new(facts(), now());
    assert_eq!(
        refusal(&session.handle(now(), Input::FeedHeard)),
        Refusal::Protocol
    );
    let mut session = greeted(now(), Standing::Accepted);
    let again = Input::Frame(Control::Hello(hello()));
    assert_eq!(refusal(&session.handle(now(), again)), Refusal::Protocol);
}

#[test]
fn a_pending_region_serves_after_the_second_yes() {
    let mut session = greeted(now(), Standing::Pending);
    assert!(!session.serves());
    let effects = session.handle(now(), Input::Accepted);
    assert_eq!(
        effects,
        [
            Effect::Send(Control::Standing(Standing::Accepted)),
            Effect::Serve
        ]
    );
    assert!(session.serves());
    assert_eq!(session.handle(now(), Input::Accepted), []);
}

#[test]
fn a_renewal_is_passed_on_and_a_removal_closes() {
    let mut session = greeted(now(), Standing::Accepted);
    let renew = Control::Renew(Renew {
        csr: Text::cut("CSR"),
    });
    assert_eq!(
        session.handle(now(), Input::Frame(renew)),
        [Effect::Issue("CSR".to_owned())]
    );
    let effects = session.handle(now(), Input::End(Refusal::Removed, "removed"));
    assert_eq!(refusal(&effects), Refusal::Removed);
    assert!(!session.serves());
}

#[test]
fn another_name_is_told_to_whom_was_welcomed() {
    let mut session = greeted(now(), Standing::Pending);
    let effects = session.handle(now(), Input::Renamed("south".to_owned()));
    assert_eq!(names(&effects), ["south"]);
    let (mut session, _) = HubSession::new(facts(), now());
    let effects = session.handle(now(), Input::Renamed("south".to_owned()));
    assert_eq!(effects, []);
}

#[test]
fn an_agent_says_which_key_secrets_are_sealed_to() {
    let mut session = greeted(now(), Standing::Accepted);
    let frame = Control::Sealing(Sealing { key: [7; 32] });
    let effects = session.handle(now(), Input::Frame(frame));
    assert_eq!(effects, [Effect::Seals([7; 32])]);
}

#[test]
fn an_agent_that_can_t_keep_anything_says_so() {
    let mut session = greeted(now(), Standing::Accepted);
    for fault in [Some("no room left"), None] {
        let frame = Control::Keeping(Keeping {
            fault: fault.map(Text::cut),
        });
        let effects = session.handle(now(), Input::Frame(frame));
        assert_eq!(effects, [Effect::Keeping(fault.map(str::to_owned))]);
    }
    let name = Text::cut("mine");
    let effects = session.handle(now(), Input::Frame(Control::Named(Named { name })));
    assert_eq!(refusal(&effects), Refusal::Protocol);
}

#[test]
fn what_the_cloud_is_may_be_told_later() {
    let mut session = greeted(now(), Standing::Pending);
    let cloud = hello().cloud;
    let effects = session.handle(now(), Input::Frame(Control::Describe(cloud.clone())));
    assert_eq!(effects, [Effect::Describe(cloud.clone())]);
    let (mut session, _) = HubSession::new(facts(), now());
    let effects = session.handle(now(), Input::Frame(Control::Describe(cloud)));
    assert_eq!(refusal(&effects), Refusal::Protocol);
}

fn cursor(feed: u8) -> Cursor {
    Cursor {
        feed,
        id: crate::ids::FeedId::from_random(5),
        seq: 7,
        phase: crate::wire::frame::Phase::Live,
    }
}

#[test]
fn the_directory_goes_to_who_asks_for_it_and_was_accepted() {
    let ack = Ack {
        feed: DIRECTORY_FEED,
        seq: 9,
    };
    let asked = cursor(DIRECTORY_FEED);
    let mut session = greeted(now(), Standing::Accepted);
    let effects = session.handle(now(), Input::Frame(Control::Cursor(asked)));
    assert_eq!(effects, [Effect::Direct(asked)]);
    let effects = session.handle(now(), Input::Frame(Control::Ack(ack)));
    assert_eq!(effects, [Effect::Directed(ack)]);

    let mut session = greeted(now(), Standing::Pending);
    let effects = session.handle(now(), Input::Frame(Control::Cursor(asked)));
    assert_eq!(refusal(&effects), Refusal::Protocol);
    let mut session = greeted(now(), Standing::Accepted);
    let effects = session.handle(now(), Input::Frame(Control::Cursor(cursor(1))));
    assert_eq!(refusal(&effects), Refusal::Protocol);
}

#[test]
fn an_older_agent_is_answered_in_its_own_version() {
    for (versions, agreed) in [((1, 1), 1), (PROTOCOL, 2), ((2, 9), PROTOCOL.1)] {
        let (mut session, _) = HubSession::new(facts(), now());
        let hello = Hello {
            versions,
            ..hello()
        };
        session.handle(now(), Input::Frame(Control::Hello(hello)));
        let registered = Input::Registered {
            standing: Standing::Accepted,
            cursors: Vec::new(),
            name: "north".to_owned(),
        };
        let effects = session.handle(now(), registered);
        assert!(
            matches!(&effects[0], Effect::Send(Control::Welcome(it)) if it.version == agreed),
            "{effects:?}"
        );
    }
}
