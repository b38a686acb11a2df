//! Purges what was retired: on command, region by region, and to its end.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{
    CloudId, End, ObjectKind, Purge, PurgeStep, Record, RecordKind, RemarkState, Subject,
    UnixMillis,
};
use shared::wire::record::kind_code;

use super::write::{Rows, encoded};
use crate::directory::{
    Delta, Directory, Next, Refusal, Retired, Stamp, ToldToPurge, is_lapse_proof, next_of_purge,
    outward,
};
use crate::store::error::{Doing, StoreError};
use crate::store::records::PAGE_MAX;
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

/// Things that are purged at the same time: each agent keeps them all in sight, and tells of each.
const PURGES_MAX: usize = 200;

/// What is to be done about something that is being purged.
pub type Going = ((ObjectKind, ObjectId), Next);

/// Something that ended, of which the directory says that it lives.
pub type Revived = (ObjectKind, ObjectId, End);

impl Reading<'_> {
    /// What is to be done about what is being purged, as of `now`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn purges_going_on(&self, now: UnixMillis) -> Result<Vec<Going>, StoreError> {
        let merged = self.merged_numbers()?;
        let mut all: BTreeMap<(ObjectKind, ObjectId), Vec<Option<ToldToPurge>>> = BTreeMap::new();
        for (place, no) in merged.iter().enumerate() {
            let purges = self.purges(*no)?;
            for (id, purge) in &purges {
                let what = (purge.kind, *id);
                let told = ToldToPurge {
                    at: purge.at,
                    step: purge.step,
                    state: self.purging(*no, what, &purges, Vec::new())?,
                };
                let of_all = all.entry(what).or_insert_with(|| vec![None; merged.len()]);
                if let Some(here) = of_all.get_mut(place) {
                    *here = Some(told);
                }
            }
        }
        let mut going = Vec::new();
        for (what, told) in all {
            let next = next_of_purge(self.how_it_ended(what)?, &told, now);
            if next != Next::Wait {
                going.push((what, next));
            }
        }
        Ok(going)
    }

    /// The regions that are told to purge this, by the index of each one's own rows.
    fn told_to_purge(&self, id: ObjectId) -> Result<Vec<RegionNo>, StoreError> {
        let sql = "SELECT region FROM region_organization AS merged WHERE EXISTS (
                       SELECT 1 FROM directory AS it WHERE it.region = merged.region
                       AND it.kind = ?1 AND it.id = ?2 AND it.value IS NOT NULL)";
        let mut statement = self.prepared(sql)?;
        let row = params![kind_code(RecordKind::Purge), encoded(&outward(id))?];
        let found = statement.query_map(row, |row| row.get(0).map(RegionNo));
        found
            .and_then(Iterator::collect)
            .doing("find who is told to purge something")
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
    /// same: the hub was restored from an older backup. Of all regions, or of one.
    ///
    /// # Errors
    /// If the database fails.
    pub fn revived(&self, of: Option<RegionNo>) -> Result<BTreeSet<Revived>, StoreError> {
        let region = match of {
            Some(no) => match self.region_numbered(no)? {
                Some(row) => Some(row.facts.name),
                None => return Ok(BTreeSet::new()),
            },
            None => None,
        };
        let key = self.required("lapse_key")?;
        let mut revived = BTreeSet::new();
        let mut after = Vec::new();
        loop {
            let is_end = |it: &RemarkState| matches!(it, RemarkState::Ended { .. });
            let page = self.remarks(region.as_deref(), is_end, &after, PAGE_MAX)?;
            for it in page.items {
                let (Subject::Object(kind, id), RemarkState::Ended { how, proof }) =
                    (&it.remark.subject, &it.remark.state)
                else {
                    continue;
                };
                let what = (*kind, *id);
                if self.is_less_ended(what, *how)? && is_lapse_proof(&key, what, *how, proof) {
                    revived.insert((*kind, *id, *how));
                }
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(revived),
            }
        }
    }

    /// Whether something lives here that ended; or was retired with what it is in, and no more is
    /// known of the deletion. Looked up one by one: the directory may be large, and mostly nobody
    /// tells of anything.
    fn is_less_ended(&self, what: (ObjectKind, ObjectId), how: End) -> Result<bool, StoreError> {
        if self.object(what.0, what.1)?.is_some() {
            return Ok(true);
        }
        Ok(how == End::Deleted && self.how_it_ended(what)? == Some(End::Retired))
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
        let purge = Record::Purge(Purge {
            object: id,
            kind,
            name: seen.name.clone(),
            at: self.now,
            step: PurgeStep::Ask,
        });
        let mut told = Vec::new();
        for row in &regions {
            let name = &row.facts.name;
            let left = seen.left.iter().find(|it| it.region == *name);
            // What was purged once is told of where it came up again.
            let is_wanted = seen.how == End::Retired || left.is_some_and(|it| it.here.is_some());
            let said = self.reading().purges(row.no)?.remove(&id);
            let is_said = said.is_some_and(|it| is_good(&it, self.now));
            if is_wanted && !is_said {
                self.tell_purge(row.no, Some(&purge), &[], &stamp)?;
                told.push(name.clone());
            }
        }
        if regions.is_empty() {
            let delta = directory.agree_to_purge(kind, id, &stamp)?;
            self.write_delta(directory, &delta, &stamp)?;
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

    /// Does what is next about a purge. `false` where something else is, by now.
    ///
    /// # Errors
    /// If the database fails.
    pub fn bring_on(&mut self, going: Going, by: &By) -> Result<bool, StoreError> {
        if !self.reading().purges_going_on(self.now)?.contains(&going) {
            return Ok(false);
        }
        let (what, next) = going;
        match next {
            Next::Wait => return Ok(false),
            Next::Lapse => self.lapse_purge(what, by)?,
            Next::Delete => self.agree_to_purge(what, by)?,
            Next::End => self.end_purge(what, by)?,
        }
        Ok(true)
    }

    /// Every region finds it empty: what goes along with it is deleted, and they are told to.
    fn agree_to_purge(&mut self, what: (ObjectKind, ObjectId), by: &By) -> Result<(), StoreError> {
        let (kind, id) = what;
        let stamp = self.stamp(&by.who)?;
        let mut directory = self.take_directory()?;
        let along = directory.goes_along(kind, id).words().join(", ");
        let delta = directory.agree_to_purge(kind, id, &stamp)?;
        self.write_delta(&directory, &delta, &stamp)?;
        self.hot.directory.keep_changed(directory, None);
        let step = PurgeStep::Delete;
        let (name, regions) = self.tell_step(id, step, |it| it.step == PurgeStep::Ask, &stamp)?;
        let act = Act::new(by.clone(), "agree-purge").on(kind.name(), id, name);
        let after = format!("to be deleted in {regions}; deleted with it: {along}");
        self.audit(act.changing("empty in every region", after))
            .map(drop)
    }

    /// Nobody did it while the word was good.
    fn lapse_purge(&mut self, what: (ObjectKind, ObjectId), by: &By) -> Result<(), StoreError> {
        let (kind, id) = what;
        let (stamp, now) = (self.stamp(&by.who)?, self.now);
        let is_old = |it: &Purge| it.step != PurgeStep::Lapsed && !is_good(it, now);
        let (name, regions) = self.tell_step(id, PurgeStep::Lapsed, is_old, &stamp)?;
        let act = Act::new(by.clone(), "lapse-purge").on(kind.name(), id, name);
        let before = format!("to be purged in {regions}");
        self.audit(act.changing(before, "retired")).map(drop)
    }

    /// Tells regions what is to be done now by the word that they have.
    fn tell_step(
        &mut self,
        id: ObjectId,
        step: PurgeStep,
        is_meant: impl Fn(&Purge) -> bool,
        stamp: &Stamp,
    ) -> Result<(String, String), StoreError> {
        let (mut name, mut regions) = (String::new(), Vec::new());
        for row in self.reading().merged_regions()? {
            let told = self.reading().purges(row.no)?.remove(&id);
            if let Some(told) = told.filter(|it| is_meant(it)) {
                name.clone_from(&told.name);
                let purge = Record::Purge(Purge { step, ..told });
                self.tell_purge(row.no, Some(&purge), &[], stamp)?;
                regions.push(row.facts.name);
            }
        }
        Ok((name, regions.join(", ")))
    }

    /// Every region has done it: it is as deleted, with what goes along.
    fn end_purge(&mut self, what: (ObjectKind, ObjectId), by: &By) -> Result<(), StoreError> {
        let (kind, id) = what;
        let stamp = self.stamp(&by.who)?;
        let mut directory = self.take_directory()?;
        if directory.ended(id).is_some_and(|it| it.how == End::Retired) {
            let delta = directory.agree_to_purge(kind, id, &stamp)?;
            self.write_delta(&directory, &delta, &stamp)?;
        }
        let delta = directory.purged(kind, id, &stamp);
        self.write_delta(&directory, &delta, &stamp)?;
        let regions = self.take_purge_back(id, &stamp)?;
        let name = directory.ended(id).map(|it| it.object.name().to_owned());
        self.hot.directory.keep_changed(directory, None);
        let act = Act::new(by.clone(), "purged").on(kind.name(), id, name.unwrap_or_default());
        let after = format!("deleted in {}", regions.join(", "));
        self.audit(act.changing("retired", after)).map(drop)
    }

    /// Tells each region that was told to purge something that it is not to any more. Returns which
    /// ones these are.
    fn take_purge_back(&mut self, id: ObjectId, stamp: &Stamp) -> Result<Vec<String>, StoreError> {
        let mut regions = Vec::new();
        for no in self.reading().told_to_purge(id)? {
            self.tell_purge(no, None, &[outward(id)], stamp)?;
            regions.extend(self.region_numbered(no)?.map(|it| it.facts.name));
        }
        Ok(regions)
    }

    /// Takes back the word to purge something, where it is not done yet: it stays retired. What was
    /// deleted already, once every region had agreed, stays deleted.
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

    /// Ends once more what a region proves to have ended. `false` where it has by now.
    ///
    /// # Errors
    /// If the database fails.
    pub fn end_again(&mut self, (kind, id, how): Revived, by: &By) -> Result<bool, StoreError> {
        let stamp = self.stamp(&by.who)?;
        let mut directory = self.take_directory()?;
        let ended = directory.end(kind, id, how, &stamp);
        self.write_delta(&directory, &ended, &stamp)?;
        let (mut is_deleted, mut told) = (false, Vec::new());
        if how == End::Deleted {
            // What it is in may have taken it along, as retired.
            let deleted = directory.purged(kind, id, &stamp);
            self.write_delta(&directory, &deleted, &stamp)?;
            is_deleted = !deleted.ended.is_empty();
            // Every region had done it by then, whatever this hub knows of that. Nothing else is
            // purged, and there may be many of them at once.
            if matches!(kind, ObjectKind::Department | ObjectKind::Project) {
                told = self.take_purge_back(id, &stamp)?;
            }
        }
        let name = directory.ended(id).map(|it| it.object.name().to_owned());
        self.hot.directory.keep_changed(directory, None);
        let before = match (ended.ended.is_empty(), is_deleted, told.as_slice()) {
            (false, _, []) => "there".to_owned(),
            (true, true, []) => "retired".to_owned(),
            (true, false, []) => return Ok(false),
            (_, _, regions) => format!("to be purged in {}", regions.join(", ")),
        };
        let word = match how {
            End::Deleted => "deleted",
            End::Retired => "retired",
        };
        let act = Act::new(by.clone(), "end-again").on(kind.name(), id, name.unwrap_or_default());
        let after = format!("{word} before this hub was restored, as a region proves");
        self.audit(act.changing(before, after))?;
        Ok(true)
    }

    fn are_not_too_many(&self, regions: &[RegionNo], id: ObjectId) -> Result<(), StoreError> {
        let mut all: BTreeSet<ObjectId> = BTreeSet::new();
        for no in regions {
            let going = self.reading().purges(*no)?.into_iter();
            let going = going.filter(|(_, it)| it.step != PurgeStep::Lapsed);
            all.extend(going.map(|(id, _)| id));
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

/// Whether a region is to act by this word.
fn is_good(purge: &Purge, now: UnixMillis) -> bool {
    purge.step != PurgeStep::Lapsed && !Purge::is_old(purge.at, now)
}
