//! The directory's feed of one connection: from its stream into the replica, and what the hub is
//! told of it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use shared::runtime::errors::chain;
use shared::transport::{FrameReader, LinkConnection, ReadError};
use shared::wire::frame::{Ack, Cursor};

use crate::replica::store::{ReplicaError, Store, Taken};

/// A replica that can't be written is tried again after so long: the hub sends it all again then.
const STALLED: Duration = Duration::from_secs(5);

/// What came of waiting.
pub(super) enum Heard {
    /// Tell the hub where to begin, or to go on.
    Asks(Cursor),
    /// Tell the hub what is durable.
    Took(Ack),
    /// The hub sent what no hub sends.
    Fault(String),
    /// The connection is gone.
    Lost(ReadError),
}

/// The receiver of one connection.
pub(super) struct Directory {
    connection: LinkConnection,
    replica: Store,
    state: State,
    stalled: bool,
}

enum State {
    /// The hub was not greeted, or is too old.
    Idle,
    /// The hub must be told where to begin.
    Asking,
    /// The hub opens a stream when it has something to tell.
    Waiting,
    /// Frames come.
    Reading(Box<FrameReader>),
    /// A frame is being taken. Kept here, because whoever waits may turn to something else.
    Taking(BoxFuture<'static, (Box<FrameReader>, Result<Taken, ReplicaError>)>),
    /// The replica could not be written.
    Stalled(BoxFuture<'static, Box<FrameReader>>),
}

impl Directory {
    pub(super) fn new(connection: LinkConnection, replica: Store) -> Self {
        replica.session_began();
        Self {
            connection,
            replica,
            state: State::Idle,
            stalled: false,
        }
    }

    /// The hub tells the directory to who asks.
    pub(super) fn begin(&mut self) {
        self.state = State::Asking;
    }

    /// Waits until there is something to tell the hub. Cancel-safe.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match &mut self.state {
                State::Idle => std::future::pending::<()>().await,
                State::Asking => {
                    self.state = State::Waiting;
                    return Heard::Asks(self.replica.asks());
                }
                State::Waiting => match self.connection.accept_feed().await {
                    Ok(reader) => self.state = State::Reading(Box::new(reader)),
                    // The connection's end is told by others.
                    Err(_) => self.state = State::Idle,
                },
                State::Reading(reader) => match reader.next().await {
                    Ok(Some(frame)) => self.begin_taking(frame.kind, frame.payload),
                    Ok(None) => self.state = State::Waiting,
                    Err(error) => {
                        self.state = State::Idle;
                        return Heard::Lost(error);
                    }
                },
                State::Taking(taking) => {
                    let (reader, taken) = taking.await;
                    if let Some(heard) = self.took(reader, taken) {
                        return heard;
                    }
                }
                State::Stalled(pause) => {
                    let reader = pause.await;
                    self.state = State::Reading(reader);
                    return Heard::Asks(self.replica.asks());
                }
            }
        }
    }

    fn begin_taking(&mut self, kind: u16, payload: bytes::Bytes) {
        let State::Reading(reader) = std::mem::replace(&mut self.state, State::Idle) else {
            return;
        };
        let replica = self.replica.clone();
        self.state = State::Taking(Box::pin(async move {
            let taken = replica.take(kind, payload).await;
            (reader, taken)
        }));
    }

    fn took(
        &mut self,
        reader: Box<FrameReader>,
        taken: Result<Taken, ReplicaError>,
    ) -> Option<Heard> {
        let was_stalled = std::mem::take(&mut self.stalled);
        self.state = State::Reading(reader);
        match taken {
            Ok(Taken::Ack(ack)) => Some(Heard::Took(ack)),
            Ok(Taken::Reposition(cursor)) => Some(Heard::Asks(cursor)),
            Ok(Taken::Quiet) => None,
            Ok(Taken::GiveUp) => {
                let reason = "the directory can't be brought to agree with the hub's";
                Some(Heard::Fault(reason.to_owned()))
            }
            Err(error @ ReplicaError::Told(_)) => Some(Heard::Fault(chain(&error).to_string())),
            Err(error) => {
                if !was_stalled {
                    let error = chain(&error).to_string();
                    tracing::warn!(error, "the directory waits for the replica; the link stays");
                }
                self.stall();
                None
            }
        }
    }

    fn stall(&mut self) {
        self.stalled = true;
        if let State::Reading(reader) = std::mem::replace(&mut self.state, State::Idle) {
            self.state = State::Stalled(Box::pin(async move {
                tokio::time::sleep(STALLED).await;
                reader
            }));
        }
    }
}
