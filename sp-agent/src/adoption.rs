//! The door at which an unjoined agent waits to be adopted.
//!
//! ```text
//! hub ── look ──▶ door ── who I am ──▶ hub         its key is in the handshake
//! hub ── adopt ─▶ door ── account ──▶ cloud        an administrator's?
//!                   └──── join ─────▶ hub          the same join as by `sp-agent join`
//! hub ◀─ adopted ── door closes
//! ```
//!
//! Whoever reaches the address may knock, and is nobody: what opens is an administrator's account
//! of this very cloud. So strangers are few at a time, each for a short time, one adoption goes on
//! at a time, and failed accounts are counted ([`Tries`]). The account is checked and forgotten:
//! the agent goes on with the credential of its configuration.
//!
//! Whatever fails leaves the agent unjoined and the door open.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use shared::model::CloudDescription;
use shared::pki::{Fingerprint, TlsClock, TlsError, adoption_server};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::transport::{Accepted, Arrival, CloseCode, ListenOptions, Listener, TransportError};
use tokio::sync::{Mutex, watch};

mod denial;
mod notes;
mod tries;
mod visit;

use crate::audit::Trail;
use crate::config::Config;
use crate::membership::{Founding, MembershipError};
use notes::Notes;
pub use tries::{TRIES_AT_ONCE, TRY_EACH, Tries};
use visit::Visit;

/// Visitors at once: an administrator who looks while he adopts, and strangers who hold the other
/// places for some seconds each.
const VISITORS_MAX: usize = 8;

/// The longest that a closed door waits for an adoption that is going on: what one takes at most.
/// Its account is checked in 12 s, five addresses of the hub are dialed in 23 s, the hub answers in
/// 30 s, and is answered in 10 s; the rest is the disk's.
const FAREWELL_MAX: Duration = Duration::from_secs(90);

/// The same while the daemon stops, which leaves its workers 10 s. A join that is cut off may leave
/// a region at the hub that nobody accepts unless its agent comes, and the next adoption begins
/// anew.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// What a door needs of its agent.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Where key and membership are kept.
    pub data_dir: PathBuf,
    /// The time.
    pub clock: Clock,
    /// Which cloud is asked about an account, and how a hub is dialed.
    pub configs: watch::Receiver<Arc<Config>>,
    /// What the cloud is.
    pub description: watch::Receiver<CloudDescription>,
    /// The accounts that were refused, also through earlier doors. Held by the adoption that is
    /// going on.
    pub tries: Arc<Mutex<Tries>>,
    /// Where it is told who adopted this agent, and who tried.
    pub trail: Trail,
}

/// An open door.
#[derive(Debug)]
pub struct Door {
    listener: Listener,
    key: Fingerprint,
    parts: Parts,
    notes: Notes,
}

/// Why a door has closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The agent was adopted through it.
    Adopted,
    /// It was told to.
    Told,
    /// The system took its socket away.
    Lost,
}

/// Why a door can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The agent is joined, or its key can't be had.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// No TLS configuration.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The port can't be had.
    #[error("cannot wait for an adoption; correct adoption.listen")]
    Listen(#[from] TransportError),
    /// The process stops.
    #[error("the agent stops")]
    Stopped(#[source] io::Error),
}

impl DoorError {
    /// Whether there is no door because there is a membership.
    pub const fn is_joined(&self) -> bool {
        matches!(self, Self::Membership(MembershipError::AlreadyJoined))
    }
}

impl Door {
    /// Opens the door of an agent that is not joined. It shows the key by which it would join,
    /// which is made where there is none yet.
    ///
    /// # Errors
    /// If the agent is joined, or key or port can't be had.
    pub async fn open(listen: SocketAddr, parts: Parts) -> Result<Self, DoorError> {
        let data_dir = parts.data_dir.clone();
        let founding = tokio::task::spawn_blocking(move || {
            // Its lock is given back at once: a join by the command line stays possible.
            Founding::begin(&data_dir)?.bound_key()
        });
        let key = founding
            .await
            .map_err(|it| DoorError::Stopped(it.into()))??;
        let tls = adoption_server(&key, &TlsClock::system())?;
        let listener = Listener::bind(listen, tls, &ListenOptions::door())?;
        Ok(Self {
            listener,
            key: key.fingerprint(),
            parts,
            notes: Notes::default(),
        })
    }

    /// The address that is bound.
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The fingerprint of the key that the door shows.
    pub const fn key(&self) -> Fingerprint {
        self.key
    }

    /// Serves who comes, until the agent was adopted or `closing` is done; then nobody new is let
    /// in, and an adoption that is going on comes to its end, unless `draining` is done, too.
    pub async fn serve(
        self,
        closing: impl Future<Output = ()>,
        draining: impl Future<Output = ()>,
    ) -> Closed {
        let mut closing = pin!(closing);
        let mut visits = FuturesUnordered::new();
        let mut closed = loop {
            tokio::select! {
                () = &mut closing => break Closed::Told,
                // Always asked: who waits unseen takes room, and learns nothing.
                arrival = self.listener.accept() => match arrival {
                    Some(arrival) if visits.len() < VISITORS_MAX => {
                        visits.push(self.receive(arrival));
                    }
                    Some(beyond) => turn_away(beyond),
                    None => break Closed::Lost,
                },
                Some(adopted) = visits.next(), if !visits.is_empty() => {
                    if adopted { break Closed::Adopted }
                }
            }
        };
        self.listener.refuse_new();
        let drained = async {
            draining.await;
            tokio::time::sleep(DRAIN_MAX).await;
        };
        tokio::select! {
            adopted = self.farewell(&mut visits) => if adopted { closed = Closed::Adopted },
            () = drained => {}
            () = tokio::time::sleep(FAREWELL_MAX) => {}
        }
        drop(visits);
        self.listener
            .close(CloseCode::Stopping, "the door is closed");
        closed
    }

    /// Waits for the end of an adoption that is going on. Whether the agent was adopted.
    async fn farewell(&self, visits: &mut (impl Stream<Item = bool> + Unpin)) -> bool {
        let mut was_adopted = false;
        // Whoever holds it is being adopted.
        while self.parts.tries.try_lock().is_err()
            && let Some(adopted) = visits.next().await
        {
            was_adopted |= adopted;
        }
        was_adopted
    }

    /// Whether the agent was adopted by this visitor.
    async fn receive(&self, arrival: Arrival) -> bool {
        let remote = arrival.remote();
        let visit = match arrival.handshake().await {
            Ok(Accepted::Adopt(call)) => Visit::new(call, &self.parts, &self.notes),
            // The door's TLS agrees on nothing else.
            Ok(_) => return false,
            Err(error) => {
                tracing::debug!(%remote, error = %chain(&error), "nobody came in at the door");
                return false;
            }
        };
        visit.serve().await
    }
}

/// Dropped, an arrival is refused: an administrator's hub says so at once, and he tries again.
fn turn_away(arrival: Arrival) {
    let remote = arrival.remote();
    tracing::debug!(%remote, "all visitors' places at the door are taken");
    drop(arrival);
}
