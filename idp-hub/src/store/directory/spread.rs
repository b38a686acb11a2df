//! Totals of resources that are spread over the regions: set, listed, taken back.

mod left;
mod promised;
mod respread;
mod shares;

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};
use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{LIMIT_MAX, ObjectKind, ServiceKind};

use super::load::stamp_of;
use crate::directory::Stamp;
use crate::directory::quota::LimitsChange;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionRow;
use crate::store::{Changing, Reading};

pub use left::{Left, Rooms};
pub use shares::{Places, ShareRow};

/// The most totals: with five resources each, those of a thousand projects. Looking at all of them
/// in ten regions takes a second, and that is done by turns.
pub const SPREADS_MAX: u64 = 5000;

/// The longest name of a resource, in bytes: Cinder's `gigabytes_` and a type's name.
pub const RESOURCE_BYTES_MAX: usize = 300;

/// Which total.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpreadKey {
    /// Whose.
    pub project: ObjectId,
    /// Of which service.
    pub service: ServiceKind,
    /// Of which resource, by the cloud's own name.
    pub resource: String,
}

/// A total that is spread over the regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// Which.
    pub key: SpreadKey,
    /// The most that may be in use in all regions together, in the cloud's own unit.
    pub total: u64,
    /// Who set it, and when.
    pub stamp: Stamp,
}

impl SpreadKey {
    /// As the audit trail names it.
    fn named(&self) -> String {
        format!("{} {}", self.service.name(), self.resource)
    }
}

impl Reading<'_> {
    /// Totals in the order of their keys, of one project or of all, behind `after`.
    ///
    /// # Errors
    /// If the database fails, or a row can't be read.
    pub fn spreads(
        &self,
        project: Option<ObjectId>,
        after: Option<&SpreadKey>,
        limit: u32,
    ) -> Result<Vec<Spread>, StoreError> {
        let sql = "SELECT project, service, resource, total, author, at_ms, epoch FROM spreads
                   WHERE (?1 IS NULL OR project = ?1)
                       AND (?2 IS NULL OR (project, service, resource) > (?2, ?3, ?4))
                   ORDER BY project, service, resource LIMIT ?5";
        let row = params![
            project.map(ObjectId::to_bytes),
            after.map(|it| it.project.to_bytes()),
            after.map(|it| it.service.name()),
            after.map(|it| it.resource.as_str()),
            limit,
        ];
        let doing = "list totals";
        let mut statement = self.prepared(sql)?;
        let found = statement.query_map(row, spread_of).doing(doing)?;
        let found: Vec<Option<Spread>> = found.collect::<Result<_, _>>().doing(doing)?;
        found.into_iter().map(|it| it.ok_or(UNREADABLE)).collect()
    }

    /// The projects that have a total.
    ///
    /// # Errors
    /// If the database fails.
    pub fn spread_projects(&self) -> Result<BTreeSet<ObjectId>, StoreError> {
        let mut statement = self.prepared("SELECT DISTINCT project FROM spreads")?;
        let found = statement.query_map((), |row| row.get(0).map(ObjectId::from_bytes));
        found.and_then(Iterator::collect).doing("list totals")
    }

    /// One total.
    ///
    /// # Errors
    /// If the database fails, or the row can't be read.
    pub fn spread(&self, key: &SpreadKey) -> Result<Option<Spread>, StoreError> {
        let sql = "SELECT project, service, resource, total, author, at_ms, epoch FROM spreads
                   WHERE project = ?1 AND service = ?2 AND resource = ?3";
        let mut statement = self.prepared(sql)?;
        let found = statement.query_row(key_row(key), spread_of).optional();
        let found = found.doing("find a total")?;
        found.map(|it| it.ok_or(UNREADABLE)).transpose()
    }
}

