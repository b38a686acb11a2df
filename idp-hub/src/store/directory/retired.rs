//! What was retired, with what is left of it in each region.

use std::collections::{BTreeMap, HashMap};

use rusqlite::params;
use shared::ids::ObjectId;
use shared::model::{
    CloudId, End, Feed, Object, ObjectKind, Purge, PurgeStep, Record, RecordKind, RemarkState,
    ServiceKind, ServiceState, Subject, UnixMillis,
};
use shared::wire::record::{self, kind_code};

use super::counted::{Counts, Fresh};
use super::load::{UNREADABLE, record_of};
use crate::directory::{Directory, Ended, Here, Inside, Left, Purging, Retired};
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::records::PAGE_MAX;
use crate::store::regions::{RegionNo, RegionRow};

/// When each region was last heard, as far as somebody knows it better than the database, which has
/// it of the end of the last session.
pub type Heard = HashMap<RegionNo, UnixMillis>;

/// Which of what was retired.
#[derive(Debug, Clone, Default)]
pub struct RetiredQuery {
    /// Of this kind alone.
    pub kind: Option<ObjectKind>,
    /// With just this name.
    pub name: Option<String>,
    /// Whose ids follow this one, 16 bytes; from the beginning if empty.
    pub after: Vec<u8>,
    /// When it is asked.
    pub now: UnixMillis,
    /// How many are looked at; [`PAGE_MAX`] at most. What was purged and is nowhere is left out.
    pub limit: u32,
}

/// Some of what was retired, and from where the next ones go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredPage {
    /// The things, in the order of their ids.
    pub items: Vec<Retired>,
    /// Where to go on; `None` at the end.
    pub next: Option<Vec<u8>>,
}

pub(super) type Wanted<'a> = BTreeMap<ObjectId, &'a Ended>;

