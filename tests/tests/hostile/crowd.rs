//! Connections by the thousand that never speak.

use std::sync::Arc;
use std::time::Duration;

use shared::pki::{TlsClock, join_client};
use shared::transport::{DialOptions, Dialer};
use tokio::task::JoinSet;

use super::log;
use super::stage::Stage;

/// Connections in all, by a certificate and without one.
const CONNECTIONS: usize = 10_000;

/// How many of them begin at once.
const WAVE: usize = 50;

/// Connects, says nothing, and stays until the hub has had enough.
async fn crowd(dialer: Arc<Dialer>, hub: std::net::SocketAddr, member: bool) -> usize {
    let mut calls = JoinSet::new();
    let mut ended = 0;
    for number in 0..CONNECTIONS / 2 {
        let dialer = Arc::clone(&dialer);
        calls.spawn(async move {
            if member {
                if let Ok(link) = dialer.dial(hub).await {
                    // Even the control stream stays shut.
                    tokio::time::timeout(Duration::from_secs(60), link.closed())
                        .await
                        .unwrap();
                }
            } else if let Ok(call) = dialer.dial_join(hub).await {
                tokio::time::sleep(Duration::from_secs(12)).await;
                drop(call);
            }
        });
        if number % WAVE == WAVE - 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
        ended += 1;
    }
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_that_never_speak_cost_little_and_are_soon_gone() {
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
