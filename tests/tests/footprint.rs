//! What idle links cost, both ends together. On its own, since it measures the whole process.

#![allow(
    clippy::disallowed_methods,
    reason = "what is tested here is what happens in real time"
)]

#[path = "transport/kit.rs"]
#[allow(dead_code, reason = "it serves the transport's own tests too")]
mod kit;

use std::sync::Arc;

use kit::{Federation, accept_link, heartbeat, next_count};
use tokio::task::JoinSet;

/// Enough to tell, and few enough to be in before the first of them would be missed.
const LINKS: usize = 400;

/// In an optimized build it is some 35 kB at the hub and 45 kB at the agent, a session's tasks and
/// the allocator's losses included.
const KB_BOTH_ENDS_MAX: usize = 100;

fn resident_kb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_links_are_light() {
    let federation = Federation::new(1);
    let listener = federation.listen();
    let door = Arc::clone(&listener);
    let mut sessions = JoinSet::new();
    sessions.spawn(async move {
        let mut sessions = JoinSet::new();
        loop {
            let link = accept_link(&door).await;
            sessions.spawn(async move {
                let (_say, mut hear) = link.control().await.unwrap();
                assert_eq!(next_count(&mut hear).await, 7);
                link.closed().await
            });
        }
    });
    let dialer = federation.dialer(1);
    let mut before = resident_kb();
    let mut links = Vec::new();
    for number in 0..=LINKS {
        if number == 1 {
            // What is there once and for all is not the links'.
            before = resident_kb();
        }
        let link = dialer.dial(listener.address()).await.unwrap();
        let (mut say, hear) = link.control().await.unwrap();
        say.write(heartbeat(7)).await.unwrap();
        links.push((link, say, hear));
    }
    let each = (resident_kb() - before) / LINKS;
    println!("{each} kB a link, both ends");
    assert_eq!(listener.connections(), LINKS + 1);
    assert!(each <= KB_BOTH_ENDS_MAX, "{each} kB a link");
}
