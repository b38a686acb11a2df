//! Storage pools: what a Cinder tells of them, and what it leaves out.

use std::sync::{Arc, Mutex};

use shared::model::Capacity;

use super::*;
use crate::cloud::Unread;
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
    assert_eq!(space, [Some(capacity), None]);
}

/// A service's host, its cluster if it is in one, and whether it is up and enabled.
type BackEnd = (&'static str, Option<&'static str>, bool);

/// A Cinder whose pools and whose back ends the test changes as it goes.
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
                let services = services.iter().map(|(host, cluster, at_work)| {
                    let (status, state) = match (at_work, cluster) {
                        (true, _) => ("enabled", "up"),
                        (false, None) => ("disabled", "up"),
                        (false, Some(_)) => ("enabled", "down"),
                    };
                    json!({"binary": "cinder-volume", "host": host, "cluster": cluster,
                        "status": status, "state": state})
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

fn names(told: &Told<Whole>) -> Vec<String> {
    let names = told.records().into_iter().map(|record| match record {
        Record::StoragePool(pool) => pool.id.to_string(),
        other => panic!("not a pool: {other:?}"),
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

fn unread(told: &Told<Whole>) -> Vec<Unread> {
    told.pages.iter().flat_map(|it| it.unread.clone()).collect()
}

const LVM: BackEnd = ("h@lvm", None, true);
const CEPH: BackEnd = ("h@ceph", None, true);

#[tokio::test]
async fn the_pools_of_a_back_end_that_is_off_are_unread_and_no_failure() {
    let cinder = Cinder::default();
    let fake = cinder.start().await;
    let cloud = client(&fake);
    let off = ("h@lvm", None, false);
    cinder.tells(&["h@ceph#c"], &[CEPH, off]);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!(names(&told), ["h@ceph#c"]);
    assert_eq!(unread(&told), [Unread::BackEnd("h@lvm".to_owned())]);
    assert!(told.result.unwrap().incomplete.is_none());
    // It came back.
    cinder.tells(&["h@lvm#b", "h@ceph#c"], &[CEPH, LVM]);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!((names(&told).len(), unread(&told).len()), (2, 0));
    // And it is removed: no service is left that its pools could come from.
    cinder.tells(&["h@ceph#c"], &[CEPH]);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!((names(&told).len(), unread(&told).len()), (1, 0));
    told.result.unwrap();
}

#[tokio::test]
async fn a_back_end_at_work_of_which_no_pool_is_told_fails_the_pass_by_its_name() {
    let cinder = Cinder::default();
    let fake = cinder.start().await;
    cinder.tells(&["h@ceph#c"], &[CEPH, LVM]);
    let told = audit(&client(&fake), Part::StoragePools).await;
    assert_eq!(names(&told), ["h@ceph#c"], "what is told is true");
    let error = told.result.unwrap_err().to_string();
    assert!(
        error.contains("h@lvm") && !error.contains("h@ceph"),
        "{error}"
    );
}

#[tokio::test]
async fn no_pools_at_all_while_there_are_back_ends_fail_the_pass() {
    let cinder = Cinder::default();
    let fake = cinder.start().await;
    let cloud = client(&fake);
    // A scheduler that just started has heard of none yet.
    cinder.tells(&[], &[CEPH]);
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
    let mut members = [
        ("h1@ceph", Some("all@ceph"), false),
        ("h2@ceph", Some("all@ceph"), true),
    ];
    cinder.tells(&["all@ceph#c"], &members);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!(names(&told), ["all@ceph#c"]);
    told.result.unwrap();
    cinder.tells(&[], &members);
    let told = audit(&cloud, Part::StoragePools).await;
    assert!(told.result.is_err(), "one member is at work");
    members[1].2 = false;
    cinder.tells(&[], &members);
    let told = audit(&cloud, Part::StoragePools).await;
    assert_eq!(unread(&told), [Unread::BackEnd("all@ceph".to_owned())]);
    told.result.unwrap();
}

#[tokio::test]
async fn the_pools_of_a_frozen_cluster_are_unread_though_its_services_are_up() {
    for frozen in [true, false] {
        let fake = Fake::start(move |seen| {
            let service = json!({"binary": "cinder-volume", "host": "h1@ceph",
                "cluster": "all@ceph", "status": "enabled", "state": "up", "frozen": frozen});
            (seen.path == SERVICES).then(|| Reply::json(&json!({"services": [service]})))
        })
        .await;
        let told = audit(&client(&fake), Part::StoragePools).await;
        assert_eq!(told.result.is_ok(), frozen);
        let off = Unread::BackEnd("all@ceph".to_owned());
        assert_eq!(unread(&told).contains(&off), frozen);
    }
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
