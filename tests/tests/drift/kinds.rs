//! What can be done to users and roles in one region alone: each kind is shown, waits for a word,
//! and is put back or adopted; by a policy only where nothing ends and nobody may do more by it.

use serde_json::{Value, json};
use shared::model::{Actor, CloudId};
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, Region, succeeded, until};
use tokio::runtime::Runtime;

use super::{all_is_in_place, ask, drift, nothing_differs, refused, user};

struct Stage {
    _runtime: Runtime,
    lab: Lab,
    north: SimulatedKeystone,
    south: SimulatedKeystone,
    _agents: [Region; 2],
}

/// Two regions with one organization: `ann` looks at `web`, and `dan` is an operator.
fn furnish(north: &SimulatedKeystone) {
    let it = north.made("/domains", &json!({ "domain": { "name": "research" } }));
    let inside = |name: &str| json!({ "name": name, "domain_id": it });
    for name in ["ann", "bob", "cleo", "dan", "eve"] {
        north.made("/users", &json!({ "user": inside(name) }));
    }
    let web = north.made("/projects", &json!({ "project": inside("web") }));
    let group = north.made("/groups", &json!({ "group": inside("operators") }));
    let role = json!({ "role": { "name": "auditor" } });
    let auditor = north.made("/roles", &role);
    let path = |name: &str| user(north, name).unwrap().to_string();
    let (ann, dan) = (path("ann"), path("dan"));
    let given = format!("/projects/{web}/users/{ann}/roles/{auditor}");
    ask(north, "PUT", &given, &Value::Null);
    let member = format!("/groups/{group}/users/{dan}");
    ask(north, "PUT", &member, &Value::Null);
}

/// Whether somebody is an auditor of `web`.
fn looks(keystone: &SimulatedKeystone, name: &str) -> bool {
    let (id, all) = (user(keystone, name), keystone.organization());
    let named = |role: &CloudId| all.roles[role].name == "auditor";
    let actor = id.map(Actor::User);
    let mut assignments = all.assignments.iter();
    assignments.any(|it| Some(&it.actor) == actor.as_ref() && named(&it.role))
}

fn is_operator(keystone: &SimulatedKeystone, name: &str) -> bool {
    let id = user(keystone, name);
    let all = keystone.organization().memberships;
    all.iter().any(|it| Some(&it.user) == id.as_ref())
}

fn is_on(keystone: &SimulatedKeystone, name: &str) -> bool {
    let all = keystone.organization().users;
    all.values().any(|it| it.name == name && it.enabled)
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (north, south) = SimulatedKeystone::pair(&runtime);
        furnish(&north);
        let lab = Lab::found();
        let agents = [
            lab.join_keystone("north", &north),
            lab.join_keystone("south", &south),
        ];
        lab.merge("north");
        lab.merge("south");
        all_is_in_place(&lab);
        Self {
            _runtime: runtime,
            lab,
            north,
            south,
            _agents: agents,
        }
    }

    /// Somebody in the south does this to a user.
    fn does(&self, method: &str, name: &str, more: &Value) {
        let path = format!("/users/{}", user(&self.south, name).unwrap());
        ask(&self.south, method, &path, more);
    }

    fn switches(&self, name: &str, enabled: bool) {
        self.does("PATCH", name, &json!({ "user": { "enabled": enabled } }));
    }

    /// Somebody in the south gives him the role, or takes it.
    fn role(&self, method: &str, name: &str) {
        let all = self.south.organization();
        let web = all.projects.iter().find(|(_, it)| it.name == "web");
        let role = all.roles.iter().find(|(_, it)| it.name == "auditor");
        let ((web, _), (role, _)) = (web.unwrap(), role.unwrap());
        let id = user(&self.south, name).unwrap();
        let path = format!("/projects/{web}/users/{id}/roles/{role}");
        ask(&self.south, method, &path, &Value::Null);
    }

    /// Waits until just these differ, by what and name; their ids.
    fn differ<const N: usize>(&self, expected: [(&str, &str); N]) -> [String; N] {
        until(&format!("{expected:?} differ"), || {
            let all = drift(&self.lab);
            let found = expected.map(|(what, name)| {
                let is_it = |it: &&Value| {
                    it["region"] == "south"
                        && it["differences"][0]["what"] == what
                        && it["name"] == name
                };
                let it = all.iter().find(is_it)?;
                Some(it["id"].as_str()?.to_owned())
            });
            let is_all = all.len() == N && found.iter().all(Option::is_some);
            is_all.then(|| found.map(Option::unwrap_or_default))
        })
    }

    fn cure(&self, how: &str, id: &str, more: &[&str]) {
        let words = ["org", "drift", how, "south", id, "--yes"];
        succeeded(self.lab.ask(&[&words[..], more].concat()));
    }
}

