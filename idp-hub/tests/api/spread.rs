//! Totals over regions: set, given out by the hub's own task, shown, taken back.

use std::collections::BTreeMap;

use axum::http::Method;
use idp_hub::directory::quota::{Check, QuotaEdit};
use idp_hub::store::directory::SpreadKey;
use idp_hub::tasks::Looker;
use serde_json::json;
use shared::audit::By;
use shared::model::{CloudId, Feed, Holder, Quota, QuotaResource, Record, ServiceKind};

use crate::directory::with_a_home;
use crate::kit::{Answer, Kit};
use crate::quotas::node;

fn quota(limit: u64, used: u64) -> Record {
    quota_of("home-web", limit, used)
}

fn quota_of(project: &str, limit: u64, used: u64) -> Record {
    Record::Quota(Quota {
        project: CloudId::new(project),
        project_name: project.to_owned(),
        service: ServiceKind::Compute,
        resources: vec![QuotaResource {
            name: "cores".to_owned(),
            limit: Some(limit),
            used,
            reserved: 1,
        }],
    })
}

async fn with_a_web() -> (Kit, String) {
    let kit = with_a_home().await;
    let web = kit.id_of("projects", "web").await;
    (kit, web)
}

#[tokio::test]
async fn a_total_is_given_to_the_regions_shown_and_taken_back() {
    let (mut kit, web) = with_a_web().await;
    let regions = kit.store.read(|it| it.regions()).await.unwrap();
    let home = regions
        .into_iter()
        .find(|it| it.facts.name == "home")
        .unwrap();
    let path = format!("/directory/spreads/{web}");
    for _ in 0..2 {
        let set = kit
            .send(Method::PUT, &path, json!({ "totals": { "cores": 100 } }))
            .await;
        assert_eq!(set.status, 204, "{}", set.text);
    }
    kit.tells(home.no, (Feed::Quota, 2), &[quota(20, 4)]).await;
    let mut looker = Looker::new(kit.store.clone(), kit.board.clone(), kit.clock.clone());
    assert_eq!(looker.look().await.unwrap(), 1);
    assert_eq!(looker.look().await.unwrap(), 0);
    let shown = kit.items("spreads").await;
    let [shown] = &shown[..] else {
        panic!("{shown:?}")
    };
    let project = &shown["project"];
    assert_eq!(
        [&project["id"], &project["name"]],
        [&json!(web), &json!("web")]
    );
    assert_eq!(project["department"]["name"], "ops");
    let words = ["service", "resource", "set_by"].map(|it| shown[it].as_str().unwrap());
    assert_eq!(words, ["compute", "cores", "local socket"]);
    let figures = ["total", "given", "used", "free", "over"].map(|it| shown[it].as_u64().unwrap());
    assert_eq!(figures, [100, 100, 5, 0, 0]);
    let region = json!({
        "region": "home", "state": "waiting", "share": 100, "limit": 20, "used": 5, "holds": 100,
    });
    assert_eq!(shown["regions"], json!([region]), "north is not merged");

    kit.tells(home.no, (Feed::Quota, 3), &[quota(100, 50)])
        .await;
    kit.hand.advance(std::time::Duration::from_secs(60));
    assert_eq!(looker.look().await.unwrap(), 0);
    let shown = &kit.items("spreads").await[0];
    assert_eq!(shown["regions"][0]["state"], "confirmed");
    assert_eq!(shown["used"], 51);

    let edit = QuotaEdit {
        holder: Holder::Project(web.parse().unwrap()),
        limits: BTreeMap::from([("cores".to_owned(), 70)]),
    };
    let set = kit
        .store
        .change(move |it| it.set_limits(&home, &[edit], Check::Whole, &By::new("ann", "here")));
    let refused = set.await.unwrap_err().to_string();
    assert!(
        refused.contains("is a share of 100 over all regions"),
        "{refused}"
    );

    let removed = format!("{path}/cores");
    assert_eq!(kit.delete(&removed).await.status, 204);
    kit.delete(&removed).await.is_problem(404, "not-found");
    assert!(kit.items("spreads").await.is_empty());
    let trail = kit.get("/api/v1/audit?action=spread-quota").await.json();
    assert_eq!(
        trail["items"].as_array().unwrap().len(),
        3,
        "set, told, taken back"
    );
}

