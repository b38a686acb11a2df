//! A spool and a receiver, joined by `Outbox` and `Inbox` over a stream that may break.

use std::collections::VecDeque;

use shared::link::inbox::{Inbox, Verdict};
use shared::link::outbox::{Outbox, Step};
use shared::model::Feed;
use shared::wire::frame::{FEED_BYTES_MAX, FeedFrame, HEADER_BYTES, Header, Open, feed_code};
use sp_agent::cloud::Part;
use sp_agent::spool::Spool;

use crate::receiver::Receiver;

#[derive(Debug, Clone)]
pub(crate) enum Frame {
    Open(Open),
    Batch(Vec<u8>),
}

pub(crate) struct Link {
    feed: Feed,
    outbox: Outbox,
    pub(crate) stream: VecDeque<Frame>,
    inbox: Inbox,
    pub(crate) receiver: Receiver,
    pub(crate) snapshots: u32,
    pub(crate) bytes_sent: usize,
}

impl Link {
    pub(crate) fn new(feed: Feed, spool: &Spool) -> Self {
        let receiver = Receiver::new();
        let mut link = Self {
            feed,
            outbox: Outbox::new(feed, spool.extent(feed)),
            inbox: Inbox::new(receiver.position, feed.is_log()),
            stream: VecDeque::new(),
            receiver,
            snapshots: 0,
            bytes_sent: 0,
        };
        link.connect();
        link
    }

    /// The same hub, dialed by an agent that was started again.
    pub(crate) fn of_another_agent(self, spool: &Spool) -> Self {
        let outbox = Outbox::new(self.feed, spool.extent(self.feed));
        Self { outbox, ..self }
    }

    pub(crate) fn connect(&mut self) {
        self.stream.clear();
        self.inbox = Inbox::new(self.receiver.position, self.feed.is_log());
        let cursor = self.receiver.position.cursor(feed_code(self.feed));
        self.outbox.position(&cursor);
    }

    pub(crate) async fn send(&mut self, spool: &Spool) {
        let extent = spool.extent(self.feed);
        self.outbox.extended(extent);
        match self.outbox.next() {
            Some(Step::Open(open)) => {
                self.stream.push_back(Frame::Open(open));
                self.outbox.opened(&open);
            }
            Some(Step::Read { after }) => {
                let read = spool.read(self.feed, extent.id, after).await.unwrap();
                let batch = read.expect("nothing changes the spool meanwhile");
                let bytes = batch.frame.len();
                self.outbox.sent(after, batch.last, bytes, batch.has_digest);
                self.bytes_sent += batch.frame.len();
                self.stream.push_back(Frame::Batch(batch.frame));
            }
            Some(Step::Renew { id }) => spool.begin_life(self.feed, id).await.unwrap(),
            None => {}
        }
    }

    pub(crate) fn deliver(&mut self, spool: &Spool) {
        let before = self.inbox.position();
        let verdict = match self.stream.pop_front() {
            None => return,
            Some(Frame::Open(open)) => match self.inbox.open(&open) {
                Verdict::Apply { position, .. } => {
                    self.snapshots += u32::from(position.generation != before.generation);
                    self.receiver.position = position;
                    return;
                }
                other => other,
            },
            Some(Frame::Batch(frame)) => self.deliver_batch(&frame, spool),
        };
        match verdict {
            Verdict::Reposition => {
                let cursor = self.inbox.position().cursor(feed_code(self.feed));
                self.outbox.position(&cursor);
            }
            Verdict::GiveUp => self.connect(),
            _ => {}
        }
    }

    fn deliver_batch(&mut self, frame: &[u8], spool: &Spool) -> Verdict {
        let (header, payload) = frame.split_at(HEADER_BYTES);
        let header = Header::read(header.try_into().unwrap(), FEED_BYTES_MAX).unwrap();
        assert_eq!(header.len, payload.len());
        let Some(FeedFrame::Batch(batch)) = FeedFrame::decode(header.kind, payload).unwrap() else {
            panic!("not a batch");
        };
        let before = self.inbox.position();
        let has_digest = batch.digest.is_some();
        assert!(!(self.feed.is_log() && has_digest));
        match self.inbox.batch(batch.after, batch.last, has_digest) {
            Verdict::Apply { position, sweep } => {
                if !self.receiver.apply(&batch, position, sweep) {
                    return self.inbox.reject(before);
                }
                self.inbox.applied();
                self.acked(position.seq, spool);
                Verdict::Ignore
            }
            Verdict::Duplicate => {
                self.acked(self.inbox.position().seq, spool);
                Verdict::Ignore
            }
            other => other,
        }
    }

    fn acked(&mut self, seq: u64, spool: &Spool) {
        self.outbox.acked(seq);
        spool.acked(self.feed, seq);
    }

    /// Connects, and goes on until the receiver holds all there is: parts that no audit has read
    /// are not there.
    pub(crate) async fn settle(&mut self, spool: &Spool) {
        for part in Part::ALL {
            spool.put_absent(part).await.unwrap();
        }
        self.drain(spool).await;
    }

    /// Connects, and goes on until the receiver holds what the spool does.
    pub(crate) async fn drain(&mut self, spool: &Spool) {
        self.connect();
        for _ in 0..10_000 {
            self.send(spool).await;
            self.deliver(spool);
            if self.outbox.is_drained() && self.stream.is_empty() {
                return;
            }
        }
        panic!("never drained: {:?}", self.outbox);
    }
}
