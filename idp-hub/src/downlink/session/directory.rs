//! Tells an agent the directory, once its organization is merged.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use shared::link::outbox::{Extent, Outbox, Step};
use shared::runtime::errors::chain;
use shared::transport::{FrameWriter, LinkConnection};
use shared::wire::frame::{Ack, Cursor, FeedFrame, Open};
use tokio::sync::watch;

use crate::downlink::registry::Orders;
use crate::store::directory::Heads;
use crate::store::{RegionNo, Store, StoreError};

/// A directory that can't be read is asked for again after so long.
const STALLED: std::time::Duration = std::time::Duration::from_secs(5);

/// The directory's way to one agent.
pub(super) struct Directing {
    no: RegionNo,
    store: Store,
    connection: LinkConnection,
    heads: watch::Receiver<Heads>,
    /// Where it is said how far the agent is.
    orders: Arc<Orders>,
    /// Where the agent is. It is not told anything before its organization is merged.
    cursor: Cursor,
    outbox: Option<Outbox>,
    /// The stream, opened with the first step; away while a step uses it.
    writer: Option<FrameWriter>,
    step: Option<BoxFuture<'static, Done>>,
}

/// What became of a step.
struct Done {
    writer: Option<FrameWriter>,
    step: Step,
    /// `Err` is the connection's, or the agent's who does not take it.
    outcome: Result<Option<Moved>, String>,
}

/// A batch that is on its way.
struct Moved {
    last: u64,
    bytes: usize,
    has_digest: bool,
}

impl Directing {
    /// The agent asked for it.
    pub(super) fn new(
        (no, orders): (RegionNo, &Arc<Orders>),
        store: &Store,
        connection: &LinkConnection,
        cursor: Cursor,
    ) -> Self {
        let mut directing = Self {
            no,
            store: store.clone(),
            connection: connection.clone(),
            heads: store.directory_heads(),
            orders: Arc::clone(orders),
            cursor,
            outbox: None,
            writer: None,
            step: None,
        };
        directing.grown();
        directing
    }

    /// The agent says where to go on.
    pub(super) fn position(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        if let Some(outbox) = &mut self.outbox {
            outbox.position(&cursor);
        }
        self.begin_step();
    }

    /// Whether an acknowledgement is of something that is on its way.
    pub(super) fn awaits(&self, ack: Ack) -> bool {
        let outbox = self.outbox.as_ref();
        outbox.is_some_and(|it| it.awaits(ack.seq))
    }

    /// The agent has made durable.
    pub(super) fn acked(&mut self, ack: Ack) {
        if let Some(outbox) = &mut self.outbox {
            outbox.acked(ack.seq);
        }
        self.begin_step();
    }

    /// Waits until a step is done or the directory has changed, and begins what is due. Ends with
    /// what is wrong with the connection. Cancel-safe.
    pub(super) async fn next(&mut self) -> String {
        loop {
            let step = async {
                match &mut self.step {
                    Some(step) => step.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                done = step => {
                    self.step = None;
                    if let Err(reason) = self.done(done) {
                        return reason;
                    }
                }
                changed = self.heads.changed() => match changed {
                    Ok(()) => self.grown(),
                    // The store has ended, because the daemon stops.
                    Err(_) => std::future::pending().await,
                },
            }
        }
    }

    fn grown(&mut self) {
        let extent = self.heads.borrow_and_update().extent(self.no);
        match (&mut self.outbox, extent) {
            (Some(outbox), Some(extent)) => outbox.extended(extent),
            (None, Some(extent)) => self.outbox = Some(begun(extent, &self.cursor)),
            (_, None) => self.outbox = None,
        }
        self.begin_step();
    }

    fn done(&mut self, done: Done) -> Result<(), String> {
        let Done {
            writer,
            step,
            outcome,
        } = done;
        self.writer = writer;
        let moved = outcome?;
        if let Some(outbox) = &mut self.outbox {
            match (step, moved) {
                (Step::Open(open), _) => outbox.opened(&open),
                (Step::Read { after }, Some(moved)) => {
                    outbox.sent(after, moved.last, moved.bytes, moved.has_digest);
                }
                (Step::Read { .. } | Step::Renew { .. }, _) => {}
            }
        }
        self.begin_step();
        Ok(())
    }

    /// All that changes how far it is ends here.
    fn begin_step(&mut self) {
        if let Some(held) = self.outbox.as_ref().and_then(Outbox::held) {
            self.orders.holds(held);
        }
        let step = self.outbox.as_ref().and_then(Outbox::next);
        let (None, Some(step)) = (&self.step, step) else {
            return;
        };
        let task = Task {
            no: self.no,
            store: self.store.clone(),
            connection: self.connection.clone(),
            step,
        };
        self.step = Some(Box::pin(task.run(self.writer.take())));
    }
}

fn begun(extent: Extent, cursor: &Cursor) -> Outbox {
    let mut outbox = Outbox::of_directory(extent);
    outbox.position(cursor);
    outbox
}

/// One step.
struct Task {
    no: RegionNo,
    store: Store,
    connection: LinkConnection,
    step: Step,
}

impl Task {
    async fn run(self, writer: Option<FrameWriter>) -> Done {
        let step = self.step;
        let writer = match writer {
            Some(writer) => Ok(writer),
            None => self.connection.open_feed().await,
        };
        let mut writer = match writer {
            Ok(writer) => writer,
            Err(error) => {
                return Done {
                    writer: None,
                    step,
                    outcome: Err(chain(&error).to_string()),
                };
            }
        };
        let outcome = match step {
            Step::Open(open) => send_open(&mut writer, open).await,
            Step::Read { after } => self.send_batch(&mut writer, after).await,
            // A directory is no log, which alone is given another id.
            Step::Renew { .. } => Ok(None),
        };
        Done {
            writer: Some(writer),
            step,
            outcome,
        }
    }

    async fn send_batch(
        &self,
        writer: &mut FrameWriter,
        after: u64,
    ) -> Result<Option<Moved>, String> {
        let no = self.no;
        let read = self.store.read(move |it| it.directory_batch(no, after));
        let batch = match read.await {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.pause(&error).await;
                return Ok(None);
            }
        };
        let bytes = batch.frame.len();
        let (last, has_digest) = (batch.last, batch.has_digest);
        write(writer, batch.frame).await?;
        Ok(Some(Moved {
            last,
            bytes,
            has_digest,
        }))
    }

    /// A store that can't be read is no reason to end the link: only the directory waits.
    async fn pause(&self, error: &StoreError) {
        let (region, error) = (self.no.0, chain(error).to_string());
        tracing::error!(
            region,
            error,
            "the directory can't be read; the agent waits"
        );
        tokio::time::sleep(STALLED).await;
    }
}

async fn send_open(writer: &mut FrameWriter, open: Open) -> Result<Option<Moved>, String> {
    let mut bytes = Vec::new();
    FeedFrame::Open(open)
        .encode(&mut bytes)
        .map_err(|error| error.to_string())?;
    write(writer, bytes).await.map(|()| None)
}

async fn write(writer: &mut FrameWriter, bytes: Vec<u8>) -> Result<(), String> {
    let written = writer.write(bytes).await;
    written.map_err(|error| chain(&error).to_string())
}
