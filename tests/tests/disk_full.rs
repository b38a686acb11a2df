//! A full disk, under a hub's store and under an agent's spool: nothing acknowledged is lost, the
//! errors say what to do, and all goes on by itself once there is room.

#[path = "hostile/log.rs"]
mod log;

use std::time::Duration;

use idp_hub::fleet::Reason;
use shared::model::{CloudId, Feed, Record, Server, ServerState, Totals, UnixMillis};
use sp_agent::cloud::{Page, Part};
use sp_agent::spool::{Condition, Spool, SpoolError};
use tests::inproc::{TestAgent, TestHub, private_dir};
use tests::mounts::Mount;

/// How long the disk stays full: long enough that a hub and an agent that go in circles show it.
const FULL_FOR: Duration = Duration::from_secs(4);

/// Lines of the hub's log in that time at most.
const LINES_MAX: usize = 20;

fn server(number: u32, memory_mib: u64) -> Record {
    Record::Server(Server {
        id: CloudId::new(&format!("server-{number}")),
        name: format!("{number}-{}", "long".repeat(200)),
        project: CloudId::new("p"),
        state: ServerState::Running,
        vcpus: 2,
        memory_mib,
        disk_gib: 10,
        node: None,
        addresses: Vec::new(),
        created: UnixMillis::from_secs(1),
        fault: None,
    })
}

fn servers(memory_mib: u64) -> Vec<Record> {
    (0..1000).map(|number| server(number, memory_mib)).collect()
}

fn totals(records: &[Record]) -> Totals {
    let mut totals = Totals::default();
    records.iter().for_each(|it| totals.add(&Totals::of(it)));
    totals
}

async fn put(spool: &Spool, records: Vec<Record>) -> Result<(), SpoolError> {
    let page = Page {
        records,
        ..Page::default()
    };
    spool.put_changes(Part::Servers, page).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_s_full_disk_holds_its_agents_off_and_loses_nothing() {
    log::begin();
    let mount = Mount::tmpfs(48);
    let hub = TestHub::found(&mount.path().join("hub")).await;
    let mut agent = TestAgent::join(&hub, "north").await;
    put(&agent.spool, servers(1)).await.unwrap();
    agent.drained().await;
    hub.adds_up_to(totals(&servers(1))).await;

    let ballast = mount.fill();
    for round in 2..6 {
        put(&agent.spool, servers(round)).await.unwrap();
        tokio::time::sleep(FULL_FOR / 4).await;
    }
    agent.until(|status| !status.behind.is_empty()).await;
    let shown = hub.hub.board.shown().sums.totals;
    assert_eq!(shown, totals(&servers(1)), "shown without being stored");
    let told = log::lines_with(&["could not commit"]);
    assert!(!told.is_empty() && told[0].contains("full"), "{told:?}");
    assert!(
        told.len() <= LINES_MAX,
        "{} lines, the first: {}",
        told.len(),
        told[0]
    );

    drop(ballast);
    agent.drained().await;
    hub.adds_up_to(totals(&servers(5))).await;
    // What it holds is what it says, also for the next to open it.
    let hub = hub.restart().await;
    hub.adds_up_to(totals(&servers(5))).await;
    agent.stop().await;
    hub.stop().await;
}

/// A data directory on this mount, open to nobody else.
fn data_dir(mount: &Mount) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let owner_only = std::fs::Permissions::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    builder
        .permissions(owner_only)
        .tempdir_in(mount.path())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_s_full_disk_is_told_to_the_hub_at_once_and_so_is_its_end() {
    let mount = Mount::tmpfs(48);
    let folder = private_dir();
    let hub = TestHub::found(&folder.path().join("hub")).await;
    let joined = TestAgent::joined_in(&hub, "north", data_dir(&mount)).await;
    hub.hub.authority.accept("north").await.unwrap();
    let mut agent = TestAgent::start(joined).await;
    put(&agent.spool, servers(1)).await.unwrap();
    agent.drained().await;

    let ballast = mount.fill();
    let mut round = 2;
    while put(&agent.spool, servers(round)).await.is_ok() {
        round += 1;
    }
    hub.shows_reason("north", Reason::SpoolFailing).await;
    hub.shows_detail("north", "no room left to write the spool")
        .await;
    // The hub's restart forgets it, and the agent says so again.
    let hub = hub.restart().await;
    hub.shows_reason("north", Reason::SpoolFailing).await;

    drop(ballast);
    put(&agent.spool, servers(round + 1)).await.unwrap();
    hub.forgets_reason("north", Reason::SpoolFailing).await;
    agent.stop().await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_s_full_disk_keeps_what_it_had_and_heals() {
    let mount = Mount::tmpfs(48);
    let folder = mount.path().join("spool");
    let spool = Spool::open(&folder, UnixMillis(1), rand::random).unwrap();
    put(&spool, servers(1)).await.unwrap();
    let before = spool.extent(Feed::Inventory);

    let ballast = mount.fill();
    let mut kept = before;
    let mut full = None;
    for round in 2..10 {
        match put(&spool, servers(round)).await {
            Ok(()) => kept = spool.extent(Feed::Inventory),
            Err(error) => full = Some(error),
        }
    }
    let full = full.expect("the disk never was full");
    assert!(matches!(full, SpoolError::Full { .. }), "{full}");
    assert!(full.to_string().contains("no room left"), "{full}");
    assert!(matches!(
        *spool.condition().borrow(),
        Condition::Failing { .. }
    ));
    assert_eq!(
        spool.extent(Feed::Inventory),
        kept,
        "shown without being stored"
    );
    let batch = spool.read(Feed::Inventory, kept.id, 0).await.unwrap();
    assert!(batch.is_some(), "what it holds can't be read");

    drop(ballast);
    put(&spool, servers(10)).await.unwrap();
    assert_eq!(*spool.condition().borrow(), Condition::Sound);
    let after = spool.extent(Feed::Inventory);
    assert_eq!((after.id, after.head), (kept.id, kept.head + 1000));
    spool.close().await.unwrap();
    drop(spool);
    let spool = Spool::open(&folder, UnixMillis(1), rand::random).unwrap();
    assert_eq!(spool.extent(Feed::Inventory), after);
}
