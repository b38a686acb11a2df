//! Health samples and their means, by time.

use std::time::Duration;

use serde_json::json;

use crate::kit::Kit;

#[tokio::test]
async fn samples_come_by_time_page_by_page() {
    let mut kit = Kit::new().await;
    let no = kit.region("north", 1).await;
    kit.samples(no, 600).await;
    kit.hand.advance(Duration::from_secs(1));
    let (mut count, mut last, mut after) = (0, String::new(), String::new());
    loop {
        let path = format!("/api/v1/regions/north/samples?limit=250{after}");
        let page = kit.get(&path).await.json();
        for sample in page["items"].as_array().unwrap() {
            let at = sample["at"].as_str().unwrap();
            assert!(at > last.as_str(), "{at} after {last}");
            last = at.to_owned();
            count += 1;
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!((count, last.as_str()), (600, "2026-11-21T18:00:00.000Z"));
    let span = "from=2026-11-21T17:55:00Z&to=2026-11-21T17:55:01Z";
    let one = kit
        .get(&format!("/api/v1/regions/north/samples?{span}"))
        .await
        .json();
    let expected = json!({
        "at": "2026-11-21T17:55:00.000Z", "cpu_permille": [100, 200], "load_centi": [0, 0, 0],
        "memory_used_mib": 0, "memory_total_mib": 2048, "disks": [], "nics": [],
        "latencies": [{ "service": "compute", "millis": 12 }],
    });
    assert_eq!(one, json!({ "items": [expected] }));

    kit.hand.advance(Duration::from_secs(600));
    kit.store.change(|it| it.average(100)).await.unwrap();
    let means = kit.get("/api/v1/regions/north/means").await.json();
    let mean = &means["items"][0];
    assert_eq!(mean["cpu_permille"], json!([100, 200]));
    assert!(mean["count"].as_u64().unwrap() > 50, "{mean}");
    assert_eq!(mean["failures"], json!([]));
}

#[tokio::test]
async fn wrong_times_and_cursors_are_told() {
    let mut kit = Kit::new().await;
    kit.region("north", 1).await;
    for query in [
        "from=yesterday",
        "to=5",
        "after=AAAA",
        "limit=0",
        "from=1960-01-01T00:00:00Z",
    ] {
        let path = format!("/api/v1/regions/north/samples?{query}");
        kit.get(&path).await.is_problem(400, "invalid-request");
    }
    kit.get("/api/v1/regions/none/means")
        .await
        .is_problem(404, "not-found");
}
