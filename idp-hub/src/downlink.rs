//! The hub's end of the link: takes connections, runs a session for each.
//!
//! ```text
//! listener ──▶ handshake ──┬─▶ session ──▶ ingest ──▶ store     (certificate)
//!                          │      └──────▶ fleet: began, ended, why
//!                          └─▶ join     ──▶ authority           (none)
//! ```
//!
//! Every connection is one task with a bounded inside: one frame of each feed, one job that waits
//! for the store. What the administrator decides reaches a session through the [`Registry`].

mod calls;
mod join;
mod measure;
mod offences;
mod registry;
mod session;

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use shared::model::UnixMillis;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;
use shared::runtime::tasks::TaskGroup;
use shared::transport::{Accepted, Arrival, ByteBudget, CloseCode, Listener, TransportError};
use tokio::sync::{broadcast, mpsc};

use crate::authority::{Authority, AuthorityEvent};
use crate::fleet;
use crate::store::{RegionNo, Store};
pub use calls::CallError;
use offences::{Offence, Offences};
pub use registry::Registry;

/// Bytes of feed frames that are in memory at once, from a session's reading to the commit: with
/// frames of at most 1 MiB, 64 large ones; and a quarter as many of regions whose lines are slow.
/// Heartbeats and single changes don't count.
const FRAME_BUDGET_BYTES: usize = 64 << 20;

/// The time for sessions to say goodbye when the hub stops, and again for their last packets.
const DRAIN_MAX: Duration = Duration::from_secs(3);

/// How often the stop looks whether all have.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// How often what goes on at the door is counted while nobody comes in.
const DOOR_LOOK: Duration = Duration::from_secs(5);

/// Before the store is asked again.
const RESYNC_PAUSE: Duration = Duration::from_secs(5);

/// A certificate is good for a day; a clock far off must not overflow a deadline.
const EXPIRY_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// What every session works with. Cheap to clone.
#[derive(Clone)]
pub struct Downlink {
    authority: Authority,
    store: Store,
    registry: Registry,
    fleet: mpsc::Sender<fleet::Input>,
    budget: ByteBudget,
    offences: Offences,
    clock: Clock,
    shutdown: Shutdown,
}

impl Downlink {
    /// A downlink that reports sessions to `fleet`.
    pub fn new(
        authority: Authority,
        store: Store,
        fleet: mpsc::Sender<fleet::Input>,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Self {
        let budget = ByteBudget::new(FRAME_BUDGET_BYTES);
        let registry = Registry::default();
        let offences = Offences::default();
        Self {
            authority,
            store,
            registry,
            fleet,
            budget,
            offences,
            clock,
            shutdown,
        }
    }

    /// The live sessions.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes connections until the daemon stops. Each runs in `connections`, which bounds them.
    pub async fn listen(self, listener: Listener, connections: TaskGroup) {
        measure::begin();
        while let Some(Some(arrival)) = self.shutdown.until_draining(self.next(&listener)).await {
            // Dropped, an arrival is refused.
            let Some(slot) = connections.reserve() else {
                continue;
            };
            let (downlink, remote) = (self.clone(), arrival.remote());
            // What a handshake needs is given back when it is over.
            let handshake = arrival.handshake().boxed();
            slot.spawn(remote, downlink.arrived(handshake));
        }
        listener.refuse_new();
        // Sessions say goodbye by themselves; what is left after their time is cut off.
        let deadline = self.clock.now() + DRAIN_MAX;
        while !connections.is_empty() && self.clock.now() < deadline {
            self.clock.sleep(DRAIN_LOOK).await;
        }
        listener.close(CloseCode::Stopping, "");
        listener.drained(DRAIN_MAX).await;
    }

    /// The next caller. What goes on at the door is counted meanwhile.
    async fn next(&self, listener: &Listener) -> Option<Arrival> {
        loop {
            measure::door(listener);
            tokio::select! {
                arrival = listener.accept() => return arrival,
                () = self.clock.sleep(DOOR_LOOK) => {}
            }
        }
    }

    /// The moment at which a certificate runs out, on the monotonic clock.
    fn expiry(&self, not_after: u64) -> Instant {
        let left = UnixMillis::from_secs(not_after).since(self.clock.unix_millis());
        self.clock.now() + left.min(EXPIRY_MAX)
    }

    async fn arrived(self, handshake: BoxFuture<'static, Result<Accepted, TransportError>>) {
        let accepted = handshake.await;
        match accepted {
            Ok(Accepted::Link(connection)) => session::run(&self, connection).await,
            // The link's TLS does not agree on an adoption.
            Ok(Accepted::Adopt(_)) => {}
            Ok(Accepted::Join(connection)) => join::answer(&self, connection).boxed().await,
            Err(error) => self.turned_away(&error),
        }
    }

    fn turned_away(&self, error: &TransportError) {
        measure::refused(error);
        let told = chain(error).to_string();
        let offence = Offence::of_handshake(error);
        match offence.and_then(|it| self.offences.admit(self.clock.now(), it)) {
            Some(silenced) => tracing::warn!(error = told, silenced, "a caller was turned away"),
            None => tracing::debug!(error = told, "a handshake failed"),
        }
    }

    /// Carries the administrator's decisions to the sessions that they are about.
    pub async fn follow_authority(self, mut events: broadcast::Receiver<AuthorityEvent>) {
        loop {
            match self.shutdown.until_draining(events.recv()).await {
                None | Some(Err(broadcast::error::RecvError::Closed)) => return,
                Some(Err(broadcast::error::RecvError::Lagged(_))) => self.resync().await,
                Some(Ok(AuthorityEvent::Accepted(no))) => self.registry.accepted(no),
                Some(Ok(AuthorityEvent::Removed(no))) => self.registry.removed(no),
                Some(Ok(AuthorityEvent::Renamed(no))) => self.renamed(no).await,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn renamed(&self, no: RegionNo) {
        match self.store.read(move |it| it.region_numbered(no)).await {
            Ok(Some(row)) => self.registry.renamed(no, &row.facts.name),
            // Removed meanwhile, which the next event tells.
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "cannot tell a region its new name"),
        }
    }

    /// Events were missed: every session is compared with the store.
    async fn resync(&self) {
        loop {
            let sessions = self.registry.regions();
            match self.store.read(|reading| reading.regions()).await {
                Ok(regions) => return self.registry.compare(&sessions, &regions),
                Err(error) => tracing::error!(%error, "cannot compare sessions with the store"),
            }
            let pause = self.clock.sleep(RESYNC_PAUSE);
            if self.shutdown.until_draining(pause).await.is_none() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of what a function of two arguments returns.
    const fn size_returned<A, B, F>(_: &impl FnOnce(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// Every idle agent costs this much for as long as it is connected, beside what its connection
    /// costs. Futures grow unseen: each awaited in place adds to the one that awaits it.
    #[test]
    fn a_session_needs_little_room() {
        let bytes = size_returned(&Downlink::arrived);
        assert!(bytes <= SESSION_BYTES_MAX, "{bytes} bytes");
    }

    /// It is 2,384; it was 11,700 while everything was awaited in place.
    const SESSION_BYTES_MAX: usize = 3072;
}
