//! Puts frames together from whatever pieces a stream yields.

use std::collections::VecDeque;
use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::budget::{BudgetPermit, ByteBudget, Turn, UNCOUNTED_BYTES_MAX};
use crate::runtime::clock::Clock;
use crate::transport::close::{CloseCode, Loss};
use crate::wire::DecodeError;
use crate::wire::frame::{HEADER_BYTES, Header};

/// The time that a frame may take to come whole once it has begun...
const FRAME_TIME_MAX: Duration = Duration::from_secs(30);

/// ...longer by a second for each so many bytes that did come: four feeds of a region behind a line
/// of 256 kbit/s are slow and honest, and whoever trickles holds at most one frame.
const BYTES_PER_SECOND_MIN: usize = 4 << 10;

/// While others wait for its place in the budget, a large frame that is not whole after this time
/// is set aside; at 200 KiB a second the largest one is. No longer, as those who wait would else
/// be held up for minutes by a few regions that trickle on purpose.
const PRESSED_TIME_MAX: Duration = Duration::from_secs(5);

/// A frame that is set aside gets a second more for each so many bytes that did come, as long as
/// others wait: what each of four feeds has of a line of 256 kbit/s. One that came slower than that
/// is not set aside but given up.
const PRESSED_BYTES_PER_SECOND_MIN: usize = 8 << 10;

/// How often a frame that is waited for looks whether others wait for its place.
const LOOK: Duration = Duration::from_secs(1);

/// Bytes asked for at once. The stream yields a packet's worth anyway.
const CHUNK_BYTES_MAX: usize = 64 << 10;

/// The least that is reserved for a payload, whatever length was announced.
const RESERVE_BYTES_MIN: usize = 4 << 10;

/// A frame, not yet decoded.
#[derive(Debug)]
pub struct RawFrame {
    /// What it is.
    pub kind: u16,
    /// Its payload.
    pub payload: Bytes,
    /// The frame's part of the reader's [`ByteBudget`], if it is large: keep it for as long as
    /// anything of the payload is kept.
    pub permit: Option<BudgetPermit>,
}

/// Why a stream yields no further frame. Asked again, the reader says the same again.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The frame is longer than any on this stream may be.
    #[error("the frame can't be read")]
    Frame(#[from] DecodeError),
    /// The stream ends within a frame.
    #[error("the stream ends within a frame")]
    Truncated,
    /// The frame comes too slowly.
    #[error("a frame came too slowly: {arrived} bytes of it within {} s", .waited.as_secs())]
    Slow {
        /// What came of it.
        arrived: usize,
        /// How long it was waited.
        waited: Duration,
    },
    /// The sender gave the stream up.
    #[error("the sender gave the stream up (code {0})")]
    Abandoned(u64),
    /// The connection is gone.
    #[error("the connection is gone")]
    Lost(#[source] Loss),
}

impl ReadError {
    /// With what to close the connection, unless it is gone: the sender is then not to be trusted
    /// with the other streams either.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Frame(_) | Self::Truncated => Some(CloseCode::Protocol),
            Self::Slow { .. } => Some(CloseCode::Slow),
            Self::Abandoned(_) | Self::Lost(_) => None,
        }
    }
}

/// Where the pieces come from. `piece` is cancel-safe: dropped before it is ready, it took nothing.
pub(super) trait Source {
    /// The next piece, of at most so many bytes and at least one; `None` at the end.
    fn piece(
        &mut self,
        bytes_max: usize,
    ) -> impl Future<Output = Result<Option<Bytes>, ReadError>> + Send;
}

/// Frames of a source.
pub(super) struct Reader<S> {
    source: S,
    len_max: usize,
    budget: Option<ByteBudget>,
    /// What was read and not yet used.
    piece: Bytes,
    state: State,
    /// How long this frame was waited for.
    waited: Duration,
}

enum State {
    Header {
        bytes: [u8; HEADER_BYTES],
        have: usize,
    },
    Announced {
        header: Header,
        turn: Turn,
    },
    Payload(Payload),
}

