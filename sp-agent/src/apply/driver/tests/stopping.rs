//! What has ended when the agent stops.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_has_ended_when_it_stops_is_kept_and_told() {
    let trouble: Trouble = |number| (number > 1).then_some(Wrong::Hangs);
    let bench = Bench::start(trouble, Store::default());
    bench.read().await;
    let made = || bench.cloud.made.lock().unwrap().len();
    while made() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // What ends soon after may be kept together with it.
    tokio::time::sleep(GATHER_MAX / 2).await;
    bench.shutdown.begin();
    bench.task.await.unwrap();
    assert_eq!(bench.store.base.lock().unwrap().objects.len(), 2);
    assert_eq!(bench.store.told.lock().unwrap().len(), 2);
    let audited = bench.store.audited.lock().unwrap();
    assert_eq!(audited.iter().flatten().count(), 2);
}
