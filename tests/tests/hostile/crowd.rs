//! Connections by the hundred that never speak.

use std::sync::Arc;
use std::time::Duration;

use shared::pki::{TlsClock, join_client};
use shared::transport::{DialOptions, Dialer};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::log;
use super::stage::Stage;

/// Connections in all, by a certificate and without one: as many as a loaded machine with two cores
/// shakes hands with, on both sides, in half a minute.
const CONNECTIONS: usize = 400;

/// How many of each sort shake hands at once: their own half of the work is this process's too, and
/// would else be what the honest region waits for.
const WAVE: usize = 16;

/// Connects, says nothing, and stays until the hub has had enough.
async fn crowd(dialer: Arc<Dialer>, hub: std::net::SocketAddr, member: bool) -> usize {
    let mut calls = JoinSet::new();
    let mut ended = 0;
    let wave = Arc::new(Semaphore::new(WAVE));
    for _ in 0..CONNECTIONS / 2 {
        let shaking = Arc::clone(&wave).acquire_owned().await.unwrap();
        let dialer = Arc::clone(&dialer);
        calls.spawn(async move {
            if member {
                if let Ok(link) = dialer.dial(hub).await {
                    drop(shaking);
                    // Even the control stream stays shut.
                    tokio::time::timeout(Duration::from_secs(60), link.closed())
                        .await
                        .unwrap();
                }
            } else if let Ok(call) = dialer.dial_join(hub).await {
                drop(shaking);
                tokio::time::sleep(Duration::from_secs(12)).await;
                drop(call);
            }
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
        ended += 1;
    }
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_that_never_speak_cost_little_and_are_soon_gone() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let (hub, id) = (traitor.hub, traitor.id());
    let pin = stage.hub.hub.authority.anchor().pin();
    let tls = join_client(pin, &TlsClock::system()).unwrap();
    let strangers = Arc::new(Dialer::new(tls, DialOptions::default()).unwrap());
    let members = Arc::new(traitor.dialer);
    let (silent, joiners) = tokio::join!(crowd(members, hub, true), crowd(strangers, hub, false));
    assert_eq!(silent + joiners, CONNECTIONS);
    assert_eq!(
        stage.hub.hub.registry.len(),
        1,
        "only the honest region has a session"
    );
    let logged = log::lines_with(&["never became a session", &id]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}
