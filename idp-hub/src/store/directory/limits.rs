//! Limits as they are told to regions: rows of a region's own feed, beside what was decided of its
//! things; and what they are checked against.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{
    CloudId, Holder, Limits, Object, ObjectKind, Record, RecordKind, RemarkState, ServiceKind,
    Subject, UnixMillis,
};
use shared::wire::record::{self, Decoded, kind_code};

use super::drift::not_merged;
use super::load::{UNREADABLE, record_of};
use super::write::{Rows, encoded};
use crate::directory::quota::{Census, Check, Holdings, InDirectory, LimitsChange, QuotaEdit};
use crate::directory::{object_of, outward};
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};
use crate::store::{Changing, Reading};

/// The services that have quotas.
const SERVICES: [ServiceKind; 3] = [
    ServiceKind::Compute,
    ServiceKind::Volume,
    ServiceKind::Network,
];

const LIMITS: u16 = kind_code(RecordKind::Limits);

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
        let asked = asked.iter().filter_map(Holder::project);
        for id in census.objects().into_iter().chain(asked) {
            if let Some(it) = self.in_directory(id)? {
                census.know(id, it);
            }
        }
        Ok(census)
    }

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
        let sql = "SELECT kind, id, value FROM records
                   WHERE region = ?1 AND kind = ?2 AND id = ?3";
        let row = params![no.0, kind_code(RecordKind::Remark), encoded(&key)?];
        let found = self.prepared(sql)?.query_row(row, record_of).optional();
        Ok(match found.doing("find a remark")?.flatten() {
            Some(Record::Remark(it)) => Some(it.state),
            _ => None,
        })
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

    /// The limits that a region is told.
    ///
    /// # Errors
    /// If the database fails.
    pub fn limits(&self, no: RegionNo) -> Result<Vec<Limits>, StoreError> {
        let mut all = Vec::new();
        self.each_of_region(no, RecordKind::Limits, |it| {
            if let Record::Limits(it) = it {
                all.push(it);
            }
        })?;
        Ok(all)
    }

    fn in_directory(&self, id: ObjectId) -> Result<Option<InDirectory>, StoreError> {
        if let Some(Object::Project(it)) = self.object(ObjectKind::Project, id)? {
            let (name, department) = (it.name, it.department);
            return Ok(Some(InDirectory::Live { name, department }));
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

    /// Every record of a kind that a region tells, and when it came here as it is.
    fn each_record(
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
    fn each_of_region(
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

impl Changing<'_> {
    /// Sets limits of projects in a region, and tells its agent and the audit trail. Returns what
    /// of it is new. All of it or nothing.
    ///
    /// # Errors
    /// If the region is not merged, if something of it is not right, or if the database fails.
    pub fn set_limits(
        &mut self,
        region: &RegionRow,
        edits: &[QuotaEdit],
        check: Check,
        by: &By,
    ) -> Result<Vec<LimitsChange>, StoreError> {
        self.is_merged(region)?;
        let asked: Vec<Holder> = edits.iter().map(|it| it.holder.clone()).collect();
        let census = self.reading().census(region, &asked)?;
        let changes = census.check(edits, check, self.now.0)?;
        self.is_not_spread(region, &changes)?;
        self.tell_limits(region, &census, changes, by)
    }

    /// Leaves a leftover of a region what it uses, and nothing more. Returns what of that is new.
    ///
    /// # Errors
    /// If the region is not merged, if the project is no leftover, or if the database fails.
    pub fn zero_quota(
        &mut self,
        region: &RegionRow,
        project: &Holder,
        force: bool,
        by: &By,
    ) -> Result<Vec<LimitsChange>, StoreError> {
        self.is_merged(region)?;
        let census = self
            .reading()
            .census(region, std::slice::from_ref(project))?;
        let edits = census.zero(project, force)?;
        let changes = census.check(&edits, Check::Whole, self.now.0)?;
        self.tell_limits(region, &census, changes, by)
    }

    fn tell_limits(
        &mut self,
        region: &RegionRow,
        census: &Census,
        changes: Vec<LimitsChange>,
        by: &By,
    ) -> Result<Vec<LimitsChange>, StoreError> {
        // A project that the region has no more has no limits to be told.
        let mut gone = match (changes.is_empty(), self.reading().is_read(region)) {
            (false, Ok(())) => census.gone(),
            _ => Vec::new(),
        };
        for change in &changes {
            let record = Record::Limits(change.limits.clone());
            self.tell_one(region.no, &record, &std::mem::take(&mut gone), &by.who)?;
            self.audit(act(by.clone(), region, change))?;
        }
        Ok(changes)
    }
}

impl Rows<'_> {
    /// A project that ended has no limits that anybody is told. What its clouds allow it stays.
    pub(super) fn forget_limits(&mut self, project: ObjectId) -> Result<(), StoreError> {
        let sql = "SELECT region FROM region_organization AS merged WHERE EXISTS (
                       SELECT 1 FROM directory AS it WHERE it.region = merged.region
                       AND it.kind = ?1 AND it.id = ?2 AND it.value IS NOT NULL)";
        let doing = "find who was told limits";
        for service in SERVICES {
            let id = encoded(&Limits::id_of(&Holder::Project(project), service))?;
            let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
            let told = statement.query_map(params![LIMITS, id], |row| row.get(0).map(RegionNo));
            let told: Vec<RegionNo> = told.and_then(Iterator::collect).doing(doing)?;
            drop(statement);
            for no in told {
                self.own(no, |it| it.replace(no.0, LIMITS, &id, None))?;
            }
        }
        Ok(())
    }
}

/// What is told of it.
fn act(by: By, region: &RegionRow, change: &LimitsChange) -> Act {
    let id = match &change.limits.holder {
        Holder::Project(id) => id.to_string(),
        Holder::Own(here) => here.to_string(),
    };
    let (region, service) = (&region.facts.name, change.limits.service.name());
    let after = format!("in region {region:?}, {service}: {}", change.after);
    Act::new(by, "set-quota")
        .on("project", id, change.name.as_str())
        .changing(change.before.as_str(), after)
}
