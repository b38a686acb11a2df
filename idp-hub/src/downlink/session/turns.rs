//! A session's turns: each waits for whatever comes first, and deals with it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use shared::model::Feed;
use shared::transport::{CloseCode, FrameReader, Loss, RawFrame, ReadError};

use super::directory::Directing;
use super::end::End;
use super::{Driver, Registered};
use crate::downlink::registry::Order;
use crate::store::Mail;

/// Feeds of one agent at most: five now, and room for a later release's.
const FEEDS_MAX: usize = 8;

/// What a session waits for.
enum Event {
    Stopping,
    Lost(Loss),
    Order(Order),
    Control(FrameReader, Result<Option<RawFrame>, ReadError>),
    Mail(Mail),
    /// The waiting job is with the store.
    Handed,
    Feed(Box<FeedStream>, Result<Option<RawFrame>, ReadError>),
    Opened(FrameReader),
    /// The directory can't be told any more, and why.
    Untold(String),
    /// Something is due; of a certificate's end the loop takes care.
    Tick,
}

/// A feed's stream, and which feed it turned out to be.
pub(super) struct FeedStream {
    pub(super) reader: FrameReader,
    pub(super) feed: Option<Feed>,
}

/// The next frame of the control stream.
pub(super) type ControlRead =
    BoxFuture<'static, (FrameReader, Result<Option<RawFrame>, ReadError>)>;

/// The next frame of a feed.
pub(super) type FeedRead =
    BoxFuture<'static, (Box<FeedStream>, Result<Option<RawFrame>, ReadError>)>;

/// Begins to wait for a frame of the control stream.
pub(super) fn control(mut reader: FrameReader) -> ControlRead {
    Box::pin(async move {
        let frame = reader.next().await;
        (reader, frame)
    })
}

impl Driver<'_> {
    /// Runs the session until it has to end. What is waited for turn after turn is begun once: to
    /// begin it all anew in each turn, and to give it up, takes longer than a small batch.
    pub(super) async fn run(&mut self) -> End {
        let (downlink, connection) = (self.downlink, self.connection);
        let mailbox = Arc::clone(&self.mailbox);
        let mut stopping = pin!(downlink.shutdown.draining());
        let mut lost = pin!(connection.closed());
        let mut mail = pin!(mailbox.take());
        let mut due = self.due();
        let mut tick = pin!(downlink.clock.sleep_until(due));
        loop {
            if let Some(end) = self.end.take() {
                return end;
            }
            // Asked here, as an agent that never pauses would keep the timer from being seen.
            if downlink.clock.now() >= self.expiry {
                return End::Expired;
            }
            if self.due() != due {
                due = self.due();
                tick.set(downlink.clock.sleep_until(due));
            }
            let reading = self.waiting.is_none();
            let taking = self.session.serves() && self.feeds.len() < FEEDS_MAX;
            let (feeds, directing) = (&mut self.feeds, &mut self.directing);
            let event = tokio::select! {
                biased;
                () = &mut stopping => Event::Stopping,
                order = next_order(self.registered.as_ref()) => Event::Order(order),
                (reader, frame) = &mut self.control => Event::Control(reader, frame),
                loss = &mut lost => Event::Lost(loss),
                news = &mut mail => Event::Mail(news),
                room = downlink.store.room(), if !reading => match (room, self.waiting.take()) {
                    (Ok(room), Some(job)) => {
                        room.feed(job);
                        Event::Handed
                    }
                    _ => Event::Stopping,
                },
                Some((stream, frame)) = feeds.next(), if reading && !feeds.is_empty() => {
                    Event::Feed(stream, frame)
                }
                stream = connection.accept_feed(), if taking && reading => match stream {
                    Ok(reader) => Event::Opened(reader),
                    Err(_) => Event::Lost(connection.closed().await),
                },
                reason = untold(directing) => Event::Untold(reason),
                () = &mut tick => Event::Tick,
            };
            match event {
                Event::Mail(_) => mail.set(mailbox.take()),
                Event::Tick => tick.set(downlink.clock.sleep_until(due)),
                _ => {}
            }
            self.deal_with(event).await;
        }
    }

    async fn deal_with(&mut self, event: Event) {
        match event {
            Event::Stopping => self.end = Some(End::Stopping),
            Event::Lost(loss) => self.end = Some(End::Lost(loss)),
            Event::Order(order) => self.order(order).await,
            Event::Control(reader, frame) => {
                self.control = control(reader);
                self.heard(frame).await;
            }
            Event::Mail(mail) => self.mail(&mail).await,
            Event::Handed => {}
            Event::Feed(stream, frame) => self.feed(stream, frame).await,
            Event::Opened(reader) => {
                let reader = reader.with_budget(self.budget.clone());
                self.read_on(Box::new(FeedStream { reader, feed: None }));
            }
            Event::Untold(reason) => self.untold(reason),
            Event::Tick => self.tick().await,
        }
    }

    /// A connection that is gone tells by itself; an agent that does not take its directory could
    /// be told nothing else.
    fn untold(&mut self, reason: String) {
        self.directing = None;
        let lost = self.connection.loss().map(End::Lost);
        self.end = Some(lost.unwrap_or(End::Fault(CloseCode::Protocol, reason)));
    }

    pub(super) fn read_on(&mut self, mut stream: Box<FeedStream>) {
        self.feeds.push(Box::pin(async move {
            let frame = stream.reader.next().await;
            (stream, frame)
        }));
    }

    fn due(&self) -> Instant {
        let retry = self.full.as_ref().map_or(self.expiry, |(at, _)| *at);
        self.wake.min(self.expiry).min(retry)
    }
}

/// Why the directory can't be told any more; never, of whom did not ask for it.
async fn untold(directing: &mut Option<Box<Directing>>) -> String {
    match directing {
        Some(directing) => directing.next().await,
        None => std::future::pending().await,
    }
}

/// What the administrator decides. Of who is not yet known nothing is decided.
async fn next_order(registered: Option<&Registered>) -> Order {
    match registered {
        Some(it) => it.orders.next().await,
        None => std::future::pending().await,
    }
}
