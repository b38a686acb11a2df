//! Lists, from their beginning to their end.

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, Seen, answer};

/// Nova's answer with a link to what follows `marker`, at an address where nobody should go.
fn page(ids: &[&str], next: Option<&str>) -> Option<Reply> {
    let servers: Vec<Value> = ids.iter().map(|id| server(id)).collect();
    let mut body = json!({"servers": servers});
    if let Some(marker) = next {
        let href = format!("http://192.0.2.1/v2.1/servers/detail?limit=2&marker={marker}");
        body["servers_links"] = json!([{"rel": "next", "href": href}]);
    }
    answer(body)
}

fn names(told: &Told<Whole>) -> Vec<String> {
    told.servers().iter().map(|it| it.id.to_string()).collect()
}

#[tokio::test]
async fn pages_are_followed_by_their_markers_and_never_to_another_address() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => page(&["a", "b"], Some("b")),
        (SERVERS, "b") => page(&["c", "d"], Some("d")),
        (SERVERS, "d") => page(&["e"], None),
        _ => None,
    })
    .await;
    let mut options = options(fake.url());
    options.page_size = 2;
    let told = audit(&with(&options), Part::Servers).await;
    assert_eq!(names(&told), ["a", "b", "c", "d", "e"]);
    assert_eq!(told.pages.len(), 3);
    let seen = fake.seen(SERVERS);
    for question in &seen {
        assert_eq!(
            (question.query["limit"].as_str(), question.method.as_str()),
            ("2", "GET")
        );
        assert_eq!(question.query["all_tenants"], "1");
        assert_eq!(question.query["deleted"], "false");
        assert_eq!(question.query["soft_deleted"], "true");
        assert_eq!(question.microversion, "compute 2.96");
    }
}

#[tokio::test]
async fn a_list_that_leads_back_into_itself_is_an_error() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "b") => page(&["c", "d"], Some("d")),
        (SERVERS, _) => page(&["a", "b"], Some("b")),
        _ => None,
    })
    .await;
    let error = audit(&client(&fake), Part::Servers)
        .await
        .result
        .unwrap_err();
    assert!(
        error.to_string().contains("leads back to its own record b"),
        "{error}"
    );
    assert_eq!(fake.seen(SERVERS).len(), 3);
}

#[tokio::test]
async fn a_server_that_is_deleted_while_it_marks_the_place_costs_nothing() {
    let body = r#"{"badRequest": {"code": 400, "message": "marker [b] not found"}}"#;
    let fake = Fake::start(move |seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => page(&["a", "b"], Some("b")),
        (SERVERS, "b") => Some(Reply::status(400, body)),
        (SERVERS, "a") => page(&["c"], None),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    assert_eq!(names(&told), ["a", "b", "c"]);
    told.result.unwrap();
}

/// A page of servers, and whether each is placed; the link names the last one.
fn placed(servers: &[(&str, bool)], goes_on: bool) -> Option<Reply> {
    let of = |(id, is_placed): &(&str, bool)| {
        let mut server = server(id);
        server["status"] = json!(if *is_placed { "ACTIVE" } else { "BUILD" });
        server["hostId"] = json!(if *is_placed { "2091634b" } else { "" });
        server
    };
    let mut body = json!({"servers": servers.iter().map(of).collect::<Vec<Value>>()});
    if let Some((last, _)) = servers.last().filter(|_| goes_on) {
        body["servers_links"] = json!([{"rel": "next", "href": format!("?marker={last}")}]);
    }
    answer(body)
}

#[tokio::test]
async fn behind_a_server_that_is_in_no_cell_yet_no_list_is_followed() {
    // Nova 34 puts them first. Those of the first page are in their cell when the second one is
    // asked for, which then begins behind all older servers.
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => placed(&[("new1", false), ("new2", false)], true),
        (SERVERS, _) => placed(&[("new3", true)], false),
        _ => None,
    })
    .await;
    let cloud = client(&fake);
    let whole = audit(&cloud, Part::Servers).await.result.map(drop);
    let changed = changes(&cloud, Part::Servers, Mark(UnixMillis(0))).await;
    for result in [whole, changed.result.map(drop)] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("not placed yet"), "{error}");
    }
    assert_eq!(fake.seen(SERVERS).len(), 2, "one page each");
}

#[tokio::test]
async fn a_server_that_is_never_placed_holds_up_no_list() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => placed(&[("new", false), ("a", true), ("stuck", false)], true),
        (SERVERS, "a") => placed(&[("stuck", false), ("b", true)], true),
        (SERVERS, "b") => placed(&[("other", false)], false),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    assert_eq!(names(&told), ["new", "a", "stuck", "stuck", "b", "other"]);
    told.result.unwrap();
}

