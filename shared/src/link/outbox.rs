//! The sender's side of one feed.
//!
//! The spool numbers every change; the receiver says how far it has got; the outbox decides what to
//! read next and how much may be on its way. It begins where the *receiver* says, so that a hub
//! restored from an older backup, or a new one, is brought up by the same path as every day.

use std::collections::VecDeque;

use crate::ids::FeedId;
use crate::model::Feed;
use crate::wire::frame::{Cursor, DIRECTORY_FEED, Open, Phase, Start, feed_code};

/// Batches on their way at most. With the spool's batches of 256 KiB that is what the bytes below
/// come to, so it bounds only the bookkeeping of small ones.
const IN_FLIGHT_BATCHES_MAX: usize = 64;

/// Bytes on their way at most: as much as a hub ever takes of one connection (`transport::window`).
/// At 200 ms, 17 MB/s are 3.4 MB on their way, but where one packet in a hundred is lost, what came
/// after it is acknowledged two round trips later. The bytes themselves are QUIC's to keep, within
/// the same bound, so that this is no further memory.
const IN_FLIGHT_BYTES_MAX: usize = 16 << 20;

/// What a spool holds of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Which life of the feed.
    pub id: FeedId,
    /// The newest sequence number; 0 is none.
    pub head: u64,
    /// Tombstones (of a log: entries) up to this one are dropped.
    pub horizon: u64,
    /// Whether what the feed tells of was read whole at least once in this life. Until then no
    /// batch has a digest, so that a receiver does not take for gone what was only not met yet.
    pub whole: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send this on the feed's stream.
    Open(Open),
    /// Read a batch after this sequence number, send it, and tell [`Outbox::sent`].
    Read {
        /// The batch's `after`.
        after: u64,
    },
    /// Give the feed another id in place of this one, with all that it holds, and tell
    /// [`Outbox::extended`]: the receiver holds entries of this life that are not in it any more.
    Renew {
        /// The life that is over.
        id: FeedId,
    },
}

/// The sender's side of one feed.
#[derive(Debug)]
pub struct Outbox {
    /// The feed's number on the wire.
    code: u8,
    is_log: bool,
    extent: Extent,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No receiver.
    Idle,
    /// The receiver is ahead of a log: the log is from an older copy, and would give the numbers in
    /// between away twice.
    Overtaken,
    /// The receiver is told where it begins.
    Opening(Start),
    /// Batches flow.
    Flowing(Flow),
}

#[derive(Debug)]
struct Flow {
    sent: u64,
    acked: u64,
    /// A batch with a digest was sent, even if it was empty: that compares the two sides.
    compared: bool,
    in_flight: VecDeque<InFlight>,
    in_flight_bytes: usize,
}

#[derive(Debug, Clone, Copy)]
struct InFlight {
    last: u64,
    bytes: usize,
}

impl Outbox {
    /// An agent's outbox, without a receiver.
    pub const fn new(feed: Feed, extent: Extent) -> Self {
        Self::of(feed_code(feed), feed.is_log(), extent)
    }

    /// A hub's outbox of its directory, without a receiver.
    pub const fn of_directory(extent: Extent) -> Self {
        Self::of(DIRECTORY_FEED, false, extent)
    }

    const fn of(code: u8, is_log: bool, extent: Extent) -> Self {
        Self {
            code,
            is_log,
            extent,
            state: State::Idle,
        }
    }

    /// The link is gone: what was on its way will be asked for again.
    pub fn disconnected(&mut self) {
        self.state = State::Idle;
    }

    /// The spool has more, or has dropped old tombstones, or was begun anew.
    pub fn extended(&mut self, extent: Extent) {
        let before = std::mem::replace(&mut self.extent, extent);
        if matches!(self.state, State::Idle) {
            return;
        }
        if extent.id != before.id {
            self.state = State::Opening(self.beginning());
        } else if self.is_log && extent.head < before.head {
            self.state = State::Overtaken;
        }
    }

