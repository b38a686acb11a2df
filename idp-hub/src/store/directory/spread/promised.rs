//! What totals promise a region that it was not told yet, so that nobody is given that meanwhile.
//!
//! How much of a total goes to which region follows from what all of them use by then. Here, where
//! everybody waits for the writer, what nobody was told yet is split evenly, as shares begin.

use std::collections::BTreeSet;

use rusqlite::params;
use shared::ids::ObjectId;
use shared::model::{LIMIT_MAX, ServiceKind};

use super::super::limits::SERVICES;
use crate::directory::quota::{Capacities, Census, InDirectory, QuotaEdit, RaiseKey};
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;

/// How far regions were told a total.
#[derive(Debug, Clone, Copy, Default)]
struct Telling {
    total: u64,
    /// All shares that were told.
    told: u64,
    /// How many regions were told one.
    regions: u64,
    /// This region's.
    here: Option<u64>,
}

impl Telling {
    /// What it comes to here once all of it is told; `None` where that is so already.
    fn share(&self, merged: u64) -> Option<u64> {
        let untold = self.total.saturating_sub(self.told);
        let among = match self.here {
            // Whoever was told nothing has its share first of all.
            None => merged.saturating_sub(self.regions),
            Some(_) => merged,
        };
        let more = untold.div_ceil(among.max(1));
        (more > 0).then(|| self.here.unwrap_or(0).saturating_add(more))
    }
}

impl Reading<'_> {
    /// Adds to what is known of a region what totals promise there, of all that adds up and these
    /// edits name.
    ///
    /// # Errors
    /// If the database fails.
    pub(in crate::store::directory) fn promise(
        &self,
        census: &mut Census,
        no: RegionNo,
        edits: &[QuotaEdit],
    ) -> Result<(), StoreError> {
        let words = edits.iter().flat_map(|it| it.limits.keys());
        // With the service's word and a colon before it, or without.
        let names = words.filter_map(|it| it.rsplit(':').next());
        let of_services = names.flat_map(|name| SERVICES.map(|service| (service, name)));
        let adds_up = of_services.filter(|(service, name)| Capacities::have(*service, name));
        let adds_up: BTreeSet<_> = adds_up.collect();
        if adds_up.is_empty() {
            return Ok(());
        }
        let sql = "SELECT count(*) FROM region_organization WHERE merged_ms IS NOT NULL";
        let merged = self.prepared(sql)?.query_row((), |row| row.get(0));
        let merged: u64 = merged.doing("count merged regions")?;
        for (service, resource) in adds_up {
            for (project, telling) in self.unfinished(service, resource, no)? {
                if let Some(share) = telling.share(merged)
                    && let Some(it @ InDirectory::Live { .. }) = self.in_directory(project)?
                {
                    census.know(project, it);
                    let resource = resource.to_owned();
                    let key = RaiseKey {
                        project,
                        service,
                        resource,
                    };
                    census.promise(key, share);
                }
            }
        }
        Ok(())
    }

    /// How far each total of a resource was told, of those that were not told to the end: most
    /// are, and many there may be. The share that was told last counts; no limit is as much as all.
    fn unfinished(
        &self,
        service: ServiceKind,
        resource: &str,
        no: RegionNo,
    ) -> Result<Vec<(ObjectId, Telling)>, StoreError> {
        let sql = "SELECT project, total, coalesce(sum(newest), 0), count(newest),
                       max(CASE WHEN region = ?3 THEN newest END)
                   FROM spreads LEFT JOIN (
                       SELECT project, service, resource, region, CASE json_type(told, '$[#-1]')
                           WHEN 'null' THEN ?4
                           ELSE min(json_extract(told, '$[#-1]'), ?4) END AS newest
                       FROM spread_shares
                   ) USING (project, service, resource)
                   WHERE service = ?1 AND resource = ?2
                   GROUP BY project HAVING coalesce(sum(newest), 0) < total";
        let mut statement = self.prepared(sql)?;
        let row = params![service.name(), resource, no.0, LIMIT_MAX];
        let rows = statement.query_map(row, |row| {
            let telling = Telling {
                total: row.get(1)?,
                told: row.get(2)?,
                regions: row.get(3)?,
                here: row.get(4)?,
            };
            Ok((ObjectId::from_bytes(row.get(0)?), telling))
        });
        rows.and_then(Iterator::collect)
            .doing("look at what regions were told of totals")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(told: &[u64], here: Option<u64>) -> Telling {
        let all = told.iter().copied().chain(here);
        Telling {
            total: 100,
            told: all.clone().sum(),
            regions: all.count() as u64,
            here,
        }
    }

    #[test]
    fn what_nobody_was_told_yet_is_split_evenly_and_first_among_those_told_nothing() {
        assert_eq!(telling(&[], None).share(3), Some(34), "nobody was told");
        assert_eq!(
            telling(&[40, 20], None).share(3),
            Some(40),
            "this one alone"
        );
        assert_eq!(telling(&[40], None).share(3), Some(30), "and another one");
        assert_eq!(telling(&[40, 20], Some(10)).share(3), Some(20), "raised");
        assert_eq!(telling(&[40, 20], Some(40)).share(3), None, "all is told");
        assert_eq!(telling(&[90, 20], Some(40)).share(3), None, "lowered");
        assert_eq!(telling(&[50, 50], None).share(3), None, "it gets none");
        // It was merged since, or is about to be removed.
        assert_eq!(telling(&[40, 20], None).share(2), Some(40));
    }
}
