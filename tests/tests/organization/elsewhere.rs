//! A cloud that has joined already, with another federation or as another region: that is said
//! before anything is written, with the way out, and done by a word of its own alone.

use std::time::Duration;

use serde_json::{Value, json};
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, succeeded, until};
use tokio::runtime::Runtime;

use super::keystone::Keystone;

const SCRIPT: &str = r#"
d POST /domains {"domain": {"name": "research"}}
p POST /projects {"project": {"name": "web", "domain_id": "$d"}}
u POST /users {"user": {"name": "ann", "domain_id": "$d"}}
- PUT /projects/$p/users/$u/roles/$member
"#;

/// An order of a hub is carried out within a second.
const A_WHILE: Duration = Duration::from_secs(3);

/// A Keystone whose organization is in its place in a federation.
struct Stage {
    _runtime: Runtime,
    cloud: SimulatedKeystone,
    keystone: Keystone,
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (cloud, _) = SimulatedKeystone::pair(&runtime);
        let mut keystone = Keystone::new(cloud.admin());
        keystone.play(SCRIPT);
        Self {
            _runtime: runtime,
            cloud,
            keystone,
        }
    }

    /// The federation whose marker `ann` bears.
    fn federation(&self) -> Option<String> {
        let marker = self.cloud.attribute(self.keystone.id("u"), "regroup")?;
        let (federation, _) = marker.split_once('/')?;
        Some(federation.to_owned())
    }

    /// Nothing is written here while this is done and shortly after.
    fn stays(&self, meanwhile: impl FnOnce()) {
        let (before, told) = (self.cloud.writes(), self.keystone.told());
        meanwhile();
        std::thread::sleep(A_WHILE);
        let written = self.cloud.written(10);
        assert_eq!(self.cloud.writes(), before, "{written:#?}");
        assert_eq!(self.keystone.told(), told);
    }
}

fn is_in_place(lab: &Lab) {
    until("all is in place", || {
        let output = succeeded(lab.ask(&["org", "status", "--output", "json"]));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let it = &told["regions"][0]["progress"];
        let is_done = it["desired"].as_u64() > Some(0) && it["in_place"] == it["desired"];
        is_done.then_some(())
    });
}

/// What is shown to an operator, once the region is read, and the plan's document.
fn planned(lab: &Lab, region: &str) -> (String, Value) {
    until("there is a plan", || {
        let told = lab.ask(&["org", "plan", region, "--output", "json"]);
        let document = serde_json::from_slice(&told.stdout).ok()?;
        let shown = lab.ask(&["org", "plan", region]);
        let text = String::from_utf8(shown.stdout).unwrap();
        shown.status.success().then_some((text, document))
    })
}

fn merge(lab: &Lab, region: &str, plan: &Value, more: &[&str]) -> Result<(), String> {
    let digest = plan["digest"].as_str().unwrap();
    let words = ["org", "merge", region, "--digest", digest];
    let done = lab.ask(&[&words[..], more].concat());
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8(done.stderr).unwrap()),
    }
}

/// As an operator reads it, however its lines are broken.
fn says(text: &str, what: &str) {
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    assert!(text.contains(what), "{what:?} in: {text}");
}

#[test]
fn a_region_of_another_federation_says_so_and_is_taken_over_by_a_word_of_its_own() {
    let stage = Stage::new();
    let theirs = Lab::found();
    let _their_agent = theirs.join_keystone("north", &stage.cloud);
    theirs.merge("north");
    is_in_place(&theirs);
    let other = until("their marker is on it", || stage.federation());

    let ours = Lab::found();
    let _agent = ours.join_keystone("edge", &stage.cloud);
    let nothing = super::directory::told(&ours);
    stage.stays(|| {
        let (text, plan) = planned(&ours, "edge");
        assert_eq!(plan["foreign_federations"], json!([other]));
        says(&text, &format!("the marker of the federation {other}"));
        says(&text, "Have that hub remove the region first");
        says(&text, "--take-over");
        let refused = merge(&ours, "edge", &plan, &[]).unwrap_err();
        says(&refused, &other);
        says(&refused, "Have that hub remove the region first");
        says(&refused, "idp-hub org merge edge --take-over");
    });
    assert_eq!(super::directory::told(&ours), nothing);
    assert_eq!(stage.federation().as_ref(), Some(&other));

    // The way out: that hub lets it go, and this one takes it over.
    succeeded(theirs.ask(&["region", "remove", "north", "--yes"]));
    let (_, plan) = planned(&ours, "edge");
    merge(&ours, "edge", &plan, &["--take-over"]).unwrap();
    until("it is this federation's", || {
        let is_ours = stage.federation().is_some_and(|it| it != other);
        let told = stage.keystone.told();
        (is_ours && told == super::directory::told(&ours)).then_some(())
    });
    is_in_place(&ours);
    let users = stage.keystone.told().users;
    assert!(users.contains(&("research/ann".to_owned(), true)));
    let (_, plan) = planned(&ours, "edge");
    assert_eq!(plan["foreign_federations"], Value::Null, "it is ours now");
}

#[test]
fn a_cloud_that_is_another_region_already_says_so_and_is_not_merged_twice() {
    let stage = Stage::new();
    let lab = Lab::found();
    let _agent = lab.join_keystone("north", &stage.cloud);
    lab.merge("north");
    is_in_place(&lab);

    let _twin = lab.join_keystone("edge", &stage.cloud);
    let before = super::directory::told(&lab);
    stage.stays(|| {
        let (text, plan) = planned(&lab, "edge");
        assert_eq!(plan["same_cloud"], "north", "{plan}");
        says(&text, "This is the cloud of the region \"north\" already");
        says(&text, "Remove one of the two regions");
        let refused = merge(&lab, "edge", &plan, &[]).unwrap_err();
        says(&refused, "is that of the region \"north\" already");
        says(&refused, "idp-hub region remove north");
    });
    assert_eq!(super::directory::told(&lab), before);

    // The way out; the other one goes on as before.
    succeeded(lab.ask(&["region", "remove", "edge", "--yes"]));
    succeeded(lab.ask(&["org", "create", "user", "bob", "--in", "research"]));
    until("the region that is left follows", || {
        let users = stage.keystone.told().users;
        let has_bob = users.contains(&("research/bob".to_owned(), true));
        has_bob.then_some(())
    });
    assert_eq!(stage.keystone.told(), super::directory::told(&lab));
}
