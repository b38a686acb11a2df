//! Limits as they are told to regions: rows of a region's own feed, beside what was decided of its
//! things; and what they are checked against.

use rusqlite::{OptionalExtension, params};
use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{Holder, Limit, Limits, Record, RecordKind, ServiceKind, UnixMillis};
use shared::wire::record::kind_code;

use super::load::record_of;
use super::write::{Rows, encoded};
use crate::directory::quota::{
    Census, Check, Decision, Force, LimitsChange, QuotaEdit, Settled, Unset, Waits,
};
use crate::store::error::{Doing, StoreError};
use crate::store::facts;
use crate::store::regions::{RegionNo, RegionRow};
use crate::store::{Changing, Reading};

/// The services that have quotas.
pub(super) const SERVICES: [ServiceKind; 3] = [
    ServiceKind::Compute,
    ServiceKind::Volume,
    ServiceKind::Network,
];

/// Limits of one service, as many as a record takes.
const RESOURCES_MAX: usize = 256;

const LIMITS: u16 = kind_code(RecordKind::Limits);

/// The fact that tells the newest version of limits that are set no more.
const UNSET: &str = "limits_unset";

/// What was set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsSet {
    /// What the region is told, as far as it is new.
    pub changes: Vec<LimitsChange>,
    /// What it is told once it has lowered others.
    pub waits: Vec<Waits>,
    /// What waits no more by it.
    pub ended: Vec<Waits>,
}

/// One limit of a project of the directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneLimit<'a> {
    pub(super) project: ObjectId,
    pub(super) name: &'a str,
    pub(super) service: ServiceKind,
    pub(super) resource: &'a str,
    pub(super) limit: u64,
}

/// What follows from what somebody wants, and what that was decided by.
struct Decided {
    census: Census,
    changes: Vec<LimitsChange>,
    waits: Vec<Waits>,
    settled: Settled,
}

impl Reading<'_> {
    /// What follows from what somebody wants now. `version` is that of what is set. Reads all that
    /// a region has.
    fn decided(
        &self,
        region: &RegionRow,
        (edits, check, now): (&[QuotaEdit], &Check, UnixMillis),
        version: u64,
        who: &str,
    ) -> Result<Decided, StoreError> {
        let asked: Vec<Holder> = edits.iter().map(|it| it.holder.clone()).collect();
        let mut census = self.census(region, &asked)?;
        census.as_of(now);
        if check.is_bounded() {
            self.promise(&mut census, region.no, edits)?;
        }
        let Decision {
            changes,
            raises,
            settled,
        } = census.check(edits, check, version)?;
        self.is_not_spread(region, &changes)?;
        let waits: Vec<Waits> = raises.into_iter().map(|it| census.waits(it)).collect();
        self.may_wait(region.no, &waits, who)?;
        Ok(Decided {
            census,
            changes,
            waits,
            settled,
        })
    }

    /// What is so, or waits, of what somebody wants now, where nothing of it is new and nothing is
    /// to be written. Reads all that a region has: beside the writer, which everybody waits for.
    ///
    /// # Errors
    /// As [`Changing::set_limits`].
    pub fn is_set(
        &self,
        region: &RegionRow,
        asked: (&[QuotaEdit], &Check, UnixMillis),
        who: &str,
    ) -> Result<Option<LimitsSet>, StoreError> {
        self.must_be_merged(region)?;
        // Nothing of it is told, and so its version is nobody's.
        let mut decided = self.decided(region, asked, 0, who)?;
        for it in &decided.waits {
            decided.settled.remove(&it.raise.key);
        }
        let census = &decided.census;
        let is_so = decided.changes.is_empty()
            && decided.settled.is_empty()
            && decided.waits.iter().all(|it| census.waits_so(&it.raise));
        Ok(is_so.then(|| LimitsSet {
            waits: decided.waits,
            ..LimitsSet::default()
        }))
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

    /// The limits that a region is told for a project in a service.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) fn limits_of(
        &self,
        no: RegionNo,
        holder: &Holder,
        service: ServiceKind,
    ) -> Result<Option<Limits>, StoreError> {
        let id = encoded(&Limits::id_of(holder, service))?;
        let sql = "SELECT kind, id, value FROM directory
                   WHERE region = ?1 AND kind = ?2 AND id = ?3 AND value IS NOT NULL";
        let row = params![no.0, LIMITS, id];
        let found = self.prepared(sql)?.query_row(row, record_of).optional();
        Ok(match found.doing("find limits")?.flatten() {
            Some(Record::Limits(limits)) => Some(limits),
            _ => None,
        })
    }
}