impl Reading<'_> {
    /// Whether limits that somebody sets in one region are none of a total's shares: those follow
    /// from the total, and what is given elsewhere counts on them.
    pub(super) fn is_not_spread(
        &self,
        region: &RegionRow,
        changes: &[LimitsChange],
    ) -> Result<(), StoreError> {
        for LimitsChange { limits, name, .. } in changes {
            let Some(project) = limits.holder.project() else {
                continue;
            };
            let before = self.limits_of(region.no, &limits.holder, limits.service)?;
            let before = before.map(|it| it.resources).unwrap_or_default();
            for limit in limits.resources.iter().filter(|it| !before.contains(it)) {
                let key = SpreadKey {
                    project,
                    service: limits.service,
                    resource: limit.name.clone(),
                };
                self.is_no_share(&key, name)?;
            }
        }
        Ok(())
    }

    /// Whether no limit that is to be set no more is a total's share.
    pub(super) fn is_no_share_withdrawn(
        &self,
        region: &RegionRow,
        change: &LimitsChange,
    ) -> Result<(), StoreError> {
        let (limits, name) = (&change.limits, &change.name);
        let Some(project) = limits.holder.project() else {
            return Ok(());
        };
        let before = self.limits_of(region.no, &limits.holder, limits.service)?;
        let before = before.into_iter().flat_map(|it| it.resources);
        for limit in before.filter(|it| !limits.resources.contains(it)) {
            let key = SpreadKey {
                project,
                service: limits.service,
                resource: limit.name,
            };
            self.is_no_share(&key, name)?;
        }
        Ok(())
    }

    /// Whether no total is set of this.
    pub(super) fn is_no_share(&self, key: &SpreadKey, name: &str) -> Result<(), StoreError> {
        let Some(Spread { total, .. }) = self.spread(key)? else {
            return Ok(());
        };
        let resource = &key.resource;
        Err(StoreError::Refused(format!(
            "{resource} of {name:?} is a share of {total} over all regions; set that, with \
             `idp-hub org quota spread`, or take it back first, with `idp-hub org quota spread \
             remove`"
        )))
    }
}

