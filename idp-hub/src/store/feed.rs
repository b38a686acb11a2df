//! Takes feed frames into the open transaction.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use shared::link::inbox::{Position, Verdict};
use shared::model::{Feed, Record, RecordKind, RemarkState, ServiceKind, UnixMillis, Weight};
use shared::transport::BudgetPermit;
use shared::wire::Digest;
use shared::wire::frame::{Open, feed_code};
use shared::wire::record::kind_code;

use super::error::StoreError;
use super::mailbox::Mailbox;
use super::measure;
use super::overlay::{Overlay, Share};
use super::regions::RegionNo;
use super::samples;
use super::size::Size;
use super::{Changing, hot::RegionHot};

/// Records of health beyond a region's limit: a few services, and room for a later release's.
const HEALTH_RECORDS_RESERVED: u32 = 256;

/// A frame for the writer.
pub struct FeedJob {
    /// Whose; settled by the session's certificate.
    pub region: RegionNo,
    /// Which session of the region. A newer one makes this job void.
    pub session: u64,
    /// Which feed.
    pub feed: Feed,
    /// The frame.
    pub payload: FeedPayload,
    /// Where the answer goes.
    pub mailbox: Arc<Mailbox>,
    /// The frame's share of the budget of bytes, given back when the job is done.
    pub budget: Option<BudgetPermit>,
}

/// A decoded and checked frame.
pub enum FeedPayload {
    /// The sender begins.
    Open(Open),
    /// Records.
    Batch(Incoming),
}

impl FeedPayload {
    /// How many records it brings.
    pub(in crate::store) const fn len(&self) -> usize {
        match self {
            Self::Open(_) => 0,
            Self::Batch(batch) => batch.records.len(),
        }
    }

    /// Whether it says of anything that it ended.
    pub(in crate::store) fn tells_of_ends(&self) -> bool {
        let tells = |it: &IncomingRecord| match it.known.as_deref() {
            Some(Record::Remark(it)) => matches!(it.state, RemarkState::Ended { .. }),
            _ => false,
        };
        match self {
            Self::Open(_) => false,
            Self::Batch(batch) => batch.records.iter().any(tells),
        }
    }
}

/// A decoded and checked batch.
pub struct Incoming {
    /// The batch's `after`.
    pub after: u64,
    /// The batch's `last`.
    pub last: u64,
    /// The batch's digest.
    pub digest: Option<Digest>,
    /// Its records.
    pub records: Vec<IncomingRecord>,
}

/// A decoded and checked record. Its bytes are slices of its frame.
pub struct IncomingRecord {
    /// Kind number.
    pub kind: u16,
    /// Encoded id.
    pub id: Bytes,
    /// Encoded value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// What it adds to the totals.
    pub weight: Weight,
    /// The record itself, where the writer must understand it: services, samples and remarks.
    pub known: Option<Box<Record>>,
}

impl IncomingRecord {
    fn size(&self) -> Size {
        let of = |value: &Bytes| Size::of(&self.id, value);
        self.value.as_ref().map_or_else(Size::default, of)
    }
}

/// What the mailbox is told after the commit.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum Answer {
    Ack(u64),
    /// As [`Ack`](Self::Ack), but not all of it was kept: the region sends more samples than any
    /// agent does.
    Thinned(u64),
    Reposition(Position),
    /// It would be more than the region may have. The feed stands still at this position.
    Full(Position),
    GiveUp,
}

/// What the transaction needs of a [`FeedJob`].
pub(in crate::store) struct Frame {
    pub(in crate::store) region: RegionNo,
    pub(in crate::store) session: u64,
    pub(in crate::store) feed: Feed,
    pub(in crate::store) payload: FeedPayload,
}

