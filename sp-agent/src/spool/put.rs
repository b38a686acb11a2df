//! Putting records: only what differs takes a sequence number.
//!
//! Everything here runs inside the writer's transaction, on a copy of the feeds' states that takes
//! effect with the commit.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use shared::ids::FeedId;
use shared::model::{Feed, HostSample, Key, Record, RecordKind, Service, UnixMillis};
use shared::wire::Digest;
use shared::wire::frame::feed_code;
use shared::wire::record::{
    EncodedRecord, decode_sample, encode, encode_id, encode_key, kind_code,
};
use tracing::info;

use super::Written;
use super::audits::{Seen, hash};
use super::error::{Fault, SpoolError};
use super::feeds::{FeedState, LIVE_MAX, PerFeed, signed};
use super::sweep::{Missed, Verdict, decide};
use crate::cloud::{Page, Part, Unread};

/// Keys that a sweep looks at in one go: bounds its memory, beside a hash of each that is missing.
const SWEEP_KEYS: usize = 512;

/// A shorter time without samples is a restart, which must not send hours of samples again. Should
/// it have been an older copy after all, a hub that is heard meanwhile tells.
const HOLE_MIN: Duration = Duration::from_secs(600);

/// After a single sample nothing is known of their interval, which may be an hour.
const HOLE_AFTER_ONE: Duration = Duration::from_secs(4 * 3600);

const SERVICES: u8 = 32;
const SAMPLES: u8 = 48;

/// The number by which the file names what sweeps a record. Never reused, never changed.
pub(super) const fn part_code(part: Part) -> u8 {
    match part {
        Part::Servers => 1,
        Part::Nodes => 2,
        Part::Volumes => 3,
        Part::StoragePools => 4,
        Part::Networks => 5,
        Part::FloatingIps => 6,
        Part::ComputeQuota => 7,
        Part::VolumeQuota => 8,
        Part::NetworkQuota => 9,
        Part::Departments => 10,
        Part::Projects => 11,
        Part::Users => 12,
        Part::Groups => 13,
        Part::Roles => 14,
        Part::Memberships => 15,
        Part::Implications => 16,
        Part::Assignments => 17,
    }
}

/// What is held of a key.
struct Held {
    place: i64,
    part: u8,
    /// Of a tombstone it is `None`.
    digest: Option<Digest>,
    /// Whether its value is the one that was compared with.
    same: bool,
}

/// A transaction's view of the spool.
pub(super) struct Put<'a> {
    pub(super) store: &'a Connection,
    pub(super) feeds: &'a mut PerFeed<FeedState>,
    /// 128 random bits, for the id of a new life.
    pub(super) chance: &'a mut dyn FnMut() -> u128,
}