impl Changing<'_> {
    /// Sets totals. Returns how many of them are new. `seen` is what was found left for them:
    /// `None`, and nothing is set, where something else was granted since, as somebody may set
    /// another total at the same moment. Without it they are set whatever is left.
    ///
    /// # Errors
    /// As [`Self::set_spread`]. Then none is set.
    pub fn set_spreads(
        &mut self,
        totals: &[(SpreadKey, u64)],
        seen: Option<&Left>,
        by: &By,
    ) -> Result<Option<usize>, StoreError> {
        if let Some(seen) = seen
            && !self.reading().is_still(seen, totals)?
        {
            return Ok(None);
        }
        let mut changed = 0;
        for (key, total) in totals {
            changed += usize::from(self.set_spread(key, *total, by)?);
        }
        Ok(Some(changed))
    }

    /// Sets a total from now on. What regions are told follows with the next look; what waits for
    /// the project's limits, or is to raise them, ends. Returns whether that is new.
    ///
    /// # Errors
    /// If there is no such project, the total is no limit that a cloud takes, there are
    /// [`SPREADS_MAX`] already, or the database fails.
    pub fn set_spread(&mut self, key: &SpreadKey, total: u64, by: &By) -> Result<bool, StoreError> {
        let name = self.is_spreadable(key, total)?;
        let before = self.reading().spread(key)?;
        if before.as_ref().is_some_and(|it| it.total == total) {
            return Ok(false);
        }
        let stamp = self.stamp(&by.who)?;
        let sql = "INSERT INTO spreads (project, service, resource, total, author, at_ms, epoch)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                   ON CONFLICT (project, service, resource)
                   DO UPDATE SET total = ?4, author = ?5, at_ms = ?6, epoch = ?7";
        let (project, service, resource) = key_row(key);
        let (author, at, epoch) = (&stamp.author, stamp.at.0, stamp.epoch);
        let row = params![project, service, resource, total, author, at, epoch];
        self.execute(sql, row, "set a total")?;
        let before = before.map_or_else(|| "none".to_owned(), |it| it.total.to_string());
        self.audit_spread(key, &name, by, (&before, &total.to_string()))?;
        self.end_raises_by(key, &name, by)?;
        Ok(true)
    }

    /// Takes a total back. Each region keeps the limit that it was told last. Returns whether there
    /// was one.
    ///
    /// # Errors
    /// If the database fails.
    pub fn remove_spread(&mut self, key: &SpreadKey, by: &By) -> Result<bool, StoreError> {
        let Some(before) = self.reading().spread(key)? else {
            return Ok(false);
        };
        let sql = "DELETE FROM spreads WHERE project = ?1 AND service = ?2 AND resource = ?3";
        let (project, service, resource) = key_row(key);
        self.execute(
            sql,
            params![project, service, resource],
            "take a total back",
        )?;
        let object = self.reading().object(ObjectKind::Project, key.project)?;
        let name = object.map_or_else(String::new, |it| it.name().to_owned());
        let before = before.total.to_string();
        self.audit_spread(key, &name, by, (&before, "none"))?;
        Ok(true)
    }

    /// The project's name, if a total of it may be set.
    fn is_spreadable(&self, key: &SpreadKey, total: u64) -> Result<String, StoreError> {
        if total > LIMIT_MAX {
            return Err(StoreError::Refused(format!(
                "a total of {total} {} is more than any cloud keeps as a limit; give {LIMIT_MAX} \
                 at most",
                key.resource
            )));
        }
        if key.resource.is_empty() || key.resource.len() > RESOURCE_BYTES_MAX {
            let what = "a resource has a name of 1 to 300 bytes, such as cores; give that";
            return Err(StoreError::Refused(what.to_owned()));
        }
        let project = self.reading().object(ObjectKind::Project, key.project)?;
        let project = project.ok_or_else(|| StoreError::Missing {
            what: "project",
            name: key.project.to_string(),
        })?;
        let sql = "SELECT count(*) FROM spreads";
        let count = self
            .connection
            .query_row(sql, (), |row| row.get::<_, u64>(0));
        let is_full = count.doing("count totals")? >= SPREADS_MAX;
        if is_full && self.reading().spread(key)?.is_none() {
            return Err(StoreError::Refused(format!(
                "{SPREADS_MAX} totals are set, and no more are looked at in time; take one back \
                 first"
            )));
        }
        Ok(project.name().to_owned())
    }

    fn audit_spread(
        &mut self,
        key: &SpreadKey,
        name: &str,
        by: &By,
        (before, after): (&str, &str),
    ) -> Result<(), StoreError> {
        let what = key.named();
        let act = Act::new(by.clone(), "spread-quota").on("project", key.project, name);
        let act = act.changing(format!("{what}: {before}"), format!("{what}: {after}"));
        self.audit(act).map(drop)
    }
}

/// A key as it stands in a row.
fn key_row(key: &SpreadKey) -> ([u8; 16], &'static str, &str) {
    (key.project.to_bytes(), key.service.name(), &key.resource)
}

/// `None` for a service that only a later release knows.
fn spread_of(row: &Row<'_>) -> Result<Option<Spread>, rusqlite::Error> {
    let service: String = row.get(1)?;
    let Some(service) = service_named(&service) else {
        return Ok(None);
    };
    Ok(Some(Spread {
        key: SpreadKey {
            project: ObjectId::from_bytes(row.get(0)?),
            service,
            resource: row.get(2)?,
        },
        total: row.get(3)?,
        stamp: stamp_of(row, 4)?,
    }))
}

pub(super) fn service_named(word: &str) -> Option<ServiceKind> {
    ServiceKind::ALL.into_iter().find(|it| it.name() == word)
}

/// A row of another release's.
const UNREADABLE: StoreError = StoreError::Row { what: "total" };
