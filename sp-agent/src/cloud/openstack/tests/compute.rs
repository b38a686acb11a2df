//! Servers, of new clouds and of old ones.

use shared::model::{CloudId, Key, RecordKind};

use super::*;
use crate::cloud::openstack::testing::{Fake, Reply, answer};

#[tokio::test]
async fn changes_are_asked_for_by_the_clouds_clock_and_tell_deletions() {
    let fake = Fake::start(|seen| {
        let mut gone = server("b");
        gone["status"] = json!("DELETED");
        let body = json!({"servers": [server("a"), gone]});
        let reply = || Reply::json(&body).header("date", "Sat, 21 Nov 2026 16:50:00 GMT");
        (seen.path == SERVERS).then(reply)
    })
    .await;
    let (cloud, _) = timed(&fake);
    // 2026-11-21T18:04:01.864
    let since = Mark(UnixMillis(1_795_284_241_864));
    let told = changes(&cloud, Part::Servers, since).await;
    assert_eq!(told.servers().len(), 1);
    let deleted: Vec<&Key> = told.pages.iter().flat_map(|it| &it.deleted).collect();
    let id = CloudId::new("b");
    assert_eq!(
        deleted,
        [&Key {
            kind: RecordKind::Server,
            id
        }]
    );
    let mark = Mark(UnixMillis(1_795_279_800_000));
    assert_eq!(
        told.result.unwrap(),
        Some(mark),
        "16:50:00, as the answer's date, though it is before the last mark"
    );
    let question = &fake.seen(SERVERS)[0];
    assert_eq!(question.query["changes-since"], "2026-11-21T18:03:01Z");
    assert!(!question.query.contains_key("deleted"));
}

#[tokio::test]
async fn a_server_that_can_still_be_restored_is_told_by_audit_and_changes_alike() {
    // Nova 34, `instance_get_all_by_filters_sort`: such a server is not among those that are not
    // deleted, unless it is asked for.
    let fake = Fake::start(|seen| {
        let mut restorable = server("b");
        restorable["status"] = json!("SOFT_DELETED");
        let asked = |name: &str| seen.query.contains_key(name);
        let servers = match asked("soft_deleted") || asked("changes-since") {
            true => json!([server("a"), restorable]),
            false => json!([server("a")]),
        };
        (seen.path == SERVERS).then(|| Reply::json(&json!({"servers": servers})))
    })
    .await;
    let cloud = client(&fake);
    let whole = audit(&cloud, Part::Servers).await;
    let changed = changes(&cloud, Part::Servers, Mark(UnixMillis(0))).await;
    assert_eq!(whole.servers().len(), 2);
    assert_eq!(whole.servers(), changed.servers());
    assert!(changed.pages.iter().all(|it| it.deleted.is_empty()));
}

#[tokio::test]
async fn an_old_novas_flavors_are_looked_up() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/" => answer(json!({"version": {
            "id": "v2.1", "version": "2.38", "min_version": "2.1"}})),
        SERVERS => {
            let of = |id: &str, flavor: &str| {
                let mut server = server(id);
                server["flavor"] = json!({"id": flavor, "links": []});
                server
            };
            answer(json!({"servers": [of("a", "7"), of("b", "8"), of("c", "gone")]}))
        }
        "/compute/v2.1/flavors/detail" => answer(json!({"flavors": [
            {"id": "7", "vcpus": 4, "ram": 2048, "disk": 20, "OS-FLV-EXT-DATA:ephemeral": 5}]})),
        "/compute/v2.1/flavors/8" => answer(json!({"flavor":
            {"id": "8", "vcpus": 1, "ram": 512, "disk": 1, "OS-FLV-EXT-DATA:ephemeral": 0}})),
        _ => None,
    })
    .await;
    let told = audit(&client(&fake), Part::Servers).await;
    let figures = |it: &&Server| (it.vcpus, it.memory_mib, it.disk_gib);
    let figures: Vec<(u32, u64, u64)> = told.servers().iter().map(figures).collect();
    assert_eq!(figures, [(4, 2048, 25), (1, 512, 1), (0, 0, 0)]);
    assert_eq!(fake.seen(SERVERS)[0].microversion, "compute 2.38");
    assert_eq!(fake.seen("/compute/v2.1/flavors/detail").len(), 1);
}

#[tokio::test]
async fn a_nova_without_microversions_is_asked_without() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/compute/v2.1/" => answer(json!({"version": {
            "id": "v2.0", "version": "", "min_version": ""}})),
        _ => None,
    })
    .await;
    audit(&client(&fake), Part::Servers).await.result.unwrap();
    assert_eq!(fake.seen(SERVERS)[0].microversion, "");
}