struct Payload {
    header: Header,
    bytes: Vec<u8>,
    permit: Option<BudgetPermit>,
}

impl<S: Source> Reader<S> {
    pub(super) fn new(source: S, len_max: usize) -> Self {
        Self {
            source,
            len_max,
            budget: None,
            piece: Bytes::new(),
            state: State::START,
            waited: Duration::ZERO,
        }
    }

    pub(super) fn set_budget(&mut self, budget: ByteBudget) {
        self.budget = Some(budget);
    }

    pub(super) fn source(&mut self) -> &mut S {
        &mut self.source
    }

    /// See [`FrameReader::next`](super::FrameReader::next). Each `await` stands alone between
    /// complete states, which is what makes it cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<RawFrame>, ReadError> {
        loop {
            if let State::Announced { header, turn } = &mut self.state {
                let permit = turn.as_mut().await;
                self.state = State::Payload(Payload::new(*header, permit));
            }
            if let Some(frame) = self.advance()? {
                return Ok(Some(frame));
            }
            if matches!(self.state, State::Announced { .. }) {
                continue;
            }
            match self.fetch().await? {
                Some(piece) => self.piece = piece,
                None if self.state.is_start() => return Ok(None),
                None => return Err(ReadError::Truncated),
            }
        }
    }

    /// Uses the piece up, or as much of it as one frame takes.
    fn advance(&mut self) -> Result<Option<RawFrame>, ReadError> {
        if let State::Header { bytes, have } = &mut self.state {
            let rest = bytes.get_mut(*have..).unwrap_or_default();
            let part = self.piece.split_to(rest.len().min(self.piece.len()));
            for (to, from) in rest.iter_mut().zip(&part) {
                *to = *from;
            }
            *have += part.len();
            if *have < HEADER_BYTES {
                return Ok(None);
            }
            let header = Header::read(*bytes, self.len_max)?;
            self.state = match &self.budget {
                Some(budget) if header.len > UNCOUNTED_BYTES_MAX => State::Announced {
                    header,
                    turn: budget.queue(header.len),
                },
                _ => State::Payload(Payload::new(header, None)),
            };
        }
        let State::Payload(payload) = &mut self.state else {
            return Ok(None);
        };
        let frame = payload.take(&mut self.piece);
        if frame.is_some() {
            self.state = State::START;
            self.waited = Duration::ZERO;
        }
        Ok(frame)
    }

    /// The next piece. Between frames it is waited for as long as it takes; within one the time
    /// runs, but only while it is waited for: what the caller spends elsewhere is not the sender's.
    async fn fetch(&mut self) -> Result<Option<Bytes>, ReadError> {
        if self.state.is_start() {
            return self.source.piece(CHUNK_BYTES_MAX).await;
        }
        loop {
            let time_max = self.time_max();
            let left = time_max.saturating_sub(self.waited);
            let stopwatch = Stopwatch::start(&mut self.waited);
            let piece = self.source.piece(CHUNK_BYTES_MAX);
            let piece = tokio::time::timeout(left.min(LOOK), piece).await;
            drop(stopwatch);
            match piece {
                Ok(piece) => return piece,
                Err(_) if left <= LOOK && !self.set_aside() => {
                    return Err(ReadError::Slow {
                        arrived: self.state.arrived(),
                        waited: time_max,
                    });
                }
                Err(_) => {}
            }
        }
    }

    /// The time that the frame may take where it is, with what came of it.
    fn time_max(&self) -> Duration {
        match self.pressing() {
            Some(permit) if permit.is_slow() => self.slow_time_max(),
            Some(_) => PRESSED_TIME_MAX,
            None => FRAME_TIME_MAX + self.for_arrived(BYTES_PER_SECOND_MIN),
        }
    }

    /// The time for a frame that is set aside.
    fn slow_time_max(&self) -> Duration {
        PRESSED_TIME_MAX + self.for_arrived(PRESSED_BYTES_PER_SECOND_MIN)
    }

    /// A second for each so many bytes that came.
    fn for_arrived(&self, bytes_per_second: usize) -> Duration {
        Duration::from_secs((self.state.arrived() / bytes_per_second) as u64)
    }

    /// The place that the frame holds while others wait for one.
    fn pressing(&self) -> Option<&BudgetPermit> {
        let is_pressed = self.budget.as_ref().is_some_and(ByteBudget::is_pressed);
        match &self.state {
            State::Payload(it) if is_pressed => it.permit.as_ref(),
            _ => None,
        }
    }

    /// Lets the frame go on without being in the way, if it comes fast enough for that.
    fn set_aside(&mut self) -> bool {
        let hopeless = self.waited >= self.slow_time_max();
        if hopeless || self.pressing().is_none_or(BudgetPermit::is_slow) {
            return false;
        }
        match (&self.budget, &mut self.state) {
            (
                Some(budget),
                State::Payload(Payload {
                    permit: Some(permit),
                    ..
                }),
            ) => budget.set_aside(permit),
            _ => false,
        }
    }
}

