//! The directory: a plan is shown, confirmed and done; its things are listed, made and ended.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::{
    Actor, Assignment, CloudId, Custody, Department, Entry, Project, Record, Role, Scope, User,
};

use crate::kit::{Answer, Kit, request};

pub(crate) fn entry<T>(id: &str, custody: Custody, what: T) -> Entry<T> {
    Entry {
        id: CloudId::new(id),
        custody,
        marker: None,
        what,
    }
}

fn department(id: &str, name: &str, custody: Custody) -> Record {
    let department = Department {
        name: name.to_owned(),
        description: None,
        enabled: true,
    };
    Record::Department(entry(id, custody, department))
}

/// Default with an administrator; `ops`, in which `ann` is a member of `web`.
pub(crate) fn organization(mark: &str) -> Vec<Record> {
    let id = |what: &str| format!("{mark}-{what}");
    let user = |at: &str, of: &str, name: &str, custody| {
        let user = User {
            department: CloudId::new(of),
            name: name.to_owned(),
            description: None,
            email: None,
            enabled: true,
            default_project: None,
        };
        Record::User(entry(&id(at), custody, user))
    };
    let project = Project {
        department: CloudId::new(&id("ops")),
        parent: None,
        name: "web".to_owned(),
        description: None,
        enabled: true,
    };
    let role = Role {
        department: None,
        name: "member".to_owned(),
        description: None,
    };
    vec![
        department("default", "Default", Custody::Reserved),
        department(&id("ops"), "ops", Custody::Common),
        user("admin", "default", "admin", Custody::Administrator),
        user("ann", &id("ops"), "ann", Custody::Common),
        Record::Project(entry(&id("web"), Custody::Common, project)),
        Record::Role(entry(&id("member"), Custody::Common, role)),
        Record::Assignment(Assignment {
            actor: Actor::User(CloudId::new(&id("ann"))),
            scope: Scope::Project(CloudId::new(&id("web"))),
            role: CloudId::new(&id("member")),
            inherited: false,
        }),
    ]
}

