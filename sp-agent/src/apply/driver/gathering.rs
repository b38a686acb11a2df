//! What ends soon one after the other is kept together.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

/// What ends within this is kept and told together. Each alone would be three commits of this
/// agent's and more at the hub, perhaps on the disk that the cloud writes to.
pub(super) const GATHER_MAX: Duration = Duration::from_millis(100);

/// What has ended, and what ends until `soon` while more than `least` go on: those are the cloud's
/// work meanwhile. So what runs alone waits for nothing.
pub(super) async fn gather<T>(
    first: T,
    under_way: &mut FuturesUnordered<BoxFuture<'static, T>>,
    least: usize,
    soon: impl Future<Output = ()>,
) -> Vec<T> {
    let mut ended = vec![first];
    tokio::pin!(soon);
    loop {
        if under_way.len() > least {
            tokio::select! {
                biased;
                Some(next) = under_way.next() => ended.push(next),
                () = &mut soon => return ended,
            }
        } else if let Some(next) = under_way.next().now_or_never().flatten() {
            ended.push(next);
        } else {
            return ended;
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    fn orders(ends_after_ms: &[u64]) -> FuturesUnordered<BoxFuture<'static, u64>> {
        let order = |it: &u64| {
            let it = *it;
            async move {
                tokio::time::sleep(Duration::from_millis(it)).await;
                it
            }
            .boxed()
        };
        ends_after_ms.iter().map(order).collect()
    }

    async fn gathered(mut orders: FuturesUnordered<BoxFuture<'static, u64>>) -> (Vec<u64>, u128) {
        let clock = Clock::system();
        let begun = clock.now();
        let ended = gather(0, &mut orders, 4, tokio::time::sleep(GATHER_MAX)).await;
        (ended, clock.now().duration_since(begun).as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_soon_is_kept_together_while_half_go_on() {
        let (ended, took_ms) = gathered(orders(&[10, 20, 30, 40, 50, 60, 70])).await;
        assert_eq!(ended, [0, 10, 20, 30]);
        assert_eq!(took_ms, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn what_runs_alone_or_beside_few_waits_for_nothing() {
        for beside in [&[][..], &[10], &[10, 20, 30, 40]] {
            assert_eq!(gathered(orders(beside)).await, (vec![0], 0));
        }
        assert_eq!(
            gathered(orders(&[0, 0, 10])).await.0,
            [0, 0, 0],
            "what ended already"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_waits_for_what_hangs() {
        let (ended, took_ms) = gathered(orders(&[50, 900, 900, 900, 900, 900, 900])).await;
        assert_eq!((ended, took_ms), (vec![0, 50], 100));
    }
}
