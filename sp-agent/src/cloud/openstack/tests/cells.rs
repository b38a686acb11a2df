//! A Nova of several cells, one of which does not answer: what it leaves out is not gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, answer};

const SERVICES: &str = "/compute/v2.1/os-services";

/// What makes Nova leave out a silent cell's servers instead of naming them (Nova 34,
/// `ServersController._is_cell_down_supported`): anything but `all_tenants`.
fn is_plain(seen: &Seen) -> bool {
    seen.query.keys().all(|name| name == "all_tenants")
}

/// The servers as Nova lists them while the cell of server b is silent.
fn servers_without_a_cell(seen: &Seen) -> Option<Reply> {
    let silent = json!({"id": "b", "status": "UNKNOWN", "tenant_id": "p",
        "created": "2026-11-21T17:03:59Z", "links": []});
    answer(match is_plain(seen) {
        true => json!({"servers": [server("a"), silent]}),
        false => json!({"servers": [server("a")]}),
    })
}

/// The services as Nova lists them from microversion 2.69 on while a cell is silent.
fn services_without_a_cell() -> Option<Reply> {
    let silent = |host: &str| json!({"binary": "nova-compute", "host": host, "status": "UNKNOWN"});
    answer(json!({"services": [service("ctl1"), silent("far2"), silent("far1")]}))
}

fn service(host: &str) -> Value {
    json!({"id": "3f9d", "binary": "nova-conductor", "host": host, "zone": "internal",
        "status": "enabled", "state": "up", "disabled_reason": null, "forced_down": false})
}

async fn with_a_silent_cell() -> Fake {
    Fake::start(|seen| match seen.path.as_str() {
        SERVERS => servers_without_a_cell(seen),
        SERVICES => services_without_a_cell(),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_cell_that_is_silent_deletes_nothing() {
    let fake = with_a_silent_cell().await;
    let told = audit(&client(&fake), Part::Servers).await;
    assert_eq!(told.servers().len(), 1, "what the others told is true");
    let error = told.result.unwrap_err().to_string();
    assert!(error.contains("far1, far2"), "{error}");
    let question = &fake.seen(SERVICES)[0];
    assert_eq!(question.microversion, "compute 2.96");
    assert!(question.query.is_empty(), "{:?}", question.query);
}

#[tokio::test]
async fn a_cell_that_is_silent_holds_the_mark_of_changes() {
    let fake = with_a_silent_cell().await;
    let since = Mark(UnixMillis(1_795_284_241_864));
    let told = changes(&client(&fake), Part::Servers, since).await;
    assert_eq!(told.servers().len(), 1);
    let error = told.result.unwrap_err().to_string();
    assert!(error.contains("far1, far2"), "{error}");
}

#[tokio::test]
async fn a_cell_that_falls_silent_during_the_pass_or_comes_back_is_noticed() {
    for silent_at in [0, 1] {
        let fake = Fake::start(move |seen| match seen.path.as_str() {
            SERVERS => servers_without_a_cell(seen),
            SERVICES if seen.before == silent_at => services_without_a_cell(),
            _ => None,
        })
        .await;
        let told = audit(&client(&fake), Part::Servers).await;
        let error = told.result.unwrap_err().to_string();
        assert!(error.contains("far1"), "{error}");
    }
}

#[tokio::test]
async fn many_silent_hosts_are_counted_not_listed() {
    let fake = Fake::start(|seen| {
        let silent = |host: u32| {
            json!({"binary": "nova-compute", "host": format!("c{host}"), "status": "UNKNOWN"})
        };
        let services: Vec<Value> = (10..30).map(silent).collect();
        (seen.path == SERVICES).then(|| Reply::json(&json!({"services": services})))
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    let error = told.result.unwrap_err().to_string();
    assert!(error.contains("c10, c11, c12, c13 and 16 more"), "{error}");
}

#[tokio::test]
async fn where_no_witness_can_be_heard_the_pass_goes_on() {
    let fake = Fake::start(|seen| (seen.path == SERVICES).then(|| Reply::status(403, "{}"))).await;
    audit(&client(&fake), Part::Servers).await.result.unwrap();
    let asked = fake.seen(SERVICES).len();
    assert_eq!(asked, 1, "it is not asked again in vain");
    let old = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/" => answer(json!({"version": {
            "id": "v2.1", "version": "2.68", "min_version": "2.1"}})),
        _ => None,
    })
    .await;
    audit(&client(&old), Part::Servers).await.result.unwrap();
    assert_eq!(old.seen(SERVICES).len(), 0, "it would not tell");
}

