//! Volumes, networks and floating IPs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::model::{Capacity, CloudId, Network};

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
