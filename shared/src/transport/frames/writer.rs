//! Writes encoded frames onto a stream, whole or not at all.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::FutureExt;

use super::gate::Gate;
use crate::transport::close::{CloseCode, Loss};

/// By so much the control stream may exceed what a connection keeps for repeating: feeds whose
/// reader stands still fill that up, and must not hold off a heartbeat or an acknowledgement.
const CONTROL_RESERVE_BYTES: u64 = 64 << 10;

/// Whose packets go first. Strict: a lower one waits for as long as a higher one has something to
/// send, so that only what is little or rare may stand high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Heartbeats, acknowledgements, orders.
    Control,
    /// Feeds; those of the same priority take turns.
    Feed,
    /// What may wait for all feeds.
    Background,
}

impl Priority {
    const fn number(self) -> i32 {
        match self {
            Self::Control => 1,
            Self::Feed => 0,
            Self::Background => -1,
        }
    }
}

/// Why a stream takes no further frame.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The reader wants no more.
    #[error("the reader stopped the stream: {0}")]
    Stopped(CloseCode),
    /// The stream was finished or given up by this side.
    #[error("the stream was finished before")]
    Finished,
    /// The connection is gone.
    #[error("the connection is gone")]
    Lost(#[source] Loss),
}

/// Writes frames that are already encoded.
#[derive(Debug)]
pub struct FrameWriter {
    stream: quinn::SendStream,
    /// What is left of the frames of a write.
    rest: Bytes,
    gate: Arc<Gate>,
    role: Role,
}

#[derive(Debug)]
enum Role {
    /// It goes first, also where QUIC would let it wait with the others.
    Control {
        connection: quinn::Connection,
        /// What the connection keeps for repeating.
        send_window: u64,
    },
    /// It stands back while the control stream waits.
    Feed,
}

impl FrameWriter {
    /// A control stream's writer; `send_window` is the connection's.
    pub(in crate::transport) fn control(
        stream: quinn::SendStream,
        gate: Arc<Gate>,
        connection: quinn::Connection,
        send_window: u64,
    ) -> Self {
        let writer = Self {
            stream,
            rest: Bytes::new(),
            gate,
            role: Role::Control {
                connection,
                send_window,
            },
        };
        writer.set_priority(Priority::Control);
        writer
    }

    pub(in crate::transport) fn feed(stream: quinn::SendStream, gate: Arc<Gate>) -> Self {
        Self {
            stream,
            rest: Bytes::new(),
            gate,
            role: Role::Feed,
        }
    }

    /// Writes whole frames, one or several. Returns when QUIC has taken them, which a slow reader
    /// holds off; they are on their way then, not yet there.
    ///
    /// They are taken when nothing is left of an earlier write, which it waits for. When the future
    /// is dropped after that, the rest follows with the next [`write`](Self::write) or
    /// [`flush`](Self::flush): a frame is never split.
    ///
    /// # Errors
    /// If the reader stopped the stream or the connection is gone.
    pub async fn write(&mut self, frames: impl Into<Bytes>) -> Result<(), WriteError> {
        self.flush().await?;
        self.rest = frames.into();
        self.flush().await
    }

    /// Ends a write that was cancelled.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn flush(&mut self) -> Result<(), WriteError> {
        while !self.rest.is_empty() {
            match &self.role {
                Role::Control { .. } => self.write_first().await?,
                Role::Feed => self.write_in_turn().await?,
            }
        }
        Ok(())
    }

    /// Writes what can be written of a control stream's rest.
    async fn write_first(&mut self) -> Result<(), quinn::WriteError> {
        let rest = std::slice::from_mut(&mut self.rest);
        if let Some(written) = self.stream.write_chunks(rest).now_or_never() {
            return written.map(drop);
        }
        if let Role::Control {
            connection,
            send_window,
        } = &self.role
        {
            // Nobody is told of the raise, so that the feeds that wait do not use it up.
            connection.set_send_window(send_window + CONTROL_RESERVE_BYTES);
            let written = self.stream.write_chunks(rest).now_or_never();
            connection.set_send_window(*send_window);
            if let Some(written) = written {
                return written.map(drop);
            }
        }
        let _first = self.gate.close();
        self.stream.write_chunks(rest).await.map(drop)
    }

    /// Writes what can be written of a feed's rest, unless the control stream waits.
    async fn write_in_turn(&mut self) -> Result<(), quinn::WriteError> {
        self.gate.opened().await;
        let gate = &self.gate;
        let rest = std::slice::from_mut(&mut self.rest);
        let mut write = pin!(self.stream.write_chunks(rest));
        poll_fn(|context| {
            if gate.is_closed() {
                // Back to waiting for the gate, without having taken anything.
                Poll::Ready(Ok(()))
            } else {
                write.as_mut().poll(context).map(|it| it.map(drop))
            }
        })
        .await
    }

    /// Changes which stream goes first. A stream begins with what its kind deserves.
    pub fn set_priority(&self, priority: Priority) {
        // An error says that the stream is over, and with it what could be ahead of others.
        let _ = self.stream.set_priority(priority.number());
    }

    /// Says that no frame follows, and waits until the reader has all of them. Give it a time
    /// limit: a reader may stand still.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn finish(mut self) -> Result<(), WriteError> {
        self.flush().await?;
        self.stream.finish().map_err(|_| WriteError::Finished)?;
        match self.stream.stopped().await {
            Ok(None) => Ok(()),
            Ok(Some(code)) => Err(quinn::WriteError::Stopped(code).into()),
            Err(error) => Err(quinn::WriteError::from(error).into()),
        }
    }
}

impl Drop for FrameWriter {
    /// A stream that ends within a frame would look like a broken peer; one that is given up not.
    fn drop(&mut self) {
        if !self.rest.is_empty() {
            let _ = self.stream.reset(CloseCode::Dropped.var_int());
        }
    }
}

impl From<quinn::WriteError> for WriteError {
    fn from(error: quinn::WriteError) -> Self {
        match error {
            quinn::WriteError::Stopped(code) => Self::Stopped(CloseCode::from_number(
                u32::try_from(code.into_inner()).unwrap_or(u32::MAX),
            )),
            quinn::WriteError::ConnectionLost(error) => Self::Lost(error.into()),
            // There is no 0-RTT.
            quinn::WriteError::ClosedStream | quinn::WriteError::ZeroRttRejected => Self::Finished,
        }
    }
}