#[tokio::test]
async fn a_witness_that_fails_fails_the_pass_and_its_pages_are_kept() {
    for body in [(500, "{}"), (404, "{}"), (200, "{}")].map(|(it, body)| Reply::status(it, body)) {
        let fake = Fake::start(move |seen| match seen.path.as_str() {
            SERVERS => servers_without_a_cell(seen),
            SERVICES => Some(body.clone()),
            _ => None,
        })
        .await;
        let told = audit(&client(&fake), Part::Servers).await;
        assert_eq!(told.servers().len(), 1);
        let error = told.result.unwrap_err().to_string();
        assert!(error.contains("GET /os-services"), "{error}");
    }
}

/// A Nova of so many pages of one server each, and who moves its clock.
async fn of_pages(count: usize, page_takes: Duration) -> (Fake, OpenStack) {
    let (clock, hand) = Clock::manual(UnixMillis::from_secs(1_795_280_000));
    let fake = Fake::start(move |seen| {
        if seen.path != SERVERS {
            return None;
        }
        hand.advance(page_takes);
        let page: usize = seen.marker().parse().map_or(0, |it: usize| it + 1);
        let mut body = json!({"servers": [server(&page.to_string())]});
        if page + 1 < count {
            body["servers_links"] = json!([{"rel": "next", "href": format!("?marker={page}")}]);
        }
        answer(body)
    })
    .await;
    let cloud = OpenStack::with_patience(&options(fake.url()), clock, hasty()).unwrap();
    (fake, cloud)
}

#[tokio::test]
async fn between_small_pages_the_witness_is_not_heard_every_time_but_around_all_of_them() {
    for (page_takes_s, looks) in [(0, 2), (1, 3), (4, 6), (5, 11)] {
        let (fake, cloud) = of_pages(10, Duration::from_secs(page_takes_s)).await;
        let told = audit(&cloud, Part::Servers).await;
        assert_eq!(told.servers().len(), 10);
        told.result.unwrap();
        let asked = fake.seen(SERVICES).len();
        assert_eq!(asked, looks, "pages of {page_takes_s} s");
    }
}

#[tokio::test]
async fn a_cell_that_is_back_between_list_and_look_is_asked_again_for_its_changes() {
    // Until the second list was made, the cell is silent.
    let lists = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start(move |seen| match seen.path.as_str() {
        SERVERS if lists.fetch_add(1, Ordering::SeqCst) < 2 => servers_without_a_cell(seen),
        SERVERS => answer(json!({"servers": [server("a"), server("b")]})),
        SERVICES if lists.load(Ordering::SeqCst) < 2 => services_without_a_cell(),
        _ => None,
    })
    .await;
    let cloud = client(&fake);
    let since = Mark(UnixMillis::from_secs(1_795_280_000));
    for _ in 0..2 {
        let told = changes(&cloud, Part::Servers, since).await;
        assert!(told.result.is_err(), "b is yet to come");
    }
    let told = changes(&cloud, Part::Servers, since).await;
    assert_eq!(told.servers().len(), 2);
    told.result.unwrap();
    // Once all is well, one look is enough.
    let before = fake.seen(SERVICES).len();
    let told = changes(&cloud, Part::Servers, since).await;
    told.result.unwrap();
    assert_eq!(fake.seen(SERVICES).len(), before + 1);
}
