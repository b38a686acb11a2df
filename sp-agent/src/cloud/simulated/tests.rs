//! The simulated cloud through the eyes of an agent: time, latency, faults, and stopping.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use shared::model::{Record, UnixMillis};
use shared::runtime::clock::ManualClock;
use tokio::sync::mpsc;

use super::*;
use crate::cloud::ProbeOutcome;

const BORN: UnixMillis = UnixMillis(1_700_000_000_000);

type Held = BTreeMap<Key, Record>;

fn cloud(options: Options) -> (Simulated, ManualClock) {
    let (clock, hand) = Clock::manual(BORN);
    (Simulated::new(options.check().unwrap(), clock), hand)
}

/// No latency, so that a manual clock need not be moved for an answer.
fn lively(seed: u64, faults: Vec<Fault>) -> Options {
    Options {
        seed,
        servers: 1_500,
        pace: Some(6_000),
        character: Character::Busy,
        latency: Duration::ZERO,
        faults,
        ..Options::default()
    }
}

fn apply(held: &mut Held, page: Page) {
    held.extend(page.records.into_iter().map(|it| (it.key(), it)));
    page.deleted.iter().for_each(|key| drop(held.remove(key)));
}

/// Reads while the clock goes on after every page.
async fn read(
    reading: impl Future<Output = Result<Option<Mark>, CloudError>>,
    mut pages: mpsc::Receiver<Page>,
    held: &mut Held,
    hand: &ManualClock,
    page_gap: Duration,
) -> Option<Mark> {
    let taking = async {
        while let Some(page) = pages.recv().await {
            assert!(page.records.len() + page.deleted.len() <= PAGE_RECORDS_MAX);
            apply(held, page);
            hand.advance(page_gap);
        }
    };
    let (mark, ()) = tokio::join!(reading, taking);
    mark.unwrap()
}

async fn audit(cloud: &Simulated, hand: &ManualClock, gap: Duration, held: &mut Held) -> Mark {
    let (pages, taken) = mpsc::channel(1);
    let reading = async {
        let pages = pages;
        let whole = cloud.audit(Part::Servers, &pages).await?;
        Ok(Some(whole.mark))
    };
    read(reading, taken, held, hand, gap).await.unwrap()
}

async fn changes(
    cloud: &Simulated,
    since: Mark,
    hand: &ManualClock,
    gap: Duration,
    held: &mut Held,
) -> Option<Mark> {
    let (pages, taken) = mpsc::channel(1);
    let reading = async {
        let pages = pages;
        cloud.changes(Part::Servers, since, &pages).await
    };
    read(reading, taken, held, hand, gap).await
}

