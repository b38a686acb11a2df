//! One live connection: its control stream and its feeds.

use std::sync::Arc;
use std::time::Duration;

use shared::link::HEARTBEAT;
use shared::model::Feed;
use shared::runtime::errors::chain;
use shared::transport::{
    CloseCode, FrameReader, FrameWriter, LinkConnection, Loss, RawFrame, ReadError,
};
use shared::wire::codec::{CODEC, DecodeError};
use shared::wire::frame::{Ack, Control, Cursor, Hello, Offer, PROTOCOL, feed_code};
use shared::wire::{List, Text};

use super::calls::Calls;
use super::directory::{Directory, Heard};
use super::failure::Failure;
use super::feeds::{Feeds, Sent};
use super::{FAREWELL_MAX, Options};
use crate::join::host_name;

/// A hub that takes no heartbeat for so long is as good as gone.
const WRITE_MAX: Duration = HEARTBEAT.saturating_mul(2);

/// What came of waiting for a connection.
pub(super) enum News {
    /// A control frame.
    Frame(Received),
    /// A batch is on its way.
    Said,
    /// Of the directory something is to be told.
    Asks(Cursor),
    /// Of the directory something is durable.
    Took(Ack),
    /// A feed grew, or the hub has taken some: there may be more to send.
    Grown,
    /// The connection is gone.
    Ended(Failure),
}

impl News {
    fn ended(loss: &Loss) -> Self {
        Self::Ended(Failure::ended(loss))
    }

    fn unread(error: &ReadError) -> Self {
        match error {
            ReadError::Lost(loss) => Self::ended(loss),
            fault if fault.close_code() == Some(CloseCode::Protocol) => {
                Self::Ended(Failure::Faulted(chain(fault).to_string()))
            }
            // Slow lines break no rule.
            fault => Self::Ended(Failure::Lost(chain(fault).to_string())),
        }
    }
}

/// A control frame as it came.
pub(super) struct Received(RawFrame);

impl Received {
    pub(super) fn decode(&self) -> Result<Option<Control<'_>>, DecodeError> {
        Control::decode(self.0.kind, &self.0.payload)
    }
}

/// One live connection.
pub(super) struct Live {
    connection: LinkConnection,
    writer: FrameWriter,
    reader: FrameReader,
    pub(super) feeds: Feeds,
    pub(super) directory: Directory,
    calls: Calls,
}

impl Live {
    pub(super) async fn open(
        connection: LinkConnection,
        options: &Options,
    ) -> Result<Self, Failure> {
        let (writer, reader) = connection.control().await?;
        let directory = Directory::new(connection.clone(), options.replica.clone());
        let feeds = Feeds::new(connection.clone(), options.spool.clone());
        let calls = Calls::new(connection.clone(), Arc::clone(&options.answering));
        Ok(Self {
            connection,
            writer,
            reader,
            feeds,
            directory,
            calls,
        })
    }

    /// Waits for the hub, for the spool, and for batches on their way. Cancel-safe.
    pub(super) async fn news(&mut self) -> News {
        tokio::select! {
            // First what the hub said last: a refusal's frame comes before its close.
            biased;
            frame = self.reader.next() => match frame {
                Ok(Some(frame)) => News::Frame(Received(frame)),
                Ok(None) => News::ended(&self.connection.closed().await),
                Err(error) => News::unread(&error),
            },
            loss = self.connection.closed() => News::ended(&loss),
            () = self.calls.run() => News::Grown,
            heard = self.directory.next() => match heard {
                Heard::Asks(cursor) => News::Asks(cursor),
                Heard::Took(ack) => News::Took(ack),
                Heard::Fault(reason) => News::Ended(Failure::Faulted(reason)),
                Heard::Lost(error) => News::unread(&error),
            },
            sent = self.feeds.next() => match sent {
                Ok(Sent::Batch) => News::Said,
                Ok(Sent::Nothing) => News::Grown,
                // What a writer noticed first is told better by the connection's end.
                Err(reason) => match self.connection.loss() {
                    Some(loss) => News::ended(&loss),
                    None => News::Ended(Failure::Lost(reason)),
                },
            },
        }
    }

    pub(super) async fn send(&mut self, frame: &Control<'_>) -> Result<(), String> {
        let mut bytes = Vec::new();
        frame
            .encode(&mut bytes)
            .map_err(|error| error.to_string())?;
        match tokio::time::timeout(WRITE_MAX, self.writer.write(bytes)).await {
            Ok(written) => written.map_err(|error| chain(&error).to_string()),
            Err(_) => {
                self.connection
                    .close(CloseCode::Silent, "the hub takes no heartbeat");
                Err("the hub takes no heartbeat".to_owned())
            }
        }
    }

    /// Closes, after what was said last has come or `FAREWELL_MAX` has passed.
    pub(super) async fn close(self) {
        let finished = async {
            if self.connection.loss().is_none() {
                // Whoever does not take the last words finds out by the close.
                let _ = self.writer.finish().await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL_MAX, finished).await;
        self.connection.close(CloseCode::Done, "");
    }
}

/// The agent's first frame.
pub(super) fn hello(options: &mut Options) -> Control<'static> {
    let description = options.description.borrow_and_update().clone();
    let offers = Feed::ALL.map(|feed| {
        let extent = options.spool.extent(feed);
        Offer {
            feed: feed_code(feed),
            id: extent.id,
            head: extent.head,
        }
    });
    Control::Hello(Hello {
        versions: PROTOCOL,
        codec: CODEC,
        software: Text::cut(concat!("sp-agent ", env!("CARGO_PKG_VERSION"))),
        host: Text::cut_owned(host_name()),
        cloud: description.into(),
        federation: options.membership.federation,
        epoch: options.membership.epoch,
        offers: List::cut(offers),
    })
}
