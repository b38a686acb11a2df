//! The directory's way to the regions, over a real link and in one process: merged, told, changed,
//! told again after either side was away.

use std::sync::Arc;
use std::time::Duration;

use idp_hub::directory::Edit;
use idp_hub::downlink::CallError;
use idp_hub::store::RegionNo;
use idp_hub::store::directory::Confirmation;
use shared::audit::By;
use shared::ids::ObjectId;
use shared::model::{
    Becomes, CloudId, Custody, Department, Entry, Object, ObjectKind, Record, UnixMillis, User,
};
use shared::pki::PublicSealingKey;
use shared::wire::frame::Checked;
use sp_agent::cloud::{Mark, Page, Part};
use sp_agent::replica::Replica;
use tests::inproc::{TestAgent, TestHub, private_dir};

fn entry<T>(id: &str, what: T) -> Entry<T> {
    Entry {
        id: CloudId::new(id),
        custody: Custody::Common,
        marker: None,
        what,
    }
}

fn department(id: &str, name: &str) -> Record {
    Record::Department(entry(
        id,
        Department {
            name: name.to_owned(),
            description: None,
            enabled: true,
        },
    ))
}

fn user(id: &str, department: &str, name: &str) -> Record {
    Record::User(entry(
        id,
        User {
            department: CloudId::new(department),
            name: name.to_owned(),
            description: None,
            email: None,
            enabled: true,
            default_project: None,
        },
    ))
}

async fn report(agent: &TestAgent, part: Part, records: Vec<Record>) {
    let audit = agent.spool.begin_audit(part);
    let page = Page {
        records,
        ..Page::default()
    };
    agent.spool.put_page(&audit, page).await.unwrap();
    let mark = Mark(UnixMillis(1));
    agent.spool.finish_audit(audit, mark).await.unwrap();
}

/// Confirms whatever the plan is.
async fn merge(hub: &TestHub, name: &str) -> u64 {
    let store = &hub.hub.store;
    let plan = store.shown_plan(name).await.unwrap().digest;
    let confirmed = Confirmation {
        plan,
        take_over: false,
        copied: false,
        by: By::new("admin", "local socket"),
    };
    store.merge(name, confirmed).await.unwrap().written
}