#[tokio::test]
async fn a_marker_that_is_gone_is_not_replaced_by_a_server_in_no_cell() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => placed(&[("new", false), ("a", true)], true),
        (SERVERS, "a") => Some(Reply::status(400, "{}")),
        (SERVERS, _) => placed(&[], false),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    assert!(told.result.is_err());
    assert_eq!(fake.seen(SERVERS).len(), 2);
}

#[tokio::test]
async fn a_failure_on_the_second_page_fails_the_pass_and_keeps_the_first() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.marker()) {
        (SERVERS, "") => page(&["a", "b"], Some("b")),
        (SERVERS, _) => Some(Reply::status(403, "{}")),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    assert_eq!(names(&told), ["a", "b"]);
    assert!(told.result.is_err());
}

#[tokio::test]
async fn a_keystone_that_does_not_know_pages_is_asked_without() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/identity/v3/projects" if seen.query.contains_key("limit") => {
            Some(Reply::status(400, "{}"))
        }
        "/identity/v3/projects" => answer(json!({
            "projects": [{"id": "p1", "name": "one"}, {"id": "p2", "name": "two"}],
            "links": {"next": null}})),
        "/compute/v2.1/os-quota-sets/p1/detail" | "/compute/v2.1/os-quota-sets/p2/detail" => {
            answer(json!({"quota_set": {"cores": {"limit": 1, "in_use": 0, "reserved": 0}}}))
        }
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::ComputeQuota).await;
    assert_eq!(told.records().len(), 2);
    told.result.unwrap();
}

#[tokio::test]
async fn a_list_that_keystone_cuts_is_an_error() {
    let fake = Fake::start(|seen| {
        let body = json!({"projects": [], "links": {"next": null}, "truncated": true});
        (seen.path == "/identity/v3/projects").then(|| Reply::json(&body))
    })
    .await;
    let error = audit(&client(&fake), Part::VolumeQuota)
        .await
        .result
        .unwrap_err();
    assert!(error.to_string().contains("list_limit"), "{error}");
}

fn limits(fake: &Fake) -> Vec<(String, String)> {
    let seen = fake.seen(SERVERS);
    let of = |it: &Seen| (it.marker().to_owned(), it.query["limit"].clone());
    seen.iter().map(of).collect()
}

fn asked(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(marker, limit): &(&str, &str)| ((*marker).to_owned(), (*limit).to_owned());
    list.iter().map(owned).collect()
}

#[tokio::test]
async fn a_page_that_is_too_long_is_asked_for_in_smaller_ones_from_the_same_place() {
    let fake = Fake::start(|seen| {
        let small = seen.query.get("limit").is_some_and(|it| it == "100");
        match (seen.path.as_str(), seen.marker()) {
            (SERVERS, "") => page(&["a", "b"], Some("b")),
            (SERVERS, "b") if !small => Some(Reply::status(200, vec![b' '; 33 * 1024 * 1024])),
            (SERVERS, "b") => page(&["c"], Some("c")),
            (SERVERS, "c") => page(&["d"], None),
            _ => None,
        }
    })
    .await;
    let mut options = options(fake.url());
    options.page_size = 300;
    let told = audit(&with(&options), Part::Servers).await;
    assert_eq!(names(&told), ["a", "b", "c", "d"]);
    told.result.unwrap();
    let expected = [
        ("", "300"),
        ("b", "300"),
        ("b", "150"),
        ("b", "100"),
        ("c", "100"),
    ];
    assert_eq!(limits(&fake), asked(&expected));
}

#[tokio::test]
async fn a_page_that_takes_too_long_is_not_asked_for_again_but_a_smaller_one() {
    let fake = Fake::start(|seen| {
        let small = seen.query.get("limit").is_some_and(|it| it == "100");
        match (seen.path.as_str(), small) {
            (SERVERS, false) => Some(Reply::status(200, "{}").after(Duration::from_secs(60))),
            (SERVERS, true) => page(&["a"], None),
            _ => None,
        }
    })
    .await;
    let mut options = options(fake.url());
    options.page_size = 300;
    options.request_timeout = Duration::from_millis(300);
    let told = audit(&with(&options), Part::Servers).await;
    assert_eq!(names(&told), ["a"]);
    told.result.unwrap();
    assert_eq!(
        limits(&fake),
        asked(&[("", "300"), ("", "150"), ("", "100")])
    );
}

