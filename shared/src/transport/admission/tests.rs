//! Who gets in, who must prove itself, who waits.

use super::*;
use crate::transport::ResetKey;

fn admission() -> Arc<Admission> {
    Admission::new(&ListenOptions {
        connections_max: 100,
        handshakes_max: 8,
        retry_above: 3,
        handshakes_per_source_max: 2,
        joins_max: 3,
        joins_per_source_max: 2,
        ..ListenOptions::new(ResetKey::from_bytes([0; 64]))
    })
}

fn address(text: &str) -> SocketAddr {
    format!("{text}:7443").parse().unwrap()
}

/// What became of an attempt, its place kept in `held`.
fn ask(admission: &Arc<Admission>, held: &mut Vec<Pass>, from: &str, proven: bool) -> &'static str {
    match admission.admit(address(from), proven, 0) {
        Verdict::Admit(pass) => {
            held.push(pass);
            "admit"
        }
        Verdict::Retry => "retry",
        Verdict::Wait(source) => {
            assert_eq!(source, Source::of(address(from)));
            "wait"
        }
        Verdict::Ignore => "ignore",
    }
}

#[test]
fn in_a_flood_of_forged_addresses_the_proven_get_in() {
    let (admission, mut held) = (admission(), Vec::new());
    for i in 0..1000 {
        let verdict = ask(
            &admission,
            &mut held,
            &format!("10.0.{}.{}", i / 250, i % 250),
            false,
        );
        assert_eq!(verdict, if i < 3 { "admit" } else { "retry" });
    }
    assert_eq!(ask(&admission, &mut held, "10.0.0.1", true), "admit");
    let counts = admission.counts();
    assert_eq!(
        (counts.handshakes, counts.sources, counts.retried),
        (4, 1, 997)
    );
    held.clear();
    let counts = admission.counts();
    assert_eq!((counts.handshakes, counts.sources), (0, 0));
}

#[test]
fn one_source_does_not_take_all_places() {
    let (admission, mut held) = (admission(), Vec::new());
    for (from, verdict) in [
        ("192.0.2.1", "admit"),
        ("[::ffff:192.0.2.1]", "admit"),
        ("192.0.2.1", "wait"),
        ("192.0.2.2", "admit"),
        ("[2001:db8::1]", "admit"),
        ("[2001:db8::2]", "admit"),
        ("[2001:db8:0:0:ffff::3]", "wait"),
        ("[2001:db8:0:1::3]", "admit"),
    ] {
        assert_eq!(ask(&admission, &mut held, from, true), verdict, "{from}");
    }
    let full = Source::of(address("192.0.2.1"));
    assert!(admission.place(full).is_none());
    held.remove(0);
    let place = admission.place(full);
    assert!(place.is_some() && admission.place(full).is_none());
}

#[test]
fn beyond_its_bounds_a_hub_lets_wait_or_is_silent() {
    let (admission, mut held) = (admission(), Vec::new());
    for i in 0..8 {
        assert_eq!(
            ask(&admission, &mut held, &format!("192.0.2.{i}"), true),
            "admit"
        );
    }
    assert_eq!(ask(&admission, &mut held, "192.0.2.9", true), "wait");
    assert_eq!(ask(&admission, &mut held, "192.0.2.9", false), "retry");
    held.clear();
    assert!(matches!(
        admission.admit(address("192.0.2.9"), true, 100),
        Verdict::Ignore
    ));
    assert_eq!(admission.counts().ignored, 1);
}

#[test]
fn handshakes_have_less_time_when_places_are_short() {
    let (admission, mut held) = (admission(), Vec::new());
    for i in 0..8 {
        ask(&admission, &mut held, &format!("192.0.2.{i}"), true);
    }
    let times: Vec<u64> = held.iter().map(|pass| pass.time_max().as_secs()).collect();
    assert_eq!(times, [10, 10, 10, 10, 3, 3, 3, 3]);
}

#[test]
fn joins_are_bounded_in_all_and_by_source() {
    let admission = admission();
    let (one, two) = (address("192.0.2.1"), address("192.0.2.2"));
    let first = admission.join(one).unwrap();
    let second = admission.join(one).unwrap();
    assert!(admission.join(one).is_none(), "its own share");
    let _third = admission.join(two).unwrap();
    assert!(second.has_asked() && first.has_asked());
    assert!(admission.join(two).is_none(), "all of them");
    drop(first);
    assert!(admission.join(two).is_some());
    let counts = admission.counts();
    assert_eq!((counts.joins, counts.joins_refused), (2, 2));
}

/// Whether its place was given away.
fn is_displaced(pass: &JoinPass) -> bool {
    use futures_util::FutureExt;
    pass.displaced().now_or_never().is_some()
}

#[test]
fn the_longest_silent_join_of_the_source_that_has_most_gives_way() {
    let admission = admission();
    let sources = ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"].map(address);
    let [alone, mut asked, silent] = [0, 1, 2].map(|it| admission.join(sources[it]).unwrap());
    assert!(asked.has_asked());
    let third = admission.join(sources[3]).unwrap();
    assert_eq!(
        [&alone, &asked, &silent, &third].map(is_displaced),
        [false, false, true, false]
    );
    assert!(!silent.has_asked(), "too late");
    drop(silent);
    let counts = admission.counts();
    assert_eq!((counts.joins, counts.joins_displaced), (3, 1));
    // Where each has one, the longest silent of all.
    let fourth = admission.join(address("192.0.2.4")).unwrap();
    assert!(is_displaced(&alone) && !is_displaced(&third));
    assert!(third.has_asked() && fourth.has_asked());
    assert!(
        admission.join(address("192.0.2.5")).is_none(),
        "none is silent"
    );
    // Who does not take its answer is silent again.
    asked.has_answer();
    let fifth = admission.join(address("192.0.2.5")).unwrap();
    assert!(is_displaced(&asked));
    drop((alone, asked, third, fourth, fifth));
    let counts = admission.counts();
    assert_eq!(
        (counts.joins, counts.sources, counts.joins_refused),
        (0, 0, 1)
    );
    assert!(admission.state().silent.is_empty());
}

#[test]
fn joins_have_less_time_when_places_are_short() {
    let admission = admission();
    let joins = [1, 2, 3].map(|it| admission.join(address(&format!("192.0.2.{it}"))).unwrap());
    let times = joins.each_ref().map(|it| it.request_max().as_secs());
    assert_eq!(times, [10, 3, 3]);
}
