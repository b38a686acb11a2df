//! A link between two members of a federation, each known to the other.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::close::{CloseCode, Loss};
use super::config::{AGENT_SEND_WINDOW, HUB_SEND_WINDOW};
use super::error::TransportError;
use super::frames::{FrameReader, FrameWriter, Gate};
use super::socket::plain;
use super::window::Window;
use crate::link::{GREETING_MAX, SILENCE_MAX};
use crate::pki::PeerIdentity;
use crate::runtime::clock::Clock;

/// How often a dialing side looks whether anything came from its hub.
const SILENCE_CHECK: Duration = Duration::from_secs(1);

/// A connection with a peer whose identity is verified; cheap to clone. It is closed when the last
/// clone, reader and writer are gone.
#[derive(Debug, Clone)]
pub struct LinkConnection {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connection: quinn::Connection,
    identity: PeerIdentity,
    end: End,
    gate: Arc<Gate>,
    /// With what this side closed, for [`LinkConnection::closed`].
    ended: OnceLock<Loss>,
}

/// Which end this is.
#[derive(Debug)]
enum End {
    /// It dialed, and opens the control stream.
    Dialing(Mutex<Heard>),
    /// It listened.
    Listening(Arc<Window>),
}

/// When something last came.
#[derive(Debug)]
struct Heard {
    datagrams: u64,
    since: Instant,
}

impl LinkConnection {
    pub(super) fn dialed(connection: quinn::Connection, identity: PeerIdentity) -> Self {
        let heard = Heard {
            datagrams: 0,
            since: Clock::system().now(),
        };
        Self::new(connection, identity, End::Dialing(Mutex::new(heard)))
    }

    pub(super) fn accepted(
        connection: quinn::Connection,
        identity: PeerIdentity,
        window: Arc<Window>,
    ) -> Self {
        Self::new(connection, identity, End::Listening(window))
    }

    fn new(connection: quinn::Connection, identity: PeerIdentity, end: End) -> Self {
        let inner = Inner {
            connection,
            identity,
            end,
            gate: Arc::default(),
            ended: OnceLock::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Who the peer is, by its verified certificate.
    pub fn identity(&self) -> &PeerIdentity {
        &self.inner.identity
    }

    /// Where the peer is now; it may move.
    pub fn remote(&self) -> SocketAddr {
        plain(self.inner.connection.remote_address())
    }

    /// The time from here to the peer and back, smoothed.
    pub fn rtt(&self) -> Duration {
        self.inner.connection.rtt()
    }

    /// The control stream: the dialing side opens it, the listening one waits for it as long as a
    /// greeting may take ([`GREETING_MAX`]). Once per connection.
    ///
    /// # Errors
    /// If the peer opens none in time, or the connection is gone.
    pub async fn control(&self) -> Result<(FrameWriter, FrameReader), TransportError> {
        let connection = &self.inner.connection;
        let (send, receive, window, send_window) = match &self.inner.end {
            End::Dialing(_) => {
                let (send, receive) = connection.open_bi().await?;
                (send, receive, None, AGENT_SEND_WINDOW)
            }
            End::Listening(window) => {
                let (send, receive) = tokio::time::timeout(GREETING_MAX, connection.accept_bi())
                    .await
                    .map_err(|_| TransportError::Speechless {
                        remote: self.remote(),
                        after: GREETING_MAX,
                    })??;
                (send, receive, Some(Arc::clone(window)), HUB_SEND_WINDOW)
            }
        };
        let writer = FrameWriter::control(send, self.gate(), connection.clone(), send_window);
        Ok((writer, FrameReader::control(receive, window)))
    }

    /// Opens a stream for a feed of this side's. Waits while as many are open as the peer allows.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn open_feed(&self) -> Result<FrameWriter, TransportError> {
        let stream = self.inner.connection.open_uni().await?;
        Ok(FrameWriter::feed(stream, self.gate()))
    }

    /// The next stream that the peer opens for a feed. Waits without end; cancel-safe.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn accept_feed(&self) -> Result<FrameReader, TransportError> {
        let stream = self.inner.connection.accept_uni().await?;
        let window = match &self.inner.end {
            End::Dialing(_) => None,
            End::Listening(window) => Some(Arc::clone(window)),
        };
        Ok(FrameReader::feed(stream, window))
    }

    /// Opens a stream for one call of this side's and its answer. Waits while as many are open as
    /// the peer allows.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn open_call(&self) -> Result<(FrameWriter, FrameReader), TransportError> {
        let (send, receive) = self.inner.connection.open_bi().await?;
        Ok(self.call(send, receive))
    }

    /// The next call of the peer's, to be read and answered. Waits without end; cancel-safe.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn accept_call(&self) -> Result<(FrameWriter, FrameReader), TransportError> {
        let (send, receive) = self.inner.connection.accept_bi().await?;
        Ok(self.call(send, receive))
    }

    fn call(
        &self,
        send: quinn::SendStream,
        receive: quinn::RecvStream,
    ) -> (FrameWriter, FrameReader) {
        // A call's frames are small, so that they need no more of the connection's window.
        let writer = FrameWriter::feed(send, self.gate());
        (writer, FrameReader::control(receive, None))
    }

    /// Closes the connection at once; what was written and not yet sent is lost. The first close
    /// counts.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.inner.ended.get_or_init(|| Loss::Here {
            code,
            reason: reason.to_owned(),
        });
        self.inner
            .connection
            .close(code.var_int(), reason.as_bytes());
    }

    /// Why the connection is gone, if it is.
    pub fn loss(&self) -> Option<Loss> {
        self.inner
            .connection
            .close_reason()
            .map(|error| self.told(error))
    }

    /// Waits until the connection is gone, and says why. Cancel-safe.
    ///
    /// On the dialing side this also notices a hub that hears without being heard: QUIC itself
    /// takes longer, and says nothing to the hub. So somebody must be waiting here all the time.
    pub async fn closed(&self) -> Loss {
        let connection = &self.inner.connection;
        let End::Dialing(heard) = &self.inner.end else {
            return self.told(connection.closed().await);
        };
        loop {
            match tokio::time::timeout(SILENCE_CHECK, connection.closed()).await {
                Ok(error) => return self.told(error),
                Err(_) if self.is_silent(heard) => {
                    self.close(CloseCode::Silent, "nothing came from the hub for 12 s");
                }
                Err(_) => {}
            }
        }
    }

    /// Heartbeats are acknowledged by QUIC, so that something comes from any hub that hears them.
    fn is_silent(&self, heard: &Mutex<Heard>) -> bool {
        let datagrams = self.inner.connection.stats().udp_rx.datagrams;
        let now = Clock::system().now();
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if datagrams != heard.datagrams {
            *heard = Heard {
                datagrams,
                since: now,
            };
        }
        now.saturating_duration_since(heard.since) >= SILENCE_MAX
    }

    fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.inner.gate)
    }

    fn told(&self, error: quinn::ConnectionError) -> Loss {
        match (error, self.inner.ended.get()) {
            (quinn::ConnectionError::LocallyClosed, Some(ended)) => ended.clone(),
            (error, _) => error.into(),
        }
    }
}
