//! Whose password a region's word counts for: his whose power is over what came with it.

use serde_json::{Value, json};
use shared::model::RecordKind;
use shared::wire::record::kind_code;

use crate::directory::with_a_home;
use crate::kit::Kit;
use crate::sign_in::{cookie, enters};

const OLD: &str = "old secret";
const NEW: &str = "correct horse battery";

/// `ann` came with the region `home`, which knows her password, as did `ops` and the project `web`
/// in it; `lab` was made here.
struct Stage {
    kit: Kit,
    ann: String,
    ops: String,
    web: String,
    lab: String,
    manager: String,
}

async fn stage() -> Stage {
    let kit = with_a_home().await;
    let home = kit.tells_key("home").await;
    kit.clouds.has(home, "home-ann", OLD);
    Stage {
        ann: kit.id_of("users", "ann").await,
        ops: kit.id_of("departments", "ops").await,
        web: kit.id_of("projects", "web").await,
        lab: kit.makes("departments", "lab", json!({})).await,
        manager: kit.makes("roles", "manager", json!({})).await,
        kit,
    }
}

impl Stage {
    async fn links(&self, list: &str, body: Value) {
        let linked = self.kit.post(&format!("/directory/{list}"), body).await;
        assert_eq!(linked.status, 204, "{}", linked.text);
    }

    /// Nobody asks her region, and she is told what anybody is told.
    async fn is_refused(&self) {
        let stranger = self.kit.web(enters("ops", "nobody", OLD)).await;
        let stranger = stranger.is_problem(401, "wrong-password");
        let answer = self.kit.web(enters("ops", "ann", OLD)).await;
        assert_eq!(answer.is_problem(401, "wrong-password"), stranger);
        assert_eq!(self.kit.clouds.asked(), 0);
    }

    async fn standing(&self) -> Value {
        let path = format!("/api/v1/directory/users/{}/password", self.ann);
        self.kit.get(&path).await.json()
    }
}

#[tokio::test]
async fn who_administers_what_did_not_come_with_his_region_is_given_a_password_here() {
    let it = stage().await;
    let given = json!({ "user": it.ann, "role": it.manager, "department": it.lab });
    it.links("assignments", given).await;
    it.is_refused().await;
    // What is told soon is told before what the writer does next.
    it.kit.store.change(|_| Ok(())).await.unwrap();
    let told = it.kit.get("/api/v1/audit?action=sign-in").await.json();
    assert!(told.to_string().contains("beyond-region"), "{told}");
    let standing = it.standing().await;
    assert_eq!(standing["beyond_region"], "home", "{standing}");
    assert_eq!(standing["first_checked_by"], json!(null), "{standing}");
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    cookie(&it.kit.web(enters("ops", "ann", NEW)).await);
    let standing = it.standing().await;
    assert_eq!(standing["beyond_region"], json!(null), "{standing}");
}

#[tokio::test]
async fn so_is_who_does_by_a_group_and_a_role_that_brings_another_along() {
    let it = stage().await;
    let chief = it.kit.makes("roles", "chief", json!({})).await;
    let implied = json!({ "role": chief, "implied": it.manager });
    it.links("implications", implied).await;
    let body = json!({ "department": it.lab });
    let far = it.kit.makes("projects", "far", body.clone()).await;
    let staff = it.kit.makes("groups", "staff", body).await;
    let member = json!({ "group": staff, "user": it.ann });
    it.links("memberships", member).await;
    let given = json!({ "group": staff, "role": chief, "project": far });
    it.links("assignments", given).await;
    it.is_refused().await;
}

#[tokio::test]
async fn so_is_who_has_the_role_admin_anywhere() {
    let it = stage().await;
    let admin = it.kit.makes("roles", "admin", json!({})).await;
    let given = json!({ "user": it.ann, "role": admin, "project": it.web });
    it.links("assignments", given).await;
    it.is_refused().await;
}

#[tokio::test]
async fn who_administers_what_came_with_his_region_has_the_password_that_he_had() {
    let it = stage().await;
    for place in [
        json!({ "department": it.ops }),
        json!({ "project": it.web }),
    ] {
        let mut given = json!({ "user": it.ann, "role": it.manager });
        let place = place.as_object().unwrap().clone();
        given.as_object_mut().unwrap().extend(place);
        it.links("assignments", given).await;
    }
    assert_eq!(it.standing().await["first_checked_by"], "home");
    cookie(&it.kit.web(enters("ops", "ann", OLD)).await);
    assert_eq!(it.kit.clouds.asked(), 1);
}

