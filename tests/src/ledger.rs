//! A feed whose whole content follows from its sequence number, so that a reader can tell after a
//! disaster whether what it holds is what it should be.
//!
//! Change number `n` writes server `n mod KEYS` with `n` in it. A receiver at sequence number `n`
//! must so hold, of each server, its newest change up to `n`.

use std::collections::BTreeMap;

use shared::ids::FeedId;
use shared::model::{CloudId, Record, Server, ServerState, Totals, UnixMillis};
use shared::wire::{Digest, record};

/// How many servers there are.
pub const KEYS: u64 = 500;

/// The feed's life.
pub const FEED: FeedId = FeedId::from_bytes([5; 16]);

/// What change number `n` writes; the first is 1.
pub fn change(n: u64) -> Record {
    Record::Server(Server {
        id: CloudId::new(&format!("server-{}", n % KEYS)),
        name: format!("as of change {n}"),
        project: CloudId::new("p"),
        state: [ServerState::Running, ServerState::Stopped][(n % 2) as usize],
        vcpus: (n % 64) as u32,
        memory_mib: n,
        disk_gib: 10,
        node: None,
        addresses: Vec::new(),
        created: UnixMillis::from_secs(1),
        fault: None,
    })
}

/// Everything that is held after change `n`, by id.
pub fn held(n: u64) -> BTreeMap<String, Record> {
    let first = n.saturating_sub(KEYS - 1).max(1);
    by_id((first..=n).map(change))
}

/// Records by their id.
pub fn by_id(records: impl IntoIterator<Item = Record>) -> BTreeMap<String, Record> {
    let keyed = records.into_iter().map(|it| (it.key().id.to_string(), it));
    keyed.collect()
}

/// What the receiver's totals must be after change `n`.
pub fn totals(n: u64) -> Totals {
    let mut totals = Totals::default();
    held(n).values().for_each(|it| totals.add(&Totals::of(it)));
    totals
}

/// What the receiver's digest must be after change `n`.
pub fn digest(n: u64) -> Digest {
    let mut digest = Digest::default();
    for record in held(n).values() {
        let encoded = record::encode(record).unwrap();
        digest.add(Digest::of(encoded.kind, &encoded.id, &encoded.value));
    }
    digest
}
