//! A QUIC stream as a source of frames.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::budget::ByteBudget;
use super::reader::{RawFrame, ReadError, Reader, Source};
use crate::runtime::clock::Clock;
use crate::transport::close::{CloseCode, Loss};
use crate::transport::window::{TOP_UP_AFTER, Window};
use crate::wire::frame::{CONTROL_BYTES_MAX, FEED_BYTES_MAX};

/// Reads a stream's frames one by one.
pub struct FrameReader {
    reader: Reader<Stream>,
}

impl FrameReader {
    pub(in crate::transport) fn control(
        stream: quinn::RecvStream,
        window: Option<Arc<Window>>,
    ) -> Self {
        let heard = Clock::system().now();
        let role = window.map_or(Role::Plain, |window| Role::Control { window, heard });
        Self {
            reader: Reader::new(Stream { stream, role }, CONTROL_BYTES_MAX),
        }
    }

    pub(in crate::transport) fn feed(
        stream: quinn::RecvStream,
        window: Option<Arc<Window>>,
    ) -> Self {
        let role = window.map_or(Role::Plain, Role::Feed);
        Self {
            reader: Reader::new(Stream { stream, role }, FEED_BYTES_MAX),
        }
    }

    /// Lets frames above 16 KiB wait for a part of this budget before their payload is read. The
    /// sender is held off meanwhile, by QUIC's flow control.
    #[must_use]
    pub fn with_budget(mut self, budget: ByteBudget) -> Self {
        self.reader.set_budget(budget);
        self
    }

    /// The next frame; `None` when the sender has finished the stream.
    ///
    /// Between frames it waits without end. A frame that has begun must be whole within 30 s, and a
    /// second more for each 4 KiB of it that came; sooner while others wait for its place in the
    /// budget. Memory follows what came, not what a header announces. Cancel-safe: when the future
    /// is dropped, no byte is lost, and a place in the budget's queue is kept.
    ///
    /// # Errors
    /// If the frame breaks the stream's bounds, comes too slowly, is cut off, or the connection is
    /// gone. [`ReadError::close_code`] tells what to close the connection with.
    pub async fn next(&mut self) -> Result<Option<RawFrame>, ReadError> {
        self.reader.next().await
    }

    /// Tells the sender that no more of this stream is wanted, and drops what came.
    pub fn stop(&mut self, code: CloseCode) {
        // An error says that the stream is over already.
        let _ = self.reader.source().stream.stop(code.var_int());
    }
}

impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader").finish_non_exhaustive()
    }
}

struct Stream {
    stream: quinn::RecvStream,
    role: Role,
}

/// What reading means to the connection's receive window.
enum Role {
    /// Nothing: the window stays as it is.
    Plain,
    /// What is read may call for more.
    Feed(Arc<Window>),
    /// It must not be starved by feeds that nobody reads.
    Control { window: Arc<Window>, heard: Instant },
}

impl Source for Stream {
    async fn piece(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        let piece = match &mut self.role {
            Role::Plain | Role::Feed(_) => self.stream.read_chunk(bytes_max, true).await,
            Role::Control { window, heard } => {
                let mut piece = std::pin::pin!(self.stream.read_chunk(bytes_max, true));
                loop {
                    let quiet_at = *heard + TOP_UP_AFTER;
                    match tokio::time::timeout_at(quiet_at.into(), &mut piece).await {
                        Ok(piece) => break piece,
                        Err(_) => window.top_up(),
                    }
                    *heard = Clock::system().now();
                }
            }
        };
        let piece = piece.map_err(ReadError::from)?.map(|chunk| chunk.bytes);
        match &mut self.role {
            Role::Plain => {}
            Role::Feed(window) => window.consumed(piece.as_ref().map_or(0, Bytes::len)),
            Role::Control { window, heard } => {
                *heard = Clock::system().now();
                window.control_heard();
            }
        }
        Ok(piece)
    }
}

impl From<quinn::ReadError> for ReadError {
    fn from(error: quinn::ReadError) -> Self {
        match error {
            quinn::ReadError::Reset(code) => Self::Abandoned(code.into_inner()),
            quinn::ReadError::ConnectionLost(error) => Self::Lost(error.into()),
            // Stopped by this side; there is no 0-RTT and no unordered read.
            quinn::ReadError::ClosedStream
            | quinn::ReadError::IllegalOrderedRead
            | quinn::ReadError::ZeroRttRejected => Self::Lost(Loss::Here {
                code: CloseCode::Dropped,
                reason: "the stream was stopped".to_owned(),
            }),
        }
    }
}
