//! Limits that wait until others have less: kept, looked at, and told.

mod in_words;

use rusqlite::{Row, params};
use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{CloudId, Holder, ObjectKind, Quota, Record, RecordKind};

use super::limits::OneLimit;
use super::spread::{SpreadKey, service_named};
use crate::directory::quota::{Giver, InDirectory, Pools, Raise, RaiseKey, Settled, Waits};
use crate::directory::rights::{Asker, Denied, Rights};
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};
use crate::store::{Changing, Reading};

/// Of one account: more than an administrator has in mind, and few enough to be looked
/// at every few seconds.
const RAISES_MAX: u64 = 500;

/// A raise that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RaiseRow {
    pub(super) no: RegionNo,
    pub(super) raise: Raise,
    by: By,
}

/// What is to become of a raise by now.
enum Fate {
    /// Others have not less yet.
    Waits,
    /// They have.
    Due,
    /// Nobody can give it any more, and why.
    Over(String),
}

impl Reading<'_> {
    /// What waits in a region, or in all.
    pub(super) fn raises(&self, no: Option<RegionNo>) -> Result<Vec<RaiseRow>, StoreError> {
        let sql = "SELECT region, project, service, resource, most, givers, author, source
                   FROM quota_raises WHERE ?1 IS NULL OR region = ?1";
        let doing = "list limits that wait";
        let mut statement = self.prepared(sql)?;
        let found = statement.query_map([no.map(|it| it.0)], raise_of);
        let found: Vec<Option<RaiseRow>> = found.and_then(Iterator::collect).doing(doing)?;
        found.into_iter().map(|it| it.ok_or(UNREADABLE)).collect()
    }

    /// The limits that wait no more: all others have less by now, or can't give anything.
    ///
    /// # Errors
    /// If the database fails.
    pub fn raises_due(&self) -> Result<Vec<(RegionNo, RaiseKey)>, StoreError> {
        let mut due = Vec::new();
        for row in self.raises(None)? {
            if !matches!(self.fate(&row)?, Fate::Waits) {
                due.push((row.no, row.raise.key));
            }
        }
        Ok(due)
    }

    /// Whether all of this may wait on somebody's word: none of it is a total's share, and with
    /// what waits on his word already it is not too much.
    pub(super) fn may_wait(
        &self,
        no: RegionNo,
        waits: &[Waits],
        who: &str,
    ) -> Result<(), StoreError> {
        if waits.is_empty() {
            return Ok(());
        }
        for it in waits {
            self.is_no_share(&spread_key(&it.raise.key), &it.name)?;
        }
        let sql = "SELECT count(*) FROM quota_raises WHERE author = ?1";
        let mut statement = self.prepared(sql)?;
        let count = statement.query_row([who], |row| row.get::<_, u64>(0));
        let count = count.doing("count limits that wait")?;
        let mut here = self.raises(Some(no))?;
        here.retain(|it| it.by.who == who);
        let is_new = |it: &&Waits| !here.iter().any(|row| row.raise.key == it.raise.key);
        let new = waits.iter().filter(is_new).count() as u64;
        if count.saturating_add(new) > RAISES_MAX {
            return Err(StoreError::Refused(format!(
                "{RAISES_MAX} limits that {who} shifted wait already until others have less, and \
                 no more are kept; lower the others first, and raise when regions have confirmed it"
            )));
        }
        Ok(())
    }

    fn fate(&self, row: &RaiseRow) -> Result<Fate, StoreError> {
        let key = &row.raise.key;
        let mut fate = Fate::Due;
        let mut projects = vec![key.project];
        projects.extend(row.raise.givers.iter().map(|it| it.project));
        for project in projects {
            if self.spread(&spread_key(&key.of(project)))?.is_some() {
                let name = self.project_name(project)?;
                let why = format!("what {name} may use follows from a total over all regions");
                return Ok(Fate::Over(why));
            }
        }
        for giver in &row.raise.givers {
            let told = self.told_limit(row.no, &giver.here, key)?;
            let holder = Holder::Project(giver.project);
            let wanted = self.limits_of(row.no, &holder, key.service)?;
            let wanted = wanted.into_iter().flat_map(|it| it.resources);
            let wanted = wanted.into_iter().find(|it| it.name == key.resource);
            let wanted = wanted.map(|it| it.limit);
            if wanted.flatten().is_none() {
                let name = self.project_name(giver.project)?;
                let why = format!("no limit is set for {name} any more that it could give");
                return Ok(Fate::Over(why));
            }
            if !Giver::is_lower(told, wanted) {
                fate = Fate::Waits;
            }
        }
        Ok(fate)
    }

    /// A raise as people know it.
    fn waits(&self, raise: Raise) -> Result<Waits, StoreError> {
        let givers = raise.givers.iter();
        let givers = givers.map(|it| self.project_name(it.project));
        Ok(Waits {
            name: self.project_name(raise.key.project)?,
            givers: givers.collect::<Result<_, _>>()?,
            raise,
        })
    }

    /// What a project is called, or was when it ended.
    fn project_name(&self, id: ObjectId) -> Result<String, StoreError> {
        Ok(match self.in_directory(id)? {
            Some(InDirectory::Live { name } | InDirectory::Retired { name }) => name,
            None => id.to_string(),
        })
    }

    /// What a region says is the limit of a project's resource.
    fn told_limit(
        &self,
        no: RegionNo,
        here: &CloudId,
        key: &RaiseKey,
    ) -> Result<Option<Option<u64>>, StoreError> {
        let id = Quota::id_of(here, key.service);
        let Some(Record::Quota(quota)) = self.told_record(no, RecordKind::Quota, &id)? else {
            return Ok(None);
        };
        let mut resources = quota.resources.into_iter();
        let found = resources.find(|it| it.name == key.resource);
        Ok(found.map(|it| it.limit))
    }
}

