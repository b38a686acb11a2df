//! A cloud that comes again after its region was removed.
//!
//! What was decided about a region's things is kept when it is removed: an agent that may not write
//! leaves no markers by which they would be known. Whether it is that cloud, its departments,
//! projects and users say, to which Keystone gives random ids. But clouds that were set up from one
//! image have some in common, so that it is the same one where half of each are there that came
//! with it.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{CloudId, ObjectKind, Record, RecordKind};
use shared::wire::record::kind_code;

use crate::directory::Told;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

/// By the ids of which a cloud is known. Those of departments are in names that others may read, as
/// where two had one name; those of projects and users are in none.
const PROOF: [ObjectKind; 3] = [
    ObjectKind::Department,
    ObjectKind::Project,
    ObjectKind::User,
];

const DECIDED: u16 = kind_code(RecordKind::Binding);

/// What each of a cloud's things is in the directory.
type Map = BTreeMap<(ObjectKind, CloudId), ObjectId>;

/// What a cloud's things were in a region that was removed.
pub(super) struct Former {
    /// What that region was called.
    pub(super) name: String,
    pub(super) map: Map,
}

impl Reading<'_> {
    /// The region that was removed, the last of them, whose cloud tells this.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) fn former(&self, told: &Told) -> Result<Option<Former>, StoreError> {
        for (no, name) in self.removed_regions()? {
            if let Some(map) = self.former_map(no, told)? {
                return Ok(Some(Former { name, map }));
            }
        }
        Ok(None)
    }

    fn former_map(&self, no: RegionNo, told: &Told) -> Result<Option<Map>, StoreError> {
        let mut is_any = false;
        for here in told.telling_departments() {
            is_any = is_any || self.is_bound(no, ObjectKind::Department, here)?;
        }
        // Mostly: no other cloud is read whole.
        if !is_any {
            return Ok(None);
        }
        let map = self.decided_all(no)?;
        let departments: BTreeSet<&CloudId> = told.telling_departments().collect();
        let is_there = |kind, here: &CloudId| match kind {
            ObjectKind::Department => departments.contains(here),
            kind => told.organization().object(kind, here).is_some(),
        };
        let is_mostly_there = |kind: ObjectKind| {
            let of_kind = |(it, here): &&(ObjectKind, CloudId)| {
                *it == kind && !matches!(here, CloudId::Text(_))
            };
            let came: Vec<_> = map.keys().filter(of_kind).collect();
            let there = came.iter().filter(|(kind, here)| is_there(*kind, here));
            there.count().saturating_mul(2) >= came.len()
        };
        let is_it = PROOF.into_iter().all(is_mostly_there);
        Ok(is_it.then_some(map))
    }

    /// What was decided about each of a region's things, withheld or not.
    fn decided_all(&self, no: RegionNo) -> Result<Map, StoreError> {
        let mut told = Told::default();
        self.each_of_region(no, RecordKind::Binding, |it| {
            if let Record::Binding(it) = it {
                told.bind(it);
            }
        })?;
        Ok(told.into_map())
    }

    /// Those of whose things it is known what they were, and their names, the last one first.
    fn removed_regions(&self) -> Result<Vec<(RegionNo, String)>, StoreError> {
        let sql = "SELECT no, name FROM regions WHERE standing = 3 AND EXISTS (
                       SELECT 1 FROM directory WHERE region = no AND kind = ?1)
                   ORDER BY removed_ms DESC, no DESC";
        let found = |row: &rusqlite::Row<'_>| Ok((RegionNo(row.get(0)?), row.get(1)?));
        let mut statement = self.prepared(sql)?;
        let all = statement.query_map([DECIDED], found);
        all.and_then(Iterator::collect)
            .doing("list the regions that were removed")
    }

    /// How many regions were removed: with each, a plan may be another one.
    pub(super) fn removed_count(&self) -> Result<u32, StoreError> {
        let sql = "SELECT count(*) FROM regions WHERE standing = 3";
        self.prepared(sql)?
            .query_row((), |row| row.get(0))
            .doing("count the regions that were removed")
    }
}

impl Changing<'_> {
    /// A region is removed: of what it is told, what was decided about its things stays. What an
    /// earlier region of its cloud left says the same and goes, so that one that comes and goes
    /// leaves no more each time.
    pub(in crate::store) fn leave_decided(&self, no: RegionNo) -> Result<(), StoreError> {
        let sql = "DELETE FROM directory
                   WHERE region = ?1 AND (kind <> ?2 OR value IS NULL)";
        self.execute(sql, &[&no.0, &DECIDED], "remove what a region is told")?;
        let sql = "DELETE FROM directory AS its WHERE region = ?2 AND kind = ?3 AND EXISTS (
                       SELECT 1 FROM directory AS it WHERE it.region = ?1
                       AND it.kind = its.kind AND it.id = its.id AND it.value = its.value)";
        let doing = "leave what was decided once";
        for (earlier, _) in self.reading().removed_regions()? {
            if earlier == no {
                continue;
            }
            self.execute(sql, &[&no.0, &earlier.0, &DECIDED], doing)?;
        }
        Ok(())
    }
}
