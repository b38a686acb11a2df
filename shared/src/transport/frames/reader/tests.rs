//! The reader over a source that cuts, hesitates and trickles as it likes.

use std::collections::VecDeque;
use std::future::Future;

use futures_util::poll;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::wire::frame::FEED_BYTES_MAX;

/// Yields its pieces, each after being asked some more times, or after a time.
struct Script {
    pieces: VecDeque<Bytes>,
    rng: ChaCha8Rng,
    hesitant: bool,
    gap: Duration,
    open_end: bool,
}

impl Script {
    fn new(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self {
            pieces: pieces.into_iter().collect(),
            rng: ChaCha8Rng::seed_from_u64(7),
            hesitant: false,
            gap: Duration::ZERO,
            open_end: false,
        }
    }

    fn cut(mut bytes: Bytes, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let most = [1, 7, 1200, 40_000][rng.random_range(0..4)];
            let part = rng.random_range(1..=most.min(bytes.len()));
            pieces.push(bytes.split_to(part));
        }
        let mut script = Self::new(pieces);
        (script.rng, script.hesitant) = (rng, true);
        script
    }
}

impl Source for Script {
    async fn piece(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        while self.hesitant && self.rng.random_range(0..3) == 0 {
            tokio::task::yield_now().await;
        }
        if !self.gap.is_zero() {
            tokio::time::sleep(self.gap).await;
        }
        let Some(front) = self.pieces.front_mut() else {
            if self.open_end {
                std::future::pending::<()>().await;
            }
            return Ok(None);
        };
        let part = front.split_to(bytes_max.min(front.len()));
        if front.is_empty() {
            self.pieces.pop_front();
        }
        Ok(Some(part))
    }
}

fn frame(kind: u16, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    [&kind.to_le_bytes(), &len.to_le_bytes()[..], payload].concat()
}

fn run<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

