//! What each region has, uses and was told of a total.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use shared::ids::{ObjectId, RegionId};
use shared::model::{
    CloudId, DriftKind, Drifted, Holder, LIMIT_MAX, Object, ObjectKind, Quota, Record, RecordKind,
    RemarkState, ServiceKind, ServiceState, Subject, UnixMillis,
};
use shared::wire::record::{self, kind_code};

use super::super::load::record_of;
use super::{SpreadKey, key_row};
use crate::directory::quota::is_ahead;
use crate::directory::quota::spread::{Demand, Found, Standing, Tellings, UNLIMITED};
use crate::store::error::{Doing, StoreError};
use crate::store::regions::{RegionNo, RegionRow};
use crate::store::{Changing, Reading};

/// What the clouds of merged regions call some projects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(Arc<BTreeMap<RegionNo, BTreeMap<ObjectId, CloudId>>>);

/// One region's part of a total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareRow {
    /// The region's number.
    pub no: RegionNo,
    /// Its name.
    pub region: String,
    /// What is known of its part, as of now.
    pub standing: Standing,
    /// What of that is not stored yet.
    pub(super) is_new: bool,
    /// Its record came here since it was told its share, and shows another limit: it is told again.
    pub(super) is_redue: bool,
}

impl Places {
    /// The merged regions.
    pub fn regions(&self) -> impl Iterator<Item = RegionNo> + '_ {
        self.0.keys().copied()
    }

    pub(in crate::store) fn of(&self, no: RegionNo, project: ObjectId) -> Option<&CloudId> {
        self.0.get(&no)?.get(&project)
    }
}

