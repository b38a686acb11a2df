//! Nothing is deleted before every region agreed, and a word is good for a week.

use std::sync::Arc;
use std::time::Duration;

use shared::model::{Lapse, PurgeStep};
use shared::runtime::clock::Clock;

use super::*;

/// The department of `web`, retired and switched off, once that is purged.
async fn department(stage: &mut Stage) -> ObjectId {
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    let web = &directory.ended(stage.web).unwrap().object;
    let (kind, id) = (ObjectKind::Department, *web.department().unwrap());
    stage.site.edit(Edit::End { kind, id }).await.unwrap();
    let found = seen(stage, id).await;
    assert_eq!((found.goes_along.users, &*found.within[0]), (1, "web"));
    assert_eq!(found.left[0].here.unwrap().inside.users, 1, "{found:?}");
    let refused = stage.purge(found).await.unwrap_err().to_string();
    assert!(refused.contains("retired projects web"), "{refused}");
    let web = stage.seen().await;
    stage.purge(web).await.unwrap();
    let done = [stage.done()];
    stage.told([true, true], &done, &done).await;
    assert!(stage.ends().await);
    id
}

async fn seen(stage: &Stage, id: ObjectId) -> Retired {
    let (heard, counts) = (stage.heard(LATER), Counts::default());
    let found = stage
        .site
        .store
        .read(move |it| it.retired_one(id, &heard, &counts));
    let mut seen = found.await.unwrap().unwrap();
    // The regions have switched it off.
    for left in &mut seen.left {
        if let Some(here) = &mut left.here {
            here.is_on = false;
        }
    }
    seen
}

fn users_that_ended(stage: &Stage) -> Vec<Lapse> {
    let rows = stage.site.rows().into_iter();
    let all = rows.filter_map(|(.., it)| match it {
        Some(Record::Lapse(it)) if it.kind == ObjectKind::User => Some(it),
        _ => None,
    });
    all.collect()
}

#[tokio::test]
async fn a_departments_users_are_deleted_once_every_region_agrees_and_not_before() {
    let mut stage = Stage::new().await;
    let id = department(&mut stage).await;
    let what = (ObjectKind::Department, id);
    let found = seen(&stage, id).await;
    stage.purge(found).await.unwrap();
    let told = stage.purges();
    assert!(told.iter().all(|(_, it)| it.step == PurgeStep::Ask));
    let is_retired = |stage: &Stage| {
        let ended = users_that_ended(stage);
        ended.len() == 1 && ended[0].how == End::Retired
    };
    assert!(is_retired(&stage), "{:?}", users_that_ended(&stage));
    let at = told[0].1.at;
    let says = |state| Remark {
        subject: Subject::Object(what.0, id),
        name: "ops".to_owned(),
        state,
    };
    let ready = [says(RemarkState::Purgeable { told: at })];
    let reason = "in it is 1 user, which the federation does not delete".to_owned();
    let refuses = says(RemarkState::Blocked { reason });
    stage.told([true, true], &ready, &[refuses]).await;
    assert_eq!(seen(&stage, id).await.left[0].purge, Purging::Ready);
    assert!(!stage.brought(what, Next::Delete).await, "north refuses");
    assert!(is_retired(&stage), "nobody lost anything");
    // Somebody agreed to an earlier word.
    let stale = says(RemarkState::Purgeable {
        told: UnixMillis(1),
    });
    stage.told([true, true], &ready, &[stale]).await;
    assert_eq!(stage.going_on(at).await, []);
    stage.told([true, true], &ready, &ready).await;
    assert_eq!(stage.going_on(at).await, [(what, Next::Delete)]);
    assert!(stage.brought(what, Next::Delete).await);
    assert!(!stage.brought(what, Next::Delete).await, "once");
    assert_eq!(users_that_ended(&stage)[0].how, End::Deleted);
    let told = stage.purges();
    let is_same = |it: &Purge| it.step == PurgeStep::Delete && it.at == at;
    assert!(told.len() == 2 && told.iter().all(|(_, it)| is_same(it)));
    assert_eq!(seen(&stage, id).await.left[0].purge, Purging::Waiting);
    stage.site.is_sound().await;
    let done = [says(RemarkState::Purged { told: at })];
    stage.told([true, true], &done, &done).await;
    assert!(stage.brought(what, Next::End).await);
    assert_eq!(stage.purges(), []);
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(directory.ended(id).unwrap().how, End::Deleted);
    stage.site.is_sound().await;
}

