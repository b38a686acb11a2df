//! A hub's port: who comes, and who gets in.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::{Endpoint, Incoming, TokioRuntime};
use tokio::sync::Semaphore;

use super::admission::{Admission, AdmissionCounts, Pass, Source, Verdict};
use super::close::CloseCode;
use super::config;
use super::connection::LinkConnection;
use super::error::TransportError;
use super::join::JoinCall;
use super::options::ListenOptions;
use super::socket::{bind, plain};
use super::tls::{self, ServerTls, protocol};
use super::waiting::{Turn, Waiting};
use super::window::{self, Window};
use crate::pki::{ADOPT_ALPN, JOIN_ALPN, LINK_ALPN, require_identity};
use crate::runtime::clock::Clock;

/// A hub's end of all its connections. Dropped, it takes no new ones; those that stand go on.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    /// Kept whole, so that a new TLS configuration takes over the key of `Retry` tokens.
    config: Mutex<quinn::ServerConfig>,
    admission: Arc<Admission>,
    waiting: Mutex<Waiting<Incoming>>,
    windows: Arc<Semaphore>,
    address: SocketAddr,
}

/// Someone at the door, about whom nothing is known yet.
#[derive(Debug)]
pub struct Arrival {
    incoming: Incoming,
    pass: Pass,
    windows: Arc<Semaphore>,
}

/// A finished handshake.
#[derive(Debug)]
pub enum Accepted {
    /// A member of the federation. Whether its key is still wanted is for the registry to say.
    Link(LinkConnection),
    /// Someone without a certificate, who wants one.
    Join(JoinCall),
    /// A hub at an unjoined agent's door. It shows no certificate, and may be anybody.
    Adopt(JoinCall),
}

impl Listener {
    /// Binds the port. `[::]` serves IPv4 too, as Linux has it. Within a Tokio runtime.
    ///
    /// # Errors
    /// If the port can't be had, or the TLS configuration is not one for QUIC.
    pub fn bind(
        address: SocketAddr,
        tls: ServerTls,
        options: &ListenOptions,
    ) -> Result<Self, TransportError> {
        let config = config::server(tls, options)?;
        let failed = |source| TransportError::Bind { address, source };
        let socket = bind(address).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let endpoint = Endpoint::new(
            config::server_endpoint(&options.reset_key),
            Some(config.clone()),
            socket,
            Arc::new(TokioRuntime),
        )
        .map_err(failed)?;
        Ok(Self {
            endpoint,
            config: Mutex::new(config),
            admission: Admission::new(options),
            waiting: Mutex::new(Waiting::new(options.waiting_max)),
            windows: window::budget(options.window_budget_bytes),
            address,
        })
    }

    /// The address that is bound.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes another TLS configuration for handshakes to come, as when a CA is added or dropped.
    /// Connections that stand are not touched.
    ///
    /// # Errors
    /// If it is not one for QUIC; the old one then stays.
    pub fn replace_tls(&self, tls: ServerTls) -> Result<(), TransportError> {
        let crypto = tls::server(tls)?;
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        config.crypto = crypto;
        self.endpoint.set_server_config(Some(config.clone()));
        Ok(())
    }

    /// The next caller that may shake hands; `None` when the listener is closed, or the system took
    /// its socket away: then bind anew. Who has not proven its address is told to, when many call;
    /// who has, waits for a place. Cancel-safe.
    ///
    /// Give each arrival a task of its own, in a bounded group; dropping it refuses it.
    pub async fn accept(&self) -> Option<Arrival> {
        loop {
            if let Some(arrival) = self.next_waiting() {
                return Some(arrival);
            }
            let incoming = tokio::select! {
                incoming = self.endpoint.accept() => incoming?,
                () = self.admission.freed() => continue,
            };
            let verdict = self.admission.admit(
                incoming.remote_address(),
                incoming.remote_address_validated(),
                self.endpoint.open_connections(),
            );
            match verdict {
                Verdict::Admit(pass) => return Some(self.arrival(incoming, pass)),
                Verdict::Wait(source) => self.wait(source, incoming),
                Verdict::Ignore => incoming.ignore(),
                Verdict::Retry => {
                    // Only who is unproven is told so, and may always be.
                    if let Err(error) = incoming.retry() {
                        error.into_incoming().ignore();
                    }
                }
            }
        }
    }