#[test]
fn each_kind_of_change_is_shown_and_waits_for_a_word_or_a_policy() {
    let stage = Stage::new();
    by_word(&stage);
    by_policy(&stage);
}

fn by_word(stage: &Stage) {
    let (lab, north, south) = (&stage.lab, &stage.north, &stage.south);
    let before = north.organization();
    stage.switches("ann", false);
    stage.role("DELETE", "ann");
    stage.role("PUT", "bob");
    stage.does("DELETE", "cleo", &Value::Null);
    stage.does("DELETE", "dan", &Value::Null);
    let [off, taken, given, cleo, dan] = stage.differ([
        ("enabled", "ann"),
        ("link-taken", "ann: auditor in web"),
        ("link-given", "bob: auditor in web"),
        ("deleted", "cleo"),
        ("deleted", "dan"),
    ]);
    assert_eq!(north.organization(), before, "nobody said anything");
    assert!(!is_on(south, "ann") && looks(south, "bob") && !looks(south, "ann"));

    let adopt = ["org", "drift", "adopt", "south", &cleo, "--yes"];
    refused(lab, &adopt, "--end");
    stage.cure("adopt", &cleo, &["--end"]);
    stage.cure("adopt", &given, &[]);
    for id in [&off, &taken, &dan] {
        stage.cure("put-back", id, &[]);
    }
    nothing_differs(lab);
    all_is_in_place(lab);
    for keystone in [north, south] {
        assert!(is_on(keystone, "ann") && looks(keystone, "ann"));
        assert!(looks(keystone, "bob"));
        assert_eq!(user(keystone, "cleo"), None);
        assert!(is_operator(keystone, "dan"), "with what he had");
    }
    let users = lab.items("/directory/users");
    assert!(!users.iter().any(|it| it["name"] == "cleo"), "{users:?}");
}

/// A name, a role that is taken and a user that is switched off are adopted unasked; a role that is
/// given, a user that is switched on or deleted waits.
fn by_policy(stage: &Stage) {
    let (lab, north, south) = (&stage.lab, &stage.north, &stage.south);
    succeeded(lab.ask(&["org", "policy", "south", "adopt"]));
    stage.does("PATCH", "ann", &json!({ "user": { "name": "anna" } }));
    stage.role("DELETE", "bob");
    stage.switches("bob", false);
    until("the policy adopts it", || {
        let is_done = user(north, "anna").is_some() && !looks(north, "bob");
        (is_done && !is_on(north, "bob")).then_some(())
    });
    nothing_differs(lab);

    stage.switches("bob", true);
    stage.role("PUT", "dan");
    stage.does("DELETE", "eve", &Value::Null);
    let waiting = [
        ("enabled", "bob"),
        ("link-given", "dan: auditor in web"),
        ("deleted", "eve"),
    ];
    let seen = stage.differ(waiting);
    // A policy is looked at each few seconds.
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(stage.differ(waiting), seen);
    assert!(!is_on(north, "bob") && !looks(north, "dan") && user(north, "eve").is_some());
    succeeded(lab.ask(&["org", "drift", "put-back", "south", "--all", "--yes"]));
    nothing_differs(lab);
    assert!(!is_on(south, "bob") && !looks(south, "dan") && user(south, "eve").is_some());
}

/// Users are read before memberships, and who is deleted in between is known still when his are
/// missed. A policy would take that for somebody's word that he is no operator.
#[test]
fn what_goes_with_somebody_who_is_deleted_is_not_adopted() {
    let stage = Stage::new();
    let (lab, north, south) = (&stage.lab, &stage.north, &stage.south);
    succeeded(lab.ask(&["org", "policy", "south", "adopt"]));
    let path = format!("/users/{}", user(south, "dan").unwrap());
    south.ask_before("GET /groups/{}/users", "DELETE", &path);
    stage.differ([("deleted", "dan")]);
    // A policy is looked at each few seconds.
    std::thread::sleep(std::time::Duration::from_secs(5));
    let [dan] = stage.differ([("deleted", "dan")]);
    assert!(is_operator(north, "dan"));
    stage.cure("put-back", &dan, &[]);
    nothing_differs(lab);
    all_is_in_place(lab);
    assert!(is_operator(south, "dan"), "with what he had");
}
