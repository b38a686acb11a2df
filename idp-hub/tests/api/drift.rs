//! Drift, failures and progress of the regions: shown, put back, adopted.

use std::time::Duration;

use axum::http::Method;
use idp_hub::fleet::{Ended, Input, Moment};
use serde_json::{Value, json};
use shared::ids::ObjectId;
use shared::model::{
    Applying, CloudId, DriftKind, DriftWhy, Drifted, Link, Membership, ObjectKind, Record, Remark,
    RemarkState, Subject, UnixMillis,
};

use crate::directory::{organization, with_a_home};
use crate::kit::Kit;

fn drift(subject: Subject, name: &str, what: Vec<Drifted>) -> Record {
    let why = DriftWhy::Region;
    Record::Remark(Remark {
        subject,
        name: name.to_owned(),
        state: RemarkState::Drift { why, what },
    })
}

fn drifted(what: DriftKind, directory: Option<&str>, cloud: Option<&str>) -> Drifted {
    Drifted {
        what,
        directory: directory.map(str::to_owned),
        cloud: cloud.map(str::to_owned),
    }
}

/// Home is merged, and tells that ann has another name and another default project there, that a
/// group was made there, and that a user can't be made.
pub(crate) async fn with_drift() -> (Kit, String) {
    let mut kit = with_a_home().await;
    let users = kit.items("users").await;
    let ann = users.iter().find(|it| it["name"] == "ann").unwrap()["id"].clone();
    let web = json!(kit.id_of("projects", "web").await);
    let ann = ann.as_str().unwrap().to_owned();
    let id: ObjectId = ann.parse().unwrap();
    let mut records = organization("home");
    let what = vec![
        drifted(DriftKind::Name, Some("ann"), Some("anna")),
        drifted(DriftKind::DefaultProject, None, web.as_str()),
    ];
    records.push(drift(Subject::Object(ObjectKind::User, id), "anna", what));
    let own = Subject::Own(ObjectKind::Group, CloudId::new("g1"));
    let what = vec![drifted(DriftKind::CreatedHere, None, Some("staff"))];
    records.push(drift(own, "staff", what));
    let failed = Remark {
        subject: Subject::Object(ObjectKind::User, ObjectId::from_random(8)),
        name: "eve".to_owned(),
        state: RemarkState::Failed {
            error: "the name is taken; rename it".to_owned(),
            since: UnixMillis(1_795_000_000_000),
            tries: 4,
        },
    };
    records.push(Record::Remark(failed));
    records.push(Record::Applying(Applying {
        desired: 9,
        in_place: 7,
        failed: 1,
        drift: 2,
        left: Some(Duration::from_secs(3)),
        ..Applying::default()
    }));
    let regions = kit.store.read(|it| it.regions()).await.unwrap();
    let home = regions.iter().find(|it| it.facts.name == "home").unwrap();
    let no = home.no;
    kit.organization(no, 2, &records).await;
    (kit, ann)
}

pub(crate) fn of_user(items: &[Value]) -> &Value {
    items.iter().find(|it| it["kind"] == "user").unwrap()
}

