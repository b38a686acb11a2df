use bytes::Bytes;
use shared::ids::FeedId;
use shared::link::inbox::Verdict;
use shared::model::Weight;
use shared::wire::frame::{Open, Start, feed_code};

use super::super::feed::{Answer, FeedPayload, Frame, Incoming, IncomingRecord};
use super::super::overlay::Overlay;
use super::super::{Changing, feed, schema};
use super::*;

const NO: RegionNo = RegionNo(1);
const ID: FeedId = FeedId::from_bytes([7; 16]);
const SESSION: u64 = 5;

/// A region with an open session, whose inventory has got to 10.
fn live() -> (tempfile::TempDir, Connection, Hot) {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = schema::open(&directory.path().join("hub.db")).unwrap();
    schema::migrate(&mut connection).unwrap();
    let region = "INSERT INTO regions (no, id, name, standing, key_fingerprint, cloud_kind,
                      cloud_version, cloud_endpoint, software, host, joined_ms, seen_ms, not_after_s)
                  VALUES (1, x'01', 'a', 2, x'01', 1, '', '', '', '', 0, 0, 0)";
    connection.execute(region, ()).unwrap();
    let mut hot = Hot::load(&connection, Size::limit(1000)).unwrap();
    let region = hot.region(&connection, NO).unwrap().unwrap();
    region.session = SESSION;
    for feed in [Feed::Inventory, Feed::Health] {
        let inbox = &mut region.feed(feed).inbox;
        inbox.session_began();
        inbox.open(&Open {
            feed: feed_code(feed),
            id: ID,
            start: Start::Snapshot,
        });
        inbox.batch(0, 10, true);
        region.feed(feed).dirty = true;
    }
    hot.save(&connection).unwrap();
    hot.publish(&Overview::default());
    (directory, connection, hot)
}

/// What becomes of the next batch of a feed.
fn next(hot: &mut Hot, connection: &Connection, feed: Feed) -> Verdict {
    let region = hot.region(connection, NO).unwrap().unwrap();
    region.feed(feed).inbox.batch(10, 11, true)
}

#[test]
fn after_a_failed_commit_every_feed_of_the_region_is_told_where_to_go_on() {
    let (_directory, connection, mut hot) = live();
    // The transaction has a batch of one feed only.
    assert!(matches!(
        next(&mut hot, &connection, Feed::Inventory),
        Verdict::Apply { .. }
    ));
    hot.roll_back(&connection).unwrap();

    for feed in [Feed::Inventory, Feed::Health] {
        assert_eq!(next(&mut hot, &connection, feed), Verdict::Reposition);
        assert_eq!(next(&mut hot, &connection, feed), Verdict::Ignore, "once");
        let region = hot.region(&connection, NO).unwrap().unwrap();
        assert_eq!(region.feed(feed).inbox.position().seq, 10);
    }
}

#[test]
fn a_removal_that_is_not_committed_leaves_the_session() {
    let (_directory, connection, mut hot) = live();
    hot.change_begins();
    hot.forget(NO);
    assert!(hot.region(&connection, NO).unwrap().is_none());
    hot.roll_back(&connection).unwrap();
    let region = hot.region(&connection, NO).unwrap().unwrap();
    assert_eq!(region.session, SESSION);
}

#[test]
fn what_could_not_be_read_after_a_failed_commit_is_not_worked_with() {
    let (_directory, connection, mut hot) = live();
    next(&mut hot, &connection, Feed::Inventory);
    let hide = "ALTER TABLE feeds RENAME TO hidden";
    connection.execute(hide, ()).unwrap();
    assert!(hot.roll_back(&connection).is_err());
    assert!(hot.region(&connection, NO).is_err(), "11 was never stored");

    let back = "ALTER TABLE hidden RENAME TO feeds";
    connection.execute(back, ()).unwrap();
    let region = hot.region(&connection, NO).unwrap().unwrap();
    assert_eq!(region.session, SESSION);
    assert_eq!(region.feed(Feed::Inventory).inbox.position().seq, 10);
    assert_eq!(
        next(&mut hot, &connection, Feed::Health),
        Verdict::Reposition
    );
}

