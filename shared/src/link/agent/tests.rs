use super::*;
use crate::ids::FeedId;
use crate::wire::List;
use crate::wire::frame::{Named, Phase as FeedPhase, Refuse, Renewed, Welcome};

const MIDDLE: u64 = u64::MAX / 2;

/// Any moment will do: the machine only compares.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

fn federation() -> FederationId {
    FederationId::from_random(1)
}

fn hub() -> HubId {
    HubId::from_random(5)
}

fn serve() -> Effect {
    Effect::Serve {
        version: PROTOCOL.1,
        cursors: vec![cursor()],
    }
}

fn cursor() -> Cursor {
    Cursor {
        feed: 1,
        id: FeedId::from_random(6),
        seq: 9,
        phase: FeedPhase::Live,
    }
}

fn welcome(epoch: u64, standing: Standing) -> Control<'static> {
    Control::Welcome(Welcome {
        version: PROTOCOL.1,
        federation: federation(),
        epoch,
        path: List::cut([hub()]),
        heartbeat_ms: 4000,
        standing,
        cursors: List::cut([cursor()]),
    })
}

/// A session that has dialed and greeted.
fn greeting(start: Instant) -> AgentSession {
    let (mut session, effects) = AgentSession::new(federation(), 2, 2, start);
    assert_eq!(effects, [Effect::WakeAt(start)]);
    let effects = session.handle(start, MIDDLE, Input::Tick);
    assert!(matches!(
        effects[..],
        [
            Effect::Dial { address: 0 },
            Effect::WakeAt(_),
            Effect::Report
        ]
    ));
    let effects = session.handle(start, MIDDLE, Input::Connected);
    assert!(matches!(
        effects[..],
        [Effect::Greet, Effect::WakeAt(_), Effect::Report]
    ));
    session
}

fn following(start: Instant) -> AgentSession {
    let mut session = greeting(start);
    let effects = session.handle(start, MIDDLE, Input::Frame(welcome(2, Standing::Accepted)));
    assert!(effects.contains(&serve()));
    session
}

fn reason(session: &AgentSession) -> String {
    match session.phase() {
        Phase::Waiting {
            reason: Some(reason),
            ..
        } => reason,
        other => panic!("not waiting for a reason: {other:?}"),
    }
}

#[test]
fn it_is_heard_every_heartbeat_unless_it_spoke_anyway() {
    let start = now();
    let mut session = following(start);
    let effects = session.handle(start + HEARTBEAT, MIDDLE, Input::Tick);
    assert!(matches!(
        effects[..],
        [Effect::Send(Control::Heartbeat(_)), Effect::WakeAt(_)]
    ));
    let spoke = start + HEARTBEAT + HEARTBEAT / 2;
    session.handle(spoke, MIDDLE, Input::SaidSomething);
    let effects = session.handle(start + HEARTBEAT * 2, MIDDLE, Input::Tick);
    assert_eq!(effects, [Effect::WakeAt(spoke + HEARTBEAT)]);
}

#[test]
fn a_lost_hub_is_dialed_again_at_the_next_address_after_a_random_wait() {
    let start = now();
    let mut session = following(start);
    let effects = session.handle(start, MIDDLE, Input::Disconnected("reset".to_owned()));
    let [Effect::Close, Effect::Report, Effect::WakeAt(until)] = effects[..] else {
        panic!("{effects:?}")
    };
    assert!(
        until > start && until <= start + BACKOFF_BASE,
        "{:?}",
        until - start
    );
    assert_eq!(
        session.handle(start, MIDDLE, Input::Tick),
        [Effect::WakeAt(until)]
    );
    let effects = session.handle(until, MIDDLE, Input::Tick);
    assert_eq!(effects[0], Effect::Dial { address: 1 });
}

#[test]
fn waits_grow_to_the_ceiling_and_a_session_that_held_forgets_them() {
    let mut now = now();
    let mut session = greeting(now);
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        session.handle(now, u64::MAX, Input::Disconnected("no".to_owned()));
        let [Effect::WakeAt(until)] = session.handle(now, u64::MAX, Input::Tick)[..] else {
            panic!("not waiting")
        };
        longest = longest.max(until - now);
        now = until;
        session.handle(now, MIDDLE, Input::Tick);
    }
    assert!(longest > BACKOFF_CEILING - Duration::from_secs(1) && longest <= BACKOFF_CEILING);
    // A hub that welcomes and is lost at once is not back.
    let ends = |at: Instant| (at, Input::Disconnected("no".to_owned()));
    let wait = welcomed_until(&mut session, now, ends(now));
    assert!(wait > BACKOFF_CEILING - Duration::from_secs(1), "{wait:?}");
    now += wait;
    session.handle(now, MIDDLE, Input::Tick);
    let wait = welcomed_until(&mut session, now, ends(now + SETTLED));
    assert!(wait <= BACKOFF_BASE, "{wait:?}");
}

