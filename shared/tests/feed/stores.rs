//! A sender's and a receiver's store as plain values.

use std::collections::BTreeMap;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use shared::ids::FeedId;
use shared::link::inbox::Position;
use shared::link::outbox::Extent;
use shared::wire::Digest;

const KEYS: u32 = 20;

#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) after: u64,
    pub(crate) last: u64,
    pub(crate) digest: Option<Digest>,
    pub(crate) records: Vec<(u32, Option<u8>)>,
}

fn digest_of(key: u32, value: u8) -> Digest {
    Digest::of(1, &key.to_le_bytes(), &[value])
}

#[derive(Debug, Clone)]
struct Entry {
    seq: u64,
    value: Option<u8>,
}

#[derive(Debug, Clone)]
struct Kept {
    id: FeedId,
    head: u64,
    horizon: u64,
    /// Everything that there is was met in this life.
    whole: bool,
    entries: BTreeMap<u32, Entry>,
}

pub(crate) struct Sender {
    kept: Kept,
    backup: Kept,
    is_log: bool,
    /// Of a log's next entry. Time goes on whatever comes back from a backup.
    now: u32,
    /// The kept state is from a backup, as a log notices by the hole before its next entry.
    is_from_backup: bool,
}

impl Sender {
    pub(crate) fn new(random: u64, is_log: bool) -> Self {
        let kept = Kept {
            id: FeedId::from_random(random.into()),
            head: 0,
            horizon: 0,
            whole: is_log,
            entries: BTreeMap::new(),
        };
        Self {
            backup: kept.clone(),
            kept,
            is_log,
            now: 0,
            is_from_backup: false,
        }
    }

    pub(crate) fn extent(&self) -> Extent {
        Extent {
            id: self.kept.id,
            head: self.kept.head,
            horizon: self.kept.horizon,
            whole: self.kept.whole,
        }
    }

    /// Everything that there is has been met.
    pub(crate) const fn meet_all(&mut self) {
        self.kept.whole = true;
    }

    /// Nothing is held any more, and all is to be met anew.
    pub(crate) fn lose_all(&mut self, random: u64) {
        self.kept.entries.clear();
        self.begin_anew(random);
        self.kept.whole = self.is_log;
    }

    pub(crate) fn live(&self) -> BTreeMap<u32, u8> {
        let value = |(key, entry): (&u32, &Entry)| entry.value.map(|value| (*key, value));
        self.kept.entries.iter().filter_map(value).collect()
    }

    pub(crate) fn change(&mut self, rng: &mut ChaCha8Rng) {
        if self.is_log && self.is_from_backup {
            self.begin_life(rng.next_u64());
        }
        self.now += 1;
        let key = match self.is_log {
            true => self.now,
            false => rng.random_range(0..KEYS),
        };
        let value = (self.is_log || rng.random_bool(0.7)).then(|| rng.random());
        self.kept.head += 1;
        self.kept.entries.insert(
            key,
            Entry {
                seq: self.kept.head,
                value,
            },
        );
    }

    pub(crate) fn read(&self, after: u64, records_max: usize) -> Batch {
        let mut due: Vec<_> = self
            .kept
            .entries
            .iter()
            .filter(|(_, entry)| entry.seq > after)
            .collect();
        due.sort_by_key(|(_, entry)| entry.seq);
        let reaches_head = due.len() <= records_max;
        due.truncate(records_max);
        let last = match due.last() {
            Some((_, entry)) if !reaches_head => entry.seq,
            _ => self.kept.head,
        };
        let digest = (reaches_head && !self.is_log && self.kept.whole).then(|| {
            let mut digest = Digest::default();
            self.live()
                .iter()
                .for_each(|(key, value)| digest.add(digest_of(*key, *value)));
            digest
        });
        let records = due
            .into_iter()
            .map(|(key, entry)| (*key, entry.value))
            .collect();
        Batch {
            after,
            last,
            digest,
            records,
        }
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = self.kept.clone();
    }

    pub(crate) fn restore(&mut self) {
        self.kept = self.backup.clone();
        self.is_from_backup = true;
    }

    /// From a copy so young that no hole shows it.
    pub(crate) fn restore_unnoticed(&mut self) {
        self.restore();
        self.is_from_backup = false;
    }

    /// All stays under its numbers, and nobody goes on from what they stood for before.
    pub(crate) fn begin_life(&mut self, random: u64) {
        self.kept.id = FeedId::from_random(random.into());
        self.is_from_backup = false;
    }

    pub(crate) fn begin_anew(&mut self, random: u64) {
        self.begin_life(random);
        for (place, entry) in self.kept.entries.values_mut().enumerate() {
            entry.seq = place as u64 + 1;
        }
        self.kept.head = self.kept.entries.len() as u64;
        self.kept.horizon = 0;
    }

    pub(crate) fn drop_tombstones(&mut self, rng: &mut ChaCha8Rng) {
        self.kept.horizon = rng.random_range(self.kept.horizon..=self.kept.head);
        let horizon = self.kept.horizon;
        self.kept
            .entries
            .retain(|_, entry| (entry.value.is_some() && !self.is_log) || entry.seq > horizon);
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) position: Position,
    rows: BTreeMap<u32, (u8, u32)>,
    pub(crate) applied: u64,
    backup: Option<Box<Receiver>>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            position: Position::NONE,
            rows: BTreeMap::new(),
            applied: 0,
            backup: None,
        }
    }
}

impl Receiver {
    pub(crate) fn live(&self) -> BTreeMap<u32, u8> {
        self.rows
            .iter()
            .map(|(key, (value, _))| (*key, *value))
            .collect()
    }

    /// Applies all or, where the digest is another, nothing.
    pub(crate) fn apply(&mut self, batch: &Batch, position: Position, sweep: bool) -> bool {
        let mut rows = self.rows.clone();
        for (key, value) in &batch.records {
            match value {
                Some(value) => drop(rows.insert(*key, (*value, position.generation))),
                None => drop(rows.remove(key)),
            }
        }
        if sweep {
            rows.retain(|_, (_, generation)| *generation == position.generation);
        }
        let mut digest = Digest::default();
        rows.iter()
            .for_each(|(key, (value, _))| digest.add(digest_of(*key, *value)));
        if batch.digest.is_some_and(|expected| expected != digest) {
            return false;
        }
        self.rows = rows;
        self.position = position;
        self.applied += batch.records.len() as u64;
        true
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = None;
        self.backup = Some(Box::new(self.clone()));
    }

    pub(crate) fn restore(&mut self) {
        let applied = self.applied;
        if let Some(backup) = self.backup.take() {
            *self = *backup;
            self.applied = applied;
        }
    }

    /// A row changes by itself, as on a bad disk.
    pub(crate) fn rot(&mut self, rng: &mut ChaCha8Rng) {
        let place = rng.random_range(0..KEYS as usize);
        if let Some((value, _)) = self.rows.values_mut().nth(place) {
            *value = value.wrapping_add(1);
        }
        let _ = rng.next_u64();
    }
}
