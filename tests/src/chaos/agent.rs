//! One region's agent: its replica on the disk, and its reconciler, of which it is killed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use idp_hub::store::RegionNo;
use rand::{Rng, RngExt};
use shared::ids::ObjectId;
use shared::model::{
    Becomes, CloudId, Feed, Key, ObjectKind, Recall, Record, RecordKind, UnixMillis,
};
use sp_agent::apply::{Change, Policy, Reconciler, Standing, Subject, Task};
use sp_agent::cloud::{CloudError, Order, Part, Reach, Wanted};
use sp_agent::replica::{Note, Replica, store::Store};
use tempfile::TempDir;

use super::hub::{Hub, OURS, folder};
use super::reach::{away, is_away, others};
use super::site::{Site, link_record, objects, record};
use super::trace;

/// Orders at once, as an agent gives them.
const ORDERS_MAX: usize = 8;

/// Any batches that the directory comes in.
const ALL: usize = 1000;

/// After so long all that failed is tried again.
pub(super) const LONG: Duration = Duration::from_secs(301);

/// What an order came to, and what is still to be heard of it.
type Done = (Task, Result<Option<CloudId>, CloudError>);

/// A reading that is under way: what it met, and what changes told of meanwhile.
struct Reading {
    began: Instant,
    records: Vec<Record>,
    overtaken: BTreeSet<Key>,
    /// Departments whose directory server was away, and groups of whose members nothing was told.
    lacks: Reach,
    /// The others.
    tells: Arc<Reach>,
}

pub(super) struct Agent {
    pub(super) no: RegionNo,
    pub(super) site: Site,
    pub(super) core: Reconciler,
    folder: TempDir,
    store: Option<Store>,
    policy: Policy,
    now: Instant,
    /// What the clock on the wall says, which may be put back.
    wall: UnixMillis,
    kills: u32,
    running: Vec<Done>,
    readings: BTreeMap<RecordKind, Reading>,
    /// What the reconciler asks for.
    wanted: BTreeSet<RecordKind>,
    removals: VecDeque<Instant>,
    /// What it was to remove.
    pub(super) removed: BTreeSet<(ObjectKind, CloudId)>,
    replica: Arc<Replica>,
}

fn kinds() -> impl Iterator<Item = RecordKind> {
    let all = Part::ALL.into_iter().map(Part::kind);
    all.filter(|it| it.feed() == Feed::Organization)
}

#[allow(clippy::disallowed_methods, reason = "a beginning to count from")]
fn beginning() -> Instant {
    Instant::now()
}

impl Agent {
    pub(super) async fn start(no: RegionNo, site: Site, removals_max: u32) -> Self {
        let (folder, now) = (folder(), beginning());
        let wall = UnixMillis(1_000_000_000_000);
        let store = Store::open(folder.path(), OURS, wall).unwrap();
        let policy = Policy {
            removals_max,
            ..Policy::default()
        };
        let base = store.base(wall).await.unwrap();
        let core = Reconciler::new(OURS, policy.clone(), base, now);
        let mut agent = Self {
            no,
            site,
            core,
            folder,
            store: Some(store),
            policy,
            now,
            wall,
            kills: 0,
            running: Vec::new(),
            readings: BTreeMap::new(),
            wanted: BTreeSet::new(),
            removals: VecDeque::new(),
            removed: BTreeSet::new(),
            replica: Arc::default(),
        };
        agent.read();
        agent
    }

    fn store(&self) -> Store {
        self.store.clone().unwrap()
    }

    pub(super) fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Begins to read a kind: what is there now is told later, and no later order.
    pub(super) fn begin_reading(&mut self, kind: RecordKind, lacks: Reach) {
        let groups = self.site.keystone.organization().groups;
        let mut records = self.site.records();
        records.retain(|it| it.key().kind == kind && !is_away(it, &groups, &lacks));
        let reading = Reading {
            began: self.now,
            records,
            overtaken: BTreeSet::new(),
            tells: Arc::new(others(self.site.keystone.organization(), &lacks)),
            lacks,
        };
        self.readings.insert(kind, reading);
        self.now += Duration::from_millis(1);
    }

    /// What a reading met is told, but for what is known better since it began.
    pub(super) fn end_reading(&mut self, kind: RecordKind) {
        let Some(reading) = self.readings.remove(&kind) else {
            return;
        };
        let met: BTreeSet<Key> = reading.records.iter().map(Record::key).collect();
        let groups = &self.core.actual().organization().groups;
        let mut known = self.known_records();
        known.retain(|it| !is_away(it, groups, &reading.lacks));
        let known: Vec<Key> = known.iter().map(Record::key).collect();
        let gone = known.into_iter().filter(|it| it.kind == kind);
        for key in gone.filter(|it| !met.contains(it) && !reading.overtaken.contains(it)) {
            self.core.remove(&key);
        }
        for it in reading.records {
            if !reading.overtaken.contains(&it.key()) {
                self.core.put(it);
            }
        }
        let reading = sp_agent::cloud::Reading {
            began: reading.began,
            lacks: reading.lacks,
            tells: reading.tells,
            cut: Arc::default(),
        };
        self.core.is_read(kind, reading);
    }

