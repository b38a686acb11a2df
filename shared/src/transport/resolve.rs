//! From a name to the first of its addresses that answers.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::error::TransportError;

/// The time that a name service may take before the next attempt does better.
const RESOLVE_MAX: Duration = Duration::from_secs(5);

/// The most addresses tried of one name.
const ADDRESSES_MAX: usize = 8;

/// The wait for one address before the next is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// The addresses of `host:port`, the families by turns, IPv6 first.
pub(super) async fn resolve(host: &str) -> Result<Vec<SocketAddr>, TransportError> {
    let lookup = tokio::time::timeout(RESOLVE_MAX, tokio::net::lookup_host(host)).await;
    let found = lookup
        .unwrap_or_else(|elapsed| Err(elapsed.into()))
        .map_err(|source| TransportError::Resolve {
            host: host.to_owned(),
            source,
        })?;
    let addresses = by_turns(found);
    if addresses.is_empty() {
        let host = host.to_owned();
        return Err(TransportError::NoAddress { host });
    }
    Ok(addresses)
}

fn by_turns(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut seen: Vec<SocketAddr> = Vec::new();
    for address in found.take(ADDRESSES_MAX * 8) {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    let (v6, v4): (Vec<_>, Vec<_>) = seen.into_iter().partition(SocketAddr::is_ipv6);
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    std::iter::repeat_with(|| [v6.next(), v4.next()])
        .take(ADDRESSES_MAX)
        .flatten()
        .flatten()
        .take(ADDRESSES_MAX)
        .collect()
}

/// Tries the addresses, each a head start after the one before or at once when that has failed;
/// the first that succeeds wins, and the others are dropped. Else the last failure.
pub(super) async fn race<T, F>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, TransportError>
where
    F: Future<Output = Result<T, TransportError>>,
{
    let mut addresses = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut failure = None;
    loop {
        match addresses.next() {
            Some(address) => running.push(attempt(address)),
            None if running.is_empty() => break,
            None => {}
        }
        let next = async {
            match addresses.len() {
                0 => std::future::pending().await,
                _ => tokio::time::sleep(HEAD_START).await,
            }
        };
        tokio::select! {
            outcome = running.next() => match outcome {
                Some(Ok(won)) => return Ok(won),
                Some(Err(error)) => failure = Some(error),
                None => {}
            },
            () = next => {}
        }
    }
    Err(failure.unwrap_or(TransportError::NoAddress {
        host: "the hub".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::runtime::clock::Clock;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns_and_repeats_are_dropped() {
        let found = [
            "10.0.0.1:1",
            "10.0.0.1:1",
            "10.0.0.2:1",
            "[::1]:1",
            "10.0.0.3:1",
        ];
        let order = by_turns(found.into_iter().map(address));
        let expected = ["[::1]:1", "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"];
        assert_eq!(order, expected.map(address));
        let many = (0..100).map(|i| address(&format!("10.0.0.{i}:1")));
        assert_eq!(by_turns(many).len(), ADDRESSES_MAX);
    }

    fn refused(address: SocketAddr) -> TransportError {
        TransportError::Family { address }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_that_answers_wins() {
        let started = Clock::system().now();
        let tried = Mutex::new(Vec::new());
        let addresses: Vec<_> = (1..=4).map(|i| address(&format!("10.0.0.{i}:1"))).collect();
        let won = race(addresses.clone(), |address| {
            tried.lock().unwrap().push(address);
            let silent = address.ip().to_string() == "10.0.0.1";
            let refuses = address.ip().to_string() == "10.0.0.2";
            async move {
                match (silent, refuses) {
                    (true, _) => std::future::pending().await,
                    (_, true) => Err(refused(address)),
                    _ => Ok(address),
                }
            }
        });
        assert_eq!(won.await.unwrap(), addresses[2]);
        assert_eq!(*tried.lock().unwrap(), addresses[..3]);
        assert_eq!(
            Clock::system().now() - started,
            HEAD_START,
            "a refusal costs no wait"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_the_last_failure_is_told() {
        let addresses = vec![address("10.0.0.1:1"), address("10.0.0.2:1")];
        let lost: Result<(), _> = race(addresses, |at| async move { Err(refused(at)) }).await;
        let TransportError::Family { address } = lost.unwrap_err() else {
            panic!("another error")
        };
        assert_eq!(address.to_string(), "10.0.0.2:1");
    }

    #[tokio::test]
    async fn addresses_need_no_lookup_and_nonsense_says_which() {
        let error = resolve("a hub without a port").await.unwrap_err();
        assert!(
            error.to_string().contains("a hub without a port"),
            "{error}"
        );
        let found = resolve("127.0.0.1:7443").await.unwrap();
        assert_eq!(found, [address("127.0.0.1:7443")]);
    }
}
