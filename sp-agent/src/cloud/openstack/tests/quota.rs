//! Quotas, which are asked for project by project.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shared::model::{CloudId, Limit, Quota, ServiceKind};

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, answer};
use crate::cloud::{QuotaOrder, Unread};

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

const SERVICES: &str = "/compute/v2.1/os-services";

/// What comes of quotas while a cell is silent from one look at Nova's services up to another, and
/// how often they were looked at.
async fn with_a_silent_cell(part: Part, from: usize, until: usize) -> (Told<Whole>, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start(move |seen| match seen.path.as_str() {
        "/identity/v3/projects" => {
            let projects: Vec<Value> = (0..120).map(|it| json!({"id": format!("p{it}")})).collect();
            answer(json!({"projects": projects, "links": {"next": null}}))
        }
        SERVICES => {
            let look = asked.fetch_add(1, Ordering::SeqCst);
            let silent = json!({"services": [{"host": "far1", "status": "UNKNOWN"}]});
            (from..until).contains(&look).then(|| Reply::json(&silent))
        }
        path if path.contains("os-quota-sets") => answer(json!({"quota_set": {
            "cores": {"limit": 1, "in_use": 0, "reserved": 0}}})),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), part).await;
    (told, fake.seen(SERVICES).len())
}

#[tokio::test]
async fn what_a_silent_cell_makes_too_little_is_not_told() {
    for (from, until, told_of, looks) in [
        (9, 9, 120, 4),
        (0, 1, 0, 1),
        (1, 2, 0, 2),
        (2, 3, 50, 3),
        (3, 4, 100, 4),
    ] {
        let (told, asked) = with_a_silent_cell(Part::ComputeQuota, from, until).await;
        assert_eq!((told.records().len(), asked), (told_of, looks), "{from}");
        match from < until {
            true => {
                let error = told.result.unwrap_err().to_string();
                assert!(error.contains("status UNKNOWN for far1"), "{error}");
            }
            false => drop(told.result.unwrap()),
        }
    }
}

#[tokio::test]
async fn quotas_that_are_not_novas_have_nothing_to_do_with_its_cells() {
    let (told, asked) = with_a_silent_cell(Part::VolumeQuota, 0, 9).await;
    assert_eq!((told.records().len(), asked), (120, 0));
    told.result.unwrap();
}

#[tokio::test]
async fn a_nova_that_can_not_tell_of_its_cells_is_believed() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/projects" => answer(json!({"projects": [{"id": "p1"}], "links": {}})),
        SERVICES => Some(Reply::status(403, "{}")),
        path if path.contains("os-quota-sets") => answer(json!({"quota_set": {
            "cores": {"limit": 1, "in_use": 0, "reserved": 0}}})),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::ComputeQuota).await;
    assert_eq!((told.records().len(), fake.seen(SERVICES).len()), (1, 1));
    told.result.unwrap();
}

fn order(service: ServiceKind, limits: &[(&str, Option<u64>, bool)]) -> QuotaOrder {
    let limits = limits.iter().map(|(name, limit, force)| Limit {
        name: (*name).to_owned(),
        limit: *limit,
        version: 1,
        force: *force,
    });
    QuotaOrder {
        project: CloudId::new("p1"),
        name: "one".to_owned(),
        service,
        limits: limits.collect(),
    }
}

