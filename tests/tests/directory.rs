//! The directory's way to the regions, over a real link and in one process: merged, told, changed,
//! told again after either side was away.

use idp_hub::directory::Edit;
use idp_hub::store::RegionNo;
use idp_hub::store::directory::Confirmation;
use shared::ids::ObjectId;
use shared::model::{
    Becomes, CloudId, Custody, Department, Entry, Object, ObjectKind, Record, UnixMillis, User,
};
use sp_agent::cloud::{Mark, Page, Part};
use sp_agent::replica::store::Change;
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
    let no = RegionNo(hub.hub.board.region(name).unwrap().view.no.0);
    let merged = hub.hub.store.change(move |it| {
        let region = it.reading().region_numbered(no)?.unwrap();
        let plan = it.reading().plan(&region)?.digest();
        let author = "admin".to_owned();
        let confirmed = Confirmation {
            plan,
            take_over: false,
            author,
        };
        it.merge(no, &confirmed)
    });
    merged.await.unwrap().written
}

/// What the agent is told next, once it is all.
async fn told(agent: &TestAgent) -> Vec<Change> {
    let mut versions = agent.replica.watch();
    let waiting = async {
        loop {
            match agent.replica.changes() {
                Some(changes) if !changes.is_empty() => return changes,
                _ => versions.changed().await.unwrap(),
            }
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), waiting);
    waited.await.expect("the agent is told")
}

fn names(changes: &[Change], kind: ObjectKind) -> Vec<String> {
    let mut names: Vec<String> = changes
        .iter()
        .filter_map(|change| match (change, kind) {
            (Change::Put(Record::Department(it)), ObjectKind::Department) => {
                Some(it.what.name.clone())
            }
            (Change::Put(Record::User(it)), ObjectKind::User) => Some(it.what.name.clone()),
            _ => None,
        })
        .collect();
    names.sort();
    names
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
    assert_eq!(north.replica.changes(), None, "nothing before it is merged");
    assert!(merge(&hub, "north").await > 0);
    let changes = told(&north).await;
    assert_eq!(names(&changes, ObjectKind::Department), ["research"]);
    let bindings = changes.iter().filter_map(|it| match it {
        Change::Put(Record::Binding(it)) => Some((it.kind, it.here.to_string())),
        _ => None,
    });
    let mut bindings: Vec<_> = bindings.collect();
    bindings.sort();
    let expected = [
        (ObjectKind::Department, "north-d".to_owned()),
        (ObjectKind::User, "north-u".to_owned()),
    ];
    assert_eq!(bindings, expected);

    // Another region of the same department's name: the first one hears of the other's, under
    // another name, and nothing of what the other's things are called there.
    let south = furnished(&hub, "south", "research").await;
    assert!(merge(&hub, "south").await > 0);
    let changes = told(&north).await;
    assert_eq!(
        names(&changes, ObjectKind::Department),
        ["research_south-d"]
    );
    assert!(
        !changes
            .iter()
            .any(|it| matches!(it, Change::Put(Record::Binding(_)))),
        "{changes:?}"
    );
    let changes = told(&south).await;
    let both = ["research", "research_south-d"];
    assert_eq!(names(&changes, ObjectKind::Department), both);
    let bound = changes.iter().any(|it| {
        matches!(it, Change::Put(Record::Binding(it))
            if it.here == CloudId::new("south-d") && matches!(it.becomes, Becomes::Object(_)))
    });
    assert!(bound, "{changes:?}");
    assert_eq!(merge(&hub, "south").await, 0, "merging again is nothing");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_reach_who_is_there_at_once_and_who_was_away_when_he_returns() {
    let folder = private_dir();
    let hub = TestHub::found(&folder.path().join("hub")).await;
    let north = furnished(&hub, "north", "research").await;
    merge(&hub, "north").await;
    told(&north).await;
    let make = |id, name: &str| Edit::Create {
        id: ObjectId::from_random(id),
        object: Object::Department(Department {
            name: name.to_owned(),
            description: None,
            enabled: true,
        }),
    };
    let sales = make(1, "sales");
    let edited = hub
        .hub
        .store
        .change(move |it| it.edit(sales, "admin"))
        .await;
    edited.unwrap();
    let changes = told(&north).await;
    assert_eq!(names(&changes, ObjectKind::Department), ["sales"]);
    assert_eq!(changes.len(), 1, "only the change");

    let data_dir = north.stop().await;
    let legal = make(2, "legal");
    let edited = hub
        .hub
        .store
        .change(move |it| it.edit(legal, "admin"))
        .await;
    edited.unwrap();
    let hub = hub.restart().await;
    let north = TestAgent::start(data_dir).await;
    let held = told(&north).await;
    let mut changes = held.clone();
    while !names(&changes, ObjectKind::Department).contains(&"legal".to_owned()) {
        changes = told(&north).await;
    }
    assert!(names(&held, ObjectKind::Department).contains(&"sales".to_owned()));
    hub.stop().await;
}
