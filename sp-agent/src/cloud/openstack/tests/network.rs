//! Volumes, networks, floating IPs and quotas.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::model::{Capacity, CloudId, Network, Quota, ServiceKind};

use super::*;
use crate::cloud::Unread;
use crate::cloud::openstack::testing::{Fake, Reply, answer};

#[tokio::test]
async fn only_a_cinder_that_can_tell_changes_is_asked_for_them() {
    for (version, asked) in [("3.59", 0), ("3.60", 2), ("3.71", 2)] {
        let fake = Fake::start(move |seen| match seen.path.as_str() {
            "/volume/v3/" => answer(json!({"versions": [{
                "id": "v3.0", "version": version, "min_version": "3.0"}]})),
            _ => None,
        })
        .await;
        let since = Mark(UnixMillis(1_795_284_241_864));
        let told = changes(&client(&fake), Part::Volumes, since).await;
        assert_eq!(told.result.unwrap().is_some(), asked > 0, "{version}");
        let seen = fake.seen("/volume/v3/volumes/detail");
        assert_eq!(seen.len(), asked);
        for question in seen {
            let time = question
                .query
                .get("created_at")
                .or(question.query.get("updated_at"));
            assert_eq!(time.unwrap(), "gte:2026-11-21T18:03:01");
        }
    }
}

#[tokio::test]
async fn a_mark_that_a_fast_clock_made_too_late_is_taken_back() {
    let fake = Fake::start(|seen| {
        let reply = Reply::json(&json!({"volumes": []}));
        let reply = reply.header("date", "Sat, 21 Nov 2026 16:50:00 GMT");
        (seen.path == "/volume/v3/volumes/detail").then_some(reply)
    })
    .await;
    let (cloud, _) = timed(&fake);
    let since = Mark(UnixMillis::from_secs(1_795_280_100));
    let told = changes(&cloud, Part::Volumes, since).await;
    let mark = Mark(UnixMillis::from_secs(1_795_279_800));
    assert_eq!(told.result.unwrap(), Some(mark));
}

#[tokio::test]
async fn parts_that_no_api_tells_changes_of_have_none() {
    let fake = Fake::start(|_| None).await;
    let cloud = client(&fake);
    for part in Part::ALL {
        let told = changes(&cloud, part, Mark(UnixMillis(0))).await;
        let can = matches!(part, Part::Servers | Part::Volumes);
        assert_eq!(told.result.unwrap().is_some(), can, "{part:?}");
    }
}

fn external(body: Option<Reply>) -> impl Fn(&str) -> Option<Reply> + Send + Sync {
    move |path| match path {
        "/network/v2.0/networks" => answer(json!({"networks": [
            {"id": "in", "name": "a", "tenant_id": "p", "status": "ACTIVE", "shared": false,
             "router:external": false},
            {"id": "out", "name": "b", "tenant_id": "p", "status": "ACTIVE", "shared": true,
             "router:external": true}]})),
        "/network/v2.0/network-ip-availabilities/out" => body.clone(),
        _ => None,
    }
}

async fn networks(body: Option<Reply>) -> (Result<Whole, CloudError>, Vec<Network>) {
    let script = external(body);
    let fake = Fake::start(move |seen| script(&seen.path)).await;
    let told = audit(&client(&fake), Part::Networks).await;
    let networks = told.records().into_iter().map(|record| match record {
        Record::Network(network) => network.clone(),
        other => panic!("not a network: {other:?}"),
    });
    let networks = networks.collect();
    assert!(
        fake.seen("/network/v2.0/network-ip-availabilities/in")
            .is_empty()
    );
    (told.result, networks)
}

#[tokio::test]
async fn external_networks_tell_their_addresses() {
    let body = answer(json!({"network_ip_availability": {"total_ips": 253, "used_ips": 7}}));
    let (result, networks) = networks(body).await;
    result.unwrap();
    let capacity = Capacity {
        used: 7,
        total: 253,
    };
    assert_eq!(networks[0].addresses, None);
    assert_eq!(networks[1].addresses, Some(capacity));
}

#[tokio::test]
async fn addresses_that_are_not_told_are_unknown() {
    for reply in [None, Some(Reply::status(403, "{}"))] {
        let (result, networks) = networks(reply).await;
        assert!(result.unwrap().incomplete.is_none());
        assert_eq!(networks[1].addresses, None);
    }
}

