//! What the regions' agents remark, and what is answered.

mod policy;

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use shared::audit::By;
use shared::ids::ObjectId;
use shared::model::{
    Binding, CloudId, ObjectKind, PutBack, Record, RecordKind, Remark, RemarkState, Subject,
    UnixMillis,
};
use shared::wire::Digest;
use shared::wire::record::{self, kind_code};

use super::load::{UNREADABLE, record_of};
use super::write::Rows;
use crate::directory::{
    self, Delta, DriftRefusal, adoption, may_put_back, outward, record_kind, unsaid_answers,
};
use crate::store::error::{Doing, StoreError};
use crate::store::records::PAGE_MAX;
use crate::store::regions::{RegionNo, RegionRow};
use crate::store::{Changing, Reading, audit};

pub use policy::{CURE_AGAIN, DriftDue};

/// A remark as a region's agent made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remarked {
    /// The region's number.
    pub no: RegionNo,
    /// The region's name.
    pub region: String,
    /// The remark.
    pub remark: Remark,
    /// When it came here as it is.
    pub changed: UnixMillis,
    /// What says that somebody saw this one.
    pub seen: Digest,
}

/// Some remarks, and from where the next ones go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemarkPage {
    /// The remarks, by region.
    pub items: Vec<Remarked>,
    /// Where to go on; `None` at the end.
    pub next: Option<Vec<u8>>,
}

/// Which drift an administrator saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The id of the remark.
    pub id: CloudId,
    /// Its digest.
    pub digest: Digest,
}

impl Reading<'_> {
    /// Remarks of all regions or of one, those that are wanted. At most `limit` are looked at, so
    /// that a page may have fewer, or none, and another one after it.
    ///
    /// # Errors
    /// If there is no such region, or the database fails.
    pub fn remarks(
        &self,
        region: Option<&str>,
        is_wanted: fn(&RemarkState) -> bool,
        after: &[u8],
        limit: u32,
    ) -> Result<RemarkPage, StoreError> {
        let (from, mut after) = match after.split_first_chunk::<4>() {
            Some((no, id)) => (u32::from_be_bytes(*no), id),
            None => (0, &[][..]),
        };
        let mut limit = limit.clamp(1, PAGE_MAX);
        let mut page = RemarkPage {
            items: Vec::new(),
            next: None,
        };
        for row in self.regions_of(region)? {
            if row.no.0 < from {
                continue;
            }
            if row.no.0 > from {
                after = &[];
            }
            if limit == 0 {
                page.next = Some(row.no.0.to_be_bytes().to_vec());
                return Ok(page);
            }
            let found = self.records(row.no, RecordKind::Remark, after, limit)?;
            let looked_at = u32::try_from(found.records.len()).unwrap_or(limit);
            limit = limit.saturating_sub(looked_at);
            for it in found.records {
                let Record::Remark(remark) = it.record else {
                    continue;
                };
                if is_wanted(&remark.state) {
                    page.items.push(remarked(&row, remark, it.changed)?);
                }
            }
            if let Some(id) = found.next {
                page.next = Some([&row.no.0.to_be_bytes()[..], &id].concat());
                return Ok(page);
            }
        }
        Ok(page)
    }

    /// The drift that an administrator saw, if it is still that.
    ///
    /// # Errors
    /// If it is not there any more, or another one; or if the database fails.
    fn seen(&self, region: &RegionRow, seen: &Seen) -> Result<Remarked, StoreError> {
        let Seen { id, digest } = seen;
        let sql = "SELECT kind, id, value, changed_ms FROM records
                   WHERE region = ?1 AND kind = ?2 AND id = ?3";
        let key = record::encode_id(id).map_err(|_| UNREADABLE)?;
        let row = params![region.no.0, kind_code(RecordKind::Remark), key];
        let found = self
            .prepared(sql)?
            .query_row(row, |row| Ok((record_of(row)?, UnixMillis(row.get(3)?))))
            .optional()
            .doing("find a remark")?;
        let Some((Some(Record::Remark(remark)), changed)) = found else {
            let (region, id) = (region.facts.name.clone(), id.to_string());
            return Err(DriftRefusal::Gone { region, id }.into());
        };
        let found = remarked(region, remark, changed)?;
        match found.seen == *digest {
            true => Ok(found),
            false => {
                let subject = found.remark.subject.to_string();
                Err(DriftRefusal::Changed { subject }.into())
            }
        }
    }

    pub(super) fn regions_of(&self, name: Option<&str>) -> Result<Vec<RegionRow>, StoreError> {
        let mut all = self.regions()?;
        if let Some(name) = name {
            all.retain(|it| it.facts.name == name);
            if all.is_empty() {
                let name = name.to_owned();
                return Err(StoreError::Missing {
                    what: "region",
                    name,
                });
            }
        }
        all.sort_by_key(|it| it.no.0);
        Ok(all)
    }

    /// Why a link of which a restored hub says nothing can't be put back, and can't be adopted.
    ///
    /// # Errors
    /// If the database fails.
    pub fn unsaid_answers(&self, remark: &Remark) -> Result<[Option<DriftRefusal>; 2], StoreError> {
        let Subject::Link(link) = &remark.subject else {
            return Ok([None, None]);
        };
        let mut all = Vec::new();
        for (kind, id) in link.ends() {
            all.push((kind, *id, self.known(kind, *id)?));
        }
        Ok(unsaid_answers(remark, &all))
    }

    /// What the directory has of something.
    fn known(&self, kind: ObjectKind, id: ObjectId) -> Result<directory::Known, StoreError> {
        if self.object(kind, id)?.is_some() {
            return Ok(directory::Known::Live);
        }
        let sql = "SELECT 1 FROM ended WHERE id = ?1 AND kind = ?2";
        let key = record::encode_id(&outward(id)).map_err(|_| UNREADABLE)?;
        let row = params![key, kind_code(record_kind(kind))];
        let has_ended = self.prepared(sql)?.exists(row).doing("find what ended")?;
        Ok(match has_ended {
            true => directory::Known::Ended,
            false => directory::Known::Never,
        })
    }

    /// Whether it was decided about a region's thing when it was merged.
    pub(super) fn is_bound(
        &self,
        no: RegionNo,
        kind: ObjectKind,
        here: &CloudId,
    ) -> Result<bool, StoreError> {
        let id = Binding::id_of(kind, here);
        let key = record::encode_id(&id).map_err(|_| UNREADABLE)?;
        let sql = "SELECT 1 FROM directory
                   WHERE region = ?1 AND kind = ?2 AND id = ?3 AND value IS NOT NULL";
        let row = params![no.0, kind_code(RecordKind::Binding), key];
        self.prepared(sql)?
            .exists(row)
            .doing("find what was decided about a thing")
    }

    /// What a region is told to put back.
    fn put_backs(&self, no: RegionNo) -> Result<Vec<PutBack>, StoreError> {
        let mut all = Vec::new();
        self.each_of_region(no, RecordKind::PutBack, |it| {
            if let Record::PutBack(it) = it {
                all.push(it);
            }
        })?;
        Ok(all)
    }
}

