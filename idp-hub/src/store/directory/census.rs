//! What is known of a region's quotas, from its records and from what it was told.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use shared::ids::ObjectId;
use shared::model::{
    CloudId, Holder, Object, ObjectKind, Quota, Record, RecordKind, ServiceKind, UnixMillis,
};
use shared::wire::record::kind_code;

use super::limits::SERVICES;
use super::load::record_of;
use super::write::encoded;
use crate::directory::quota::{Census, InDirectory, Whereabouts};
use crate::directory::{object_of, outward};
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};

impl Reading<'_> {
    /// What is known of a region's quotas; and of these holders, whether the directory has them.
    /// Reads all projects, quotas, nodes and pools of the region: some 10 µs each.
    ///
    /// # Errors
    /// If the database fails.
    pub fn census(&self, region: &RegionRow, asked: &[Holder]) -> Result<Census, StoreError> {
        let name = region.facts.name.clone();
        let mut census = Census::new(name, self.federation()?);
        self.each_of_region(region.no, RecordKind::Binding, |it| {
            if let Record::Binding(it) = it
                && it.kind == ObjectKind::Project
            {
                census.bind(it.here, it.becomes);
            }
        })?;
        for kind in [RecordKind::Project, RecordKind::Quota] {
            self.each_record(region.no, kind, |it, changed| match it {
                Record::Project(it) => census.project(it),
                Record::Quota(it) => census.quota(it, changed),
                _ => {}
            })?;
        }
        for kind in [RecordKind::Node, RecordKind::StoragePool] {
            self.each_record(region.no, kind, |it, _| match it {
                Record::Node(it) => census.node(&it),
                Record::StoragePool(it) => census.pool(&it),
                _ => {}
            })?;
        }
        self.each_of_region(region.no, RecordKind::Limits, |it| {
            if let Record::Limits(it) = it {
                census.want(it);
            }
        })?;
        for row in self.raises(Some(region.no))? {
            census.wait(row.raise);
        }
        let asked = asked.iter().filter_map(Holder::project);
        let all = census.objects().into_iter().chain(asked);
        self.know(&mut census, region.no, all)?;
        Ok(census)
    }

    /// What is known of the quotas of some of the directory's projects in a region, and of nothing
    /// else. Reads all projects of the region, some 10 µs each, and of the rest what is theirs.
    ///
    /// # Errors
    /// If the database fails.
    pub fn census_of(
        &self,
        region: &RegionRow,
        seen: &BTreeSet<ObjectId>,
    ) -> Result<Census, StoreError> {
        let name = region.facts.name.clone();
        let mut census = Census::new(name, self.federation()?);
        if seen.is_empty() {
            return Ok(census);
        }
        let mut here = Vec::new();
        self.each_of_region(region.no, RecordKind::Binding, |it| {
            if let Record::Binding(it) = it
                && it.kind == ObjectKind::Project
            {
                census.bind(it.here, it.becomes);
            }
        })?;
        self.each_record(region.no, RecordKind::Project, |it, _| {
            if let Record::Project(it) = it
                && census.object_of(&it).is_some_and(|id| seen.contains(&id))
            {
                here.push(it.id.clone());
                census.project(it);
            }
        })?;
        for service in SERVICES {
            for here in &here {
                if let Some((quota, changed)) = self.told_quota(region.no, here, service)? {
                    census.quota(quota, changed);
                }
            }
            for id in seen {
                let limits = self.limits_of(region.no, &Holder::Project(*id), service)?;
                limits.into_iter().for_each(|it| census.want(it));
            }
        }
        for row in self.raises(Some(region.no))? {
            if seen.contains(&row.raise.key.project) {
                census.wait(row.raise);
            }
        }
        let all = census.objects().into_iter();
        self.know(&mut census, region.no, all)?;
        Ok(census)
    }

    /// Adds to what is known of a region what the directory has of some projects, and where they
    /// belong there.
    fn know(
        &self,
        census: &mut Census,
        no: RegionNo,
        all: impl Iterator<Item = ObjectId>,
    ) -> Result<(), StoreError> {
        let departments = self.departments_in(no)?;
        census.departments(&departments);
        for id in all {
            if let Some(it) = self.object(ObjectKind::Project, id)? {
                let home = it.department().and_then(|it| departments.of(*it));
                census.belongs(id, home.cloned());
                let name = it.name().to_owned();
                census.know(id, InDirectory::Live { name });
            } else if let Some(it) = self.in_directory(id)? {
                census.know(id, it);
            }
        }
        Ok(())
    }

    /// What a region's cloud calls the directory's departments. Reads all of the region's.
    pub(super) fn departments_in(&self, no: RegionNo) -> Result<Whereabouts, StoreError> {
        let mut departments = self.decided_in(no, ObjectKind::Department)?;
        self.each_record(no, RecordKind::Department, |it, _| {
            if let Record::Department(it) = it {
                departments.see(&it);
            }
        })?;
        for id in departments.several() {
            if let Some(it) = self.object(ObjectKind::Department, id)? {
                departments.named(id, it.name());
            }
        }
        Ok(departments)
    }

    /// What was decided about things of a kind when a region was merged.
    pub(super) fn decided_in(
        &self,
        no: RegionNo,
        kind: ObjectKind,
    ) -> Result<Whereabouts, StoreError> {
        let mut decided = Whereabouts::new(self.federation()?);
        self.each_of_region(no, RecordKind::Binding, |it| {
            if let Record::Binding(it) = it
                && it.kind == kind
            {
                decided.decide(it.here, it.becomes);
            }
        })?;
        Ok(decided)
    }

    /// A project's quota as its region told it last, and when that came here.
    fn told_quota(
        &self,
        no: RegionNo,
        here: &CloudId,
        service: ServiceKind,
    ) -> Result<Option<(Quota, UnixMillis)>, StoreError> {
        let sql = "SELECT kind, id, value, changed_ms FROM records
                   WHERE region = ?1 AND kind = ?2 AND id = ?3";
        let id = encoded(&Quota::id_of(here, service))?;
        let row = params![no.0, kind_code(RecordKind::Quota), id];
        let found = self
            .prepared(sql)?
            .query_row(row, |row| Ok((record_of(row)?, UnixMillis(row.get(3)?))))
            .optional()
            .doing("find a quota")?;
        Ok(match found {
            Some((Some(Record::Quota(quota)), changed)) => Some((quota, changed)),
            _ => None,
        })
    }

    /// What the directory has, or had, of a project.
    pub(super) fn in_directory(&self, id: ObjectId) -> Result<Option<InDirectory>, StoreError> {
        if let Some(Object::Project(it)) = self.object(ObjectKind::Project, id)? {
            return Ok(Some(InDirectory::Live { name: it.name }));
        }
        let sql = "SELECT kind, id, value FROM ended WHERE id = ?1";
        let key = encoded(&outward(id))?;
        let found = self.prepared(sql)?.query_row([key], record_of).optional();
        let found = found.doing("find what ended")?.flatten();
        Ok(match found.and_then(object_of) {
            Some((_, Object::Project(it))) => Some(InDirectory::Retired { name: it.name }),
            _ => None,
        })
    }
}
