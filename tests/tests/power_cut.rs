//! A power cut under load, on a hub's store and an agent's spool: what was acknowledged is there.
//!
//! Both write to an ext4 of their own in a child process, which prints each acknowledgement. The
//! file system is shut down without so much as its journal, the child killed, the file system
//! mounted again, and both are opened as they are.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use idp_hub::store::Store;
use shared::model::{Feed, Record, RecordKind, Totals, UnixMillis};
use shared::runtime::clock::Clock;
use shared::wire::frame::{FeedFrame, HEADER_BYTES};
use shared::wire::record::{self, Decoded};
use sp_agent::spool::Spool;
use tests::inproc::region_of_a_store;
use tests::ledger;
use tests::mounts::Mount;

/// How often the power goes.
const CUTS: u64 = 6;

/// The newest acknowledgement of each side.
type Acknowledged = BTreeMap<String, u64>;

/// The child that writes.
struct Load {
    child: Child,
    acknowledged: Arc<Mutex<Acknowledged>>,
}

impl Load {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_power_load"))
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let acknowledged = Arc::<Mutex<Acknowledged>>::default();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let heard = Arc::clone(&acknowledged);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let (side, number) = line.split_once(' ').unwrap();
                let number = number.parse().unwrap();
                heard.lock().unwrap().insert(side.to_owned(), number);
            }
        });
        Self {
            child,
            acknowledged,
        }
    }

    fn acknowledged(&self) -> Acknowledged {
        self.acknowledged.lock().unwrap().clone()
    }

    /// Waits until both sides have had so many acknowledgements beyond `before`.
    fn writes(&mut self, before: &Acknowledged, more: u64) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let grown = |now: &Acknowledged, side: &str| {
            let (now, before) = (now.get(side), before.get(side));
            now.copied().unwrap_or(0) >= before.copied().unwrap_or(0) + more
        };
        loop {
            let now = self.acknowledged();
            if grown(&now, "hub") && grown(&now, "agent") {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "the load does not go on ({now:?}): {}",
                self.last_words()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn last_words(&mut self) -> String {
        self.kill();
        let errors = self.child.stderr.take().map(std::io::read_to_string);
        errors.and_then(Result::ok).unwrap_or_default()
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// The hub's store holds exactly what its cursor says, which is no less than was acknowledged.
async fn hub_holds(folder: &Path, acknowledged: u64) -> u64 {
    let (store, writer) = Store::open(&folder.join("hub.db"), Clock::system()).unwrap();
    let (region, cursors) = region_of_a_store(&store).await;
    let cursor = cursors.iter().find(|it| it.id == ledger::FEED).unwrap();
    assert!(
        cursor.seq >= acknowledged,
        "{} < {acknowledged}",
        cursor.seq
    );
    let page = store.read(move |it| it.records(region, RecordKind::Server, &[], 1000));
    let held: Vec<Record> = page
        .await
        .unwrap()
        .records
        .into_iter()
        .map(|it| it.record)
        .collect();
    let mut recount = Totals::default();
    held.iter().for_each(|it| recount.add(&Totals::of(it)));
    let totals = store.overview().region(region).unwrap().totals;
    assert_eq!(totals, recount, "totals that are not the records' sum");
    assert_eq!(recount, ledger::totals(cursor.seq));
    assert_eq!(ledger::by_id(held), ledger::held(cursor.seq));
    let seq = cursor.seq;
    store.close().await;
    drop(store);
    tokio::task::spawn_blocking(|| writer.join()).await.unwrap();
    seq
}

/// The spool is the same one, and holds exactly what its head says.
async fn spool_holds(folder: &Path, acknowledged: u64) -> u64 {
    let spool = Spool::open(&folder.join("spool"), UnixMillis(1), || 6).unwrap();
    let extent = spool.extent(Feed::Inventory);
    assert!(
        extent.head >= acknowledged,
        "{} < {acknowledged}",
        extent.head
    );
    let mut held = Vec::new();
    let mut after = 0;
    while after < extent.head {
        let batch = spool
            .read(Feed::Inventory, extent.id, after)
            .await
            .unwrap()
            .unwrap();
        let payload = Bytes::from(batch.frame).slice(HEADER_BYTES..);
        let Some(FeedFrame::Batch(frame)) = FeedFrame::decode(33, &payload).unwrap() else {
            panic!("no batch");
        };
        for it in frame.records.as_slice() {
            let value = it.value.unwrap();
            match record::decode(it.kind, it.id.as_slice(), value.as_slice()).unwrap() {
                Decoded::Known(known) => held.push(*known),
                Decoded::Unknown => panic!("an unknown record"),
            }
        }
        if let Some(digest) = frame.digest {
            assert_eq!(digest, ledger::digest(extent.head).to_bytes());
        }
        after = batch.last;
    }
    assert_eq!(ledger::by_id(held), ledger::held(extent.head));
    let aside = std::fs::read_dir(folder.join("spool")).unwrap();
    let aside: Vec<_> = aside
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        !aside.iter().any(|name| name.contains("damaged")),
        "{aside:?}"
    );
    spool.close().await.unwrap();
    extent.head
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost() {
    let mut mount = Mount::ext4();
    let mut stored = Acknowledged::new();
    for cut in 0..CUTS {
        let mut load = Load::start(mount.path());
        // At another moment each time: early, when files are new, and later between checkpoints.
        load.writes(&stored, 40 + cut * 150);
        let acknowledged = load.acknowledged();
        mount.cut_power();
        load.kill();
        mount.power_up();
        let hub = hub_holds(mount.path(), acknowledged["hub"]).await;
        let agent = spool_holds(mount.path(), acknowledged["agent"]).await;
        stored = [("hub".to_owned(), hub), ("agent".to_owned(), agent)].into();
    }
    assert!(stored["hub"] > 0 && stored["agent"] > 0);
}
