//! Every route by everybody: who is answered, and who is refused.
//!
//! A route that the document has and this table has not fails the test, and so does the reverse.

#[path = "matrix/rows.rs"]
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};

use self::rows::{Row, drift, fleet, links, plain, quotas, sessions, signed_in, spreads, things};
use crate::kit::{Kit, request, with};
use crate::sign_in::{cookie, enters};

const PASSWORD: &str = "correct horse battery";

/// Who asks: the local socket, an account of the hub, a user of the directory with the role `admin`
/// in a project, a department's administrator, a project's, another user, nobody. Beside them
/// [`HEAD`].
const ASKERS: [&str; 7] = [
    "socket", "account", "chief", "boss", "lead", "ann", "nobody",
];

/// A user of the directory who is a cloud administrator, and is answered as an account of the hub.
const HEAD: &str = "head";

/// Of `ops`, in which `boss` is `manager`; `lead` is that in the project `web`; `chief` is `admin`
/// in the project `data`; `ann` is a member of `web`. `lab` is another department.
struct Stage {
    kit: Kit,
    ids: BTreeMap<&'static str, String>,
    cookies: BTreeMap<&'static str, String>,
    made: std::cell::Cell<u32>,
}

impl Stage {
    async fn new() -> Self {
        let mut kit = Kit::new().await;
        let no = kit.region("north", 1).await;
        kit.becomes_healthy("north", no).await;
        let account = kit.sign_in().await;
        let mut stage = Self {
            kit,
            ids: BTreeMap::new(),
            cookies: BTreeMap::from([("account", account)]),
            made: std::cell::Cell::new(0),
        };
        stage.fill().await;
        stage
    }

    async fn fill(&mut self) {
        for name in ["ops", "lab"] {
            self.make("departments", name, json!({})).await;
        }
        for (name, department) in [("web", "ops"), ("data", "ops"), ("far", "lab")] {
            let department = json!({ "department": self.ids[department] });
            self.make("projects", name, department).await;
        }
        for name in ["admin", "manager", "member"] {
            self.make("roles", name, json!({})).await;
        }
        for name in ["boss", "lead", "chief", "ann", "root"] {
            let department = json!({ "department": self.ids["ops"] });
            self.make("users", name, department).await;
        }
        let implied = json!({ "role": self.ids["manager"], "implied": self.ids["member"] });
        let made = self.kit.post("/directory/implications", implied).await;
        assert_eq!(made.status, 204, "{}", made.text);
        for (user, role, place, name) in [
            ("boss", "manager", "department", "ops"),
            ("lead", "manager", "project", "web"),
            ("chief", "admin", "project", "data"),
            ("root", "admin", "project", "data"),
            ("ann", "member", "project", "web"),
        ] {
            let body = json!({
                "user": self.ids[user], "role": self.ids[role], place: self.ids[name],
                // `boss` administers the department of who is `admin`.
                "entrust": true,
            });
            let made = self.kit.post("/directory/assignments", body).await;
            assert_eq!(made.status, 204, "{}", made.text);
        }
        for user in ["boss", "lead", "chief", "ann"] {
            let set = self.kit.sets_password(&self.ids[user], PASSWORD).await;
            assert_eq!(set.status, 200, "{}", set.text);
            let entered = self.kit.web(enters("ops", user, PASSWORD)).await;
            self.cookies.insert(user, cookie(&entered));
        }
        let department = json!({ "department": self.ids["lab"] });
        self.make("users", HEAD, department).await;
        let path = format!("/directory/administrators/{}", self.ids[HEAD]);
        let body = json!({ "new": PASSWORD });
        let appointed = self.kit.send(Method::PUT, &path, body).await;
        assert_eq!(appointed.status, 200, "{}", appointed.text);
        let entered = self.kit.web(enters("lab", HEAD, PASSWORD)).await;
        self.cookies.insert(HEAD, cookie(&entered));
    }

    async fn make(&mut self, list: &str, name: &'static str, body: Value) {
        let id = self.kit.makes(list, name, body).await;
        self.ids.insert(name, id);
    }

    /// A thing of a department, which is made for one request.
    async fn one_of(&self, kind: &str, department: &str) -> String {
        let body = json!({ "name": self.name(), "department": self.ids[department] });
        let made = self.kit.post(&format!("/directory/{kind}"), body).await;
        made.json()["id"].as_str().unwrap().to_owned()
    }

    fn name(&self) -> String {
        self.made.set(self.made.get() + 1);
        format!("new-{}", self.made.get())
    }

    /// Words in braces become ids: of what has the name, or of something new, mostly a user.
    async fn filled(&self, text: &str) -> String {
        let mut text = text.replace("{new}", &self.name());
        for (name, id) in &self.ids {
            text = text.replace(&format!("{{{name}}}"), id);
        }
        for (what, kind) in [
            ("", "users"),
            ("group ", "groups"),
            ("project ", "projects"),
        ] {
            for department in ["ops", "lab"] {
                let word = format!("{{{what}of {department}}}");
                if text.contains(&word) {
                    text = text.replace(&word, &self.one_of(kind, department).await);
                }
            }
        }
        text
    }

