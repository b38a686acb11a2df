//! Reads the directory, and what a region tells of its organization.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use shared::ids::{FederationId, ObjectId};
use shared::model::{End, Feed, Object, ObjectKind, Organization, Record, RecordKind, UnixMillis};
use shared::wire::frame::{Standing, feed_code};
use shared::wire::record::{self, Decoded, kind_code};

use super::departments::Departments;
use super::former::Former;
use super::write::encoded;
use super::{EVERYWHERE, RegionOrganization};
use crate::directory::{
    Directory, Earlier, Ended, Evidence, LocalAdministrator, MergeRefusal, Plan, PlanDigest, Stamp,
    Told, link_of, object_of, outward, plan, record_kind,
};
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};

const DELETED: u8 = 1;
const RETIRED: u8 = 2;

/// Kinds that a region tells, and that the directory is made of: departments to assignments.
const FIRST: u16 = kind_code(RecordKind::Department);
const LAST: u16 = kind_code(RecordKind::Assignment);

/// A plan, and what is remembered beside the directory once it is done.
pub(super) struct Made {
    pub(super) plan: Plan,
    /// A region that was removed, by which something of it is known.
    pub(super) former: Option<String>,
    /// Who has the role `admin` there, and gets it nowhere else by the plan.
    pub(super) local_administrators: Vec<LocalAdministrator>,
    /// Where the things are that it is about.
    pub(super) departments: Departments,
    /// What the project of the federation's cloud administrators began as.
    pub(super) admin_project: String,
}

