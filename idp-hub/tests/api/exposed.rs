//! What a plan says of what is taken in switched off, and of who comes to be in whose power.

use serde_json::{Value, json};
use shared::model::{Actor, Assignment, CloudId, Custody, Record, Role, Scope, User};

use crate::directory::{entry, organization};
use crate::kit::Kit;

#[tokio::test]
async fn a_plan_tells_what_is_taken_in_switched_off_and_who_comes_to_be_in_whose_power() {
    let mut kit = Kit::new().await;
    let no = kit.region("home", 1).await;
    kit.becomes_healthy("home", no).await;
    let mut told = organization("home");
    for name in ["admin", "manager"] {
        let (name, at) = (name.to_owned(), format!("home-{name}-role"));
        let role = Role {
            department: None,
            name,
            description: None,
        };
        told.push(Record::Role(entry(&at, Custody::Common, role)));
    }
    let gives = |user: &str, role: &str, scope| {
        Record::Assignment(Assignment {
            actor: Actor::User(CloudId::new(user)),
            scope,
            role: CloudId::new(role),
            inherited: false,
        })
    };
    let bob = User {
        department: CloudId::new("home-ops"),
        name: "bob".to_owned(),
        description: None,
        email: None,
        enabled: false,
        default_project: None,
    };
    let (web, ops) = (CloudId::new("home-web"), CloudId::new("home-ops"));
    told.extend([
        Record::User(entry("home-bob", Custody::Common, bob)),
        gives("home-ann", "home-admin-role", Scope::Project(web)),
        gives("home-bob", "home-manager-role", Scope::Department(ops)),
    ]);
    kit.organization(no, 1, &told).await;
    let path = "/api/v1/regions/home/organization/plan";
    let plan = kit.get(path).await.json();
    assert_eq!(
        (&plan["taken_in_off"], &plan["exposed"]),
        (&json!(1), &json!(1))
    );
    let steps = plan["items"].as_array().unwrap().iter();
    let off: Vec<_> = steps.filter(|it| it["taken_in_off"] == true).collect();
    assert_eq!(off.len(), 1, "{plan}");
    assert_eq!(
        (&off[0]["name"], off[0].get("changes")),
        (&json!("bob"), None)
    );
    let exposed = &plan["exposures"][0];
    assert_eq!(
        (&exposed["user"]["name"], &exposed["by"][0]["name"]),
        (&json!("ann"), &json!("bob"))
    );
    let next = plan_page(&kit, path).await;
    assert_eq!(next.get("exposures"), None, "on the first page alone");
    kit.merge("home").await;
    let listed = kit.get("/api/v1/directory/exposures").await.json();
    assert_eq!(listed["items"][0]["user"], exposed["user"]);
}

/// The second page of one step.
async fn plan_page(kit: &Kit, path: &str) -> Value {
    let first = kit.get(&format!("{path}?limit=1")).await.json();
    let next = first["next"].as_str().unwrap();
    kit.get(&format!("{path}?limit=1&after={next}"))
        .await
        .json()
}