impl Kit {
    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let path = format!("/api/v1{path}");
        self.local(request(method, &path, Some(body))).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        let path = format!("/api/v1{path}");
        self.local(request(Method::DELETE, &path, None)).await
    }

    pub(crate) async fn merge(&self, region: &str) -> Value {
        let path = format!("/api/v1/regions/{region}/organization/plan");
        let plan = self.get(&path).await.json();
        let path = format!("/regions/{region}/organization/merge");
        let answer = self.post(&path, json!({ "digest": plan["digest"] })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Makes something of this name. Its id.
    pub(crate) async fn makes(&self, list: &str, name: &str, mut body: Value) -> String {
        body["name"] = json!(name);
        let made = self.post(&format!("/directory/{list}"), body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// The id of what has just this name.
    pub(crate) async fn id_of(&self, list: &str, name: &str) -> String {
        let items = self.items(&format!("{list}?name={name}")).await;
        items[0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn items(&self, list: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/v1/directory/{list}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["items"].as_array().unwrap().clone()
    }
}

/// Two regions with the same organization, of which the first is merged.
pub(crate) async fn with_a_home() -> Kit {
    a_home_in(Kit::new().await).await
}

pub(crate) async fn a_home_in(mut kit: Kit) -> Kit {
    for (key, name) in [(1, "home"), (2, "north")] {
        let no = kit.region(name, key).await;
        kit.becomes_healthy(name, no).await;
        kit.organization(no, 1, &organization(name)).await;
    }
    kit.merge("home").await;
    kit
}

#[tokio::test]
async fn nothing_is_planned_before_all_is_read() {
    let mut kit = Kit::new().await;
    let path = "/api/v1/regions/north/organization/plan";
    kit.get(path).await.is_problem(404, "not-found");
    let no = kit.region("north", 1).await;
    let told = kit.get(path).await.is_problem(409, "refused");
    let told = told["detail"].as_str().unwrap().to_owned();
    assert!(told.contains("not accepted"), "{told}");
    kit.becomes_healthy("north", no).await;
    let told = kit.get(path).await.is_problem(409, "refused");
    assert!(told["detail"].as_str().unwrap().contains("nothing of it"));
    kit.organization(no, 1, &organization("n")).await;
    assert_eq!(kit.get(path).await.status, 200);
}

#[tokio::test]
async fn a_plan_says_all_and_is_done_as_it_was_seen() {
    let kit = with_a_home().await;
    let path = "/api/v1/regions/north/organization/plan";
    let plan = kit.get(path).await.json();
    let count = |kind: &str, action: &str| {
        let mut all = plan["counts"].as_array().unwrap().iter();
        all.find(|it| it["kind"] == kind && it["action"] == action)
            .map_or(0, |it| it["count"].as_u64().unwrap())
    };
    assert_eq!(
        (count("department", "adopt"), count("department", "skip")),
        (1, 1)
    );
    assert_eq!(
        (count("department", "create"), count("role", "recognize")),
        (2, 1),
        "the home region's, and the cloud administrators'"
    );
    assert_eq!(count("user", "skip"), 1, "Default's administrator");
    assert_eq!(
        (&plan["renamed"], &plan["overwritten"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(plan["links"]["assignments"], 1);
    assert_eq!(plan.get("merged"), None);

    let renamed = kit
        .get(&format!("{path}?kind=department&action=adopt"))
        .await;
    let renamed = renamed.json();
    let [renamed] = &renamed["items"].as_array().unwrap()[..] else {
        panic!("one department");
    };
    let (name, to) = (&renamed["name"], &renamed["renamed_to"]);
    assert_eq!((name, to), (&json!("ops"), &json!("ops_north-ops")));
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = kit.get(&format!("{path}?limit=3{after}")).await.json();
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(json!(seen), plan["items"]);
    kit.get(&format!("{path}?action=burn"))
        .await
        .is_problem(400, "invalid-request");

    let merge = "/regions/north/organization/merge";
    let other = json!({ "digest": "0".repeat(32) });
    kit.post(merge, other).await.is_problem(409, "plan-changed");
    let wrong = json!({ "digest": "yes" });
    kit.post(merge, wrong)
        .await
        .is_problem(400, "invalid-request");
    let merged = kit.post(merge, json!({ "digest": plan["digest"] })).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    assert_eq!(merged.json()["adopted"], 3, "ops, web, ann");
    let stale = kit.get(&format!("{path}?limit=3{after}")).await;
    stale.is_problem(409, "plan-changed");
    let plan = kit.get(path).await.json();
    assert_eq!(plan["merged_by"], "local socket");
    assert_eq!(kit.merge("north").await["written"], 0);
}

#[tokio::test]
async fn a_plan_tells_the_links_that_would_make_administrators() {
    let mut kit = with_a_home().await;
    let no = kit.region("south", 3).await;
    kit.becomes_healthy("south", no).await;
    let mut told = organization("south");
    let role = Role {
        department: None,
        name: "admin".to_owned(),
        description: None,
    };
    let admin = entry("south-admin-role", Custody::Common, role);
    told.push(Record::Role(admin));
    told.push(Record::Assignment(Assignment {
        actor: Actor::User(CloudId::new("south-ann")),
        scope: Scope::Project(CloudId::new("south-web")),
        role: CloudId::new("south-admin-role"),
        inherited: false,
    }));
    kit.organization(no, 1, &told).await;
    let path = "/api/v1/regions/south/organization/plan";
    let plan = kit.get(path).await.json();
    let links = &plan["links"];
    assert_eq!(
        (&links["withheld"], &links["assignments"]),
        (&json!(1), &json!(1))
    );
    let [withheld] = &plan["withheld"].as_array().unwrap()[..] else {
        panic!("{plan}");
    };
    let name = |end: &str| &withheld[end]["name"];
    assert_eq!(
        (name("actor"), name("role")),
        (&json!("ann"), &json!("admin"))
    );
    assert_eq!(
        (name("scope"), &withheld["kind"]),
        (&json!("web"), &json!("assignment"))
    );
    kit.merge("south").await;
    assert_eq!(kit.items("assignments").await.len(), 2, "members, both");
}

#[tokio::test]
async fn the_directory_is_listed_with_names() {
    let kit = with_a_home().await;
    let [ann] = &kit.items("users").await[..] else {
        panic!("one user");
    };
    assert_eq!(
        (&ann["name"], &ann["kind"]),
        (&json!("ann"), &json!("user"))
    );
    assert_eq!(ann["department"]["name"], "ops");
    assert_eq!(ann["changed_by"], "local socket");
    let [assignment] = &kit.items("assignments").await[..] else {
        panic!("one assignment");
    };
    for (field, name) in [("user", "ann"), ("project", "web"), ("role", "member")] {
        assert_eq!(assignment[field]["name"], name);
    }
    let id = assignment["id"].as_str().unwrap();
    let path = format!("/directory/assignments/{id}");
    assert_eq!(kit.delete(&path).await.status, 204);
    kit.delete(&path).await.is_problem(404, "not-found");
    assert!(kit.items("assignments").await.is_empty());
    kit.get("/api/v1/directory/cats")
        .await
        .is_problem(404, "not-found");
    assert!(kit.items("users?name=bob").await.is_empty());
    let asked = request(Method::GET, "/api/v1/directory/users", None);
    kit.web(asked).await.is_problem(401, "sign-in-required");
}

#[tokio::test]
async fn things_are_made_changed_linked_and_ended() {
    let kit = Kit::new().await;
    let make = async |list: &str, body: Value| {
        let answer = kit.post(&format!("/directory/{list}"), body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    let ops = make("departments", json!({ "name": "ops" })).await;
    let ann = make(
        "users",
        json!({ "name": "ann", "department": ops, "email": "a@b" }),
    )
    .await;
    let staff = make("groups", json!({ "name": "staff", "department": ops })).await;
    let web = make("projects", json!({ "name": "web", "department": ops })).await;
    let (lead, member) = (
        make("roles", json!({ "name": "lead" })).await,
        make("roles", json!({ "name": "member" })).await,
    );
    for (list, body) in [
        ("memberships", json!({ "group": staff, "user": ann })),
        ("implications", json!({ "role": lead, "implied": member })),
        (
            "assignments",
            json!({ "group": staff, "role": lead, "project": web }),
        ),
    ] {
        for _ in 0..2 {
            let answer = kit.post(&format!("/directory/{list}"), body.clone()).await;
            assert_eq!(answer.status, 204, "{list}: {}", answer.text);
        }
        assert_eq!(kit.items(list).await.len(), 1, "{list}");
    }
    let path = format!("/directory/users/{ann}");
    let change = json!({ "name": "anna", "email": null, "default_project": web });
    let changed = kit.send(Method::PATCH, &path, change).await.json();
    assert_eq!(
        (&changed["name"], changed.get("email")),
        (&json!("anna"), None)
    );
    assert_eq!(changed["default_project"]["name"], "web");

    assert_eq!(
        kit.delete(&format!("/directory/projects/{web}"))
            .await
            .status,
        204
    );
    let shown = kit.get(&format!("/api/v1{path}")).await.json();
    assert_eq!(shown.get("default_project"), None);
    assert!(kit.items("assignments").await.is_empty());
    let again = kit.delete(&format!("/directory/projects/{web}")).await;
    let told = again.is_problem(409, "refused");
    assert!(
        told["detail"].as_str().unwrap().contains("was retired"),
        "{told}"
    );
}

#[tokio::test]
async fn what_no_keystone_would_take_is_refused_with_the_way_out() {
    let kit = Kit::new().await;
    let made = kit
        .post("/directory/departments", json!({ "name": "ops" }))
        .await;
    let ops = made.json()["id"].clone();
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (list, body, status, slug) in [
        ("departments", json!({ "name": "OPS" }), 409, "name-taken"),
        (
            "departments",
            json!({ "name": " " }),
            400,
            "invalid-request",
        ),
        (
            "departments",
            json!({ "name": "a", "email": "x" }),
            400,
            "invalid-request",
        ),
        ("users", json!({ "name": "ann" }), 400, "invalid-request"),
        (
            "users",
            json!({ "name": "ann", "department": "ops" }),
            400,
            "invalid-request",
        ),
        (
            "users",
            json!({ "name": "ann", "department": nobody }),
            404,
            "not-found",
        ),
        (
            "memberships",
            json!({ "group": nobody, "user": nobody }),
            404,
            "not-found",
        ),
        (
            "assignments",
            json!({ "user": nobody, "role": nobody }),
            400,
            "invalid-request",
        ),
        (
            "projects",
            json!({ "name": "w", "department": ops, "parent": nobody }),
            404,
            "not-found",
        ),
    ] {
        let answer = kit.post(&format!("/directory/{list}"), body).await;
        answer.is_problem(status, slug);
    }
    assert_eq!(kit.items("departments").await.len(), 1);
}
