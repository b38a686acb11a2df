//! A batch in the making: what a sender reads from its store, as much as one frame takes.

use super::feed::{Batch, BatchRecord, FeedFrame, RECORDS_MAX};
use crate::wire::codec::EncodeError;
use crate::wire::{Bytes, Digest, List};

/// Ids and values of one batch, bytes: some 900 records, which is little beside the 4 MiB that may
/// be on their way, and enough that a commit of a hub carries many changes.
const BATCH_BYTES_MAX: usize = 256 << 10;

/// A record as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in the feed.
    pub seq: u64,
    /// Its kind's number.
    pub kind: u16,
    /// Its encoded id.
    pub id: Vec<u8>,
    /// Its encoded value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// Rows of one batch, in the order of their numbers.
#[derive(Debug, Default)]
pub struct Gathered {
    rows: Vec<Row>,
    bytes: usize,
}

/// A row that no frame takes: the store holds what was never sent to it.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// Its id or value is longer than any that is encoded here.
    #[error("the {what} of change {seq} is too long")]
    TooLong {
        /// Of what.
        what: &'static str,
        /// Which change.
        seq: u64,
    },
    /// The batch can't be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Gathered {
    /// Adds a row, if the batch has room for it.
    pub fn add(&mut self, row: Row) -> bool {
        let bytes = self.bytes + row.id.len() + row.value.as_ref().map_or(0, Vec::len);
        let is_full =
            self.rows.len() == RECORDS_MAX || (bytes > BATCH_BYTES_MAX && !self.rows.is_empty());
        if !is_full {
            self.bytes = bytes;
            self.rows.push(row);
        }
        !is_full
    }

    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows themselves.
    pub fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    /// The number of the last row.
    pub fn last(&self) -> Option<u64> {
        self.rows.last().map(|row| row.seq)
    }

    /// The whole frame of a batch, header included, of all the changes after `after` up to `last`.
    ///
    /// # Errors
    /// If a row is longer than any that is encoded here.
    pub fn frame(
        &self,
        after: u64,
        last: u64,
        digest: Option<Digest>,
    ) -> Result<Vec<u8>, GatherError> {
        let records = self.rows.iter().map(record);
        let batch = FeedFrame::Batch(Batch {
            after,
            last,
            digest: digest.map(Digest::to_bytes),
            records: List::cut(records.collect::<Result<Vec<_>, _>>()?),
        });
        let mut bytes = Vec::with_capacity(4096);
        batch.encode(&mut bytes)?;
        Ok(bytes)
    }
}

fn record(row: &Row) -> Result<BatchRecord<'_>, GatherError> {
    let Row {
        seq,
        kind,
        ref id,
        ref value,
    } = *row;
    let too_long = |what| GatherError::TooLong { what, seq };
    Ok(BatchRecord {
        kind,
        id: Bytes::new(id).ok_or_else(|| too_long("id"))?,
        value: match value {
            Some(value) => Some(Bytes::new(value).ok_or_else(|| too_long("value"))?),
            None => None,
        },
    })
}
