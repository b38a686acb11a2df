//! How long an agent waits before it dials again, and when it forgets why.

use std::time::Duration;

/// The first attempts after a loss are spread over this: 10,000 agents that lose their hub at once
/// return at some 5,000 a second, which one core can greet.
pub const BACKOFF_BASE: Duration = Duration::from_secs(2);

/// Later attempts are spread over at most this, so that a hub that is back has all its agents back
/// within half a minute.
pub const BACKOFF_CEILING: Duration = Duration::from_secs(30);

/// A session that stood for so long, or in which the hub made something durable, was one: only then
/// are the failures before it forgotten. A hub that welcomes and then loses everybody would
/// otherwise be dialed every second by all.
pub const SETTLED: Duration = Duration::from_secs(30);

/// The first wait after a breach of the protocol is drawn between the half of this and all of it: a
/// new session may cure it, but most likely comes to the same end.
pub const FAULT_BASE: Duration = Duration::from_secs(40);

/// The longest such wait is drawn between the half of this and all of it: 10,000 agents that were
/// upgraded to what their hub can't read then make some 45 handshakes a second.
pub const FAULT_CEILING: Duration = Duration::from_secs(300);

/// Breaches are forgotten after a session without one for so long, which is longer than the waits.
pub const FAULTLESS: Duration = Duration::from_secs(600);
