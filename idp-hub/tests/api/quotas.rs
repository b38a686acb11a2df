//! Quotas across regions: listed, set, and what of them is left over.

use axum::http::Method;
use idp_hub::fleet::RegionNo;
use serde_json::{Value, json};
use shared::model::{
    Capacity, CloudId, Feed, Holder, Limits, Node, NodeState, Quota, QuotaResource, Record, Remark,
    RemarkState, ServiceKind, Subject, UnixMillis,
};

use crate::directory::{organization, with_a_home};
use crate::kit::{Answer, Kit, encoded};

fn quota(project: &str, cores: (Option<u64>, u64)) -> Record {
    let resource = |name: &str, (limit, used)| QuotaResource {
        name: name.to_owned(),
        limit,
        used,
        reserved: 0,
    };
    Record::Quota(Quota {
        project: CloudId::new(project),
        project_name: project.to_owned(),
        service: ServiceKind::Compute,
        resources: vec![resource("cores", cores), resource("ram", (None, 512))],
    })
}

pub(crate) fn node(vcpus: u64) -> Record {
    let capacity = |total| Capacity { used: 0, total };
    Record::Node(Node {
        id: CloudId::new("n1"),
        name: "n1".to_owned(),
        state: NodeState::Up,
        vcpus: capacity(vcpus),
        memory_mib: capacity(4096),
        disk_gib: capacity(100),
    })
}

/// Home with 40 cores: 10 of `web`, of which it uses 4; 8 of the administrator's own, who has a
/// server; and a project that is not merged.
async fn with_quotas() -> (Kit, RegionNo, String) {
    let mut kit = with_a_home().await;
    let no = kit.board.region("home").unwrap().view.no;
    let quotas = [quota("home-web", (Some(10), 4)), quota("p", (Some(8), 2))];
    kit.tells(no, (Feed::Quota, 11), &quotas).await;
    kit.tells(no, (Feed::Inventory, 12), &[node(40)]).await;
    kit.servers(no, 0, 1).await;
    let web = kit.id_of("projects", "web").await;
    (kit, no, web)
}

impl Kit {
    /// Reports what a region has of a feed.
    pub(crate) async fn tells(
        &mut self,
        no: RegionNo,
        (feed, session): (Feed, u64),
        records: &[Record],
    ) {
        let records = records.iter().map(encoded).collect();
        self.report(no, feed, session, records).await;
    }

    async fn set_limits(&self, limits: Value) -> Answer {
        let body = json!({ "limits": limits });
        self.send(Method::PUT, "/regions/home/limits", body).await
    }

    /// The cores of `web`.
    async fn cores(&self, project: &str) -> Value {
        let items = self
            .items(&format!("quotas?region=home&project={project}"))
            .await;
        assert_eq!(items.len(), 1, "{items:?}");
        let resources = items[0]["resources"].as_array().unwrap().clone();
        let cores = resources.into_iter().find(|it| it["name"] == "cores");
        cores.unwrap()
    }
}