impl Reading<'_> {
    /// The directory, whole.
    ///
    /// # Errors
    /// If the database fails, holds a row that can't be read, or has no federation yet.
    pub fn directory(&self) -> Result<Directory, StoreError> {
        let (mut live, mut stamps) = (Organization::default(), BTreeMap::new());
        let sql = "SELECT kind, id, value, author, at_ms, epoch FROM directory
                   WHERE region = ?1 AND kind BETWEEN ?2 AND ?3 AND value IS NOT NULL";
        let mut statement = self.prepared(sql)?;
        let mut rows = statement
            .query(params![EVERYWHERE, FIRST, LAST])
            .doing("read the directory")?;
        while let Some(row) = rows.next().doing("read the directory")? {
            let record = record_of(row).doing("read the directory")?;
            let record = record.ok_or(UNREADABLE)?;
            match record {
                Record::Membership(_) | Record::Implication(_) | Record::Assignment(_) => {
                    live.link(link_of(record).ok_or(UNREADABLE)?);
                }
                _ => {
                    let (id, object) = object_of(record).ok_or(UNREADABLE)?;
                    live.insert(id, object);
                    stamps.insert(id, stamp_of(row, 3).doing("read the directory")?);
                }
            }
        }
        let ended = self.ended(&mut stamps)?;
        Ok(Directory::stored(self.federation()?, live, ended, stamps))
    }

    /// How something ended; `None` of what lives, or never was.
    pub(super) fn how_it_ended(
        &self,
        (kind, id): (ObjectKind, ObjectId),
    ) -> Result<Option<End>, StoreError> {
        let sql = "SELECT how FROM ended WHERE kind = ?1 AND id = ?2";
        let key = params![kind_code(record_kind(kind)), encoded(&outward(id))?];
        let how: Option<u8> = self
            .prepared(sql)?
            .query_row(key, |row| row.get(0))
            .optional()
            .doing("read what ended")?;
        how.map(|it| end_of(it).ok_or(UNREADABLE)).transpose()
    }

    /// What something was before it ended; `None` of what lives, or never was.
    pub(in crate::store) fn ended_object(
        &self,
        (kind, id): (ObjectKind, ObjectId),
    ) -> Result<Option<Object<ObjectId>>, StoreError> {
        let sql = "SELECT kind, id, value FROM ended WHERE kind = ?1 AND id = ?2";
        let key = params![kind_code(record_kind(kind)), encoded(&outward(id))?];
        let record = self
            .prepared(sql)?
            .query_row(key, record_of)
            .optional()
            .doing("read what ended")?;
        let object = record.flatten().and_then(object_of);
        Ok(object.map(|(_, object)| object))
    }

    fn ended(
        &self,
        stamps: &mut BTreeMap<ObjectId, Stamp>,
    ) -> Result<BTreeMap<ObjectId, Ended>, StoreError> {
        let sql = "SELECT kind, id, value, how, author, at_ms, epoch FROM ended";
        let mut statement = self.prepared(sql)?;
        let mut rows = statement.query(()).doing("read what ended")?;
        let mut ended = BTreeMap::new();
        while let Some(row) = rows.next().doing("read what ended")? {
            let record = record_of(row).doing("read what ended")?;
            let (id, object) = record.and_then(object_of).ok_or(UNREADABLE)?;
            let how = row.get(3).doing("read what ended")?;
            let how = end_of(how).ok_or(UNREADABLE)?;
            stamps.insert(id, stamp_of(row, 4).doing("read what ended")?);
            ended.insert(id, Ended { object, how });
        }
        Ok(ended)
    }

    /// Every record of a kind that can be read, one after the other.
    pub(super) fn each(
        &self,
        sql: &str,
        no: RegionNo,
        kind: RecordKind,
        mut with: impl FnMut(Record),
    ) -> Result<(), StoreError> {
        let doing = "read what a region tells";
        let mut statement = self.prepared(sql)?;
        let mut rows = statement
            .query(params![no.0, kind_code(kind)])
            .doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            if let Some(record) = record_of(row).doing(doing)? {
                with(record);
            }
        }
        Ok(())
    }

    /// What a region tells of its organization, with what was decided of it before.
    ///
    /// # Errors
    /// If the database fails.
    pub fn told(&self, no: RegionNo) -> Result<Told, StoreError> {
        let mut told = Told::default();
        let sql = "SELECT kind, id, value FROM records
                   WHERE region = ?1 AND kind BETWEEN ?2 AND ?3 ORDER BY kind, id";
        let mut statement = self.prepared(sql)?;
        let doing = "read a region's organization";
        let mut rows = statement.query(params![no.0, FIRST, LAST]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            // What only a later release can read stays the region's own.
            if let Some(record) = record_of(row).doing(doing)? {
                told.take(record);
            }
        }
        self.each_record(no, RecordKind::Remark, |it, _| told.take(it))?;
        self.each_of_region(no, RecordKind::Binding, |it| {
            if let Record::Binding(binding) = it {
                told.bind(binding);
            }
        })?;
        Ok(told)
    }

    /// The plan, with what is remembered beside the directory once it is done.
    pub(super) fn plan_in(
        &self,
        directory: &Directory,
        region: &RegionRow,
    ) -> Result<Made, StoreError> {
        let mut told = self.told(region.no)?;
        if told.organization().departments.is_empty() {
            let missing = "it tells of no department, and every Keystone has one; see whether \
                           `sp-agent check` there finds the identity service, then try again";
            return Err(not_read(region, missing));
        }
        let remembered = self.admin_project()?;
        // Noted with the merge itself, in one transaction: one that came to nothing was none.
        let is_first = remembered.is_none();
        let admin_project = remembered.unwrap_or_else(|| told.admin_project().to_owned());
        let earlier = match told.bears_others(directory.federation()) {
            true => self.taken_over()?,
            false => Earlier::new(),
        };
        let mut came_as = None;
        if let Some(Former { name, map }) = self.former(&told)? {
            came_as = Some(name);
            told.comes_again(map);
        }
        let arrival = told.arrival(region.facts.id, &admin_project, is_first, &earlier);
        let plan = plan(directory, &arrival);
        Ok(Made {
            former: came_as.filter(|_| plan.knows_by(Evidence::Former)),
            local_administrators: directory.local_administrators_of(&told, &plan),
            departments: Departments::of(&plan, directory, told.organization()),
            plan,
            admin_project,
        })
    }

    /// Whether all of a region's organization is here.
    ///
    /// # Errors
    /// With what is missing; or if the database fails.
    pub(super) fn is_read(&self, region: &RegionRow) -> Result<(), StoreError> {
        if region.facts.standing == Standing::Pending {
            let missing = "it is not accepted yet; accept it first, with `idp-hub region accept`";
            return Err(not_read(region, missing));
        }
        match self.is_live(region.no, Feed::Organization)? {
            Some(true) => Ok(()),
            Some(false) => Err(not_read(
                region,
                "its agent is still telling it, or reading it from the cloud for the first time; \
                 try again in a moment, and see `idp-hub region show` if it lasts",
            )),
            None => Err(not_read(
                region,
                "its agent has told nothing of it yet; see `idp-hub region show`, and upgrade the \
                 agent if its release is older than this hub's",
            )),
        }
    }

    /// Whether a region tells this feed change by change: not before all of it was read, nor while
    /// it is told anew. `None` where nothing of it was told.
    ///
    /// # Errors
    /// If the database fails.
    pub fn is_live(&self, no: RegionNo, feed: Feed) -> Result<Option<bool>, StoreError> {
        let sql = "SELECT live FROM feeds WHERE region = ?1 AND feed = ?2";
        self.prepared(sql)?
            .query_row(params![no.0, feed_code(feed)], |row| row.get(0))
            .optional()
            .doing("find a feed")
    }

    /// How a region's organization was taken in; `None` if it was not.
    ///
    /// # Errors
    /// If the database fails.
    pub fn region_organization(
        &self,
        no: RegionNo,
    ) -> Result<Option<RegionOrganization>, StoreError> {
        let sql = "SELECT merged_ms, author, plan, is_home FROM region_organization
                   WHERE region = ?1";
        let found = |row: &Row<'_>| {
            let merged: Option<u64> = row.get(0)?;
            let plan: Option<[u8; 16]> = row.get(2)?;
            Ok(RegionOrganization {
                merged: merged.map(UnixMillis),
                author: row.get(1)?,
                plan: plan.map(PlanDigest::from_bytes),
                is_home: row.get(3)?,
            })
        };
        self.prepared(sql)?
            .query_row([no.0], found)
            .optional()
            .doing("find a region's organization")
    }

    pub(super) fn federation(&self) -> Result<FederationId, StoreError> {
        let founding = self.founding()?;
        let none = StoreError::Row { what: "federation" };
        founding.map(|it| it.federation).ok_or(none)
    }

    pub(in crate::store) fn prepared(
        &self,
        sql: &str,
    ) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .doing("ask for the directory")
    }
}

