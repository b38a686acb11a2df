//! The records that are sent: servers of 300 bytes, encoded beforehand.

use shared::ids::FeedId;
use shared::model::{CloudId, Record, Server, ServerState, UnixMillis};
use shared::wire::frame::{Batch, BatchRecord, FeedFrame, Open, Start};
use shared::wire::record::{EncodedRecord, encode};
use shared::wire::{Bytes, Digest, List};

/// Bytes of a record, id and value together, for every contestant.
pub const RECORD_BYTES: usize = 300;

/// One agent's servers, each in two states between which it changes.
pub struct Servers {
    id: FeedId,
    states: [Vec<(EncodedRecord, Digest)>; 2],
    current: Vec<usize>,
    digest: Digest,
    /// The newest change.
    pub seq: u64,
}

impl Servers {
    /// So many servers of one region, of [`RECORD_BYTES`] each.
    pub fn new(region: usize, keys: usize) -> Self {
        Self::of(region, keys, RECORD_BYTES)
    }

    /// So many servers of one region, as large as servers are.
    pub fn plain(region: usize, keys: usize) -> Self {
        Self::of(region, keys, 0)
    }

    fn of(region: usize, keys: usize, bytes: usize) -> Self {
        let of = |state| {
            (0..keys)
                .map(|key| sized(region, key, state, bytes))
                .collect()
        };
        Self {
            id: FeedId::from_random(region as u128 + 1),
            states: [of(ServerState::Running), of(ServerState::Stopped)],
            current: vec![usize::MAX; keys],
            digest: Digest::default(),
            seq: 0,
        }
    }

    /// The feed's id.
    pub const fn id(&self) -> FeedId {
        self.id
    }

    /// The frame that begins the feed's first snapshot.
    pub fn open(&self) -> Vec<u8> {
        self.open_at(Start::Snapshot)
    }

    /// The frame that begins the feed.
    pub fn open_at(&self, start: Start) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (feed, id) = (1, self.id);
        let open = Open { feed, id, start };
        FeedFrame::Open(open).encode(&mut bytes).unwrap();
        bytes
    }

    /// A frame in which the next `count` servers change, in turn. With `whole`, its digest says
    /// what the hub must then hold.
    pub fn batch(&mut self, count: usize, whole: bool) -> Vec<u8> {
        let (after, keys) = (self.seq, self.current.len());
        let mut chosen = Vec::with_capacity(count);
        for _ in 0..count.min(keys) {
            let key = self.seq as usize % keys;
            self.seq += 1;
            let now = &mut self.current[key];
            if let Some((_, old)) = self.states.get(*now).map(|state| &state[key]) {
                self.digest.subtract(*old);
            }
            *now = usize::from(*now == 0);
            self.digest.add(self.states[*now][key].1);
            chosen.push((*now, key));
        }
        let records = chosen.iter().map(|(state, key)| {
            let (record, _) = &self.states[*state][*key];
            BatchRecord {
                kind: record.kind,
                id: Bytes::new(&record.id).unwrap(),
                value: Bytes::new(&record.value),
            }
        });
        let batch = Batch {
            after,
            last: self.seq,
            digest: whole.then(|| self.digest.to_bytes()),
            records: List::cut(records),
        };
        let mut bytes = Vec::with_capacity(count * RECORD_BYTES + 64);
        FeedFrame::Batch(batch).encode(&mut bytes).unwrap();
        bytes
    }
}

fn sized(region: usize, key: usize, state: ServerState, bytes: usize) -> (EncodedRecord, Digest) {
    let bare = encode(&server(region, key, state, 0)).unwrap();
    let padding = bytes.saturating_sub(bare.id.len() + bare.value.len());
    let record = encode(&server(region, key, state, padding)).unwrap();
    let digest = Digest::of(record.kind, &record.id, &record.value);
    (record, digest)
}

fn server(region: usize, key: usize, state: ServerState, padding: usize) -> Record {
    let id = ((region as u128) << 64 | key as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C);
    Record::Server(Server {
        id: CloudId::Hyphenated(id.to_be_bytes()),
        name: format!("server-{key:04}{}", "x".repeat(padding)),
        project: CloudId::Simple([7; 16]),
        state,
        vcpus: 4,
        memory_mib: 8192,
        disk_gib: 40,
        node: Some("compute-17.region.example".to_owned()),
        addresses: vec!["10.1.2.3".parse().unwrap(), "2001:db8::17".parse().unwrap()],
        created: UnixMillis(1_760_000_000_000),
        fault: None,
    })
}
