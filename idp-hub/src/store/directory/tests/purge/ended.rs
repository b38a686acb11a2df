//! What goes with a department that is purged, and what a hub of an older backup ends again.

use shared::model::{Lapse, Link, RecordKind};
use shared::wire::record::kind_code;

use super::*;
use crate::directory::lapse_proof;

/// Ann of home was deleted, and the hub was restored from a backup in which she lives: a region
/// tells of it, and proves it by the hub's own word.
#[tokio::test]
async fn who_was_deleted_ends_again_by_the_hubs_own_proof_and_by_no_other() {
    let mut stage = Stage::new().await;
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    let (kind, how) = (ObjectKind::User, End::Deleted);
    let ann = *directory.live().users.keys().next().unwrap();
    let key: Vec<u8> = stage
        .site
        .connection()
        .query_row(
            "SELECT value FROM facts WHERE name = 'lapse_key'",
            (),
            |row| row.get(0),
        )
        .unwrap();
    let proof = lapse_proof(&key.try_into().unwrap(), (kind, ann), how);
    let tells = |proof| Remark {
        subject: Subject::Object(kind, ann),
        name: "ann".to_owned(),
        state: RemarkState::Ended { how, proof },
    };
    stage.told([true, true], &[], &[tells([7; 32])]).await;
    let revived = stage.site.store.read(|it| it.revived(None)).await.unwrap();
    assert!(
        revived.is_empty(),
        "anybody may say so, and nobody can prove it"
    );
    stage.told([true, true], &[], &[tells(proof)]).await;
    let revived = stage.site.store.read(|it| it.revived(None)).await.unwrap();
    assert_eq!(revived.into_iter().collect::<Vec<_>>(), [(kind, ann, how)]);
    let ended = stage
        .site
        .store
        .change(move |it| it.end_again((kind, ann, how), &by_ann()));
    assert!(ended.await.unwrap());
    let again = stage
        .site
        .store
        .change(move |it| it.end_again((kind, ann, how), &by_ann()));
    assert!(!again.await.unwrap());
    let told = stage.site.rows().into_iter().find_map(|(.., it)| match it {
        Some(Record::Lapse(it)) if it.object == ann => Some(it),
        _ => None,
    });
    let object = ann;
    assert_eq!(
        told,
        Some(Lapse {
            object,
            kind,
            how,
            name: String::new(),
            proof
        }),
        "the same word"
    );
    // And no region brings her back: neither merged again, nor with her links.
    let merged = stage.site.merge(stage.home).await;
    assert_eq!(merged.shown.plan.adopted().count(), 0);
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    assert!(!directory.live().users.contains_key(&ann));
    assert!(
        !directory
            .live()
            .links()
            .any(|it| matches!(it, Link::Membership(_)))
    );
    stage.site.is_sound().await;
}

/// Her department was retired here with her in it; that she was deleted with it, once it was purged,
/// is known to a region alone.
#[tokio::test]
async fn who_was_retired_along_is_deleted_again_and_the_trail_has_it() {
    let mut stage = Stage::new().await;
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    let (ann, of) = directory.live().users.iter().next().unwrap();
    let (kind, ann, how) = (ObjectKind::User, *ann, End::Deleted);
    let (department, id) = (ObjectKind::Department, of.department);
    let retired = Edit::End {
        kind: department,
        id,
    };
    stage.site.edit(retired).await.unwrap();
    let key = stage.site.store.read(|it| it.required("lapse_key"));
    let proof = lapse_proof(&key.await.unwrap(), (kind, ann), how);
    let tells = Remark {
        subject: Subject::Object(kind, ann),
        name: "ann".to_owned(),
        state: RemarkState::Ended { how, proof },
    };
    stage.told([true, true], &[], &[tells]).await;
    let revived = stage.site.store.read(|it| it.revived(None)).await.unwrap();
    assert_eq!(revived.into_iter().collect::<Vec<_>>(), [(kind, ann, how)]);
    for is_first in [true, false] {
        let ended = stage
            .site
            .store
            .change(move |it| it.end_again((kind, ann, how), &by_ann()));
        assert_eq!(ended.await.unwrap(), is_first);
        let acts = stage
            .site
            .store
            .read(|it| it.audit_entries(None, 20, &Wanted::default()));
        let acts = acts.await.unwrap().items.into_iter();
        let acts = acts.map(|it| it.entry.unwrap().act);
        let acts: Vec<_> = acts.filter(|it| it.action == "end-again").collect();
        let [act] = acts.as_slice() else {
            panic!("one entry, and not {acts:?}");
        };
        assert_eq!(act.before, "retired", "{act:?}");
        assert!(act.after.starts_with("deleted before"), "{act:?}");
    }
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(directory.ended(ann).unwrap().how, End::Deleted);
    let revived = stage.site.store.read(|it| it.revived(None)).await.unwrap();
    assert!(revived.is_empty());
    stage.site.is_sound().await;
}

