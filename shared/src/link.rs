//! The link, decided: state machines that take `(now, input)` and return what to do.
//!
//! ```text
//! outbox   sender's side of one feed: what to read and send next, what is acknowledged
//! inbox    receiver's side of one feed: is this batch the next one, and what if not
//! agent    the agent's session: dial, greet, stay heard, come back
//! hub      the hub's session with one agent: greet, listen, refuse, notice silence
//! ```
//!
//! Feeds run through `outbox` and `inbox` in either direction. Drivers in the daemons perform the
//! effects in order; nothing here knows of sockets, stores, tasks or clocks.

pub mod agent;
pub mod hub;
pub mod inbox;
pub mod outbox;

use std::time::Duration;

/// How often an agent must be heard. Three missed ones are a loss, which the hub so sees in 12 s.
pub const HEARTBEAT: Duration = Duration::from_secs(4);

/// Silence after which a hub gives an agent up.
pub const SILENCE_MAX: Duration = Duration::from_secs(12);

/// The time for a dialed connection to say `Hello`, and for the hub to answer: many round trips on
/// a bad line, and short enough that idle strangers don't pile up.
pub const GREETING_MAX: Duration = Duration::from_secs(10);
