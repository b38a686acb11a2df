//! The trail in a real file.

use shared::audit::{DONE, Fault};
use tempfile::TempDir;

use super::*;

const START: UnixMillis = UnixMillis(1_795_284_000_000);

fn act(who: &str, action: &str) -> Act {
    Act::new(By::new(who, "link"), action).on("user", "u1", "ann")
}

fn trail() -> (TempDir, Trail) {
    let folder = tempfile::tempdir().unwrap();
    let trail = Trail::open(folder.path(), START).unwrap();
    (folder, trail)
}

/// Somebody else at the file.
fn behind_its_back(folder: &TempDir, sql: &str) {
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn what_was_told_is_there_after_a_restart_and_holds() {
    let (folder, trail) = trail();
    assert_eq!(trail.head().unwrap(), Head::BEGIN);
    trail.follow(3);
    let both = vec![act("hub", "create"), act("hub", "update")];
    trail.tell(START, both).await.unwrap();
    // A command of the administrator's, while the daemon runs.
    let other = Trail::open(folder.path(), START).unwrap();
    other
        .write(UnixMillis(START.0 + 5), vec![act("root", "leave")])
        .unwrap();
    trail
        .note(UnixMillis(START.0 + 9), act("hub", "remove"))
        .await;
    let head = trail.head().unwrap();
    drop((trail, other));

    let trail = Trail::existing(folder.path()).unwrap();
    let all = trail.list(100, &Wanted::default()).unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|(number, entry)| {
            let entry = entry.as_ref().unwrap();
            assert_eq!(entry.act.outcome, DONE);
            (*number, entry.epoch, entry.act.action.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (4, 3, "remove"),
            (3, 0, "leave"),
            (2, 3, "update"),
            (1, 3, "create")
        ]
    );
    let who = Some("root".to_owned());
    let wanted = Wanted {
        who,
        ..Wanted::default()
    };
    assert_eq!(trail.list(100, &wanted).unwrap().len(), 1);
    assert_eq!(trail.list(2, &Wanted::default()).unwrap().len(), 2);
    let verified = trail.verify(None).unwrap().unwrap();
    assert_eq!((verified.entries, verified.head), (4, head));
    let names: Vec<_> = folder.path().read_dir().unwrap().collect();
    assert_eq!(names.len(), 1, "nothing stands beside it: {names:?}");
}

#[test]
fn whatever_is_done_to_the_file_is_found() {
    for (sql, number, fault) in [
        (
            "UPDATE audit SET entry = zeroblob(40) WHERE number = 2",
            2,
            Fault::Changed,
        ),
        (
            "DELETE FROM audit WHERE number = 1",
            1,
            Fault::Missing { found: 2 },
        ),
        (
            "DELETE FROM audit WHERE number > 1",
            2,
            Fault::Cut { newest: 3 },
        ),
        ("DELETE FROM place", 3, Fault::Beyond { newest: 0 }),
    ] {
        let (folder, trail) = trail();
        for action in ["a", "b", "c"] {
            trail.write(START, vec![act("hub", action)]).unwrap();
        }
        behind_its_back(&folder, sql);
        let broken = trail.verify(None).unwrap().unwrap_err();
        assert_eq!((broken.number, broken.fault), (number, fault), "{sql}");
    }
}

#[test]
fn what_is_old_or_too_much_is_dropped_and_the_rest_still_holds() {
    let (_folder, trail) = trail();
    let add = |at, count: usize, entries_max| {
        let entry = Entry {
            at: UnixMillis(at),
            epoch: 1,
            act: act("hub", "edit"),
        };
        let entries = vec![entry; count];
        let added = trail.with(|it| rows::append(it, &entries, entries_max));
        added.unwrap();
        let verified = trail.verify(None).unwrap().unwrap();
        (verified.begin.number, verified.entries)
    };
    assert_eq!(add(1, 10, 100), (0, 10));
    assert_eq!(add(2, 1, 10), (1, 10), "one too many");
    assert_eq!(add(3, 1, 5), (3, 9), "two with each at most");
    assert_eq!(add(4, 3, 5), (9, 6));
    assert_eq!(
        add(rows::KEPT_MS + 3, 1, 100),
        (11, 5),
        "older than they may be"
    );
    assert_eq!(add(100 * rows::KEPT_MS, 8, 100), (16, 8), "and no others");
}

#[test]
fn a_damaged_file_is_kept_and_a_new_trail_says_so() {
    let (folder, trail) = trail();
    drop(trail);
    let path = folder.path().join(FILE);
    std::fs::write(
        &path,
        "no database at all, and long enough to be taken for one".repeat(20),
    )
    .unwrap();
    assert!(Trail::existing(folder.path()).is_err());
    let trail = Trail::open(folder.path(), START).unwrap();
    let [(1, Some(entry))] = &trail.list(10, &Wanted::default()).unwrap()[..] else {
        panic!("one entry");
    };
    assert_eq!(entry.act.action, "begin anew");
    assert!(
        entry.act.subject.name.contains("audit.sqlite.damaged-"),
        "{entry:?}"
    );
    let missing = tempfile::tempdir().unwrap();
    let error = Trail::existing(missing.path()).unwrap_err().to_string();
    assert!(error.contains("no audit trail"), "{error}");
}

#[test]
fn a_link_in_its_place_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("theirs");
    std::os::unix::fs::symlink(&target, folder.path().join(FILE)).unwrap();
    assert!(Trail::open(folder.path(), START).is_err());
    assert!(!target.exists());
}

#[test]
fn who_may_not_look_at_it_is_not_told_that_there_is_none() {
    let of = |kind: io::ErrorKind| absent(Path::new("/var/lib/sp-agent"), kind.into()).to_string();
    let told = of(io::ErrorKind::PermissionDenied);
    assert!(
        told.contains("run this as root") && told.contains("sudo -u sp-agent"),
        "{told}"
    );
    let none = of(io::ErrorKind::NotFound);
    assert!(none.contains("there is no audit trail"), "{none}");
}
