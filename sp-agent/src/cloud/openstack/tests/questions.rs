//! Description, health questions and the operator's check.

use shared::model::ServiceKind;

use super::*;
use crate::cloud::openstack::Verdict;
use crate::cloud::openstack::testing::{Fake, Reply};
use crate::cloud::{Probe, ProbeOutcome};

#[tokio::test]
async fn a_cloud_is_described_in_one_line() {
    let fake =
        Fake::start(|seen| (seen.path == "/volume/v3/").then(|| Reply::status(503, "{}"))).await;
    let description = client(&fake).describe().await.unwrap();
    let expected = "Keystone v3.14, Nova 2.1–2.104, Placement 1.0–1.39, Cinder, Neutron v2.0, \
                    Glance v2.9–v2.15";
    assert_eq!(description.version, expected);
    assert_eq!(description.endpoint, format!("{}/identity/v3", fake.url()));
}

fn probe(probes: &[Probe], service: ServiceKind) -> &Probe {
    probes.iter().find(|it| it.service == service).unwrap()
}

#[tokio::test]
async fn each_service_tells_how_it_is() {
    let fake = Fake::start_without("image", |seen| match seen.path.as_str() {
        "/compute/v2.1/servers" => {
            let body = r#"{"computeFault": {"code": 500, "message": "no database"}}"#;
            Some(Reply::status(500, body))
        }
        "/network/v2.0/networks" => {
            let body = json!({"networks": []});
            Some(Reply::json(&body).after(Duration::from_millis(40)))
        }
        _ => None,
    })
    .await;
    let probes = client(&fake).probe().await;
    assert_eq!(probes.len(), 6);
    let ProbeOutcome::Available { latency, versions } =
        &probe(&probes, ServiceKind::Network).outcome
    else {
        panic!("{probes:?}");
    };
    assert!(*latency >= Duration::from_millis(40) && *latency < Duration::from_secs(10));
    assert_eq!(versions.0, "v2.0");
    let nova = probe(&probes, ServiceKind::Compute);
    let ProbeOutcome::Failing { reason, .. } = &nova.outcome else {
        panic!("{probes:?}");
    };
    assert!(reason.contains("no database") && nova.endpoint.ends_with("/compute/v2.1"));
    assert_eq!(
        fake.seen("/compute/v2.1/servers").len(),
        2,
        "once may be chance"
    );
    let glance = probe(&probes, ServiceKind::Image);
    assert_eq!(
        (&glance.outcome, glance.endpoint.as_str()),
        (&ProbeOutcome::Missing, "")
    );
    let keystone = probe(&probes, ServiceKind::Identity);
    assert!(
        matches!(keystone.outcome, ProbeOutcome::Available { .. }),
        "{keystone:?}"
    );
}

#[tokio::test]
async fn a_keystone_that_hangs_is_told_of_soon_and_the_others_keep_their_address() {
    let fake = Fake::start(|seen| {
        let hangs = seen.path == "/identity/v3/auth/tokens" && seen.before > 0;
        hangs.then(|| Reply::status(201, "{}").after(Duration::from_secs(60)))
    })
    .await;
    let (clock, hand) = Clock::manual(UnixMillis::from_secs(1_795_280_000));
    let mut options = options(fake.url());
    options.request_timeout = Duration::from_millis(100);
    let cloud = OpenStack::with_patience(&options, clock, hasty()).unwrap();
    assert!(cloud.probe().await.iter().all(|it| !it.endpoint.is_empty()));
    hand.advance(Duration::from_secs(3600));
    let begun = Clock::system().now();
    for probe in cloud.probe().await {
        assert!(
            matches!(probe.outcome, ProbeOutcome::Failing { .. }),
            "{probe:?}"
        );
        assert!(probe.endpoint.starts_with(fake.url()), "{probe:?}");
    }
    assert!(Clock::system().now() - begun < Duration::from_secs(5));
}

#[tokio::test]
async fn a_service_that_the_catalog_lacks_makes_its_parts_unknown() {
    let fake = Fake::start_without("volumev3", |_| None).await;
    let cloud = client(&fake);
    for part in [Part::Volumes, Part::StoragePools] {
        let error = audit(&cloud, part).await.result.unwrap_err();
        let service = ServiceKind::Volume;
        assert!(
            matches!(error, CloudError::Missing { service: it } if it == service),
            "{error}"
        );
    }
    assert!(!cloud.describe().await.unwrap().version.contains("Cinder"));
}

async fn verdicts(fake: &Fake) -> Vec<(String, Verdict)> {
    let lines = client(fake).check().await;
    assert!(lines.iter().all(|it| !it.text.is_empty()));
    lines
        .into_iter()
        .map(|it| (it.subject, it.verdict))
        .collect()
}

fn verdict(verdicts: &[(String, Verdict)], subject: &str) -> Verdict {
    verdicts.iter().find(|it| it.0 == subject).unwrap().1
}

#[tokio::test]
async fn a_good_cloud_passes_the_check() {
    let fake = Fake::start(|_| None).await;
    let verdicts = verdicts(&fake).await;
    assert!(
        verdicts.iter().all(|it| it.1 == Verdict::Good),
        "{verdicts:?}"
    );
    assert_eq!(verdicts.len(), 20, "{verdicts:?}");
}

#[tokio::test]
async fn the_check_tells_what_is_missing_forbidden_and_open() {
    let fake = Fake::start_without("placement", |seen| match seen.path.as_str() {
        "/compute/v2.1/servers" => Some(Reply::status(403, "{}")),
        "/image/" => Some(Reply::status(500, "{}")),
        "/identity/v3/ec2tokens" => Some(Reply::status(400, "{}")),
        _ => None,
    })
    .await;
    let verdicts = verdicts(&fake).await;
    assert_eq!(verdict(&verdicts, "Placement"), Verdict::Warning);
    assert_eq!(verdict(&verdicts, "list all servers"), Verdict::Bad);
    assert_eq!(verdict(&verdicts, "list nodes"), Verdict::Good);
    assert_eq!(verdict(&verdicts, "Glance"), Verdict::Bad);
    assert_eq!(verdict(&verdicts, "CVE-2025-65073"), Verdict::Warning);
    assert_eq!(
        fake.seen("/identity/v3/ec2tokens")[0].token,
        "",
        "asked without a token"
    );
}

#[tokio::test]
async fn the_check_tells_whether_a_silent_cell_would_be_heard_of() {
    let silent = json!({"services": [{"host": "far1", "status": "UNKNOWN"}]});
    for (reply, expected) in [
        (Reply::status(403, "{}"), Verdict::Warning),
        (Reply::json(&silent), Verdict::Bad),
    ] {
        let fake = Fake::start(move |seen| {
            (seen.path == "/compute/v2.1/os-services").then(|| reply.clone())
        })
        .await;
        let verdicts = verdicts(&fake).await;
        assert_eq!(verdict(&verdicts, "hear of Nova's cells"), expected);
    }
}

#[tokio::test]
async fn without_a_token_the_check_says_so_first() {
    let fake = Fake::start(|seen| {
        (seen.path == "/identity/v3/auth/tokens").then(|| Reply::status(401, "{}"))
    })
    .await;
    let verdicts = verdicts(&fake).await;
    assert_eq!(verdicts[0], ("sign-in".to_owned(), Verdict::Bad));
    assert_eq!(verdicts.len(), 2);
}
