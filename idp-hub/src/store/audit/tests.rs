//! The trail in a real database, and what is done to it behind the hub's back.

use std::path::Path;
use std::time::Duration;

use shared::audit::{Act, By, Fault, Wanted};
use shared::ids::{FederationId, HubId, ObjectId};
use shared::model::{Department, Object, ObjectKind};
use shared::runtime::clock::{Clock, ManualClock};
use tempfile::TempDir;

use super::*;
use crate::directory::{Edit, Patch};
use crate::store::{Founding, WriterThread};

const START: UnixMillis = UnixMillis(1_795_284_000_000);

struct Site {
    folder: TempDir,
    store: Store,
    hand: ManualClock,
    writer: WriterThread,
}

fn by(who: &str) -> By {
    By::new(who, "192.0.2.7")
}

fn act(who: &str, action: &str) -> Act {
    Act::new(by(who), action).on("region", 1, "north")
}

impl Site {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(START);
        let (store, writer) = Store::open(&folder.path().join("hub.db"), clock).unwrap();
        let founding = Founding {
            federation: FederationId::from_random(1),
            hub: HubId::from_random(1),
            epoch: 3,
            ready: true,
        };
        let found = store.change(move |it| it.set_founding(&founding));
        found.await.unwrap();
        Self {
            folder,
            store,
            hand,
            writer,
        }
    }

    async fn acts(&self, acts: &[(&str, &str)]) {
        for (who, action) in acts {
            self.store.audit(act(who, action)).await.unwrap();
        }
    }

    async fn list(&self, wanted: Wanted) -> Vec<(u64, Entry)> {
        let listed = self
            .store
            .read(move |it| it.audit_entries(None, 100, &wanted));
        let items = listed.await.unwrap().items.into_iter();
        items.map(|it| (it.number, it.entry.unwrap())).collect()
    }

    async fn verify(&self) -> Result<Verified, Broken> {
        self.store.read(|it| it.verify_audit(None)).await.unwrap()
    }

    /// Ends the hub, and has somebody else at its database.
    async fn behind_its_back(self, sql: &str) -> Broken {
        let path = self.folder.path().join("hub.db");
        self.store.close().await;
        tokio::task::spawn_blocking(|| self.writer.join())
            .await
            .unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        verified(&path).unwrap_err()
    }
}

