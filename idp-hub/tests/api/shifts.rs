//! Limits shifted by whoever administers a department or a project: within what is his, lowered
//! first, and told however it goes with the others'.

use std::collections::BTreeMap;

use axum::http::Method;
use idp_hub::fleet::RegionNo;
use idp_hub::tasks::tell_raises;
use serde_json::{Value, json};
use shared::model::{CloudId, Feed, Marker, Quota, QuotaResource, Record, ServiceKind};

use crate::directory::{organization, with_a_home};
use crate::kit::{Answer, Kit, PASSWORD, request, with};
use crate::sign_in::{cookie, enters};

/// Projects of `ops` in the region `home`: `data`; and `web`, in which `inner` is nested. `boss`
/// administers `ops`, and `lead` administers `web`.
struct Stage {
    kit: Kit,
    home: RegionNo,
    ids: BTreeMap<&'static str, String>,
    cookies: BTreeMap<&'static str, String>,
    session: u64,
}

/// What a region says of a project: its limits of cores and of gigabytes, of which it uses nothing.
type Limits = (&'static str, u64, u64);

impl Stage {
    async fn new() -> Self {
        let kit = with_a_home().await;
        let home = kit.board.region("home").unwrap().view.no;
        let mut stage = Self {
            kit,
            home,
            ids: BTreeMap::new(),
            cookies: BTreeMap::new(),
            session: 30,
        };
        for (list, name) in [("departments", "ops"), ("projects", "web")] {
            let id = stage.kit.id_of(list, name).await;
            stage.ids.insert(name, id);
        }
        let ops = stage.ids["ops"].clone();
        let inner = json!({ "department": ops, "parent": stage.ids["web"] });
        for (name, body) in [("inner", inner), ("data", json!({ "department": ops }))] {
            stage.make("projects", name, body).await;
        }
        stage.is_there().await;
        stage.make("roles", "manager", json!({})).await;
        for (user, place, of) in [("boss", "department", "ops"), ("lead", "project", "web")] {
            stage
                .make("users", user, json!({ "department": ops }))
                .await;
            let (id, role) = (stage.ids[user].clone(), &stage.ids["manager"]);
            let given = json!({ "user": id, "role": role, place: stage.ids[of] });
            let made = stage.kit.post("/directory/assignments", given).await;
            assert_eq!(made.status, 204, "{}", made.text);
            stage.kit.sets_password(&id, PASSWORD).await;
            let entered = stage.kit.web(enters("ops", user, PASSWORD)).await;
            stage.cookies.insert(user, cookie(&entered));
        }
        stage
    }

    async fn make(&mut self, list: &str, name: &'static str, body: Value) {
        let id = self.kit.makes(list, name, body).await;
        self.ids.insert(name, id);
    }

    /// The region has them all by now, by their markers.
    async fn is_there(&mut self) {
        let founding = self.kit.store.read(|it| it.founding()).await;
        let federation = founding.unwrap().unwrap().federation;
        let mut records = organization("home");
        let Record::Project(web) = records[4].clone() else {
            panic!("{:?}", records[4]);
        };
        for name in ["inner", "data"] {
            let mut entry = web.clone();
            let object = self.ids[name].parse().unwrap();
            entry.marker = Some(Marker { federation, object });
            (entry.id, entry.what.name) = (CloudId::new(&format!("home-{name}")), name.to_owned());
            records.push(Record::Project(entry));
        }
        self.session += 1;
        self.kit
            .organization(self.home, self.session, &records)
            .await;
    }

    /// The region tells its quotas.
    async fn tells(&mut self, all: &[Limits]) {
        let quota = |project: &str, service, name: &str, limit| {
            let resource = QuotaResource {
                name: name.to_owned(),
                limit: Some(limit),
                used: 0,
                reserved: 0,
            };
            Record::Quota(Quota {
                project: CloudId::new(&format!("home-{project}")),
                project_name: project.to_owned(),
                service,
                resources: vec![resource],
            })
        };
        let quotas: Vec<Record> = all
            .iter()
            .flat_map(|(project, cores, gigabytes)| {
                [
                    quota(project, ServiceKind::Compute, "cores", *cores),
                    quota(project, ServiceKind::Volume, "gigabytes", *gigabytes),
                ]
            })
            .collect();
        self.session += 1;
        self.kit
            .tells(self.home, (Feed::Quota, self.session), &quotas)
            .await;
    }

    /// The cloud's administrator sets what the region has already: what a cloud gave by itself is
    /// nobody's to shift.
    async fn settle(&self, all: &[Limits]) {
        for (project, cores, gigabytes) in all {
            for less in [1, 0] {
                let limits = json!({ "cores": cores - less, "gigabytes": gigabytes - less });
                let set = self.set("socket", &[(project, limits)]).await;
                assert_eq!(set.status, 200, "{}", set.text);
            }
        }
    }

    async fn set(&self, asker: &str, all: &[(&str, Value)]) -> Answer {
        let limits: Vec<Value> = all
            .iter()
            .map(|(name, limits)| json!({ "project": self.ids[name], "resources": limits }))
            .collect();
        let body = Some(json!({ "limits": limits }));
        let asked = request(Method::PUT, "/api/v1/regions/home/limits", body);
        match self.cookies.get(asker) {
            Some(cookie) => self.kit.web(with(asked, "cookie", cookie)).await,
            None => self.kit.local(asked).await,
        }
    }

    /// Shifts cores.
    async fn shift(&self, asker: &str, all: &[(&str, u64)]) -> Answer {
        let all: Vec<_> = all
            .iter()
            .map(|(name, it)| (*name, json!({ "cores": it })))
            .collect();
        self.set(asker, &all).await
    }

    /// The cores that a project is to have; what it has where that is the same.
    async fn cores(&self, project: &str) -> Value {
        let list = format!("quotas?region=home&project={project}");
        let items = self.kit.items(&list).await;
        let resources = items[0]["resources"].as_array().unwrap();
        let cores = resources.iter().find(|it| it["name"] == "cores");
        cores.unwrap().clone()
    }
}

#[tokio::test]
async fn a_departments_administrator_shifts_and_sees_his_own() {
    let mut it = Stage::new().await;
    let begin = [("web", 10, 10), ("data", 5, 5), ("inner", 2, 2)];
    it.tells(&begin).await;
    it.settle(&begin).await;
    let raised = it.shift("boss", &[("web", 11)]).await;
    let problem = raised.is_problem(403, "not-permitted");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("may use 11"), "{problem}");
    let shifted = it.shift("boss", &[("web", 5), ("data", 10)]).await;
    assert_eq!(shifted.status, 200, "{}", shifted.text);
    let waiting = json!([{
        "name": "data", "service": "compute", "after": "cores=10", "until_lower": ["web"],
    }]);
    assert_eq!(shifted.json()["waiting"], waiting);
    assert_eq!(tell_raises(&it.kit.store).await.unwrap(), 0);
    let cores = it.cores("data").await;
    assert_eq!(cores["wanted"], 10, "{cores}");
    let why = cores["why"].as_str().unwrap();
    assert!(why.contains("lowered that of web"), "{cores}");
    it.tells(&[("web", 5, 10), ("data", 5, 5), ("inner", 2, 2)])
        .await;
    assert_eq!(tell_raises(&it.kit.store).await.unwrap(), 1);
    let why = it.cores("data").await["why"].clone();
    assert!(why.as_str().unwrap().contains("on its way"), "{why}");
    let asked = request(Method::GET, "/api/v1/directory/quotas", None);
    let seen = it
        .kit
        .web(with(asked, "cookie", &it.cookies["boss"]))
        .await
        .json();
    let names = seen["items"].as_array().unwrap().iter();
    let mut names: Vec<_> = names.map(|it| it["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["data", "inner", "web"], "and not what is left over");
}

#[tokio::test]
async fn a_projects_administrator_shifts_between_it_and_those_nested_in_it() {
    let mut it = Stage::new().await;
    it.tells(&[("web", 10, 10), ("data", 5, 5), ("inner", 2, 2)])
        .await;
    it.settle(&[("web", 10, 10), ("data", 5, 5)]).await;
    for raised in [
        vec![("web", 11)],
        vec![("inner", 3)],
        vec![("web", 9), ("inner", 2)],
    ] {
        let raised = it.shift("lead", &raised).await;
        raised.is_problem(403, "not-permitted");
    }
    // What the cloud gave to `inner` by itself gives nothing to `web`.
    let given = it.shift("lead", &[("inner", 0), ("web", 12)]).await;
    let problem = given.is_problem(403, "not-permitted");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("the project web with those nested in it"),
        "{detail}"
    );
    assert!(
        detail.contains("no limit was set at the hub for inner"),
        "{detail}"
    );
    // Nor does another project of the department, which he does not see.
    for others in [vec![("data", 5)], vec![("data", 0), ("web", 15)]] {
        let others = it.shift("lead", &others).await;
        others.is_problem(404, "not-found");
    }
    // What is lower is told first.
    let shifted = it.shift("lead", &[("web", 4), ("inner", 6)]).await;
    assert_eq!(shifted.status, 200, "{}", shifted.text);
    let waiting = json!([{
        "name": "inner", "service": "compute", "after": "cores=6", "until_lower": ["web"],
    }]);
    assert_eq!(shifted.json()["waiting"], waiting);
    assert_eq!(it.cores("web").await["wanted"], 4);
    assert_eq!(tell_raises(&it.kit.store).await.unwrap(), 0);
    it.tells(&[("web", 4, 10), ("data", 5, 5), ("inner", 2, 2)])
        .await;
    assert_eq!(tell_raises(&it.kit.store).await.unwrap(), 1);
    it.tells(&[("web", 4, 10), ("data", 5, 5), ("inner", 6, 2)])
        .await;
    assert_eq!(it.cores("inner").await["limit"], 6);
    let audit = it.kit.get("/api/v1/audit?action=set-quota").await.json();
    assert_eq!(audit["items"][0]["who"], "ops/lead", "{audit}");
}

#[tokio::test]
async fn whoever_sets_a_limit_learns_what_waits_no_more_by_it() {
    let mut it = Stage::new().await;
    let begin = [("web", 10, 10), ("data", 5, 5), ("inner", 2, 2)];
    it.tells(&begin).await;
    it.settle(&begin).await;
    let shift = [("web", 5), ("data", 10)];
    let ended = json!([{
        "name": "data", "service": "compute", "after": "cores=10", "until_lower": ["web"],
    }]);
    let shifted = it.shift("boss", &shift).await;
    assert_eq!(shifted.json()["ended"], Value::Null, "{}", shifted.text);
    let set = it.shift("socket", &[("web", 10)]).await;
    assert_eq!(set.json()["ended"], ended, "{}", set.text);
    assert_eq!(it.cores("data").await["wanted"], Value::Null);
    it.shift("boss", &shift).await;
    let given_up = json!({ "project": it.ids["data"], "resources": ["cores"] });
    let unset = it.kit.post("/regions/home/limits/unset", given_up).await;
    assert_eq!(unset.json()["ended"], ended, "{}", unset.text);
}

/// Each edit reads all that a region has, in the one transaction that everybody waits for.
#[tokio::test]
async fn who_asks_for_nothing_or_too_much_holds_up_nobody_and_learns_of_no_region() {
    let it = Stage::new().await;
    let web = json!({ "project": it.ids["web"], "resources": { "cores": 1 } });
    for region in ["home", "nowhere"] {
        for limits in [json!([]), json!(vec![web.clone(); 101])] {
            let path = format!("/api/v1/regions/{region}/limits");
            let asked = request(Method::PUT, &path, Some(json!({ "limits": limits })));
            let answer = it.kit.web(with(asked, "cookie", &it.cookies["lead"])).await;
            answer.is_problem(400, "invalid-request");
        }
    }
}

/// While the writer is held up: what is so already, waits already or is not his costs no turn of it.
#[tokio::test]
async fn who_shifts_again_what_comes_to_nothing_takes_no_turn_of_the_writer() {
    let mut it = Stage::new().await;
    let begin = [("web", 10, 10), ("data", 5, 5), ("inner", 2, 2)];
    it.tells(&begin).await;
    it.settle(&begin).await;
    let shift = [("web", 5), ("data", 10)];
    let first = it.shift("boss", &shift).await.json();
    let (free, held_up) = std::sync::mpsc::channel::<()>();
    let store = it.kit.store.clone();
    let held = move |_: &mut idp_hub::store::Changing<'_>| Ok(held_up.recv().is_ok());
    let holding = store.change(held);
    let asked = async {
        let again = it.shift("boss", &shift).await;
        let same = it.shift("boss", &[("inner", 2)]).await;
        let more = it.shift("boss", &[("web", 50)]).await;
        (again, same, more)
    };
    let asked = async {
        let asked = tokio::time::timeout(std::time::Duration::from_secs(5), asked).await;
        free.send(()).unwrap();
        asked
    };
    let (held, asked) = tokio::join!(holding, asked);
    assert!(held.unwrap());
    let (again, same, more) = asked.expect("it waits for the writer");
    assert_eq!(again.json()["waiting"], first["waiting"], "{}", again.text);
    assert_eq!(again.json()["changed"], json!([]), "{}", again.text);
    assert_eq!(
        (same.status.as_u16(), &same.json()["changed"]),
        (200, &json!([]))
    );
    more.is_problem(403, "not-permitted");
    // What is new is written, and told as before.
    let other = it.shift("boss", &[("web", 6), ("data", 9)]).await;
    assert_eq!(
        other.json()["waiting"][0]["after"],
        "cores=9",
        "{}",
        other.text
    );
}

/// One of whose limits no more are told has 256 of them already.
#[tokio::test]
async fn a_raise_that_can_not_be_told_holds_up_no_later_one() {
    let mut it = Stage::new().await;
    // In the order in which they are looked at: of the first one nothing more can be told.
    let mut names = ["web", "data", "inner"];
    names.sort_by_key(|name| it.ids[name].clone());
    let [full, giver, last] = names;
    let told = |gigabytes| [(full, 1, 5), (giver, 1, gigabytes), (last, 1, 5)];
    it.tells(&told(40)).await;
    it.settle(&[(giver, 1, 40)]).await;
    let types: BTreeMap<String, u64> = (0..256).map(|no| (format!("gigabytes_t{no}"), 1)).collect();
    let set = it.set("socket", &[(full, json!(types))]).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let shifted = [(full, 10), (giver, 20), (last, 10)];
    let shifted = shifted.map(|(name, it)| (name, json!({ "gigabytes": it })));
    let shifted = it.set("boss", &shifted).await;
    assert_eq!(shifted.status, 200, "{}", shifted.text);
    let waiting = shifted.json()["waiting"].as_array().unwrap().len();
    assert_eq!(waiting, 2, "{}", shifted.text);
    it.tells(&told(20)).await;
    for told in [1, 0] {
        assert_eq!(tell_raises(&it.kit.store).await.unwrap(), told);
    }
    // It is told once there is room for it.
    let room = json!({ "project": it.ids[full], "resources": ["gigabytes_t7"] });
    let unset = it.kit.post("/regions/home/limits/unset", room).await;
    assert_eq!(unset.status, 200, "{}", unset.text);
    assert_eq!(tell_raises(&it.kit.store).await.unwrap(), 1);
}
