//! What is known of a region's quotas, from its records and from what it was told.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use shared::ids::ObjectId;
use shared::model::{
    CloudId, Holder, Object, ObjectKind, Project, Quota, Record, RecordKind, ServiceKind,
    UnixMillis,
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

/// What was decided about a region's things.
pub(super) struct Decided {
    pub(super) departments: Whereabouts,
    pub(super) projects: Whereabouts,
}

impl Reading<'_> {
    /// What is known of a region's quotas; and of these holders, whether the directory has them.
    /// Reads all departments, projects, quotas, nodes and pools of the region, and all that was
    /// decided about its things, users too: some 10 µs each, and 1 µs of what was decided.
    ///
    /// # Errors
    /// If the database fails.
    pub fn census(&self, region: &RegionRow, asked: &[Holder]) -> Result<Census, StoreError> {
        let name = region.facts.name.clone();
        let decided = self.decided_in(region.no)?;
        let mut census = Census::new(name, decided.projects);
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
        let departments = self.departments_in(region.no, decided.departments)?;
        let asked = asked.iter().filter_map(Holder::project);
        let all = census.objects().into_iter().chain(asked);
        self.know(&mut census, &departments, all)?;
        Ok(census)
    }

    /// What is known of the quotas of some of the directory's projects in a region, and of nothing
    /// else. Reads all departments and projects of the region, some 10 µs each, all that was
    /// decided about its things, and of the rest what is theirs.
    ///
    /// # Errors
    /// If the database fails.
    pub fn census_of(
        &self,
        region: &RegionRow,
        seen: &BTreeSet<ObjectId>,
    ) -> Result<Census, StoreError> {
        let name = region.facts.name.clone();
        if seen.is_empty() {
            return Ok(Census::new(name, Whereabouts::new(self.federation()?)));
        }
        let decided = self.decided_in(region.no)?;
        let mut census = Census::new(name, decided.projects);
        let mut here = Vec::new();
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
        let departments = self.departments_in(region.no, decided.departments)?;
        let all = census.objects().into_iter();
        self.know(&mut census, &departments, all)?;
        Ok(census)
    }

    /// Adds to what is known of a region what the directory has of some projects, and where they
    /// belong there.
    fn know(
        &self,
        census: &mut Census,
        departments: &Whereabouts,
        all: impl Iterator<Item = ObjectId>,
    ) -> Result<(), StoreError> {
        census.departments(departments);
        for id in all {
            if let Some((it, there)) = self.project_of(id)? {
                census.belongs(id, departments.of(it.department).cloned());
                census.know(id, there);
            }
        }
        Ok(())
    }

    /// What a region's cloud calls the directory's departments, by what was decided of them. Reads
    /// all of the region's.
    pub(super) fn departments_in(
        &self,
        no: RegionNo,
        decided: Whereabouts,
    ) -> Result<Whereabouts, StoreError> {
        let mut departments = decided;
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

    /// What was decided about departments and projects when a region was merged. Reads all that was
    /// decided there.
    pub(super) fn decided_in(&self, no: RegionNo) -> Result<Decided, StoreError> {
        let nothing = Whereabouts::new(self.federation()?);
        let mut decided = Decided {
            departments: nothing.clone(),
            projects: nothing,
        };
        self.each_of_region(no, RecordKind::Binding, |it| {
            let Record::Binding(it) = it else { return };
            match it.kind {
                ObjectKind::Department => decided.departments.decide(it.here, it.becomes),
                ObjectKind::Project => decided.projects.decide(it.here, it.becomes),
                ObjectKind::User | ObjectKind::Group | ObjectKind::Role => {}
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
        Ok(self.project_of(id)?.map(|(_, it)| it))
    }

    /// A project as the directory has it, or had it last, and which of both.
    pub(super) fn project_of(
        &self,
        id: ObjectId,
    ) -> Result<Option<(Project<ObjectId>, InDirectory)>, StoreError> {
        if let Some(Object::Project(it)) = self.object(ObjectKind::Project, id)? {
            let name = it.name.clone();
            return Ok(Some((it, InDirectory::Live { name })));
        }
        let sql = "SELECT kind, id, value FROM ended WHERE id = ?1";
        let key = encoded(&outward(id))?;
        let found = self.prepared(sql)?.query_row([key], record_of).optional();
        let found = found.doing("find what ended")?.flatten();
        Ok(match found.and_then(object_of) {
            Some((_, Object::Project(it))) => {
                let name = it.name.clone();
                Some((it, InDirectory::Retired { name }))
            }
            _ => None,
        })
    }
}