    /// Reads all, at once.
    pub(super) fn read(&mut self) {
        kinds().for_each(|it| self.begin_reading(it, Reach::default()));
        kinds().for_each(|it| self.end_reading(it));
    }

    /// Reads begin and end as they like, those first that are waited for.
    pub(super) fn read_some(&mut self, chance: &mut impl Rng) {
        for kind in kinds() {
            let share = if self.wanted.contains(&kind) {
                0.3
            } else {
                0.02
            };
            if !self.readings.contains_key(&kind) && chance.random_bool(share) {
                let all = self.site.keystone.organization();
                let lacks = away(all, kind, chance);
                self.begin_reading(kind, lacks);
            }
        }
        let under_way: Vec<RecordKind> = self.readings.keys().copied().collect();
        for kind in under_way {
            if chance.random_bool(0.3) {
                self.end_reading(kind);
            }
        }
    }

    /// What the agent knows of its cloud, as records.
    fn known_records(&self) -> Vec<Record> {
        let actual = self.core.actual();
        let all = actual.organization();
        let things = objects(all).into_iter().map(|(kind, id, object)| {
            let traits = actual.traits(kind, &id);
            record(id, traits.custody, traits.marker, object)
        });
        things.chain(all.links().map(link_record)).collect()
    }

    /// Tells the hub all that it knows, once it has read all.
    pub(super) async fn tell(&mut self, hub: &mut Hub) {
        // As of now.
        let _ = self.core.next(self.now, 0);
        let remarks = self.core.remarks(&self.core.progress(self.now));
        let is_whole = |it| self.core.actual().is_whole(it);
        if !kinds().all(is_whole) {
            return;
        }
        let mut records = self.known_records();
        records.extend(remarks.remarks.into_iter().map(Record::Remark));
        records.push(Record::Applying(remarks.applying));
        let recall = remarks.recalled.map(|feed| Recall { feed });
        records.extend(recall.map(Record::Recall));
        hub.tell(self.no, &records).await;
    }

    /// Hears the hub, which may be cut off after some batches.
    pub(super) async fn hear(&mut self, hub: &Hub, batches_max: Option<usize>) {
        let store = self.store();
        let batches_max = batches_max.unwrap_or(ALL);
        hub.direct(self.no, &store, batches_max).await;
        trace(|| format!("  region {}: heard the hub", self.no.0));
        self.follow();
    }

    fn follow(&mut self) {
        if let Some(replica) = self.store().replica() {
            self.core.follow(&replica);
            self.replica = replica;
        }
    }

    async fn keep(&self, notes: Vec<Note>) {
        if !notes.is_empty() {
            self.store().keep(notes, self.wall).await.unwrap();
        }
    }

    /// Gives orders, of which of 1,000 so many fail, and hears of some.
    pub(super) async fn step(&mut self, chance: &mut impl Rng, faults: u32) {
        self.give(chance, faults).await;
        while !self.running.is_empty() && chance.random_bool(0.7) {
            let at = chance.random_range(0..self.running.len());
            self.hear_of(at, chance.random()).await;
        }
        self.wait(Duration::from_secs(chance.random_range(0..60)));
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.wall.0 += time.as_millis() as u64;
    }

    async fn give(&mut self, chance: &mut impl Rng, faults: u32) {
        let room = ORDERS_MAX.saturating_sub(self.running.len());
        let batch = self.core.next(self.now, room);
        let Wanted { at_once, soon } = batch.readings;
        self.wanted = at_once.into_keys().chain(soon.into_keys()).collect();
        self.keep(batch.notes).await;
        let mut tasks = batch.tasks;
        while !tasks.is_empty() {
            let task = tasks.swap_remove(chance.random_range(0..tasks.len()));
            let result = match chance.random_range(0..1000) < faults {
                true => self.fail(&task.order, chance),
                false => self.perform(&task.order),
            };
            trace(|| format!("  region {}: {:?}: {result:?}", self.no.0, task.order));
            self.running.push((task, result));
        }
    }

    fn perform(&mut self, order: &Order) -> Result<Option<CloudId>, CloudError> {
        if matches!(order, Order::Remove { .. }) {
            self.may_remove(order);
        }
        self.site.perform(order)
    }

