//! Writes rows of the directory. Each gets the next number, and so is told to the regions.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension, params};
use shared::ids::ObjectId;
use shared::model::{Binding, End, Lapse, Object, ObjectKind, Record, RecordKind};
use shared::wire::Digest;
use shared::wire::record::{self, kind_code};

use super::EVERYWHERE;
use super::load::{end_code, record_of};
use crate::directory::{
    Delta, Directory, Ended, Stamp, lapse_proof, link_record, object_record, outward, record_kind,
};
use crate::store::error::{Doing, StoreError};
use crate::store::facts;
use crate::store::hot::{DirectoryHot, Untold};
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

/// The rows of one change. What it says of the whole (head, digests) is written at its end.
pub(super) struct Rows<'a> {
    pub(super) connection: &'a Connection,
    stamp: &'a Stamp,
    head: u64,
    /// Of the rows that are being written: what holds everywhere, or a region's own.
    pub(super) digest: Digest,
    written: u64,
    /// Regions that are told something for themselves.
    pub(super) told: BTreeSet<RegionNo>,
    /// With what the hub proves its word that something ended.
    key: [u8; 32],
}

impl<'a> Rows<'a> {
    pub(super) fn begin(changing: &Changing<'a>, stamp: &'a Stamp) -> Result<Self, StoreError> {
        Self::on(changing.connection, stamp)
    }

    /// In a transaction of the caller's.
    pub(super) fn on(connection: &'a Connection, stamp: &'a Stamp) -> Result<Self, StoreError> {
        let reading = Reading { connection };
        let digest = reading.required("directory_digest")?;
        let head = u64::from_le_bytes(reading.required("directory_head")?);
        Ok(Self {
            connection,
            stamp,
            head,
            digest: Digest::from_bytes(digest),
            written: 0,
            told: BTreeSet::new(),
            key: reading.required("lapse_key")?,
        })
    }

    /// What changed in the directory. What ended comes last, so that a region that follows has
    /// nothing that hangs on what is not there; objects come before what links them.
    pub(super) fn delta(&mut self, directory: &Directory, delta: &Delta) -> Result<(), StoreError> {
        for link in &delta.unlinked {
            let key = link_record(link).ok_or(UNTOLD)?.key();
            self.bury(EVERYWHERE, kind_code(key.kind), &encoded(&key.id)?)?;
        }
        for (kind, id) in &delta.put {
            // What was made and ended in one change was never there.
            if let Some(object) = directory.live().object(*kind, id) {
                let record = object_record(*id, &object).ok_or(UNTOLD)?;
                self.put(EVERYWHERE, &record)?;
                self.name(*id, &object)?;
            }
        }
        for link in &delta.linked {
            self.put(EVERYWHERE, &link_record(link).ok_or(UNTOLD)?)?;
        }
        for (kind, id) in &delta.ended {
            if let Some(ended) = directory.ended(*id) {
                self.end(*kind, *id, ended)?;
            }
        }
        self.administrators(directory, delta)
    }

    /// What was decided about a region's things, and what was decided before and holds no more.
    /// `digest` is that of the region's bindings.
    pub(super) fn bindings(
        &mut self,
        no: RegionNo,
        all: &[Binding],
        digest: Digest,
    ) -> Result<Digest, StoreError> {
        let common = std::mem::replace(&mut self.digest, digest);
        for binding in all {
            self.put(no.0, &Record::Binding(binding.clone()))?;
            self.bind_user(no, binding)?;
        }
        self.supersede(no, all)?;
        Ok(std::mem::replace(&mut self.digest, common))
    }

    /// What one region alone is told beside what was decided about its things, and what it is not
    /// told any more. Where its organization is not merged, nothing.
    pub(super) fn tell(
        &mut self,
        no: RegionNo,
        put: Option<&Record>,
        (kind, gone): (RecordKind, &[shared::model::CloudId]),
    ) -> Result<bool, StoreError> {
        self.own(no, |it| {
            if let Some(record) = put {
                it.put(no.0, record)?;
            }
            for id in gone {
                it.bury(no.0, kind_code(kind), &encoded(id)?)?;
            }
            Ok(())
        })
    }

