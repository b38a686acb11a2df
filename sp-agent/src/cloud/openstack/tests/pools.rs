//! Storage pools: what a Cinder tells of them, and what it leaves out.

use std::sync::{Arc, Mutex};

use shared::model::Capacity;

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, answer};

const POOLS: &str = "/volume/v3/scheduler-stats/get_pools";
const SERVICES: &str = "/volume/v3/os-services";

#[tokio::test]
async fn pools_are_told_in_one_page() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/volume/v3/scheduler-stats/get_pools" => answer(json!({"pools": [
            {"name": "h@lvm#a", "capabilities": {
                "total_capacity_gb": 100, "free_capacity_gb": 40.5}},
            {"name": "h@fake#b", "capabilities": {
                "total_capacity_gb": "infinite", "free_capacity_gb": "infinite"}}]})),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::StoragePools).await;
    let space: Vec<Option<Capacity>> = told
        .records()
        .into_iter()
        .map(|record| match record {
            Record::StoragePool(pool) => pool.space_gib,
            other => panic!("not a pool: {other:?}"),
        })
        .collect();
    let capacity = Capacity {
        used: 60,
        total: 100,
    };
    assert_eq!(space, [None, Some(capacity)], "by back end");
}

/// A service's host, and its cluster if it is in one.
type BackEnd = (&'static str, Option<&'static str>);

/// A Cinder whose pools and whose back ends (host, cluster) the test changes as it goes.
#[derive(Clone, Default)]
struct Cinder {
    pools: Arc<Mutex<Vec<&'static str>>>,
    back_ends: Arc<Mutex<Vec<BackEnd>>>,
}

impl Cinder {
    async fn start(&self) -> Fake {
        let cinder = self.clone();
        Fake::start(move |seen| match seen.path.as_str() {
            POOLS => {
                let pools = cinder.pools.lock().unwrap();
                let pools = pools.iter().map(|name| {
                    json!({"name": name, "capabilities": {
                        "total_capacity_gb": 100, "free_capacity_gb": 40}})
                });
                answer(json!({"pools": pools.collect::<Vec<Value>>()}))
            }
            SERVICES => {
                assert_eq!(seen.query["binary"], "cinder-volume");
                assert_eq!(seen.microversion, "volume 3.7");
                let services = cinder.back_ends.lock().unwrap();
                let services = services.iter().map(|(host, cluster)| {
                    json!({"binary": "cinder-volume", "host": host, "cluster": cluster,
                        "status": "disabled", "state": "down"})
                });
                answer(json!({"services": services.collect::<Vec<Value>>()}))
            }
            _ => None,
        })
        .await
    }

    fn tells(&self, pools: &[&'static str], back_ends: &[BackEnd]) {
        *self.pools.lock().unwrap() = pools.to_vec();
        *self.back_ends.lock().unwrap() = back_ends.to_vec();
    }
}

fn names(told: &Told<Mark>) -> Vec<String> {
    let names = told.records().into_iter().map(|record| match record {
        Record::StoragePool(pool) => pool.id.to_string(),
        other => panic!("not a pool: {other:?}"),
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

const BOTH: [BackEnd; 2] = [("h@lvm", None), ("h@ceph", None)];

#[tokio::test]
async fn the_pools_of_a_back_end_that_is_switched_off_stay_as_they_were() {
    let cinder = Cinder::default();
    let fake = cinder.start().await;
    let cloud = client(&fake);
    cinder.tells(&["h@lvm#a", "h@lvm#b", "h@ceph#c"], &BOTH);
    audit(&cloud, Part::StoragePools).await.result.unwrap();
    for _ in 0..3 {
        cinder.tells(&["h@ceph#c"], &BOTH);
        let told = audit(&cloud, Part::StoragePools).await;
        assert_eq!(names(&told), ["h@ceph#c", "h@lvm#a", "h@lvm#b"]);
        told.result.unwrap();
    }
    // It came back, and with other pools: what it says now holds.
    cinder.tells(&["h@lvm#b", "h@ceph#c"], &BOTH);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!(names(&told), ["h@ceph#c", "h@lvm#b"]);
    // And it is removed: no service is left that the pools could come from.
    cinder.tells(&["h@ceph#c"], &BOTH[1..]);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!(names(&told), ["h@ceph#c"]);
    told.result.unwrap();
}

#[tokio::test]
async fn a_back_end_of_which_nothing_is_known_fails_the_pass_by_its_name() {
    let cinder = Cinder::default();
    let fake = cinder.start().await;
    cinder.tells(&["h@ceph#c"], &BOTH);
    let cloud = client(&fake);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!(names(&told), ["h@ceph#c"], "what is told is true");
    let error = told.result.unwrap_err().to_string();
    assert!(
        error.contains("h@lvm") && !error.contains("h@ceph"),
        "{error}"
    );
    assert!(error.contains("service remove"), "{error}");
    // What a pass that failed was told counts as known: the next one may miss it.
    cinder.tells(&[], &BOTH[1..]);
    assert!(audit(&cloud, Part::StoragePools).await.result.is_err());
    cinder.tells(&["h@lvm#a"], &BOTH);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!(names(&told), ["h@ceph#c", "h@lvm#a"]);
    told.result.unwrap();
}

#[tokio::test]
async fn no_pools_at_all_while_there_are_back_ends_fail_the_pass() {
    let cinder = Cinder::default();
    let fake = cinder.start().await;
    let cloud = client(&fake);
    cinder.tells(&["h@ceph#c"], &BOTH[1..]);
    audit(&cloud, Part::StoragePools).await.result.unwrap();
    // A scheduler that just started has heard of none yet.
    cinder.tells(&[], &BOTH[1..]);
    let error = audit(&cloud, Part::StoragePools).await.result.unwrap_err();
    assert!(error.to_string().contains("scheduler"), "{error}");
    // A Cinder without back ends has no pools.
    cinder.tells(&[], &[]);
    audit(&cloud, Part::StoragePools).await.result.unwrap();
}

#[tokio::test]
async fn the_pools_of_a_cluster_bear_its_name() {
    let cinder = Cinder::default();
    let fake = cinder.start().await;
    let cloud = client(&fake);
    let members = [("h1@ceph", Some("all@ceph")), ("h2@ceph", Some("all@ceph"))];
    cinder.tells(&["all@ceph#c"], &members);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!(names(&told), ["all@ceph#c"]);
    told.result.unwrap();
}

#[tokio::test]
async fn pools_are_not_told_where_back_ends_are_not() {
    for (reply, forbidden) in [
        (Reply::status(403, "{}"), true),
        (
            Reply::status(200, r#"{"services": [{"binary": "cinder-volume"}]}"#),
            false,
        ),
    ] {
        let fake = Fake::start(move |seen| (seen.path == SERVICES).then(|| reply.clone())).await;
        let error = audit(&client(&fake), Part::StoragePools)
            .await
            .result
            .unwrap_err();
        let expected = match forbidden {
            true => matches!(error, CloudError::Forbidden { .. }),
            false => matches!(error, CloudError::Malformed { .. }),
        };
        assert!(expected, "{error}");
    }
}
