//! OpenStack's own command line, signed in at real Keystones with an account that was made at the
//! hub: it shows what the directory says.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::lab::{Lab, succeeded, until_so};

use super::Site;

const SECRET: &str = "correct-horse-battery";

/// Of one kind, what the directory has in the department `science`, by name.
fn directory(lab: &Lab, kind: &str) -> BTreeMap<String, String> {
    let word = |it: &Value| it.as_str().unwrap().to_owned();
    let items = lab.items(&format!("/directory/{kind}"));
    let within = |it: &&Value| it["department"]["name"] == "science";
    let entry = |it: &Value| (word(&it["name"]), word(&it["id"]));
    items.iter().filter(within).map(entry).collect()
}

/// `carol` of the department `science` gets a password and a role in its project `web`.
fn furnish(lab: &Lab) {
    let web = directory(lab, "projects").remove("web").unwrap();
    let link = "org link assignment --user carol --role member --project";
    let link: Vec<&str> = link.split(' ').chain([web.as_str()]).collect();
    succeeded(lab.ask(&link));
    let password = ["org", "password", "science", "carol", "--stdin"];
    succeeded(lab.ask_with(&password, SECRET));
}

impl Site {
    /// Whether `carol` gets a token for the project.
    fn lets_in(&self) -> bool {
        let domain = json!({ "name": "science" });
        let user = json!({ "name": "carol", "domain": domain, "password": SECRET });
        let asked = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": user } },
            "scope": { "project": { "name": "web", "domain": domain } },
        } });
        self.keystone.ask("POST", "/auth/tokens", &asked).0 == 201
    }

    /// The names in a list that OpenStack's client shows her, when she signs in for a project.
    fn tells(&self, (department, project): (&str, &str), secret: &str, list: &str) -> Vec<String> {
        let who = [
            ("OS_USERNAME", "carol"),
            ("OS_USER_DOMAIN_NAME", "science"),
            ("OS_PASSWORD", secret),
            ("OS_PROJECT_NAME", project),
            ("OS_PROJECT_DOMAIN_NAME", department),
        ];
        let told = self.cloud.ask_as(&who, list);
        let all = told.as_array().unwrap().iter();
        let mut names: Vec<String> = all
            .map(|it| it["Name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }
}

/// Does the same at all sites at once: the client takes a while to start.
fn at_each(sites: &[Site], look: impl Fn(&Site) + Sync) {
    std::thread::scope(|scope| {
        let all = sites.iter().map(|it| scope.spawn(|| look(it)));
        let all: Vec<_> = all.collect();
        all.into_iter().for_each(|it| it.join().unwrap());
    });
}

/// A user of a project sees it in each region.
pub(crate) fn shows_a_user_her_project(lab: &Lab, sites: &[Site]) {
    furnish(lab);
    until_so("carol gets a token", || sites.iter().all(Site::lets_in));
    at_each(sites, |it| {
        let list = "project list --my-projects";
        assert_eq!(it.tells(("science", "web"), SECRET, list), ["web"]);
    });
}

/// A cloud administrator of the federation sees in each region what the directory says.
pub(crate) fn shows_an_administrator_all(lab: &Lab, sites: &[Site], secret: &str) {
    let names = |kind| -> Vec<String> { directory(lab, kind).into_keys().collect() };
    let (users, mut projects) = (names("users"), names("projects"));
    // Retired: the directory has it no more, and a region keeps what is in it.
    projects.insert(0, "inner".to_owned());
    assert!(users.contains(&"carol".to_owned()), "{users:?}");
    at_each(sites, |it| {
        let tells = |list| it.tells(("federation", "admin"), secret, list);
        assert_eq!(tells("user list --domain science"), users);
        assert_eq!(tells("project list --domain science"), projects);
    });
}