#[tokio::test]
async fn what_is_no_total_is_refused_with_what_there_is() {
    let (kit, web) = with_a_web().await;
    let path = format!("/directory/spreads/{web}");
    for (body, said) in [
        (json!({ "totals": {} }), "1 to 100"),
        (json!({ "totals": { "core": 1 } }), "cores, instances, ram"),
        (json!({ "totals": { "cores": 1_u64 << 31 } }), "2147483647"),
        (json!({ "totals": { "cores": -1 } }), "u64"),
        (json!({ "total": { "cores": 1 } }), "totals"),
    ] {
        let problem = kit.send(Method::PUT, &path, body).await;
        problem.is_problem(400, "invalid-request");
        assert!(problem.text.contains(said), "{}", problem.text);
    }
    let cores = || json!({ "totals": { "cores": 1 } });
    let nowhere = kit
        .send(Method::PUT, "/directory/spreads/web", cores())
        .await;
    nowhere.is_problem(400, "invalid-request");
    let none = format!(
        "/directory/spreads/{}",
        shared::ids::ObjectId::from_random(9)
    );
    let none = kit.send(Method::PUT, &none, cores()).await;
    none.is_problem(404, "not-found");
    for query in ["limit=0", "after=AAAA", "project=web"] {
        let page = kit.get(&format!("/api/v1/directory/spreads?{query}")).await;
        page.is_problem(400, "invalid-request");
    }
}

#[tokio::test]
async fn a_total_that_the_regions_have_not_left_is_refused_unless_it_is_said_so() {
    let (mut kit, web) = with_a_web().await;
    let home = kit.board.region("home").unwrap().view.no;
    let path = format!("/directory/spreads/{web}");
    let body = |total: u64| json!({ "totals": { "cores": total } });
    // What it has is not known yet.
    let others = [quota(20, 4), quota_of("p", 8, 2)];
    kit.tells(home, (Feed::Quota, 2), &others).await;
    let set = kit.send(Method::PUT, &path, body(500)).await;
    assert_eq!(set.status, 204, "{}", set.text);
    kit.tells(home, (Feed::Inventory, 3), &[node(40)]).await;
    // That was said before, and is less now.
    let set = kit.send(Method::PUT, &path, body(200)).await;
    assert_eq!(set.status, 204, "{}", set.text);
    assert_eq!(kit.delete(&format!("{path}/cores")).await.status, 204);
    // 40 cores, of which others may use 8.
    let over = kit.send(Method::PUT, &path, body(33)).await;
    let problem = over.is_problem(409, "refused");
    let detail = problem["detail"].as_str().unwrap();
    for said in ["have 32 of cores left for web", "home: 32", "--overcommit"] {
        assert!(detail.contains(said), "{detail}");
    }
    let set = kit.send(Method::PUT, &path, body(32)).await;
    assert_eq!(set.status, 204, "{}", set.text);
    let mut all_the_same = body(33);
    all_the_same["overcommit"] = json!(true);
    let set = kit.send(Method::PUT, &path, all_the_same).await;
    assert_eq!(set.status, 204, "{}", set.text);
    // Of what does not add up nobody knows what a region has.
    let instances = json!({ "totals": { "instances": 5000 } });
    let set = kit.send(Method::PUT, &path, instances).await;
    assert_eq!(set.status, 204, "{}", set.text);
}

/// `home` has 40 cores, of which others may use 8 and `web` 2; and `data` is a project beside it.
async fn with_room() -> (Kit, [String; 2]) {
    let (mut kit, web) = with_a_web().await;
    let home = kit.board.region("home").unwrap().view.no;
    let ops = kit.id_of("departments", "ops").await;
    let in_ops = json!({ "department": ops });
    let data = kit.makes("projects", "data", in_ops).await;
    let quotas = [quota(2, 0), quota_of("p", 8, 2)];
    kit.tells(home, (Feed::Quota, 2), &quotas).await;
    kit.tells(home, (Feed::Inventory, 3), &[node(40)]).await;
    (kit, [web, data])
}

async fn sets(kit: &Kit, project: &str, cores: u64) -> Answer {
    let body = json!({ "totals": { "cores": cores } });
    let path = format!("/directory/spreads/{project}");
    kit.send(Method::PUT, &path, body).await
}

#[tokio::test]
async fn totals_count_what_others_were_promised_that_no_region_was_told_yet() {
    let (kit, [web, data]) = with_room().await;
    assert_eq!(sets(&kit, &web, 20).await.status, 204);
    let mut looker = Looker::new(kit.store.clone(), kit.board.clone(), kit.clock.clone());
    // Before the region is told of it, and after that.
    for _ in 0..2 {
        let over = sets(&kit, &data, 13).await;
        let problem = over.is_problem(409, "refused");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("have 12 of cores left for data"),
            "{detail}"
        );
        looker.look().await.unwrap();
    }
    assert_eq!(sets(&kit, &data, 12).await.status, 204);
    sets(&kit, &web, 21).await.is_problem(409, "refused");
}

/// Sets the limit of a project in `home`.
async fn limits(kit: &Kit, project: &str, cores: u64) -> Answer {
    let limits = json!([{ "project": project, "resources": { "cores": cores } }]);
    let body = json!({ "limits": limits });
    kit.send(Method::PUT, "/regions/home/limits", body).await
}

