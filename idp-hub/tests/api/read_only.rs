//! Of a region whose agent takes no changes nothing is promised.

use axum::http::Method;
use idp_hub::fleet::RegionNo;
use serde_json::{Value, json};
use shared::model::{Applying, CloudId, Feed, Quota, QuotaResource, Record, ServiceKind};

use crate::directory::{organization, with_a_home};
use crate::kit::Kit;

/// What `north` tells, whose agent's policy takes no changes.
async fn with_a_read_only() -> (Kit, RegionNo) {
    let mut kit = with_a_home().await;
    let (no, _) = kit.numbered("north").await;
    let mut told = organization("north");
    told.push(Record::Applying(Applying {
        read_only: true,
        ..Applying::default()
    }));
    kit.organization(no, 2, &told).await;
    (kit, no)
}

async fn plan(kit: &Kit, region: &str) -> Value {
    let path = format!("/api/v1/regions/{region}/organization/plan");
    kit.get(&path).await.json()
}

#[tokio::test]
async fn a_plan_and_its_merge_say_it_before_the_first_merge_too() {
    let (kit, _) = with_a_read_only().await;
    assert_eq!(plan(&kit, "home").await.get("read_only"), None);
    assert_eq!(plan(&kit, "north").await["read_only"], true);
    let path = "/api/v1/directory/progress?region=north";
    let progress = kit.get(path).await.json();
    assert_eq!(progress["items"][0].get("progress"), None, "{progress}");
    assert_eq!(kit.merge("north").await["read_only"], true);
    let progress = kit.get(path).await.json();
    assert_eq!(progress["items"][0]["progress"]["read_only"], true);
}

#[tokio::test]
async fn a_password_and_limits_are_said_not_to_be_set_there() {
    let (mut kit, no) = with_a_read_only().await;
    kit.tells_key("home").await;
    kit.tells_key("north").await;
    kit.merge("north").await;
    let ops = kit.id_of("departments", "ops").await;
    let carol = kit.makes("users", "carol", json!({ "department": ops }));
    let carol = carol.await;
    let set = kit.sets_password(&carol, "correct horse battery").await;
    let set = set.json();
    assert_eq!(
        (&set["regions"], &set["regions_read_only"]),
        (&json!(2), &json!(1)),
        "{set}"
    );
    assert_eq!(set["read_only"], json!(["north"]));
    let path = format!("/api/v1/directory/users/{carol}/password");
    assert_eq!(kit.get(&path).await.json()["read_only"], json!(["north"]));

    let cores = QuotaResource {
        name: "cores".to_owned(),
        limit: Some(10),
        used: 0,
        reserved: 0,
    };
    let quota = Record::Quota(Quota {
        project: CloudId::new("north-web"),
        project_name: "web".to_owned(),
        service: ServiceKind::Compute,
        resources: vec![cores],
    });
    kit.tells(no, (Feed::Quota, 11), &[quota]).await;
    let projects = kit.items("projects?name=web").await;
    let mut projects = projects.iter();
    let web = projects.find(|it| it["department"]["name"] == "ops_north-ops");
    let limits = json!([{ "project": web.unwrap()["id"], "resources": { "cores": 5 } }]);
    let body = json!({ "limits": limits });
    let set = kit.send(Method::PUT, "/regions/north/limits", body).await;
    assert_eq!(set.json()["read_only"], true, "{}", set.text);
}