impl Reading<'_> {
    /// What was retired, in the order of their ids.
    ///
    /// # Errors
    /// If the database fails.
    pub fn retired(
        &self,
        query: &RetiredQuery,
        heard: &Heard,
        counts: &Counts,
    ) -> Result<RetiredPage, StoreError> {
        let directory = self.directory()?;
        let after = <[u8; 16]>::try_from(query.after.as_slice());
        let after = after.ok().map(ObjectId::from_bytes);
        let is_wanted = |(id, it): &(ObjectId, &Ended)| {
            after.is_none_or(|after| *id > after)
                && query.kind.is_none_or(|kind| it.object.kind() == kind)
                && query
                    .name
                    .as_ref()
                    .is_none_or(|name| it.object.name() == name)
        };
        let mut all = directory.retired().filter(is_wanted);
        let limit = query.limit.clamp(1, PAGE_MAX) as usize;
        let wanted: Wanted<'_> = all.by_ref().take(limit).collect();
        let is_all = all.next().is_none();
        let last = wanted.keys().next_back().map(|it| it.to_bytes().to_vec());
        let fresh = match after {
            None => Fresh::Now(query.now),
            Some(_) => Fresh::OnePageOn(query.now),
        };
        let mut items = self.left_of(&directory, &wanted, heard, (counts, fresh))?;
        items.retain(|it| it.how == End::Retired || it.left.iter().any(is_left));
        Ok(RetiredPage {
            items,
            next: last.filter(|_| !is_all),
        })
    }

    /// One of it, also what was purged and is nowhere.
    ///
    /// # Errors
    /// If the database fails.
    pub fn retired_one(
        &self,
        id: ObjectId,
        heard: &Heard,
        counts: &Counts,
    ) -> Result<Option<Retired>, StoreError> {
        let directory = self.directory()?;
        let ended = directory.retired().find(|(it, _)| *it == id);
        let wanted: Wanted<'_> = ended.into_iter().collect();
        let fresh = (counts, Fresh::Now(UnixMillis(0)));
        Ok(self.left_of(&directory, &wanted, heard, fresh)?.pop())
    }

    fn left_of(
        &self,
        directory: &Directory,
        wanted: &Wanted<'_>,
        heard: &Heard,
        (counts, fresh): (&Counts, Fresh),
    ) -> Result<Vec<Retired>, StoreError> {
        let mut all: BTreeMap<ObjectId, Retired> = BTreeMap::new();
        for (id, it) in wanted {
            all.insert(*id, retired(directory, *id, it)?);
        }
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let every: Wanted<'_> = directory.retired().collect();
        let merged = self.merged_regions()?;
        counts.keep(&merged);
        for row in merged {
            let counted = counts.of(self, row.no, &every, fresh)?;
            let told = self.purges(row.no)?;
            let unread = self.unread(row.no)?;
            let since = heard.get(&row.no).copied().unwrap_or_default();
            for (id, retired) in &mut all {
                let subjects = counted.places.iter().filter(|(_, it)| *it == id);
                let subjects = subjects.map(|((kind, here), _)| Subject::Own(*kind, here.clone()));
                let own: Vec<Subject> = subjects.collect();
                let purge = self.purging(row.no, (retired.kind, *id), &told, own)?;
                retired.left.push(Left {
                    region: row.facts.name.clone(),
                    heard: since.max(row.facts.seen),
                    here: counted.here.get(id).copied(),
                    purge,
                    good_until: told.get(id).and_then(good_until),
                    unread: unread.clone(),
                });
            }
        }
        Ok(all.into_values().collect())
    }

    /// Regions whose organization is merged, by name.
    pub(super) fn merged_regions(&self) -> Result<Vec<RegionRow>, StoreError> {
        let mut merged = Vec::new();
        for row in self.regions()? {
            let organization = self.region_organization(row.no)?;
            if organization.is_some_and(|it| it.merged.is_some()) {
                merged.push(row);
            }
        }
        Ok(merged)
    }

    /// Which of a region's departments and projects are those that are wanted, or may be: by what
    /// was decided about them, and otherwise by the federation's marker, which agents leave on what
    /// they make, where that can be believed.
    pub(super) fn places_of(
        &self,
        no: RegionNo,
        wanted: &Wanted<'_>,
    ) -> Result<BTreeMap<(ObjectKind, CloudId), ObjectId>, StoreError> {
        let decided = self.decided_in(no)?;
        let mut departments = self.departments_in(no, decided.departments)?;
        let mut projects = decided.projects;
        self.each_told(no, RecordKind::Project, |record| {
            if let Record::Project(it) = record
                && projects
                    .claimed(&it)
                    .is_some_and(|id| wanted.contains_key(&id))
            {
                projects.see(&it);
            }
        })?;
        for (id, it) in wanted {
            if let Object::Department(it) = &it.object {
                departments.named(*id, &it.name);
            }
        }
        projects.departments(&departments);
        for (id, it) in wanted {
            if let Object::Project(it) = &it.object {
                projects.belongs(*id, departments.of(it.department).cloned());
                projects.named(*id, &it.name);
            }
        }
        let mut places = BTreeMap::new();
        for (kind, all) in [
            (ObjectKind::Department, &departments),
            (ObjectKind::Project, &projects),
        ] {
            let is_one = |id: &ObjectId| wanted.get(id).is_some_and(|it| it.object.kind() == kind);
            // Its agent may tell of what was decided and is gone.
            let decided = all.decided().filter(|(_, id)| is_one(id));
            let likely = wanted.keys().copied().filter(is_one);
            let likely = likely.flat_map(|id| all.likely(id).into_iter().map(move |it| (it, id)));
            places.extend(
                decided
                    .chain(likely)
                    .map(|(it, id)| ((kind, it.clone()), id)),
            );
        }
        Ok(places)
    }

    /// What is there of them, and what is in it. Of several that one may be, all count.
    pub(super) fn here(
        &self,
        no: RegionNo,
        places: &BTreeMap<(ObjectKind, CloudId), ObjectId>,
    ) -> Result<HashMap<ObjectId, Here>, StoreError> {
        let mut here: HashMap<ObjectId, Here> = HashMap::new();
        if places.is_empty() {
            return Ok(here);
        }
        let department = |id: &CloudId| places.get(&(ObjectKind::Department, id.clone())).copied();
        let project = |id: &CloudId| places.get(&(ObjectKind::Project, id.clone())).copied();
        self.each_told(no, RecordKind::Department, |record| {
            if let Record::Department(it) = record
                && let Some(id) = department(&it.id)
            {
                here.entry(id).or_default().is_on |= it.what.enabled;
            }
        })?;
        self.each_told(no, RecordKind::Project, |record| {
            let Record::Project(it) = record else { return };
            if let Some(id) = project(&it.id) {
                here.entry(id).or_default().is_on |= it.what.enabled;
            }
            if let Some(id) = it.what.parent.as_ref().and_then(project) {
                inside(&mut here, id).add(ObjectKind::Project);
            }
            if let Some(id) = department(&it.what.department) {
                inside(&mut here, id).add(ObjectKind::Project);
            }
        })?;
        if places
            .keys()
            .any(|(kind, _)| *kind == ObjectKind::Department)
        {
            for kind in [RecordKind::User, RecordKind::Group, RecordKind::Role] {
                self.each_told(no, kind, |record| {
                    if let Some((kind, within)) = within(&record)
                        && let Some(id) = department(within)
                    {
                        inside(&mut here, id).add(kind);
                    }
                })?;
            }
        }
        if places.keys().any(|(kind, _)| *kind == ObjectKind::Project) {
            for kind in [
                RecordKind::Server,
                RecordKind::Volume,
                RecordKind::Network,
                RecordKind::FloatingIp,
            ] {
                self.each_told(no, kind, |record| {
                    if let Some(id) = owner(&record).and_then(project) {
                        let contents = &mut here.entry(id).or_default().contents;
                        match record {
                            Record::Server(_) => contents.servers += 1,
                            Record::Volume(_) => contents.volumes += 1,
                            Record::Network(_) => contents.networks += 1,
                            _ => contents.floating_ips += 1,
                        }
                    }
                })?;
            }
        }
        Ok(here)
    }

    /// What a region is told to purge.
    pub(super) fn purges(&self, no: RegionNo) -> Result<BTreeMap<ObjectId, Purge>, StoreError> {
        let mut told = BTreeMap::new();
        self.each_of_region(no, RecordKind::Purge, |record| {
            if let Record::Purge(it) = record {
                told.insert(it.object, it);
            }
        })?;
        Ok(told)
    }

    /// Why what a region tells may not be all, or not be so any more: a feed that was never read,
    /// or is being read anew, and services of which the agent has no answer.
    fn unread(&self, no: RegionNo) -> Result<Vec<String>, StoreError> {
        let mut unread = Vec::new();
        for feed in [Feed::Organization, Feed::Inventory] {
            match self.is_live(no, feed)? {
                Some(true) => {}
                Some(false) => unread.push(format!("its {} is being read", feed.name())),
                None => unread.push(format!("its {} was never read", feed.name())),
            }
        }
        self.each_told(no, RecordKind::Service, |record| {
            if let Record::Service(it) = record {
                let is_asked = !matches!(it.kind, ServiceKind::Placement);
                let is_told = matches!(it.state, ServiceState::Available | ServiceState::Missing);
                if is_asked && !is_told {
                    unread.push(format!("{}: {}", it.kind.name(), it.state.code()));
                }
            }
        })?;
        Ok(unread)
    }

    /// How far a region is with what it was told to purge.
    pub(super) fn purging(
        &self,
        no: RegionNo,
        (kind, id): (ObjectKind, ObjectId),
        told: &BTreeMap<ObjectId, Purge>,
        own: Vec<Subject>,
    ) -> Result<Purging, StoreError> {
        let Some(told) = told.get(&id) else {
            return Ok(Purging::NotTold);
        };
        if told.step == PurgeStep::Lapsed {
            return Ok(Purging::Lapsed);
        }
        for subject in std::iter::once(Subject::Object(kind, id)).chain(own) {
            let key = record::encode_id(&subject.id()).map_err(|_| UNREADABLE)?;
            let sql = "SELECT kind, id, value FROM records
                       WHERE region = ?1 AND kind = ?2 AND id = ?3";
            let row = params![no.0, kind_code(RecordKind::Remark), key];
            let doing = "find a remark";
            let mut statement = self.prepared(sql)?;
            let mut rows = statement.query(row).doing(doing)?;
            let Some(row) = rows.next().doing(doing)? else {
                continue;
            };
            let Some(Record::Remark(remark)) = record_of(row).doing(doing)? else {
                continue;
            };
            match remark.state {
                RemarkState::Purged { told: at } if at == told.at => return Ok(Purging::Done),
                RemarkState::Purgeable { told: at }
                    if at == told.at && told.step == PurgeStep::Ask =>
                {
                    return Ok(Purging::Ready);
                }
                // Of an earlier word.
                RemarkState::Purged { .. }
                | RemarkState::Purgeable { .. }
                | RemarkState::Ended { .. } => {}
                RemarkState::Failed { error: why, .. } | RemarkState::Blocked { reason: why } => {
                    return Ok(Purging::Refused(why));
                }
                RemarkState::Drift { why, .. } => {
                    return Ok(Purging::Refused(why.next_step().to_owned()));
                }
            }
        }
        Ok(Purging::Waiting)
    }

    fn each_told(
        &self,
        no: RegionNo,
        kind: RecordKind,
        with: impl FnMut(Record),
    ) -> Result<(), StoreError> {
        let sql = "SELECT kind, id, value FROM records WHERE region = ?1 AND kind = ?2";
        self.each(sql, no, kind, with)
    }
}