#[tokio::test]
async fn a_limit_counts_what_another_was_promised_of_which_its_region_was_not_told_yet() {
    let (kit, [web, data]) = with_room().await;
    assert_eq!(sets(&kit, &web, 20).await.status, 204);
    let mut looker = Looker::new(kit.store.clone(), kit.board.clone(), kit.clock.clone());
    let mut told = Vec::new();
    for _ in 0..2 {
        let problem = limits(&kit, &data, 13).await.is_problem(409, "refused");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("together may use 41, and it has 40"),
            "{detail}"
        );
        told.push(detail.contains("18 of it for totals"));
        looker.look().await.unwrap();
    }
    assert_eq!(told, [true, false], "then it is a limit as any other");
    // Likewise where it is raised.
    assert_eq!(sets(&kit, &web, 21).await.status, 204);
    limits(&kit, &data, 12).await.is_problem(409, "refused");
    let set = limits(&kit, &data, 11).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let all_the_same = json!({
        "limits": [{ "project": data, "resources": { "cores": 30 } }], "overcommit": true,
    });
    let path = "/regions/home/limits";
    let set = kit.send(Method::PUT, path, all_the_same).await;
    assert_eq!(set.status, 200, "{}", set.text);
}

fn twenty_cores(project: &str) -> Vec<(SpreadKey, u64)> {
    let key = SpreadKey {
        project: project.parse().unwrap(),
        service: ServiceKind::Compute,
        resource: "cores".to_owned(),
    };
    vec![(key, 20)]
}

#[tokio::test]
async fn totals_that_are_checked_at_the_same_moment_are_not_both_set() {
    let (kit, projects) = with_room().await;
    let mut looked = Vec::new();
    for id in &projects {
        let totals = twenty_cores(id);
        let seen = kit.store.read(move |it| it.are_left(&totals));
        looked.push((twenty_cores(id), seen.await.unwrap()));
    }
    let mut set = Vec::new();
    for (totals, seen) in looked {
        let by = By::new("ann", "here");
        let one = kit
            .store
            .change(move |it| it.set_spreads(&totals, Some(&seen), &by));
        set.push(one.await.map_err(|it| it.to_string()));
    }
    assert_eq!(set, [Ok(Some(1)), Ok(None)], "it is to be looked at again");
}

#[tokio::test]
async fn a_limit_that_a_region_is_told_meanwhile_has_a_total_looked_at_again() {
    let (kit, [web, data]) = with_room().await;
    let totals = twenty_cores(&web);
    let asked = totals.clone();
    let seen = kit.store.read(move |it| it.are_left(&asked)).await.unwrap();
    let set = limits(&kit, &data, 25).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let by = By::new("ann", "here");
    let set = kit
        .store
        .change(move |it| it.set_spreads(&totals, Some(&seen), &by));
    assert_eq!(set.await.unwrap(), None);
    sets(&kit, &web, 20).await.is_problem(409, "refused");
}

#[tokio::test]
async fn a_share_beyond_its_regions_room_is_shown_to_who_may_see_the_region() {
    let (kit, [web, _]) = with_room().await;
    let body = json!({ "totals": { "cores": 50 }, "overcommit": true });
    let path = format!("/directory/spreads/{web}");
    assert_eq!(kit.send(Method::PUT, &path, body).await.status, 204);
    let share = |of: &serde_json::Value| of["regions"][0].clone();
    let before = share(&kit.items("spreads").await[0]);
    assert_eq!(
        (&before["room"], &before["beyond"]),
        (&json!(32), &json!(null))
    );
    let mut looker = Looker::new(kit.store.clone(), kit.board.clone(), kit.clock.clone());
    assert_eq!(looker.look().await.unwrap(), 1);
    let after = share(&kit.items("spreads").await[0]);
    let figures = ["share", "room", "beyond"].map(|it| after[it].as_u64());
    assert_eq!(figures, [Some(50), Some(32), Some(18)], "{after}");
    let next = after["next_step"].as_str().unwrap();
    assert!(next.contains("idp-hub org quota allocated home"), "{next}");
}

#[tokio::test]
async fn totals_come_page_by_page_each_once() {
    let (kit, web) = with_a_web().await;
    let totals =
        json!({ "totals": { "cores": 1, "ram": 2, "gigabytes": 3, "port": 4, "volumes": 5 } });
    let set = kit
        .send(Method::PUT, &format!("/directory/spreads/{web}"), totals)
        .await;
    assert_eq!(set.status, 204, "{}", set.text);
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/directory/spreads?project={web}&limit=2{after}");
        let page = kit.get(&path).await.json();
        let items = page["items"].as_array().unwrap().clone();
        seen.extend(
            items
                .into_iter()
                .map(|it| it["resource"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["cores", "ram", "port", "gigabytes", "volumes"]);
}
