//! A hub's store as plain values: what it holds of one feed, and where it is.

use std::collections::BTreeMap;

use shared::link::inbox::Position;
use shared::wire::Digest;
use shared::wire::frame::Batch;

pub(crate) type Rows = BTreeMap<Key, Vec<u8>>;
type Key = (u16, Vec<u8>);

#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) position: Position,
    rows: BTreeMap<Key, (Vec<u8>, u32)>,
    pub(crate) applied: usize,
    backup: Option<Box<Receiver>>,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Self {
            position: Position::NONE,
            rows: BTreeMap::new(),
            applied: 0,
            backup: None,
        }
    }

    pub(crate) fn live(&self) -> Rows {
        let value = |(key, row): (&Key, &(Vec<u8>, u32))| (key.clone(), row.0.clone());
        self.rows.iter().map(value).collect()
    }

    /// Applies all or, where the digest is another, nothing.
    pub(crate) fn apply(&mut self, batch: &Batch<'_>, position: Position, sweep: bool) -> bool {
        let mut rows = self.rows.clone();
        for record in batch.records.as_slice() {
            let key = (record.kind, record.id.as_slice().to_vec());
            match record.value {
                Some(value) => {
                    rows.insert(key, (value.as_slice().to_vec(), position.generation));
                }
                None => drop(rows.remove(&key)),
            }
        }
        if sweep {
            rows.retain(|_, (_, generation)| *generation == position.generation);
        }
        let mut digest = Digest::default();
        for ((kind, id), (value, _)) in &rows {
            digest.add(Digest::of(*kind, id, value));
        }
        if batch
            .digest
            .is_some_and(|expected| expected != digest.to_bytes())
        {
            return false;
        }
        self.rows = rows;
        self.position = position;
        self.applied += batch.records.as_slice().len();
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
    pub(crate) fn rot(&mut self, place: usize) {
        if let Some((value, _)) = self.rows.values_mut().nth(place)
            && let Some(last) = value.last_mut()
        {
            *last ^= 1;
        }
    }
}