#[tokio::test]
async fn addresses_that_fail_cost_no_network() {
    for status in [500, 503] {
        let fails = Arc::new(AtomicBool::new(true));
        let failing = fails.clone();
        let script = external(answer(json!({"network_ip_availability": {
            "total_ips": 253, "used_ips": 7}})));
        let fake = Fake::start(move |seen| {
            let of_addresses = seen.path.contains("network-ip-availabilities");
            match of_addresses && failing.load(Ordering::SeqCst) {
                true => Some(Reply::status(status, "{}")),
                false => script(&seen.path),
            }
        })
        .await;
        let cloud = client(&fake);
        let unread = |told: &Told<Whole>| -> Vec<Unread> {
            told.pages.iter().flat_map(|it| it.unread.clone()).collect()
        };
        // It is the only external one, and since the start nothing was told of it.
        let told = audit(&cloud, Part::Networks).await;
        assert_eq!(told.records().len(), 1);
        assert_eq!(unread(&told), [Unread::Record(CloudId::new("out"))]);
        let incomplete = told.result.unwrap().incomplete.unwrap();
        assert_eq!((incomplete.failed, incomplete.of), (1, 1));
        assert_eq!(incomplete.first, "b (out)");
        fails.store(false, Ordering::SeqCst);
        audit(&cloud, Part::Networks).await.result.unwrap();
        // From now on it is told with the last addresses.
        fails.store(true, Ordering::SeqCst);
        let told = audit(&cloud, Part::Networks).await;
        let Record::Network(network) = told.records()[1] else {
            panic!("{:?}", told.pages);
        };
        assert_eq!(network.addresses.unwrap().total, 253);
        assert_eq!((unread(&told).len(), told.records().len()), (0, 2));
        assert!(told.result.unwrap().incomplete.is_some(), "{status}");
    }
}

#[tokio::test]
async fn a_neutron_without_routers_has_no_floating_ips_but_a_lost_proxy_empties_nothing() {
    for (aliases, empty) in [(vec!["quotas"], true), (vec!["quotas", "router"], false)] {
        let fake = Fake::start(move |seen| match seen.path.as_str() {
            "/network/v2.0/floatingips" => Some(Reply::status(404, "{}")),
            "/network/v2.0/extensions" => {
                let list: Vec<Value> = aliases.iter().map(|it| json!({"alias": it})).collect();
                answer(json!({"extensions": list}))
            }
            _ => None,
        })
        .await;
        let told = audit(&client(&fake), Part::FloatingIps).await;
        assert_eq!(told.result.is_ok(), empty);
    }
}

#[tokio::test]
async fn each_project_has_its_quota_and_one_that_just_went_has_none() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/projects" => answer(json!({"projects": [
            {"id": "p1", "name": "one", "enabled": false}, {"id": "p2", "name": "two"}],
            "links": {"next": null}})),
        "/compute/v2.1/os-quota-sets/p1/detail" => answer(json!({"quota_set": {
            "id": "p1", "cores": {"limit": -1, "in_use": 3, "reserved": 1}}})),
        "/compute/v2.1/os-quota-sets/p2/detail" => Some(Reply::status(400, "{}")),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::ComputeQuota).await;
    let [
        Record::Quota(Quota {
            project_name,
            resources,
            ..
        }),
    ] = told.records()[..]
    else {
        panic!("{:?}", told.pages);
    };
    assert_eq!(project_name, "one");
    assert_eq!(
        (resources[0].limit, resources[0].used, resources[0].reserved),
        (None, 3, 1)
    );
    told.result.unwrap();
    assert_eq!(fake.seen("/identity/v3/projects/p2").len(), 1);
}

#[tokio::test]
async fn a_quota_that_fails_for_another_reason_fails_the_pass() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/projects" => {
            answer(json!({"projects": [{"id": "p", "name": "ops"}], "links": {}}))
        }
        "/network/v2.0/quotas/p/details.json" => Some(Reply::status(404, "{}")),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::NetworkQuota).await;
    assert!(matches!(
        told.result,
        Err(CloudError::Status { status: 404, .. })
    ));
}

/// A cloud of so many projects, all in one page, of which each is asked for its quota.
async fn projects(
    count: usize,
    quota: impl Fn(usize) -> Option<Reply> + Send + Sync + 'static,
) -> (Told<Whole>, usize) {
    let fake = of_projects(count, quota).await;
    let told = audit(&client(&fake), Part::ComputeQuota).await;
    let asked = (0..count).map(|it| format!("/compute/v2.1/os-quota-sets/p{it}/detail"));
    let asked = asked.filter(|path| !fake.seen(path).is_empty()).count();
    (told, asked)
}

async fn of_projects(
    count: usize,
    quota: impl Fn(usize) -> Option<Reply> + Send + Sync + 'static,
) -> Fake {
    Fake::start(move |seen| match seen.path.as_str() {
        "/identity/v3/projects" => {
            let project = |it| json!({"id": format!("p{it}"), "name": format!("project {it}")});
            let projects: Vec<Value> = (0..count).map(project).collect();
            answer(json!({"projects": projects, "links": {"next": null}}))
        }
        path => {
            let project = path.strip_prefix("/compute/v2.1/os-quota-sets/p")?;
            let project = project.strip_suffix("/detail")?.parse().ok()?;
            quota(project).or_else(|| {
                answer(json!({"quota_set": {"id": "p", "cores": {
                "limit": -1, "in_use": project, "reserved": 0}}}))
            })
        }
    })
    .await
}

