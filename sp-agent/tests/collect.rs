//! The collector between a scripted cloud and a real spool, in time moved by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "collect/cloud.rs"]
mod cloud;
#[path = "collect/stage.rs"]
mod stage;

use std::time::Duration;

use shared::model::{CloudId, Feed, RecordKind, ServiceKind, ServiceState};
use sp_agent::cloud::Part;
use sp_agent::spool::{Condition, Spool};

use cloud::{FakeCloud, Fault};
use stage::Stage;

/// A service's state; `None` until the first one has come into the spool.
async fn state(spool: &Spool, kind: ServiceKind) -> Option<ServiceState> {
    let services = spool.services().await.unwrap();
    let service = services.into_iter().find(|it| it.kind == kind);
    service.map(|it| it.state)
}

async fn compute(spool: &Spool) -> Option<ServiceState> {
    state(spool, ServiceKind::Compute).await
}

#[tokio::test]
async fn a_fresh_agent_reads_everything() {
    let stage = Stage::new(FakeCloud::with_servers(250));
    stage
        .play(async |stage| {
            stage
                .until(async |it| it.live(RecordKind::Server).await == 250)
                .await;
            let all = async |it: &Stage| it.spool.services().await.unwrap().len() == 3;
            stage.until(all).await;
            assert_eq!(compute(&stage.spool).await, Some(ServiceState::Available));
            let audited = |part| stage.cloud.audits(part) > 0;
            stage
                .until(async |_| Part::ALL.into_iter().all(audited))
                .await;
            stage
                .until(async |it| it.samples_with_latency().await > 0)
                .await;
        })
        .await;
}

#[tokio::test]
async fn what_changed_is_seen_between_audits() {
    let stage = Stage::new(FakeCloud::with_servers(10));
    stage
        .play(async |stage| {
            stage
                .until(async |it| it.live(RecordKind::Server).await == 10)
                .await;
            stage.cloud.create(77);
            stage.cloud.delete(3);
            let seen = async |it: &Stage| it.has_server(77).await && !it.has_server(3).await;
            stage.until(seen).await;
            assert_eq!(stage.cloud.audits(Part::Servers), 1);
        })
        .await;
}

#[tokio::test]
async fn where_the_cloud_cannot_tell_the_next_audit_sees_it() {
    let stage = Stage::new(FakeCloud::with_servers(10));
    stage.cloud.forget_changes();
    stage
        .play(async |stage| {
            stage
                .until(async |it| it.live(RecordKind::Server).await == 10)
                .await;
            stage.cloud.create(77);
            stage.cloud.delete(3);
            let seen = async |it: &Stage| it.has_server(77).await && !it.has_server(3).await;
            stage.until(seen).await;
            assert!(stage.cloud.audits(Part::Servers) >= 2);
        })
        .await;
}

#[tokio::test]
async fn a_failing_service_says_why_keeps_its_records_and_recovers() {
    let stage = Stage::new(FakeCloud::with_servers(300));
    stage
        .play(async |stage| {
            stage
                .until(async |it| it.live(RecordKind::Server).await == 300)
                .await;
            let is_up =
                async |it: &Stage| compute(&it.spool).await == Some(ServiceState::Available);
            stage.until(is_up).await;
            stage.cloud.fail(ServiceKind::Compute, Fault::Status);
            let is_down = async |it: &Stage| {
                matches!(compute(&it.spool).await, Some(ServiceState::Failing { reason })
                    if reason.contains("HTTP 500") && reason.contains("database is away"))
            };
            stage.until(is_down).await;
            let volume = state(&stage.spool, ServiceKind::Volume).await;
            assert_eq!(volume, Some(ServiceState::Available));
            stage.cloud.delete(5);
            stage.pass(Duration::from_secs(700)).await;
            assert_eq!(
                stage.live(RecordKind::Server).await,
                300,
                "absence is not deletion"
            );
            stage.cloud.mend(ServiceKind::Compute);
            stage.until(is_up).await;
            stage.until(async |it| !it.has_server(5).await).await;
            assert_eq!(stage.live(RecordKind::Server).await, 299);
        })
        .await;
}

#[tokio::test]
async fn an_audit_that_breaks_off_keeps_what_came_and_removes_nothing() {
    let stage = Stage::new(FakeCloud::with_servers(300));
    stage.cloud.forget_changes();
    stage
        .play(async |stage| {
            stage
                .until(async |it| it.live(RecordKind::Server).await == 300)
                .await;
            stage
                .cloud
                .fail(ServiceKind::Compute, Fault::AfterFirstPage);
            stage.cloud.delete(299);
            stage.cloud.rename(0, "renamed");
            stage
                .until(async |it| it.has_server_named("renamed").await)
                .await;
            assert_eq!(stage.live(RecordKind::Server).await, 300);
        })
        .await;
}