/// A cloud in which `p1` has 7 of everything that is asked for.
async fn settable() -> Fake {
    Fake::start(|seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("PUT", path) if path.ends_with("quotas/p1") => answer(json!({"quota": {}})),
        ("PUT", path) if path.ends_with("os-quota-sets/p1") => answer(json!({"quota_set": {}})),
        ("GET", path) if path.contains("os-quota-sets/p1") => answer(json!({"quota_set": {
            "id": "p1", "cores": {"limit": 7, "in_use": 3, "reserved": 0}}})),
        ("GET", path) if path.contains("quotas/p1") => answer(json!({"quota": {
            "network": {"limit": 7, "used": 3, "reserved": 0}}})),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn limits_are_set_with_nothing_beside_and_read_back() {
    let fake = settable().await;
    let cloud = client(&fake);
    for (service, path, asked, body) in [
        (
            ServiceKind::Compute,
            "/compute/v2.1/os-quota-sets/p1",
            [("cores", Some(7), false), ("ram", None, false)].as_slice(),
            json!({"quota_set": {"cores": 7, "ram": -1}}),
        ),
        (
            ServiceKind::Compute,
            "/compute/v2.1/os-quota-sets/p1",
            &[("cores", Some(7), true)],
            json!({"quota_set": {"cores": 7, "force": true}}),
        ),
        (
            ServiceKind::Network,
            "/network/v2.0/quotas/p1",
            &[("network", Some(7), true)],
            json!({"quota": {"network": 7, "force": true}}),
        ),
        (
            ServiceKind::Volume,
            "/volume/v3/os-quota-sets/p1",
            &[("cores", Some(7), true)],
            json!({"quota_set": {"cores": 7}}),
        ),
    ] {
        let order = order(service, asked);
        let set = cloud.set_quota(&order).await.unwrap();
        let before = set.before.expect("it was read before");
        assert_eq!(order.told_before(&before), format!("{}=7", asked[0].0));
        let quota = set.quota.expect("it was read back");
        assert_eq!(
            (quota.service, quota.project_name.as_str()),
            (service, "one")
        );
        assert_eq!(quota.resources[0].limit, Some(7));
        let mut puts = fake.seen(path).into_iter().filter(|it| it.method == "PUT");
        assert_eq!(puts.next_back().unwrap().body, body);
    }
}

#[tokio::test]
async fn limits_that_are_refused_are_not_set_and_it_is_said_why() {
    let fake = Fake::start(|seen| {
        let body = r#"{"badRequest": {"message": "Quota limit 1 for cores must be greater"}}"#;
        (seen.method == "PUT").then(|| Reply::status(400, body))
    })
    .await;
    let order = order(ServiceKind::Compute, &[("cores", Some(1), false)]);
    let error = client(&fake).set_quota(&order).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("must be greater"), "{text}");
    assert!(text.contains("PUT /os-quota-sets/p1"), "{text}");
}

#[tokio::test]
async fn no_project_leads_elsewhere_and_no_other_service_has_limits() {
    let fake = Fake::start(|_| None).await;
    let mut strange = order(ServiceKind::Compute, &[("cores", Some(1), false)]);
    strange.project = CloudId::new("../flavors");
    let other = order(ServiceKind::Image, &[("images", Some(1), false)]);
    for it in [strange, other] {
        let error = client(&fake).set_quota(&it).await.unwrap_err();
        assert!(matches!(error, CloudError::Refused { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_service_that_takes_limits_and_does_nothing_is_found_out() {
    let fake = settable().await;
    let order = order(ServiceKind::Compute, &[("cores", Some(8), false)]);
    let error = client(&fake).set_quota(&order).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("still has 7") && text.contains("Keystone"),
        "{text}"
    );
}

#[tokio::test]
async fn one_limit_that_is_refused_holds_up_no_other_and_what_is_forced_is_sent_alone() {
    let fake = Fake::start(|seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("PUT", _) if seen.body["quota_set"].get("wheels").is_some() => {
            let body = r#"{"badRequest": {"message": "Bad key wheels"}}"#;
            Some(Reply::status(400, body))
        }
        ("PUT", _) => answer(json!({"quota_set": {}})),
        ("GET", path) if path.contains("os-quota-sets/p1") => answer(json!({"quota_set": {
            "ram": {"limit": 9, "in_use": 3, "reserved": 0}}})),
        _ => None,
    })
    .await;
    let asked = [
        ("cores", Some(7), true),
        ("instances", Some(5), false),
        ("ram", Some(9), false),
        ("wheels", Some(4), false),
    ];
    let order = order(ServiceKind::Compute, &asked);
    let set = client(&fake).set_quota(&order).await.unwrap();
    assert!(set.quota.is_some());
    let refused = set.refused.unwrap();
    assert_eq!(refused.names, ["wheels".to_owned()].into());
    let text = refused.error.to_string();
    assert!(
        text.contains("wheels=4") && text.contains("Bad key"),
        "{text}"
    );
    let puts = fake.seen("/compute/v2.1/os-quota-sets/p1").into_iter();
    let puts: Vec<_> = puts.filter(|it| it.method == "PUT").collect();
    let sets = |name: &str| {
        let taken = puts.iter().map(|it| &it.body["quota_set"]);
        let mut taken = taken.filter(|it| it.get("wheels").is_none() && it.get(name).is_some());
        taken.next().unwrap().clone()
    };
    assert_eq!(sets("cores"), json!({"cores": 7, "force": true}));
    for name in ["instances", "ram"] {
        assert!(sets(name).get("force").is_none());
    }
    assert!(puts.len() <= 2 * asked.len());
}