#[tokio::test]
async fn a_limit_that_is_set_is_told_and_what_is_not_named_stays() {
    let (cloud, _) = cloud(lively(3, Vec::new()));
    let (pages, mut taken) = mpsc::channel(64);
    cloud.audit(Part::ComputeQuota, &pages).await.unwrap();
    let Some(Record::Quota(before)) = taken.recv().await.unwrap().records.pop() else {
        panic!("the cloud has quotas");
    };
    let limit = |name: &str, limit| shared::model::Limit {
        name: name.to_owned(),
        limit,
        version: 1,
        force: false,
    };
    let mut order = QuotaOrder {
        project: before.project.clone(),
        name: String::new(),
        service: ServiceKind::Compute,
        limits: vec![limit("cores", Some(7)), limit("ram", None)],
    };
    let set = cloud.set_quota(&order).await.unwrap();
    assert_eq!(set.before.unwrap().resources, before.resources);
    let after = set.quota.unwrap();
    let limits: Vec<_> = after.resources.iter().map(|it| it.limit).collect();
    assert_eq!(limits, [Some(7), before.resources[1].limit, None]);
    order.limits = vec![limit("cores", Some(8)), limit("wheels", Some(4))];
    let refused = cloud.set_quota(&order).await.unwrap_err().to_string();
    assert!(refused.contains("wheels"), "{refused}");
    order.limits.pop();
    order.project = shared::model::CloudId::new("nobody");
    assert!(cloud.set_quota(&order).await.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn an_agent_that_follows_holds_what_a_fresh_audit_tells(
        seed in any::<u64>(),
        steps_millis in prop::collection::vec(0_u64..30_000, 1..5),
        gap_millis in 0_u64..3_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (cloud, hand) = cloud(lively(seed, Vec::new()));
            let gap = Duration::from_millis(gap_millis);
            let mut held = Held::new();
            let mut mark = audit(&cloud, &hand, gap, &mut held).await;
            for step in steps_millis {
                hand.advance(Duration::from_millis(step));
                mark = changes(&cloud, mark, &hand, gap, &mut held).await.unwrap();
            }
            changes(&cloud, mark, &hand, Duration::ZERO, &mut held).await.unwrap();
            let mut fresh = Held::new();
            audit(&cloud, &hand, Duration::ZERO, &mut fresh).await;
            prop_assert_eq!(held, fresh);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn readers_at_the_same_time_lose_no_change() {
    let (cloud, hand) = cloud(Options {
        servers: 2_500,
        ..lively(5, Vec::new())
    });
    let (mut a, mut b) = (Held::new(), Held::new());
    let gap = Duration::from_millis(900);
    let mut marks = tokio::join!(
        audit(&cloud, &hand, gap, &mut a),
        audit(&cloud, &hand, gap, &mut b)
    );
    // Far enough for several turns of catching up, in which each meets what the other has begun.
    for _ in 0..3 {
        hand.advance(Duration::from_secs(200));
        let (first, second) = tokio::join!(
            changes(&cloud, marks.0, &hand, gap, &mut a),
            changes(&cloud, marks.1, &hand, gap, &mut b)
        );
        marks = (first.unwrap(), second.unwrap());
    }
    changes(&cloud, marks.0, &hand, Duration::ZERO, &mut a).await;
    changes(&cloud, marks.1, &hand, Duration::ZERO, &mut b).await;
    let mut fresh = Held::new();
    audit(&cloud, &hand, Duration::ZERO, &mut fresh).await;
    assert!(a == fresh && b == fresh);
}

#[tokio::test]
async fn a_cloud_built_anew_has_become_what_it_would_have_become() {
    let options = Options {
        born: Some(BORN),
        ..lively(3, Vec::new())
    };
    let (lived, hand) = cloud(options.clone());
    let mut held = Held::new();
    audit(&lived, &hand, Duration::from_secs(1), &mut held).await;
    hand.advance(Duration::from_secs(100));
    let now = lived.clock.unix_millis();
    let (clock, _hand) = Clock::manual(now);
    let anew = Simulated::new(options.check().unwrap(), clock);
    let (mut one, mut other) = (Held::new(), Held::new());
    audit(&lived, &hand, Duration::ZERO, &mut one).await;
    audit(&anew, &hand, Duration::ZERO, &mut other).await;
    assert_eq!(one, other);
    let nothing = changes(&anew, Mark(now), &hand, Duration::ZERO, &mut other).await;
    assert_eq!((nothing, one), (Some(Mark(now)), other));
}

#[tokio::test]
async fn a_mark_from_before_birth_needs_an_audit() {
    let (cloud, hand) = cloud(lively(1, Vec::new()));
    let mark = Mark(UnixMillis(BORN.0 - 1));
    let mut held = Held::new();
    let answer = changes(&cloud, mark, &hand, Duration::ZERO, &mut held).await;
    assert_eq!((answer, held.len()), (None, 0));
}

#[tokio::test]
async fn a_part_fails_while_its_service_does_and_no_other() {
    let (cloud, hand) = cloud(lively(
        1,
        vec![Fault {
            at: Duration::from_secs(10),
            lasts: Duration::from_secs(10),
            service: ServiceKind::Volume,
            what: FaultKind::Down,
        }],
    ));
    let (pages, mut taken) = mpsc::channel(100);
    for (step, fails) in [(9, false), (1, true), (9, true), (1, false)] {
        hand.advance(Duration::from_secs(step));
        for part in Part::ALL {
            let answer = cloud.audit(part, &pages).await;
            let fails = fails && part.service() == ServiceKind::Volume;
            assert_eq!(answer.is_err(), fails, "{part:?} {answer:?}");
            if let Err(error) = answer {
                assert!(matches!(error, CloudError::Unreachable { .. }), "{error:?}");
            }
            while taken.try_recv().is_ok() {}
        }
        let probes = cloud.probe().await;
        assert_eq!(probes.len(), 6);
        for probe in probes {
            let available = matches!(probe.outcome, ProbeOutcome::Available { .. });
            let failing = fails && probe.service == ServiceKind::Volume;
            assert_eq!(available, !failing, "{probe:?}");
        }
    }
}

#[tokio::test]
async fn a_fault_in_the_middle_of_an_audit_is_told() {
    let fault = Fault {
        at: Duration::from_secs(1),
        lasts: Duration::from_secs(10),
        service: ServiceKind::Compute,
        what: FaultKind::Unauthorized,
    };
    // Three pages: one is taken, one waits, and the third is asked for too late.
    let (cloud, hand) = cloud(Options {
        servers: 2_500,
        ..lively(1, vec![fault])
    });
    let (pages, mut taken) = mpsc::channel(1);
    let taking = async {
        let page: Page = taken.recv().await.unwrap();
        hand.advance(Duration::from_secs(1));
        page.records.len()
    };
    let (answer, first) = tokio::join!(cloud.audit(Part::Servers, &pages), taking);
    assert_eq!(first, PAGE_RECORDS_MAX);
    assert!(
        matches!(answer, Err(CloudError::Unauthorized { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_reader_that_went_away_ends_the_reading() {
    let (cloud, _hand) = cloud(lively(1, Vec::new()));
    let (pages, taken) = mpsc::channel(1);
    drop(taken);
    let answer = cloud.audit(Part::Servers, &pages).await;
    assert!(matches!(answer, Err(CloudError::Stopped)), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_its_time_and_a_slow_one_longer() {
    let slow = Duration::from_secs(3);
    let options = Options {
        latency: Duration::from_millis(20),
        faults: vec![Fault {
            at: Duration::ZERO,
            lasts: Duration::MAX,
            service: ServiceKind::Identity,
            what: FaultKind::Slow(slow),
        }],
        ..Options::default()
    };
    let clock = Clock::system();
    let cloud = Simulated::new(options.check().unwrap(), clock.clone());
    let start = clock.now();
    let description = cloud.describe().await.unwrap();
    let took = clock.now() - start;
    assert!(
        took >= slow && took < slow + Duration::from_millis(50),
        "{took:?}"
    );
    assert_eq!(description.kind, CloudKind::Simulated);
    assert_eq!(
        description.version,
        "simulated, steady, 100 servers at birth, seed 1"
    );

    let (pages, _taken) = mpsc::channel(10);
    let start = clock.now();
    cloud.audit(Part::Nodes, &pages).await.unwrap();
    assert!(clock.now() - start < Duration::from_millis(50));
}

#[tokio::test]
async fn two_regions_have_nothing_in_common() {
    let mut seen = HashSet::new();
    for seed in [1, 2] {
        let (cloud, hand) = cloud(lively(seed, Vec::new()));
        let mut held = Held::new();
        audit(&cloud, &hand, Duration::ZERO, &mut held).await;
        assert!(held.into_keys().all(|key| seen.insert(key)));
    }
}
