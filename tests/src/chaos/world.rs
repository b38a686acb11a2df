//! A hub, three regions, and what happens to them.

use std::collections::{BTreeSet, VecDeque};

use idp_hub::directory::{Edit, Patch};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use shared::model::{ObjectKind, Remark, RemarkState, Subject};

use super::agent::Agent;
use super::check::{self, differing, is_held_open, is_of_region, no_leftovers, stays, told};
use super::earlier::{self, Earlier, Once};
use super::hub::Hub;
use super::local::{self, Kept};
use super::site::Site;
use super::{edits, pick, trace};

/// Of 1,000 orders so many fail, half of them after they were done.
const FAULTS: u32 = 120;

/// Rounds in which all must come to rest: what one region's cure changes another one's may.
const ROUNDS_MAX: usize = 60;

/// Orders, operations and so on of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Edits that the hub made.
    pub edits: u64,
    /// Edits that it refused.
    pub refused: u64,
    /// What was done in the regions.
    pub local: u64,
    /// Drift that was adopted or put back.
    pub cured: u64,
    /// Merges, also those again.
    pub merges: u64,
    /// Agents that were killed.
    pub killed: u64,
    /// Replicas that were lost.
    pub lost: u64,
    /// Keystones that were set back to a backup.
    pub set_back: u64,
    /// Writes that Keystones were asked for.
    pub writes: u64,
}

/// All of it.
pub struct World {
    pub(super) chance: ChaCha8Rng,
    pub(super) hub: Hub,
    pub(super) agents: Vec<Agent>,
    pub(super) kept: Vec<Kept>,
    merged: BTreeSet<usize>,
    /// In which order the regions are merged.
    pub(super) order: Vec<usize>,
    backlog: VecDeque<Edit>,
    pub(super) next: u128,
    pub(super) counts: Counts,
    /// Of which regions the Keystone is set back, and when.
    pub(super) earlier: Vec<Earlier>,
    /// What each region's things were known as when a Keystone was.
    pub(super) once: Vec<Once>,
    /// Whether its hub is set back to a backup in the middle of it all.
    pub(super) is_set_back: bool,
}

/// Plays one seed: so many operations, then rest, and all that must hold.
pub async fn play(seed: u64, operations: usize) -> Counts {
    World::new(seed).await.play(operations).await
}

impl World {
    pub(super) async fn play(mut self, operations: usize) -> Counts {
        self.live(operations).await;
        self.end().await;
        self.counts.writes = self.agents.iter().map(|it| it.site.writes).sum();
        self.counts
    }

    pub(super) async fn new(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let hub = Hub::found().await;
        let (mut agents, mut kept) = (Vec::new(), Vec::new());
        for number in 0..3_u8 {
            let site = Site::start(seed * 3 + u64::from(number), chance.random()).await;
            let mut its = Kept::default();
            for name in ["research", "sales"] {
                let _ =
                    site.keystone
                        .ask("POST", "/domains", &json!({ "domain": { "name": name } }));
            }
            for _ in 0..chance.random_range(20..50) {
                local::operate(&site.keystone, &mut its, &mut chance);
            }
            let no = hub.region(number).await;
            agents.push(Agent::start(no, site, chance.random_range(2..6)).await);
            kept.push(its);
        }
        let mut order = vec![0, 1, 2];
        order.shuffle(&mut chance);
        Self {
            chance,
            earlier: earlier::drawn(seed, agents.len()),
            once: agents.iter().map(|_| Once::new()).collect(),
            hub,
            agents,
            kept,
            merged: BTreeSet::new(),
            order,
            backlog: VecDeque::new(),
            next: 0,
            counts: Counts::default(),
            is_set_back: false,
        }
    }

    async fn live(&mut self, operations: usize) {
        // The first is at home, one joins soon, and one in the middle of it all.
        for number in 0..operations {
            self.set_back(number, operations).await;
            self.set_back_keystones(number, operations).await;
            let joins = [0, operations / 20, operations / 2];
            if let Some(which) = joins.iter().position(|it| *it == number) {
                let at = self.order[which];
                self.merge(at).await;
            }
            self.operate().await;
            for at in 0..self.agents.len() {
                self.tick(at).await;
            }
        }
    }

    pub(super) async fn merge(&mut self, at: usize) {
        let agent = &mut self.agents[at];
        agent.read();
        agent.tell(&mut self.hub).await;
        self.hub.merge(u8::try_from(at).unwrap()).await;
        self.merged.insert(at);
        self.counts.merges += 1;
    }

    async fn operate(&mut self) {
        match self.chance.random_range(0..1000) {
            0..3 => {
                if let Some(at) = pick(&mut self.chance, self.merged.clone()) {
                    self.merge(at).await;
                }
            }
            3..250 => {
                let at = self.chance.random_range(0..self.agents.len());
                trace(|| format!("in region {at}:"));
                let (site, kept) = (&self.agents[at].site.keystone, &mut self.kept[at]);
                self.counts.local += u64::from(local::operate(site, kept, &mut self.chance));
            }
            250..330 => self.cure_one().await,
            _ => self.edit().await,
        }
    }

