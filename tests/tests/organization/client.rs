//! OpenStack's own command line, signed in at real Keystones with accounts that were made at the
//! hub, merged, or renamed with their department: it shows what the directory says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tests::lab::{Lab, succeeded, until_so};

use super::Site;
use super::sign_in::Web;
use super::told::word;

const SECRET: &str = "correct-horse-battery";

/// Who signs in, and for which project.
struct Who<'a> {
    name: &'a str,
    department: &'a str,
    secret: &'a str,
    /// Its department, and its name.
    project: [&'a str; 2],
}

impl Who<'_> {
    /// Whether a Keystone gives a token.
    fn is_let_in(&self, site: &Site) -> bool {
        let [within, project] = self.project;
        let user = json!({ "name": self.name, "domain": { "name": self.department },
                           "password": self.secret });
        let asked = json!({ "auth": {
            "identity": { "methods": ["password"], "password": { "user": user } },
            "scope": { "project": { "name": project, "domain": { "name": within } } },
        } });
        site.keystone.admin.gives_token(&asked)
    }

    /// The rows of a list that OpenStack's client shows.
    fn rows(&self, site: &Site, list: &str) -> Vec<Value> {
        let [within, project] = self.project;
        let who = [
            ("OS_USERNAME", self.name),
            ("OS_USER_DOMAIN_NAME", self.department),
            ("OS_PASSWORD", self.secret),
            ("OS_PROJECT_NAME", project),
            ("OS_PROJECT_DOMAIN_NAME", within),
        ];
        let told = site.cloud.ask_as(&who, list);
        told.as_array().unwrap().clone()
    }

    /// The names in it.
    fn names(&self, site: &Site, list: &str) -> Vec<String> {
        let rows = self.rows(site, list);
        let mut names: Vec<String> = rows.iter().map(|it| word(it, "Name")).collect();
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

/// Waits until somebody is let in everywhere; then the client shows him these projects as his.
fn shows_projects(sites: &[Site], who: &Who<'_>, projects: &[&str]) {
    let name = who.name;
    until_so(&format!("{name} gets a token"), || {
        sites.iter().all(|it| who.is_let_in(it))
    });
    at_each(sites, |it| {
        assert_eq!(who.names(it, "project list --my-projects"), projects);
    });
}

/// What the directory has of a kind by this name in a department; its id.
fn id(lab: &Lab, kind: &str, [department, name]: [&str; 2]) -> String {
    let items = lab.items(&format!("/directory/{kind}"));
    let is_it = |it: &&Value| it["department"]["name"] == department && it["name"] == name;
    word(items.iter().find(is_it).unwrap(), "id")
}

/// Somebody gets a password and the role `member` in a project of his department.
fn furnish(lab: &Lab, who: &Who<'_>) {
    let user = id(lab, "users", [who.department, who.name]);
    let project = id(lab, "projects", who.project);
    let link = format!("org link assignment --user {user} --role member --project {project}");
    let link: Vec<&str> = link.split(' ').collect();
    succeeded(lab.ask(&link));
    let password = ["org", "password", who.department, who.name, "--stdin"];
    succeeded(lab.ask_with(&password, who.secret));
}

/// Who was made at the hub signs in there, and sees her project in each region, and beside it what
/// was retired in it: as an operator she is a member of all that a region has in her department.
pub(crate) fn shows_a_user_her_project(lab: &Lab, sites: &[Site]) {
    let carol = Who {
        name: "carol",
        department: "science",
        secret: SECRET,
        project: ["science", "web"],
    };
    furnish(lab, &carol);
    assert_eq!(Web::new(lab).enter(Some("science"), "carol", SECRET).0, 201);
    shows_projects(sites, &carol, &["inner", "web"]);
}

/// Who came with a region sees hers in each, by the password that she chose at the hub.
pub(crate) fn shows_a_merged_user_hers(sites: &[Site], secret: &str) {
    let ann = Who {
        name: "ann",
        department: "research",
        secret,
        project: ["research", "web"],
    };
    shows_projects(sites, &ann, &["inner", "web"]);
}

/// Likewise whose department's name was taken, by the name that it has now.
pub(crate) fn shows_one_of_a_renamed_department(lab: &Lab, sites: &[Site]) {
    let department = format!("research_{}", sites[1].keystone.id("d"));
    let ann = Who {
        name: "ann",
        department: &department,
        secret: SECRET,
        project: [&department, "admin"],
    };
    furnish(lab, &ann);
    shows_projects(sites, &ann, &["admin", "in", "web"]);
}

/// A cloud administrator of the federation sees in each region what the directory says: of all
/// departments, and who has which role where; and nothing else, but what is in Default.
pub(crate) fn shows_an_administrator_all(lab: &Lab, sites: &[Site], secret: &str) {
    let carol = Who {
        name: "carol",
        department: "science",
        secret,
        project: ["federation", "admin"],
    };
    let user = id(lab, "users", ["science", "carol"]);
    let group = id(lab, "groups", ["science", "operators"]);
    let link = [
        "org",
        "link",
        "membership",
        "--user",
        &user,
        "--group",
        &group,
    ];
    succeeded(lab.ask(&link));
    let directory = Shown::by_the_hub(lab);
    let is_in = |it: &Site| {
        it.keystone
            .told()
            .links
            .contains("science/carol in science/operators")
    };
    until_so("carol is an operator", || sites.iter().all(is_in));
    at_each(sites, |it| {
        assert_eq!(
            Shown::by_the_client(it, &carol),
            directory,
            "{}",
            it.region.name
        );
        let list = format!("user list --group {}", operators(it));
        let members = carol.names(it, &list);
        assert_eq!(members, ["carol"]);
        let roles = carol.names(it, "role list --domain science");
        assert_eq!(roles, ["local"]);
    });
}

/// What a Keystone calls them: the client looks for a group's name in one department alone, and not
/// in the one that it is given.
fn operators(site: &Site) -> String {
    let department = site.keystone.list("/domains?name=science", "domains");
    let path = format!(
        "/groups?name=operators&domain_id={}",
        word(&department[0], "id")
    );
    word(&site.keystone.list(&path, "groups")[0], "id")
}

/// What is in all departments but Default, by names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    /// Departments, projects and users with their switches, and groups.
    things: BTreeSet<String>,
    /// Those of no department.
    roles: BTreeSet<String>,
    /// Who has which role where.
    assignments: BTreeSet<String>,
}

