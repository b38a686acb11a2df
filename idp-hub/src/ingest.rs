//! Checks what agents send before the store sees it.
//!
//! A frame is decoded and checked on its session's task, where a fault is its sender's alone. What
//! leaves here can't make a transaction fail that other regions share.

use bytes::Bytes;
use shared::model::{Feed, Record, RecordKind, Weight};
use shared::wire::codec::DecodeError;
use shared::wire::frame::{Batch, FeedFrame, Open, feed_of};
use shared::wire::record::{self, Decoded, feed_of_kind, kind_code, kind_of};
use shared::wire::{Bytes as WireBytes, Digest};

use crate::store::{FeedPayload, Incoming, IncomingRecord};

/// The largest sequence number and time taken: both stand in signed columns, and at a million
/// changes a second this one is 292,000 years away.
const NUMBER_MAX: u64 = i64::MAX as u64;

const REMARK: u16 = kind_code(RecordKind::Remark);

/// What a session's peer did wrong on a feed's stream.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A frame can't be read.
    #[error("a feed frame of kind {kind} can't be read")]
    Frame {
        /// The frame's kind number.
        kind: u16,
        /// Why.
        source: DecodeError,
    },
    /// A record can't be read.
    #[error("a record of kind {kind} can't be read")]
    Record {
        /// The record's kind number.
        kind: u16,
        /// Why.
        source: DecodeError,
    },
    /// A record came in a feed that does not carry its kind.
    #[error("a record of kind {kind} came in the {} feed", feed.name())]
    WrongFeed {
        /// The record's kind number.
        kind: u16,
        /// The stream's feed.
        feed: Feed,
    },
    /// A number beyond what can be stored.
    #[error("{what} is beyond what can be stored")]
    Beyond {
        /// Which number.
        what: &'static str,
    },
    /// The first frame of a feed's stream must open it, and name the same feed later.
    #[error("a feed's stream must begin by opening one feed")]
    NotOpened,
}

/// Reads one frame of a feed's stream, of which `feed` is settled by its first `Open`.
/// `None` is a frame of a later release.
///
/// # Errors
/// If the peer did something wrong; its session should end.
pub fn read(
    feed: &mut Option<Feed>,
    kind: u16,
    frame: &Bytes,
) -> Result<Option<(Feed, FeedPayload)>, IngestError> {
    let failed = |source| IngestError::Frame { kind, source };
    match FeedFrame::decode(kind, frame).map_err(failed)? {
        None => Ok(None),
        Some(FeedFrame::Open(open)) => {
            let opened = opened(*feed, &open)?;
            *feed = Some(opened);
            Ok(Some((opened, FeedPayload::Open(open))))
        }
        Some(FeedFrame::Batch(batch)) => {
            let feed = feed.ok_or(IngestError::NotOpened)?;
            Ok(Some((
                feed,
                FeedPayload::Batch(check(feed, &batch, frame)?),
            )))
        }
    }
}

fn opened(settled: Option<Feed>, open: &Open) -> Result<Feed, IngestError> {
    if let shared::wire::frame::Start::Resume { seq } = open.start {
        bounded("a feed's start", seq)?;
    }
    match (settled, feed_of(open.feed)) {
        (None, Some(feed)) => Ok(feed),
        (Some(settled), Some(feed)) if settled == feed => Ok(feed),
        _ => Err(IngestError::NotOpened),
    }
}

fn check(feed: Feed, batch: &Batch<'_>, frame: &Bytes) -> Result<Incoming, IngestError> {
    Ok(Incoming {
        after: bounded("a batch's beginning", batch.after)?,
        last: bounded("a batch's end", batch.last)?,
        digest: batch.digest.map(Digest::from_bytes),
        records: batch
            .records
            .as_slice()
            .iter()
            .map(|it| check_record(feed, it.kind, it.id, it.value, frame))
            .collect::<Result<_, _>>()?,
    })
}

fn check_record<const ID: usize, const VALUE: usize>(
    feed: Feed,
    kind: u16,
    id: WireBytes<'_, ID>,
    value: Option<WireBytes<'_, VALUE>>,
    frame: &Bytes,
) -> Result<IncomingRecord, IngestError> {
    if feed_of_kind(kind) != Some(feed) {
        return Err(IngestError::WrongFeed { kind, feed });
    }
    let failed = |source| IngestError::Record { kind, source };
    let slice = |bytes: &[u8]| frame.slice_ref(bytes);
    let mut checked = IncomingRecord {
        kind,
        id: slice(id.as_slice()),
        value: value.map(|value| slice(value.as_slice())),
        weight: Weight::default(),
        known: None,
    };
    let Some(value) = value else {
        if kind_of(kind).is_some() {
            record::decode_id(id.as_slice()).map_err(failed)?;
        }
        return Ok(checked);
    };
    // Only services, samples and remarks must be understood further on; of the rest, and that is
    // most, the store keeps the bytes.
    let is_understood = matches!(feed, Feed::Health | Feed::Samples) || kind == REMARK;
    if !is_understood {
        let weight = record::weigh(kind, id.as_slice(), value.as_slice()).map_err(failed)?;
        checked.weight = weight.unwrap_or_default();
    } else if let Decoded::Known(known) =
        record::decode(kind, id.as_slice(), value.as_slice()).map_err(failed)?
    {
        checked.weight = Weight::of(&known);
        if let Record::HostSample(sample) = &*known {
            bounded("a sample's time", sample.at.0)?;
        }
        checked.known = Some(known);
    }
    Ok(checked)
}

fn bounded(what: &'static str, number: u64) -> Result<u64, IngestError> {
    if number <= NUMBER_MAX {
        Ok(number)
    } else {
        Err(IngestError::Beyond { what })
    }
}
