//! Frames of a feed's stream: where it begins, then batch after batch.

use serde::{Deserialize, Serialize};

use super::write;
use crate::ids::FeedId;
use crate::wire::codec::{self, Cursor, DecodeError, EncodeError};
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
            33 => Self::Batch(match Batch::in_place(Cursor::new(payload)) {
                Some(batch) => batch,
                None => codec::decode(payload)?,
            }),
            _ => return Ok(None),
        }))
    }
}

impl<'a> Batch<'a> {
    /// Reads a faultless batch where it lies: frames of this kind are most of what a hub decodes.
    fn in_place(mut it: Cursor<'a>) -> Option<Self> {
        let (after, last) = (it.number()?, it.number()?);
        let digest = it.option(Cursor::array)?;
        let mut records = Vec::new();
        it.list(RECORDS_MAX as u64, |it| {
            records.push(BatchRecord {
                kind: u16::try_from(it.number()?).ok()?,
                id: Bytes::new(it.bytes(ID_BYTES_MAX)?)?,
                value: it.option(|it| Bytes::new(it.bytes(VALUE_BYTES_MAX)?))?,
            });
            Some(())
        })?;
        it.end()?;
        Some(Self {
            after,
            last,
            digest,
            records: List::cut(records),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte is changed in every way: what one takes the other takes, and makes the same of
    /// it. Sequence numbers and lengths of every width are among them.
    #[test]
    fn reading_in_place_is_decoding() {
        let long = [7; 300];
        let record = |kind, value: Option<&'static [u8]>| BatchRecord {
            kind,
            id: Bytes::new(b"id").unwrap(),
            value: value.map(|it| Bytes::new(it).unwrap()),
        };
        let mut records = vec![record(1, Some(b"value")), record(300, None)];
        records.push(BatchRecord {
            value: Bytes::new(&long),
            ..record(63, None)
        });
        let batch = Batch {
            after: 70_000,
            last: 1 << 40,
            digest: Some([9; 16]),
            records: List::cut(records),
        };
        let whole = codec::encode(&batch).unwrap();
        assert_eq!(Batch::in_place(Cursor::new(&whole)), Some(batch));
        for place in 0..whole.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = whole.clone();
                bytes[place] = byte;
                let decoded: Option<Batch<'_>> = codec::decode(&bytes).ok();
                assert_eq!(
                    Batch::in_place(Cursor::new(&bytes)),
                    decoded,
                    "{place} {byte}"
                );
            }
        }
    }
}