/// What the agent holds, once it is as wanted.
async fn told(agent: &TestAgent, wanted: impl Fn(&Replica) -> bool) -> Arc<Replica> {
    let mut versions = agent.replica.watch();
    let waiting = async {
        loop {
            match agent.replica.replica() {
                Some(replica) if wanted(&replica) => return replica,
                _ => versions.changed().await.unwrap(),
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    waited.unwrap_or_else(|_| panic!("the agent holds {:?}", agent.replica.replica()))
}

fn departments(replica: &Replica) -> Vec<&str> {
    let departments = replica.directory.departments.values();
    // But the one of the federation's own administrators.
    let names = departments.map(|it| it.name.as_str());
    let mut names: Vec<&str> = names.filter(|it| *it != "federation").collect();
    names.sort_unstable();
    names
}

/// What of the region's is something of the directory.
fn bound(replica: &Replica) -> Vec<(ObjectKind, String)> {
    let bindings = replica.bindings.iter();
    let bound = bindings.filter(|(_, it)| matches!(it, Becomes::Object(_)));
    bound
        .map(|((kind, here), _)| (*kind, here.to_string()))
        .collect()
}

async fn furnished(hub: &TestHub, name: &str, department_name: &str) -> TestAgent {
    let mut agent = TestAgent::join(hub, name).await;
    let (d, u) = (format!("{name}-d"), format!("{name}-u"));
    report(
        &agent,
        Part::Departments,
        vec![department(&d, department_name)],
    )
    .await;
    report(&agent, Part::Users, vec![user(&u, &d, "ann")]).await;
    agent.drained().await;
    agent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merged_region_is_told_the_directory_and_which_of_its_things_are_which() {
    let folder = private_dir();
    let hub = TestHub::found(&folder.path().join("hub")).await;
    let north = furnished(&hub, "north", "research").await;
    assert_eq!(north.replica.replica(), None, "nothing before it is merged");
    assert!(merge(&hub, "north").await > 0);
    let replica = told(&north, |it| !it.bindings.is_empty()).await;
    assert_eq!(departments(&replica), ["research"]);
    let expected = |name: &str| {
        [
            (ObjectKind::Department, format!("{name}-d")),
            (ObjectKind::User, format!("{name}-u")),
        ]
    };
    assert_eq!(bound(&replica), expected("north"));

    // Another region of the same department's name: the first one hears of the other's, under
    // another name, and nothing of what the other's things are called there.
    let south = furnished(&hub, "south", "research").await;
    assert!(merge(&hub, "south").await > 0);
    let both = ["research", "research_south-d"];
    let replica = told(&north, |it| departments(it) == both).await;
    assert_eq!(bound(&replica), expected("north"));
    let replica = told(&south, |it| departments(it) == both).await;
    assert_eq!(bound(&replica), expected("south"));
    assert_eq!(merge(&hub, "south").await, 0, "merging again is nothing");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_reach_who_is_there_at_once_and_who_was_away_when_he_returns() {
    let folder = private_dir();
    let hub = TestHub::found(&folder.path().join("hub")).await;
    let north = furnished(&hub, "north", "research").await;
    merge(&hub, "north").await;
    make(&hub, 1, "sales").await;
    let both = ["research", "sales"];
    told(&north, |it| departments(it) == both).await;
    let seq = north.replica.cursor().seq;

    let data_dir = north.stop().await;
    make(&hub, 2, "legal").await;
    let address = hub.hub.address;
    hub.stop().await;
    let north = TestAgent::start(data_dir).await;
    let replica = north.replica.replica().unwrap();
    assert_eq!(departments(&replica), both, "as it was, with no hub heard");
    let hub = TestHub::serve(&folder.path().join("hub"), address).await;
    told(&north, |it| {
        departments(it) == ["legal", "research", "sales"]
    })
    .await;
    assert_eq!(north.replica.cursor().seq, seq + 1, "only the change");
    hub.stop().await;
}

/// How many changes the one region was not told.
async fn untold(hub: &TestHub) -> Option<u64> {
    let held = hub.hub.registry.held();
    let all = hub
        .hub
        .store
        .read(move |it| it.applying(None, (0, 1), &held));
    all.await.unwrap()[0].untold
}

async fn becomes<T: PartialEq + std::fmt::Debug>(expected: T, now: impl AsyncFn() -> T) {
    for _ in 0..1000 {
        if now().await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it is never {expected:?}, but {:?}", now().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_region_that_is_away_was_not_told_is_counted_also_by_a_hub_that_starts_anew() {
    let folder = private_dir();
    let hub = TestHub::found(&folder.path().join("hub")).await;
    let north = furnished(&hub, "north", "research").await;
    assert_eq!(untold(&hub).await, None, "nothing is told before the merge");
    merge(&hub, "north").await;
    told(&north, |it| !it.bindings.is_empty()).await;
    becomes(Some(0), async || untold(&hub).await).await;
    let no = RegionNo(hub.hub.board.region("north").unwrap().view.no.0);
    let is_online = |hub: &TestHub| hub.hub.board.is_online(no);
    becomes(true, async || is_online(&hub)).await;

    let data_dir = north.stop().await;
    for number in 1..=500 {
        make(&hub, number, &format!("d{number}")).await;
    }
    assert_eq!(untold(&hub).await, Some(500));
    becomes(false, async || is_online(&hub)).await;
    let hub = hub.restart().await;
    assert_eq!(untold(&hub).await, Some(500));

    let north = TestAgent::start(data_dir).await;
    told(&north, |it| departments(it).len() == 501).await;
    becomes(Some(0), async || untold(&hub).await).await;
    becomes(true, async || is_online(&hub)).await;
    hub.stop().await;
}

/// More than an agent may say that reports nothing: each change is acknowledged by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brisk_administrator_costs_no_region_its_link() {
    let folder = private_dir();
    let hub = TestHub::found(&folder.path().join("hub")).await;
    let north = furnished(&hub, "north", "research").await;
    merge(&hub, "north").await;
    told(&north, |it| !it.bindings.is_empty()).await;
    let since = north.status.borrow().since;
    let mut last = 0;
    for number in 0..900 {
        make(&hub, number + 1, &format!("d{number}")).await;
        last = number;
    }
    let name = format!("d{last}");
    told(&north, |it| departments(it).contains(&name.as_str())).await;
    assert_eq!(north.status.borrow().since, since, "the link stays");
    hub.stop().await;
}

async fn make(hub: &TestHub, id: u128, name: &str) {
    let edit = Edit::Create {
        id: ObjectId::from_random(id),
        object: Object::Department(Department {
            name: name.to_owned(),
            description: None,
            enabled: true,
        }),
    };
    let edited = hub.hub.store.change(move |it| it.edit(edit, "admin"));
    edited.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_is_called_while_it_is_there_and_says_to_which_key_to_seal() {
    let folder = private_dir();
    let hub = TestHub::found(folder.path()).await;
    let agent = furnished(&hub, "north", "ops").await;
    let no = RegionNo(hub.hub.board.region("north").unwrap().view.no.0);
    let registry = hub.hub.registry.clone();
    let user = CloudId::new("ann");
    let ask = async |word: &[u8]| registry.check_password(no, &user, word).await;
    // More at once than are answered at once, behind some that never are.
    let silent = (0..4).map(|_| ask(b"silence"));
    let silent = futures_util::future::join_all(silent);
    let brisk = async {
        let asked = (0..20).map(|number| match number % 2 {
            0 => ask(b"right"),
            _ => ask(b"wrong"),
        });
        futures_util::future::join_all(asked).await
    };
    let (silent, brisk) = tokio::join!(silent, brisk);
    assert!(silent.iter().all(|it| matches!(it, Err(CallError::Late))));
    for (number, answer) in brisk.into_iter().enumerate() {
        let expected = [Checked::Right, Checked::Wrong][number % 2];
        assert_eq!(answer.unwrap(), expected);
    }
    let told = ask(b"?").await.unwrap_err().to_string();
    assert!(told.ends_with("this is no word"), "{told}");
    let long = vec![0; 600];
    assert!(matches!(ask(&long).await, Err(CallError::Lost(_))));
    let key = hub.hub.store.read(move |it| it.sealing_key(no)).await;
    assert_eq!(key.unwrap(), Some(PublicSealingKey::from_bytes([7; 32])));
    agent.stop().await;
    assert!(matches!(
        ask(b"right").await,
        Err(CallError::Away | CallError::Lost(_))
    ));
    hub.stop().await;
}
