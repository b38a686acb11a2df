//! What a region's cloud said was a user's password: that region has it, as long as it has him.

use shared::model::{Custody, Marker};

use super::*;
use crate::store::directory::tests::site::{OURS, user};

#[tokio::test]
async fn a_captured_password_is_the_first_and_its_region_has_it() {
    let (site, [home, north], ann) = with_ann().await;
    let captured = NewPassword {
        captured_from: Some(home),
        ..password(ann.id, 7, &[(north, 1)])
    };
    site.set(captured.clone()).await.unwrap();
    assert!(site.lacking(ann.id).await.is_empty());
    let late = NewPassword {
        version: 8,
        ..captured
    };
    assert!(site.set(late).await.is_err(), "he has one by now");
    site.set(password(ann.id, 9, &[])).await.unwrap();
    assert_eq!(site.lacking(ann.id).await, [home, north]);
}

#[tokio::test]
async fn who_is_made_anew_where_his_password_is_from_is_told_it_there_once() {
    let (site, [home, north], ann) = with_ann().await;
    let captured = NewPassword {
        captured_from: Some(home),
        ..password(ann.id, 7, &[(north, 1)])
    };
    site.set(captured).await.unwrap();
    let tells = async |session, records: &[Record]| {
        site.tell(home, session, records).await;
        // Behind what was told.
        site.store.change(|_| Ok(())).await.unwrap();
    };
    let is_ann = |it: &Record| matches!(it, Record::User(it) if it.what.name == "ann");
    let mut records = organization("h");
    tells(2, &records).await;
    assert!(site.lacking(ann.id).await.is_empty(), "he is as he was");
    records.retain(|it| !is_ann(it));
    tells(3, &records).await;
    assert_eq!(site.lacking(ann.id).await, [home], "he was deleted there");
    // Made anew, he is another account; also where another merge has seen that.
    let Record::User(mut again) = user("h-again", "h-ops", "ann", Custody::Common) else {
        panic!("no user");
    };
    let (federation, object) = (OURS, ann.id);
    again.marker = Some(Marker { federation, object });
    records.push(Record::User(again));
    tells(4, &records).await;
    assert_eq!(site.lacking(ann.id).await, [home]);
    site.merge(home).await;
    assert_eq!(site.lacking(ann.id).await, [home]);
    let told = site.spread((ann.id, 7), sealed_to(home, 2)).await;
    assert_eq!(told, [home]);
    assert!(site.lacking(ann.id).await.is_empty());
    assert_eq!(site.secrets(), [(home.0, 7, 2), (north.0, 7, 1)]);
    tells(5, &organization("h")).await;
    records.retain(|it| !is_ann(it));
    tells(6, &records).await;
    assert!(site.lacking(ann.id).await.is_empty(), "its agent knows it");
    site.is_sound().await;
}
