//! Tells regions the shares that are due.

use std::collections::BTreeSet;

use shared::model::ObjectKind;

use super::{Places, SpreadKey};
use crate::directory::quota::spread::plan;
use crate::store::error::StoreError;
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

/// What came of a look at a total.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Respread {
    /// The regions that were told another share, and which.
    pub told: Vec<(String, u64)>,
}

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
        now: shared::model::UnixMillis,
    ) -> Result<bool, StoreError> {
        let Some(spread) = self.spread(key)? else {
            return Ok(false);
        };
        if self.object(ObjectKind::Project, key.project)?.is_none() {
            return Ok(true);
        }
        let shares = self.shares(key, places, online, now)?;
        let is_new = shares.values().any(|it| it.is_new);
        let standings = shares.into_iter().map(|(id, it)| (id, it.standing));
        Ok(is_new || !plan(spread.total, &standings.collect()).is_empty())
    }
}

impl Changing<'_> {
    /// Tells regions the shares of a total that are due by now, and keeps what is known of it: all
    /// in one transaction, so that nothing is given twice. A project that is not live any more has
    /// no total.
    ///
    /// # Errors
    /// If the database fails.
    pub fn respread(
        &mut self,
        key: &SpreadKey,
        places: &Places,
        online: &BTreeSet<RegionNo>,
    ) -> Result<Respread, StoreError> {
        let Some(spread) = self.reading().spread(key)? else {
            return Ok(Respread::default());
        };
        if self.reading().object(ObjectKind::Project, key.project)?.is_none() {
            self.remove_spread(key, &by_itself())?;
            return Ok(Respread::default());
        }
        let mut shares = self.reading().shares(key, places, online, self.now)?;
        let standings = shares.iter().map(|(id, it)| (*id, it.standing.clone()));
        let plan = plan(spread.total, &standings.collect());
        let mut respread = Respread::default();
        for (id, share) in &mut shares {
            if let Some(limit) = plan.get(id) {
                let found = share.standing.found.map(|it| it.limit);
                share.standing.tellings.tell(*limit, found);
                share.is_new = true;
                self.tell_share(share.no, key, *limit)?;
                respread.told.push((share.region.clone(), *limit));
            }
            if share.is_new {
                self.keep_share(key, share)?;
            }
        }
        Ok(respread)
    }
}
