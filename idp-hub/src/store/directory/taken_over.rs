//! Markers of federations that regions were taken over from, and what the directory has by them.
//!
//! They are of the directory's things, and stay when the region goes that these came with: its
//! other regions still bear them, and it comes again with this federation's. But what a region says
//! that is there counts before what one said that was removed.

use rusqlite::params;
use shared::ids::{FederationId, ObjectId};
use shared::model::Marker;

use crate::directory::Earlier;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

impl Reading<'_> {
    /// All of them: as many as things were taken over, and more where regions don't agree.
    pub(super) fn taken_over(&self) -> Result<Earlier, StoreError> {
        let sql = "SELECT federation, marked, object FROM taken_over
                   LEFT JOIN regions ON regions.no = region AND regions.standing <> 3
                   ORDER BY regions.no IS NULL, region";
        let doing = "read what was taken over";
        let mut statement = self.prepared(sql)?;
        let mut rows = statement.query(()).doing(doing)?;
        let mut all = Earlier::new();
        while let Some(row) = rows.next().doing(doing)? {
            let marker = Marker {
                federation: FederationId::from_bytes(row.get(0).doing(doing)?),
                object: ObjectId::from_bytes(row.get(1).doing(doing)?),
            };
            // Of the region that came first, of those that are there.
            let object = ObjectId::from_bytes(row.get(2).doing(doing)?);
            all.entry(marker).or_insert(object);
        }
        Ok(all)
    }
}

impl Changing<'_> {
    /// Remembers a region's. What a marker was of first, it stays.
    pub(super) fn take_over(
        &self,
        no: RegionNo,
        all: &[(Marker, ObjectId)],
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO taken_over (federation, marked, region, object)
                   VALUES (?1, ?2, ?3, ?4)";
        let doing = "remember what was taken over";
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        for (marker, object) in all {
            let row = params![
                marker.federation.to_bytes(),
                marker.object.to_bytes(),
                no.0,
                object.to_bytes(),
            ];
            statement.execute(row).doing(doing)?;
        }
        Ok(())
    }

    /// A region is removed: what it alone bore stays, for those that come later. What another one
    /// says too needs it no more, so that a region that comes and goes leaves no more each time.
    pub(in crate::store) fn leave_taken_over(&self, no: RegionNo) -> Result<(), StoreError> {
        let sql = "DELETE FROM taken_over AS its WHERE region = ?1 AND EXISTS (
                       SELECT 1 FROM taken_over AS it WHERE it.region <> its.region
                       AND it.federation = its.federation AND it.marked = its.marked)";
        self.execute(sql, &[&no.0], "leave what was taken over")
    }
}
