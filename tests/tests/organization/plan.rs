//! A merge's plan at a real Keystone: read whole before anything is written, confirmed, and compared
//! with what that Keystone has afterwards, thing by thing, and with its log.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::lab::{Lab, until};

use super::Site;
use super::keystone::Keystone;
use super::told::word;

/// What the directory got, or a region is to get: kinds and names.
type Things = Vec<(String, String)>;

/// A Keystone's things by kind and id, as it tells them.
type Found = BTreeMap<(String, String), Value>;

/// What happened to the directory, in its order.
pub(crate) enum Event {
    Merged(Merged),
    /// A user was made at the hub.
    Made(&'static str),
}

/// A merge, as it was planned.
pub(crate) struct Merged {
    /// Which of the sites.
    at: usize,
    plan: Value,
    /// What its Keystone had just before.
    before: Found,
}

/// Merges a region as its plan says that was read whole: until then nothing was written there but
/// by this test.
pub(crate) fn confirmed(lab: &Lab, at: usize, site: &Site) -> Event {
    let name = &site.region.name;
    let (plan, before) = until("the plan that was read is confirmed", || {
        let shown = lab.ask(&["org", "plan", name, "--full", "--output", "json"]);
        let plan: Value = serde_json::from_slice(&shown.stdout).ok()?;
        let before = found(&site.keystone);
        assert_eq!(
            site.cloud.keystone_writes(),
            site.keystone.own_writes(),
            "{name}"
        );
        let digest = word(&plan, "digest");
        let merged = lab.ask(&["org", "merge", name, "--digest", &digest]);
        // Another one, where more of the region was read meanwhile.
        merged.status.success().then_some((plan, before))
    });
    Event::Merged(Merged { at, plan, before })
}

/// Once all is in place, each plan is what happened: what it said that is created, and what later
/// ones brought, is there and nothing else is new; each thing that was there is as it was, but for
/// the name and the fields that its step says.
pub(crate) fn is_what_happened(lab: &Lab, sites: &[Site; 3], events: &[Event]) {
    for (number, event) in events.iter().enumerate() {
        if let Event::Merged(it) = event {
            let site = &sites[it.at];
            let after = found(&site.keystone);
            it.says_what_is_new(site, &after, &events[number + 1..]);
            it.says_what_changed(&after);
        }
    }
    let mut directory = Things::new();
    for kind in ["department", "project", "user", "group", "role"] {
        let all = lab.items(&format!("/directory/{kind}s"));
        directory.extend(all.iter().map(|it| (kind.to_owned(), word(it, "name"))));
    }
    assert_eq!(
        sorted(directory),
        sorted(events.iter().flat_map(Event::brought).collect())
    );
}

impl Event {
    /// What it brought into the directory, by the names that it has there.
    fn brought(&self) -> Things {
        match self {
            Self::Merged(it) => it.things(&["adopt", "found"]),
            Self::Made(name) => vec![("user".to_owned(), (*name).to_owned())],
        }
    }
}

impl Merged {
    fn steps(&self) -> impl Iterator<Item = &Value> {
        self.plan["items"].as_array().unwrap().iter()
    }

    fn things(&self, actions: &[&str]) -> Things {
        let steps = self.steps();
        let steps = steps.filter(|it| actions.contains(&word(it, "action").as_str()));
        steps.map(|it| (word(it, "kind"), name_then(it))).collect()
    }

    fn says_what_is_new(&self, site: &Site, after: &Found, later: &[Event]) {
        let mut expected = self.things(&["create"]);
        expected.extend(later.iter().flat_map(Event::brought));
        let new = after
            .iter()
            .filter(|(key, _)| !self.before.contains_key(*key));
        let new: Things = new
            .map(|((kind, _), it)| (kind.clone(), word(it, "name")))
            .collect();
        assert_eq!(
            sorted(new.clone()),
            sorted(expected),
            "{}",
            site.region.name
        );
        // Each by one order, and nothing was made that is gone again.
        let posts = site
            .written()
            .into_iter()
            .filter(|it| it.starts_with("POST "));
        let mut posts: Vec<String> = posts.collect();
        let collection = |kind: &str| match kind {
            "department" => "domains".to_owned(),
            _ => format!("{kind}s"),
        };
        let expected = new
            .iter()
            .map(|(kind, _)| format!("POST /v3/{} 201", collection(kind)));
        let mut expected: Vec<String> = expected.collect();
        posts.sort();
        expected.sort();
        assert_eq!(posts, expected, "{}", site.region.name);
    }

    fn says_what_changed(&self, after: &Found) {
        let mut here: BTreeMap<(String, String), &Value> = BTreeMap::new();
        for step in self.steps().filter(|it| it["here"].is_string()) {
            let before = here.insert((word(step, "kind"), word(step, "here")), step);
            assert_eq!(before, None, "one step for each: {step}");
        }
        let all: Vec<_> = self.before.keys().collect();
        assert_eq!(
            here.keys().collect::<Vec<_>>(),
            all,
            "and for all that is there"
        );
        for (key, step) in here {
            let (was, is) = (&self.before[&key], &after[&key]);
            match word(step, "action").as_str() {
                "skip" => assert_eq!(is, was, "{step}"),
                "adopt" | "recognize" => is_as_planned(step, was, is),
                _ => panic!("{step}"),
            }
        }
    }
}

fn sorted(mut all: Things) -> Things {
    all.sort();
    all
}

fn name_then(step: &Value) -> String {
    let renamed = step["renamed_to"].as_str();
    renamed.map_or_else(|| word(step, "name"), str::to_owned)
}

fn is_as_planned(step: &Value, was: &Value, is: &Value) {
    assert_eq!(word(was, "name"), word(step, "name"), "{step}");
    assert_eq!(word(is, "name"), name_then(step), "{step}");
    let changes: Vec<&str> = step["changes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (word, field) in [
        ("enabled", "enabled"),
        ("description", "description"),
        ("email", "email"),
        ("default_project", "default_project_id"),
    ] {
        let is_said =
            changes.contains(&word) || field == "enabled" && changes.contains(&"disabled");
        assert_eq!(is[field] != was[field], is_said, "{step}: {was}, {is}");
    }
    for field in ["domain_id", "parent_id"] {
        assert_eq!(is[field], was[field], "{step}");
    }
}

/// All that has a name, Default with what is in it included.
fn found(keystone: &Keystone) -> Found {
    let mut all = Found::new();
    let mut take = |kind: &str, things: Vec<Value>| {
        let keyed = things.into_iter();
        all.extend(keyed.map(|it| ((kind.to_owned(), word(&it, "id")), it)));
    };
    let departments = keystone.list("/domains", "domains");
    for it in &departments {
        let path = format!("/roles?domain_id={}", word(it, "id"));
        take("role", keystone.list(&path, "roles"));
    }
    take("department", departments);
    take("role", keystone.list("/roles", "roles"));
    take("project", keystone.list("/projects", "projects"));
    take("user", keystone.list("/users", "users"));
    take("group", keystone.list("/groups", "groups"));
    all
}