/// Whether it was said that a drift is to be put back, since it is there, and less than `again` ago
/// (or later than now, where the clock went back).
fn is_told(told: &[PutBack], found: &Remarked, now: UnixMillis, again: Duration) -> bool {
    let seen = found.seen.to_bytes();
    told.iter().any(|it| {
        let is_this = it.subject == found.remark.subject && it.seen == seen;
        is_this && it.at >= found.changed && now.since(it.at) < again
    })
}

fn remarked(
    region: &RegionRow,
    remark: Remark,
    changed: UnixMillis,
) -> Result<Remarked, StoreError> {
    let record = Record::Remark(remark);
    let seen = record::digest(&record).map_err(|_| UNREADABLE)?;
    let Record::Remark(remark) = record else {
        return Err(UNREADABLE);
    };
    Ok(Remarked {
        no: region.no,
        region: region.facts.name.clone(),
        remark,
        changed,
        seen,
    })
}

impl Changing<'_> {
    /// Tells a region to write the directory's value over a drift, if it is still the one that was
    /// seen. Returns whether that is told now: not where it was, of the same drift, less than
    /// `again` ago. An agent that was killed may have noted it and not done it, so that whoever
    /// asks himself gives no such time, and is heard each time.
    ///
    /// # Errors
    /// If the region is not merged; if it can't be put back, is not there, or is another one by
    /// now; if the directory never had such a thing; or if the database fails.
    pub fn put_back(
        &mut self,
        region: &RegionRow,
        seen: &Seen,
        by: &By,
        again: Duration,
    ) -> Result<bool, StoreError> {
        let found = self.reading().seen(region, seen)?;
        self.is_merged(region)?;
        may_put_back(&found.remark)?;
        self.is_known(region, &found.remark)?;
        let told = self.reading().put_backs(region.no)?;
        let digest = seen.digest.to_bytes();
        if is_told(&told, &found, self.now, again) {
            return Ok(false);
        }
        // Later than any before of the same thing, also where the clock went back: its agent takes
        // an earlier one for done.
        let before = told.iter().filter(|it| it.subject == found.remark.subject);
        let before = before.map(|it| it.at.plus(Duration::from_millis(1))).max();
        let act = audit::put_back(by.clone(), region, &found.remark);
        let put = Record::PutBack(PutBack {
            subject: found.remark.subject,
            seen: digest,
            at: self.now.max(found.changed).max(before.unwrap_or_default()),
        });
        let mut gone = Vec::new();
        for old in told {
            if old.subject.id() != seen.id && !self.is_still_so(region, &old)? {
                gone.push(old.subject.id());
            }
        }
        self.tell_one(region.no, &put, &gone, &by.who)?;
        self.audit(act)?;
        Ok(true)
    }

    /// Whether the directory has, or had, what a remark is about: else a region could fill it with
    /// answers about nothing.
    fn is_known(&mut self, region: &RegionRow, remark: &Remark) -> Result<(), StoreError> {
        let is_known = match &remark.subject {
            // What the region keeps for itself was decided about when it was merged.
            Subject::Own(kind, here) => self.reading().is_bound(region.no, *kind, here)?,
            subject => {
                let directory = self.take_directory()?;
                let is_known = directory.knows_of(subject);
                self.hot.directory.keep(directory);
                is_known
            }
        };
        match is_known {
            true => Ok(()),
            false => {
                let subject = remark.subject.to_string();
                Err(DriftRefusal::Unknown { subject }.into())
            }
        }
    }

    /// What is written for a region alone counts from its merge on: before, nothing keeps its
    /// digest, and its agent could never come to be in step.
    pub(super) fn is_merged(&self, region: &RegionRow) -> Result<(), StoreError> {
        match self.bindings_digest(region.no)? {
            Some(_) => Ok(()),
            None => Err(not_merged(region)),
        }
    }

    /// Whether what was to be put back is still as it was seen.
    fn is_still_so(&self, region: &RegionRow, told: &PutBack) -> Result<bool, StoreError> {
        let seen = Seen {
            id: told.subject.id(),
            digest: Digest::from_bytes(told.seen),
        };
        match self.reading().seen(region, &seen) {
            Ok(_) => Ok(true),
            Err(StoreError::Drift(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Changes the directory to what a region has, if its drift is still the one that was seen, and
    /// the directory what it was then. Where that has it already, nothing is changed.
    ///
    /// # Errors
    /// If the region is not merged; if it can't be adopted, is not there, or is another one by now,
    /// also where the directory was changed since; where a Keystone would refuse the change; or if
    /// the database fails.
    pub fn adopt_drift(
        &mut self,
        region: &RegionRow,
        seen: &Seen,
        may_end: bool,
        by: &By,
    ) -> Result<Delta, StoreError> {
        let found = self.reading().seen(region, seen)?;
        self.is_merged(region)?;
        let edit = adoption(&found.remark, may_end)?;
        let directory = self.take_directory()?;
        let is_left = directory.is_left_to_adopt(&found.remark);
        self.hot.directory.keep(directory);
        if !is_left? {
            return Ok(Delta::default());
        }
        let (delta, act) = self.edit_told(edit, by)?;
        if let Some(act) = act {
            self.audit(audit::adopted(act, region))?;
        }
        Ok(delta)
    }

    /// Writes what one region alone is told.
    pub(super) fn tell_one(
        &mut self,
        no: RegionNo,
        put: &Record,
        gone: &[CloudId],
        author: &str,
    ) -> Result<(), StoreError> {
        let stamp = self.stamp(author)?;
        let mut rows = Rows::begin(self, &stamp)?;
        rows.tell(no, Some(put), (put.key().kind, gone))?;
        rows.finish(&mut self.hot.directory).map(drop)
    }

    /// Tells one region something no more.
    pub(super) fn tell_no_more(
        &mut self,
        no: RegionNo,
        kind: RecordKind,
        gone: &[CloudId],
        author: &str,
    ) -> Result<(), StoreError> {
        let stamp = self.stamp(author)?;
        let mut rows = Rows::begin(self, &stamp)?;
        rows.tell(no, None, (kind, gone))?;
        rows.finish(&mut self.hot.directory).map(drop)
    }
}

pub(super) fn not_merged(region: &RegionRow) -> StoreError {
    let name = &region.facts.name;
    StoreError::Refused(format!(
        "the organization of the region {name:?} is not merged; merge it first, with `idp-hub org \
         merge {name}`"
    ))
}