impl Reading<'_> {
    /// What each merged region's cloud calls these projects: as was decided when it was merged, or
    /// as its agent's marker there says. Reads all projects of each region.
    ///
    /// # Errors
    /// If the database fails.
    pub fn places(&self, wanted: &BTreeSet<ObjectId>) -> Result<Places, StoreError> {
        let sql = "SELECT region FROM region_organization WHERE merged_ms IS NOT NULL";
        let mut statement = self.prepared(sql)?;
        let merged = statement.query_map((), |row| row.get(0).map(RegionNo));
        let merged: Vec<RegionNo> = merged
            .and_then(Iterator::collect)
            .doing("list merged regions")?;
        let mut places = BTreeMap::new();
        for no in merged {
            let known = match wanted.is_empty() {
                true => BTreeMap::new(),
                false => self.places_in(no, wanted)?,
            };
            places.insert(no, known);
        }
        Ok(Places(Arc::new(places)))
    }

    /// The same of one region. What was decided about a project that is not there any more says
    /// nothing: it may have been made again, under another id.
    fn places_in(
        &self,
        no: RegionNo,
        wanted: &BTreeSet<ObjectId>,
    ) -> Result<BTreeMap<ObjectId, CloudId>, StoreError> {
        let decided = self.decided_in(no)?;
        let mut here = decided.projects;
        self.each_record(no, RecordKind::Project, |it, _| {
            if let Record::Project(it) = it
                && here.claimed(&it).is_some_and(|id| wanted.contains(&id))
            {
                here.see(&it);
            }
        })?;
        let departments = self.departments_in(no, decided.departments)?;
        here.departments(&departments);
        let mut places = BTreeMap::new();
        for id in here.all() {
            if let Some((it, _)) = self.project_of(id)? {
                here.belongs(id, departments.of(it.department).cloned());
                here.named(id, &it.name);
            }
            if let Some(it) = here.of(id) {
                places.insert(id, it.clone());
            }
        }
        Ok(places)
    }

    /// How a total stands in each merged region that was not removed, as of `now`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn shares(
        &self,
        key: &SpreadKey,
        places: &Places,
        online: &BTreeSet<RegionNo>,
        now: UnixMillis,
    ) -> Result<BTreeMap<RegionId, ShareRow>, StoreError> {
        let mut shares = BTreeMap::new();
        for no in places.regions() {
            let Some(region) = self.region_numbered(no)? else {
                continue;
            };
            let id = region.facts.id;
            let stored = self.stored_share(key, no)?;
            let word = self.word(no, places.of(no, key.project), key)?;
            let known = match stored.clone() {
                Some(known) => known,
                // It would be given what nobody there can use, and what nobody has back then.
                None if matches!(word, Word::NoService | Word::NoResource) => continue,
                None => {
                    let first = self.first_share(key, no, word.found())?;
                    let is_told = first.0.newest().is_some();
                    if !is_told
                        && matches!(word, Word::Absent)
                        && !self.can_make(no, key.project)?
                    {
                        continue;
                    }
                    first
                }
            };
            let mut share = share(region, Some(known.clone()), word, online, now);
            share.is_new = stored.as_ref() != Some(&known) || share.is_new;
            share.is_redue = self.is_redue(key, &share, word, now)?;
            shares.insert(id, share);
        }
        Ok(shares)
    }

    fn stored_share(
        &self,
        key: &SpreadKey,
        no: RegionNo,
    ) -> Result<Option<(Tellings, Demand)>, StoreError> {
        let sql = "SELECT told, past, since_ms FROM spread_shares
                   WHERE project = ?1 AND service = ?2 AND resource = ?3 AND region = ?4";
        let (project, service, resource) = key_row(key);
        let row = params![project, service, resource, no.0];
        let found: Option<(String, u64, Option<u64>)> = self
            .prepared(sql)?
            .query_row(row, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()
            .doing("find a region's share")?;
        let Some((told, past, since)) = found else {
            return Ok(None);
        };
        let told: Vec<Option<u64>> = serde_json::from_str(&told).map_err(|_| UNREADABLE)?;
        let told = told.into_iter().map(|it| it.unwrap_or(UNLIMITED));
        let demand = Demand {
            past,
            since: since.map(UnixMillis),
        };
        Ok(Some((Tellings::stored(told.collect()), demand)))
    }

    /// Of a region that has no share yet. A limit that was set for it alone counts as told: it may
    /// be on its way.
    fn first_share(
        &self,
        key: &SpreadKey,
        no: RegionNo,
        found: Option<Found>,
    ) -> Result<(Tellings, Demand), StoreError> {
        let holder = Holder::Project(key.project);
        let limits = self.limits_of(no, &holder, key.service)?;
        let resources = limits.map(|it| it.resources).unwrap_or_default();
        let told = resources.iter().find(|it| it.name == key.resource);
        let mut tellings = Tellings::default();
        if let Some(told) = told {
            let limit = told.limit.unwrap_or(UNLIMITED);
            tellings.tell(limit, found.map(|it| it.limit));
        }
        let need = found.map_or(0, |it| it.need);
        Ok((tellings, Demand::new(need)))
    }

    /// Whether a region has another limit than it was told, since then. Of what was noted by a
    /// clock that was ahead nobody knows when it was: a limit that it was not told is answered once
    /// then.
    fn is_redue(
        &self,
        key: &SpreadKey,
        it: &ShareRow,
        word: Word,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let standing = &it.standing;
        let (Word::Found(found, changed), Some(share)) = (word, standing.tellings.newest()) else {
            return Ok(false);
        };
        if !standing.is_present || share == found.limit || share > LIMIT_MAX {
            return Ok(false);
        }
        let holder = Holder::Project(key.project);
        let limits = self.limits_of(it.no, &holder, key.service)?;
        let resources = limits.map(|it| it.resources).unwrap_or_default();
        let told = resources.iter().find(|it| it.name == key.resource);
        let is_told = || standing.tellings.limits().contains(&found.limit);
        Ok(
            told.is_some_and(|it| match is_ahead(changed.0.max(it.version), now) {
                true => !is_told(),
                false => changed.0 > it.version,
            }),
        )
    }

    /// Whether the region's catalog has no such service.
    fn is_missing(&self, no: RegionNo, service: ServiceKind) -> Result<bool, StoreError> {
        let id = CloudId::Text(service.name().to_owned());
        Ok(match self.told_record(no, RecordKind::Service, &id)? {
            Some(Record::Service(it)) => it.state == ServiceState::Missing,
            _ => false,
        })
    }

    /// Whether a region that has not the project is about to make it: its agent changes things
    /// there, and says of nothing that keeps it from that, neither of the project nor of what that
    /// is in.
    fn can_make(&self, no: RegionNo, project: ObjectId) -> Result<bool, StoreError> {
        let remark = |kind, id| {
            let id = Subject::Object(kind, id).id();
            let found = self.told_record(no, RecordKind::Remark, &id)?;
            Ok::<_, StoreError>(found)
        };
        if remark(ObjectKind::Project, project)?.is_some() {
            return Ok(false);
        }
        for (kind, id) in self.around(project)? {
            if remark(kind, id)?.is_some_and(|it| is_in_the_way(&it)) {
                return Ok(false);
            }
        }
        Ok(!self.is_read_only(no)?)
    }

    /// In what a project of the directory is: its department, and the projects around it.
    fn around(&self, project: ObjectId) -> Result<Vec<(ObjectKind, ObjectId)>, StoreError> {
        let (mut around, mut at) = (Vec::new(), project);
        while let Some(Object::Project(it)) = self.object(ObjectKind::Project, at)? {
            if around.is_empty() {
                around.push((ObjectKind::Department, it.department));
            }
            match it.parent {
                Some(outer) if around.len() < AROUND_MAX => {
                    around.push((ObjectKind::Project, outer));
                    at = outer;
                }
                _ => break,
            }
        }
        Ok(around)
    }

    /// What a region says of a project's resource.
    fn word(
        &self,
        no: RegionNo,
        here: Option<&CloudId>,
        key: &SpreadKey,
    ) -> Result<Word, StoreError> {
        let Some(here) = here else {
            return Ok(match self.is_missing(no, key.service)? {
                true => Word::NoService,
                false => Word::Absent,
            });
        };
        let id = record::encode_id(&Quota::id_of(here, key.service)).map_err(|_| UNREADABLE)?;
        let sql = "SELECT kind, id, value, changed_ms FROM records
                   WHERE region = ?1 AND kind = ?2 AND id = ?3";
        let row = params![no.0, kind_code(RecordKind::Quota), id];
        let found = self
            .prepared(sql)?
            .query_row(row, |row| Ok((record_of(row)?, row.get(3)?)))
            .optional()
            .doing("find a quota")?;
        let Some((Some(Record::Quota(quota)), changed)) = found else {
            return Ok(match self.is_missing(no, key.service)? {
                true => Word::NoService,
                false => Word::Unread,
            });
        };
        let mut resources = quota.resources.iter();
        let resource = resources.find(|it| it.name == key.resource);
        Ok(resource.map_or(Word::NoResource, |it| {
            Word::Found(it.into(), UnixMillis(changed))
        }))
    }
}

