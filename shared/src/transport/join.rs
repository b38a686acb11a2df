//! Joining and recovery: one request and one answer, without a certificate of the caller.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::admission::JoinPass;
use super::close::{CloseCode, Loss};
use super::config::{AGENT_SEND_WINDOW, HUB_SEND_WINDOW};
use super::error::TransportError;
use super::exporter::channel_binding;
use super::frames::{FrameReader, FrameWriter, RawFrame, WriteError};
use super::socket::plain;
use crate::pki::pinned_authority;
use crate::pki::{Anchor, ChannelBinding, Fingerprint, PeerIdentity, PinError, peer_chain};

/// The time for an answer to get through on a bad line.
const DELIVERY_MAX: Duration = Duration::from_secs(10);

/// The time for a hub to decide and answer: it signs, and stores what it signed.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The caller's end of a join.
#[derive(Debug)]
pub struct JoinConnection {
    connection: quinn::Connection,
    hub: PeerIdentity,
}

impl JoinConnection {
    pub(super) const fn new(connection: quinn::Connection, hub: PeerIdentity) -> Self {
        Self { connection, hub }
    }

    /// The hub, as its CA says; whether that CA is the right one is settled by the TLS
    /// configuration that was dialed with.
    pub const fn hub(&self) -> &PeerIdentity {
        &self.hub
    }

    /// Where the hub is.
    pub fn remote(&self) -> SocketAddr {
        plain(self.connection.remote_address())
    }

    /// The CA that a token pins, to be stored.
    ///
    /// # Errors
    /// If the hub showed none with this key.
    pub fn authority(&self, pin: &Fingerprint) -> Result<Anchor, PinError> {
        let chain = peer_chain(self.connection.peer_identity()).unwrap_or_default();
        pinned_authority(&chain, pin)
    }

    /// What a proof is to be made over.
    ///
    /// # Errors
    /// None on a connection that was dialed.
    pub fn binding(&self) -> Result<ChannelBinding, TransportError> {
        channel_binding(&self.connection)
    }

    /// Sends one encoded frame, and waits up to 30 s for the hub's.
    ///
    /// # Errors
    /// If the connection is lost or the hub sends something else; no answer is no decision, so that
    /// the same request may be made again.
    pub async fn exchange(self, request: impl Into<Bytes>) -> Result<RawFrame, TransportError> {
        exchange(&self.connection, request.into(), ANSWER_MAX).await
    }
}

/// Sends one encoded frame, waits for the other side's, and closes the connection.
pub(super) async fn exchange(
    connection: &quinn::Connection,
    request: Bytes,
    answer_max: Duration,
) -> Result<RawFrame, TransportError> {
    let remote = plain(connection.remote_address());
    let answer = tokio::time::timeout(answer_max, async {
        let (send, receive) = connection.open_bi().await?;
        let mut writer =
            FrameWriter::control(send, Arc::default(), connection.clone(), AGENT_SEND_WINDOW);
        writer.write(request).await?;
        let answer = FrameReader::control(receive, None).next().await?;
        answer.ok_or(TransportError::Protocol { remote })
    });
    let answer = answer.await.map_err(|_| TransportError::Speechless {
        remote,
        after: answer_max,
    })?;
    let code = match &answer {
        Ok(_) => CloseCode::Done,
        Err(_) => CloseCode::Protocol,
    };
    connection.close(code.var_int(), &[]);
    answer
}

/// The hub's end of a join, before the caller has asked.
#[derive(Debug)]
pub struct JoinCall {
    connection: quinn::Connection,
    pass: JoinPass,
}

impl JoinCall {
    pub(super) const fn new(connection: quinn::Connection, pass: JoinPass) -> Self {
        Self { connection, pass }
    }

    /// Where the caller is.
    pub fn remote(&self) -> SocketAddr {
        plain(self.connection.remote_address())
    }