/// Takes a job into the open transaction. `None` is a job that needs no answer.
pub(in crate::store) fn take(
    changing: &mut Changing<'_>,
    overlay: &mut Overlay,
    job: Frame,
) -> Result<Option<Answer>, StoreError> {
    let region_max = changing.hot.region_max;
    let Some(region) = changing.hot.region(changing.connection, job.region)? else {
        return Ok(Some(Answer::GiveUp));
    };
    if region.session != job.session {
        return Ok(None);
    }
    let feed = region.feed(job.feed);
    let before = feed.inbox.position();
    let verdict = match &job.payload {
        FeedPayload::Open(open) => feed.inbox.open(open),
        FeedPayload::Batch(it) => feed.inbox.batch(it.after, it.last, it.digest.is_some()),
    };
    if verdict != Verdict::Ignore {
        feed.dirty = true;
        feed.fresh = changing.now;
    }
    if !matches!(verdict, Verdict::Ignore | Verdict::Duplicate) {
        // Until what comes is found to be all.
        feed.caught_up = false;
    }
    let verdict = match (job.payload, verdict) {
        (FeedPayload::Open(_), Verdict::Apply { .. }) => return Ok(None),
        (FeedPayload::Batch(batch), Verdict::Apply { position, sweep }) => {
            let applying = Applying {
                no: job.region,
                feed: job.feed,
                position,
                now: changing.now,
            };
            let (connection, size) = (changing.connection, region.size);
            if applying.overfills(connection, overlay, size, &batch.records, region_max)? {
                let feed = region.feed(job.feed);
                feed.full = true;
                feed.inbox.withhold(before);
                return Ok(Some(Answer::Full(before)));
            }
            region.feed(job.feed).full = false;
            let thinned = applying.batch(connection, overlay, region, batch.records)?;
            if sweep {
                applying.sweep(changing.connection, overlay, region)?;
            }
            let feed = region.feed(job.feed);
            if batch.digest.is_none_or(|expected| expected == feed.digest) {
                feed.inbox.applied();
                feed.caught_up = batch.digest.is_some();
                let answer = if thinned {
                    Answer::Thinned
                } else {
                    Answer::Ack
                };
                return Ok(Some(answer(position.seq)));
            }
            // What came is the sender's own word and stays; what else is here is not what the
            // sender has, and a snapshot will tell.
            feed.inbox.reject(before)
        }
        (_, verdict) => verdict,
    };
    let position = region.feed(job.feed).inbox.position();
    Ok(match verdict {
        Verdict::Duplicate => Some(Answer::Ack(position.seq)),
        Verdict::Reposition => Some(Answer::Reposition(position)),
        Verdict::GiveUp => Some(Answer::GiveUp),
        Verdict::Ignore | Verdict::Apply { .. } => None,
    })
}

impl Answer {
    /// Puts the answer into the session's mailbox.
    pub(in crate::store) fn tell(self, feed: Feed, mailbox: &Mailbox) {
        match self {
            Self::Ack(seq) => mailbox.ack(feed, seq),
            Self::Thinned(seq) => {
                mailbox.thinned();
                mailbox.ack(feed, seq);
            }
            Self::Reposition(position) => mailbox.reposition(position.cursor(feed_code(feed))),
            Self::Full(position) => mailbox.full(position.cursor(feed_code(feed))),
            Self::GiveUp => mailbox.give_up(),
        }
    }
}

/// One batch on its way into the transaction.
struct Applying {
    no: RegionNo,
    feed: Feed,
    position: Position,
    now: UnixMillis,
}