#[tokio::test]
async fn a_list_whose_pages_were_too_much_is_asked_for_small_ones_for_an_hour() {
    let fake = Fake::start(|seen| {
        let small = seen.query.get("limit").is_some_and(|it| it == "100");
        match (seen.path.as_str(), small) {
            (SERVERS, false) => Some(Reply::status(504, "{}")),
            (SERVERS, true) => page(&["a"], None),
            _ => None,
        }
    })
    .await;
    let mut options = options(fake.url());
    options.page_size = 150;
    let (clock, hand) = Clock::manual(UnixMillis::from_secs(1_795_280_000));
    let cloud = OpenStack::with_patience(&options, clock, hasty()).unwrap();
    let told = audit(&cloud, Part::Servers).await;
    let told: Vec<usize> = told.pages.iter().map(|it| it.records.len()).collect();
    assert_eq!(told, [0, 1], "who waits hears that the pass goes on");
    audit(&cloud, Part::Servers).await.result.unwrap();
    hand.advance(Duration::from_secs(3601));
    audit(&cloud, Part::Servers).await.result.unwrap();
    let expected = [
        ("", "150"),
        ("", "100"),
        ("", "100"),
        ("", "150"),
        ("", "100"),
    ];
    assert_eq!(limits(&fake), asked(&expected));
}

#[tokio::test]
async fn a_list_that_is_slow_however_little_is_asked_for_is_given_up() {
    let fake = Fake::start(|seen| {
        let slow = || Reply::status(200, "{}").after(Duration::from_secs(60));
        (seen.path == SERVERS).then(slow)
    })
    .await;
    let mut options = options(fake.url());
    options.page_size = 250;
    options.request_timeout = Duration::from_millis(100);
    let told = audit(&with(&options), Part::Servers).await;
    let error = told.result.unwrap_err().to_string();
    assert!(error.contains("timed out"), "{error}");
    assert_eq!(
        limits(&fake),
        asked(&[("", "250"), ("", "125"), ("", "100")])
    );
}

#[tokio::test]
async fn pages_that_an_operator_wants_smaller_are_small_and_made_no_smaller() {
    let fake = Fake::start(|seen| (seen.path == SERVERS).then(|| Reply::status(504, "{}"))).await;
    let mut options = options(fake.url());
    options.page_size = 30;
    audit(&with(&options), Part::Servers)
        .await
        .result
        .unwrap_err();
    assert_eq!(limits(&fake), asked(&[("", "30")]));
}

#[tokio::test]
async fn a_page_that_a_proxy_did_not_wait_for_is_asked_for_in_smaller_ones() {
    let fake = Fake::start(|seen| match (seen.path.as_str(), seen.before) {
        (SERVERS, 0) => Some(Reply::status(504, "<h1>504 Gateway Time-out</h1>")),
        (SERVERS, _) => page(&["a"], None),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    told.result.unwrap();
    assert_eq!(limits(&fake), asked(&[("", "1000"), ("", "500")]));
}

/// Every page takes ten seconds by the clock that the client measures with.
async fn slow_pages(date: &'static str) -> Told<Whole> {
    let (clock, hand) = Clock::manual(UnixMillis::from_secs(1_795_280_000));
    let fake = Fake::start(move |seen| {
        let reply = match (seen.path.as_str(), seen.marker()) {
            (SERVERS, "") => page(&["a", "b"], Some("b")),
            (SERVERS, "b") => page(&["c"], None),
            _ => None,
        };
        let reply = reply?.header("date", date);
        hand.advance(Duration::from_secs(10));
        Some(reply)
    })
    .await;
    let cloud = OpenStack::with_patience(&options(fake.url()), clock, hasty()).unwrap();
    audit(&cloud, Part::Servers).await
}

#[tokio::test]
async fn the_mark_is_when_the_first_page_was_asked_for_by_the_clouds_clock() {
    for (date, mark) in [
        // Behind ours by 200 s when the answer came, which took ten.
        ("Sat, 21 Nov 2026 16:50:10 GMT", 1_795_279_800),
        // Fast: it may be one machine's clock, and ours is believed.
        ("Sat, 21 Nov 2026 16:58:40 GMT", 1_795_280_000),
        ("Sat, 21 Nov 2026 17:03:30 GMT", 1_795_280_000),
        // So fast that ours must be slow.
        ("Sat, 21 Nov 2026 17:03:31 GMT", 1_795_280_001),
        ("Sat, 21 Nov 2026 18:10:00 GMT", 1_795_283_990),
    ] {
        let told = slow_pages(date).await;
        let expected = Mark(UnixMillis::from_secs(mark));
        assert_eq!(told.result.unwrap().mark, expected, "{date}");
    }
}

#[tokio::test]
async fn without_the_clouds_clock_the_mark_is_well_before_the_pass_by_ours() {
    // An answer without a date, as far as can be read.
    let told = slow_pages("soon").await;
    let begun = 1_795_280_000 - 240;
    let mark = told.result.unwrap().mark;
    assert_eq!(mark, Mark(UnixMillis::from_secs(begun)));
}
