//! What the regions have left: for a total that is to be set, and for each share that was told.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;
use shared::ids::ObjectId;
use shared::model::{Holder, ObjectKind, ServiceKind};

use super::{Places, Spread, SpreadKey, UNREADABLE, spread_of};
use crate::directory::quota::{Capacities, Census, QuotaRefusal};
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;

/// As of when totals were found to be left: how far the directory went, with what single regions
/// are told, among it all limits; which raises wait; and what others were promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    head: u64,
    raises: (u64, u64),
    promises: BTreeMap<SpreadKey, u64>,
}

/// What each region has left for the project of a total.
pub type Rooms = BTreeMap<(RegionNo, SpreadKey), u64>;

/// What of a resource is left in the merged regions, as far as it was looked at.
struct Sum<'a> {
    key: &'a SpreadKey,
    left: u64,
    of_each: Vec<String>,
    /// What others' totals come to, less what of it counts in some region already.
    promised: BTreeMap<ObjectId, u64>,
}

impl Reading<'_> {
    /// Whether the merged regions that have a resource have as much of it left, together, as each
    /// of some totals is to be: less what others may use there, and what others were promised that
    /// no region was told yet. Nothing is checked while one of them has not told what it has, nor
    /// of a total that is lowered. Reads all projects, quotas, nodes and pools of each region: some
    /// 10 µs each, and so is to hold up no writer.
    ///
    /// # Errors
    /// If they have not, or the database fails.
    pub fn are_left(&self, totals: &[(SpreadKey, u64)]) -> Result<Left, StoreError> {
        let mut promises = BTreeMap::new();
        for (key, total) in totals {
            let of_resource = self.promises(key.service, &key.resource)?;
            let others = of_resource.iter().map(|(it, total)| (it.project, *total));
            let others = others.filter(|it| it.0 != key.project).collect();
            self.is_left(key, *total, others)?;
            promises.extend(of_resource);
        }
        let (head, raises) = self.granted()?;
        Ok(Left {
            head,
            raises,
            promises,
        })
    }

    /// What moves with each limit that a region is told, and with each raise that is to wait.
    fn granted(&self) -> Result<(u64, (u64, u64)), StoreError> {
        let head = u64::from_le_bytes(self.required("directory_head")?);
        let sql = "SELECT count(*), coalesce(sum(most), 0) FROM quota_raises";
        let mut statement = self.prepared(sql)?;
        let raises = statement.query_row((), |row| Ok((row.get(0)?, row.get(1)?)));
        Ok((head, raises.doing("look at the raises that wait")?))
    }

    /// Whether nothing was granted since some totals were found to be left.
    pub(super) fn is_still(
        &self,
        seen: &Left,
        totals: &[(SpreadKey, u64)],
    ) -> Result<bool, StoreError> {
        if self.granted()? != (seen.head, seen.raises) {
            return Ok(false);
        }
        let mut now = BTreeMap::new();
        for (key, _) in totals {
            now.extend(self.promises(key.service, &key.resource)?);
        }
        Ok(now == seen.promises)
    }

    fn is_left(
        &self,
        key: &SpreadKey,
        total: u64,
        promised: BTreeMap<ObjectId, u64>,
    ) -> Result<(), StoreError> {
        let before = self.spread(key)?;
        let project = self.object(ObjectKind::Project, key.project)?;
        let Some(project) = project.filter(|_| before.is_none_or(|it| it.total < total)) else {
            return Ok(());
        };
        let mut sum = Sum {
            key,
            left: 0,
            of_each: Vec::new(),
            promised,
        };
        for no in self.places(&BTreeSet::new())?.regions() {
            let Some(region) = self.region_numbered(no)? else {
                continue;
            };
            let census = self.census(&region, &[Holder::Project(key.project)])?;
            if census.has_resource(key.service, &key.resource)
                && !sum.add(&region.facts.name, &census)
            {
                return Ok(());
            }
        }
        sum.has(total, project.name())
    }

    /// The totals of a resource.
    fn promises(
        &self,
        service: ServiceKind,
        resource: &str,
    ) -> Result<BTreeMap<SpreadKey, u64>, StoreError> {
        let sql = "SELECT project, service, resource, total, author, at_ms, epoch FROM spreads
                   WHERE service = ?1 AND resource = ?2";
        let doing = "list totals of a resource";
        let mut statement = self.prepared(sql)?;
        let found = statement.query_map(params![service.name(), resource], spread_of);
        let found: Vec<Option<Spread>> = found.and_then(Iterator::collect).doing(doing)?;
        let found = found.into_iter().map(|it| {
            let it = it.ok_or(UNREADABLE)?;
            Ok((it.key, it.total))
        });
        found.collect()
    }

    /// What each region has left for the projects of some totals, where it is known what it has:
    /// what it has, less what others may use there. Reads as much as [`Self::are_left`].
    ///
    /// # Errors
    /// If the database fails.
    pub fn rooms(&self, keys: &[&SpreadKey], places: &Places) -> Result<Rooms, StoreError> {
        let mut rooms = Rooms::new();
        let adds_up = |it: &&&SpreadKey| Capacities::have(it.service, &it.resource);
        let keys: Vec<&SpreadKey> = keys.iter().filter(adds_up).copied().collect();
        let asked = keys.iter().map(|it| it.project).collect::<BTreeSet<_>>();
        let asked: Vec<Holder> = asked.into_iter().map(Holder::Project).collect();
        if keys.is_empty() {
            return Ok(rooms);
        }
        for no in places.regions() {
            let Some(region) = self.region_numbered(no)? else {
                continue;
            };
            let census = self.census(&region, &asked)?;
            let mut counted = BTreeMap::new();
            for key in &keys {
                let of = (key.service, key.resource.as_str());
                let together = counted
                    .entry(of)
                    .or_insert_with(|| census.counted_together(of.0, of.1));
                if let Some(room) = together.as_ref().map(|it| it.left_for(key.project)) {
                    rooms.insert((no, (*key).clone()), room);
                }
            }
        }
        Ok(rooms)
    }
}

impl Sum<'_> {
    /// Adds what a region has left. Returns whether anybody knows that.
    fn add(&mut self, region: &str, census: &Census) -> bool {
        let (service, resource) = (self.key.service, self.key.resource.as_str());
        let Some(here) = census.left_for(self.key.project, service, resource) else {
            return false;
        };
        self.left = self.left.saturating_add(here);
        self.of_each.push(format!("{region}: {here}"));
        for (project, promised) in &mut self.promised {
            let counted = census.counts_for(*project, service, resource);
            *promised = promised.saturating_sub(counted);
        }
        true
    }

    fn has(self, total: u64, project: &str) -> Result<(), StoreError> {
        let promised = self.promised.into_values().fold(0, u64::saturating_add);
        let left = self.left.saturating_sub(promised);
        if self.of_each.is_empty() || total <= left {
            return Ok(());
        }
        Err(StoreError::Quota(QuotaRefusal::TotalOverCapacity {
            project: project.into(),
            resource: self.key.resource.as_str().into(),
            total,
            left,
            promised,
            of_each: self.of_each.into(),
        }))
    }
}