/// A batch of inventory: each record's id, and whether it is there.
fn batch(
    hot: &mut Hot,
    (connection, overlay): (&Connection, &mut Overlay),
    after: u64,
    records: &[(u8, bool)],
) -> Option<Answer> {
    let mut changing = Changing {
        connection,
        hot,
        now: UnixMillis(1),
    };
    let incoming = |(id, there): &(u8, bool)| IncomingRecord {
        kind: 1,
        id: Bytes::from(vec![*id]),
        value: there.then(|| Bytes::from_static(b"value")),
        weight: Weight::Nothing,
        known: None,
    };
    let frame = Frame {
        region: NO,
        session: SESSION,
        feed: Feed::Inventory,
        payload: FeedPayload::Batch(Incoming {
            after,
            last: after + records.len() as u64,
            digest: None,
            records: records.iter().map(incoming).collect(),
        }),
    };
    feed::take(&mut changing, overlay, frame).unwrap()
}

#[test]
fn who_names_a_record_twice_has_no_more_room_for_it() {
    let (_directory, connection, mut hot) = live();
    let mut overlay = Overlay::default();
    let first = batch(&mut hot, (&connection, &mut overlay), 10, &[(1, true)]);
    assert!(matches!(first, Some(Answer::Ack(11))));
    let region = hot.region(&connection, NO).unwrap().unwrap();
    region.size = Size::limit(1000);
    let only_replaced = batch(&mut hot, (&connection, &mut overlay), 11, &[(1, true)]);
    assert!(matches!(only_replaced, Some(Answer::Ack(12))));

    let mut records = vec![(1, false); 5];
    records.extend([(1, true), (2, true), (3, true), (4, true)]);
    let grown = batch(&mut hot, (&connection, &mut overlay), 12, &records);
    assert!(matches!(grown, Some(Answer::Full(_))), "{grown:?}");
}

/// Whether all of the organization is here, as is shown once this frame of it is committed.
fn shown(hot: &mut Hot, connection: &Connection, payload: FeedPayload) -> bool {
    let mut changing = Changing {
        connection,
        hot,
        now: UnixMillis(1),
    };
    let frame = Frame {
        region: NO,
        session: SESSION,
        feed: Feed::Organization,
        payload,
    };
    feed::take(&mut changing, &mut Overlay::default(), frame).unwrap();
    committed(hot, connection)
}

fn committed(hot: &mut Hot, connection: &Connection) -> bool {
    let overview = Overview::default();
    hot.save(connection).unwrap();
    hot.publish(&overview);
    overview.region(NO).unwrap().organization_told
}

#[test]
fn what_the_database_holds_of_an_organization_is_not_all_before_its_sender_said_so() {
    let (_directory, connection, mut hot) = live();
    let live = "INSERT INTO feeds (region, feed, id, seq, live, generation, digest, fresh_ms)
                VALUES (1, 5, ?1, 10, 1, 1, zeroblob(16), 0)";
    connection.execute(live, [ID.to_bytes()]).unwrap();
    // As of a backup.
    hot.reload(&connection, NO).unwrap();
    assert!(!committed(&mut hot, &connection));
    let opens = |start| {
        let feed = feed_code(Feed::Organization);
        FeedPayload::Open(Open {
            feed,
            id: ID,
            start,
        })
    };
    let batch = |after, last, is_all: bool| {
        let digest = is_all.then(Digest::default);
        let records = Vec::new();
        FeedPayload::Batch(Incoming {
            after,
            last,
            digest,
            records,
        })
    };
    let mut is_told = |payload| shown(&mut hot, &connection, payload);
    // What changed since is caught up with, however long that takes.
    assert!(!is_told(opens(Start::Resume { seq: 10 })));
    assert!(!is_told(batch(10, 20, false)));
    assert!(is_told(batch(20, 30, true)));
    assert!(is_told(batch(10, 20, false)), "held already");
    assert!(!is_told(batch(30, 40, false)), "there is more");
    assert!(is_told(batch(40, 40, true)));
    // All of it is told anew, or from elsewhere.
    assert!(!is_told(opens(Start::Snapshot)));
    assert!(!is_told(batch(0, 10, false)));
    assert!(is_told(batch(10, 50, true)));
    assert!(!is_told(batch(70, 80, true)), "something is missing");
    assert!(!is_told(opens(Start::Resume { seq: 50 })));
    assert!(is_told(batch(50, 50, true)), "there is nothing new");

    let region = hot.region(&connection, NO).unwrap().unwrap();
    region.feed(Feed::Organization).session_began();
    assert!(!committed(&mut hot, &connection), "nor in another session");
}
