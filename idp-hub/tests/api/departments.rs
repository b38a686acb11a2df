//! What a name alone says of nothing: two departments may have it, and so each thing is told with
//! its own.

use serde_json::{Value, json};
use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, CloudId, Custody, DriftKind, DriftWhy, Drifted, Group, Link, ObjectKind,
    Record, Remark, RemarkState, Scope, Subject,
};

use crate::directory::{entry, organization, with_a_home};
use crate::kit::Kit;

/// Home's `ops`, with its `ann` and its `web`; and `dev`, with others of the same names. The ids of
/// dev's ann, of ops, and of ops's web.
async fn twice_the_same() -> (Kit, [String; 3]) {
    let kit = with_a_home().await;
    let (ops, web) = (
        kit.id_of("departments", "ops").await,
        kit.id_of("projects", "web").await,
    );
    let dev = kit.makes("departments", "dev", json!({})).await;
    let mut ann = String::new();
    for (list, name) in [("projects", "web"), ("users", "ann")] {
        ann = kit.makes(list, name, json!({ "department": dev })).await;
    }
    (kit, [ann, ops, web])
}

fn of<'a>(items: &'a [Value], kind: &str, action: &str) -> Vec<&'a Value> {
    let is_it = |it: &&Value| it["kind"] == kind && it["action"] == action;
    items.iter().filter(is_it).collect()
}

#[tokio::test]
async fn links_say_in_which_department_their_ends_are() {
    let (kit, [ann, ops, web]) = twice_the_same().await;
    let role = kit.id_of("roles", "member").await;
    let body = json!({ "user": ann, "role": role, "project": web });
    let made = kit.post("/directory/assignments", body).await;
    assert!(made.status.is_success(), "{}", made.text);
    let all = kit.items("assignments").await;
    let it = all.iter().find(|it| it["user"]["id"] == ann.as_str());
    let it = it.unwrap();
    assert_eq!(it["user"]["department"]["name"], "dev");
    let of_web = json!({ "name": "ops", "id": ops });
    assert_eq!(it["project"]["department"], of_web);
    assert_eq!(it["role"].get("department"), None, "it is a global one");
}

#[tokio::test]
async fn a_plan_says_in_which_department_its_things_are() {
    let (kit, [_, ops, _]) = twice_the_same().await;
    let plan = kit.get("/api/v1/regions/north/organization/plan?limit=1000");
    let plan = plan.await.json();
    let items = plan["items"].as_array().unwrap();
    let made = of(items, "project", "create");
    let made = made.iter().filter(|it| it["name"] == "web");
    let mut made: Vec<_> = made.map(|it| &it["department"]).collect();
    made.sort_unstable_by_key(|it| it["name"].as_str());
    assert_eq!([&made[0]["name"], &made[1]["name"]], ["dev", "ops"]);
    assert_eq!(made[1]["id"], ops.as_str());
    let taken = of(items, "project", "adopt");
    assert_eq!(taken[0]["department"]["name"], "ops_north-ops");
    let own = of(items, "user", "skip");
    assert_eq!(own[0]["department"], json!({ "name": "Default" }));
    let department = of(items, "department", "adopt");
    assert_eq!(department[0].get("department"), None);
}

#[tokio::test]
async fn drift_says_in_which_department_it_is() {
    let (mut kit, [ann, ops, web]) = twice_the_same().await;
    let id = |text: &str| -> ObjectId { text.parse().unwrap() };
    let role = kit.id_of("roles", "member").await;
    let group = Group {
        department: CloudId::new("home-ops"),
        name: "staff".to_owned(),
        description: None,
    };
    let given = Link::Assignment(Assignment {
        actor: Actor::User(id(&ann)),
        scope: Scope::Project(id(&web)),
        role: id(&role),
        inherited: false,
    });
    let here = CloudId::new("g1");
    let mut records = organization("home");
    records.push(Record::Group(entry("g1", Custody::Common, group)));
    for (subject, name, what) in [
        (
            Subject::Own(ObjectKind::Group, here),
            "staff",
            DriftKind::CreatedHere,
        ),
        (
            Subject::Object(ObjectKind::Project, id(&web)),
            "web",
            DriftKind::Name,
        ),
        (Subject::Link(given), "", DriftKind::LinkGiven),
    ] {
        let what = vec![Drifted {
            what,
            directory: None,
            cloud: Some(name.to_owned()),
        }];
        let why = DriftWhy::Region;
        records.push(Record::Remark(Remark {
            subject,
            name: name.to_owned(),
            state: RemarkState::Drift { why, what },
        }));
    }
    let regions = kit.store.read(|it| it.regions()).await.unwrap();
    let home = regions.iter().find(|it| it.facts.name == "home").unwrap();
    let no = home.no;
    kit.organization(no, 2, &records).await;
    let all = kit.items("drift").await;
    let shown = |kind: &str| all.iter().find(|it| it["kind"] == kind).unwrap();
    assert_eq!(shown("group")["department"], json!({ "name": "ops" }));
    let in_ops = json!({ "name": "ops", "id": ops });
    assert_eq!(shown("project")["department"], in_ops);
    let link = shown("assignment");
    assert_eq!(link["name"], "ann (in dev): member in web (in ops)");
    assert_eq!(link.get("department"), None);
}
