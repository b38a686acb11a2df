//! A region's records, page by page.

use crate::kit::Kit;

#[tokio::test]
async fn many_records_come_page_by_page_each_once() {
    let mut kit = Kit::new().await;
    let no = kit.region("north", 1).await;
    kit.servers(no, 0, 2500).await;
    let (mut seen, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let path = format!("/api/v1/regions/north/servers?limit=1000{after}");
        let page = kit.get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(pages, 3);
    let expected: Vec<String> = (0..2500).map(|it| format!("server-{it:05}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_record_is_told_whole_and_other_kinds_are_empty() {
    let mut kit = Kit::new().await;
    let no = kit.region("north", 1).await;
    kit.servers(no, 7, 8).await;
    let page = kit.get("/api/v1/regions/north/servers").await.json();
    let expected = serde_json::json!({ "items": [{
        "id": "server-00007", "name": "web-7", "project": "p", "state": "running", "vcpus": 2,
        "memory_mib": 2048, "disk_gib": 10, "addresses": ["10.0.0.1"],
        "created": "2026-11-21T18:00:00.000Z", "changed": "2026-11-21T18:00:00.000Z",
    }] });
    assert_eq!(page, expected);
    for kind in [
        "volumes",
        "networks",
        "floating-ips",
        "nodes",
        "storage-pools",
        "quotas",
        "services",
    ] {
        let page = kit
            .get(&format!("/api/v1/regions/north/{kind}"))
            .await
            .json();
        assert_eq!(page, serde_json::json!({ "items": [] }), "{kind}");
    }
}