impl Put<'_> {
    /// Puts what a page of an audit says, and tells the audit what it met. What changes said of a
    /// key since the audit began is newer, and stays.
    pub(super) fn page(
        &mut self,
        part: Part,
        page: &Page,
        seen: &mut Seen,
    ) -> Result<Written, Fault> {
        let feed = part.kind().feed();
        let live_before = self.feeds.get(feed).live;
        let mut written = Written::default();
        for record in &page.records {
            belongs(part, record)?;
            let record = encode(record)?;
            if seen.is_overtaken(&record.id) {
                continue;
            }
            seen.saw(&record.id);
            let changed = self.upsert(feed, part_code(part), &record)?;
            written.changed += u64::from(changed);
        }
        seen.added += self.feeds.get(feed).live.saturating_sub(live_before);
        for unread in &page.unread {
            self.unread(part, unread, seen)?;
        }
        for key in &page.deleted {
            let (kind, id) = key_of(part, key)?;
            if !seen.is_overtaken(&id) {
                seen.lost(&id);
                written.removed += u64::from(self.bury(feed, kind, &id)?);
            }
        }
        Ok(written)
    }

    /// Puts what a page of changes says, and tells the part's audit, if one goes on, what it must
    /// not put any more.
    pub(super) fn changes(
        &mut self,
        part: Part,
        page: &Page,
        seen: Option<&mut Seen>,
    ) -> Result<Written, Fault> {
        let feed = part.kind().feed();
        let live_before = self.feeds.get(feed).live;
        let mut written = Written::default();
        let mut told = Vec::with_capacity(page.records.len() + page.deleted.len());
        for record in &page.records {
            belongs(part, record)?;
            let record = encode(record)?;
            let changed = self.upsert(feed, part_code(part), &record)?;
            written.changed += u64::from(changed);
            told.push((record.id, true));
        }
        let added = self.feeds.get(feed).live.saturating_sub(live_before);
        for key in &page.deleted {
            let (kind, id) = key_of(part, key)?;
            written.removed += u64::from(self.bury(feed, kind, &id)?);
            told.push((id, false));
        }
        // Only now, when nothing of the page can be refused any more.
        if let Some(seen) = seen {
            seen.added += added;
            told.iter().for_each(|(id, is)| seen.overtake(id, *is));
        }
        Ok(written)
    }

    /// Takes what was not read for met.
    fn unread(&self, part: Part, unread: &Unread, seen: &mut Seen) -> Result<(), Fault> {
        if let Unread::Record(id) = unread {
            let (kind, id) = (kind_code(part.kind()), encode_id(id)?);
            if seen.is_overtaken(&id) {
                return Ok(());
            }
            let held = self.held(kind, &id, &[])?;
            seen.lacks_some |= held.is_none_or(|it| it.digest.is_none());
        }
        Ok(seen.spare(unread)?)
    }

    /// Makes tombstones of a part's records that were not met, unless they are too many to be
    /// believed at once: then of those that the audit `before` missed too. Gives what remains.
    pub(super) fn sweep(
        &mut self,
        part: Part,
        seen: &Seen,
        before: &Missed,
    ) -> Result<(Written, Missed), Fault> {
        let kind = part.kind();
        let (missing, live) = self.missing(kind, part_code(part), seen)?;
        let of = live.saturating_sub(seen.added);
        let Verdict { gone, missed, held } = decide(missing, of, before);
        let mut written = self.bury_all(kind, part_code(part), &gone)?;
        written.held = held;
        Ok((written, missed))
    }

    /// Puts all services there are.
    pub(super) fn services(&mut self, services: &[Service]) -> Result<Written, Fault> {
        let mut written = Written::default();
        let mut seen = Seen::default();
        for service in services {
            let record = encode(&Record::Service(service.clone()))?;
            seen.saw(&record.id);
            written.changed += u64::from(self.upsert(Feed::Health, SERVICES, &record)?);
        }
        let (gone, _) = self.missing(RecordKind::Service, SERVICES, &seen)?;
        written.removed = self.bury_all(RecordKind::Service, SERVICES, &gone)?.removed;
        Ok(written)
    }

    /// Appends a sample, unless its time has one.
    pub(super) fn sample(&mut self, sample: &HostSample) -> Result<Written, Fault> {
        let record = encode(&Record::HostSample(sample.clone()))?;
        if self.held(record.kind, &record.id, &record.value)?.is_some() {
            return Ok(Written::default());
        }
        if self.has_hole_before(sample.at)? {
            let why = "nothing was sampled for long: this machine may be back from an older copy";
            self.begin_life(Feed::Samples, why);
        }
        self.upsert(Feed::Samples, SAMPLES, &record)?;
        Ok(Written {
            changed: 1,
            ..Written::default()
        })
    }

    /// Gives a feed another id, with all that it holds.
    pub(super) fn begin_life(&mut self, feed: Feed, why: &str) {
        let state = self.feeds.get_mut(feed);
        state.id = FeedId::from_random((self.chance)());
        info!(
            feed = feed.name(),
            "the feed begins a new life, with all that it holds: {why}"
        );
    }

    /// Whether time has passed without samples, as it has in an older copy of the file that came
    /// back. A hub may hold samples of that time, under the numbers that come next.
    fn has_hole_before(&self, at: UnixMillis) -> Result<bool, Fault> {
        let sql = "SELECT value FROM record WHERE feed = ?1 AND value IS NOT NULL
                   ORDER BY seq DESC LIMIT 2";
        let mut select = self.store.prepare_cached(sql)?;
        let mut rows = select.query([feed_code(Feed::Samples)])?;
        let mut times = Vec::with_capacity(2);
        while let Some(row) = rows.next()? {
            let value = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            // One that can't be read is told to whoever sends it.
            if let Ok(Some(sample)) = decode_sample(value) {
                times.push(sample.at);
            }
        }
        Ok(match times[..] {
            [last, before] => {
                let usual = last.since(before).saturating_mul(4);
                at.since(last) > usual.max(HOLE_MIN)
            }
            [last] => at.since(last) > HOLE_AFTER_ONE,
            _ => false,
        })
    }

    /// Holds a record; false if it is held as it is.
    pub(super) fn upsert(
        &mut self,
        feed: Feed,
        part: u8,
        record: &EncodedRecord,
    ) -> Result<bool, Fault> {
        let EncodedRecord { kind, id, value } = record;
        let held = self.held(*kind, id, value)?;
        if held
            .as_ref()
            .is_some_and(|held| held.same && held.part == part)
        {
            return Ok(false);
        }
        let state = self.feeds.get_mut(feed);
        match held.as_ref().and_then(|held| held.digest) {
            Some(old) => state.digest.subtract(old),
            None if state.live >= LIVE_MAX => {
                return Err(Fault::Refused(SpoolError::TooMany { feed }));
            }
            None => state.live += 1,
        }
        if !feed.is_log() {
            state.digest.add(Digest::of(*kind, id, value));
        }
        state.head += 1;
        let seq = signed(state.head);
        if let Some(held) = held {
            let was_tombstone = u64::from(held.digest.is_none());
            state.tombstones = state.tombstones.saturating_sub(was_tombstone);
            let sql = "UPDATE record SET seq = ?2, part = ?3, value = ?4 WHERE place = ?1";
            let mut update = self.store.prepare_cached(sql)?;
            update.execute(params![held.place, seq, part, value])?;
        } else {
            let sql = "INSERT INTO record (feed, seq, part, kind, id, value)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let mut insert = self.store.prepare_cached(sql)?;
            insert.execute(params![feed_code(feed), seq, part, kind, id, value])?;
        }
        Ok(true)
    }

    /// Makes a tombstone of a record; false if there is none.
    pub(super) fn bury(&mut self, feed: Feed, kind: u16, id: &[u8]) -> Result<bool, Fault> {
        let Some(held) = self.held(kind, id, &[])? else {
            return Ok(false);
        };
        let Some(digest) = held.digest else {
            return Ok(false);
        };
        let state = self.feeds.get_mut(feed);
        state.digest.subtract(digest);
        state.live = state.live.saturating_sub(1);
        state.tombstones += 1;
        state.head += 1;
        let sql = "UPDATE record SET seq = ?2, value = NULL WHERE place = ?1";
        let mut update = self.store.prepare_cached(sql)?;
        update.execute(params![held.place, signed(state.head)])?;
        Ok(true)
    }

    fn held(&self, kind: u16, id: &[u8], value: &[u8]) -> Result<Option<Held>, Fault> {
        let sql = "SELECT place, part, value FROM record WHERE kind = ?1 AND id = ?2";
        let mut select = self.store.prepare_cached(sql)?;
        let held = select.query_row(params![kind, id], |row| {
            let old = row.get_ref(2)?.as_blob_or_null()?;
            Ok(Held {
                place: row.get(0)?,
                part: row.get(1)?,
                digest: old.map(|old| Digest::of(kind, id, old)),
                same: old.is_some_and(|old| old == value),
            })
        });
        Ok(held.optional()?)
    }

    /// Makes tombstones of those of a part's live records.
    pub(super) fn bury_all(
        &mut self,
        kind: RecordKind,
        part: u8,
        gone: &Missed,
    ) -> Result<Written, Fault> {
        let code = kind_code(kind);
        let mut written = Written::default();
        let mut after: Vec<u8> = Vec::new();
        while written.removed < gone.len() as u64 {
            let ids = self.live_ids(code, part, &after)?;
            let Some(last) = ids.last() else { break };
            after.clone_from(last);
            for id in ids.iter().filter(|id| gone.contains(&hash(id))) {
                written.removed += u64::from(self.bury(kind.feed(), code, id)?);
            }
        }
        Ok(written)
    }

    /// A part's live records that were not met, and how many live ones there are.
    pub(super) fn missing(
        &self,
        kind: RecordKind,
        part: u8,
        seen: &Seen,
    ) -> Result<(Missed, u64), Fault> {
        let code = kind_code(kind);
        let (mut missing, mut live) = (Missed::default(), 0);
        let mut after: Vec<u8> = Vec::new();
        loop {
            let ids = self.live_ids(code, part, &after)?;
            let Some(last) = ids.last() else {
                return Ok((missing, live));
            };
            after.clone_from(last);
            live += ids.len() as u64;
            let unmet = ids.iter().filter(|id| !seen.has(id));
            for id in unmet.filter(|id| !seen.spares(id)) {
                if !self.is_of_the_unread(code, id, seen)? {
                    missing.insert(hash(id));
                }
            }
        }
    }

    /// The next ids of a part's live records. No id is empty, so all come after the empty one.
    fn live_ids(&self, kind: u16, part: u8, after: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        let sql = "SELECT id FROM record
                   WHERE kind = ?1 AND id > ?2 AND part = ?3 AND value IS NOT NULL
                   ORDER BY id LIMIT ?4";
        let mut select = self.store.prepare_cached(sql)?;
        let ids = select.query_map(params![kind, after, part, SWEEP_KEYS as i64], |row| {
            row.get(0)
        })?;
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

/// A record among those of another part would be swept by that part's audits.
fn belongs(part: Part, record: &Record) -> Result<(), Fault> {
    let kind = record.key().kind;
    let of_service = match record {
        Record::Quota(quota) => quota.service == part.service(),
        _ => true,
    };
    if kind == part.kind() && of_service {
        Ok(())
    } else {
        Err(misplaced(part, kind))
    }
}

/// A deleted key of a part, as the file has it.
fn key_of(part: Part, key: &Key) -> Result<(u16, Vec<u8>), Fault> {
    match key.kind == part.kind() {
        true => Ok(encode_key(key)?),
        false => Err(misplaced(part, key.kind)),
    }
}

const fn misplaced(part: Part, kind: RecordKind) -> Fault {
    Fault::Refused(SpoolError::Misplaced { part, kind })
}
