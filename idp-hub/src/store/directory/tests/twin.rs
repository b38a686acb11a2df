//! One cloud under two names.

use shared::model::{CloudId, Custody, Project, Record};

use super::site::{Site, confirmation, entry, organization};
use crate::directory::MergeRefusal;
use crate::store::StoreError;
use crate::store::directory::Confirmation;

fn with_a_project(mark: &str, id: &str) -> Vec<Record> {
    let project = Project {
        department: CloudId::new(&format!("{mark}-ops")),
        parent: None,
        name: "web".to_owned(),
        description: None,
        enabled: true,
    };
    let mut records = organization(mark);
    records.push(Record::Project(entry(id, Custody::Common, project)));
    records
}

#[tokio::test]
async fn one_cloud_under_two_names_is_found_and_merged_by_a_word_of_its_own_only() {
    let site = Site::new().await;
    let (home, copy, other) = (
        site.region(1).await,
        site.region(2).await,
        site.region(3).await,
    );
    let random = "67e5504410b1426f9247bb680e5fe0c8";
    site.tell(home, 1, &with_a_project("h", random)).await;
    site.merge(home).await;
    site.tell(copy, 1, &with_a_project("h", random)).await;
    // An id that somebody chose is in many clouds.
    site.tell(other, 1, &with_a_project("n", "web")).await;

    let (plan, name) = (site.plan(copy).await.unwrap(), site.name(copy).await);
    let refused = site.confirm(copy, &plan).await.unwrap_err();
    let StoreError::Merge(MergeRefusal::Twin { other: of, .. }) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*of, site.name(home).await);
    assert!(refused.to_string().contains("region remove"), "{refused}");
    let shown = site.store.shown_plan(&name).await.unwrap();
    assert_eq!(shown.twin.as_ref(), Some(of));

    let taken_over = Confirmation {
        copied: true,
        ..confirmation(&plan)
    };
    let merged = site.store.merge(&name, taken_over).await.unwrap();
    assert!(merged.written > 0);
    site.merge(other).await;
}

#[tokio::test]
async fn a_cloud_whose_other_region_was_removed_is_merged_as_any() {
    let site = Site::new().await;
    let home = site.region(1).await;
    let random = "67e5504410b1426f9247bb680e5fe0c8";
    site.tell(home, 1, &with_a_project("h", random)).await;
    site.merge(home).await;
    let again = site.region(2).await;
    let name = site.name(again).await;
    site.tell(again, 1, &with_a_project("h", random)).await;
    site.plan(again).await.unwrap();
    let seen = site.store.shown_plan(&name).await.unwrap();
    assert!(seen.twin.is_some());
    let removed = site.store.change(move |it| it.remove_region(home));
    removed.await.unwrap();
    let seen = site.store.shown_plan(&name).await.unwrap();
    assert_eq!(seen.twin, None, "a plan that was shown before is none");
    site.merge(again).await;
}
