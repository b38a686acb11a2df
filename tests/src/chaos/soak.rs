//! The same chaos with real daemons: a hub, three agents that are killed, Keystones that fail, of
//! which one may be real.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use shared::model::{CloudId, Object, ObjectKind};
use tokio::runtime::Runtime;

use super::local::{self, Kept};
use super::place::{Place, Real, told};
use super::rest::Rest;
use super::{edits, pick};
use crate::keystone::{Fault, Faults, Options, SimulatedKeystone};
use crate::lab::{Lab, Region, succeeded};
use crate::openstack::RealCloud;

/// Faults that are over at once; those that hang take the agent's patience, five seconds each.
const QUICK: [Fault; 4] = [
    Fault::FailedBefore,
    Fault::FailedAfter,
    Fault::Busy,
    Fault::Closed,
];

/// The directory is looked at again after so many edits, to have something to edit.
const LOOK_EVERY: usize = 10;

/// How long a second sync is waited for: an agent reads its cloud every 10 s.
const SECOND_SYNC: Duration = Duration::from_secs(12);

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

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Soaked {
    /// Edits that the hub made.
    pub edits: u64,
    /// What was done in the regions.
    pub local: u64,
    /// Agents that were killed.
    pub killed: u64,
    /// How long the operations took.
    pub lived: Duration,
    /// And then until all Keystones were what the directory says.
    pub settled: Duration,
}

enum Cloud {
    Simulated(SimulatedKeystone),
    /// And what ends it.
    Real(Box<(Real, RealCloud)>),
}

struct Site {
    name: &'static str,
    cloud: Cloud,
    agent: Region,
    kept: Kept,
}

impl Site {
    fn place(&self) -> &dyn Place {
        match &self.cloud {
            Cloud::Simulated(it) => it,
            Cloud::Real(it) => &it.0,
        }
    }

    fn told(&self) -> BTreeSet<String> {
        told(&self.place().organization(), |it| {
            it.to_string() == "default"
        })
    }
}

