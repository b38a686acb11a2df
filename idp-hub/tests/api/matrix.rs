//! Every route by everybody: who is answered, and who is refused.
//!
//! A route that the document has and this table has not fails the test, and so does the reverse.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};

use crate::kit::{Kit, request, with};
use crate::sign_in::{cookie, enters};

const PASSWORD: &str = "correct horse battery";

/// Who asks: the local socket, an account of the hub, a user of the directory with the role `admin`
/// in a project, a department's administrator, a project's, another user, nobody.
const ASKERS: [&str; 7] = [
    "socket", "account", "chief", "boss", "lead", "ann", "nobody",
];

/// What each is answered. A cloud administrator who is let in finds nothing there, or a body that
/// is not right: then it is said so, and not that he may not.
type Statuses = [u16; 7];

/// Of cloud administrators alone.
const fn cloud(status: u16) -> Statuses {
    [status, status, 403, 403, 403, 403, 401]
}

const fn signed_in(status: u16) -> Statuses {
    [status, status, status, status, status, status, 401]
}

/// A department's administrator too.
const fn boss(status: u16, others: u16) -> Statuses {
    [status, status, others, status, others, others, 401]
}

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
        for name in ["boss", "lead", "chief", "ann"] {
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
            ("ann", "member", "project", "web"),
        ] {
            let body = json!({
                "user": self.ids[user], "role": self.ids[role], place: self.ids[name],
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
    }

    async fn make(&mut self, list: &str, name: &'static str, mut body: Value) {
        body["name"] = json!(name);
        let made = self.kit.post(&format!("/directory/{list}"), body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        self.ids.insert(name, id);
    }

    /// A user of a department, who is made for one request.
    async fn somebody(&self, department: &str) -> String {
        let body = json!({ "name": self.name(), "department": self.ids[department] });
        let made = self.kit.post("/directory/users", body).await;
        made.json()["id"].as_str().unwrap().to_owned()
    }

    fn name(&self) -> String {
        self.made.set(self.made.get() + 1);
        format!("new-{}", self.made.get())
    }

    /// Words in braces become ids: of what has the name, or of somebody new.
    async fn filled(&self, text: &str) -> String {
        let mut text = text.replace("{new}", &self.name());
        for (name, id) in &self.ids {
            text = text.replace(&format!("{{{name}}}"), id);
        }
        for department in ["ops", "lab"] {
            let word = format!("{{of {department}}}");
            if text.contains(&word) {
                text = text.replace(&word, &self.somebody(department).await);
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
        if row.endless && ["socket", "account"].contains(&asker) {
            // The answer has no end, and has begun.
            let cookie = &self.cookies["account"];
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

struct Row {
    /// As the document has it, where that is not `path`.
    route: &'static str,
    method: &'static str,
    path: &'static str,
    body: &'static str,
    expected: Statuses,
    endless: bool,
}

const fn row(
    (method, route, path): (&'static str, &'static str, &'static str),
    body: &'static str,
    expected: Statuses,
) -> Row {
    Row {
        route,
        method,
        path,
        body,
        expected,
        endless: false,
    }
}

const fn plain(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    expected: Statuses,
) -> Row {
    row((method, path, path), body, expected)
}

fn fleet() -> Vec<Row> {
    let of_region = |route: &'static str| {
        let path = route.replace("{region}", "north").leak();
        row(("GET", route, path), "", cloud(200))
    };
    let mut rows: Vec<Row> = [
        "/regions/{region}",
        "/regions/{region}/servers",
        "/regions/{region}/volumes",
        "/regions/{region}/networks",
        "/regions/{region}/floating-ips",
        "/regions/{region}/nodes",
        "/regions/{region}/storage-pools",
        "/regions/{region}/quotas",
        "/regions/{region}/services",
        "/regions/{region}/samples",
        "/regions/{region}/means",
    ]
    .map(of_region)
    .into();
    let region = |method, tail: &'static str, body, expected| {
        let route = format!("/regions/{{region}}{tail}").leak();
        row(
            (method, route, format!("/regions/none{tail}").leak()),
            body,
            expected,
        )
    };
    let key = r#"{"key_fingerprint":
        "0000000000000000000000000000000000000000000000000000000000000000"}"#;
    let digest = r#"{"digest": "00000000000000000000000000000000"}"#;
    rows.extend([
        region("PATCH", "", r#"{"name": "south"}"#, cloud(404)),
        region("DELETE", "", "", cloud(404)),
        region("POST", "/accept", key, cloud(404)),
        region("GET", "/organization/plan", "", cloud(404)),
        region("POST", "/organization/merge", digest, cloud(404)),
        plain("GET", "/overview", "", cloud(200)),
        plain("GET", "/regions", "", cloud(200)),
        plain("GET", "/invitations", "", cloud(200)),
        plain("POST", "/invitations", r#"{"region": "{new}"}"#, cloud(201)),
        row(
            ("DELETE", "/invitations/{region}", "/invitations/none"),
            "",
            cloud(404),
        ),
        plain("POST", "/adoptions/look", r#"{"address": ""}"#, cloud(400)),
        plain("POST", "/adoptions", "{}", cloud(400)),
        Row {
            endless: true,
            ..plain("GET", "/events", "", cloud(200))
        },
    ]);
    rows
}

fn sessions() -> Vec<Row> {
    let wrong = r#"{"account": "nobody", "password": "x"}"#;
    let own = r#"{"current": "correct horse battery", "new": "short"}"#;
    vec![
        plain("POST", "/session", wrong, [401; 7]),
        plain("GET", "/session", "", signed_in(200)),
        plain(
            "PUT",
            "/session/password",
            own,
            [409, 409, 400, 400, 400, 400, 401],
        ),
        row(
            (
                "PUT",
                "/accounts/{name}/password",
                "/accounts/none/password",
            ),
            r#"{"new": "correct horse battery"}"#,
            cloud(404),
        ),
    ]
}

fn things() -> Vec<Row> {
    let list = |path| row(("GET", "/directory/{kind}", path), "", signed_in(200));
    let make = |path, body, expected| row(("POST", "/directory/{kind}", path), body, expected);
    let one = |method, path, body, expected| {
        row((method, "/directory/{kind}/{id}", path), body, expected)
    };
    let password = |path, expected| {
        let route = "/directory/users/{id}/password";
        row(
            ("PUT", route, path),
            r#"{"new": "correct horse battery"}"#,
            expected,
        )
    };
    let of_ops = r#"{"name": "{new}", "department": "{ops}"}"#;
    let of_lab = r#"{"name": "{new}", "department": "{lab}"}"#;
    let in_web = r#"{"name": "{new}", "department": "{ops}", "parent": "{web}"}"#;
    let same = r#"{"description": "{new}"}"#;
    let web = [200, 200, 404, 200, 200, 403, 401];
    vec![
        list("/directory/users"),
        list("/directory/departments"),
        list("/directory/roles"),
        make("/directory/departments", r#"{"name": "{new}"}"#, cloud(201)),
        make("/directory/roles", r#"{"name": "{new}"}"#, cloud(201)),
        make("/directory/users", of_ops, boss(201, 403)),
        make("/directory/users", of_lab, cloud(201)),
        make("/directory/groups", of_ops, boss(201, 403)),
        make("/directory/projects", of_ops, boss(201, 403)),
        make(
            "/directory/projects",
            in_web,
            [201, 201, 403, 201, 201, 403, 401],
        ),
        one(
            "GET",
            "/directory/users/{ann}",
            "",
            [200, 200, 404, 200, 200, 200, 401],
        ),
        one(
            "GET",
            "/directory/users/{of lab}",
            "",
            [200, 200, 404, 404, 404, 404, 401],
        ),
        one(
            "GET",
            "/directory/projects/{web}",
            "",
            [200, 200, 404, 200, 200, 200, 401],
        ),
        one("GET", "/directory/departments/{ops}", "", signed_in(200)),
        one("PATCH", "/directory/departments/{ops}", same, cloud(200)),
        one(
            "PATCH",
            "/directory/roles/{member}",
            same,
            [200, 200, 403, 403, 403, 403, 401],
        ),
        one("PATCH", "/directory/projects/{web}", same, web),
        one(
            "PATCH",
            "/directory/projects/{far}",
            same,
            [200, 200, 404, 404, 404, 404, 401],
        ),
        one("PATCH", "/directory/users/{of ops}", same, boss(200, 404)),
        one(
            "PATCH",
            "/directory/users/{chief}",
            same,
            [200, 200, 403, 403, 404, 404, 401],
        ),
        one("DELETE", "/directory/users/{of ops}", "", boss(204, 404)),
        one(
            "DELETE",
            "/directory/users/{of lab}",
            "",
            [204, 204, 404, 404, 404, 404, 401],
        ),
        one("DELETE", "/directory/departments/{web}", "", signed_in(404)),
        password("/directory/users/{of ops}/password", boss(200, 404)),
        password(
            "/directory/users/{of lab}/password",
            [200, 200, 404, 404, 404, 404, 401],
        ),
        password(
            "/directory/users/{chief}/password",
            [200, 200, 403, 403, 404, 404, 401],
        ),
    ]
}

fn links() -> Vec<Row> {
    let list = |path| plain("GET", path, "", signed_in(200));
    let make = |path, body, expected| plain("POST", path, body, expected);
    let gone = |route: &'static str, expected| {
        let path = route.replace("{id}", "none").leak();
        row(("DELETE", route, path), "", expected)
    };
    let assigns = |role: &str, place: &str| -> &'static str {
        format!(r#"{{"user": "{{of ops}}", "role": "{{{role}}}", {place}}}"#).leak()
    };
    let (web, ops) = (r#""project": "{web}""#, r#""department": "{ops}""#);
    let lab = r#""department": "{lab}""#;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let member = format!(r#"{{"group": "{nobody}", "user": "{{ann}}"}}"#).leak();
    let implies = r#"{"role": "{manager}", "implied": "{member}"}"#;
    vec![
        list("/directory/memberships"),
        list("/directory/implications"),
        list("/directory/assignments"),
        make(
            "/directory/memberships",
            member,
            [404, 404, 403, 403, 403, 403, 401],
        ),
        make("/directory/implications", implies, cloud(204)),
        make(
            "/directory/assignments",
            assigns("member", web),
            [204, 204, 403, 204, 204, 403, 401],
        ),
        make("/directory/assignments", assigns("admin", web), cloud(204)),
        make(
            "/directory/assignments",
            assigns("manager", ops),
            boss(204, 403),
        ),
        make("/directory/assignments", assigns("member", lab), cloud(204)),
        gone("/directory/memberships/{id}", signed_in(404)),
        gone("/directory/implications/{id}", signed_in(404)),
        gone("/directory/assignments/{id}", signed_in(404)),
    ]
}

#[tokio::test]
async fn every_route_answers_whom_it_should_and_refuses_the_others() {
    let stage = Stage::new().await;
    let mut rows: Vec<Row> = [fleet(), sessions(), things(), links()]
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
        for (asker, expected) in ASKERS.iter().zip(row.expected) {
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

#[tokio::test]
async fn lists_have_what_somebody_may_see() {
    let stage = Stage::new().await;
    for (asker, kind, expected) in [
        ("account", "users", vec!["ann", "boss", "chief", "lead"]),
        ("boss", "users", vec!["ann", "boss", "chief", "lead"]),
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
    for (asker, kind, count) in [
        ("account", "assignments", 4),
        ("boss", "assignments", 4),
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
