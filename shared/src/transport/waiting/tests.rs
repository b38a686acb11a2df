//! Who waits, who goes, and whose turn it is.

use std::net::{Ipv4Addr, SocketAddr};

use proptest::prelude::*;

use super::*;
use crate::runtime::clock::Clock;

fn source(number: u8) -> Source {
    Source::of(SocketAddr::from((Ipv4Addr::new(192, 0, 2, number), 7443)))
}

fn anywhere(_: Source) -> Option<()> {
    Some(())
}

fn all(waiting: &mut Waiting<u32>, now: Instant) -> Vec<u32> {
    let turns = std::iter::from_fn(|| match waiting.next(now, anywhere) {
        Turn::Next(caller, ()) => Some(caller),
        Turn::Late(caller) => panic!("{caller} was late"),
        Turn::Nobody => None,
    });
    turns.collect()
}

#[test]
fn sources_take_turns() {
    let (mut waiting, now) = (Waiting::new(100), Clock::system().now());
    for caller in 0..5 {
        assert_eq!(waiting.join(now, source(1), caller), None);
    }
    assert_eq!(waiting.join(now, source(2), 10), None);
    assert_eq!(waiting.join(now, source(3), 20), None);
    assert_eq!(waiting.join(now, source(3), 21), None);
    assert_eq!(waiting.count(), 8);
    assert_eq!(all(&mut waiting, now), [0, 10, 20, 1, 21, 2, 3, 4]);
    assert_eq!(waiting.count(), 0);
}

#[test]
fn a_source_without_a_place_holds_off_nobody_else() {
    let (mut waiting, now) = (Waiting::new(100), Clock::system().now());
    for number in 1..=3 {
        waiting.join(now, source(number), u32::from(number));
    }
    let but_one = |it| (it != source(1)).then_some("place");
    assert_eq!(waiting.next(now, but_one), Turn::Next(2, "place"));
    assert_eq!(waiting.next(now, but_one), Turn::Next(3, "place"));
    assert_eq!(waiting.next(now, but_one), Turn::Nobody);
    assert_eq!(waiting.next(now, anywhere), Turn::Next(1, ()));
}

#[test]
fn when_all_is_full_the_last_of_a_long_line_goes() {
    let (mut waiting, now) = (Waiting::new(4), Clock::system().now());
    for caller in 0..4 {
        waiting.join(now, source(1), caller);
    }
    assert_eq!(waiting.join(now, source(1), 4), Some(4), "it itself");
    assert_eq!(waiting.join(now, source(2), 10), Some(3));
    assert_eq!(waiting.join(now, source(3), 20), Some(2));
    assert_eq!(waiting.join(now, source(2), 11), Some(11), "as long then");
    assert_eq!(waiting.join(now, source(4), 30), Some(1));
    assert_eq!(waiting.join(now, source(5), 40), Some(40), "none is long");
    assert_eq!(all(&mut waiting, now), [0, 10, 20, 30]);
}

#[test]
fn who_has_given_up_gets_no_place() {
    let (mut waiting, begun) = (Waiting::new(4), Clock::system().now());
    waiting.join(begun, source(1), 1);
    let soon = begun + WAIT_MAX / 2;
    waiting.join(soon, source(1), 2);
    let late = begun + WAIT_MAX + Duration::from_millis(1);
    let nowhere = |_| None::<()>;
    assert_eq!(waiting.next(soon, nowhere), Turn::Nobody);
    assert_eq!(waiting.next(late, nowhere), Turn::Late(1));
    assert_eq!(waiting.next(late, nowhere), Turn::Nobody);
    assert_eq!(all(&mut waiting, late), [2]);
}

#[test]
fn whoever_floods_makes_room_for_all_others() {
    let (mut waiting, now) = (Waiting::new(100), Clock::system().now());
    for caller in 0..1000 {
        waiting.join(now, source(0), caller);
    }
    for number in 1..=99 {
        assert!(
            waiting.join(now, source(number), 1000) < Some(1000),
            "{number}"
        );
    }
    assert_eq!(waiting.join(now, source(100), 1000), Some(1000));
}

proptest! {
    /// Whatever comes and goes: nobody is lost, nobody is served twice, the bound holds, and no
    /// line is kept of a source that nobody waits for.
    #[test]
    fn everyone_is_served_once_or_told_to_go(steps: Vec<(u8, bool)>) {
        let (mut waiting, now) = (Waiting::new(7), Clock::system().now());
        let (mut left, mut came) = (Vec::new(), 0);
        for (number, joins) in steps {
            if joins {
                left.extend(waiting.join(now, source(number % 5), came));
                came += 1;
            } else if let Turn::Next(caller, ()) = waiting.next(now, anywhere) {
                left.push(caller);
            }
            prop_assert!(waiting.count() <= 7);
            prop_assert_eq!(waiting.turns.len(), waiting.lines.len());
            let lines = waiting.lines.iter().map(|(source, line)| (line.len(), *source));
            prop_assert_eq!(&waiting.lengths, &lines.collect());
        }
        left.extend(all(&mut waiting, now));
        left.sort_unstable();
        prop_assert_eq!(left, (0..came).collect::<Vec<u32>>());
        prop_assert!(waiting.turns.is_empty() && waiting.lines.is_empty());
    }
}