    fn arrival(&self, incoming: Incoming, pass: Pass) -> Arrival {
        let windows = Arc::clone(&self.windows);
        Arrival {
            incoming,
            pass,
            windows,
        }
    }

    /// Whoever has waited, and for whom there is a place now.
    fn next_waiting(&self) -> Option<Arrival> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked first, as this is asked for each datagram of a flood. Where there is a place, the
        // sources that have theirs already are few.
        if waiting.count() == 0 || !self.admission.has_place() {
            return None;
        }
        let now = Clock::system().now();
        let found = loop {
            match waiting.next(now, |source| self.admission.place(source)) {
                Turn::Next(incoming, pass) => break Some(self.arrival(incoming, pass)),
                Turn::Late(incoming) => {
                    self.admission.late();
                    incoming.ignore();
                }
                Turn::Nobody => break None,
            }
        };
        self.admission.waiting(waiting.count());
        found
    }

    fn wait(&self, source: Source, incoming: Incoming) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = waiting.join(Clock::system().now(), source, incoming) {
            self.admission.displaced();
            gone.ignore();
        }
        self.admission.waiting(waiting.count());
    }

    /// What goes on at the door.
    pub fn counts(&self) -> AdmissionCounts {
        self.admission.counts()
    }

    /// Connections, from their first packet until nothing is left of them.
    pub fn connections(&self) -> usize {
        self.endpoint.open_connections()
    }

    /// Takes no new callers. Connections that stand go on.
    pub fn refuse_new(&self) {
        self.endpoint.set_server_config(None);
    }

    /// Closes all connections and takes no new ones; [`accept`](Self::accept) ends.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.endpoint.close(code.var_int(), reason.as_bytes());
    }

    /// Waits until all peers were told of their closing, or `limit` has passed. Whether they were.
    pub async fn drained(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.endpoint.wait_idle())
            .await
            .is_ok()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.refuse_new();
    }
}

impl Arrival {
    /// Where it comes from.
    pub fn remote(&self) -> SocketAddr {
        plain(self.incoming.remote_address())
    }

    /// Shakes hands, in 10 s at most, and finds out who it is.
    ///
    /// # Errors
    /// If the handshake fails or takes too long, if a link's peer showed no valid certificate, or
    /// if there are too many joins. The connection is closed, and the peer told why.
    pub async fn handshake(self) -> Result<Accepted, TransportError> {
        let remote = self.remote();
        let Self {
            incoming,
            pass,
            windows,
        } = self;
        let failed = |error: quinn::ConnectionError| TransportError::Handshake {
            remote,
            source: error.into(),
        };
        let connecting = incoming.accept().map_err(failed)?;
        let after = pass.time_max();
        let connection = tokio::time::timeout(after, connecting)
            .await
            .map_err(|_| TransportError::Stalled { remote, after })?
            .map_err(failed)?;
        match protocol(&connection).as_deref() {
            Some(LINK_ALPN) => link(connection, remote, windows).map(Accepted::Link),
            Some(alpn @ (JOIN_ALPN | ADOPT_ALPN)) => match pass.admission().join(remote) {
                Some(pass) if alpn == JOIN_ALPN => {
                    Ok(Accepted::Join(JoinCall::new(connection, pass)))
                }
                Some(pass) => Ok(Accepted::Adopt(JoinCall::new(connection, pass))),
                None => {
                    connection.close(CloseCode::Busy.var_int(), b"too many joins at once");
                    Err(TransportError::JoinsFull { remote })
                }
            },
            _ => {
                connection.close(CloseCode::Protocol.var_int(), &[]);
                Err(TransportError::Protocol { remote })
            }
        }
    }
}

fn link(
    connection: quinn::Connection,
    remote: SocketAddr,
    windows: Arc<Semaphore>,
) -> Result<LinkConnection, TransportError> {
    match require_identity(connection.peer_identity()) {
        Ok(identity) => {
            let window = Window::new(connection.clone(), windows);
            Ok(LinkConnection::accepted(connection, identity, window))
        }
        Err(source) => {
            let code = CloseCode::NoIdentity.var_int();
            connection.close(code, source.to_string().as_bytes());
            Err(TransportError::Identity { remote, source })
        }
    }
}