impl Applying {
    /// Whether a region of this size would have more than it may with the batch, and more than
    /// before it: what only replaces and removes is always taken.
    fn overfills(
        &self,
        connection: &rusqlite::Connection,
        overlay: &mut Overlay,
        size: Size,
        records: &[IncomingRecord],
        region_max: Size,
    ) -> Result<bool, StoreError> {
        if self.feed.is_log() {
            // Samples have a bound of their own.
            return Ok(false);
        }
        let mut after = size;
        records.iter().for_each(|it| after.add(it.size()));
        if !after.exceeds(region_max) {
            return Ok(false);
        }
        let mut region_max = region_max;
        if self.feed == Feed::Health {
            // What is wrong with a region is told also of one that is full.
            region_max.add(Size::limit(HEALTH_RECORDS_RESERVED));
        }
        // Close to the limit, so that it must be known what each record replaces.
        let mut seen = HashSet::new();
        for record in records {
            let key = (self.no, record.kind, &record.id[..]);
            // A sender that names one twice does not replace it twice.
            if seen.insert((record.kind, &record.id)) {
                after.subtract(overlay.size(connection, key)?);
            }
        }
        let grows = after.records > size.records || after.bytes > size.bytes;
        Ok(grows && after.exceeds(region_max))
    }

    /// Tells whether some of it was more than the region may have.
    fn batch(
        &self,
        connection: &rusqlite::Connection,
        overlay: &mut Overlay,
        region: &mut RegionHot,
        records: Vec<IncomingRecord>,
    ) -> Result<bool, StoreError> {
        if self.feed.is_log() {
            return self.samples(connection, &records);
        }
        let generation = self.position.generation;
        for record in records {
            if self.feed == Feed::Health {
                note_service(region, &record);
            }
            let share = match &record.value {
                Some(value) => Share {
                    digest: Digest::of(record.kind, &record.id, value),
                    size: record.size(),
                    weight: record.weight,
                },
                None => Share::default(),
            };
            region.totals.put(&share.weight);
            region.size.add(share.size);
            let digest = &mut region.feed(self.feed).digest;
            digest.add(share.digest);
            let key = (self.no, record.kind, &record.id[..]);
            let before = overlay.put(connection, key, generation, record.value, share)?;
            digest.subtract(before.digest);
            region.totals.take(&before.weight);
            region.size.subtract(before.size);
        }
        Ok(false)
    }

    fn samples(
        &self,
        connection: &rusqlite::Connection,
        records: &[IncomingRecord],
    ) -> Result<bool, StoreError> {
        let mut thinned = false;
        for record in records {
            let (Some(value), Some(Record::HostSample(sample))) =
                (&record.value, record.known.as_deref())
            else {
                // A later release's kind of sample: not kept, as there is no key to keep it by.
                continue;
            };
            if let Some(passed) = samples::keep(connection, self.no, self.now, sample.at, value)? {
                measure::passed_over(passed);
                thinned |= passed.is_excess();
            }
        }
        Ok(thinned)
    }

    fn sweep(
        &self,
        connection: &rusqlite::Connection,
        overlay: &mut Overlay,
        region: &mut RegionHot,
    ) -> Result<(), StoreError> {
        overlay.flush(connection, self.now)?;
        overlay.sweep(
            connection,
            self.no,
            self.feed,
            self.position.generation,
            |_, id, share| {
                region.totals.take(&share.weight);
                region.size.subtract(share.size);
                region.feed(self.feed).digest.subtract(share.digest);
                if self.feed == Feed::Health
                    && let Some(kind) = service_of(id)
                {
                    region.service(kind, None);
                }
            },
        )
    }
}

fn note_service(region: &mut RegionHot, record: &IncomingRecord) {
    if record.kind != kind_code(RecordKind::Service) {
        return;
    }
    match (&record.known, service_of(&record.id)) {
        (Some(known), _) => {
            if let Record::Service(service) = &**known {
                region.service(service.kind, Some(service.clone()));
            }
        }
        // A tombstone. What only a later release can read leaves what is known as it is.
        (None, Some(kind)) if record.value.is_none() => region.service(kind, None),
        (None, _) => {}
    }
}

/// The service that a health record's id names.
fn service_of(id: &[u8]) -> Option<ServiceKind> {
    let id = shared::wire::record::decode_id(id).ok()?.to_string();
    ServiceKind::ALL.into_iter().find(|kind| kind.name() == id)
}