    async fn edit(&mut self) {
        if self.backlog.is_empty() {
            let live = self.hub.expected.live();
            let drawn = edits::draw(&mut self.chance, live, &mut self.next);
            self.backlog.extend(drawn);
        }
        // Edits that belong together come one by one, with all that happens in between, or at once.
        let is_slow = self.chance.random_bool(0.3);
        while let Some(edit) = self.backlog.pop_front() {
            match self.hub.edit(edit).await {
                true => self.counts.edits += 1,
                false => self.counts.refused += 1,
            }
            if is_slow {
                return;
            }
        }
    }

    async fn cure_one(&mut self) {
        let drift = self.hub.drift(None).await;
        if let Some(it) = pick(&mut self.chance, drift) {
            let adopts: bool = self.chance.random();
            self.counts.cured += u64::from(self.hub.cure(&it, adopts).await == Ok(true));
        }
    }

    /// What an agent does meanwhile.
    async fn tick(&mut self, at: usize) {
        let (agent, hub, chance) = (&mut self.agents[at], &mut self.hub, &mut self.chance);
        match chance.random_range(0..1000) {
            0..10 => {
                agent.kill(chance, false).await;
                self.counts.killed += 1;
            }
            10 if chance.random_bool(0.3) => {
                agent.kill(chance, true).await;
                self.counts.lost += 1;
            }
            10..60 => agent.tell(hub).await,
            60..80 => agent.hear(hub, Some(1)).await,
            80..400 => agent.hear(hub, None).await,
            _ => {}
        }
        if chance.random_bool(0.3) {
            agent.step(chance, FAULTS).await;
        }
        if chance.random_bool(0.3) {
            agent.read_some(chance);
        }
    }

    async fn end(&mut self) {
        for edit in std::mem::take(&mut self.backlog) {
            let _ = self.hub.edit(edit).await;
        }
        self.merge_what_is_forgotten().await;
        self.settle().await;
        self.hub.is_sound().await;
        for at in 0..self.agents.len() {
            self.differs_as_told(at);
        }
        self.cure_all().await;
        self.merge_who_is_back().await;
        for at in 0..self.agents.len() {
            self.is_equal(at);
        }
        for at in 0..self.agents.len() {
            self.writes_nothing_more(at).await;
        }
        self.nobody_is_back();
    }

