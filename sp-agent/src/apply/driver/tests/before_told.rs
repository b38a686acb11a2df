//! What the hub hears before it told its directory.

use super::*;

#[tokio::test(start_paused = true)]
async fn whether_its_directory_will_be_followed_is_told_before_it_is() {
    let store = Store::default();
    let mut bench = Bench::following(|_| None, store, Replica::default());
    let said = |it: &Option<Remarks>| it.as_ref().map(|it| it.applying.read_only);
    for read_only in [false, true, false] {
        bench.policy.send_modify(|it| it.read_only = read_only);
        let told = bench.remarks.wait_for(|it| said(it) == Some(read_only));
        let told = tokio::time::timeout(Duration::from_secs(60), told).await;
        let told = told.unwrap().unwrap().clone().unwrap();
        assert_eq!((told.remarks.len(), told.recalled), (0, None));
        assert_eq!(told.applying.desired, 0);
    }
    bench.shutdown.begin();
    bench.task.await.unwrap();
}