impl Changing<'_> {
    /// Sets limits of projects in a region, and tells its agent and the audit trail. Returns what
    /// of it is new, and what waits. All of it or nothing.
    ///
    /// # Errors
    /// If the region is not merged, if something of it is not right, or if the database fails.
    pub fn set_limits(
        &mut self,
        region: &RegionRow,
        edits: &[QuotaEdit],
        check: Check,
        by: &By,
    ) -> Result<LimitsSet, StoreError> {
        self.is_merged(region)?;
        let version = self.version()?;
        let decided =
            self.reading()
                .decided(region, (edits, &check, self.now), version, &by.who)?;
        let Decided {
            census,
            changes,
            waits,
            settled,
        } = decided;
        let changes = self.tell_limits(region, &census, changes, by)?;
        let ended = self.keep_raises(region, (&waits, settled), by)?;
        Ok(LimitsSet {
            changes,
            waits,
            ended,
        })
    }

    /// Sets one limit among those that a project has in a service of a region, and tells its agent.
    /// Returns the one that was set here before. Nothing is checked.
    pub(super) fn tell_limit(
        &mut self,
        (no, region): (RegionNo, &str),
        one: &OneLimit<'_>,
        author: &str,
    ) -> Result<Option<Option<u64>>, StoreError> {
        let holder = Holder::Project(one.project);
        let before = self.reading().limits_of(no, &holder, one.service)?;
        let later = before
            .as_ref()
            .map_or(0, |it| it.version().saturating_add(1));
        let mut resources = before.map(|it| it.resources).unwrap_or_default();
        let limit = Limit {
            name: one.resource.to_owned(),
            limit: Some(one.limit),
            version: self.version()?.max(later),
            force: false,
        };
        let at = resources.binary_search_by(|it| it.name.cmp(&limit.name));
        let is_full = resources.len() >= RESOURCES_MAX;
        let before = match at {
            Ok(at) => {
                let before = resources.get_mut(at);
                before.map(|it| std::mem::replace(it, limit).limit)
            }
            Err(_) if is_full => {
                return Err(StoreError::Refused(format!(
                    "{RESOURCES_MAX} limits are set for {} in the region {region:?} already, and \
                     no more are told",
                    one.name
                )));
            }
            Err(at) => {
                resources.insert(at, limit);
                None
            }
        };
        let limits = Record::Limits(Limits {
            holder,
            service: one.service,
            resources,
        });
        self.tell_one(no, &limits, &[], author)?;
        Ok(before)
    }

    /// Sets limits of a project no more: its agent is told none, and what the cloud has stays.
    /// Returns what that was. What waits for them, or is to raise them, ends.
    ///
    /// # Errors
    /// If the region is not merged, if one of them is not set or is a total's share, or if the
    /// database fails.
    pub fn unset_limits(
        &mut self,
        region: &RegionRow,
        project: &Holder,
        resources: &[String],
        by: &By,
    ) -> Result<LimitsSet, StoreError> {
        self.is_merged(region)?;
        let census = self
            .reading()
            .census(region, std::slice::from_ref(project))?;
        let Unset { changes, settled } = census.unset(project, resources)?;
        for it in &changes {
            self.reading().is_no_share_withdrawn(region, it)?;
        }
        for it in &changes {
            self.outlive(region.no, &it.limits)?;
            let gone = [it.limits.id()];
            match it.limits.resources.is_empty() {
                true => self.tell_no_more(region.no, RecordKind::Limits, &gone, &by.who)?,
                false => {
                    let record = Record::Limits(it.limits.clone());
                    self.tell_one(region.no, &record, &[], &by.who)?;
                }
            }
            self.audit(act(by.clone(), "unset-quota", region, it))?;
        }
        let ended = self.end_raises(region, &settled, (by, "unset-quota"))?;
        Ok(LimitsSet {
            changes,
            waits: Vec::new(),
            ended,
        })
    }

    /// The version of what is set now: later than any that is set no more, which agents remember,
    /// and the clock may have been set back since.
    fn version(&self) -> Result<u64, StoreError> {
        let unset = self.reading().fact(UNSET)?.map_or(0, u64::from_le_bytes);
        Ok(self.now.0.max(unset.saturating_add(1)))
    }

    /// Remembers how late what of a record was told that goes now.
    fn outlive(&self, no: RegionNo, limits: &Limits) -> Result<(), StoreError> {
        let before = self
            .reading()
            .limits_of(no, &limits.holder, limits.service)?;
        let unset = self.reading().fact(UNSET)?.map_or(0, u64::from_le_bytes);
        let newest = before.map_or(0, |it| it.version()).max(unset);
        facts::store(self.connection, UNSET, &newest.to_le_bytes())
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
        let mut census = self
            .reading()
            .census(region, std::slice::from_ref(project))?;
        census.as_of(self.now);
        let edits = census.zero(project, force)?;
        // What it uses above its limit it may as well be left.
        let check = Check::Forced(Force {
            below_use: false,
            over_capacity: true,
        });
        let decision = census.check(&edits, &check, self.version()?)?;
        self.tell_limits(region, &census, decision.changes, by)
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
            self.audit(act(by.clone(), "set-quota", region, change))?;
        }
        Ok(changes)
    }
}

impl Rows<'_> {
    /// A project that ended has no limits that anybody is told. What its clouds allow it stays.
    pub(super) fn forget_limits(&mut self, project: ObjectId) -> Result<(), StoreError> {
        let waits = "DELETE FROM quota_raises WHERE project = ?1";
        self.run(
            waits,
            params![project.to_bytes()],
            "forget limits that wait",
        )?;
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
fn act(by: By, action: &str, region: &RegionRow, change: &LimitsChange) -> Act {
    let id = match &change.limits.holder {
        Holder::Project(id) => id.to_string(),
        Holder::Own(here) => here.to_string(),
    };
    let (region, service) = (&region.facts.name, change.limits.service.name());
    let after = format!("in region {region:?}, {service}: {}", change.after);
    Act::new(by, action)
        .on("project", id, change.name.as_str())
        .changing(change.before.as_str(), after)
}