impl Shown {
    fn by_the_hub(lab: &Lab) -> Self {
        let mut shown = Self::default();
        // By id, with the department as the client writes it.
        let mut names = BTreeMap::new();
        for kind in ["departments", "projects", "users", "groups", "roles"] {
            for it in lab.items(&format!("/directory/{kind}")) {
                let (name, within) = (word(&it, "name"), word(&it["department"], "name"));
                let name = at(&name, &within);
                names.insert(word(&it, "id"), name.clone());
                match kind {
                    "roles" if within.is_empty() => drop(shown.roles.insert(name)),
                    "roles" => {}
                    _ => shown.has(kind, &name, &it["enabled"]),
                }
            }
        }
        // Retired: the directory has it no more, and a region keeps what is in it.
        shown.has("projects", RETIRED, &json!(false));
        for it in lab.items("/directory/assignments") {
            let ends = ["role", "user", "group", "project", "department"];
            let ends = ends.map(|end| names.get(&word(&it[end], "id")).map_or("", String::as_str));
            shown.assigned(ends, &it["inherited"]);
        }
        shown
    }

    fn by_the_client(site: &Site, who: &Who<'_>) -> Self {
        let mut shown = Self::default();
        let mut departments = BTreeMap::new();
        for it in who.rows(site, "domain list") {
            let name = word(&it, "Name");
            if name != "Default" {
                shown.has("departments", &name, &it["Enabled"]);
                departments.insert(word(&it, "ID"), name);
            }
        }
        for (kind, list, within) in [
            ("projects", "project list --long", "Domain ID"),
            ("users", "user list --long", "Domain"),
            ("groups", "group list --long", "Domain ID"),
        ] {
            for it in who.rows(site, list) {
                if let Some(within) = departments.get(&word(&it, within)) {
                    shown.has(kind, &at(&word(&it, "Name"), within), &it["Enabled"]);
                }
            }
        }
        shown.roles.extend(who.names(site, "role list"));
        for it in who.rows(site, "role assignment list --names") {
            let ends = ["Role", "User", "Group", "Project", "Domain"].map(|end| word(&it, end));
            let ends = ends.each_ref().map(String::as_str);
            let is_own = |it: &&str| it.ends_with("@Default") || ["", "Default"].contains(it);
            if !ends[1..].iter().all(is_own) && ends[3] != RETIRED {
                shown.assigned(ends, &it["Inherited"]);
            }
        }
        shown
    }

    fn has(&mut self, kind: &str, name: &str, enabled: &Value) {
        let enabled = enabled
            .as_bool()
            .map_or_else(String::new, |it| format!(" {it}"));
        self.things.insert(format!("{kind} {name}{enabled}"));
    }

    fn assigned(&mut self, [role, user, group, project, department]: [&str; 5], inherited: &Value) {
        let line = format!(
            "{user}{group} is {role} on {project}{department} {}",
            inherited.as_bool().unwrap()
        );
        self.assignments.insert(line);
    }
}

/// As the client writes it.
const RETIRED: &str = "inner@science";

fn at(name: &str, within: &str) -> String {
    match within {
        "" => name.to_owned(),
        _ => format!("{name}@{within}"),
    }
}
