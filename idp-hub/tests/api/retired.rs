//! What was retired: what is left of it, and that it is purged on command alone.

use std::time::Duration;

use serde_json::{Value, json};
use shared::model::{Feed, Record};

use crate::directory::{organization, with_a_home};
use crate::kit::Kit;

/// The project `web` of home, as that tells it: whose servers are in it, and whether it is on.
fn told(project: &str, enabled: bool) -> Vec<Record> {
    let mut records = organization("home");
    for record in &mut records {
        if let Record::Project(web) = record {
            web.id = shared::model::CloudId::new(project);
            web.what.enabled = enabled;
        }
    }
    records.retain(|it| !matches!(it, Record::Assignment(_)));
    records
}

async fn one(kit: &Kit) -> Value {
    let mut items = kit.items("retired").await;
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

fn says(why: &Value, word: &str) {
    let detail = why["detail"].as_str().unwrap();
    assert!(detail.contains(word), "{why}");
}

#[tokio::test]
async fn a_retired_project_is_counted_and_refused_with_numbers_and_purged_when_empty() {
    let mut kit = with_a_home().await;
    assert_eq!(kit.items("retired").await, Vec::<Value>::new());
    let id = kit.id_of("projects", "web").await;
    let purge = format!("/directory/retired/{id}/purge");
    kit.post(&purge, json!({}))
        .await
        .is_problem(404, "not-found");
    let ended = kit.delete(&format!("/directory/projects/{id}")).await;
    assert_eq!(ended.status, 204, "{}", ended.text);

    let found = one(&kit).await;
    assert_eq!(
        (&found["name"], &found["state"]),
        (&json!("web"), &json!("retired"))
    );
    assert_eq!(found["regions"][0]["is_on"], true, "{found}");
    let why = kit
        .post(&purge, json!({}))
        .await
        .is_problem(400, "invalid-request");
    says(&why, "not heard of since");

    kit.hand.advance(Duration::from_secs(5));
    let why = kit
        .post(&purge, json!({}))
        .await
        .is_problem(400, "invalid-request");
    says(&why, "not switched off in home");

    let home = kit.board.region("home").unwrap().view.no;
    kit.organization(home, 2, &told("home-web", false)).await;
    let why = one(&kit).await["why_not"].to_string();
    assert!(why.contains("its inventory was never read"), "{why}");
    kit.report(home, Feed::Inventory, 3, Vec::new()).await;
    let found = one(&kit).await;
    assert_eq!(found["why_not"], Value::Null, "{found}");
    let shown = kit.get(&format!("/api/v1/directory/retired/{id}")).await;
    assert_eq!(shown.json(), found);
    let told = kit.post(&purge, json!({})).await;
    assert_eq!(told.status, 202, "{}", told.text);
    let told = told.json();
    assert_eq!(
        (&told["state"], &told["regions"][0]["purge"]),
        (&json!("purging"), &json!("waiting"))
    );
    let audit = kit.get("/api/v1/audit?action=purge").await.json();
    let back = kit.delete(&purge).await;
    assert_eq!(back.status, 200, "{}", back.text);
    assert_eq!(back.json()["state"], "retired", "{}", back.text);
    let back = kit.delete(&purge).await;
    back.is_problem(400, "invalid-request");
    let entries = audit["items"].as_array().unwrap();
    assert_eq!(
        entries.len(),
        2,
        "of two refusals of a kind one is told: {audit}"
    );
    let wrong = kit.get("/api/v1/directory/retired?kind=user").await;
    wrong.is_problem(400, "invalid-request");
}

#[tokio::test]
async fn what_is_in_it_is_told_with_its_region() {
    let mut kit = with_a_home().await;
    let home = kit.board.region("home").unwrap().view.no;
    let id = kit.id_of("projects", "web").await;
    kit.delete(&format!("/directory/projects/{id}")).await;
    kit.hand.advance(Duration::from_secs(5));
    // All that servers of these tests are in.
    kit.servers(home, 0, 3).await;
    let found = one(&kit).await;
    assert_eq!(
        found["regions"][0]["servers"], 0,
        "they are another project's"
    );
    let founding = kit.store.read(|it| it.founding()).await.unwrap().unwrap();
    let federation = founding.federation;
    let mut records = told("home-web", false);
    for record in &mut records {
        if let Record::Project(web) = record {
            let object = id.parse().unwrap();
            web.id = shared::model::CloudId::new("p");
            web.marker = Some(shared::model::Marker { federation, object });
        }
    }
    kit.organization(home, 9, &records).await;
    let found = one(&kit).await;
    assert_eq!(found["regions"][0]["servers"], 3, "{found}");
    let purge = format!("/directory/retired/{id}/purge");
    let why = kit
        .post(&purge, json!({}))
        .await
        .is_problem(400, "invalid-request");
    says(&why, "home has 3 servers");
}
