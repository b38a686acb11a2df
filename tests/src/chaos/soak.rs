//! The same chaos with real daemons: a hub, three agents that are killed, Keystones that fail, of
//! which one may be real, and then is killed as well.
//!
//! A seed draws the same once more: what is tried, and which call fails how. Real daemons and a
//! real Keystone take their time, so that what meets what is another matter each time.
//!
//! ```text
//! operations: edits ─▶ hub ─▶ agents ─▶ door of faults ─▶ Keystone ◀─ local operations   region
//! rest:       help, cures ─▶ settle ─▶ verdict: the Keystone against the directory, both ways
//! ```

mod help;
mod region;
mod settle;
mod verdict;

use std::time::{Duration, Instant};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::runtime::Runtime;

use self::region::Site;
use super::rest::Rest;
use super::{edits, pick};
use crate::keystone::{Fault, Faults, Options};
use crate::lab::{Lab, succeeded};

/// Faults that are over at once; those that hang take the agent's patience, five seconds each.
const QUICK: [Fault; 4] = [
    Fault::FailedBefore,
    Fault::FailedAfter,
    Fault::Busy,
    Fault::Closed,
];

/// The directory is looked at again after so many edits, to have something to edit.
const LOOK_EVERY: usize = 10;

/// For so many operations a Keystone is dead that was killed.
const DEAD_FOR: usize = 15;

/// In so many operations each way of failing is met.
const HARD_FROM: usize = 1000;

/// How to soak.
#[derive(Debug, Clone)]
pub struct Soak {
    /// What everything is drawn from.
    pub seed: u64,
    /// Operations, at the hub and in the regions.
    pub operations: usize,
    /// Whether one of the three Keystones is a real one.
    pub real: bool,
    /// Whether requests hang too.
    pub hangs: bool,
    /// How long all may take to come to rest afterwards.
    pub patience: Duration,
}

impl Soak {
    fn among(&self) -> &'static [Fault] {
        match self.hangs {
            true => &Fault::ALL,
            false => &QUICK,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Soaked {
    /// Edits that the hub made.
    pub edits: u64,
    /// What was done in the regions.
    pub local: u64,
    /// Agents that were killed.
    pub killed: u64,
    /// Real Keystones that were killed.
    pub keystones_killed: u64,
    /// How long the operations took.
    pub lived: Duration,
    /// And then until all Keystones were what the directory says.
    pub settled: Duration,
}

struct Run {
    chance: ChaCha8Rng,
    soak: Soak,
    lab: Lab,
    rest: Rest,
    sites: Vec<Site>,
    merged: Vec<usize>,
    next: u128,
    done: Soaked,
}

/// Says how a soak is played again that fails in whatever way.
struct Again(u64);

impl Drop for Again {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "failed: --seed {}, with the same options, draws it again",
                self.0
            );
        }
    }
}

/// Lives so many operations, and checks what must hold afterwards. Tells how far it is.
pub fn soak(soak: Soak) -> Soaked {
    eprintln!("--seed {} draws this again", soak.seed);
    let _again = Again(soak.seed);
    let runtime = Runtime::new().unwrap();
    let mut run = Run::new(soak, &runtime);
    let begun = Lab::now();
    run.live();
    run.done.lived = begun.elapsed();
    let begun = Lab::now();
    run.settle();
    run.done.settled = begun.elapsed();
    run.writes_nothing_more();
    run.was_hard();
    run.done
}