    /// The receiver tells how far it has got: at the beginning of a session, and whenever it could
    /// not use what came.
    pub fn position(&mut self, cursor: &Cursor) {
        let Extent { id, head, .. } = self.extent;
        let overtaken = self.is_log && cursor.id == id && cursor.seq > head;
        self.state = match overtaken {
            true => State::Overtaken,
            false => State::Opening(self.start(cursor)),
        };
    }

    /// A cursor of another life, ahead of the newest change (the spool is from an older backup), or
    /// behind the horizon can't be gone on from.
    fn start(&self, cursor: &Cursor) -> Start {
        let Extent {
            id, head, horizon, ..
        } = self.extent;
        let known = cursor.id == id && cursor.seq <= head;
        match (known, self.is_log) {
            (true, true) => Start::Resume {
                seq: cursor.seq.max(horizon),
            },
            // A snapshot at 0 has sent nothing yet that a dropped tombstone could have removed.
            (true, false) if cursor.seq == 0 && cursor.phase == Phase::Snapshot => Start::Snapshot,
            (true, false) if cursor.seq >= horizon => Start::Resume { seq: cursor.seq },
            (_, _) => self.beginning(),
        }
    }

    const fn beginning(&self) -> Start {
        match self.is_log {
            // A log has no state to replace: whoever knows nothing of it gets what is left.
            true => Start::Resume {
                seq: self.extent.horizon,
            },
            false => Start::Snapshot,
        }
    }

    /// What to do now; `None` until something happens.
    pub fn next(&self) -> Option<Step> {
        match &self.state {
            State::Idle => None,
            State::Overtaken => Some(Step::Renew { id: self.extent.id }),
            State::Opening(start) => {
                let feed = self.code;
                Some(Step::Open(Open {
                    feed,
                    id: self.extent.id,
                    start: *start,
                }))
            }
            State::Flowing(flow) => {
                let Extent { head, whole, .. } = self.extent;
                let due = flow.sent < head || (whole && !flow.compared);
                let room = flow.in_flight.len() < IN_FLIGHT_BATCHES_MAX
                    && flow.in_flight_bytes < IN_FLIGHT_BYTES_MAX;
                (due && room).then_some(Step::Read { after: flow.sent })
            }
        }
    }

    /// [`Step::Open`] is done. Of an earlier start, which the receiver has overtaken since, it
    /// changes nothing.
    pub fn opened(&mut self, open: &Open) {
        if let State::Opening(start) = self.state
            && start == open.start
            && open.id == self.extent.id
        {
            let sent = match start {
                Start::Resume { seq } => seq,
                Start::Snapshot => 0,
            };
            let compared = self.is_log;
            let flow = Flow {
                sent,
                acked: sent,
                compared,
                in_flight: VecDeque::new(),
                in_flight_bytes: 0,
            };
            self.state = State::Flowing(flow);
        }
    }

    /// [`Step::Read`] is done: a batch up to `last`, of so many bytes, with or without a digest, is
    /// on its way. One that began elsewhere is of an earlier start and changes nothing.
    pub fn sent(&mut self, after: u64, last: u64, bytes: usize, has_digest: bool) {
        if let State::Flowing(flow) = &mut self.state
            && flow.sent == after
        {
            flow.sent = last;
            flow.compared |= has_digest;
            flow.in_flight.push_back(InFlight { last, bytes });
            flow.in_flight_bytes += bytes;
        }
    }

    /// Everything up to `seq` is durable at the receiver. Returns how many batches that frees. What
    /// was not sent since the last start is of an earlier life, and says nothing of this one.
    pub fn acked(&mut self, seq: u64) -> usize {
        let State::Flowing(flow) = &mut self.state else {
            return 0;
        };
        if seq > flow.sent {
            return 0;
        }
        let mut freed = 0;
        while let Some(front) = flow.in_flight.front().copied()
            && front.last <= seq
        {
            flow.in_flight.pop_front();
            flow.in_flight_bytes -= front.bytes;
            flow.acked = front.last;
            freed += 1;
        }
        freed
    }

    /// Whether an acknowledgement of this number tells something that was not known.
    pub fn awaits(&self, seq: u64) -> bool {
        match &self.state {
            State::Flowing(flow) => {
                let front = flow.in_flight.front();
                seq <= flow.sent && front.is_some_and(|it| it.last <= seq)
            }
            State::Idle | State::Overtaken | State::Opening(_) => false,
        }
    }