    /// Until nothing changes any more anywhere.
    pub(super) async fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut given = 0;
            for agent in &mut self.agents {
                agent.hear(&self.hub, None).await;
                agent.read();
                given += agent.run(&mut self.chance).await;
                agent.tell(&mut self.hub).await;
            }
            if given == 0 && !self.help().await {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Does what agents say is to be done by somebody. Whether there was anything.
    async fn help(&mut self) -> bool {
        let mut helped = false;
        for at in 0..self.agents.len() {
            if check::disowns(&self.agents[at]) {
                self.merge(at).await;
                helped = true;
            }
            let remarks = self.agents[at].remarks();
            for it in remarks {
                helped |= match &it.state {
                    RemarkState::Failed { error, .. } => self.give_way(at, &it, error),
                    RemarkState::Blocked { reason } => self.open(&it, reason).await,
                    RemarkState::Drift { .. }
                    | RemarkState::Purgeable { .. }
                    | RemarkState::Purged { .. }
                    | RemarkState::Ended { .. } => false,
                };
            }
        }
        helped
    }

    /// What has a name that the federation wants is renamed in the region.
    fn give_way(&mut self, at: usize, remark: &Remark, error: &str) -> bool {
        // Also where it is the federation's, whose drift is to be answered instead: people do that.
        let taken = ["rename", "which is the federation's"];
        let taken = taken.into_iter().any(|it| error.contains(it));
        assert!(taken, "region {at}: {remark:?}");
        let Subject::Object(kind, id) = &remark.subject else {
            panic!("{remark:?}");
        };
        let agent = &self.agents[at];
        let directory = &self.hub.expected;
        let ended = || directory.ended(*id).map(|it| it.object.clone());
        let wanted = directory.live().object(*kind, id).or_else(ended).unwrap();
        let known = agent.known();
        let cloud = agent.site.keystone.organization();
        let home = wanted.department().copied();
        let all = super::site::objects(&cloud).into_iter();
        let holder = all.filter(|(of, here, it)| {
            let place = it
                .department()
                .map(|it| (ObjectKind::Department, it.clone()));
            let is_same = it.name().to_lowercase() == wanted.name().to_lowercase();
            let is_there = place.and_then(|it| known.get(&it).copied()) == home;
            of == kind && is_same && is_there && known.get(&(*kind, here.clone())) != Some(id)
        });
        let holder: Vec<_> = holder.collect();
        assert!(!holder.is_empty(), "region {at}: nobody has it: {remark:?}");
        for (kind, here, _) in holder {
            self.next += 1;
            let name = format!("given way {}", self.next);
            local::give_way(&agent.site.keystone, kind, &here, &name);
        }
        true
    }

    /// What a project is to be made in is switched on.
    async fn open(&mut self, remark: &Remark, reason: &str) -> bool {
        // What holds it open is drift, and answered as that.
        if reason.contains("put its drift back") {
            return false;
        }
        assert!(reason.contains("switched off"), "{remark:?}");
        let live = self.hub.expected.live().clone();
        let Subject::Object(ObjectKind::Project, id) = &remark.subject else {
            panic!("{remark:?}");
        };
        let project = &live.projects[id];
        let mut above = vec![(ObjectKind::Department, project.department)];
        let mut outer = Vec::new();
        let mut at = project.parent;
        while let Some(id) = at {
            outer.push((ObjectKind::Project, id));
            at = live.projects[&id].parent;
        }
        above.extend(outer.into_iter().rev());
        for (kind, id) in above {
            let patch = Patch {
                enabled: Some(true),
                ..Patch::default()
            };
            assert!(self.hub.edit(Edit::Update { kind, id, patch }).await);
        }
        true
    }

    /// What differs is told, and nothing else is.
    fn differs_as_told(&self, at: usize) {
        let agent = &self.agents[at];
        if self.merged.contains(&at) {
            let differing = differing(agent, &self.hub.expected);
            let told = told(&agent.remarks());
            let may_wait =
                |it: &Subject| agent.waits(it) && !is_held_open(agent, &self.hub.expected, it);
            // By something in it, which is drift.
            let is_blocked = |it: &Subject| {
                let mut remarks = agent.remarks().into_iter();
                remarks.any(|remark| {
                    remark.subject == *it && matches!(remark.state, RemarkState::Blocked { .. })
                })
            };
            let is_told = |it: &&Subject| told.contains(it) || may_wait(it) || is_blocked(it);
            let untold = differing.iter().filter(|it| !is_told(it));
            let untold: Vec<_> = untold.map(|it| (it, agent.core.standing(it))).collect();
            // What is the region's own, as it was withheld, is told as well, and no difference.
            let counts = agent.remarks().into_iter().filter(is_of_region);
            let counts = check::told(&counts.collect::<Vec<_>>());
            let wrong: Vec<_> = counts.difference(&differing).collect();
            assert!(
                untold.is_empty() && wrong.is_empty(),
                "region {at} does not tell {untold:?}; and tells {wrong:?}, which is in place: \
                 {:#?}",
                agent.progress()
            );
        }
        let all = agent.site.keystone.organization();
        self.kept[at].check(&all, &agent.removed);
        no_leftovers(agent, &self.hub.expected);
    }

    /// Answers each drift, one way or the other, until only the regions' own is left.
    pub(super) async fn cure_all(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut drift = self.hub.drift(None).await;
            drift.retain(|it| !stays(&it.remark));
            if drift.is_empty() {
                return;
            }
            let (mut refusals, mut left) = (Vec::new(), 0);
            for it in &drift {
                let adopts: bool = self.chance.random();
                let mut is_cured = false;
                for adopts in [adopts, !adopts] {
                    match self.hub.cure(it, adopts).await {
                        Ok(_) => is_cured = true,
                        Err(refusal) => refusals.push(refusal),
                    }
                    if is_cured {
                        break;
                    }
                }
                left += usize::from(!is_cured && !self.cure_there(it).await);
            }
            let is_stuck = left == drift.len();
            assert!(!is_stuck, "nothing can be done: {drift:#?} {refusals:#?}");
            self.settle().await;
        }
        let left = self.hub.drift(None).await;
        panic!("drift comes again and again: {left:#?}");
    }

    /// The Keystone is what the directory says, but for what the region made.
    fn is_equal(&self, at: usize) {
        let agent = &self.agents[at];
        let all = agent.site.keystone.organization();
        self.kept[at].check(&all, &agent.removed);
        no_leftovers(agent, &self.hub.expected);
        let remarks = agent.remarks();
        let staying: Vec<Remark> = remarks.into_iter().filter(stays).collect();
        let left: Vec<Subject> = differing(agent, &self.hub.expected)
            .difference(&told(&staying))
            .cloned()
            .collect();
        assert!(
            left.is_empty(),
            "region {at}: {left:?} {:#?}",
            agent.progress()
        );
        let progress = agent.progress();
        assert_eq!(
            (progress.failed_count, progress.waiting),
            (0, 0),
            "{progress:#?}"
        );
    }

    /// Neither another sync nor another start writes anything.
    async fn writes_nothing_more(&mut self, at: usize) {
        let (agent, chance) = (&mut self.agents[at], &mut self.chance);
        let before = agent.site.writes;
        agent.hear(&self.hub, None).await;
        agent.run(chance).await;
        agent.kill(chance, false).await;
        agent.read();
        agent.run(chance).await;
        assert_eq!(
            agent.site.writes,
            before,
            "region {at}: {:#?}",
            agent.progress()
        );
    }
}
