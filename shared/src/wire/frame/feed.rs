//! Frames of a feed's stream: where it begins, then batch after batch.

use serde::{Deserialize, Serialize};

use super::write;
use crate::ids::FeedId;
use crate::wire::codec::{self, DecodeError, EncodeError};
use crate::wire::record::{ID_BYTES_MAX, VALUE_BYTES_MAX};
use crate::wire::{Bytes, List};

/// The most records of one batch: at 300 bytes a record such a batch is 300 KB, which a hub decodes
/// in a millisecond, so that no region waits long behind another.
pub const RECORDS_MAX: usize = 1024;

/// The first frame of a feed's stream, and again whenever the sender starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// [`feed_code`](super::feed_code).
    pub feed: u8,
    /// Which life of it.
    pub id: FeedId,
    /// From where the batches that follow go on.
    pub start: Start,
}

/// From where a feed is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// From the receiver's cursor. In a log it may be later, where older entries were dropped.
    Resume {
        /// The first batch begins after this.
        seq: u64,
    },
    /// From nothing: at the end, what the receiver had and was not sent again is gone.
    Snapshot,
}

/// Records in the order of their change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch<'a> {
    /// The sequence number that the receiver must be at.
    pub after: u64,
    /// The sequence number that it is at afterwards.
    pub last: u64,
    /// Where `last` is the sender's newest: the [`Digest`](crate::wire::Digest) of all that the
    /// receiver must then hold. It ends a snapshot. Never in a log.
    pub digest: Option<[u8; 16]>,
    /// What changed, each key at most once.
    #[serde(borrow)]
    pub records: List<BatchRecord<'a>, RECORDS_MAX>,
}

/// One record of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRecord<'a> {
    /// [`kind_code`](crate::wire::record::kind_code), or one of a later release.
    pub kind: u16,
    /// The encoded id.
    #[serde(borrow)]
    pub id: Bytes<'a, ID_BYTES_MAX>,
    /// The encoded value; `None` is a tombstone.
    pub value: Option<Bytes<'a, VALUE_BYTES_MAX>>,
}

/// Any frame of a feed's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedFrame<'a> {
    /// First, and at each new start.
    Open(Open),
    /// Everything else.
    Batch(Batch<'a>),
}

impl<'a> FeedFrame<'a> {
    /// Appends the frame to `bytes`.
    ///
    /// # Errors
    /// If a batch is longer than a frame may be.
    pub fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Open(it) => write(32, it, bytes),
            Self::Batch(it) => write(33, it, bytes),
        }
    }

    /// Reads a frame's payload; `None` is a kind of a later release.
    ///
    /// # Errors
    /// If a known kind does not decode.
    pub fn decode(kind: u16, payload: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            32 => Self::Open(codec::decode(payload)?),
            33 => Self::Batch(codec::decode(payload)?),
            _ => return Ok(None),
        }))
    }
}