impl Changing<'_> {
    /// Within what somebody may shift the limits of each of these projects, as the directory is
    /// now; `None` where he may set any.
    ///
    /// # Errors
    /// Why he may not touch one of them; or if the database fails.
    pub fn shifts(&mut self, asker: Asker, of: &[&Holder]) -> Result<Option<Pools>, StoreError> {
        if asker == Asker::Cloud {
            return Ok(None);
        }
        let directory = self.take_directory()?;
        let rights = Rights::of(&directory, asker).ok_or(Denied::GONE);
        let pools = rights.and_then(|it| it.shifts(directory.live(), of.iter().copied()));
        self.hot.directory.keep(directory);
        pools.map_err(StoreError::from)
    }

    /// Keeps what is to wait, and ends what is settled otherwise. Returns what that was.
    pub(super) fn keep_raises(
        &mut self,
        region: &RegionRow,
        (waits, mut settled): (&[Waits], Settled),
        by: &By,
    ) -> Result<Vec<Waits>, StoreError> {
        for it in waits {
            // It waits on, and otherwise.
            settled.remove(&it.raise.key);
            self.keep_raise(region.no, &it.raise, by)?;
            let (project, name) = (it.raise.key.project, it.name.as_str());
            let act = Act::new(by.clone(), "set-quota").on("project", project, name);
            self.audit(act.changing("", once(&region.facts.name, it)))?;
        }
        self.end_raises(region, &settled, (by, "set-quota"))
    }

    fn keep_raise(&self, no: RegionNo, raise: &Raise, by: &By) -> Result<(), StoreError> {
        let givers = raise.givers.iter();
        let givers: Vec<(String, String)> = givers
            .map(|it| (it.project.to_string(), it.here.to_string()))
            .collect();
        let givers = serde_json::to_string(&givers).map_err(|_| UNREADABLE)?;
        let sql = "INSERT OR REPLACE INTO quota_raises
                       (region, project, service, resource, most, givers, author, source)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let key = &raise.key;
        let row = params![
            no.0,
            key.project.to_bytes(),
            key.service.name(),
            key.resource,
            raise.limit,
            givers,
            by.who,
            by.source
        ];
        self.execute(sql, row, "keep a limit that waits")
    }

    /// Ends raises that wait in a region, as another limit is set. Returns what they were.
    pub(super) fn end_raises(
        &mut self,
        region: &RegionRow,
        settled: &Settled,
        by: (&By, &str),
    ) -> Result<Vec<Waits>, StoreError> {
        let mut ended = Vec::with_capacity(settled.len());
        if settled.is_empty() {
            return Ok(ended);
        }
        for row in self.reading().raises(Some(region.no))? {
            if let Some(project) = settled.get(&row.raise.key) {
                let why = set_otherwise(&self.reading().project_name(*project)?);
                ended.push(self.end_raise(&region.facts.name, row, &why, by)?);
            }
        }
        Ok(ended)
    }

    /// Ends raises that a total settles, in all regions.
    pub(super) fn end_raises_by(
        &mut self,
        total: &SpreadKey,
        name: &str,
        by: &By,
    ) -> Result<(), StoreError> {
        let set = RaiseKey {
            project: total.project,
            service: total.service,
            resource: total.resource.clone(),
        };
        for row in self.reading().raises(None)? {
            let region = self.reading().region_numbered(row.no)?;
            if let Some(region) = region.filter(|_| row.raise.is_settled_by(&set)) {
                let by = (by, "spread-quota");
                self.end_raise(&region.facts.name, row, &set_otherwise(name), by)?;
            }
        }
        Ok(())
    }

    fn end_raise(
        &mut self,
        region: &str,
        row: RaiseRow,
        why: &str,
        (by, action): (&By, &str),
    ) -> Result<Waits, StoreError> {
        self.forget_raise(row.no, &row.raise.key)?;
        let it = self.reading().waits(row.raise)?;
        let (project, name) = (it.raise.key.project, it.name.as_str());
        let act = Act::new(by.clone(), action).on("project", project, name);
        let after = format!("it waits no more: {why}");
        self.audit(act.changing(once(region, &it), after))?;
        Ok(it)
    }

    fn forget_raise(&self, no: RegionNo, key: &RaiseKey) -> Result<(), StoreError> {
        let sql = "DELETE FROM quota_raises
                   WHERE region = ?1 AND project = ?2 AND service = ?3 AND resource = ?4";
        let (project, service) = (key.project.to_bytes(), key.service.name());
        let row = params![no.0, project, service, key.resource];
        self.execute(sql, row, "forget a limit that waits")
    }

    /// Tells a region a limit that waited, if it is due still. Returns the project's name then.
    /// What nobody can give any more ends, and is told to the trail alone.
    ///
    /// # Errors
    /// If the database fails.
    pub fn tell_raise(
        &mut self,
        no: RegionNo,
        key: &RaiseKey,
    ) -> Result<Option<String>, StoreError> {
        let mut rows = self.reading().raises(Some(no))?.into_iter();
        let Some(row) = rows.find(|it| it.raise.key == *key) else {
            return Ok(None);
        };
        let fate = self.reading().fate(&row)?;
        if matches!(fate, Fate::Waits) {
            return Ok(None);
        }
        let project = self.reading().object(ObjectKind::Project, key.project)?;
        let region = self.reading().region_numbered(no)?;
        let (Some(project), Some(region)) = (project, region) else {
            self.forget_raise(no, key)?;
            return Ok(None);
        };
        if let Fate::Over(why) = fate {
            let by = By::new("limits that wait", "this hub");
            self.end_raise(&region.facts.name, row, &why, (&by, "set-quota"))?;
            return Ok(None);
        }
        self.forget_raise(no, key)?;
        let limit = row.raise.limit;
        let one = OneLimit {
            project: key.project,
            name: project.name(),
            service: key.service,
            resource: &key.resource,
            limit,
        };
        let before = self.tell_limit((no, &region.facts.name), &one, &row.by.who)?;
        let before = before.map_or_else(|| "unknown".to_owned(), said);
        let (region, service) = (&region.facts.name, key.service.name());
        let (resource, name) = (&key.resource, project.name().to_owned());
        let act = Act::new(row.by, "set-quota").on("project", key.project, name.as_str());
        let after = format!("in region {region:?}, {service}: {resource}={limit}");
        self.audit(act.changing(format!("{resource}={before}"), after))?;
        Ok(Some(name))
    }
}

