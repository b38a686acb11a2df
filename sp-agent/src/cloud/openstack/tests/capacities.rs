//! Nodes whose capacity Placement does not tell, for a while or at all.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use shared::model::{CloudId, Node};

use super::*;
use crate::cloud::Unread;
use crate::cloud::openstack::testing::{Fake, Reply, answer};

const HYPERVISORS: &str = "/compute/v2.1/os-hypervisors/detail";

/// A region of so many nodes. What its Placement answers, the test changes as it goes.
#[derive(Clone)]
struct Region {
    nodes: usize,
    /// Whether Nova tells what the machines have.
    has_figures: bool,
    /// `None` for a good answer.
    placement: Arc<Mutex<Box<Answers>>>,
}

type Answers = dyn Fn(usize) -> Option<Reply> + Send;

fn id(node: usize) -> String {
    format!("91a3081b-5e99-4e01-acca-{node:012x}")
}

impl Region {
    fn new(nodes: usize) -> Self {
        let placement: Arc<Mutex<Box<Answers>>> = Arc::new(Mutex::new(Box::new(|_| None)));
        Self {
            nodes,
            has_figures: true,
            placement,
        }
    }

    fn placement(&self, answers: impl Fn(usize) -> Option<Reply> + Send + 'static) {
        *self.placement.lock().unwrap() = Box::new(answers);
    }

    async fn start(&self) -> Fake {
        let region = self.clone();
        Fake::start(move |seen| match seen.path.as_str() {
            HYPERVISORS if seen.marker().is_empty() => {
                let nodes: Vec<Value> = (0..region.nodes).map(|it| region.hypervisor(it)).collect();
                answer(json!({"hypervisors": nodes}))
            }
            HYPERVISORS => answer(json!({"hypervisors": []})),
            path => {
                let provider = path.strip_prefix("/placement/resource_providers/")?;
                let (provider, what) = provider.split_once('/')?;
                let node = usize::from_str_radix(provider.rsplit_once('-')?.1, 16).ok()?;
                let reply = (region.placement.lock().unwrap())(node);
                reply.or_else(|| {
                    answer(match what {
                        "inventories" => json!({"inventories": {
                            "VCPU": {"total": 10, "allocation_ratio": 4.0},
                            "MEMORY_MB": {"total": 100}, "DISK_GB": {"total": 60}}}),
                        _ => json!({"usages": {"VCPU": 5}}),
                    })
                })
            }
        })
        .await
    }

    fn hypervisor(&self, node: usize) -> Value {
        let mut body = json!({"id": id(node), "hypervisor_hostname": format!("compute{node}"),
            "state": "up", "status": "enabled"});
        if self.has_figures {
            for name in ["vcpus", "memory_mb", "local_gb"] {
                body[name] = json!(10);
                body[format!("{name}_used")] = json!(1);
            }
        }
        body
    }
}

/// What each node was told to hold.
fn vcpus(told: &Told<Whole>) -> Vec<u64> {
    let of = |record: &Record| match record {
        Record::Node(Node { vcpus, .. }) => vcpus.total,
        other => panic!("not a node: {other:?}"),
    };
    told.records().into_iter().map(of).collect()
}

fn unread(told: &Told<Whole>) -> Vec<Unread> {
    told.pages.iter().flat_map(|it| it.unread.clone()).collect()
}

fn counts(told: &Told<Whole>) -> Option<(u64, u64)> {
    let incomplete = told.result.as_ref().unwrap().incomplete.as_ref()?;
    Some((incomplete.failed, incomplete.of))
}

fn asked(fake: &Fake, nodes: usize) -> usize {
    let path = |it| format!("/placement/resource_providers/{}/usages", id(it));
    let asked: BTreeSet<usize> = (0..nodes)
        .filter(|it| !fake.seen(&path(*it)).is_empty())
        .collect();
    asked.len()
}