impl State {
    const START: Self = Self::Header {
        bytes: [0; HEADER_BYTES],
        have: 0,
    };

    const fn is_start(&self) -> bool {
        matches!(self, Self::Header { have: 0, .. })
    }

    const fn arrived(&self) -> usize {
        match self {
            Self::Header { have, .. } => *have,
            Self::Announced { .. } => HEADER_BYTES,
            Self::Payload(payload) => HEADER_BYTES + payload.bytes.len(),
        }
    }
}

impl Payload {
    const fn new(header: Header, permit: Option<BudgetPermit>) -> Self {
        Self {
            header,
            bytes: Vec::new(),
            permit,
        }
    }

    /// Takes what it needs of a piece, and returns the frame once it is whole. A payload within one
    /// piece is not copied; another grows as it comes, at most to twice what is there.
    fn take(&mut self, piece: &mut Bytes) -> Option<RawFrame> {
        let missing = self.header.len - self.bytes.len();
        if self.bytes.is_empty() && piece.len() >= missing {
            return Some(self.frame(piece.split_to(missing)));
        }
        let part = piece.split_to(missing.min(piece.len()));
        if self.bytes.capacity() - self.bytes.len() < part.len() {
            let more = self.bytes.len().max(RESERVE_BYTES_MIN).max(part.len());
            self.bytes.reserve_exact(more.min(missing));
        }
        self.bytes.extend_from_slice(&part);
        (part.len() == missing).then(|| {
            let payload = std::mem::take(&mut self.bytes);
            self.frame(payload.into())
        })
    }

    fn frame(&mut self, payload: Bytes) -> RawFrame {
        RawFrame {
            kind: self.header.kind,
            payload,
            permit: self.permit.take(),
        }
    }
}

/// The frames of a stream that is there already, in pieces as a network may have cut it, and how it
/// ends: for a recorded stream. `len_max` is the stream's cap on a payload, bytes.
pub async fn frames_in(
    pieces: Vec<Bytes>,
    len_max: usize,
) -> (Vec<RawFrame>, Result<(), ReadError>) {
    let mut reader = Reader::new(Recorded(pieces.into()), len_max);
    let mut frames = Vec::new();
    loop {
        match reader.next().await {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, Ok(())),
            Err(error) => return (frames, Err(error)),
        }
    }
}

/// What is left of a recorded stream.
struct Recorded(VecDeque<Bytes>);

impl Source for Recorded {
    async fn piece(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        let Some(mut piece) = self.0.pop_front() else {
            return Ok(None);
        };
        if piece.len() > bytes_max {
            self.0.push_front(piece.split_off(bytes_max));
        }
        Ok(Some(piece))
    }
}

/// Adds the time until it is dropped, also by a cancellation.
struct Stopwatch<'a> {
    since: Instant,
    total: &'a mut Duration,
}

impl<'a> Stopwatch<'a> {
    fn start(total: &'a mut Duration) -> Self {
        Self {
            since: Clock::system().now(),
            total,
        }
    }
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        *self.total += Clock::system().now().saturating_duration_since(self.since);
    }
}

#[cfg(test)]
mod tests;