/// What a region says of a project's resource.
#[derive(Debug, Clone, Copy)]
enum Word {
    /// It has no such project.
    Absent,
    /// It has no such service: nothing of it can be used there, and what it was told counts.
    NoService,
    /// Its service tells no such resource: likewise.
    NoResource,
    /// It has the project, and has not told its quota.
    Unread,
    /// Its record, and when that came here as it is.
    Found(Found, UnixMillis),
}

impl Word {
    const fn found(self) -> Option<Found> {
        match self {
            Self::Found(found, _) => Some(found),
            Self::Absent | Self::NoService | Self::NoResource | Self::Unread => None,
        }
    }
}

/// A region's part as of `now`, by what was known of it.
fn share(
    region: RegionRow,
    known: Option<(Tellings, Demand)>,
    word: Word,
    online: &BTreeSet<RegionNo>,
    now: UnixMillis,
) -> ShareRow {
    let (found, before) = (word.found(), known.clone());
    let (tellings, demand) = known.unwrap_or_default();
    let mut standing = Standing {
        tellings,
        found,
        is_unread: matches!(word, Word::Unread),
        demand,
        is_present: online.contains(&region.no),
    };
    if let Some(found) = found {
        standing.tellings.confirm(found.limit);
        standing.demand = demand.seen(found.need, now);
    }
    ShareRow {
        no: region.no,
        region: region.facts.name,
        is_new: before != Some((standing.tellings.clone(), standing.demand)),
        is_redue: false,
        standing,
    }
}

impl Changing<'_> {
    /// Keeps what is known of a region's share.
    pub(super) fn keep_share(&self, key: &SpreadKey, share: &ShareRow) -> Result<(), StoreError> {
        let told = share.standing.tellings.limits().iter();
        let told: Vec<Option<u64>> = told.map(|it| (*it != UNLIMITED).then_some(*it)).collect();
        let told = serde_json::to_string(&told).map_err(|_| UNREADABLE)?;
        let sql = "INSERT OR REPLACE INTO spread_shares
                       (project, service, resource, region, told, past, since_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (project, service, resource) = key_row(key);
        let Demand { past, since } = share.standing.demand;
        let since = since.map(|it| it.0);
        let row = params![project, service, resource, share.no.0, told, past, since];
        self.execute(sql, row, "keep a region's share")
    }
}

/// Whether nothing is made in what a region says this of: it is not there, or switched off there. A
/// description that differs, say, is in nobody's way.
fn is_in_the_way(remark: &Record) -> bool {
    let Record::Remark(remark) = remark else {
        return false;
    };
    let is_off =
        |it: &Drifted| it.what == DriftKind::Enabled && it.cloud.as_deref() == Some("false");
    let is_gone = |it: &Drifted| matches!(it.what, DriftKind::Missing | DriftKind::Deleted);
    match &remark.state {
        RemarkState::Drift { what, .. } => what.iter().any(|it| is_gone(it) || is_off(it)),
        RemarkState::Failed { .. } | RemarkState::Blocked { .. } | RemarkState::Ended { .. } => {
            true
        }
        RemarkState::Purgeable { .. } | RemarkState::Purged { .. } => false,
    }
}

/// No cloud nests projects deeper than so many (Keystone's `max_project_tree_depth` is 5).
const AROUND_MAX: usize = 100;

/// Nothing that is stored here can cause it.
const UNREADABLE: StoreError = StoreError::Row {
    what: "region's share of a total",
};