/// Until when a word to purge something is good; one that lapsed is not, also before its time.
fn good_until(told: &Purge) -> Option<UnixMillis> {
    let millis = u64::try_from(Purge::GOOD_FOR.as_millis()).unwrap_or(u64::MAX);
    let is_good = told.step != PurgeStep::Lapsed;
    is_good.then(|| UnixMillis(told.at.0.saturating_add(millis)))
}

/// Whether a region has it, or is told to purge it.
fn is_left(left: &Left) -> bool {
    left.here.is_some() || left.purge != Purging::NotTold
}

fn inside(here: &mut HashMap<ObjectId, Here>, id: ObjectId) -> &mut Inside {
    &mut here.entry(id).or_default().inside
}

/// Who has it.
const fn owner(record: &Record) -> Option<&CloudId> {
    match record {
        Record::Server(it) => Some(&it.project),
        Record::Volume(it) => Some(&it.project),
        Record::Network(it) => Some(&it.project),
        Record::FloatingIp(it) => Some(&it.project),
        _ => None,
    }
}

/// In which department it is.
fn within(record: &Record) -> Option<(ObjectKind, &CloudId)> {
    match record {
        Record::User(it) => Some((ObjectKind::User, &it.what.department)),
        Record::Group(it) => Some((ObjectKind::Group, &it.what.department)),
        Record::Role(it) => Some((ObjectKind::Role, it.what.department.as_ref()?)),
        _ => None,
    }
}

fn retired(directory: &Directory, id: ObjectId, it: &Ended) -> Result<Retired, StoreError> {
    let kind = it.object.kind();
    let named = |id: &ObjectId| {
        let live = directory.live().departments.get(id);
        let name = live.map(|it| it.name.clone());
        let ended = || directory.ended(*id).map(|it| it.object.name().to_owned());
        (*id, name.or_else(ended).unwrap_or_default())
    };
    Ok(Retired {
        id,
        kind,
        name: it.object.name().to_owned(),
        department: it.object.department().map(named),
        how: it.how,
        stamp: directory.stamp(id).ok_or(UNREADABLE)?.clone(),
        within: directory.retired_within(kind, id),
        goes_along: directory.goes_along(kind, id),
        left: Vec::new(),
    })
}
