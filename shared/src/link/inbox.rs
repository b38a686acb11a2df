//! The receiver's side of one feed.
//!
//! Holds where the receiver is, and decides for each frame whether it is the next one. A position
//! is stored in the same transaction as the data that it stands for, and acknowledged after it.

use crate::ids::FeedId;
use crate::wire::frame::{Cursor, Open, Phase, Start};

/// So often in a row a sender may be told where to go on before the session is given up: once is a
/// race with a new start, more is a fault that a new session's snapshot may cure.
const REPOSITIONS_MAX: u32 = 4;

/// How far a receiver has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Which life of the feed.
    pub id: FeedId,
    /// Everything up to here is held.
    pub seq: u64,
    /// Whether that is in the middle of a snapshot.
    pub phase: Phase,
    /// Rises with each snapshot. Records are marked with it, and those of an earlier one are swept
    /// when a snapshot ends.
    pub generation: u32,
}

impl Position {
    /// Nothing is held.
    pub const NONE: Self = Self {
        id: FeedId::NONE,
        seq: 0,
        phase: Phase::Snapshot,
        generation: 0,
    };

    /// As it is told to the sender.
    pub const fn cursor(&self, feed: u8) -> Cursor {
        Cursor {
            feed,
            id: self.id,
            seq: self.seq,
            phase: self.phase,
        }
    }
}

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Hold its records, mark them with `position.generation`, and store `position`.
    /// With `sweep`, remove records of earlier generations first.
    Apply {
        /// Where the receiver is afterwards.
        position: Position,
        /// A snapshot ends here.
        sweep: bool,
    },
    /// Held already: acknowledge.
    Duplicate,
    /// Not the next one: tell the sender where to go on; until it does, what comes is ignored.
    Reposition,
    /// Of a start that was rejected.
    Ignore,
    /// The sender can't be brought to go on: end the session.
    GiveUp,
}

/// The receiver's side of one feed.
#[derive(Debug, Clone)]
pub struct Inbox {
    position: Position,
    is_log: bool,
    open: bool,
    /// Closed, and its sender does not know.
    untold: bool,
    repositions: u32,
}

impl Inbox {
    /// An inbox that goes on from what a store holds. Waits for an [`Open`].
    pub const fn new(position: Position, is_log: bool) -> Self {
        Self {
            position,
            is_log,
            open: false,
            untold: false,
            repositions: 0,
        }
    }

    /// Where the receiver is.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// A new session begins: nothing is open, and old faults are forgotten.
    pub const fn session_began(&mut self) {
        self.open = false;
        self.untold = false;
        self.repositions = 0;
    }

    /// The sender begins. `Apply` has no records, only a position to store.
    pub fn open(&mut self, open: &Open) -> Verdict {
        let position = match open.start {
            Start::Resume { seq } if self.is_log => {
                // A log's new life, or its dropped beginning: what came before is kept as it is.
                let newer = open.id != self.position.id || seq >= self.position.seq;
                newer.then_some(Position {
                    id: open.id,
                    seq,
                    phase: Phase::Live,
                    ..self.position
                })
            }
            Start::Resume { seq } => {
                let here = open.id == self.position.id && seq == self.position.seq;
                here.then_some(self.position)
            }
            Start::Snapshot if self.is_log => None,
            Start::Snapshot => Some(Position {
                id: open.id,
                seq: 0,
                phase: Phase::Snapshot,
                generation: self.position.generation.wrapping_add(1),
            }),
        };
        self.untold = false;
        match position {
            Some(position) => {
                self.open = true;
                self.position = position;
                Verdict::Apply {
                    position,
                    sweep: false,
                }
            }
            None => self.reposition(),
        }
    }

    /// A batch came. After `Apply` the caller either commits, or calls [`Self::reject`].
    pub fn batch(&mut self, after: u64, last: u64, has_digest: bool) -> Verdict {
        if !self.open {
            return match std::mem::take(&mut self.untold) {
                true => Verdict::Reposition,
                false => Verdict::Ignore,
            };
        }
        if last < after {
            return self.reposition();
        }
        if last <= self.position.seq && after < self.position.seq {
            return Verdict::Duplicate;
        }
        if after != self.position.seq {
            return self.reposition();
        }
        let sweep = self.position.phase == Phase::Snapshot && has_digest;
        self.position.seq = last;
        if sweep {
            self.position.phase = Phase::Live;
        }
        Verdict::Apply {
            position: self.position,
            sweep,
        }
    }

    /// The batch was applied and its digest held, if it had one.
    pub const fn applied(&mut self) {
        self.repositions = 0;
    }

    /// What the batch led to is not what its digest says: `before` holds again, and only a snapshot
    /// can help.
    pub fn reject(&mut self, before: Position) -> Verdict {
        self.position = Position {
            id: FeedId::NONE,
            seq: 0,
            phase: Phase::Snapshot,
            ..before
        };
        self.reposition()
    }

    /// What was applied could not be stored, and this is what is: the sender is told where to go on
    /// as soon as it sends anything, unless it was [`told`](Self::told) before.
    pub const fn rolled_back(&mut self) {
        self.open = false;
        self.untold = true;
    }

    /// The sender of a closed feed was told where to go on; what still comes is of before.
    pub const fn told(&mut self) {
        self.untold = false;
    }

    /// The batch is more than the receiver may hold: `before` holds again, and what comes is
    /// ignored until the sender begins anew, which it must be told.
    pub const fn withhold(&mut self, before: Position) {
        self.position = before;
        self.open = false;
    }

    fn reposition(&mut self) -> Verdict {
        self.open = false;
        self.repositions += 1;
        if self.repositions > REPOSITIONS_MAX {
            Verdict::GiveUp
        } else {
            Verdict::Reposition
        }
    }
}
