//! A lean agent: the link's real protocol, without spool and cloud.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::ids::{FederationId, FeedId};
use shared::link::HEARTBEAT;
use shared::link::inbox::Position;
use shared::runtime::errors::chain;
use shared::transport::{
    DialOptions, Dialer, FrameReader, FrameWriter, LinkConnection, RawFrame, ReadError, WriteError,
};
use shared::wire::codec::CODEC;
use shared::wire::frame::{
    Cloud, Control, Cursor, Heartbeat, Hello, Offer, PROTOCOL, Standing, feed_code,
};
use shared::wire::{List, Text};

use tokio::time::Instant;

use super::fleet::{Fleet, Member};

/// The time for a hub's reason to come.
const REASON_MAX: Duration = Duration::from_secs(2);

/// One agent's connection, greeted and accepted.
pub struct Agent {
    /// The connection.
    pub connection: LinkConnection,
    /// Its control stream.
    pub writer: FrameWriter,
    /// Its control stream.
    pub reader: FrameReader,
    /// How far the hub has got.
    pub cursors: Vec<Cursor>,
    heartbeats: u64,
    /// How late its own heartbeats were at most, for want of processor time at this end.
    late_max: Duration,
}

impl Agent {
    /// Dials, greets, and waits for the welcome.
    pub async fn connect(
        dialer: &Dialer,
        hub: SocketAddr,
        fleet: &Fleet,
        feed: FeedId,
    ) -> Result<Self, String> {
        let connection = dialer.dial(hub).await.map_err(|error| error.to_string())?;
        let (mut writer, mut reader) = connection
            .control()
            .await
            .map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        hello(fleet, feed).encode(&mut bytes).unwrap();
        writer
            .write(bytes)
            .await
            .map_err(|error| error.to_string())?;
        let frame = match reader.next().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Err("the hub ended the control stream".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        match Control::decode(frame.kind, &frame.payload) {
            Ok(Some(Control::Welcome(welcome))) if welcome.standing == Standing::Accepted => {
                let cursors = welcome.cursors.into_vec();
                Ok(Self {
                    connection,
                    writer,
                    reader,
                    cursors,
                    heartbeats: 0,
                    late_max: Duration::ZERO,
                })
            }
            other => Err(format!("no welcome: {other:?}")),
        }
    }

    /// Says that the agent lives.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn heartbeat(&mut self) -> Result<(), WriteError> {
        self.heartbeats += 1;
        let mut bytes = Vec::new();
        let heartbeat = Heartbeat {
            count: self.heartbeats as _,
        };
        Control::Heartbeat(heartbeat).encode(&mut bytes).unwrap();
        self.writer.write(bytes).await
    }

    /// Lives, and says nothing but that, until the connection is gone; says why. Cancel-safe.
    pub async fn live(&mut self) -> String {
        let mut due = Instant::now();
        loop {
            let ended = tokio::select! {
                () = tokio::time::sleep_until(due) => {
                    self.late(due);
                    due = Instant::now() + HEARTBEAT;
                    self.heartbeat().await.err().map(|error| chain(&error).to_string())
                }
                frame = self.reader.next() => ending(frame),
            };
            if let Some(ended) = ended {
                return self.why(&ended).await;
            }
        }
    }

    /// Notes how late a heartbeat is that was due at `due`.
    pub fn late(&mut self, due: Instant) {
        self.late_max = self.late_max.max(due.elapsed());
    }

    /// Why the connection is gone, in full. The hub's reason comes after its last frame.
    pub async fn why(&mut self, ended: &str) -> String {
        let closed = tokio::time::timeout(REASON_MAX, self.connection.closed());
        let loss = closed.await.map(|loss| loss.to_string());
        let loss = loss.unwrap_or_else(|_| "it is not closed".to_owned());
        format!(
            "{ended} ({loss}); this end's heartbeats were late by {:?} at most",
            self.late_max
        )
    }

    /// The next acknowledgement of the inventory, and how far it goes.
    pub async fn acked(&mut self) -> u64 {
        loop {
            let frame = self.reader.next().await.unwrap().unwrap();
            match Control::decode(frame.kind, &frame.payload).unwrap() {
                Some(Control::Ack(ack)) if ack.feed == 1 => return ack.seq,
                Some(Control::Ack(_) | Control::Named(_)) | None => {}
                other => panic!("the hub disagrees: {other:?}"),
            }
        }
    }

    /// Where the hub stands in the inventory.
    pub fn cursor(&self) -> Cursor {
        let named = self.cursors.iter().find(|cursor| cursor.feed == 1).copied();
        named.unwrap_or_else(|| Position::NONE.cursor(1))
    }
}

/// What ends a session, if this frame, or its want, does.
pub fn ending(frame: Result<Option<RawFrame>, ReadError>) -> Option<String> {
    let frame = match frame {
        Ok(Some(frame)) => frame,
        Ok(None) => return Some("the hub ended the control stream".to_owned()),
        Err(error) => return Some(chain(&error).to_string()),
    };
    match Control::decode(frame.kind, &frame.payload) {
        Ok(Some(Control::Refuse(refuse))) => {
            Some(format!("the hub refuses: {}", refuse.reason.as_str()))
        }
        Ok(Some(Control::Goodbye(_))) => Some("the hub says goodbye".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

fn hello(fleet: &Fleet, id: FeedId) -> Control<'static> {
    let federation: FederationId = fleet.federation.parse().unwrap();
    let offer = Offer {
        feed: feed_code(shared::model::Feed::Inventory),
        id,
        head: 0,
    };
    Control::Hello(Hello {
        versions: PROTOCOL,
        codec: CODEC,
        software: Text::cut("bench"),
        host: Text::cut("host"),
        cloud: Cloud {
            kind: shared::wire::frame::cloud_kind_code(shared::model::CloudKind::Simulated),
            version: Text::cut("1"),
            endpoint: Text::cut("http://cloud.test"),
        },
        federation,
        epoch: fleet.epoch,
        offers: List::cut([offer]),
    })
}

/// A dialer for this member alone.
pub fn dialer(fleet: &Fleet, member: &Member) -> Arc<Dialer> {
    Arc::new(Dialer::new(fleet.tls(member), DialOptions::default()).unwrap())
}
