//! The feeds of one connection: from the spool, through the outboxes, onto their streams.

use std::time::Duration;

use futures_util::future::{BoxFuture, select_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use shared::ids::FeedId;
use shared::link::inbox::Position;
use shared::link::outbox::{Extent, Outbox, Step};
use shared::model::Feed;
use shared::runtime::errors::chain;
use shared::transport::{FrameWriter, LinkConnection};
use shared::wire::frame::{Ack, Cursor, FeedFrame, Open, feed_code, feed_of, feed_version};
use tokio::sync::watch;

use crate::spool::{Spool, SpoolError};

/// A feed whose spool fails waits at least so long, however often the spool changes meanwhile.
const STALLED_MIN: Duration = Duration::from_secs(1);

/// And at most so long: an error that nobody else has met ends without a change.
const STALLED_MAX: Duration = Duration::from_secs(8);

/// What one feed did.
pub(super) enum Sent {
    /// It sent a batch.
    Batch,
    /// It looked, and has nothing to say.
    Nothing,
}

enum Event {
    Done(Done),
    /// The feed in this place has grown; false is the spool's end.
    Grown(usize, bool),
}

/// What became of a step.
struct Done {
    place: usize,
    writer: Option<FrameWriter>,
    step: Step,
    /// The spool did not do its part, and the feed has paused.
    stalled: bool,
    /// An error is the connection's.
    outcome: Result<Option<Moved>, String>,
}

/// A batch that is on its way.
struct Moved {
    last: u64,
    bytes: usize,
    has_digest: bool,
}

struct Sender {
    feed: Feed,
    outbox: Outbox,
    extents: watch::Receiver<Extent>,
    /// The stream, opened with the first step; away while a step uses it.
    writer: Option<FrameWriter>,
    busy: bool,
    /// The spool did not do its part the last time.
    stalled: bool,
}

/// The feeds of one connection.
pub(super) struct Feeds {
    connection: LinkConnection,
    spool: Spool,
    senders: Vec<Sender>,
    steps: FuturesUnordered<BoxFuture<'static, Done>>,
}

impl Feeds {
    pub(super) fn new(connection: LinkConnection, spool: Spool) -> Self {
        let senders = Feed::ALL.map(|feed| {
            let extents = spool.watch(feed);
            let outbox = Outbox::new(feed, spool.extent(feed));
            Sender {
                feed,
                outbox,
                extents,
                writer: None,
                busy: false,
                stalled: false,
            }
        });
        let steps = FuturesUnordered::new();
        Self {
            connection,
            spool,
            senders: senders.into(),
            steps,
        }
    }

    /// The hub takes feeds from here on. One that it did not name it holds nothing of; one that its
    /// version does not have stays here.
    pub(super) fn serve(&mut self, version: u16, cursors: &[Cursor]) {
        self.senders.retain(|it| feed_version(it.feed) <= version);
        for sender in &mut self.senders {
            let code = feed_code(sender.feed);
            let named = cursors.iter().find(|cursor| cursor.feed == code).copied();
            sender
                .outbox
                .position(&named.unwrap_or_else(|| Position::NONE.cursor(code)));
        }
        self.begin_steps();
    }

    /// The hub tells where to go on.
    pub(super) fn position(&mut self, cursor: &Cursor) {
        if let Some(sender) = self.sender(cursor.feed) {
            let feed = sender.feed.name();
            tracing::info!(
                feed,
                seq = cursor.seq,
                "the hub asks to go on from elsewhere"
            );
            sender.outbox.position(cursor);
        }
        self.begin_steps();
    }

    /// The hub has made durable.
    pub(super) fn acked(&mut self, ack: Ack) {
        let spool = self.spool.clone();
        if let Some(sender) = self.sender(ack.feed)
            && sender.outbox.acked(ack.seq) > 0
        {
            spool.acked(sender.feed, ack.seq);
        }
        self.begin_steps();
    }

    /// Feeds of which the hub lacks something, and how many changes.
    pub(super) fn behind(&self) -> Vec<(Feed, u64)> {
        let lacking = self
            .senders
            .iter()
            .filter(|sender| !sender.outbox.is_drained());
        lacking
            .map(|sender| (sender.feed, sender.outbox.behind()))
            .collect()
    }

    /// Waits until a step is done or a feed has grown, and begins what is due. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Sent, String> {
        let Self { senders, steps, .. } = self;
        let changes = senders.iter_mut().map(|it| Box::pin(it.extents.changed()));
        let event = tokio::select! {
            Some(done) = steps.next(), if !steps.is_empty() => Event::Done(done),
            (changed, place, _) = select_all(changes) => Event::Grown(place, changed.is_ok()),
        };
        match event {
            Event::Done(done) => self.done(done),
            Event::Grown(place, true) => {
                if let Some(sender) = self.senders.get_mut(place) {
                    let extent = *sender.extents.borrow_and_update();
                    sender.outbox.extended(extent);
                }
                self.begin_steps();
                Ok(Sent::Nothing)
            }
            // The spool has closed, because the daemon stops: nothing more will come.
            Event::Grown(_, false) => std::future::pending().await,
        }
    }

    fn done(&mut self, done: Done) -> Result<Sent, String> {
        let Done {
            place,
            writer,
            step,
            stalled,
            outcome,
        } = done;
        let Some(sender) = self.senders.get_mut(place) else {
            return Ok(Sent::Nothing);
        };
        sender.writer = writer;
        sender.busy = false;
        if std::mem::replace(&mut sender.stalled, stalled) && !stalled {
            tracing::info!(feed = sender.feed.name(), "the feed goes on");
        }
        let moved = outcome?;
        let sent = match (step, moved) {
            (Step::Open(open), _) => {
                sender.outbox.opened(&open);
                Sent::Batch
            }
            (Step::Read { after }, Some(moved)) => {
                let Moved {
                    last,
                    bytes,
                    has_digest,
                } = moved;
                sender.outbox.sent(after, last, bytes, has_digest);
                Sent::Batch
            }
            // The feed has a new life, as its extent says, or the spool can be asked again.
            (Step::Read { .. } | Step::Renew { .. }, _) => {
                let extent = *sender.extents.borrow_and_update();
                sender.outbox.extended(extent);
                Sent::Nothing
            }
        };
        self.begin_steps();
        Ok(sent)
    }

    fn begin_steps(&mut self) {
        for (place, sender) in self.senders.iter_mut().enumerate() {
            let Some(step) = sender.outbox.next().filter(|_| !sender.busy) else {
                continue;
            };
            sender.busy = true;
            let task = Task {
                place,
                feed: sender.feed,
                id: sender.outbox.extent().id,
                step,
                was_stalled: sender.stalled,
                spool: self.spool.clone(),
                connection: self.connection.clone(),
            };
            self.steps.push(Box::pin(task.run(sender.writer.take())));
        }
    }

    fn sender(&mut self, code: u8) -> Option<&mut Sender> {
        let feed = feed_of(code)?;
        self.senders.iter_mut().find(|sender| sender.feed == feed)
    }
}