impl Run {
    fn new(soak: Soak, runtime: &Runtime) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(soak.seed);
        let lab = Lab::found();
        let mut sites = Vec::new();
        for (number, name) in ["north", "south", "west"].into_iter().enumerate() {
            let mut site = match soak.real && number == 0 {
                true => {
                    let cloud = format!("chaos-soak-{}", soak.seed);
                    Site::real(&lab, runtime, name, &cloud)
                }
                false => {
                    let options = Options {
                        seed: soak.seed * 3 + number as u64,
                        folds_case: chance.random(),
                    };
                    Site::simulated(&lab, runtime, name, options)
                }
            };
            site.furnish(&mut chance);
            sites.push(site);
        }
        let rest = Rest::new(&lab.socket());
        Self {
            chance,
            soak,
            lab,
            rest,
            sites,
            merged: Vec::new(),
            next: 0,
            done: Soaked::default(),
        }
    }

    fn faults(&self, writes: u32, reads: u32) {
        let among = self.soak.among();
        for (number, site) in self.sites.iter().enumerate() {
            let seed = self.soak.seed + number as u64;
            site.fail(Faults::of(seed, writes, among).of_reads(reads));
        }
    }

    fn live(&mut self) {
        let mut order = vec![0, 1, 2];
        order.shuffle(&mut self.chance);
        let operations = self.soak.operations;
        let joins = [0, operations / 20, operations / 2];
        let deaths = [3, 6, 8].map(|it| operations * it / 10);
        let mut directory = self.rest.directory();
        let begun = Lab::now();
        for number in 0..operations {
            for (_, at) in joins.iter().zip(&order).filter(|(it, _)| **it == number) {
                self.merge(*at);
            }
            if number % LOOK_EVERY == 0 {
                directory = self.rest.directory();
            }
            if self.chance.random_bool(0.25) {
                let at = self.chance.random_range(0..self.sites.len());
                let done = self.sites[at].operate(&mut self.chance);
                self.done.local += u64::from(done);
            } else {
                for edit in edits::draw(&mut self.chance, &directory, &mut self.next) {
                    self.done.edits += u64::from(self.rest.edit(&edit));
                }
            }
            if self.chance.random_bool(0.02) {
                self.kill();
            }
            if deaths.contains(&number) {
                self.kill_keystones();
            }
            if deaths.iter().any(|it| number == it + DEAD_FOR) {
                self.revive();
            }
            if number % 100 == 99 {
                self.tell(number + 1, begun);
            }
        }
    }

    fn merge(&mut self, at: usize) {
        self.revive();
        let site = &mut self.sites[at];
        self.lab.merge(site.name);
        let plan = format!("/regions/{}/organization/plan", site.name);
        site.is_merged(&self.rest.items(&plan));
        let policy = ["ask", "put-back", "adopt"][self.merged.len() % 3];
        succeeded(self.lab.ask(&["org", "policy", site.name, policy]));
        self.merged.push(at);
        // Of the readings that a plan is made of, none fails.
        let is_last = self.merged.len() == self.sites.len();
        self.faults(60, if is_last { 5 } else { 0 });
    }

    fn kill(&mut self) {
        if let Some(site) = pick(&mut self.chance, &mut self.sites) {
            site.agent.daemon.kill();
            site.agent.daemon.again();
            self.done.killed += 1;
        }
    }

    /// Right behind an edit, so that orders are under way.
    fn kill_keystones(&mut self) {
        for site in &mut self.sites {
            self.done.keystones_killed += u64::from(site.kill_keystone());
        }
    }

    fn revive(&mut self) {
        self.sites.iter_mut().for_each(Site::revive);
    }

    fn tell(&self, number: usize, begun: Instant) {
        let Soaked {
            edits,
            local,
            killed,
            ..
        } = self.done;
        let (of, passed) = (self.soak.operations, begun.elapsed().as_secs());
        let sites: Vec<String> = self.sites.iter().map(Site::told).collect();
        eprintln!(
            "{number} of {of} operations in {passed} s: {edits} edits, {local} in regions, \
             {killed} agents killed; {}",
            sites.join("; ")
        );
    }

    /// A real Keystone was killed, and its calls failed in whatever way there is, where there were
    /// operations enough for that.
    fn was_hard(&self) {
        let ways = self.sites.iter().filter_map(Site::ways_of_failing).next();
        let Some(ways) = ways.filter(|_| self.soak.operations >= HARD_FROM) else {
            return;
        };
        let all = (self.soak.among().len(), 3);
        assert_eq!((ways, self.done.keystones_killed), all);
    }
}