/// Whoever resets her password there would set that of whom she administers here.
#[tokio::test]
async fn so_is_who_administers_a_department_in_which_something_did_not() {
    let it = stage().await;
    let given = json!({ "user": it.ann, "role": it.manager, "department": it.ops });
    it.links("assignments", given).await;
    assert_eq!(it.standing().await["first_checked_by"], "home");
    let carol = json!({ "name": "carol", "department": it.ops });
    let made = it.kit.post("/directory/users", carol).await.json();
    let [told] = &made["need_passwords"].as_array().unwrap()[..] else {
        panic!("{made}");
    };
    assert_eq!(
        (&told["name"], &told["department"]["name"], &told["region"]),
        (&json!("ann"), &json!("ops"), &json!("home"))
    );
    it.is_refused().await;
    let standing = it.standing().await;
    assert_eq!(standing["beyond_region"], "home");
    assert_eq!(standing["beyond_by"]["name"], "carol", "{standing}");
    // It was ended by the first, and who has a password is not told of.
    let dave = json!({ "name": "dave", "department": it.ops });
    let made = it.kit.post("/directory/users", dave).await.json();
    assert_eq!(made.get("need_passwords"), None);
}

#[tokio::test]
async fn nothing_is_told_of_who_has_a_password_here() {
    let it = stage().await;
    let given = json!({ "user": it.ann, "role": it.manager, "department": it.ops });
    it.links("assignments", given).await;
    assert_eq!(it.kit.sets_password(&it.ann, NEW).await.status, 200);
    let carol = json!({ "name": "carol", "department": it.ops });
    let made = it.kit.post("/directory/users", carol).await.json();
    assert_eq!(made.get("need_passwords"), None, "{made}");
}

/// In a project, and by a group, likewise: what is nested in it is administered with it.
#[tokio::test]
async fn a_nested_project_ends_it_for_who_administers_the_outer_one_by_a_group() {
    let it = stage().await;
    let staff = it
        .kit
        .makes("groups", "staff", json!({ "department": it.lab }));
    let staff = staff.await;
    it.links("memberships", json!({ "group": staff, "user": it.ann }))
        .await;
    let given = json!({ "group": staff, "role": it.manager, "project": it.web });
    it.links("assignments", given).await;
    assert_eq!(it.standing().await["first_checked_by"], "home");
    let inner = json!({ "name": "inner", "department": it.ops, "parent": it.web });
    let made = it.kit.post("/directory/projects", inner).await.json();
    assert_eq!(made["need_passwords"][0]["name"], "ann", "{made}");
}

#[tokio::test]
async fn who_is_given_more_while_his_region_is_asked_is_not_let_in_by_its_word() {
    let it = stage().await;
    let (home, _) = it.kit.numbered("home").await;
    it.kit.clouds.hangs(home);
    let mut entering = std::pin::pin!(it.kit.web(enters("ops", "ann", OLD)));
    while it.kit.clouds.asked() == 0 {
        tokio::select! {
            answer = &mut entering => panic!("{answer:?}"),
            () = tokio::time::sleep(std::time::Duration::from_millis(5)) => {}
        }
    }
    let given = json!({ "user": it.ann, "role": it.manager, "department": it.lab });
    it.links("assignments", given).await;
    it.kit.clouds.hangs_no_more(home);
    entering.await.is_problem(401, "wrong-password");
    assert_eq!(it.standing().await["set"], json!(null));
}

/// A large directory takes a second to be read, which whoever tries could have done for each change
/// of it: it is found by what the writer has at hand.
#[tokio::test]
async fn nobody_who_signs_in_has_the_directory_read() {
    let it = stage().await;
    let given = json!({ "user": it.ann, "role": it.manager, "department": it.ops });
    it.links("assignments", given).await;
    let connection = rusqlite::Connection::open(it.kit.database()).unwrap();
    let sql = "UPDATE directory SET value = x'ff' WHERE kind = ?1 AND value IS NOT NULL";
    let garbled = connection.execute(sql, [kind_code(RecordKind::Role)]);
    assert!(garbled.unwrap() > 0);
    assert!(it.kit.store.read(|it| it.directory()).await.is_err());
    cookie(&it.kit.web(enters("ops", "ann", OLD)).await);
}
