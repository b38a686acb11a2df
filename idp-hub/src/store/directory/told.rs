//! What a region's agent told, record by record, and what that region alone is told.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use shared::model::{
    CloudId, Holder, Record, RecordKind, RemarkState, ServiceKind, Subject, UnixMillis,
};
use shared::wire::record::{self, Decoded, kind_code};

use super::drift::not_merged;
use super::load::{UNREADABLE, record_of};
use super::write::encoded;
use crate::directory::quota::Holdings;
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};

impl Reading<'_> {
    /// The region of this name.
    ///
    /// # Errors
    /// If there is none, or the database fails.
    pub fn region_of_name(&self, name: &str) -> Result<RegionRow, StoreError> {
        let mut found = self.regions_of(Some(name))?;
        found.pop().ok_or_else(|| StoreError::Missing {
            what: "region",
            name: name.to_owned(),
        })
    }

    /// That a region's organization is merged.
    ///
    /// # Errors
    /// If it is not, or the database fails.
    pub fn must_be_merged(&self, region: &RegionRow) -> Result<(), StoreError> {
        let organization = self.region_organization(region.no)?;
        match organization.and_then(|it| it.merged) {
            Some(_) => Ok(()),
            None => Err(not_merged(region)),
        }
    }

    /// What a region's agent remarks about the limits of a project in a service.
    ///
    /// # Errors
    /// If the database fails.
    pub fn quota_remark(
        &self,
        no: RegionNo,
        holder: &Holder,
        service: ServiceKind,
    ) -> Result<Option<RemarkState>, StoreError> {
        let key = Subject::Quota(holder.clone(), service).id();
        Ok(match self.told_record(no, RecordKind::Remark, &key)? {
            Some(Record::Remark(it)) => Some(it.state),
            _ => None,
        })
    }

    /// One record as a region told it last.
    pub(in crate::store) fn told_record(
        &self,
        no: RegionNo,
        kind: RecordKind,
        id: &CloudId,
    ) -> Result<Option<Record>, StoreError> {
        let sql = "SELECT kind, id, value FROM records
                   WHERE region = ?1 AND kind = ?2 AND id = ?3";
        let row = params![no.0, kind_code(kind), encoded(id)?];
        let found = self.prepared(sql)?.query_row(row, record_of).optional();
        Ok(found.doing("find a region's record")?.flatten())
    }

    /// What each project still has in a region. Reads all of its servers, volumes, networks and
    /// floating IPs: some microseconds each.
    ///
    /// # Errors
    /// If the database fails.
    pub fn holdings(&self, no: RegionNo) -> Result<BTreeMap<CloudId, Holdings>, StoreError> {
        let mut all: BTreeMap<CloudId, Holdings> = BTreeMap::new();
        for kind in [
            RecordKind::Server,
            RecordKind::Volume,
            RecordKind::Network,
            RecordKind::FloatingIp,
        ] {
            self.each_record(no, kind, |it, _| {
                let (project, figure): (_, fn(&mut Holdings) -> &mut u64) = match it {
                    Record::Server(it) => (it.project, |it| &mut it.servers),
                    Record::Volume(it) => (it.project, |it| &mut it.volumes),
                    Record::Network(it) => (it.project, |it| &mut it.networks),
                    Record::FloatingIp(it) => (it.project, |it| &mut it.floating_ips),
                    _ => return,
                };
                let figure = figure(all.entry(project).or_default());
                *figure = figure.saturating_add(1);
            })?;
        }
        Ok(all)
    }

    /// Every record of a kind that a region tells, and when it came here as it is.
    pub(super) fn each_record(
        &self,
        no: RegionNo,
        kind: RecordKind,
        mut take: impl FnMut(Record, UnixMillis),
    ) -> Result<(), StoreError> {
        let doing = "read a region's records";
        let kind = kind_code(kind);
        let sql = "SELECT id, value, changed_ms FROM records WHERE region = ?1 AND kind = ?2";
        let mut statement = self.prepared(sql)?;
        let mut rows = statement.query(params![no.0, kind]).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let (id, value) = (row.get_ref(0).doing(doing)?, row.get_ref(1).doing(doing)?);
            let (Ok(id), Ok(value)) = (id.as_blob(), value.as_blob()) else {
                return Err(UNREADABLE);
            };
            if let Ok(Decoded::Known(record)) = record::decode(kind, id, value) {
                take(*record, UnixMillis(row.get(2).doing(doing)?));
            }
        }
        Ok(())
    }

    /// Every row of a kind that a region alone is told.
    pub(super) fn each_of_region(
        &self,
        no: RegionNo,
        kind: RecordKind,
        mut take: impl FnMut(Record),
    ) -> Result<(), StoreError> {
        let doing = "read what a region is told";
        let sql = "SELECT kind, id, value FROM directory
                   WHERE region = ?1 AND kind = ?2 AND value IS NOT NULL";
        let mut statement = self.prepared(sql)?;
        let row = params![no.0, kind_code(kind)];
        let mut rows = statement.query(row).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            if let Some(record) = record_of(row).doing(doing)? {
                take(record);
            }
        }
        Ok(())
    }
}