/// A simulated one only counts.
fn writes(sites: &[Site]) -> Vec<u64> {
    let writes = sites.iter().map(|it| match &it.cloud {
        Cloud::Simulated(it) => it.writes(),
        Cloud::Real(..) => 0,
    });
    writes.collect()
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

/// Lives so many operations, and checks what must hold afterwards. Tells how far it is.
pub fn soak(soak: Soak) -> Soaked {
    let runtime = Runtime::new().unwrap();
    let mut run = Run::new(soak, &runtime);
    let begun = Lab::now();
    run.live();
    run.done.lived = begun.elapsed();
    let begun = Lab::now();
    run.settle();
    run.done.settled = begun.elapsed();
    run.writes_nothing_more();
    run.done
}

impl Run {
    fn new(soak: Soak, runtime: &Runtime) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(soak.seed);
        let lab = Lab::found();
        let mut sites = Vec::new();
        for (number, name) in ["north", "south", "west"].into_iter().enumerate() {
            let site = match soak.real && number == 0 {
                true => Self::real(&lab, name),
                false => {
                    let seed = soak.seed * 3 + number as u64;
                    let options = Options {
                        seed,
                        folds_case: chance.random(),
                    };
                    let cloud = runtime.block_on(SimulatedKeystone::start(options));
                    let agent = lab.join_keystone(name, &cloud);
                    (Cloud::Simulated(cloud), agent)
                }
            };
            let (cloud, agent) = site;
            let kept = Kept::default();
            let mut site = Site {
                name,
                cloud,
                agent,
                kept,
            };
            for name in ["research", "sales"] {
                let body = json!({ "domain": { "name": name } });
                assert!(site.place().ask("POST", "/domains", &body));
            }
            for _ in 0..20 {
                Self::operate_in(&mut site, &mut chance);
            }
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

    fn real(lab: &Lab, name: &str) -> (Cloud, Region) {
        let cloud = RealCloud::up("chaos-soak", &["--services", "keystone"]);
        let agent = lab.join_openstack(name, &cloud);
        let real = Real(cloud.admin());
        (Cloud::Real(Box::new((real, cloud))), agent)
    }

    fn operate_in(site: &mut Site, chance: &mut ChaCha8Rng) -> bool {
        let Site { cloud, kept, .. } = site;
        match cloud {
            Cloud::Simulated(it) => local::operate(it, kept, chance),
            Cloud::Real(it) => local::operate(&it.0, kept, chance),
        }
    }

    fn faults(&self, permille: u32) {
        let among = if self.soak.hangs {
            &Fault::ALL[..]
        } else {
            &QUICK[..]
        };
        for (number, site) in self.sites.iter().enumerate() {
            if let Cloud::Simulated(it) = &site.cloud {
                let seed = self.soak.seed + number as u64;
                it.fail(Faults::of(seed, permille, among).of_writes());
            }
        }
    }

    fn live(&mut self) {
        let mut order = vec![0, 1, 2];
        order.shuffle(&mut self.chance);
        let joins = [0, self.soak.operations / 20, self.soak.operations / 2];
        let mut directory = self.rest.directory();
        let begun = Lab::now();
        for number in 0..self.soak.operations {
            for (_, at) in joins.iter().zip(&order).filter(|(it, _)| **it == number) {
                self.merge(*at);
            }
            if number % LOOK_EVERY == 0 {
                directory = self.rest.directory();
            }
            if self.chance.random_bool(0.25) {
                let at = self.chance.random_range(0..self.sites.len());
                let done = Self::operate_in(&mut self.sites[at], &mut self.chance);
                self.done.local += u64::from(done);
            } else {
                for edit in edits::draw(&mut self.chance, &directory, &mut self.next) {
                    self.done.edits += u64::from(self.rest.edit(&edit));
                }
            }
            if self.chance.random_bool(0.02) {
                self.kill();
            }
            if number % 100 == 99 {
                self.tell(number + 1, begun);
            }
        }
    }

    fn merge(&mut self, at: usize) {
        // What fails is written; a plan must be read.
        let site = &self.sites[at];
        self.lab.merge(site.name);
        let policy = ["ask", "put-back", "adopt"][self.merged.len() % 3];
        succeeded(self.lab.ask(&["org", "policy", site.name, policy]));
        self.merged.push(at);
        self.faults(60);
    }

    fn kill(&mut self) {
        if let Some(site) = pick(&mut self.chance, &mut self.sites) {
            site.agent.daemon.kill();
            site.agent.daemon.again();
            self.done.killed += 1;
        }
    }

    fn tell(&self, number: usize, begun: Instant) {
        let Soaked {
            edits,
            local,
            killed,
            ..
        } = self.done;
        let (of, passed) = (self.soak.operations, begun.elapsed().as_secs());
        eprintln!(
            "{number} of {of} operations in {passed} s: {edits} edits, {local} in regions, \
             {killed} agents killed, writes {:?}",
            writes(&self.sites)
        );
    }

    /// Until each Keystone has all that the directory says, and no drift is left to answer.
    fn settle(&mut self) {
        self.faults(0);
        for site in &self.sites {
            succeeded(self.lab.ask(&["org", "policy", site.name, "ask"]));
        }
        let deadline = Lab::now() + self.soak.patience;
        loop {
            let left = self.left();
            if left.is_empty() {
                break;
            }
            if Lab::now() >= deadline {
                panic!("seed {}: {left:#?}\n{}", self.soak.seed, self.around());
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        for site in &mut self.sites {
            match &site.cloud {
                Cloud::Simulated(it) => site.kept.check(it),
                Cloud::Real(it) => site.kept.check(&it.0),
            }
        }
    }

    /// What each region has that the directory does not say, and what the hub tells of the regions:
    /// for whoever looks for the reason.
    fn around(&self) -> String {
        let expected = told(&self.rest.directory(), |_| false);
        let mut text = String::new();
        for site in &self.sites {
            for it in site.told().difference(&expected) {
                text.push_str(&format!("{} has {it}\n", site.name));
            }
        }
        for path in ["/directory/drift", "/directory/failures"] {
            for it in self.rest.items(path) {
                text.push_str(&format!("{path} {it}\n"));
            }
        }
        text
    }

    /// What is not yet as it should be.
    fn left(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        for it in self.rest.drift() {
            self.rest.cure(&it);
            left.push(it.to_string());
        }
        left.extend(self.help());
        let directory = self.rest.directory();
        let expected = told(&directory, |_| false);
        for site in &self.sites {
            let told = site.told();
            let lacks = expected.difference(&told);
            left.extend(lacks.map(|it| format!("{} lacks {it}", site.name)));
        }
        left.extend(self.waiting());
        left
    }

    /// What agents have yet to do, as the hub tells of them: also what is to go, which the others
    /// don't show.
    fn waiting(&self) -> Vec<String> {
        let all = self.rest.items("/directory/progress");
        let waiting = all.into_iter().filter(|it| {
            let none = |count| it["progress"][count] == 0;
            let is_done = ["under_way", "waiting", "removals_held", "failed"];
            it["untold"] != 0 || !is_done.into_iter().all(none)
        });
        waiting.map(|it| it.to_string()).collect()
    }

    /// Does what agents ask somebody to do; what that was.
    fn help(&mut self) -> Vec<String> {
        let failed = self.rest.items("/directory/failures");
        let mut told = Vec::new();
        for it in failed {
            let text = it.to_string();
            if text.contains("switched off") {
                self.open_all();
            } else if text.contains("is not the federation's") {
                self.give_way(&it);
            }
            told.push(text);
        }
        told
    }

    /// Switches all departments and projects on, the outer ones first.
    fn open_all(&self) {
        for _ in 0..6 {
            let all = self.rest.directory();
            let departments = all.departments.iter().filter(|(_, it)| !it.enabled);
            let departments = departments.map(|(id, _)| (ObjectKind::Department, *id));
            let projects = all.projects.iter().filter(|(_, it)| !it.enabled);
            let projects = projects.map(|(id, _)| (ObjectKind::Project, *id));
            for (kind, id) in departments.chain(projects) {
                let path = format!("/directory/{}s/{id}", kind.name());
                let _ = self.rest.ask("PATCH", &path, &json!({ "enabled": true }));
            }
        }
    }

    /// Whatever has the name gets another one, as the error asks for, which says which name.
    fn give_way(&mut self, failure: &Value) {
        let error = failure["error"].as_str().unwrap_or_default();
        let name = error.split('"').nth(1).unwrap_or_default().to_lowercase();
        let kinds = ObjectKind::ALL.into_iter();
        let mut kinds = kinds.filter(|kind| failure["kind"] == kind.name());
        let sites = self.sites.iter();
        let mut sites = sites.filter(|it| failure["region"] == it.name);
        let (Some(kind), Some(site)) = (kinds.next(), sites.next()) else {
            return;
        };
        let all = super::site::objects(&site.place().organization());
        let home = self.home_there(kind, failure, &all);
        for (of, here, it) in all {
            let is_there = home.is_none() || it.department() == home.as_ref();
            if of == kind && is_there && it.name().to_lowercase() == name {
                self.next += 1;
                let name = format!("given way {}", self.next);
                match &site.cloud {
                    Cloud::Simulated(cloud) => local::give_way(cloud, kind, &here, &name),
                    Cloud::Real(it) => local::give_way(&it.0, kind, &here, &name),
                }
            }
        }
    }

    /// In which department of the region's a thing is, or is to be. What ended is called in the
    /// failure as it is there.
    fn home_there(
        &self,
        kind: ObjectKind,
        failure: &Value,
        all: &[(ObjectKind, CloudId, Object<CloudId>)],
    ) -> Option<CloudId> {
        let object = failure["object"].as_str().unwrap_or_default();
        let path = format!("/directory/{}s/{object}", kind.name());
        let (status, live) = self.rest.ask("GET", &path, &Value::Null);
        if status == 200 {
            let name = live["department"]["name"].as_str()?.to_lowercase();
            let mut all = all.iter().filter(|(of, ..)| *of == ObjectKind::Department);
            let home = all.find(|(.., it)| it.name().to_lowercase() == name);
            return home.map(|(_, here, _)| here.clone());
        }
        let mut all = all.iter().filter(|(of, ..)| *of == kind);
        let it = all.find(|(.., it)| failure["name"] == it.name());
        it.and_then(|(.., it)| it.department().cloned())
    }

    /// Neither another sync nor another start writes anything.
    fn writes_nothing_more(&mut self) {
        let before = writes(&self.sites);
        for site in &mut self.sites {
            site.agent.daemon.kill();
            site.agent.daemon.again();
        }
        std::thread::sleep(SECOND_SYNC);
        let since = writes(&self.sites);
        let mut written = String::new();
        for (site, (since, before)) in self.sites.iter().zip(since.into_iter().zip(before)) {
            if let Cloud::Simulated(it) = &site.cloud {
                let count = usize::try_from(since - before).unwrap();
                for it in it.written(count) {
                    written.push_str(&format!("{} was told {it}\n", site.name));
                }
            }
        }
        let seed = self.soak.seed;
        assert_eq!(
            written,
            "",
            "seed {seed}: all was in place\n{}",
            self.around()
        );
    }
}