    /// What the spool holds, as last told.
    pub const fn extent(&self) -> Extent {
        self.extent
    }

    /// How many changes the receiver lacks, as far as is known: none are counted twice, but a key
    /// that changed twice counts for two.
    pub fn behind(&self) -> u64 {
        let acked = match &self.state {
            State::Flowing(flow) => flow.acked,
            State::Idle | State::Overtaken | State::Opening(_) => 0,
        };
        self.extent.head.saturating_sub(acked)
    }

    /// Up to which change the receiver holds all; `None` where it has not said so.
    pub const fn held(&self) -> Option<u64> {
        match &self.state {
            State::Idle | State::Overtaken => None,
            State::Opening(Start::Snapshot) => Some(0),
            State::Opening(Start::Resume { seq }) => Some(*seq),
            State::Flowing(flow) => Some(flow.acked),
        }
    }

    /// Whether the receiver holds all there is.
    pub fn is_drained(&self) -> bool {
        match &self.state {
            State::Flowing(flow) => {
                let Extent { head, whole, .. } = self.extent;
                let compared = flow.compared || !whole;
                compared && flow.sent >= head && flow.in_flight.is_empty()
            }
            State::Idle | State::Overtaken | State::Opening(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::inbox::Position;

    /// What goes on its way before anything is acknowledged, in batches of so many bytes.
    fn on_its_way(batch_bytes: usize) -> (usize, usize) {
        let id = FeedId::from_random(1);
        let extent = Extent {
            id,
            head: u64::MAX,
            horizon: 0,
            whole: true,
        };
        let mut outbox = Outbox::new(Feed::Inventory, extent);
        outbox.position(&Position::NONE.cursor(feed_code(Feed::Inventory)));
        let mut batches = 0;
        while let Some(step) = outbox.next() {
            match step {
                Step::Renew { .. } => panic!("it was not overtaken"),
                Step::Open(open) => outbox.opened(&open),
                Step::Read { after } => {
                    outbox.sent(after, after + 1, batch_bytes, false);
                    batches += 1;
                }
            }
        }
        (batches, batches * batch_bytes)
    }

    #[test]
    fn a_far_hub_is_sent_what_a_lossy_line_needs_and_no_more() {
        // 17 MB/s for three round trips of 200 ms: one, and two until a lost packet is made good.
        let (_, bytes) = on_its_way(256 << 10);
        assert!((10_200_000..=17 << 20).contains(&bytes), "{bytes}");
        let (batches, _) = on_its_way(100);
        assert_eq!(batches, IN_FLIGHT_BATCHES_MAX);
    }

    #[test]
    fn what_an_earlier_life_had_acknowledged_is_not_taken_for_this_ones() {
        let extent = |bits, head| Extent {
            id: FeedId::from_random(bits),
            head,
            horizon: 0,
            whole: true,
        };
        let mut outbox = Outbox::new(Feed::Samples, extent(1, 12));
        outbox.position(&Cursor {
            feed: feed_code(Feed::Samples),
            id: FeedId::from_random(1),
            seq: 20,
            phase: Phase::Live,
        });
        let id = FeedId::from_random(1);
        assert_eq!(outbox.next(), Some(Step::Renew { id }));
        outbox.extended(extent(2, 12));
        let Some(Step::Open(open)) = outbox.next() else {
            panic!("{outbox:?}")
        };
        assert_eq!(open.start, Start::Resume { seq: 0 });
        outbox.opened(&open);
        outbox.sent(0, 8, 100, false);
        assert!(!outbox.awaits(20), "of the life before");
        assert!(outbox.awaits(8) && !outbox.awaits(7));
        assert_eq!(outbox.acked(20), 0, "of the life before");
        assert_eq!(outbox.behind(), 12);
        outbox.sent(8, 12, 100, false);
        assert!(!outbox.is_drained());
        assert_eq!(outbox.acked(12), 2);
        assert!(outbox.is_drained());
    }
}