/// Asks for the next frame, and gives up and asks again at any moment.
async fn next_interrupted(
    reader: &mut Reader<Script>,
    rng: &mut ChaCha8Rng,
) -> Result<Option<RawFrame>, ReadError> {
    loop {
        let mut next = Box::pin(reader.next());
        for _ in 0..rng.random_range(1..6) {
            if let std::task::Poll::Ready(outcome) = poll!(&mut next) {
                return outcome;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn payloads() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let len = prop_oneof![
        0usize..30,
        1000usize..3000,
        16_000usize..17_000,
        60_000usize..90_000
    ];
    let payload = (any::<u8>(), len).prop_map(|(byte, len)| vec![byte; len]);
    prop::collection::vec((any::<u16>(), payload), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// However a stream is cut, and whenever the reader is interrupted: what was written comes out,
    /// in order, once, and the budget is whole again afterwards.
    #[test]
    fn frames_come_whole_and_once(written in payloads(), seed: u64, counted: bool) {
        let bytes: Vec<u8> = written.iter().flat_map(|(kind, it)| frame(*kind, it)).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let mut reader = Reader::new(Script::cut(bytes.into(), seed), FEED_BYTES_MAX);
        let budget = ByteBudget::new(0);
        let whole = budget.available();
        if counted {
            reader.set_budget(budget.clone());
        }
        let read = run(async {
            let mut read = Vec::new();
            while let Some(frame) = next_interrupted(&mut reader, &mut rng).await.unwrap() {
                let large = frame.payload.len() > UNCOUNTED_BYTES_MAX;
                assert_eq!(frame.permit.is_some(), counted && large);
                if let Some(permit) = &frame.permit {
                    assert_eq!(permit.bytes(), frame.payload.len().next_multiple_of(1024));
                }
                read.push((frame.kind, frame.payload.to_vec()));
            }
            read
        });
        prop_assert_eq!(read, written);
        prop_assert_eq!(budget.available(), whole);
    }

    /// Garbage is frames or an error, never a panic, and never more memory than what came twice.
    #[test]
    fn garbage_is_bounded(bytes in prop::collection::vec(any::<u8>(), 0..4000), seed: u64) {
        let len = bytes.len();
        let mut reader = Reader::new(Script::cut(bytes.into(), seed), 1000);
        run(async {
            while let Ok(Some(frame)) = reader.next().await {
                assert!(frame.payload.len() <= 1000);
            }
        });
        if let State::Payload(payload) = &reader.state {
            prop_assert!(payload.bytes.capacity() <= (2 * len).max(RESERVE_BYTES_MIN));
        }
    }
}

#[test]
fn an_announced_length_costs_nothing() {
    let header = frame(1, &[])[..2].to_vec();
    let announced = [&header[..], &(FEED_BYTES_MAX as u32).to_le_bytes(), b"x"].concat();
    let mut script = Script::new([announced.into()]);
    script.open_end = true;
    let mut reader = Reader::new(script, FEED_BYTES_MAX);
    run(async {
        let _ = tokio::time::timeout(Duration::from_secs(1), reader.next()).await;
    });
    let State::Payload(payload) = &reader.state else {
        panic!("the header was read")
    };
    assert_eq!(
        (payload.bytes.len(), payload.bytes.capacity()),
        (1, RESERVE_BYTES_MIN)
    );
}

#[test]
fn too_long_a_frame_is_refused_by_its_header() {
    let header = [&[1, 0][..], &1001u32.to_le_bytes()].concat();
    let mut reader = Reader::new(Script::new([header.into()]), 1000);
    run(async {
        for _ in 0..2 {
            let error = reader.next().await.unwrap_err();
            assert!(matches!(
                error,
                ReadError::Frame(DecodeError::TooLong { len: 1001 })
            ));
            assert_eq!(error.close_code(), Some(CloseCode::Protocol));
        }
    });
}

#[test]
fn a_stream_that_ends_within_a_frame_is_broken() {
    let whole = frame(1, b"abc");
    for len in 1..whole.len() {
        let mut reader = Reader::new(Script::new([whole[..len].to_vec().into()]), 1000);
        let outcome = run(reader.next());
        assert!(matches!(outcome, Err(ReadError::Truncated)), "{len}");
    }
    let mut reader = Reader::new(Script::new([]), 1000);
    assert!(
        run(reader.next()).unwrap().is_none(),
        "between frames it may end"
    );
}

/// A frame of `len` bytes that comes by a byte each `gap`.
fn trickle(len: usize, gap: Duration) -> Reader<Script> {
    let bytes = Bytes::from(frame(1, &vec![0; len]));
    let pieces: Vec<_> = (0..bytes.len()).map(|i| bytes.slice(i..=i)).collect();
    let mut script = Script::new(pieces);
    script.gap = gap;
    Reader::new(script, FEED_BYTES_MAX)
}

#[test]
fn a_slow_frame_is_given_up_after_its_time() {
    run(async {
        let started = Clock::system().now();
        let error = trickle(100, Duration::from_secs(1))
            .next()
            .await
            .unwrap_err();
        assert!(
            matches!(error, ReadError::Slow { arrived: 31, .. }),
            "{error}"
        );
        assert_eq!(error.close_code(), Some(CloseCode::Slow));
        // The first second was between frames.
        assert_eq!((Clock::system().now() - started), Duration::from_secs(31));
        assert!(trickle(20, Duration::from_secs(1)).next().await.is_ok());
    });
}

#[test]
fn a_slow_line_gets_a_second_for_each_4_kib() {
    // 1 MiB at 5 KB/s takes 210 s, at 3 KB/s it is given up.
    for (bytes_per_second, comes) in [(5_000, true), (3_000, false)] {
        let bytes = Bytes::from(frame(1, &vec![0; FEED_BYTES_MAX]));
        let pieces: Vec<_> = bytes
            .chunks(bytes_per_second)
            .map(Bytes::copy_from_slice)
            .collect();
        let mut script = Script::new(pieces);
        script.gap = Duration::from_secs(1);
        let outcome = run(Reader::new(script, FEED_BYTES_MAX).next());
        assert_eq!(outcome.is_ok(), comes, "{bytes_per_second}");
    }
}

#[test]
fn interruptions_give_a_slow_sender_no_more_time() {
    run(async {
        let started = Clock::system().now();
        let mut reader = trickle(1000, Duration::from_millis(900));
        let error = loop {
            match tokio::time::timeout(Duration::from_secs(1), reader.next()).await {
                Ok(outcome) => break outcome.unwrap_err(),
                Err(_interrupted) => {}
            }
        };
        assert!(matches!(error, ReadError::Slow { .. }), "{error}");
        assert!(
            (Clock::system().now() - started) < Duration::from_secs(35),
            "{:?}",
            (Clock::system().now() - started)
        );
    });
}

#[test]
fn a_callers_own_pauses_are_not_the_senders() {
    run(async {
        let mut reader = trickle(20, Duration::from_millis(600));
        // Each second call comes a minute late.
        let read = loop {
            match tokio::time::timeout(Duration::from_secs(1), reader.next()).await {
                Ok(outcome) => break outcome,
                Err(_interrupted) => tokio::time::sleep(Duration::from_secs(60)).await,
            }
        };
        assert!(read.is_ok());
    });
}

/// A header that announces the most, and then nothing.
fn stalled(budget: &ByteBudget) -> Reader<impl Source> {
    struct Silence(Option<Bytes>);
    impl Source for Silence {
        async fn piece(&mut self, _bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
            match self.0.take() {
                Some(piece) => Ok(Some(piece)),
                None => std::future::pending().await,
            }
        }
    }
    let mut bytes = frame(1, &vec![0; FEED_BYTES_MAX]);
    bytes.truncate(HEADER_BYTES + 1);
    let mut reader = Reader::new(Silence(Some(bytes.into())), FEED_BYTES_MAX);
    reader.set_budget(budget.clone());
    reader
}

/// How long a stalled frame is waited for, in whole seconds.
async fn patience(reader: &mut Reader<impl Source>) -> u64 {
    let begun = Clock::system().now();
    let error = reader.next().await.unwrap_err();
    assert!(matches!(error, ReadError::Slow { .. }), "{error}");
    (Clock::system().now() - begun).as_secs()
}

#[test]
fn a_frame_that_stalls_gives_way_to_those_who_wait() {
    run(async {
        let budget = ByteBudget::new(0);
        let mut alone = stalled(&budget);
        assert_eq!(patience(&mut alone).await, 30, "nobody waits");
        drop(alone);
        let mut first = stalled(&budget);
        let first = async {
            let waited = patience(&mut first).await;
            drop(first);
            waited
        };
        let (waited, second) = tokio::join!(first, budget.queue(FEED_BYTES_MAX));
        assert_eq!(waited, 5);
        assert_eq!(second.unwrap().bytes(), FEED_BYTES_MAX);
    });
}

#[test]
fn a_peer_that_stalls_holds_its_share_and_no_more() {
    run(async {
        let budget = ByteBudget::new(4 * FEED_BYTES_MAX);
        let share = budget.share();
        let mut readers: Vec<_> = (0..8).map(|_| stalled(&share)).collect();
        for reader in &mut readers {
            assert!(poll!(std::pin::pin!(reader.next())).is_pending());
        }
        assert_eq!(budget.available(), 2 * FEED_BYTES_MAX);
        let other = budget.share();
        assert!(poll!(other.queue(FEED_BYTES_MAX)).is_ready());
    });
}

/// A frame of so many bytes that comes at this rate.
fn steady(len: usize, bytes_per_second: usize, budget: &ByteBudget) -> Reader<Script> {
    const PIECES_PER_SECOND: usize = 10;
    let bytes = Bytes::from(frame(1, &vec![0; len]));
    let pieces = bytes.chunks(bytes_per_second / PIECES_PER_SECOND);
    let mut script = Script::new(pieces.map(Bytes::copy_from_slice).collect::<Vec<_>>());
    script.gap = Duration::from_secs(1) / PIECES_PER_SECOND as u32;
    let mut reader = Reader::new(script, FEED_BYTES_MAX);
    reader.set_budget(budget.clone());
    reader
}

/// 32 regions hold the hub's whole budget with frames that come slowly; those that come fast wait
/// for seconds, not for minutes, and a slow and honest one comes whole all the same.
#[test]
fn tricklers_hold_up_none_but_their_like() {
    const REGIONS: usize = 32;
    run(async {
        let budget = ByteBudget::new(2 * REGIONS * FEED_BYTES_MAX);
        let mut tricklers = futures_util::stream::FuturesUnordered::new();
        for _ in 0..REGIONS {
            let share = budget.share();
            // All that a region may have, and some of it of a size that can be set aside.
            for len in [384 << 10, 640 << 10, FEED_BYTES_MAX] {
                let mut reader = steady(len, 9 << 10, &share);
                tricklers.push(async move { reader.next().await.map(drop) });
            }
        }
        let (own, share) = (budget.share(), 256 << 10);
        let mut line = steady(share, 9 << 10, &own);
        let mut line = std::pin::pin!(line.next());
        let honest = async {
            // Each of them holds its place by now.
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(budget.available(), 0);
            let begun = Clock::system().now();
            let mut fast = steady(FEED_BYTES_MAX, 10 << 20, &budget.share());
            let mut also = steady(FEED_BYTES_MAX, 10 << 20, &budget.share());
            let (fast, also) = tokio::join!(fast.next(), also.next());
            assert!(fast.is_ok() && also.is_ok());
            Clock::system().now() - begun
        };
        let mut honest = std::pin::pin!(honest);
        let waited = loop {
            tokio::select! {
                waited = &mut honest => break waited,
                Some(_) = futures_util::StreamExt::next(&mut tricklers) => {}
                _ = &mut line => unreachable!("it takes half a minute"),
            }
        };
        assert!(waited < Duration::from_secs(7), "{waited:?}");
        assert!(line.await.unwrap().is_some());
    });
}

#[test]
fn a_place_in_the_budgets_queue_survives_interruptions() {
    run(async {
        let budget = ByteBudget::new(0);
        let large = vec![0; FEED_BYTES_MAX];
        let holder = budget.queue(FEED_BYTES_MAX).await.unwrap();
        let mut first = Reader::new(Script::new([frame(1, &large).into()]), FEED_BYTES_MAX);
        first.set_budget(budget.clone());
        for _ in 0..3 {
            let wait = tokio::time::timeout(Duration::from_secs(1), first.next());
            assert!(wait.await.is_err(), "there is no room yet");
        }
        let mut behind = std::pin::pin!(budget.queue(FEED_BYTES_MAX));
        assert!(poll!(&mut behind).is_pending());
        drop(holder);
        assert!(poll!(&mut behind).is_pending(), "the reader came first");
        let read = first.next().await.unwrap().unwrap();
        assert_eq!(read.payload.len(), FEED_BYTES_MAX);
        drop(read);
        assert!(poll!(&mut behind).is_ready());
    });
}
