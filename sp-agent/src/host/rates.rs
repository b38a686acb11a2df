//! Counters to rates. Pure: counters and the monotonic time they were read at come in.
//!
//! A counter that fell was reset (an interface made anew, a machine that was moved live, a 32-bit
//! counter that wrapped), and is counted from zero: that may tell too little once, and never a
//! spike. Time comes from a monotonic clock that stands still while the machine sleeps, as the
//! counters do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use procfs::CpuTime;
use shared::model::Nic;

use super::{CORES_MAX, NICS_MAX};

/// In a shorter time there are too few ticks (of 10 ms) to tell a share from; then the last rates
/// are told again, and counting goes on.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Something that is counted.
pub(super) trait Counters: Sized {
    type Rates: Clone + Default;

    /// The rates when there is nothing to compare with.
    fn first(&self) -> Self::Rates;

    /// The rates since `before`, `elapsed` ago.
    fn since(&self, before: &Self, elapsed: Duration) -> Self::Rates;
}

/// Holds what was counted last.
#[derive(Debug)]
pub(super) struct Meter<T: Counters> {
    last: Option<(Instant, T, T::Rates)>,
}

impl<T: Counters> Default for Meter<T> {
    fn default() -> Self {
        Self { last: None }
    }
}

impl<T: Counters> Meter<T> {
    /// The rates since the last call.
    pub(super) fn rates(&mut self, now: Instant, counted: T) -> T::Rates {
        let elapsed = |last: &(Instant, T, T::Rates)| now.checked_duration_since(last.0);
        let rates = match self.last.as_ref().map(|it| (it, elapsed(it))) {
            Some(((_, _, rates), Some(elapsed))) if elapsed < INTERVAL_MIN => {
                return rates.clone();
            }
            Some(((_, before, _), Some(elapsed))) => counted.since(before, elapsed),
            Some((_, None)) | None => counted.first(),
        };
        self.last = Some((now, counted, rates.clone()));
        rates
    }
}

/// Ticks of each core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cores(pub(super) Vec<Ticks>);

/// Ticks of one core since the boot (proc_stat(5)). Guest time is in user time already. Stolen time
/// is busy: the core was not there for anybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    /// User, nice, system, irq, softirq, steal.
    pub(super) busy: [u64; 6],
    /// Idle and waiting for I/O, of which either may fall a little.
    pub(super) idle: [u64; 2],
}

impl From<&CpuTime> for Ticks {
    fn from(it: &CpuTime) -> Self {
        let or_none = |ticks: Option<u64>| ticks.unwrap_or_default();
        Self {
            busy: [
                it.user,
                it.nice,
                it.system,
                or_none(it.irq),
                or_none(it.softirq),
                or_none(it.steal),
            ],
            idle: [it.idle, or_none(it.iowait)],
        }
    }
}

impl Ticks {
    fn total(&self) -> u128 {
        sum(&self.busy) + sum(&self.idle)
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            busy: difference(self.busy, before.busy),
            idle: difference(self.idle, before.idle),
        }
    }

    fn busy_permille(&self) -> u16 {
        let total = self.total().max(1);
        let permille = (sum(&self.busy) * 1000 + total / 2) / total;
        u16::try_from(permille).unwrap_or(1000).min(1000)
    }
}

fn sum(ticks: &[u64]) -> u128 {
    ticks.iter().copied().map(u128::from).sum()
}

fn difference<const N: usize>(now: [u64; N], before: [u64; N]) -> [u64; N] {
    let mut pairs = now.into_iter().zip(before);
    [(); N].map(|()| {
        let pair = pairs.next();
        pair.map_or(0, |(now, before)| now.saturating_sub(before))
    })
}

impl Counters for Cores {
    type Rates = Vec<u16>;

    fn first(&self) -> Vec<u16> {
        Vec::new()
    }

    /// Nothing if cores came or went, or all counters began anew: then which core was how busy
    /// can't be told.
    fn since(&self, before: &Self, _: Duration) -> Vec<u16> {
        let total = |cores: &Self| cores.0.iter().map(Ticks::total).sum::<u128>();
        if self.0.len() != before.0.len() || total(self) < total(before) {
            return Vec::new();
        }
        let cores = self.0.iter().zip(&before.0).take(CORES_MAX);
        cores
            .map(|(now, before)| now.since(before).busy_permille())
            .collect()
    }
}

/// Bytes of each interface, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Interfaces(pub(super) BTreeMap<String, Bytes>);

/// Bytes of one interface since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) received: u64,
    pub(super) sent: u64,
}

impl Counters for Interfaces {
    type Rates = Vec<Nic>;

    fn first(&self) -> Vec<Nic> {
        self.busiest(|_, _| (0, 0))
    }

    fn since(&self, before: &Self, elapsed: Duration) -> Vec<Nic> {
        self.busiest(|name, now| {
            let Some(before) = before.0.get(name) else {
                return (0, 0);
            };
            (
                per_second(now.received, before.received, elapsed),
                per_second(now.sent, before.sent, elapsed),
            )
        })
    }
}

impl Interfaces {
    /// The interfaces that carried most since they were made, by name.
    fn busiest(&self, rates: impl Fn(&str, Bytes) -> (u64, u64)) -> Vec<Nic> {
        let carried = |bytes: &Bytes| bytes.received.saturating_add(bytes.sent);
        let mut busiest: Vec<(&String, &Bytes)> = self.0.iter().collect();
        busiest.sort_by_key(|(_, bytes)| std::cmp::Reverse(carried(bytes)));
        busiest.truncate(NICS_MAX);
        busiest.sort_by_key(|(name, _)| *name);
        let nic = |(name, bytes): (&String, &Bytes)| {
            let (received_bytes_per_s, sent_bytes_per_s) = rates(name, *bytes);
            Nic {
                name: name.clone(),
                received_bytes_per_s,
                sent_bytes_per_s,
            }
        };
        busiest.into_iter().map(nic).collect()
    }
}

fn per_second(now: u64, before: u64, elapsed: Duration) -> u64 {
    let more = now.checked_sub(before).unwrap_or(now);
    let rate = u128::from(more) * 1000 / elapsed.as_millis().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
