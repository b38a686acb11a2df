//! What goes with a department that is purged, and what a hub of an older backup ends again.

use shared::model::{Lapse, Link};

use super::*;
use crate::directory::lapse_proof;

#[tokio::test]
async fn a_departments_users_are_deleted_with_it_and_its_projects_before() {
    let mut stage = Stage::new().await;
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    let department = *directory
        .ended(stage.web)
        .unwrap()
        .object
        .department()
        .unwrap();
    let kind = ObjectKind::Department;
    let end = Edit::End {
        kind,
        id: department,
    };
    stage.site.edit(end).await.unwrap();
    let seen = async |stage: &Stage| {
        let heard = stage.heard(LATER);
        let found = stage
            .site
            .store
            .read(move |it| it.retired_one(department, &heard));
        let mut seen = found.await.unwrap().unwrap();
        // The regions have switched it off.
        for left in &mut seen.left {
            if let Some(here) = &mut left.here {
                here.is_on = false;
            }
        }
        seen
    };
    let found = seen(&stage).await;
    assert_eq!((found.goes_along.users, &*found.within[0]), (1, "web"));
    assert_eq!(found.left[0].here.unwrap().inside.users, 1, "{found:?}");
    let refused = stage.purge(found).await.unwrap_err().to_string();
    assert!(refused.contains("retired projects web"), "{refused}");
    let web = stage.seen().await;
    stage.purge(web).await.unwrap();
    let done = stage.done();
    stage
        .told(
            [true, true],
            std::slice::from_ref(&done),
            std::slice::from_ref(&done),
        )
        .await;
    assert!(stage.ends().await);
    let found = seen(&stage).await;
    stage.purge(found).await.unwrap();
    let rows = stage.site.rows();
    let lapse = rows.iter().find_map(|(.., it)| match it {
        Some(Record::Lapse(it)) if it.kind == ObjectKind::User => Some(it.clone()),
        _ => None,
    });
    assert_eq!(lapse.unwrap().how, End::Deleted);
    stage.site.is_sound().await;
}

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
    let revived = stage.site.store.read(|it| it.revived()).await.unwrap();
    assert!(
        revived.is_empty(),
        "anybody may say so, and nobody can prove it"
    );
    stage.told([true, true], &[], &[tells(proof)]).await;
    let revived = stage.site.store.read(|it| it.revived()).await.unwrap();
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