/// A limit as people know it.
pub(super) fn said(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |it| it.to_string())
}

/// What waits, as the trail says it.
fn once(region: &str, it: &Waits) -> String {
    let (key, limit, givers) = (&it.raise.key, it.raise.limit, it.givers.join(", "));
    let (service, resource) = (key.service.name(), &key.resource);
    format!("in region {region:?}, {service}: {resource}={limit} once it is lower for {givers}")
}

fn set_otherwise(name: &str) -> String {
    format!("the limit of {name} is set otherwise")
}

fn spread_key(key: &RaiseKey) -> SpreadKey {
    SpreadKey {
        project: key.project,
        service: key.service,
        resource: key.resource.clone(),
    }
}

/// `None` for what only another release's can be.
fn raise_of(row: &Row<'_>) -> rusqlite::Result<Option<RaiseRow>> {
    let (service, givers): (String, String) = (row.get(2)?, row.get(5)?);
    let givers = serde_json::from_str::<Vec<(String, String)>>(&givers).ok();
    let giver = |(project, here): (String, String)| {
        let project: ObjectId = project.parse().ok()?;
        let here = CloudId::new(&here);
        Some(Giver { project, here })
    };
    let givers = givers.and_then(|it| it.into_iter().map(giver).collect());
    let (Some(service), Some(givers)) = (service_named(&service), givers) else {
        return Ok(None);
    };
    let key = RaiseKey {
        project: ObjectId::from_bytes(row.get(1)?),
        service,
        resource: row.get(3)?,
    };
    let limit = row.get(4)?;
    Ok(Some(RaiseRow {
        no: RegionNo(row.get(0)?),
        raise: Raise { key, limit, givers },
        by: By::new(row.get::<_, String>(6)?, row.get::<_, String>(7)?),
    }))
}

/// A row of another release's.
const UNREADABLE: StoreError = StoreError::Row {
    what: "limit that waits",
};