    /// An object is one thing of the region: where another one is that now, the earlier one is
    /// not.
    fn supersede(&mut self, no: RegionNo, all: &[Binding]) -> Result<(), StoreError> {
        let bound: HashSet<_> = all.iter().map(|it| it.becomes.object()).collect();
        let told: HashSet<_> = all.iter().map(|it| (it.kind, &it.here)).collect();
        let sql = "SELECT kind, id, value FROM directory
                   WHERE region = ?1 AND kind = ?2 AND value IS NOT NULL";
        let kind = kind_code(RecordKind::Binding);
        let doing = "read what was decided";
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query(params![no.0, kind]).doing(doing)?;
        let mut stale = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let Some(Record::Binding(old)) = record_of(row).doing(doing)? else {
                continue;
            };
            let is_bound = bound.contains(&old.becomes.object());
            if is_bound && !told.contains(&(old.kind, &old.here)) {
                stale.push(old.id());
            }
        }
        drop(rows);
        drop(statement);
        for id in stale {
            self.bury(no.0, kind, &encoded(&id)?)?;
        }
        Ok(())
    }

    /// A row's newest value. One that is there already is not written again.
    fn put(&mut self, region: u32, record: &Record) -> Result<(), StoreError> {
        let encoded = record::encode(record).map_err(|_| UNTOLD)?;
        self.replace(region, encoded.kind, &encoded.id, Some(&encoded.value))
    }

    /// A tombstone in a row's place. One that was never there needs none.
    fn bury(&mut self, region: u32, kind: u16, id: &[u8]) -> Result<(), StoreError> {
        self.replace(region, kind, id, None)
    }

    fn end(&mut self, kind: ObjectKind, id: ObjectId, ended: &Ended) -> Result<(), StoreError> {
        self.unname(id)?;
        if kind == ObjectKind::User {
            self.forget_password(id)?;
            self.unbind_user(id)?;
        }
        if kind == ObjectKind::Project {
            self.forget_limits(id)?;
        }
        let lapse = Lapse {
            object: id,
            kind,
            how: ended.how,
            name: match ended.how {
                End::Retired => ended.object.name().to_owned(),
                End::Deleted => String::new(),
            },
            proof: lapse_proof(&self.key, (kind, id), ended.how),
        };
        self.put(EVERYWHERE, &Record::Lapse(lapse))?;
        self.keep_ended(id, ended)?;
        let id = encoded(&outward(id))?;
        self.bury(EVERYWHERE, kind_code(record_kind(kind)), &id)
    }

    fn keep_ended(&self, id: ObjectId, ended: &Ended) -> Result<(), StoreError> {
        let Ended { object, how } = ended;
        let record = object_record(id, object).ok_or(UNTOLD)?;
        let last = record::encode(&record).map_err(|_| UNTOLD)?;
        let sql = "INSERT OR REPLACE INTO ended (id, kind, value, how, author, at_ms, epoch)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let Stamp { author, at, epoch } = self.stamp;
        let row = params![
            last.id,
            last.kind,
            last.value,
            end_code(*how),
            author,
            at.0,
            epoch
        ];
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.execute(row))
            .doing("keep what ended")
            .map(drop)
    }

    /// A row's newest value; `None` is a tombstone.
    pub(super) fn replace(
        &mut self,
        region: u32,
        kind: u16,
        id: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT value FROM directory WHERE region = ?1 AND kind = ?2 AND id = ?3";
        let before: Option<Option<Vec<u8>>> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut it| {
                it.query_row(params![region, kind, id], |row| row.get(0))
                    .optional()
            })
            .doing("find a row of the directory")?;
        let before = before.flatten();
        if before.as_deref() == value {
            return Ok(());
        }
        if let Some(before) = before {
            self.digest.subtract(Digest::of(kind, id, &before));
        }
        if let Some(value) = value {
            self.digest.add(Digest::of(kind, id, value));
        }
        self.head += 1;
        self.written += 1;
        // The row that has the key goes, and its number with it.
        let sql = "INSERT OR REPLACE INTO directory
                       (seq, region, kind, id, value, author, at_ms, epoch)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let Stamp { author, at, epoch } = self.stamp;
        let row = params![self.head, region, kind, id, value, author, at.0, epoch];
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.execute(row))
            .doing("write a row of the directory")
            .map(drop)
    }

    /// Writes what holds for the whole, and has each region that was written to told with the
    /// commit. Returns how many rows were written.
    pub(super) fn finish(self, hot: &mut DirectoryHot) -> Result<u64, StoreError> {
        self.settle()?;
        if !self.told.is_empty() {
            hot.untell(Untold(self.told));
        }
        Ok(self.written)
    }

    /// Writes what holds for the whole, where no hub serves that would tell it.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        let (head, digest) = (self.head.to_le_bytes(), self.digest.to_bytes());
        facts::store(self.connection, "directory_head", &head)?;
        facts::store(self.connection, "directory_digest", &digest)
    }
}

/// Nothing that the directory holds can cause it.
pub(super) const UNTOLD: StoreError = StoreError::Row {
    what: "thing of the directory",
};

pub(super) fn encoded(id: &shared::model::CloudId) -> Result<Vec<u8>, StoreError> {
    record::encode_id(id).map_err(|_| UNTOLD)
}

impl Reading<'_> {
    /// An object of the directory that is live, by its id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn object(
        &self,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Result<Option<Object<ObjectId>>, StoreError> {
        let sql = "SELECT kind, id, value FROM directory
                   WHERE region = ?1 AND kind = ?2 AND id = ?3 AND value IS NOT NULL";
        let key = params![
            EVERYWHERE,
            kind_code(record_kind(kind)),
            encoded(&outward(id))?
        ];
        let record = self
            .prepared(sql)?
            .query_row(key, record_of)
            .optional()
            .doing("find an object")?;
        let object = record.flatten().and_then(crate::directory::object_of);
        Ok(object.map(|(_, object)| object))
    }
}
