//! Purges what was retired: on command, region by region, and to its end.

use std::collections::{BTreeMap, BTreeSet};

use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{CloudId, End, ObjectKind, Purge, Record, RecordKind, RemarkState, Subject};

use super::write::Rows;
use crate::directory::{Delta, Directory, Purging, Refusal, Retired, Stamp, is_lapse_proof};
use crate::store::error::{Doing, StoreError};
use crate::store::records::PAGE_MAX;
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

/// Things that are purged at the same time: each agent keeps them all in sight, and tells of each.
const PURGES_MAX: usize = 200;

/// Something that ended, of which the directory says that it lives.
pub type Revived = (ObjectKind, ObjectId, End);

impl Reading<'_> {
    /// What every merged region has purged. One that was merged after the others were told has to
    /// be told, too: the command is given again.
    ///
    /// # Errors
    /// If the database fails.
    pub fn purged_everywhere(&self) -> Result<Vec<(ObjectKind, ObjectId)>, StoreError> {
        let merged = self.merged_numbers()?;
        let mut done_in: BTreeMap<(ObjectKind, ObjectId), (usize, usize)> = BTreeMap::new();
        for no in &merged {
            let told = self.purges(*no)?;
            for (id, purge) in &told {
                let what = (purge.kind, *id);
                let state = self.purging(*no, what, &told, Vec::new())?;
                let (told, done) = done_in.entry(what).or_default();
                *told += 1;
                *done += usize::from(state == Purging::Done);
            }
        }
        if done_in.is_empty() {
            return Ok(Vec::new());
        }
        let directory = self.directory()?;
        let is_everywhere = |id: &ObjectId, told: usize| {
            let ended = directory.ended(*id);
            // What was purged once is told of where it came up again alone.
            ended.is_none_or(|it| it.how == End::Deleted) || told == merged.len()
        };
        let done = done_in
            .into_iter()
            .filter(|((_, id), (told, done))| told == done && is_everywhere(id, *told));
        Ok(done.map(|(what, _)| what).collect())
    }

    /// Regions whose organization is merged.
    fn merged_numbers(&self) -> Result<Vec<RegionNo>, StoreError> {
        let doing = "find what is being purged";
        let sql = "SELECT region FROM region_organization WHERE merged_ms IS NOT NULL";
        let mut statement = self.prepared(sql)?;
        let regions = statement.query_map((), |row| row.get(0).map(RegionNo));
        let regions = regions.and_then(Iterator::collect).doing(doing)?;
        Ok(regions)
    }

    /// What a region tells to have ended, by this hub's own proof, and what lives here all the
    /// same: the hub was restored from an older backup.
    ///
    /// # Errors
    /// If the database fails.
    pub fn revived(&self) -> Result<BTreeSet<Revived>, StoreError> {
        let key = self.required("lapse_key")?;
        let directory = self.directory()?;
        let mut revived = BTreeSet::new();
        let mut after = Vec::new();
        loop {
            let is_end = |it: &RemarkState| matches!(it, RemarkState::Ended { .. });
            let page = self.remarks(None, is_end, &after, PAGE_MAX)?;
            for it in page.items {
                let (Subject::Object(kind, id), RemarkState::Ended { how, proof }) =
                    (&it.remark.subject, &it.remark.state)
                else {
                    continue;
                };
                let what = (*kind, *id);
                let is_live = self.object(*kind, *id)?.is_some();
                let ended = directory.ended(*id).map(|it| it.how);
                // It was retired here with what it is in, and no more is known of the deletion.
                let is_less = *how == End::Deleted && ended == Some(End::Retired);
                if (is_live || is_less) && is_lapse_proof(&key, what, *how, proof) {
                    revived.insert((*kind, *id, *how));
                }
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(revived),
            }
        }
    }
}

