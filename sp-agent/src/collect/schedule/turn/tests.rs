//! When a part is read, and when again.

use super::*;

#[allow(
    clippy::disallowed_methods,
    reason = "any instant will do as the beginning of virtual time"
)]
fn beginning() -> Instant {
    Instant::now()
}

/// How long after an audit that took `took` seconds the next one begins, where it was said,
/// `said` seconds after its beginning, that one is needed which begins at `since` or later.
fn next_audit(took: u64, said: u64, since: u64) -> Option<Duration> {
    let begun = beginning();
    let at = |secs| begun + Duration::from_secs(secs);
    let mut turn = Turn::new(begun, Part::Departments, &Options::default());
    turn.start(begun, Work::Audit(Part::Departments));
    if said < took {
        turn.wanted(at(said), Some(at(since)), None);
    }
    turn.audited(at(took), Outcome::Read, 0);
    if said >= took {
        turn.wanted(at(said), Some(at(since)), None);
    }
    let (due, _) = turn.waiting().next()?;
    Some(due - at(took))
}

#[test]
fn an_audit_that_is_wanted_while_one_is_under_way_follows_it_at_once() {
    let soon = super::super::INTERVAL_MIN;
    // It passed by what is waited for, however long it took.
    assert_eq!(next_audit(2, 1, 1), Some(soon));
    assert_eq!(next_audit(30, 29, 20), Some(soon));
    // It began late enough.
    let interval = Some(Options::default().organization);
    assert_eq!(next_audit(2, 1, 0), interval);
    assert_eq!(next_audit(2, 5, 0), interval);
    // Said when none runs.
    assert_eq!(next_audit(2, 10, 10), Some(soon + Duration::from_secs(8)));
}

/// As where somebody takes links away all day.
#[test]
fn what_is_wanted_again_and_again_and_can_wait_takes_no_more_than_a_tenth_of_the_time() {
    for took in [1, 60] {
        let (took, mut now) = (Duration::from_secs(took), beginning());
        let mut turn = Turn::new(now, Part::Users, &Options::default());
        let mut begun = Vec::new();
        for _ in 0..10 {
            turn.start(now, Work::Audit(Part::Users));
            begun.push(now);
            turn.wanted(now + took / 2, None, Some(now + took / 2));
            now += took;
            turn.audited(now, Outcome::Read, 0);
            turn.wanted(now, None, Some(now));
            now = turn.waiting().next().unwrap().0;
        }
        // Of the first two nobody knows yet what is usual.
        let (first, last) = (begun[2], begun[9]);
        let pause = (last - first) / 7;
        assert!(pause >= took * 9 && pause <= took * 10, "{pause:?}");
    }
}

#[test]
fn what_is_being_written_is_read_seldom_until_all_is_written_or_somebody_needs_it() {
    let begun = beginning();
    let at = |secs| begun + Duration::from_secs(secs);
    let interval = Options::default().organization;
    let mut turn = Turn::new(begun, Part::Users, &Options::default());
    let due = |turn: &Turn| turn.waiting().next().unwrap().0;
    turn.spare(true);
    assert_eq!(due(&turn), at(0), "the first one is waited for");
    turn.start(at(0), Work::Audit(Part::Users));
    turn.audited(at(1), Outcome::Read, 0);
    assert_eq!(due(&turn), at(0) + SPARED_INTERVAL);
    turn.spare(false);
    assert_eq!(due(&turn), at(1) + interval, "as if nothing had been");
    turn.spare(true);
    assert_eq!(due(&turn), at(0) + SPARED_INTERVAL);
    turn.wanted(at(7), Some(at(7)), None);
    assert!(due(&turn) < at(9));
    turn.start(at(8), Work::Audit(Part::Users));
    turn.audited(at(9), Outcome::Read, 0);
    assert_eq!(due(&turn), at(8) + SPARED_INTERVAL, "nobody waits any more");
}

#[test]
fn what_could_be_read_in_part_alone_is_read_again_in_its_time_whatever_is_written() {
    let begun = beginning();
    let at = |secs| begun + Duration::from_secs(secs);
    let interval = Options::default().organization;
    let mut turn = Turn::new(begun, Part::Users, &Options::default());
    turn.spare(true);
    turn.start(at(0), Work::Audit(Part::Users));
    let in_vain = Duration::ZERO;
    turn.audited(at(1), Outcome::ReadInPart { in_vain }, 0);
    let due = |turn: &Turn| turn.waiting().next().unwrap().0;
    assert_eq!(due(&turn), at(1) + interval);
    turn.start(at(61), Work::Audit(Part::Users));
    turn.audited(at(62), Outcome::Read, 0);
    assert_eq!(due(&turn), at(61) + SPARED_INTERVAL);
}

/// When the next audit is due after each of some that took so long, and so much of it in vain,
/// counted from its end.
fn pauses(of: &[(u64, u64)]) -> Vec<u64> {
    let secs = Duration::from_secs;
    let mut now = beginning();
    let mut turn = Turn::new(now, Part::Users, &Options::default());
    let each = of.iter().map(|(took, in_vain)| {
        turn.start(now, Work::Audit(Part::Users));
        now += secs(*took);
        let outcome = match in_vain {
            0 => Outcome::Read,
            _ => Outcome::ReadInPart {
                in_vain: secs(*in_vain),
            },
        };
        turn.audited(now, outcome, 0);
        let due = turn.waiting().next().unwrap().0;
        let pause = due - now;
        now = due;
        pause.as_secs()
    });
    each.collect()
}

#[test]
fn a_hang_is_not_rested_for() {
    // A cloud that hangs once for four minutes, at first or later.
    assert_eq!(pauses(&[(241, 0), (1, 0)]), [60, 60]);
    assert_eq!(pauses(&[(20, 0), (260, 0), (20, 0)]), [60, 180, 180]);
    // One whose readings take four minutes is large.
    assert_eq!(pauses(&[(240, 0), (240, 0)]), [60, 2160]);
    // A department whose directory server hangs for days.
    let hangs = (152, 150);
    assert_eq!(pauses(&[hangs, hangs, hangs]), [60, 60, 60]);
    let hangs = (170, 150);
    assert_eq!(pauses(&[hangs, hangs, hangs]), [60, 180, 180]);
}

#[test]
fn a_pause_is_nine_times_what_was_done_between_the_interval_and_six_hours() {
    let secs = Duration::from_secs;
    for (took, interval, expected) in [
        (1, 300, 300),
        (33, 300, 300),
        (60, 300, 540),
        (3600, 300, 21_600),
        (3600, 86_400, 86_400),
    ] {
        assert_eq!(
            pause(secs(took), secs(interval)),
            secs(expected),
            "{took} s"
        );
    }
    assert_eq!(pause(Duration::MAX, Duration::ZERO), PAUSE_MAX);
    assert_eq!(pause(Duration::ZERO, Duration::MAX), Duration::MAX);
}