fn verified(path: &Path) -> Result<Verified, Broken> {
    let connection = Connection::open(path).unwrap();
    let connection = &connection;
    Reading { connection }.verify_audit(None).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_told_with_it_and_what_fails_is_not() {
    let site = Site::new().await;
    assert_eq!(site.verify().await.unwrap().head, Head::BEGIN);
    site.acts(&[("alice", "rename")]).await;
    let failed = site.store.change(|it| {
        it.audit(act("bob", "remove"))?;
        Err::<(), _>(StoreError::Refused("no".to_owned()))
    });
    failed.await.unwrap_err();
    site.hand.advance(Duration::from_secs(5));
    site.acts(&[("carol", "accept")]).await;

    let all = site.list(Wanted::default()).await;
    let told: Vec<_> = all
        .iter()
        .map(|(no, it)| (*no, it.act.by.who.as_str()))
        .collect();
    assert_eq!(told, [(2, "carol"), (1, "alice")], "the newest first");
    assert_eq!((all[1].1.at, all[1].1.epoch), (START, 3));
    let verified = site.verify().await.unwrap();
    assert_eq!((verified.entries, verified.first), (2, Some(START)));
    assert_eq!(verified.last, Some(UnixMillis(START.0 + 5000)));
    assert_eq!(
        verified.head,
        site.store.read(|it| it.audit_head()).await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_found_by_what_they_are_about() {
    let site = Site::new().await;
    site.acts(&[("alice", "rename"), ("bob", "remove")]).await;
    site.hand.advance(Duration::from_secs(3600));
    site.acts(&[("alice", "remove")]).await;
    let numbers = async |wanted| {
        let all = site.list(wanted).await;
        all.into_iter()
            .map(|(number, _)| number)
            .collect::<Vec<_>>()
    };
    let text = |it: &str| Some(it.to_owned());
    let who = text("alice");
    let wanted = Wanted {
        who,
        ..Wanted::default()
    };
    assert_eq!(numbers(wanted.clone()).await, [3, 1]);
    let action = text("remove");
    assert_eq!(numbers(Wanted { action, ..wanted }).await, [3]);
    for (subject, expected) in [("orth", 3), ("region", 3), ("1", 3), ("south", 0)] {
        let subject = text(subject);
        let found = numbers(Wanted {
            subject,
            ..Wanted::default()
        })
        .await;
        assert_eq!(found.len(), expected);
    }
    let since = Some(UnixMillis(START.0 + 1));
    assert_eq!(
        numbers(Wanted {
            since,
            ..Wanted::default()
        })
        .await,
        [3]
    );

    let page = |before| {
        site.store
            .read(move |it| it.audit_entries(before, 2, &Wanted::default()))
    };
    let first = page(None).await.unwrap();
    assert_eq!((first.items.len(), first.next), (2, Some(2)));
    let last = page(first.next).await.unwrap();
    assert_eq!((last.items.len(), last.next), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_to_the_table_is_found() {
    for (sql, number, fault) in [
        (
            "UPDATE audit SET entry = (SELECT entry FROM audit WHERE number = 1) WHERE number = 2",
            2,
            Fault::Changed,
        ),
        (
            "UPDATE audit SET link = zeroblob(32) WHERE number = 3",
            3,
            Fault::Changed,
        ),
        (
            "DELETE FROM audit WHERE number = 2",
            2,
            Fault::Missing { found: 3 },
        ),
        (
            "DELETE FROM audit WHERE number = 1",
            1,
            Fault::Missing { found: 2 },
        ),
        (
            "DELETE FROM audit WHERE number = 3",
            3,
            Fault::Cut { newest: 3 },
        ),
        ("DELETE FROM audit", 1, Fault::Cut { newest: 3 }),
        (
            "INSERT INTO audit SELECT 4, entry, link FROM audit WHERE number = 3",
            4,
            Fault::Changed,
        ),
        (
            "DELETE FROM facts WHERE name = 'audit_head'",
            3,
            Fault::Beyond { newest: 0 },
        ),
    ] {
        let site = Site::new().await;
        site.acts(&[("alice", "a"), ("bob", "b"), ("carol", "c")])
            .await;
        let broken = site.behind_its_back(sql).await;
        assert_eq!((broken.number, broken.fault), (number, fault), "{sql}");
    }
}

#[test]
fn what_is_old_or_too_much_is_dropped_and_the_rest_still_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let mut connection = crate::store::schema::open(&path).unwrap();
    crate::store::schema::migrate(&mut connection).unwrap();
    let limits = |entries_max| Limits {
        entries_max,
        dropped: 2,
    };
    let add = |at, entries_max| {
        append(
            &connection,
            UnixMillis(at),
            act("alice", "edit"),
            limits(entries_max),
        )
        .unwrap();
        let verified = verified(&path).unwrap();
        (verified.begin.number, verified.entries)
    };
    for number in 1..=10 {
        assert_eq!(add(number, 100), (0, number));
    }
    assert_eq!(add(11, 10), (1, 10), "one too many");
    assert_eq!(add(12, 8), (3, 9), "two with each at most");
    assert_eq!(add(13, 8), (5, 8));
    assert_eq!(add(KEPT_MS + 6, 8), (6, 8), "not older than they may be");
    assert_eq!(add(KEPT_MS + 9, 100), (8, 7));
    let far = 100 * KEPT_MS;
    assert_eq!(
        add(far, 100),
        (10, 6),
        "a clock that stands wrong costs few"
    );
}

#[test]
fn who_comes_and_goes_pushes_out_nothing_of_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let mut connection = crate::store::schema::open(&path).unwrap();
    crate::store::schema::migrate(&mut connection).unwrap();
    let limits = Limits {
        entries_max: 20,
        dropped: 2,
    };
    let room = passing::Room {
        at_once: 5,
        each_ms: 1000,
    };
    let visit = |at| {
        let visit = (Passing::Visit, act("bob", "sign-in"));
        passing::append(&connection, UnixMillis(at), visit, (room, limits)).unwrap();
    };
    append(&connection, UnixMillis(1), act("alice", "edit"), limits).unwrap();
    (1..=5000).for_each(visit);
    visit(60_000);
    let verified = verified(&path).unwrap();
    assert_eq!(verified.begin, Head::BEGIN, "the edit is there");
    let connection = &connection;
    let listed = Reading { connection }.audit_entries(None, 100, &Wanted::default());
    let acts = listed.unwrap().items.into_iter();
    let acts: Vec<_> = acts.map(|it| it.entry.unwrap().act).collect();
    assert_eq!(acts.last().unwrap().action, "edit");
    let told = acts.iter().filter(|it| it.action == "sign-in").count() as u64;
    let left_out = acts.iter().filter(|it| it.action == "left-out");
    let counts = left_out.map(|it| {
        let words: Vec<_> = it.after.split_whitespace().collect();
        words[5].parse::<u64>().unwrap()
    });
    assert_eq!(told + counts.sum::<u64>(), 5001, "{acts:?}");
    assert!((6..=12).contains(&acts.len()), "{acts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_directory_says_who_what_before_and_after() {
    let site = Site::new().await;
    let id = ObjectId::from_random(7);
    let object = Object::Department(Department {
        name: "research".to_owned(),
        description: None,
        enabled: true,
    });
    let kind = ObjectKind::Department;
    let rename = |to: &str| Edit::Update {
        kind,
        id,
        patch: Patch {
            name: Some(to.to_owned()),
            ..Patch::default()
        },
    };
    let edits = [
        Edit::Create { id, object },
        rename("science"),
        rename("science"),
        Edit::End { kind, id },
    ];
    for edit in edits {
        let edited = site.store.change(move |it| it.edit_by(edit, &by("alice")));
        edited.await.unwrap();
    }
    let all = site.list(Wanted::default()).await;
    let told: Vec<_> = all
        .iter()
        .rev()
        .map(|(_, it)| {
            let act = &it.act;
            assert_eq!((&act.by, &act.subject.id), (&by("alice"), &id.to_string()));
            (
                act.action.as_str(),
                act.subject.name.as_str(),
                act.before.as_str(),
                act.after.as_str(),
            )
        })
        .collect();
    let whole = "name=\"research\" enabled=true description=none";
    let ended = "name=\"science\" enabled=true description=none";
    assert_eq!(
        told,
        [
            ("create", "research", "", whole),
            ("edit", "research", "name=\"research\"", "name=\"science\""),
            ("end", "science", ended, "retired"),
        ],
        "what changes nothing is not told"
    );
}