#[tokio::test]
async fn one_record_that_cannot_be_read_stays_and_keeps_no_other() {
    let stage = Stage::new(FakeCloud::with_servers(30));
    stage.cloud.forget_changes();
    stage
        .play(async |stage| {
            stage
                .until(async |it| it.live(RecordKind::Server).await == 30)
                .await;
            stage.cloud.fail(ServiceKind::Compute, Fault::ButOne);
            stage.cloud.delete(7);
            stage.until(async |it| !it.has_server(7).await).await;
            assert_eq!(stage.live(RecordKind::Server).await, 29);
            let says_why = async |it: &Stage| {
                matches!(compute(&it.spool).await, Some(ServiceState::Failing { reason })
                    if reason.contains("among them that of a (server-0)"))
            };
            stage.until(says_why).await;
        })
        .await;
}

#[tokio::test]
async fn a_department_that_cannot_be_listed_is_told_with_the_reading_of_all_others() {
    let stage = Stage::new(FakeCloud::with_servers(1));
    stage
        .cloud
        .fail(ServiceKind::Identity, Fault::ButADepartment);
    let lacks = async |it: &Stage| {
        let read = it.read.borrow();
        read.get(&Part::Users).map(|it| it.lacks.departments.len())
    };
    stage
        .play(async |stage| {
            stage.until(async |it| lacks(it).await == Some(1)).await;
            let away = CloudId::new("away");
            assert!(
                stage.read.borrow()[&Part::Users]
                    .lacks
                    .departments
                    .contains(&away)
            );
            let hindered = stage.hindered.borrow().clone();
            let (kind, hindrance) = hindered.first_key_value().unwrap();
            assert_eq!((*kind, hindered.len()), (RecordKind::User, 1));
            assert!(hindrance.reason.contains("sales (away)"), "{hindrance:?}");
            let is_whole = |it: &Stage| it.spool.extent(Feed::Organization).whole;
            assert!(!is_whole(stage));
            stage.cloud.mend(ServiceKind::Identity);
            stage.until(async |it| lacks(it).await == Some(0)).await;
            assert!(stage.hindered.borrow().is_empty());
            stage.until(async |it| is_whole(it)).await;
        })
        .await;
}

#[tokio::test]
async fn much_that_is_gone_goes_with_the_next_audit_and_is_no_failure() {
    let stage = Stage::new(FakeCloud::with_servers(60));
    stage.cloud.forget_changes();
    stage
        .play(async |stage| {
            let audited = stage.cloud.audits(Part::Servers);
            stage
                .until(async |it| it.live(RecordKind::Server).await == 60)
                .await;
            let is_up =
                async |it: &Stage| compute(&it.spool).await == Some(ServiceState::Available);
            stage.until(is_up).await;
            (0..40).for_each(|number| stage.cloud.delete(number));
            let first = async |it: &Stage| it.cloud.audits(Part::Servers) >= audited + 2;
            stage.until(first).await;
            // Whoever answers wrongly by mistake may do so for a minute.
            stage.pass(Duration::from_secs(200)).await;
            assert_eq!(stage.live(RecordKind::Server).await, 60);
            assert!(is_up(stage).await, "once is no news");
            stage
                .until(async |it| it.live(RecordKind::Server).await == 20)
                .await;
            assert_eq!(stage.cloud.audits(Part::Servers), audited + 3);
            assert!(is_up(stage).await);
        })
        .await;
}

#[tokio::test]
async fn what_is_new_is_seen_while_no_audit_gets_past_a_page_also_after_a_restart() {
    let stage = Stage::new(FakeCloud::with_servers(300));
    let stage = stage_with_a_bad_page(stage).await.restarted().await;
    stage
        .play(async |stage| {
            stage.cloud.create(778);
            stage.until(async |it| it.has_server(778).await).await;
            assert_eq!(stage.live(RecordKind::Server).await, 302);
        })
        .await;
}

/// Every server of the cloud was read; now each audit breaks off, and compute says so.
async fn stage_with_a_bad_page(stage: Stage) -> Stage {
    stage
        .play(async |stage| {
            let mark = async |it: &Stage| it.spool.mark(Part::Servers).await.unwrap().is_some();
            stage.until(mark).await;
            stage
                .cloud
                .fail(ServiceKind::Compute, Fault::AfterFirstPage);
            stage.pass(Duration::from_secs(700)).await;
            stage.cloud.create(777);
            stage.until(async |it| it.has_server(777).await).await;
            let told = compute(&stage.spool).await;
            let is_told = matches!(told, Some(ServiceState::Failing { .. }));
            assert!(is_told, "changes alone do not make it well: {told:?}");
        })
        .await;
    stage
}

