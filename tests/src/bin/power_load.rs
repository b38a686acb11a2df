//! Writes to a hub's store and to an agent's spool in the folder of its first argument, without
//! end, and prints each acknowledgement as it comes: `hub 17`, `agent 4`. The power cut test's
//! child.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use idp_hub::ingest;
use idp_hub::store::{FeedJob, FeedPayload, Mailbox, Store};
use shared::model::{Feed, UnixMillis};
use shared::runtime::clock::Clock;
use shared::wire::frame::{
    Batch, BatchRecord, Cursor, FeedFrame, HEADER_BYTES, Open, Phase, Start,
};
use shared::wire::{Bytes as WireBytes, List, record};
use sp_agent::cloud::{Page, Part};
use sp_agent::spool::Spool;
use tests::inproc::region_of_a_store;
use tests::ledger;

/// Batches under way at once, as an agent has them.
const IN_FLIGHT: u64 = 8;

/// A digest is the work of 500 records, so that not every batch has one.
const DIGEST_EVERY: u64 = 100;

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let folder = PathBuf::from(folder);
    tokio::join!(agent(folder.clone()), hub(&folder));
}

async fn hub(folder: &Path) {
    let (store, _writer) = Store::open(&folder.join("hub.db"), Clock::system()).unwrap();
    let (region, cursors) = region_of_a_store(&store).await;
    let known = cursors.iter().find(|cursor| cursor.id == ledger::FEED);
    let (start, mut sent) = match known {
        Some(Cursor {
            seq,
            phase: Phase::Live,
            ..
        }) => (Start::Resume { seq: *seq }, *seq),
        _ => (Start::Snapshot, 0),
    };
    let mailbox = Arc::new(Mailbox::default());
    let job = |payload| FeedJob {
        region,
        session: 1,
        feed: Feed::Inventory,
        payload,
        mailbox: Arc::clone(&mailbox),
        budget: None,
    };
    let id = ledger::FEED;
    let open = FeedPayload::Open(Open { feed: 1, id, start });
    store.feed(job(open)).await.unwrap();
    let (began, mut acknowledged) = (sent, sent);
    loop {
        while sent < acknowledged + IN_FLIGHT {
            let whole = sent == began || sent % DIGEST_EVERY == 0;
            store.feed(job(batch(sent, whole))).await.unwrap();
            sent += 1;
        }
        let mail = mailbox.take().await;
        // The first batch has the digest of everything: a store whose digest, cursor and records
        // disagree asks for a snapshot.
        assert!(
            mail.cursors.is_empty() && !mail.give_up,
            "the hub disagrees: {mail:?}"
        );
        for ack in mail.acks {
            acknowledged = ack.seq;
            println!("hub {acknowledged}");
        }
    }
}

/// With `whole` it says what the hub must then hold in all.
fn batch(after: u64, whole: bool) -> FeedPayload {
    let encoded = record::encode(&ledger::change(after + 1)).unwrap();
    let record = BatchRecord {
        kind: encoded.kind,
        id: WireBytes::new(&encoded.id).unwrap(),
        value: WireBytes::new(&encoded.value),
    };
    let frame = FeedFrame::Batch(Batch {
        after,
        last: after + 1,
        digest: whole.then(|| ledger::digest(after + 1).to_bytes()),
        records: List::cut([record]),
    });
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    let payload = Bytes::from(bytes).slice(HEADER_BYTES..);
    let mut feed = Some(Feed::Inventory);
    ingest::read(&mut feed, 33, &payload).unwrap().unwrap().1
}

async fn agent(folder: PathBuf) {
    let opened = Spool::open(&folder.join("spool"), UnixMillis(1), || 5);
    let spool = opened.unwrap();
    // So that batches have the digest of all that is held.
    for part in Part::ALL {
        spool.put_absent(part).await.unwrap();
    }
    loop {
        let head = spool.extent(Feed::Inventory).head;
        let page = Page {
            records: vec![ledger::change(head + 1)],
            ..Page::default()
        };
        match spool.put_changes(Part::Servers, page).await {
            Ok(_) => println!("agent {}", head + 1),
            // The power is gone, and this process soon will be.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