    /// Only what the hub says was deleted is removed, and so many at once.
    fn may_remove(&mut self, order: &Order) {
        let Order::Remove { kind, id } = order else {
            return;
        };
        // It may be told again, as the answer was lost.
        if !self.site.keystone.organization().has(*kind, id) {
            return;
        }
        let known = self.known();
        let there = known.get(&(*kind, id.clone()));
        let ended = there.and_then(|it| self.replica.ended.get(it));
        let is_deleted = ended.is_some_and(|(_, how)| *how == shared::model::End::Deleted);
        let based = self.core.base().objects.iter();
        let based: Vec<_> = based.filter(|(_, it)| it.here == *id).collect();
        let bound = self.replica.bindings.get(&(*kind, id.clone()));
        assert!(
            is_deleted,
            "nobody said so: {order:?} is {there:?}, {ended:?}, applied as {based:?}, {bound:?}"
        );
        self.removed.insert((*kind, id.clone()));
        let period = sp_agent::apply::REMOVALS_PERIOD;
        while self
            .removals
            .front()
            .is_some_and(|it| self.now - *it >= period)
        {
            self.removals.pop_front();
        }
        self.removals.push_back(self.now);
        // A period may begin in the middle of this one.
        let most = 2 * self.policy.removals_max as usize;
        assert!(
            self.removals.len() <= most,
            "{} at once",
            self.removals.len()
        );
    }

    fn fail(
        &mut self,
        order: &Order,
        chance: &mut impl Rng,
    ) -> Result<Option<CloudId>, CloudError> {
        if chance.random() {
            // It is done, or refused, and nobody hears of it.
            let _ = self.perform(order);
        }
        let (endpoint, reason) = ("keystone".to_owned(), "chaos".to_owned());
        Err(match chance.random_range(0..3) {
            0 => CloudError::Unreachable { endpoint, reason },
            number => CloudError::Status {
                endpoint,
                what: "an order".to_owned(),
                status: 499 + number,
                reason,
            },
        })
    }

    /// Whether it went well.
    async fn hear_of(&mut self, at: usize, luck: u64) -> bool {
        let (task, result) = self.running.swap_remove(at);
        trace(|| {
            format!(
                "  region {} hears of {} {:?}",
                self.no.0, task.subject, task.order
            )
        });
        let is_done = result.is_ok();
        let outcome = self
            .core
            .done((self.now, UnixMillis(5)), &task, result, luck);
        for change in &outcome.changes {
            let key = match change {
                Change::Put(record) => record.key(),
                Change::Gone(key) => key.clone(),
            };
            if let Some(reading) = self.readings.get_mut(&key.kind) {
                reading.overtaken.insert(key);
            }
        }
        self.keep(outcome.notes).await;
        is_done
    }

    /// Steps without faults until nothing more is done, also after pauses. How many orders were.
    pub(super) async fn run(&mut self, chance: &mut impl Rng) -> usize {
        let (mut given, mut idle) = (0, 0);
        for _ in 0..300 {
            self.give(chance, 0).await;
            let mut now = 0;
            while !self.running.is_empty() {
                now += usize::from(self.hear_of(0, 0).await);
            }
            given += now;
            idle = if now == 0 { idle + 1 } else { 0 };
            if idle == 3 {
                return given;
            }
            self.wait(LONG);
            self.read();
        }
        panic!("no end: {:#?}", self.core.progress(self.now));
    }

    /// It is killed in the middle of orders, of which nobody heard, and starts again with what it
    /// kept; without its replica if `loses`.
    pub(super) async fn kill(&mut self, chance: &mut impl Rng, loses: bool) {
        self.give(chance, 300).await;
        trace(|| format!("  region {}: killed, {loses}", self.no.0));
        self.running.clear();
        self.readings.clear();
        let held = self.known_records();
        self.store = None;
        if loses {
            self.folder = folder();
            self.replica = Arc::default();
            // So is how many were removed just now.
            self.removals.clear();
        }
        self.kills += 1;
        if self.kills.is_multiple_of(5) {
            self.wall.0 -= 10_000 * u64::from(self.kills);
        }
        let store = Store::open(self.folder.path(), OURS, self.wall).unwrap();
        let base = store.base(self.wall).await.unwrap();
        self.store = Some(store);
        self.core = Reconciler::new(OURS, self.policy.clone(), base, self.now);
        self.follow();
        // Of the spool it hears what was read before.
        held.into_iter().for_each(|it| self.core.put(it));
    }

    /// Which of the cloud's things are which of the directory's, by decisions and markers.
    pub(super) fn known(&self) -> BTreeMap<(ObjectKind, CloudId), ObjectId> {
        let mut known = self.site.marked(OURS);
        for (here, becomes) in &self.replica.bindings {
            match becomes {
                Becomes::Object(id) => drop(known.insert(here.clone(), *id)),
                Becomes::Withheld(_) => drop(known.remove(here)),
            }
        }
        let all = self.site.keystone.organization();
        known.retain(|(kind, id), _| all.has(*kind, id));
        known
    }

    /// Whether something waits for something else, which is told.
    pub(super) fn waits(&self, subject: &Subject) -> bool {
        matches!(self.core.standing(subject), Some(Standing::Waiting(_)))
    }

    pub(super) fn progress(&self) -> sp_agent::apply::Progress {
        self.core.progress(self.now)
    }

    pub(super) fn remarks(&self) -> Vec<shared::model::Remark> {
        self.core.remarks(&self.progress()).remarks
    }
}