#[tokio::test]
async fn drift_failures_and_progress_are_shown_with_what_to_do() {
    let (kit, ann) = with_drift().await;
    let items = kit.items("drift").await;
    assert_eq!(items.len(), 2, "{items:?}");
    let seen = of_user(&items);
    let shown = ["region", "object", "name", "state", "why", "next_step"].map(|it| &seen[it]);
    let step = "adopt it into the directory, or put it back";
    assert_eq!(shown, ["home", &ann, "anna", "drift", "region", step]);
    assert_eq!(
        seen["differences"],
        json!([
            { "what": "name", "directory": "ann", "cloud": "anna" },
            { "what": "default-project", "cloud": "web" },
        ])
    );
    assert_eq!([&seen["can_adopt"], &seen["can_put_back"]], [true, true]);
    let own = items.iter().find(|it| it["kind"] == "group").unwrap();
    assert_eq!([&own["can_adopt"], &own["can_put_back"]], [false, false]);
    let next = own["next_step"].as_str().unwrap();
    assert!(next.contains("org plan"), "{next}");

    let failed = &kit.items("failures").await[0];
    assert_eq!(failed["error"], "the name is taken; rename it");
    assert_eq!(
        (failed["tries"].as_u64(), &failed["state"]),
        (Some(4), &json!("failed"))
    );
    assert!(failed["since"].as_str().unwrap().starts_with("2026-11"));

    let progress = kit.items("progress").await;
    let home = progress.iter().find(|it| it["region"] == "home").unwrap();
    assert_eq!(
        [&home["merged"], &home["policy"]],
        [&json!(true), &json!("ask")]
    );
    let counts = &home["progress"];
    let counts = ["desired", "in_place", "failed", "drift", "left_s"].map(|it| &counts[it]);
    assert_eq!(counts, [9, 7, 1, 2, 3]);
    let north = progress.iter().find(|it| it["region"] == "north").unwrap();
    assert_eq!(
        (&north["merged"], north.get("progress")),
        (&json!(false), None)
    );

    let mut page = kit.get("/api/v1/directory/progress?limit=1").await.json();
    let next = page["next"].take();
    let after = format!(
        "/api/v1/directory/progress?limit=1&after={}",
        next.as_str().unwrap()
    );
    let page = kit.get(&after).await.json();
    assert_eq!(
        (page["items"].as_array().unwrap().len(), page.get("next")),
        (1, None)
    );
    let answer = kit.get("/api/v1/directory/drift?region=south").await;
    answer.is_problem(404, "not-found");
}