#[tokio::test]
async fn quotas_come_in_small_pages_however_long_keystones_are() {
    let (told, _) = projects(130, |_| None).await;
    told.result.unwrap();
    let lengths: Vec<usize> = told.pages.iter().map(|it| it.records.len()).collect();
    assert_eq!(lengths, [50, 50, 30]);
}

#[tokio::test]
async fn one_projects_quota_that_fails_costs_no_other() {
    let fails = |project| (project == 7).then(|| Reply::status(500, r#"{"message": "broken"}"#));
    let (told, _) = projects(60, fails).await;
    assert_eq!(told.records().len(), 59);
    let spared = told.pages.iter().flat_map(|it| &it.unread);
    let id = Quota::id_of(&CloudId::new("p7"), ServiceKind::Compute);
    assert_eq!(spared.collect::<Vec<_>>(), [&Unread::Record(id)]);
    let error = told.result.unwrap().incomplete.unwrap();
    let text = shared::runtime::errors::chain(&error).to_string();
    assert!(text.contains("1 of 60 projects' quotas"), "{text}");
    assert!(
        text.contains("project 7 (p7)") && text.contains("broken"),
        "{text}"
    );
}

#[tokio::test]
async fn a_service_that_answers_no_quota_is_given_up_early() {
    for (status, asked_max) in [(401, 10), (503, 10), (429, 10), (403, 60), (500, 60)] {
        let (told, asked) = projects(200, move |_| Some(Reply::status(status, "{}"))).await;
        assert!(told.result.is_err(), "{status}");
        assert!(
            asked <= asked_max && told.records().is_empty(),
            "{status}: {asked}"
        );
    }
    let forbids = |project| (project % 2 == 1).then(|| Reply::status(403, "{}"));
    let (told, asked) = projects(120, forbids).await;
    assert_eq!((told.records().len(), asked), (60, 120));
    let incomplete = told.result.unwrap().incomplete.unwrap();
    assert_eq!((incomplete.failed, incomplete.of), (60, 120));
}

#[tokio::test]
async fn one_projects_quota_that_takes_too_long_costs_no_other_and_is_asked_once() {
    let slow =
        |project| (project == 3).then(|| Reply::status(200, "{}").after(Duration::from_secs(60)));
    let fake = of_projects(10, slow).await;
    let mut options = options(fake.url());
    options.request_timeout = Duration::from_millis(300);
    let told = audit(&with(&options), Part::ComputeQuota).await;
    assert_eq!(told.records().len(), 9);
    let incomplete = told.result.unwrap().incomplete.unwrap();
    assert_eq!((incomplete.failed, incomplete.of), (1, 10));
    assert_eq!(fake.seen("/compute/v2.1/os-quota-sets/p3/detail").len(), 1);
}

#[tokio::test]
async fn quotas_that_all_take_too_long_are_given_up_after_a_few() {
    let slow = |_| Some(Reply::status(200, "{}").after(Duration::from_secs(60)));
    let fake = of_projects(40, slow).await;
    let mut options = options(fake.url());
    options.request_timeout = Duration::from_millis(100);
    let told = audit(&with(&options), Part::ComputeQuota).await;
    let error = told.result.unwrap_err().to_string();
    assert!(error.contains("timed out"), "{error}");
    let asked = (0..40).map(|it| format!("/compute/v2.1/os-quota-sets/p{it}/detail"));
    let asked = asked.filter(|path| !fake.seen(path).is_empty()).count();
    assert!(asked <= 10, "{asked}");
}

#[tokio::test]
async fn who_waits_for_quotas_hears_that_the_pass_goes_on_while_questions_fail_slowly() {
    let (clock, hand) = Clock::manual(UnixMillis::from_secs(1_795_280_000));
    let fake = of_projects(6, move |project| {
        // By the clock that the client measures with, each question takes twenty seconds.
        hand.advance(Duration::from_secs(20));
        (project % 2 == 0).then(|| Reply::status(500, "{}"))
    })
    .await;
    let mut options = options(fake.url());
    options.concurrency_max = 1;
    let cloud = OpenStack::with_patience(&options, clock, hasty()).unwrap();
    let told = audit(&cloud, Part::ComputeQuota).await;
    assert!(told.result.unwrap().incomplete.is_some());
    let told: Vec<usize> = told.pages.iter().map(|it| it.records.len()).collect();
    assert_eq!(told, [0, 0, 0, 0, 0, 0, 3]);
}