/// The hub was restored from a backup in which `web` is being purged still.
#[tokio::test]
async fn what_was_purged_since_a_backup_is_asked_of_no_region_again() {
    let mut stage = Stage::new().await;
    stage.purge(stage.seen().await).await.unwrap();
    assert_eq!(stage.purges().len(), 2);
    let (kind, web, how) = (ObjectKind::Project, stage.web, End::Deleted);
    let key = stage.site.store.read(|it| it.required("lapse_key"));
    let proof = lapse_proof(&key.await.unwrap(), (kind, web), how);
    let tells = [remark(web, RemarkState::Ended { how, proof })];
    stage.told([true, true], &[], &tells).await;
    let revived = stage.site.store.read(|it| it.revived(None)).await.unwrap();
    assert_eq!(revived.into_iter().collect::<Vec<_>>(), [(kind, web, how)]);
    let ended = stage
        .site
        .store
        .change(move |it| it.end_again((kind, web, how), &by_ann()));
    assert!(ended.await.unwrap());
    assert_eq!(stage.purges(), []);
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(directory.ended(web).unwrap().how, End::Deleted);
    stage.site.is_sound().await;
}

/// A word that came after its end, however it did, is taken back as well, and the trail says so.
#[tokio::test]
async fn a_word_that_is_told_still_is_taken_back_where_nothing_else_ends() {
    let stage = Stage::new().await;
    stage.purge(stage.seen().await).await.unwrap();
    let (kind, web, how) = (ObjectKind::Project, stage.web, End::Deleted);
    stage
        .site
        .connection()
        .execute_batch(
            "CREATE TABLE word AS SELECT * FROM directory WHERE region > 0;
             CREATE TABLE merged AS SELECT * FROM region_organization",
        )
        .unwrap();
    let end = || {
        stage
            .site
            .store
            .change(move |it| it.end_again((kind, web, how), &by_ann()))
    };
    assert!(end().await.unwrap());
    assert_eq!(stage.purges(), []);
    stage
        .site
        .connection()
        .execute_batch(
            "UPDATE directory AS it SET value = word.value FROM word
                 WHERE word.region = it.region AND word.kind = it.kind AND word.id = it.id;
             REPLACE INTO region_organization SELECT * FROM merged",
        )
        .unwrap();
    assert_eq!(stage.purges().len(), 2);
    assert!(end().await.unwrap());
    assert_eq!(stage.purges(), []);
    let acts = stage
        .site
        .store
        .read(|it| it.audit_entries(None, 1, &Wanted::default()));
    let act = acts.await.unwrap().items.remove(0).entry.unwrap().act;
    assert_eq!(act.action, "end-again");
    assert!(act.before.starts_with("to be purged in "), "{act:?}");
    assert!(!end().await.unwrap());
    stage.site.is_sound().await;
}

/// Thousands may end again in one moment, in which users wait: of none of them each region's words
/// are read.
#[tokio::test]
async fn who_ends_again_is_looked_for_among_no_others_words() {
    let stage = Stage::new().await;
    stage.purge(stage.seen().await).await.unwrap();
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    let ann = *directory.live().users.keys().next().unwrap();
    // Whoever reads them fails.
    let sql = "UPDATE directory SET value = 'text' WHERE kind = ?1 AND value IS NOT NULL";
    let purge = kind_code(RecordKind::Purge);
    let garbled = stage.site.connection().execute(sql, [purge]).unwrap();
    assert_eq!(garbled, 2);
    let ended = stage
        .site
        .store
        .change(move |it| it.end_again((ObjectKind::User, ann, End::Deleted), &by_ann()));
    assert!(ended.await.unwrap());
}

/// The whole of it is some hundred megabytes, and whoever looks for what ended does so for ever.
#[tokio::test]
async fn where_no_region_tells_of_an_end_the_directory_is_not_read() {
    let mut stage = Stage::new().await;
    let reason = "it has 1 image".to_owned();
    let blocked = remark(stage.web, RemarkState::Blocked { reason });
    stage.told([true, true], &[blocked], &[]).await;
    let unreadable = "UPDATE directory SET value = x'ff' WHERE region = 0 AND value IS NOT NULL";
    let garbled = stage.site.connection().execute(unreadable, ()).unwrap();
    assert!(garbled > 0);
    let directory = stage.site.store.read(|it| it.directory()).await;
    assert!(directory.is_err(), "it can't be read");
    let revived = stage.site.store.read(|it| it.revived(None)).await.unwrap();
    assert!(revived.is_empty());
}

#[tokio::test]
async fn a_region_that_was_merged_meanwhile_is_told_by_a_new_word_and_waited_for() {
    let mut stage = Stage::new().await;
    stage.purge(stage.seen().await).await.unwrap();
    let late = stage.site.region(3).await;
    let mut all = organization("l");
    stage.site.tell(late, 1, &all).await;
    stage.site.merge(late).await;
    stage.inventory(late, &[]).await;
    let done = stage.done();
    stage
        .told(
            [true, true],
            std::slice::from_ref(&done),
            std::slice::from_ref(&done),
        )
        .await;
    assert!(!stage.ends().await, "nobody asked the third");
    let (id, mut heard) = (stage.web, stage.heard(LATER));
    heard.insert(late, LATER);
    let seen = stage
        .site
        .store
        .read(move |it| it.retired_one(id, &heard, &Counts::default()));
    stage.purge(seen.await.unwrap().unwrap()).await.unwrap();
    let told = stage.purges().into_iter().find(|(no, _)| *no == late.0);
    let told = told.unwrap().1.at;
    assert!(!stage.ends().await);
    all.push(Record::Remark(remark(id, RemarkState::Purged { told })));
    stage.session += 1;
    stage.site.tell(late, stage.session, &all).await;
    stage.site.store.change(|_| Ok(())).await.unwrap();
    assert!(stage.ends().await);
}