/// A dialing session is welcomed, and then this ends it: how long it waits.
fn welcomed_until(session: &mut AgentSession, now: Instant, end: (Instant, Input<'_>)) -> Duration {
    session.handle(now, MIDDLE, Input::Connected);
    session.handle(now, MIDDLE, Input::Frame(welcome(2, Standing::Accepted)));
    let (at, input) = end;
    session.handle(at, u64::MAX, input);
    let [Effect::WakeAt(until)] = session.handle(at, MIDDLE, Input::Tick)[..] else {
        panic!("not waiting")
    };
    until - at
}

#[test]
fn what_the_hub_made_durable_forgets_the_failures_before_it() {
    let mut now = now();
    let mut session = greeting(now);
    for _ in 0..20 {
        session.handle(now, MIDDLE, Input::Disconnected("no".to_owned()));
        now += BACKOFF_CEILING;
        session.handle(now, MIDDLE, Input::Tick);
    }
    session.handle(now, MIDDLE, Input::Connected);
    session.handle(now, MIDDLE, Input::Frame(welcome(2, Standing::Accepted)));
    let ack = Control::Ack(Ack { feed: 1, seq: 4 });
    session.handle(now, MIDDLE, Input::Frame(ack));
    session.handle(now, u64::MAX, Input::Disconnected("no".to_owned()));
    let [Effect::WakeAt(until)] = session.handle(now, MIDDLE, Input::Tick)[..] else {
        panic!("not waiting")
    };
    assert!(until - now <= BACKOFF_BASE);
}

#[test]
fn a_breach_of_the_protocol_is_not_repeated_every_second() {
    let faulted = |_| Input::Faulted("it can't read this".to_owned());
    let refused = |_| {
        Input::Frame(Control::Refuse(Refuse {
            code: Refusal::Protocol.code(),
            reason: Text::cut("the feeds can't be brought to agree"),
            retry_after_ms: 0,
        }))
    };
    let kinds: [fn(()) -> Input<'static>; 2] = [faulted, refused];
    for kind in kinds {
        let mut now = now();
        let mut session = greeting(now);
        session.handle(now, MIDDLE, Input::Disconnected("no".to_owned()));
        let mut waits = Vec::new();
        for _ in 0..8 {
            now += BACKOFF_CEILING;
            session.handle(now, MIDDLE, Input::Tick);
            // Each of these sessions had its acknowledgements before.
            let end = (now + SETTLED, kind(()));
            let wait = welcomed_until(&mut session, now, end);
            waits.push(wait.as_secs());
            now += SETTLED + wait;
        }
        assert!((20..=42).contains(&waits[0]), "{waits:?}");
        assert!(waits.is_sorted(), "{waits:?}");
        assert!((150..=302).contains(&waits[7]), "{waits:?}");
        now += BACKOFF_CEILING;
        session.handle(now, MIDDLE, Input::Tick);
        let wait = welcomed_until(&mut session, now, (now + FAULTLESS, kind(())));
        assert!(wait <= Duration::from_secs(42), "{wait:?}");
        // Ten good minutes forget what was before them, not the breach that ended them.
        now += FAULTLESS + wait;
        session.handle(now, MIDDLE, Input::Tick);
        let wait = welcomed_until(&mut session, now, (now, kind(())));
        assert!(wait > Duration::from_secs(60), "{wait:?}");
    }
}

#[test]
fn a_stale_hub_is_refused_and_a_higher_epoch_is_remembered() {
    let start = now();
    let mut session = greeting(start);
    session.handle(start, MIDDLE, Input::Frame(welcome(7, Standing::Accepted)));
    assert_eq!(
        session.phase(),
        Phase::Following {
            hub: Some(hub()),
            epoch: 7
        }
    );
    session.handle(start, MIDDLE, Input::Disconnected("gone".to_owned()));
    let later = start + BACKOFF_CEILING;
    session.handle(later, MIDDLE, Input::Tick);
    session.handle(later, MIDDLE, Input::Connected);
    session.handle(later, MIDDLE, Input::Frame(welcome(6, Standing::Accepted)));
    assert!(reason(&session).contains("stale"), "{}", reason(&session));
}

#[test]
fn a_hub_that_does_not_answer_is_given_up() {
    let start = now();
    let mut session = greeting(start);
    session.handle(start + GREETING_MAX, MIDDLE, Input::Tick);
    assert!(reason(&session).contains("did not answer"));
    let (mut session, _) = AgentSession::new(federation(), 2, 1, start);
    session.handle(start, MIDDLE, Input::Tick);
    session.handle(start + DIAL_MAX, MIDDLE, Input::Tick);
    assert!(reason(&session).contains("no connection"));
}

#[test]
fn a_refusal_is_waited_out_and_shown() {
    let start = now();
    let (mut dialing, _) = AgentSession::new(federation(), 2, 1, start);
    dialing.handle(start, MIDDLE, Input::Tick);
    for session in [dialing, greeting(start)] {
        is_refused_and_waits(session, start);
    }
}

fn is_refused_and_waits(mut session: AgentSession, start: Instant) {
    let refuse = Refuse {
        code: Refusal::Removed.code(),
        reason: Text::cut("this region was removed"),
        retry_after_ms: 60_000,
    };
    session.handle(start, MIDDLE, Input::Frame(Control::Refuse(refuse)));
    let [Effect::WakeAt(until)] = session.handle(start, MIDDLE, Input::Tick)[..] else {
        panic!("not waiting")
    };
    assert!(until >= start + Duration::from_secs(60));
    let Phase::Waiting { refusal, .. } = session.phase() else {
        panic!("not waiting")
    };
    assert_eq!(refusal, Some(Refusal::Removed));
}

#[test]
fn feeds_wait_for_the_second_yes() {
    let start = now();
    let mut session = greeting(start);
    let effects = session.handle(start, MIDDLE, Input::Frame(welcome(2, Standing::Pending)));
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Serve { .. }))
    );
    assert_eq!(session.phase(), Phase::Pending);
    let yes = Control::Standing(Standing::Accepted);
    let effects = session.handle(start, MIDDLE, Input::Frame(yes));
    assert!(effects.contains(&serve()));
}