#[tokio::test]
async fn a_word_that_was_refused_for_a_week_is_none_until_it_is_given_anew() {
    let (clock, hand) = Clock::manual(Clock::system().unix_millis());
    let mut stage = Stage::of(Site::by(clock).await).await;
    let what = (ObjectKind::Project, stage.web);
    let web = stage.seen().await;
    stage.purge(web).await.unwrap();
    let at = stage.purges()[0].1.at;
    let told = stage.seen().await.left;
    assert!(told.iter().all(|it| it.good_until.is_some()));
    let week = Duration::from_secs(7 * 24 * 3600 + 1);
    let late = UnixMillis(at.0 + week.as_millis() as u64);
    assert_eq!(stage.going_on(at).await, []);
    assert_eq!(stage.going_on(late).await, [(what, Next::Lapse)]);
    assert!(!stage.brought(what, Next::Lapse).await, "not yet");
    hand.advance(week);
    assert!(stage.brought(what, Next::Lapse).await);
    let told = stage.purges();
    assert!(told.iter().all(|(_, it)| it.step == PurgeStep::Lapsed));
    let seen = stage.seen().await;
    assert_eq!(states(&seen), [Purging::Lapsed, Purging::Lapsed]);
    assert!(seen.left.iter().all(|it| it.good_until.is_none()));
    assert_eq!(seen.how, End::Retired);
    // Whoever agreed to it agreed to nothing any more.
    let ready = [remark(stage.web, RemarkState::Purgeable { told: at })];
    stage.told([false, false], &ready, &ready).await;
    assert_eq!(stage.going_on(late).await, []);
    let web = stage.seen().await;
    stage.purge(web).await.unwrap();
    let anew = stage.purges();
    let is_new = |it: &Purge| it.step == PurgeStep::Ask && it.at > at;
    assert!(anew.len() == 2 && anew.iter().all(|(_, it)| is_new(it)));
    stage.site.is_sound().await;
}

#[tokio::test]
async fn counts_are_made_once_for_what_a_region_told() {
    let mut stage = Stage::new().await;
    let (id, heard, counts) = (stage.web, stage.heard(LATER), Arc::new(Counts::default()));
    let servers = async |stage: &Stage, after: Option<ObjectId>| {
        let (heard, counts) = (heard.clone(), Arc::clone(&counts));
        let query = RetiredQuery {
            limit: 10,
            now: UnixMillis(1_000),
            after: after.map_or_else(Vec::new, |it| it.to_bytes().to_vec()),
            ..RetiredQuery::default()
        };
        let page = stage
            .site
            .store
            .read(move |it| it.retired(&query, &heard, &counts));
        let page = page.await.unwrap();
        page.items[0].left[0].here.unwrap().contents.servers
    };
    assert_eq!(servers(&stage, None).await, 0);
    let home = stage.home;
    stage.inventory(home, &contents("h-web")).await;
    // A page further on is of the same counts.
    let before = ObjectId::from_bytes([0; 16]);
    assert!(before < id);
    assert_eq!(servers(&stage, Some(before)).await, 0);
    assert_eq!(servers(&stage, None).await, 2);
    assert_eq!(servers(&stage, Some(before)).await, 2);
}

#[tokio::test]
async fn what_was_never_read_or_is_not_answered_for_is_not_empty() {
    let mut stage = Stage::new().await;
    let north = stage.north;
    stage.session += 1;
    let nova = Record::Service(shared::model::Service {
        kind: shared::model::ServiceKind::Compute,
        state: shared::model::ServiceState::Failing {
            reason: "no answer".to_owned(),
        },
        endpoint: String::new(),
        versions: (String::new(), String::new()),
        since: UnixMillis(0),
    });
    stage
        .site
        .tell_of(Feed::Health, north, stage.session, &[nova])
        .await;
    let late = stage.site.region(3).await;
    stage.site.tell(late, 1, &organization("l")).await;
    stage.site.merge(late).await;
    let (id, mut heard) = (stage.web, stage.heard(LATER));
    heard.insert(late, LATER);
    let counts = Counts::default();
    let found = stage
        .site
        .store
        .read(move |it| it.retired_one(id, &heard, &counts));
    let refused = stage.purge(found.await.unwrap().unwrap()).await;
    let refused = refused.unwrap_err().to_string();
    for word in [
        "region-2 (compute: failing)",
        "region-3 (its inventory was never read)",
    ] {
        assert!(refused.contains(word), "{refused}");
    }
    assert_eq!(stage.purges(), []);
}