    /// What the caller's proof must be over.
    ///
    /// # Errors
    /// None on a connection that was accepted.
    pub fn binding(&self) -> Result<ChannelBinding, TransportError> {
        channel_binding(&self.connection)
    }

    /// Waits for the caller's one frame: up to 10 s, or 3 s where more than half of the places were
    /// taken when it came.
    ///
    /// # Errors
    /// If none comes, what comes is no frame, or the caller had to give way to another before all
    /// of it came. The connection is then closed.
    pub async fn request(self) -> Result<(RawFrame, JoinAnswer), TransportError> {
        let request_max = self.pass.request_max();
        self.request_within(request_max).await
    }

    /// Waits for the caller's one frame, where places are too few for the usual time.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn request_within(
        self,
        request_max: Duration,
    ) -> Result<(RawFrame, JoinAnswer), TransportError> {
        let remote = self.remote();
        let asked = tokio::select! {
            asked = tokio::time::timeout(request_max, self.asked()) => asked,
            () = self.pass.displaced() => Ok(Err(TransportError::GaveWay { remote })),
        };
        let outcome = asked.unwrap_or(Err(TransportError::Speechless {
            remote,
            after: request_max,
        }));
        match outcome {
            Ok((request, send)) => {
                let writer = FrameWriter::control(
                    send,
                    Arc::default(),
                    self.connection.clone(),
                    HUB_SEND_WINDOW,
                );
                let answer = JoinAnswer { call: self, writer };
                Ok((request, answer))
            }
            Err(error) => {
                let code = match &error {
                    TransportError::Read(error) => error.close_code(),
                    TransportError::GaveWay { .. } => Some(CloseCode::Busy),
                    _ => Some(CloseCode::Slow),
                };
                let code = code.unwrap_or(CloseCode::Protocol);
                self.connection.close(code.var_int(), &[]);
                Err(error)
            }
        }
    }

    async fn asked(&self) -> Result<(RawFrame, quinn::SendStream), TransportError> {
        let remote = self.remote();
        let (send, receive) = self.connection.accept_bi().await?;
        let mut reader = FrameReader::control(receive, None);
        let request = reader.next().await?;
        let request = request.ok_or(TransportError::Protocol { remote })?;
        if self.pass.has_asked() {
            Ok((request, send))
        } else {
            Err(TransportError::GaveWay { remote })
        }
    }
}

/// A hub's place to answer a join. Dropped, it ends the connection without an answer.
#[derive(Debug)]
pub struct JoinAnswer {
    call: JoinCall,
    writer: FrameWriter,
}

impl JoinAnswer {
    /// Whether the caller has gone, so that nobody waits for an answer any more.
    pub fn is_gone(&self) -> bool {
        self.call.connection.close_reason().is_some()
    }

    /// Sends one encoded frame, and waits up to 10 s until the caller has it.
    ///
    /// # Errors
    /// If the caller did not acknowledge it, or had to give way to another before. It may have come
    /// all the same.
    pub async fn send(self, answer: impl Into<Bytes>) -> Result<(), TransportError> {
        let Self {
            mut call,
            mut writer,
        } = self;
        let remote = call.remote();
        call.pass.has_answer();
        let delivery = tokio::time::timeout(DELIVERY_MAX, async {
            writer.write(answer).await?;
            writer.finish().await
        });
        let delivered = tokio::select! {
            delivered = delivery => delivered,
            () = call.pass.displaced() => return Err(TransportError::GaveWay { remote }),
        };
        let outcome = match delivered {
            // The caller closes once it has read the answer, maybe before it acknowledges it.
            Ok(Err(WriteError::Lost(Loss::ByPeer {
                code: CloseCode::Done,
                ..
            }))) => Ok(()),
            Ok(outcome) => outcome.map_err(TransportError::from),
            Err(_) => Err(TransportError::Speechless {
                remote,
                after: DELIVERY_MAX,
            }),
        };
        call.connection.close(CloseCode::Done.var_int(), &[]);
        // The place is free once the connection is closed.
        drop(call.pass);
        outcome
    }
}