#[tokio::test]
async fn a_node_whose_capacity_fails_costs_those_behind_it_nothing() {
    let region = Region::new(120);
    let fake = region.start().await;
    let cloud = client(&fake);
    // Since the start nothing was told of it, and Nova's figures lack the ratio.
    region.placement(|it| (it == 3).then(|| Reply::status(500, r#"{"message": "broken"}"#)));
    let told = audit(&cloud, Part::Nodes).await;
    assert_eq!(vcpus(&told), [40; 119]);
    assert_eq!(unread(&told), [Unread::Record(CloudId::new(&id(3)))]);
    assert_eq!(counts(&told), Some((1, 120)));
    let error = told.result.unwrap().incomplete.unwrap();
    let text = shared::runtime::errors::chain(&error).to_string();
    assert!(text.contains("1 of 120 nodes' capacities"), "{text}");
    assert!(text.contains("compute3 (91a3081b-"), "{text}");
    assert!(text.contains("broken"), "{text}");
    // A page for every fifty, so that who waits hears of it.
    let lengths: Vec<usize> = told.pages.iter().map(|it| it.records.len()).collect();
    assert_eq!(lengths, [49, 50, 20]);
}

#[tokio::test]
async fn a_node_whose_capacity_fails_is_told_with_its_last_one() {
    let region = Region::new(3);
    let fake = region.start().await;
    let cloud = client(&fake);
    audit(&cloud, Part::Nodes).await.result.unwrap();
    region.placement(|it| (it == 1).then(|| Reply::status(500, "{}")));
    for _ in 0..2 {
        let told = audit(&cloud, Part::Nodes).await;
        assert_eq!((vcpus(&told).len(), unread(&told).len()), (3, 0));
        assert_eq!(vcpus(&told), [40; 3]);
        assert_eq!(counts(&told), Some((1, 3)));
    }
    region.placement(|_| None);
    let told = audit(&cloud, Part::Nodes).await;
    assert_eq!(counts(&told), None);
}

#[tokio::test]
async fn while_placement_is_away_states_go_on_and_it_is_not_asked_for_every_node() {
    let region = Region::new(200);
    let fake = region.start().await;
    let cloud = client(&fake);
    audit(&cloud, Part::Nodes).await.result.unwrap();
    for (status, asked_max) in [(503, 10), (401, 10), (500, 60)] {
        let before = fake.seen(HYPERVISORS).len();
        region.placement(move |_| Some(Reply::status(status, "{}")));
        let told = audit(&cloud, Part::Nodes).await;
        assert_eq!(vcpus(&told), [40; 200], "{status}");
        assert_eq!(counts(&told), Some((200, 200)), "{status}");
        assert!(fake.seen(HYPERVISORS).len() > before);
        // The same after a start, when there is nothing to tell.
        let fake = region.start().await;
        let told = audit(&client(&fake), Part::Nodes).await;
        assert_eq!((vcpus(&told).len(), unread(&told).len()), (0, 200));
        assert_eq!(counts(&told), Some((200, 200)), "{status}");
        let asked = asked(&fake, 200);
        assert!(asked <= asked_max, "{status}: {asked}");
    }
}

#[tokio::test]
async fn a_placement_that_is_slow_is_asked_once_for_each_of_a_few_nodes() {
    let region = Region::new(60);
    let fake = region.start().await;
    region.placement(|_| Some(Reply::status(200, "{}").after(Duration::from_secs(60))));
    let mut options = options(fake.url());
    options.request_timeout = Duration::from_millis(200);
    let told = audit(&with(&options), Part::Nodes).await;
    assert_eq!(counts(&told), Some((60, 60)));
    assert!(asked(&fake, 60) <= 10);
    let usages = format!("/placement/resource_providers/{}/usages", id(0));
    assert_eq!(fake.seen(&usages).len(), 1);
}

#[tokio::test]
async fn nodes_without_any_figures_are_spared_and_the_reason_is_told() {
    let region = Region {
        has_figures: false,
        ..Region::new(1)
    };
    for (status, expected) in [(403, "forbids"), (404, "Placement is missing or does not")] {
        let fake = region.start().await;
        region.placement(move |_| Some(Reply::status(status, "{}")));
        let told = audit(&client(&fake), Part::Nodes).await;
        assert_eq!(unread(&told), [Unread::Record(CloudId::new(&id(0)))]);
        assert_eq!(counts(&told), Some((1, 1)));
        let reason = told.result.unwrap().incomplete.unwrap().source;
        assert!(reason.to_string().contains(expected), "{reason}");
        let is_forbidden = matches!(reason, CloudError::Forbidden { .. });
        assert_eq!(is_forbidden, status == 403, "{reason}");
    }
}

#[tokio::test]
async fn where_placement_may_not_be_read_novas_figures_stand_in_and_the_reason_is_told() {
    let region = Region::new(60);
    let fake = region.start().await;
    region.placement(|_| Some(Reply::status(403, "{}")));
    let told = audit(&client(&fake), Part::Nodes).await;
    assert_eq!((told.records().len(), unread(&told).len()), (60, 0));
    let reason = told.result.unwrap().incomplete.unwrap().source;
    assert!(matches!(reason, CloudError::Forbidden { .. }), "{reason}");
}

#[tokio::test]
async fn who_waits_for_nodes_hears_that_the_pass_goes_on_while_questions_fail_slowly() {
    let region = Region::new(8);
    let (clock, hand) = Clock::manual(UnixMillis::from_secs(1_795_280_000));
    let fake = region.start().await;
    region.placement(move |it| {
        // By the clock that the client measures with, each question takes twenty seconds.
        hand.advance(Duration::from_secs(20));
        (it % 2 == 0).then(|| Reply::status(500, "{}"))
    });
    let mut options = options(fake.url());
    options.concurrency_max = 1;
    let cloud = OpenStack::with_patience(&options, clock, hasty()).unwrap();
    let told = audit(&cloud, Part::Nodes).await;
    assert_eq!(counts(&told), Some((4, 8)));
    let told: Vec<usize> = told.pages.iter().map(|it| it.records.len()).collect();
    assert_eq!(told, [0, 0, 0, 0, 0, 0, 0, 0, 4]);
}