    async fn ask(&self, asker: &str, row: &Row) -> u16 {
        let path = format!("/api/v1{}", self.filled(row.path).await);
        let body = self.filled(row.body).await;
        let body = (!body.is_empty()).then(|| serde_json::from_str(&body).unwrap());
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let asked = request(method, &path, body);
        if row.endless && ["socket", "account", HEAD].contains(&asker) {
            // The answer has no end, and has begun.
            let whose = if asker == HEAD { HEAD } else { "account" };
            let cookie = &self.cookies[whose];
            return self
                .kit
                .web_raw(with(asked, "cookie", cookie))
                .await
                .status()
                .as_u16();
        }
        let answer = match asker {
            "socket" => self.kit.local(asked).await,
            "nobody" => self.kit.web(asked).await,
            asker => {
                self.kit
                    .web(with(asked, "cookie", &self.cookies[asker]))
                    .await
            }
        };
        answer.status.as_u16()
    }
}

#[tokio::test]
async fn every_route_answers_whom_it_should_and_refuses_the_others() {
    let stage = Stage::new().await;
    let mut rows: Vec<Row> = [
        fleet(),
        drift(),
        quotas(),
        spreads(),
        sessions(),
        things(),
        links(),
    ]
    .into_iter()
    .flatten()
    .collect();
    // At the end, as it ends the session.
    rows.push(plain("DELETE", "/session", "", signed_in(204)));
    let document = serde_json::to_value(idp_hub::api::openapi_document()).unwrap();
    let mut served = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            served.insert((method.to_uppercase(), path.clone()));
        }
    }
    let asked = rows.iter();
    let asked = asked.map(|it| (it.method.to_owned(), it.route.to_owned()));
    assert_eq!(served, asked.collect(), "a route is missing on one side");
    let mut wrong = Vec::new();
    for row in &rows {
        let expected = ASKERS.into_iter().zip(row.expected);
        for (asker, expected) in expected.chain([(HEAD, row.of_head())]) {
            let found = stage.ask(asker, row).await;
            if found != expected {
                let (method, path, body) = (row.method, row.path, row.body);
                let what = format!("{method} {path} {body} by {asker}");
                wrong.push(format!("{what}: {found}, and not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever administers a project is no administrator of the department that it is in.
#[tokio::test]
async fn nobody_below_a_departments_administrator_ends_a_project() {
    let stage = Stage::new().await;
    let route = "/directory/projects/{web}";
    for (asker, expected) in [("lead", 403), ("ann", 403), ("chief", 404), ("nobody", 401)] {
        let row = plain("DELETE", route, "", [expected; 7]);
        assert_eq!(stage.ask(asker, &row).await, expected, "{asker}");
    }
    let row = plain("DELETE", route, "", [204; 7]);
    assert_eq!(stage.ask("boss", &row).await, 204);
}

#[tokio::test]
async fn lists_have_what_somebody_may_see() {
    let stage = Stage::new().await;
    let everybody = vec!["ann", "boss", "chief", "head", "lead", "root"];
    for (asker, kind, expected) in [
        ("account", "users", everybody.clone()),
        (HEAD, "users", everybody),
        (
            "boss",
            "users",
            vec!["ann", "boss", "chief", "lead", "root"],
        ),
        ("lead", "users", vec!["ann", "lead"]),
        ("ann", "users", vec!["ann"]),
        ("boss", "departments", vec!["ops"]),
        ("ann", "departments", vec!["ops"]),
        ("boss", "projects", vec!["data", "web"]),
        ("ann", "projects", vec!["web"]),
        ("chief", "projects", vec!["data"]),
        ("ann", "roles", vec!["member"]),
        ("boss", "roles", vec!["admin", "manager", "member"]),
    ] {
        let path = format!("/api/v1/directory/{kind}");
        let asked = request(Method::GET, &path, None);
        let answer = stage
            .kit
            .web(with(asked, "cookie", &stage.cookies[asker]))
            .await;
        let items = answer.json()["items"].as_array().unwrap().clone();
        let mut names: Vec<_> = items
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{kind} by {asker}");
    }
    for project in ["web", "far"] {
        let path = format!("/directory/spreads/{}", stage.ids[project]);
        let totals = json!({ "totals": { "cores": 10 } });
        let set = stage.kit.send(Method::PUT, &path, totals).await;
        assert_eq!(set.status, 204, "{}", set.text);
    }
    for (asker, kind, count) in [
        ("account", "spreads", 2),
        ("boss", "spreads", 1),
        ("ann", "spreads", 1),
        ("chief", "spreads", 0),
        ("account", "assignments", 6),
        (HEAD, "assignments", 6),
        ("boss", "assignments", 5),
        ("lead", "assignments", 2),
        ("ann", "assignments", 1),
        ("ann", "implications", 0),
        ("lead", "implications", 1),
    ] {
        let path = format!("/api/v1/directory/{kind}");
        let asked = request(Method::GET, &path, None);
        let answer = stage
            .kit
            .web(with(asked, "cookie", &stage.cookies[asker]))
            .await;
        let found = answer.json()["items"].as_array().unwrap().len();
        assert_eq!(found, count, "{kind} by {asker}");
    }
}
