//! Every route, with what each of those who ask is answered.

#[path = "things.rs"]
mod things;

pub(super) use things::things;

/// What each is answered. A cloud administrator who is let in finds nothing there, or a body that
/// is not right: then it is said so, and not that he may not.
pub(super) type Statuses = [u16; 7];

/// Of cloud administrators alone.
const fn cloud(status: u16) -> Statuses {
    [status, status, 403, 403, 403, 403, 401]
}

pub(super) const fn signed_in(status: u16) -> Statuses {
    [status, status, status, status, status, status, 401]
}

/// A department's administrator too.
const fn boss(status: u16, others: u16) -> Statuses {
    [status, status, others, status, others, others, 401]
}

pub(super) struct Row {
    /// As the document has it, where that is not `path`.
    pub(super) route: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) body: &'static str,
    pub(super) expected: Statuses,
    pub(super) endless: bool,
}

impl Row {
    /// What a user of the directory who is a cloud administrator is answered: as an account of the
    /// hub, but that his password is another one's business.
    pub(super) fn of_head(&self) -> u16 {
        match (self.method, self.path) {
            ("PUT", "/session/password") => 400,
            _ => self.expected[1],
        }
    }
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

pub(super) const fn plain(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    expected: Statuses,
) -> Row {
    row((method, path, path), body, expected)
}

pub(super) fn fleet() -> Vec<Row> {
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
    let credential = r#"{"account": "admin", "password": "x"}"#;
    let digest = r#"{"digest": "00000000000000000000000000000000"}"#;
    rows.extend([
        region("PATCH", "", r#"{"name": "south"}"#, cloud(404)),
        region("DELETE", "", "", cloud(404)),
        region("POST", "/accept", key, cloud(404)),
        region("POST", "/credential", credential, cloud(404)),
        region("GET", "/organization/plan", "", cloud(404)),
        region("GET", "/organization/administrators", "", cloud(404)),
        region("POST", "/organization/merge", digest, cloud(404)),
        plain("GET", "/overview", "", cloud(200)),
        plain("GET", "/audit", "", cloud(200)),
        plain("GET", "/audit/verify", "", cloud(200)),
        plain(
            "POST",
            "/audit/backups",
            r#"{"file": "/srv/copy.db"}"#,
            cloud(204),
        ),
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

/// What differs in the regions, and the answer.
pub(super) fn drift() -> Vec<Row> {
    let seen = r#"{"seen": "00000000000000000000000000000000"}"#;
    let cure = |route: &'static str| {
        let path = route.replace("{region}", "none").replace("{id}", "0");
        row(("POST", route, path.leak()), seen, cloud(404))
    };
    let of_retired = |method, route: &'static str| {
        let path = route.replace("{id}", "00000000-0000-4000-8000-000000000000");
        row((method, route, path.leak()), "", cloud(404))
    };
    let policy = "/regions/{region}/organization/policy";
    vec![
        plain("GET", "/directory/drift", "", cloud(200)),
        plain("GET", "/directory/failures", "", cloud(200)),
        plain("GET", "/directory/progress", "", cloud(200)),
        plain("GET", "/directory/exposures", "", cloud(200)),
        plain("GET", "/directory/retired", "", cloud(200)),
        of_retired("GET", "/directory/retired/{id}"),
        of_retired("POST", "/directory/retired/{id}/purge"),
        of_retired("DELETE", "/directory/retired/{id}/purge"),
        cure("/regions/{region}/drift/{id}/put-back"),
        cure("/regions/{region}/drift/{id}/adopt"),
        row(
            ("PUT", policy, "/regions/none/organization/policy"),
            r#"{"drift": "ask"}"#,
            cloud(404),
        ),
    ]
}

/// Totals over regions.
pub(super) fn spreads() -> Vec<Row> {
    let one = "/directory/spreads/{project}";
    let of_web = "/directory/spreads/{web}";
    let removed = "/directory/spreads/{project}/{resource}";
    let cores = r#"{"totals": {"cores": 100}}"#;
    vec![
        plain("GET", "/directory/spreads", "", signed_in(200)),
        row(("PUT", one, of_web), cores, cloud(204)),
        row(
            ("DELETE", removed, "/directory/spreads/{web}/ram"),
            "",
            cloud(404),
        ),
    ]
}

/// Limits, whose region there is none of: whoever may set them hears that.
pub(super) fn quotas() -> Vec<Row> {
    let limits = |body, expected| {
        let route = "/regions/{region}/limits";
        row(("PUT", route, "/regions/none/limits"), body, expected)
    };
    let of_web = r#"{"limits": [{"project": "{web}", "resources": {"cores": 1}}]}"#;
    let of_data = r#"{"limits": [{"project": "{data}", "resources": {"cores": 1}}]}"#;
    let of_far = r#"{"limits": [{"project": "{far}", "resources": {"cores": 1}}]}"#;
    let left = r#"{"limits": [{"own": "p", "resources": {"cores": 1}}]}"#;
    let forced = r#"{"limits": [{"project": "{web}", "resources": {"cores": 1}}], "force": true}"#;
    let zero = (
        "POST",
        "/regions/{region}/limits/zero",
        "/regions/none/limits/zero",
    );
    let unset = (
        "POST",
        "/regions/{region}/limits/unset",
        "/regions/none/limits/unset",
    );
    let allocation = (
        "GET",
        "/regions/{region}/allocation",
        "/regions/none/allocation",
    );
    vec![
        plain("GET", "/directory/quotas", "", signed_in(200)),
        limits(of_web, [404, 404, 404, 404, 404, 403, 401]),
        // Who administers that one hears it too, and the others that he sees no such project.
        limits(of_data, [404, 404, 404, 404, 404, 404, 401]),
        limits(of_far, cloud_unseen()),
        limits(left, cloud(404)),
        limits(forced, [404, 404, 404, 403, 403, 403, 401]),
        row(zero, r#"{"own": "p"}"#, cloud(404)),
        row(unset, r#"{"own": "p", "resources": ["cores"]}"#, cloud(404)),
        row(allocation, "", cloud(404)),
    ]
}

/// What nobody else sees is not there.
const fn cloud_unseen() -> Statuses {
    [404, 404, 404, 404, 404, 404, 401]
}

pub(super) fn sessions() -> Vec<Row> {
    let wrong = r#"{"account": "{new}", "password": "x"}"#;
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

pub(super) fn links() -> Vec<Row> {
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
    let meant_in_web = r#""project": "{web}", "entrust": true"#;
    let meant_in_ops = r#""department": "{ops}", "entrust": true"#;
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
        make(
            "/directory/assignments",
            assigns("manager", web),
            [204, 204, 403, 204, 204, 403, 401],
        ),
        // Two would be in one another's power in the regions' own Keystones.
        make("/directory/assignments", assigns("admin", web), cloud(400)),
        make(
            "/directory/assignments",
            assigns("manager", ops),
            boss(400, 403),
        ),
        make(
            "/directory/assignments",
            assigns("admin", meant_in_web),
            cloud(204),
        ),
        make(
            "/directory/assignments",
            assigns("manager", meant_in_ops),
            cloud(204),
        ),
        make("/directory/assignments", assigns("member", lab), cloud(204)),
        gone("/directory/memberships/{id}", signed_in(404)),
        gone("/directory/implications/{id}", signed_in(404)),
        gone("/directory/assignments/{id}", signed_in(404)),
    ]
}
