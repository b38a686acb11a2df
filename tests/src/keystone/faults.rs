//! When and how the simulated Keystone fails, decided by a seed.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// HTTP 500, and nothing was done.
    FailedBefore,
    /// HTTP 500, though it was done.
    FailedAfter,
    /// HTTP 503, and nothing was done.
    Busy,
    /// No answer ever, and nothing was done.
    HungBefore,
    /// No answer ever, though it was done.
    HungAfter,
    /// It was done, and the connection closed before the answer.
    Closed,
    /// It is done, and answered late.
    Slow,
}

impl Fault {
    /// Every way.
    pub const ALL: [Self; 7] = [
        Self::FailedBefore,
        Self::FailedAfter,
        Self::Busy,
        Self::HungBefore,
        Self::HungAfter,
        Self::Closed,
        Self::Slow,
    ];
}

/// A plan of failures.
#[derive(Debug, Clone)]
pub struct Faults {
    chance: ChaCha8Rng,
    permille: u32,
    among: Vec<Fault>,
    /// Of 1,000 reads so many fail, where that is another share.
    reads_permille: Option<u32>,
    /// How late a [`Fault::Slow`] answer is.
    pub slow: Duration,
    next: Vec<Fault>,
}

impl Faults {
    /// No failures.
    pub fn none() -> Self {
        Self::of(0, 0, &[])
    }

    /// Of 1,000 requests about `permille` fail, each in one of these ways.
    pub fn of(seed: u64, permille: u32, among: &[Fault]) -> Self {
        Self {
            chance: ChaCha8Rng::seed_from_u64(seed),
            permille,
            among: among.to_vec(),
            reads_permille: None,
            slow: Duration::from_millis(200),
            next: Vec::new(),
        }
    }

    /// The next requests fail so, one after the other, and none behind them.
    pub fn next(faults: &[Fault]) -> Self {
        let mut plan = Self::none();
        plan.next = faults.iter().rev().copied().collect();
        plan
    }

    /// The same, but reads don't fail.
    pub fn of_writes(self) -> Self {
        self.of_reads(0)
    }

    /// The same, but of 1,000 reads so many fail.
    pub fn of_reads(mut self, permille: u32) -> Self {
        self.reads_permille = Some(permille);
        self
    }

    pub(super) fn draw(&mut self, is_write: bool) -> Option<Fault> {
        let reads = self.reads_permille.unwrap_or(self.permille);
        let permille = if is_write { self.permille } else { reads };
        if !is_write && self.reads_permille == Some(0) {
            return None;
        }
        if let Some(fault) = self.next.pop() {
            return Some(fault);
        }
        if self.among.is_empty() || self.chance.random_range(0..1000) >= permille {
            return None;
        }
        let at = self.chance.random_range(0..self.among.len());
        self.among.get(at).copied()
    }
}
