//! Counters that rise, stand, fall, come and go, and clocks that jump.

use proptest::prelude::*;
use shared::runtime::clock::Clock;

use super::*;

/// No core's share can be told.
const UNKNOWN: [u16; 0] = [];

fn start() -> Instant {
    Clock::system().now()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn core(user: u64, idle: u64, iowait: u64) -> Ticks {
    Ticks {
        busy: [user, 0, 0, 0, 0, 0],
        idle: [idle, iowait],
    }
}

fn interfaces(counted: &[(&str, u64, u64)]) -> Interfaces {
    let named = counted.iter().map(|&(name, received, sent)| {
        let bytes = Bytes { received, sent };
        (name.to_owned(), bytes)
    });
    Interfaces(named.collect())
}

fn told(nics: &[Nic]) -> Vec<(&str, u64, u64)> {
    nics.iter()
        .map(|it| {
            (
                it.name.as_str(),
                it.received_bytes_per_s,
                it.sent_bytes_per_s,
            )
        })
        .collect()
}

#[test]
fn a_core_is_as_busy_as_its_ticks_say() {
    let (mut meter, start) = (Meter::default(), start());
    assert_eq!(
        meter.rates(start, Cores(vec![core(100, 100, 0); 2])),
        UNKNOWN
    );
    let now = Cores(vec![core(125, 170, 5), core(100, 200, 0)]);
    assert_eq!(meter.rates(start + secs(1), now), [250, 0]);
}

#[test]
fn idle_time_that_falls_a_little_makes_no_spike() {
    let (mut meter, start) = (Meter::default(), start());
    meter.rates(start, Cores(vec![core(0, 1000, 50)]));
    let now = Cores(vec![core(10, 1090, 40)]);
    assert_eq!(meter.rates(start + secs(1), now), [100]);
}

#[test]
fn cores_that_come_or_begin_anew_are_not_told_once() {
    let (mut meter, start) = (Meter::default(), start());
    let mut rates = |step, cores| meter.rates(start + secs(step), Cores(cores));
    rates(0, vec![core(50, 50, 0)]);
    assert_eq!(rates(1, vec![core(60, 60, 0); 2]), UNKNOWN);
    assert_eq!(rates(2, vec![core(70, 80, 0); 2]), [333, 333]);
    assert_eq!(
        rates(3, vec![core(1, 2, 0); 2]),
        UNKNOWN,
        "moved to another host"
    );
    assert_eq!(rates(4, vec![core(2, 2, 0); 2]), [1000, 1000]);
}

#[test]
fn rates_are_by_the_second() {
    let (mut meter, start) = (Meter::default(), start());
    let first = meter.rates(start, interfaces(&[("eth0", 1_000, 10)]));
    assert_eq!(told(&first), [("eth0", 0, 0)]);
    let now = interfaces(&[("eth0", 3_500, 10), ("tap1", 1 << 40, 0)]);
    let rates = meter.rates(start + Duration::from_millis(2_500), now);
    assert_eq!(told(&rates), [("eth0", 1_000, 0), ("tap1", 0, 0)]);
}

#[test]
fn a_counter_that_wrapped_or_began_anew_makes_no_spike() {
    let (mut meter, start) = (Meter::default(), start());
    meter.rates(
        start,
        interfaces(&[("eth0", u64::from(u32::MAX), u64::MAX)]),
    );
    let rates = meter.rates(start + secs(1), interfaces(&[("eth0", 700, 300)]));
    assert_eq!(told(&rates), [("eth0", 700, 300)]);
}

#[test]
fn a_sample_too_soon_tells_the_last_rates_and_counts_on() {
    let (mut meter, start) = (Meter::default(), start());
    meter.rates(start, interfaces(&[("eth0", 0, 0)]));
    let rates = meter.rates(start + secs(1), interfaces(&[("eth0", 500, 0)]));
    let soon = start + secs(1) + INTERVAL_MIN / 2;
    let again = meter.rates(soon, interfaces(&[("eth0", 9_000, 0)]));
    assert_eq!(again, rates);
    let later = meter.rates(start + secs(11), interfaces(&[("eth0", 10_500, 0)]));
    assert_eq!(told(&later), [("eth0", 1_000, 0)]);
}

#[test]
fn a_clock_that_went_back_begins_anew() {
    let (mut meter, start) = (Meter::default(), start());
    meter.rates(start + secs(10), interfaces(&[("eth0", 500, 0)]));
    let rates = meter.rates(start, interfaces(&[("eth0", 1_000, 0)]));
    assert_eq!(told(&rates), [("eth0", 0, 0)]);
    let rates = meter.rates(start + secs(1), interfaces(&[("eth0", 1_100, 0)]));
    assert_eq!(told(&rates), [("eth0", 100, 0)]);
}

#[test]
fn the_busiest_interfaces_are_told_by_name() {
    let many = (0..200).map(|number| {
        let bytes = Bytes {
            received: if number % 4 == 0 { 1_000 + number } else { 1 },
            sent: 0,
        };
        (format!("tap{number:03}"), bytes)
    });
    let mut meter = Meter::default();
    let nics = meter.rates(start(), Interfaces(many.collect()));
    assert_eq!(nics.len(), NICS_MAX);
    assert!(nics.is_sorted_by_key(|nic| nic.name.clone()));
    let busy = nics.iter().filter(|nic| {
        let number: u32 = nic.name.trim_start_matches("tap").parse().unwrap();
        number.is_multiple_of(4)
    });
    assert_eq!(busy.count(), 50, "all that carried much are among them");
}

fn any_core() -> impl Strategy<Value = Ticks> {
    (any::<[u64; 6]>(), any::<[u64; 2]>()).prop_map(|(busy, idle)| Ticks { busy, idle })
}

proptest! {
    #[test]
    fn no_counter_makes_a_share_beyond_all(
        before in prop::collection::vec(any_core(), 0..4),
        now in prop::collection::vec(any_core(), 0..4),
    ) {
        let (mut meter, start) = (Meter::default(), start());
        meter.rates(start, Cores(before));
        let shares = meter.rates(start + secs(1), Cores(now.clone()));
        prop_assert!(shares.iter().all(|share| *share <= 1000));
        prop_assert!(shares.is_empty() || shares.len() == now.len());
    }

    #[test]
    fn no_rate_is_beyond_what_was_counted(
        before in any::<(u64, u64)>(),
        now in any::<(u64, u64)>(),
        seconds in 1_u64..1_000_000,
    ) {
        let (mut meter, start) = (Meter::default(), start());
        meter.rates(start, interfaces(&[("eth0", before.0, before.1)]));
        let counted = interfaces(&[("eth0", now.0, now.1)]);
        let nics = meter.rates(start + secs(seconds), counted);
        prop_assert!(nics[0].received_bytes_per_s <= now.0 / seconds);
        prop_assert!(nics[0].sent_bytes_per_s <= now.1 / seconds);
    }
}
