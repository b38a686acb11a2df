//! The rows about what the directory has, its passwords and administrators.

use super::{Row, Statuses, boss, cloud, plain, row, signed_in};

/// Of a department that nobody below a cloud administrator sees here.
const fn elsewhere(status: u16) -> Statuses {
    [status, status, 404, 404, 404, 404, 401]
}

pub(in crate::matrix) fn things() -> Vec<Row> {
    let list = |path| row(("GET", "/directory/{kind}", path), "", signed_in(200));
    let make = |path, body, expected| row(("POST", "/directory/{kind}", path), body, expected);
    let of_ops = r#"{"name": "{new}", "department": "{ops}"}"#;
    let of_lab = r#"{"name": "{new}", "department": "{lab}"}"#;
    let in_web = r#"{"name": "{new}", "department": "{ops}", "parent": "{web}"}"#;
    let mut rows = vec![
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
    ];
    rows.extend(one_by_one());
    rows.extend(made_for_one_request());
    rows.extend(passwords());
    rows.extend(administrators());
    rows
}

fn administrators() -> Vec<Row> {
    let one = |method, path, body, expected| {
        let route = "/directory/administrators/{id}";
        row((method, route, path), body, expected)
    };
    let body = r#"{"new": "correct horse battery"}"#;
    let of_ops = "/directory/administrators/{of ops}";
    let of_lab = "/directory/administrators/{of lab}";
    let herself = "/directory/administrators/{ann}";
    vec![
        plain("GET", "/directory/administrators", "", cloud(200)),
        one("PUT", of_lab, body, cloud(200)),
        // Whose department `boss` administers.
        one("PUT", of_ops, body, cloud(400)),
        // None of them is a cloud administrator, which is said rather than taken for done.
        one("DELETE", of_ops, "", cloud(400)),
        one("DELETE", herself, "", cloud(400)),
    ]
}

fn one_by_one() -> Vec<Row> {
    let one = |method, path, body, expected| {
        row((method, "/directory/{kind}/{id}", path), body, expected)
    };
    let same = r#"{"description": "{new}"}"#;
    let web = [200, 200, 404, 200, 200, 403, 401];
    vec![
        one(
            "GET",
            "/directory/users/{ann}",
            "",
            [200, 200, 404, 200, 200, 200, 401],
        ),
        one("GET", "/directory/users/{of lab}", "", elsewhere(200)),
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
        one("PATCH", "/directory/projects/{far}", same, elsewhere(200)),
        one(
            "PATCH",
            "/directory/users/{root}",
            same,
            [200, 200, 403, 403, 404, 404, 401],
        ),
        one("DELETE", "/directory/departments/{web}", "", cloud(404)),
        plain("GET", "/directory/sign-in-hold", "", cloud(200)),
        plain("DELETE", "/directory/sign-in-hold", "", cloud(204)),
    ]
}

/// Users, groups and projects are a department's.
fn made_for_one_request() -> Vec<Row> {
    let route = "/directory/{kind}/{id}";
    let same = r#"{"description": "{new}"}"#;
    let all = [("PATCH", same, 200), ("DELETE", "", 204)];
    let of = |(method, body, done): (&'static str, &'static str, u16)| {
        let unseen = elsewhere(done);
        [
            ("/directory/users/{of ops}", boss(done, 404)),
            ("/directory/users/{of lab}", unseen),
            ("/directory/groups/{group of ops}", boss(done, 404)),
            ("/directory/groups/{group of lab}", unseen),
            ("/directory/projects/{project of ops}", boss(done, 404)),
            ("/directory/projects/{project of lab}", unseen),
        ]
        .map(|(path, expected)| row((method, route, path), body, expected))
    };
    all.into_iter().flat_map(of).collect()
}

/// What whoever may set a user's password may do with it: of whom, and what others are answered.
fn passwords() -> Vec<Row> {
    const PASSWORD: &str = "/directory/users/{id}/password";
    const LOCK: &str = "/directory/users/{id}/lock";
    let new = r#"{"new": "correct horse battery"}"#;
    let all = [
        ("GET", PASSWORD, "", 200),
        ("DELETE", LOCK, "", 204),
        ("PUT", PASSWORD, new, 200),
    ];
    let of = |(method, route, body, done): (_, &'static str, _, _)| {
        let users = [
            ("{of ops}", boss(done, 404)),
            ("{of lab}", elsewhere(done)),
            ("{root}", [done, done, 403, 403, 404, 404, 401]),
        ];
        users.map(|(user, expected)| {
            let path = route.replace("{id}", user).leak();
            row((method, route, path), body, expected)
        })
    };
    all.into_iter().flat_map(of).collect()
}