impl Changing<'_> {
    /// Tells each merged region to purge something that was retired, as it was seen: what is in it
    /// is looked up by a reader, as that may take a while. Asked again, regions that were not told
    /// are.
    ///
    /// # Errors
    /// If it is another one than was seen; with numbers and regions, if a region has something in
    /// it, was not heard since it was retired, or has it switched on; if too much is being purged;
    /// or if the database fails. Nothing is changed then.
    pub fn purge(&mut self, seen: &Retired, by: &By) -> Result<(), StoreError> {
        let mut directory = self.take_directory()?;
        // What fails here may have changed it: then it is read anew.
        self.begin_purge(&mut directory, seen, by)?;
        self.hot.directory.keep_changed(directory, None);
        Ok(())
    }

    fn begin_purge(
        &mut self,
        directory: &mut Directory,
        seen: &Retired,
        by: &By,
    ) -> Result<(), StoreError> {
        let (kind, id) = (seen.kind, seen.id);
        seen.may_be_purged()?;
        let is_as_seen = directory.ended(id).is_some_and(|it| it.how == seen.how)
            && directory.retired_within(kind, id) == seen.within;
        if !is_as_seen {
            let what = format!(
                "the {} {:?} is another one than a moment ago",
                kind.name(),
                seen.name
            );
            let next = "try again";
            return Err(Refusal::Wrong { what, next }.into());
        }
        let stamp = self.stamp(&by.who)?;
        let regions = self.reading().merged_regions()?;
        self.are_not_too_many(&regions.iter().map(|it| it.no).collect::<Vec<_>>(), id)?;
        let delta = directory.begin_purge(kind, id, &stamp)?;
        self.write_delta(directory, &delta, &stamp)?;
        let purge = Record::Purge(Purge {
            object: id,
            kind,
            name: seen.name.clone(),
            at: self.now,
        });
        let mut told = Vec::new();
        for row in &regions {
            let name = &row.facts.name;
            let left = seen.left.iter().find(|it| it.region == *name);
            // What was purged once is told of where it came up again.
            let is_wanted = seen.how == End::Retired || left.is_some_and(|it| it.here.is_some());
            if is_wanted && !self.reading().purges(row.no)?.contains_key(&id) {
                self.tell_purge(row.no, Some(&purge), &[], &stamp)?;
                told.push(name.clone());
            }
        }
        if regions.is_empty() {
            let delta = directory.purged(kind, id, &stamp);
            self.write_delta(directory, &delta, &stamp)?;
        }
        let along = seen.goes_along.words().join(", ");
        let after = format!(
            "to be purged in {}; deleted with it: {along}",
            told.join(", ")
        );
        let act = Act::new(by.clone(), "purge").on(kind.name(), id, seen.name.as_str());
        self.audit(act.changing("retired", after)).map(drop)
    }

    /// Ends a purge that every region has done: it is as deleted then. `false` where it is not so
    /// any more.
    ///
    /// # Errors
    /// If the database fails.
    pub fn end_purge(
        &mut self,
        kind: ObjectKind,
        id: ObjectId,
        by: &By,
    ) -> Result<bool, StoreError> {
        if !self.reading().purged_everywhere()?.contains(&(kind, id)) {
            return Ok(false);
        }
        let stamp = self.stamp(&by.who)?;
        let mut directory = self.take_directory()?;
        let delta = directory.purged(kind, id, &stamp);
        self.write_delta(&directory, &delta, &stamp)?;
        let mut regions = Vec::new();
        for row in self.reading().merged_regions()? {
            if let Some(purge) = self.reading().purges(row.no)?.get(&id) {
                self.tell_purge(row.no, None, &[purge.id()], &stamp)?;
                regions.push(row.facts.name);
            }
        }
        let name = directory.ended(id).map(|it| it.object.name().to_owned());
        self.hot.directory.keep_changed(directory, None);
        let act = Act::new(by.clone(), "purged").on(kind.name(), id, name.unwrap_or_default());
        let after = format!("deleted in {}", regions.join(", "));
        self.audit(act.changing("retired", after))?;
        Ok(true)
    }

    /// Takes back the word to purge something, where it is not done yet: it stays retired. What was
    /// deleted already, in a region or with a department, stays deleted.
    ///
    /// # Errors
    /// If no region is told to purge it, or the database fails. Nothing is changed then.
    pub fn cancel_purge(
        &mut self,
        kind: ObjectKind,
        id: ObjectId,
        by: &By,
    ) -> Result<(), StoreError> {
        let mut told = Vec::new();
        for row in self.reading().merged_regions()? {
            if let Some(purge) = self.reading().purges(row.no)?.remove(&id) {
                told.push((row, purge));
            }
        }
        let Some(name) = told.first().map(|(_, it)| it.name.clone()) else {
            let what = format!("the {} {id} is not being purged", kind.name());
            let next = "see `idp-hub org retired`";
            return Err(Refusal::Wrong { what, next }.into());
        };
        let stamp = self.stamp(&by.who)?;
        let mut regions = Vec::new();
        for (row, purge) in told {
            self.tell_purge(row.no, None, &[purge.id()], &stamp)?;
            regions.push(row.facts.name);
        }
        let act = Act::new(by.clone(), "cancel-purge").on(kind.name(), id, name);
        let before = format!("to be purged in {}", regions.join(", "));
        self.audit(act.changing(before, "retired")).map(drop)
    }

    /// Ends once more what a region proves to have ended. `false` where it does not live.
    ///
    /// # Errors
    /// If the database fails.
    pub fn end_again(&mut self, (kind, id, how): Revived, by: &By) -> Result<bool, StoreError> {
        let stamp = self.stamp(&by.who)?;
        let mut directory = self.take_directory()?;
        let name = directory
            .live()
            .object(kind, &id)
            .map(|it| it.name().to_owned());
        let delta = directory.end(kind, id, how, &stamp);
        self.write_delta(&directory, &delta, &stamp)?;
        if how == End::Deleted {
            // What it is in may have taken it along, as retired.
            let delta = directory.purged(kind, id, &stamp);
            self.write_delta(&directory, &delta, &stamp)?;
        }
        self.hot.directory.keep_changed(directory, None);
        let Some(name) = name else {
            return Ok(false);
        };
        let word = match how {
            End::Deleted => "deleted",
            End::Retired => "retired",
        };
        let act = Act::new(by.clone(), "end-again").on(kind.name(), id, name);
        let after = format!("{word} before this hub was restored, as a region proves");
        self.audit(act.changing("there", after))?;
        Ok(true)
    }

    fn are_not_too_many(&self, regions: &[RegionNo], id: ObjectId) -> Result<(), StoreError> {
        let mut all: BTreeSet<ObjectId> = BTreeSet::new();
        for no in regions {
            all.extend(self.reading().purges(*no)?.into_keys());
        }
        match all.len() >= PURGES_MAX && !all.contains(&id) {
            false => Ok(()),
            true => Err(StoreError::Refused(format!(
                "{PURGES_MAX} things are being purged; let some of them end first, see `idp-hub \
                 org retired`"
            ))),
        }
    }

    fn write_delta(
        &mut self,
        directory: &Directory,
        delta: &Delta,
        stamp: &Stamp,
    ) -> Result<(), StoreError> {
        let mut rows = Rows::begin(self, stamp)?;
        rows.delta(directory, delta)?;
        rows.finish(&mut self.hot.directory).map(drop)
    }

    /// Tells one region to purge something, or takes that back.
    fn tell_purge(
        &mut self,
        no: RegionNo,
        put: Option<&Record>,
        gone: &[CloudId],
        stamp: &Stamp,
    ) -> Result<(), StoreError> {
        let mut rows = Rows::begin(self, stamp)?;
        rows.tell(no, put, (RecordKind::Purge, gone))?;
        rows.finish(&mut self.hot.directory).map(drop)
    }
}
