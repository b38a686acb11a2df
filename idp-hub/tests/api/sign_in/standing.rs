//! Which regions have a user's password.

use super::*;

#[tokio::test]
async fn it_is_told_which_regions_lack_a_users_password_until_he_signs_in() {
    let it = stage().await;
    let path = format!("/directory/users/{}/password", it.ann);
    let standing = async || it.kit.send(Method::GET, &path, json!(null)).await.json();
    let before = standing().await;
    assert_eq!(before["set"], json!(null), "{before}");
    assert_eq!(before["first_checked_by"], "home", "{before}");
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    let set = standing().await;
    assert!(set["set"].is_string(), "{set}");
    assert_eq!(set["first_checked_by"], json!(null), "{set}");
    assert_eq!((&set["regions"], &set["lacking"]), (&json!(1), &json!([])));

    it.merged_north().await;
    let later = standing().await;
    assert_eq!(later["regions_lacking"], 1, "{later}");
    assert_eq!(later["lacking"], json!(["north"]));
    assert_eq!(it.ann_enters(NEW).await.status, 201);
    let told = standing().await;
    assert_eq!(
        (&told["regions"], &told["lacking"]),
        (&json!(2), &json!([]))
    );
}
