//! `join`: what a region's coming costs the hub, over the network, until it has its certificate.
//!
//! Invitations are made beforehand; what is counted is the handshake, the token's and the key's
//! proof, the certificate, the region's row, the answer and the connection's end.
//!
//! What the database costs is the processor time of the one thread that writes, told apart by its
//! name. That thread also signs the certificate, within the transaction, and signing is no
//! database: it is measured here by itself, and counted back to the hub's own share.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::ids::{FederationId, RegionId};
use shared::pki::{Authority, BoundKey, Csr, JoinToken, Peer, Serial, Validity};

use super::figures::median;
use super::process::cpu_ns_by_thread;

/// Joins: fewer than the hub lets one source have in a burst, those to warm up included.
pub const JOINS: usize = 200;

/// Joins before the counted ones.
pub const WARM_UP: usize = 40;

/// Joins at a time: fewer than the hub lets one source have.
const AT_ONCE: usize = 6;

/// The hub's writer, as the kernel knows it.
const WRITER: &str = "store-writer";

/// After the last answer, connections end.
const ENDINGS: Duration = Duration::from_millis(500);

/// What came of it, µs of processor time for each join.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Joined {
    /// All threads but the writer, and the certificate's signing.
    pub beyond_database: f64,
    /// The writer's thread, without the signing.
    pub database: f64,
}

/// Joins, prints.
///
/// # Panics
/// If a join is refused.
pub async fn join_all(dir: &Path, hub: SocketAddr, pid: u32) {
    let tokens: Vec<String> =
        serde_json::from_slice(&std::fs::read(dir.join("tokens.json")).unwrap()).unwrap();
    let (warm_up, counted) = tokens.split_at(WARM_UP);
    join_each(hub, warm_up).await;
    let (writer, others) = cpu_ns_by_thread(pid, WRITER);
    join_each(hub, counted).await;
    let (writer_then, others_then) = cpu_ns_by_thread(pid, WRITER);
    let each =
        |then: u64, before: u64| then.saturating_sub(before) as f64 / 1000.0 / counted.len() as f64;
    let signing = signing_us();
    let joined = Joined {
        beyond_database: each(others_then, others) + signing,
        database: (each(writer_then, writer) - signing).max(0.0),
    };
    println!("{}", serde_json::to_string(&joined).unwrap());
}

async fn join_each(hub: SocketAddr, tokens: &[String]) {
    let join = async |token: &String| {
        let (dir, token) = (crate::inproc::private_dir(), token.parse().unwrap());
        let token: JoinToken = token;
        let joined = crate::inproc::join(dir.path(), &token, hub).await;
        joined.unwrap_or_else(|why| panic!("a join was refused: {why}"));
    };
    stream::iter(tokens)
        .for_each_concurrent(AT_ONCE, join)
        .await;
    tokio::time::sleep(ENDINGS).await;
}

/// One certificate's making, µs.
fn signing_us() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = since.unwrap().as_secs();
    let authority = Authority::create(FederationId::from_random(1), now).unwrap();
    let csr = Csr::create(&BoundKey::generate().unwrap()).unwrap();
    let times = (0..JOINS).map(|number| {
        let begun = Instant::now();
        let region = Peer::Region(RegionId::from_random(number as u128 + 1));
        let validity = Validity::starting(now, Duration::from_secs(24 * 3600));
        let serial = Serial::generate().unwrap();
        let issued = authority.issue(&csr, region, serial, validity).unwrap();
        assert!(!issued.to_pem().is_empty());
        begun.elapsed().as_secs_f64() * 1e6
    });
    median(times.collect())
}