#[tokio::test]
async fn a_limit_is_set_shown_as_wanted_and_then_as_the_regions() {
    let (mut kit, no, web) = with_quotas().await;
    let before = json!({
        "service": "compute", "name": "cores", "limit": 10, "used": 4, "reserved": 0,
    });
    assert_eq!(kit.cores("web").await, before);
    let set = kit
        .set_limits(json!([{"project": web, "resources": {"cores": 20}}]))
        .await;
    assert_eq!(set.status, 200, "{}", set.text);
    let expected = json!({"region": "home", "changed": [
        {"name": "web", "service": "compute", "before": "cores=10", "after": "cores=20"}]});
    assert_eq!(set.json(), expected);
    let cores = kit.cores(&web).await;
    assert_eq!(
        (&cores["limit"], &cores["wanted"]),
        (&json!(10), &json!(20))
    );
    assert!(
        cores["why"].as_str().unwrap().contains("on its way"),
        "{cores}"
    );
    // Its agent could not.
    let holder = Holder::Project(web.parse().unwrap());
    let mut records = organization("home");
    records.push(Record::Remark(Remark {
        subject: Subject::Quota(holder, ServiceKind::Compute),
        name: "web".to_owned(),
        state: RemarkState::Failed {
            error: "nova is away; start it".to_owned(),
            since: UnixMillis(1_795_000_000_000),
            tries: 4,
        },
    }));
    kit.organization(no, 13, &records).await;
    let why = kit.cores(&web).await["why"].clone();
    assert!(why.as_str().unwrap().contains("nova is away"), "{why}");
    // It did.
    kit.organization(no, 14, &organization("home")).await;
    kit.tells(no, (Feed::Quota, 15), &[quota("home-web", (Some(20), 4))])
        .await;
    let cores = kit.cores(&web).await;
    assert_eq!(
        (&cores["limit"], &cores["wanted"]),
        (&json!(20), &Value::Null)
    );
    let audit = kit.get("/api/v1/audit?action=set-quota").await.json();
    let entry = &audit["items"][0];
    assert_eq!(entry["before"], "cores=10", "{audit}");
    assert_eq!(entry["after"], r#"in region "home", compute: cores=20"#);
}

#[tokio::test]
async fn what_is_not_right_is_refused_with_the_numbers() {
    let (kit, _, web) = with_quotas().await;
    for (resources, status, slug, word) in [
        (json!({"cores": 3}), 409, "refused", "uses 4 of cores"),
        (
            json!({"cores": 33}),
            409,
            "refused",
            "may use 41, and it has 40",
        ),
        (
            json!({"core": 1}),
            400,
            "invalid-request",
            "compute:cores, compute:ram",
        ),
        (
            json!({"cores": -2}),
            400,
            "invalid-request",
            "0 to 2147483647",
        ),
        (json!({}), 400, "invalid-request", "nothing"),
    ] {
        let asked = json!([{"project": web, "resources": resources}]);
        let problem = kit.set_limits(asked).await.is_problem(status, slug);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{detail}");
    }
    let both = json!([{"project": web, "own": "p", "resources": {"cores": 9}}]);
    kit.set_limits(both)
        .await
        .is_problem(400, "invalid-request");
    let forced = json!({
        "limits": [{"project": web, "resources": {"cores": 3}}], "force": true,
    });
    let set = kit.send(Method::PUT, "/regions/home/limits", forced).await;
    assert_eq!(set.status, 200, "{}", set.text);
    // One danger is not the other.
    for (cores, word, status) in [
        (33, "force", 409),
        (3, "overcommit", 409),
        (33, "overcommit", 200),
    ] {
        let mut body = json!({"limits": [{"project": web, "resources": {"cores": cores}}]});
        body[word] = json!(true);
        let set = kit.send(Method::PUT, "/regions/home/limits", body).await;
        assert_eq!(set.status, status, "{word}: {}", set.text);
    }
    let elsewhere = json!({"limits": [{"project": web, "resources": {"cores": 9}}]});
    let refused = kit
        .send(Method::PUT, "/regions/north/limits", elsewhere)
        .await;
    let problem = refused.is_problem(409, "refused");
    assert!(
        problem["detail"].as_str().unwrap().contains("not merged"),
        "{problem}"
    );
}

#[tokio::test]
async fn what_is_allocated_is_told_with_leftovers_which_are_zeroed() {
    let (mut kit, no, web) = with_quotas().await;
    let path = "/api/v1/regions/home/allocation";
    let told = kit.get(path).await.json();
    let cores = &told["resources"][0];
    assert_eq!(cores["capacity"], 40);
    assert_eq!(cores["allocated"]["limit"], 18);
    assert_eq!(
        (&cores["directory"]["limit"], &cores["leftovers"]["limit"]),
        (&json!(10), &json!(8))
    );
    let left = &told["leftovers"][0];
    assert_eq!(
        (&left["own"], &left["why"]),
        (&json!("p"), &json!("unknown"))
    );
    assert_eq!(left["holds"]["servers"], 1);
    assert_eq!(left["shares"][0]["permille"], 444);
    let zero = json!({ "own": "p" });
    let unknown = kit.post("/regions/home/limits/zero", zero.clone()).await;
    unknown.is_problem(404, "not-found");
    let mut records = organization("home");
    let Record::Project(mut entry) = records[4].clone() else {
        panic!("{:?}", records[4]);
    };
    entry.custody = shared::model::Custody::Administrator;
    (entry.id, entry.what.name) = (CloudId::new("p"), "admin".to_owned());
    records.push(Record::Project(entry));
    kit.organization(no, 20, &records).await;
    let told = kit.get(path).await.json();
    assert_eq!(told["leftovers"][0]["why"], "administrator");
    assert_eq!(
        told["leftovers"][0]["cure"][0],
        "idp-hub org quota zero home p"
    );
    let done = kit.post("/regions/home/limits/zero", zero).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.json()["changed"][0]["after"], "cores=2 ram=512");
    let limits = kit.store.read(move |it| it.limits(no)).await.unwrap();
    let [Limits { holder, .. }] = limits.as_slice() else {
        panic!("{limits:?}");
    };
    assert_eq!(*holder, Holder::Own(CloudId::new("p")));
    let own = kit
        .post("/regions/home/limits/zero", json!({ "project": web }))
        .await;
    let problem = own.is_problem(409, "refused");
    assert!(
        problem["detail"].as_str().unwrap().contains("no leftover"),
        "{problem}"
    );
    let unmerged = kit.get("/api/v1/regions/north/allocation").await;
    unmerged.is_problem(409, "refused");
}
