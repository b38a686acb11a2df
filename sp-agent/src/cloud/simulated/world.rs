//! A cloud without a clock: told the time, it becomes what it must have become until then.
//!
//! Owns the rows of servers, volumes and floating IPs, and the ledger of what they use. Its life
//! is a sequence of moments: at most one chosen action each (`life`), and the ends of what was
//! begun (a build, a move, a deletion). What happens depends on the seed alone, never on how often
//! anybody asks; only a gap so long that nobody could catch up with it is slept through.

mod floating;
mod life;
mod nodes;
mod population;
mod quotas;
mod servers;
mod told;
mod volumes;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use shared::model::UnixMillis;

use super::ledger::Ledger;
use super::names::Names;
use super::options::Plan;
use super::rows::{Rows, Serial};
use floating::Address;
use servers::Machine;
pub use told::{Cursor, PAGE_RECORDS_MAX};
use volumes::Disk;

/// A cloud that was away for more events than this (57 days of the busiest preset) slept: catching
/// up with more would cost more than a few seconds, and a clock that jumps must not cost hours.
const CATCH_UP_EVENTS_MAX: u64 = 5_000_000;

/// A simulated cloud at one moment.
#[derive(Debug, Clone)]
pub struct World {
    plan: Plan,
    names: Names,
    born: UnixMillis,
    /// Until when everything has happened.
    lived: UnixMillis,
    /// The moment that is happening, or happened last; more may happen in it.
    now: UnixMillis,
    random: ChaCha8Rng,
    servers: Rows<Machine>,
    volumes: Rows<Disk>,
    addresses: Rows<Address>,
    ledger: Ledger,
    /// Nodes that are down or disabled now.
    nodes_out: u32,
    /// Ends of what was begun; at most one for each server, volume and node.
    ends: BinaryHeap<Reverse<End>>,
    ends_made: u64,
    next_action: UnixMillis,
}

/// Something that was begun comes to its end. Ordered by time, then by who came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    at: UnixMillis,
    order: u64,
    of: EndOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum EndOf {
    Server(Serial),
    Volume(Serial),
    Node(u32),
}

impl World {
    /// A cloud as it is at its birth.
    pub fn new(plan: Plan, born: UnixMillis) -> Self {
        let names = Names { seed: plan.seed };
        let mut world = Self {
            names,
            born,
            lived: born,
            now: born,
            random: ChaCha8Rng::seed_from_u64(plan.seed),
            servers: Rows::new(plan.servers, born),
            volumes: Rows::new(plan.volumes, born),
            addresses: Rows::new(plan.floating_ips, born),
            ledger: Ledger::new(&plan, names),
            nodes_out: 0,
            ends: BinaryHeap::new(),
            ends_made: 0,
            next_action: born,
            plan,
        };
        world.populate();
        world.next_action = world.after_a_while(born);
        world
    }

    /// When its life began.
    pub const fn born(&self) -> UnixMillis {
        self.born
    }

    /// Until when it has lived. What happens from here on happens later than this, also while
    /// [`Self::advance_some`] is on its way.
    pub const fn lived(&self) -> UnixMillis {
        self.lived
    }

    /// Lives until `to`; an earlier time than [`Self::lived`] changes nothing.
    pub fn advance_to(&mut self, to: UnixMillis) {
        while !self.advance_some(to, u32::MAX) {}
    }

    /// Lives towards `to`, at most `events_max` events far; true when it got there. For a caller
    /// that must let others run in between.
    pub fn advance_some(&mut self, to: UnixMillis, events_max: u32) -> bool {
        self.sleep_through_a_gap(to);
        for _ in 0..events_max {
            let end = self.ends.peek().map(|Reverse(end)| end.at);
            let end = end.filter(|at| *at <= self.next_action);
            let next = end.unwrap_or(self.next_action);
            if next > to || next == NEVER {
                self.now = self.now.max(to);
                // Not the moment itself: somebody else may be on the way to a later time.
                self.lived = self.lived.max(to);
                return true;
            }
            self.now = self.now.max(next);
            match end.and_then(|_| self.ends.pop()) {
                Some(Reverse(end)) => self.finish(end.of),
                None => {
                    self.next_action = self.after_a_while(self.next_action);
                    self.act();
                }
            }
        }
        false
    }

    fn finish(&mut self, what: EndOf) {
        match what {
            EndOf::Server(serial) => self.finish_server(serial),
            EndOf::Volume(serial) => self.finish_volume(serial),
            EndOf::Node(number) => self.finish_node(number),
        }
    }

    fn sleep_through_a_gap(&mut self, to: UnixMillis) {
        let gap_millis = to.0.saturating_sub(self.next_action.0);
        if self.next_action != NEVER && gap_millis / self.action_gap_millis() > CATCH_UP_EVENTS_MAX
        {
            self.next_action = to;
        }
    }

    /// When the next action is due after `moment`, by pace and chance.
    fn after_a_while(&mut self, moment: UnixMillis) -> UnixMillis {
        if self.plan.pace == 0 {
            return NEVER;
        }
        let gap_max = 2 * self.action_gap_millis();
        let gap = self.random.random_range(1..=gap_max);
        moment.plus(Duration::from_millis(gap))
    }

    /// The mean time between two actions; at least a millisecond.
    const fn action_gap_millis(&self) -> u64 {
        let pace = if self.plan.pace == 0 {
            1
        } else {
            self.plan.pace
        };
        let gap = 60_000 / pace as u64;
        if gap == 0 { 1 } else { gap }
    }

    /// Has what was begun now end after a time out of `seconds`.
    fn end_later(&mut self, of: EndOf, seconds: std::ops::Range<u64>) {
        let wait = self
            .random
            .random_range(seconds.start * 1000..seconds.end * 1000);
        let end = End {
            at: self.now.plus(Duration::from_millis(wait)),
            order: self.ends_made,
            of,
        };
        self.ends_made += 1;
        self.ends.push(Reverse(end));
    }

    /// A number below `below` (0 for 0).
    fn roll(&mut self, below: u32) -> u32 {
        roll(&mut self.random, below)
    }

    /// Whether a chance of `permille` comes true.
    fn chance(&mut self, permille: u32) -> bool {
        self.roll(1000) < permille
    }

    /// Some project: low numbers are large, as a few projects own most of every cloud.
    fn some_project(&mut self) -> u32 {
        let draw = u64::from(self.random.random::<u32>());
        let skewed = (draw * draw) >> 32;
        ((skewed * u64::from(self.plan.projects)) >> 32) as u32
    }
}

/// [`World::roll`] for who holds another part of the world.
fn roll(random: &mut ChaCha8Rng, below: u32) -> u32 {
    random.random_range(0..below.max(1))
}

/// The end of time: a cloud of no pace does nothing.
const NEVER: UnixMillis = UnixMillis(u64::MAX);

#[cfg(test)]
mod tests;
