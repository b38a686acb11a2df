//! The link's transport as it is: QUIC on the loopback, with real certificates and real frames.

#![allow(
    clippy::disallowed_methods,
    reason = "what is tested here is what happens in real time"
)]

#[path = "transport/door.rs"]
mod door;
#[path = "transport/flow.rs"]
mod flow;
#[path = "transport/frames.rs"]
mod frames;
#[path = "transport/kit.rs"]
mod kit;
#[path = "transport/loss.rs"]
mod loss;
#[path = "transport/trust.rs"]
mod trust;