#[test]
fn a_stop_says_goodbye_once_and_nothing_moves_afterwards() {
    let start = now();
    let mut session = following(start);
    let effects = session.handle(start, MIDDLE, Input::Stop(Goodbye::Stopping));
    assert_eq!(
        effects[0],
        Effect::Send(Control::Goodbye(Goodbye::Stopping))
    );
    assert_eq!(session.handle(start, MIDDLE, Input::Tick), []);
    assert_eq!(session.phase(), Phase::Stopped);
}

#[test]
fn what_the_hub_says_is_passed_on() {
    let start = now();
    let mut session = following(start);
    let ack = Ack { feed: 1, seq: 4 };
    let effects = session.handle(start, MIDDLE, Input::Frame(Control::Ack(ack)));
    assert_eq!(effects, [Effect::Acked(ack)]);
    let effects = session.handle(start, MIDDLE, Input::Frame(Control::Cursor(cursor())));
    assert_eq!(effects, [Effect::Position(cursor())]);
    let renewed = Control::Renewed(Renewed {
        certificate: Text::cut("PEM"),
    });
    let effects = session.handle(start, MIDDLE, Input::Frame(renewed));
    assert_eq!(
        effects,
        [Effect::Keep {
            certificate: "PEM".to_owned()
        }]
    );
}

#[test]
fn the_region_s_name_is_kept_also_before_the_second_yes() {
    let start = now();
    let mut session = greeting(start);
    session.handle(start, MIDDLE, Input::Frame(welcome(2, Standing::Pending)));
    let name = Text::cut("south");
    let named = Input::Frame(Control::Named(Named { name }));
    let effects = session.handle(start, MIDDLE, named);
    assert_eq!(effects, [Effect::Named("south".to_owned())]);
}

#[test]
fn the_hubs_words_say_nothing_to_the_operators_terminal() {
    let start = now();
    let mut session = greeting(start);
    session.handle(start, MIDDLE, Input::Frame(welcome(2, Standing::Pending)));
    let name = Text::cut("so\u{202e}uth\u{1b}[2J\r\n");
    let named = Input::Frame(Control::Named(Named { name }));
    let effects = session.handle(start, MIDDLE, named);
    assert_eq!(effects, [Effect::Named("south [2J".to_owned())]);
    let refuse = Refuse {
        code: Refusal::Busy.code(),
        reason: Text::cut("\u{7}come\nback\u{200b}  later"),
        retry_after_ms: 0,
    };
    session.handle(start, MIDDLE, Input::Frame(Control::Refuse(refuse)));
    let Phase::Waiting { reason, .. } = session.phase() else {
        panic!("{:?}", session.phase());
    };
    assert_eq!(reason.as_deref(), Some("come back later"));
}

#[test]
fn that_nothing_new_can_be_kept_is_told_to_a_hub_that_has_welcomed() {
    let start = now();
    let fault = || Some("no room left".to_owned());
    let mut session = greeting(start);
    assert_eq!(session.handle(start, MIDDLE, Input::Keeping(fault())), []);
    let mut session = following(start);
    for told in [fault(), None] {
        let effects = session.handle(start, MIDDLE, Input::Keeping(told.clone()));
        let fault = told.map(Text::cut_owned);
        assert_eq!(effects, [Effect::Send(Control::Keeping(Keeping { fault }))]);
    }
}

#[test]
fn what_the_cloud_is_waits_for_the_greetings_answer() {
    let start = now();
    let cloud = Cloud {
        kind: 1,
        version: Text::cut("Keystone v3.14"),
        endpoint: Text::cut("https://cloud.test:5000/v3"),
    };
    let mut session = greeting(start);
    assert!(!session.is_greeted());
    let described = Input::Described(cloud.clone());
    assert_eq!(session.handle(start, MIDDLE, described), []);
    let mut session = following(start);
    assert!(session.is_greeted());
    let described = Input::Described(cloud.clone());
    let effects = session.handle(start, MIDDLE, described);
    assert_eq!(effects, [Effect::Send(Control::Describe(cloud))]);
}