/// After a restore: links between what this hub knows, and to what was made since its backup.
#[tokio::test]
async fn of_a_link_of_which_nothing_is_said_it_is_shown_what_an_answer_would_do() {
    let (mut kit, ann) = with_drift().await;
    let ops = kit.id_of("departments", "ops").await;
    let mut staff = Vec::new();
    for name in ["staff", "former"] {
        let made = json!({ "name": name, "department": ops });
        let made = kit.post("/directory/groups", made).await.json();
        staff.push(made["id"].as_str().unwrap().to_owned());
    }
    let gone = kit.delete(&format!("/directory/groups/{}", staff[1])).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let (user, lost): (ObjectId, _) = (ann.parse().unwrap(), ObjectId::from_random(99));
    let groups = [staff[0].parse().unwrap(), staff[1].parse().unwrap(), lost];
    let mut records = organization("home");
    for group in groups {
        let link = Subject::Link(Link::Membership(Membership { user, group }));
        let what = vec![drifted(DriftKind::NotInDirectory, None, None)];
        records.push(drift(link, "", what));
    }
    let no = kit.board.region("home").unwrap().view.no;
    kit.organization(no, 3, &records).await;
    let items = kit.items("drift").await;
    for (name, flags, word, answers) in [
        ("ann in staff", [true, true], "given everywhere", [200, 200]),
        ("ann in ", [false, true], "has ended", [409, 200]),
        (
            "ann (in ops) in ",
            [false, false],
            "merge the region again",
            [404, 409],
        ),
    ] {
        let is_it = |it: &&Value| {
            let flags = json!([it["can_adopt"], it["can_put_back"]]) == json!(flags);
            flags && it["name"].as_str().unwrap().starts_with(name)
        };
        let seen = items.iter().find(is_it);
        let seen = seen.unwrap_or_else(|| panic!("{flags:?}: {items:?}"));
        let next = seen["next_step"].as_str().unwrap();
        assert!(next.contains(word), "{flags:?}: {next}");
        let body = json!({ "seen": seen["seen"] });
        let path = format!("/regions/home/drift/{}", seen["id"].as_str().unwrap());
        for (how, status) in ["adopt", "put-back"].into_iter().zip(answers) {
            let answer = kit.post(&format!("{path}/{how}"), body.clone()).await;
            assert_eq!(answer.status, status, "{flags:?} {how}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn what_was_seen_is_put_back_or_adopted_and_nothing_else() {
    let (kit, ann) = with_drift().await;
    let items = kit.items("drift").await;
    let seen = of_user(&items);
    let id = seen["id"].as_str().unwrap();
    let path = |how: &str| format!("/regions/home/drift/{id}/{how}");
    let body = json!({ "seen": seen["seen"] });
    for (path, body, status, slug) in [
        (
            path("put-back"),
            json!({ "seen": "7" }),
            400,
            "invalid-request",
        ),
        (
            path("put-back"),
            json!({ "seen": "07".repeat(16) }),
            409,
            "refused",
        ),
        (
            path("adopt"),
            json!({ "seen": "07".repeat(16) }),
            409,
            "refused",
        ),
        (
            format!("/regions/north/drift/{id}/adopt"),
            body.clone(),
            404,
            "not-found",
        ),
        (
            format!("/regions/south/drift/{id}/adopt"),
            body.clone(),
            404,
            "not-found",
        ),
    ] {
        kit.post(&path, body).await.is_problem(status, slug);
    }
    let told = kit.post(&path("put-back"), body.clone()).await;
    assert_eq!(told.json()["changed"], true, "{}", told.text);
    let told = kit.post(&path("put-back"), body.clone()).await;
    assert_eq!(told.json()["changed"], true, "who asks again is heard");

    let adopted = kit.post(&path("adopt"), body).await;
    assert_eq!(adopted.json()["changed"], true, "{}", adopted.text);
    let shown = kit
        .get(&format!("/api/v1/directory/users/{ann}"))
        .await
        .json();
    assert_eq!(
        [&shown["name"], &shown["default_project"]["name"]],
        ["anna", "web"]
    );
    assert_eq!(shown["changed_by"], "local socket");
}

#[tokio::test]
async fn a_policy_about_drift_is_set_where_there_is_an_organization() {
    let (kit, _) = with_drift().await;
    let set = async |region: &str, drift: &str| {
        let path = format!("/regions/{region}/organization/policy");
        kit.send(Method::PUT, &path, json!({ "drift": drift }))
            .await
    };
    assert_eq!(set("home", "put-back").await.status, 204);
    let progress = kit.items("progress").await;
    let home = progress.iter().find(|it| it["region"] == "home").unwrap();
    assert_eq!(home["policy"], "put-back");
    set("home", "fight")
        .await
        .is_problem(400, "invalid-request");
    set("north", "ask").await.is_problem(409, "refused");
    set("south", "ask").await.is_problem(404, "not-found");
}

#[tokio::test]
async fn of_a_region_that_is_away_it_is_said_since_when_and_what_it_was_not_told() {
    let (mut kit, _) = with_drift().await;
    let shown = async |kit: &Kit| {
        let all = kit.items("progress").await;
        all.into_iter().find(|it| it["region"] == "home").unwrap()
    };
    let home = shown(&kit).await;
    assert_eq!((home.get("away_since"), home.get("untold")), (None, None));
    assert_eq!(home["progress"]["left_s"], 3);

    let regions = kit.store.read(|it| it.regions()).await.unwrap();
    let no = (regions.iter().find(|it| it.facts.name == "home"))
        .unwrap()
        .no;
    let (at, head) = (
        kit.clock.unix_millis(),
        kit.store.read(|it| it.directory_head()),
    );
    let last = (None, Some(head.await.unwrap()));
    let ended = kit
        .store
        .change(move |it| it.session_ended(no, 2, at, last));
    ended.await.unwrap();
    let now = Moment {
        mono: kit.clock.now(),
        wall: at,
    };
    let (session, why) = (1, Ended::Lost("no answer".to_owned()));
    kit.fleet
        .handle(now, Input::SessionEnded { no, session, why });
    kit.show().await;
    for name in ["lab", "sales"] {
        let made = kit
            .post("/directory/departments", json!({ "name": name }))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let home = shown(&kit).await;
    assert_eq!(home["untold"], 2);
    let since = home["away_since"].as_str().unwrap();
    assert!(since.starts_with("2026-11-"), "{since}");
    assert_eq!(home["progress"]["in_place"], 7, "its last word");
    assert_eq!(home["progress"].get("left_s"), None, "nobody knows");
}
