//! A spool and a hub under every fault that both can have, from a seed: once the faults end, the
//! hub holds what was put, and nothing else.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::model::{Feed, Record};
use shared::wire::record::encode;
use sp_agent::cloud::{Page, Part};
use sp_agent::spool::Spool;

use crate::home::{Home, audit, page, pool, server, server_key};
use crate::link::Link;
use crate::receiver::Rows;

const KEYS: u64 = 20;

/// What was put and must come out: by part and number.
type Put = BTreeMap<(Part, u64), Record>;

struct World {
    rng: ChaCha8Rng,
    home: Home,
    spool: Option<Spool>,
    link: Link,
    put: Put,
    put_at_backup: Put,
}

fn encoded(put: &Put) -> Rows {
    let records = put.values().map(|record| encode(record).unwrap());
    records.map(|it| ((it.kind, it.id), it.value)).collect()
}

impl World {
    fn new(seed: u64) -> Self {
        let mut home = Home::new();
        let spool = home.open();
        let link = Link::new(Feed::Inventory, &spool);
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            home,
            spool: Some(spool),
            link,
            put: Put::new(),
            put_at_backup: Put::new(),
        }
    }

    fn spool(&self) -> &Spool {
        self.spool.as_ref().unwrap()
    }

    async fn step(&mut self) {
        let spool = self.spool.as_ref().unwrap();
        self.link.send(spool).await;
        if self.rng.random_range(0..4) != 0 {
            self.link.deliver(spool);
        }
    }

    async fn settle(&mut self) {
        self.link.settle(self.spool.as_ref().unwrap()).await;
    }

    fn draw(&mut self, part: Part) -> (u64, Record) {
        let number = self.rng.random_range(0..KEYS);
        let record = match part {
            Part::Servers => server(number, &self.rng.random_range(0..3u8).to_string()),
            _ => pool(number),
        };
        (number, record)
    }

    async fn change(&mut self) {
        let mut changes = Page::default();
        for _ in 0..self.rng.random_range(1..4) {
            let (number, record) = self.draw(Part::Servers);
            self.put.insert((Part::Servers, number), record.clone());
            changes.records.push(record);
        }
        for _ in 0..self.rng.random_range(0..3) {
            let number = self.rng.random_range(0..KEYS);
            self.put.remove(&(Part::Servers, number));
            changes.deleted.push(server_key(number));
        }
        let put = self.spool().put_changes(Part::Servers, changes).await;
        put.unwrap();
    }

    async fn audit(&mut self, part: Part) {
        let records: BTreeMap<_, _> = (0..self.rng.random_range(0..8))
            .map(|_| self.draw(part))
            .collect();
        let told = || page(records.values().cloned());
        // Where it met nothing of what was held, the second one is believed.
        if audit(self.spool(), part, told()).await.held.is_some() {
            let second = audit(self.spool(), part, told()).await;
            assert_eq!(second.held, None);
        }
        self.put.retain(|(of, _), _| *of != part);
        let records = records.into_iter();
        self.put
            .extend(records.map(|(number, it)| ((part, number), it)));
    }

    /// What it puts holds, what it did not reach stays.
    async fn audit_interrupted(&mut self, part: Part) {
        let (number, record) = self.draw(part);
        let audit = self.spool().begin_audit(part);
        let put = self.spool().put_page(&audit, page([record.clone()])).await;
        put.unwrap();
        self.put.insert((part, number), record);
    }

    async fn with_closed(&mut self, meanwhile: impl FnOnce(&Home)) {
        self.spool().close().await.unwrap();
        meanwhile(&self.home);
        self.spool = None;
        self.spool = Some(self.home.open());
        self.link.connect();
    }

    async fn disturb(&mut self) {
        match self.rng.random_range(0..100) {
            0..45 => self.change().await,
            45..55 => self.audit(Part::Servers).await,
            55..60 => self.audit(Part::StoragePools).await,
            60..65 => self.audit_interrupted(Part::Servers).await,
            65..70 => self.link.connect(),
            70..74 => {
                if let Some(frame) = self.link.stream.front().cloned() {
                    self.link.stream.push_front(frame);
                }
            }
            74..78 => drop(self.link.stream.pop_front()),
            78..81 => self.link.receiver.back_up(),
            81..84 => {
                self.link.receiver.restore();
                self.link.connect();
            }
            84..88 => {
                let place = self.rng.random_range(0..KEYS as usize);
                self.link.receiver.rot(place);
            }
            88..92 => {
                // Not closed: the writer ends, and gives the lock back, by itself.
                self.spool = None;
                self.spool = Some(self.home.open());
                self.link.connect();
            }
            92..95 => {
                self.with_closed(Home::back_up).await;
                self.put_at_backup = self.put.clone();
            }
            95..98 => {
                let mut restored = false;
                self.with_closed(|home| restored = home.restore()).await;
                if restored {
                    self.put = self.put_at_backup.clone();
                }
            }
            _ => {
                self.with_closed(Home::damage).await;
                self.put.clear();
            }
        }
    }
}

async fn run(seed: u64) -> u32 {
    let mut world = World::new(seed);
    for _ in 0..200 {
        if world.rng.random_range(0..3) == 0 {
            world.disturb().await;
        }
        world.step().await;
    }
    world.settle().await;
    let held = world.link.receiver.live();
    assert_eq!(held, encoded(&world.put), "replay with seed {seed}");
    world.link.snapshots
}

#[tokio::test]
async fn the_hub_ends_with_what_was_put() {
    let mut snapshots = 0;
    for seed in 0..30 {
        snapshots += run(seed).await;
    }
    assert!(snapshots > 60, "faults led to {snapshots} snapshots only");
}

#[tokio::test]
async fn without_faults_there_is_one_snapshot_and_nothing_comes_twice() {
    let mut world = World::new(7);
    for _ in 0..50 {
        world.change().await;
        world.step().await;
    }
    world.settle().await;
    assert_eq!(world.link.receiver.live(), encoded(&world.put));
    assert_eq!(world.link.snapshots, 1);
    let applied = world.link.receiver.applied;
    world.settle().await;
    assert_eq!(world.link.receiver.applied, applied);
}