pub(super) const UNREADABLE: StoreError = StoreError::Row {
    what: "row of the directory",
};

/// The record of a row that begins with kind, id and value; `None` if it can't be read.
pub(super) fn record_of(row: &Row<'_>) -> rusqlite::Result<Option<Record>> {
    let (kind, id, value) = (row.get(0)?, row.get_ref(1)?, row.get_ref(2)?);
    let (id, value) = (id.as_blob()?, value.as_blob()?);
    Ok(match record::decode(kind, id, value) {
        Ok(Decoded::Known(record)) => Some(*record),
        Ok(Decoded::Unknown) | Err(_) => None,
    })
}

/// The stamp of a row, from this column on.
pub(super) fn stamp_of(row: &Row<'_>, from: usize) -> rusqlite::Result<Stamp> {
    Ok(Stamp {
        author: row.get(from)?,
        at: UnixMillis(row.get(from + 1)?),
        epoch: row.get(from + 2)?,
    })
}

pub(super) const fn end_code(how: End) -> u8 {
    match how {
        End::Deleted => DELETED,
        End::Retired => RETIRED,
    }
}

const fn end_of(code: u8) -> Option<End> {
    match code {
        DELETED => Some(End::Deleted),
        RETIRED => Some(End::Retired),
        _ => None,
    }
}

fn not_read(region: &RegionRow, missing: &str) -> StoreError {
    let (region, missing) = (region.facts.name.clone(), missing.to_owned());
    MergeRefusal::NotRead { region, missing }.into()
}