/// One step of one feed.
struct Task {
    place: usize,
    feed: Feed,
    id: FeedId,
    step: Step,
    was_stalled: bool,
    spool: Spool,
    connection: LinkConnection,
}

impl Task {
    async fn run(self, writer: Option<FrameWriter>) -> Done {
        let (place, step) = (self.place, self.step);
        let mut writer = match writer {
            Some(writer) => writer,
            None => match self.connection.open_feed().await {
                Ok(writer) => writer,
                Err(error) => {
                    let outcome = Err(chain(&error).to_string());
                    return Done {
                        place,
                        writer: None,
                        step,
                        stalled: false,
                        outcome,
                    };
                }
            },
        };
        let outcome = match step {
            Step::Open(open) => send_open(&mut writer, open).await.map(Ok),
            Step::Read { after } => self.send_batch(&mut writer, after).await,
            Step::Renew { id } => Ok(self.spool.begin_life(self.feed, id).await.map(|()| None)),
        };
        let (stalled, outcome) = match outcome {
            Ok(Ok(moved)) => (false, Ok(moved)),
            Ok(Err(error)) => {
                self.pause(&error).await;
                (true, Ok(None))
            }
            Err(reason) => (false, Err(reason)),
        };
        Done {
            place,
            writer: Some(writer),
            step,
            stalled,
            outcome,
        }
    }

    /// The outer error is the connection's, the inner one the spool's.
    async fn send_batch(
        &self,
        writer: &mut FrameWriter,
        after: u64,
    ) -> Result<Result<Option<Moved>, SpoolError>, String> {
        let batch = match self.spool.read(self.feed, self.id, after).await {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(Ok(None)),
            Err(error) => return Ok(Err(error)),
        };
        let bytes = batch.frame.len();
        writer
            .write(batch.frame)
            .await
            .map_err(|error| chain(&error).to_string())?;
        let (last, has_digest) = (batch.last, batch.has_digest);
        Ok(Ok(Some(Moved {
            last,
            bytes,
            has_digest,
        })))
    }

    /// A spool that fails is no reason to end the link, by which the hub knows that this region is
    /// there: only this feed waits, until the spool may have changed.
    async fn pause(&self, error: &SpoolError) {
        if !self.was_stalled {
            let (feed, error) = (self.feed.name(), chain(error).to_string());
            tracing::warn!(feed, error, "the feed waits for the spool; the link stays");
        }
        pause(&self.spool, self.feed).await;
    }
}

/// Until the feed's extent or the spool's condition has changed, within bounds.
async fn pause(spool: &Spool, feed: Feed) {
    let (mut extents, mut condition) = (spool.watch(feed), spool.condition());
    tokio::time::sleep(STALLED_MIN).await;
    let changed = async {
        tokio::select! {
            _ = extents.changed() => {}
            _ = condition.changed() => {}
        }
    };
    // Whichever it was, the spool is asked again.
    let _ = tokio::time::timeout(STALLED_MAX.saturating_sub(STALLED_MIN), changed).await;
}

async fn send_open(writer: &mut FrameWriter, open: Open) -> Result<Option<Moved>, String> {
    let mut bytes = Vec::new();
    FeedFrame::Open(open)
        .encode(&mut bytes)
        .map_err(|error| error.to_string())?;
    writer
        .write(bytes)
        .await
        .map_err(|error| chain(&error).to_string())?;
    Ok(None)
}