#[tokio::test]
async fn a_refused_credential_is_told_at_once() {
    let stage = Stage::new(FakeCloud::with_servers(1));
    stage.cloud.fail(ServiceKind::Compute, Fault::Refused);
    stage
        .play(async |stage| {
            let is_told = async |it: &Stage| {
                let services = it.spool.services().await.unwrap();
                services.iter().any(|service| {
                    matches!(&service.state, ServiceState::Failing { reason }
                        if reason.contains("sp-agent check"))
                })
            };
            stage.until(is_told).await;
        })
        .await;
}

#[tokio::test]
async fn a_missing_service_is_no_failure_and_its_part_is_not_empty() {
    let stage = Stage::new(FakeCloud::with_servers(20));
    stage
        .play(async |stage| {
            stage
                .until(async |it| it.live(RecordKind::Server).await == 20)
                .await;
            stage.cloud.fail(ServiceKind::Compute, Fault::Missing);
            let is_missing =
                async |it: &Stage| compute(&it.spool).await == Some(ServiceState::Missing);
            stage.until(is_missing).await;
            stage.pass(Duration::from_secs(700)).await;
            assert_eq!(
                stage.live(RecordKind::Server).await,
                20,
                "unknown, not empty"
            );
            stage.cloud.mend(ServiceKind::Compute);
            let is_up =
                async |it: &Stage| compute(&it.spool).await == Some(ServiceState::Available);
            stage.until(is_up).await;
        })
        .await;
}

#[tokio::test]
async fn a_reading_that_hangs_is_given_up_and_holds_up_no_other_service() {
    let stage = Stage::new(FakeCloud::with_servers(20));
    stage.cloud.fail(ServiceKind::Compute, Fault::Hangs);
    stage
        .play(async |stage| {
            let is_told = async |it: &Stage| {
                let services = it.spool.services().await.unwrap();
                services.iter().any(|service| {
                    matches!(&service.state, ServiceState::Failing { reason }
                        if reason.contains("without a page"))
                })
            };
            stage.until(is_told).await;
            assert!(stage.cloud.audits(Part::Volumes) > 0);
            stage.cloud.mend(ServiceKind::Compute);
            stage
                .until(async |it| it.live(RecordKind::Server).await == 20)
                .await;
        })
        .await;
}

#[tokio::test]
async fn since_when_outlives_a_restart() {
    let stage = Stage::new(FakeCloud::with_servers(1));
    let known = async |it: &Stage| it.spool.services().await.unwrap().len() == 3;
    stage.play(async |stage| stage.until(known).await).await;
    let before = stage.spool.services().await.unwrap();
    let stage = stage.restarted().await;
    let begun = stage.cloud.probes();
    stage
        .play(async |stage| {
            stage.until(async |it| it.cloud.probes() > begun + 3).await;
            assert_eq!(stage.spool.services().await.unwrap(), before);
        })
        .await;
}

#[tokio::test]
async fn a_spool_that_cannot_be_written_fails_no_service_and_stops_nothing() {
    let stage = Stage::new(FakeCloud::with_servers(10));
    stage
        .play(async |stage| {
            let known = async |it: &Stage| it.spool.services().await.unwrap().len() == 3;
            stage.until(known).await;
            stage.spool.close().await.unwrap();
            // The cloud is not read in vain, but still asked for its health.
            let probes = stage.cloud.probes();
            stage.cloud.delete(3);
            stage.until(async |it| it.cloud.probes() > probes + 2).await;
        })
        .await;
    let stage = stage.restarted().await;
    assert_eq!(compute(&stage.spool).await, Some(ServiceState::Available));
    assert_eq!(*stage.spool.condition().borrow(), Condition::Sound);
}

#[tokio::test]
async fn a_cloud_that_does_not_change_moves_only_the_samples() {
    let stage = Stage::new(FakeCloud::with_servers(100));
    stage
        .play(async |stage| {
            stage
                .until(async |it| it.cloud.audits(Part::NetworkQuota) > 1)
                .await;
            let feeds = [Feed::Inventory, Feed::Quota, Feed::Health];
            let before = feeds.map(|feed| stage.spool.extent(feed));
            let samples = stage.spool.extent(Feed::Samples).head;
            stage.pass(Duration::from_secs(700)).await;
            assert_eq!(feeds.map(|feed| stage.spool.extent(feed)), before);
            assert!(stage.spool.extent(Feed::Samples).head > samples);
        })
        .await;
}

#[tokio::test]
async fn it_ends_when_the_daemon_stops() {
    let stage = Stage::new(FakeCloud::with_servers(10));
    stage.cloud.fail(ServiceKind::Volume, Fault::Hangs);
    let shutdown = stage.shutdown.clone();
    let running = stage.collector().run(shutdown.clone());
    let stopping = async {
        stage.pass(Duration::from_secs(30)).await;
        shutdown.begin();
    };
    tokio::join!(running, stopping);
}
