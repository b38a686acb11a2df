//! By what names a user is found: as the regions' own Keystones find him.

use super::*;

async fn found(site: &Site, department: &'static str, name: &'static str) -> Option<ObjectId> {
    let found = site.store.read(move |it| it.user_named(department, name));
    found.await.unwrap().map(|it| it.id)
}

async fn named(site: &Site, name: &str, department: ObjectId, number: u128) -> ObjectId {
    let id = ObjectId::from_random(number);
    let user = shared::model::User {
        department,
        name: name.to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    };
    let object = shared::model::Object::User(user);
    site.edit(Edit::Create { id, object }).await.unwrap();
    id
}

#[tokio::test]
async fn a_name_that_is_written_otherwise_is_the_same_as_in_most_clouds() {
    let (site, _, ann) = with_ann().await;
    let zoe = named(&site, "Zo\u{eb}", ann.user.department, 80).await;
    for (department, name, expected) in [
        ("ops", "ANN", Some(ann.id)),
        ("Ops", "Ann ", Some(ann.id)),
        ("OPS", "zoe", Some(zoe)),
        ("ops", "zoe\u{308}", Some(zoe)),
        ("ops", "zo", None),
        ("lab", "ANN", None),
    ] {
        assert_eq!(
            found(&site, department, name).await,
            expected,
            "{department} {name}"
        );
    }
    // A release that knew nothing of it wrote her name.
    let forget = "UPDATE names SET folded = NULL";
    site.connection().execute(forget, ()).unwrap();
    let site = site.reopened().await;
    assert_eq!(found(&site, "OPS", "ZOE").await, Some(zoe));
}

#[tokio::test]
async fn just_the_name_comes_first_and_what_could_be_two_is_none() {
    let (site, _, ann) = with_ann().await;
    // As a cloud whose database tells them apart may bring them along.
    let other = named(&site, "other", ann.user.department, 81).await;
    let sql = "UPDATE names SET name = 'Ann', folded = 'ann' WHERE id = ?1";
    site.connection().execute(sql, [other.to_bytes()]).unwrap();
    assert_eq!(found(&site, "ops", "ann").await, Some(ann.id));
    assert_eq!(found(&site, "ops", "Ann").await, Some(other));
    assert_eq!(found(&site, "ops", "ANN").await, None);
}
