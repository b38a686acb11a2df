//! Tells regions the shares that are due.

use std::collections::BTreeSet;

use shared::audit::{Act, By};
use shared::model::{ObjectKind, UnixMillis};

use super::super::limits::OneLimit;
use super::super::raises::said;
use super::{Places, ShareRow, SpreadKey};
use crate::directory::quota::spread::{UNLIMITED, plan};
use crate::store::error::StoreError;
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

impl Reading<'_> {
    /// Whether regions are to be told another share of a total, or what is known of it is to be
    /// kept.
    ///
    /// # Errors
    /// If the database fails.
    pub fn is_respread_due(
        &self,
        key: &SpreadKey,
        places: &Places,
        online: &BTreeSet<RegionNo>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let Some(spread) = self.spread(key)? else {
            return Ok(false);
        };
        if self.object(ObjectKind::Project, key.project)?.is_none() {
            return Ok(true);
        }
        let shares = self.shares(key, places, online, now)?;
        let is_new = shares.values().any(|it| it.is_new || it.is_redue);
        let standings = shares.into_iter().map(|(id, it)| (id, it.standing));
        Ok(is_new || !plan(spread.total, &standings.collect()).is_empty())
    }
}

impl Changing<'_> {
    /// Tells regions the shares of a total that are due by now, and keeps what is known of it: all
    /// in one transaction, so that nothing is given twice. Returns which regions were told which
    /// share. A project that is not live any more has no total.
    ///
    /// # Errors
    /// If the database fails.
    pub fn respread(
        &mut self,
        key: &SpreadKey,
        places: &Places,
        online: &BTreeSet<RegionNo>,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let Some(spread) = self.reading().spread(key)? else {
            return Ok(Vec::new());
        };
        let by = By::new("spread of a total", "this hub");
        let project = self.reading().object(ObjectKind::Project, key.project)?;
        let Some(project) = project else {
            self.remove_spread(key, &by)?;
            return Ok(Vec::new());
        };
        let mut shares = self.reading().shares(key, places, online, self.now)?;
        let standings = shares.iter().map(|(id, it)| (*id, it.standing.clone()));
        let plan = plan(spread.total, &standings.collect());
        let mut told = Vec::new();
        for (id, share) in &mut shares {
            let again = share.standing.tellings.newest().filter(|_| share.is_redue);
            if let Some(limit) = plan.get(id).copied().or(again) {
                self.tell_share(key, project.name(), (&*share, limit), &by)?;
                let found = share.standing.found.map(|it| it.limit);
                share.standing.tellings.tell(limit, found);
                share.is_new = true;
                told.push((share.region.clone(), limit));
            }
            if share.is_new {
                self.keep_share(key, share)?;
            }
        }
        Ok(told)
    }

    /// Tells a region its share. It is above what is used, as far as is known, and so is not to be
    /// forced: where more is used by now, the region says so, and is told more.
    fn tell_share(
        &mut self,
        key: &SpreadKey,
        project: &str,
        (region, share): (&ShareRow, u64),
        by: &By,
    ) -> Result<(), StoreError> {
        let one = OneLimit {
            project: key.project,
            name: project,
            service: key.service,
            resource: &key.resource,
            limit: share,
        };
        let before = self.tell_limit((region.no, &region.region), &one, &by.who)?;
        let found = region.standing.found.map(|it| it.limit);
        let found = found.map(|it| (it != UNLIMITED).then_some(it));
        let before = found.or(before).map_or_else(|| "none".to_owned(), said);
        let (region, what) = (&region.region, key.named());
        let act = Act::new(by.clone(), "spread-quota").on("project", key.project, project);
        let after = format!("in region {region:?}, {what}: {share}");
        self.audit(act.changing(before, after)).map(drop)
    }
}
