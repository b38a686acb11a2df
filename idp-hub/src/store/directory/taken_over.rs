//! Markers of federations that regions were taken over from, and what the directory has by them.

use rusqlite::params;
use shared::ids::{FederationId, ObjectId};
use shared::model::Marker;

use crate::directory::Earlier;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

impl Reading<'_> {
    /// All of them: as many as things were taken over.
    pub(super) fn taken_over(&self) -> Result<Earlier, StoreError> {
        let sql = "SELECT federation, marked, object FROM taken_over ORDER BY region";
        let doing = "read what was taken over";
        let mut statement = self.prepared(sql)?;
        let mut rows = statement.query(()).doing(doing)?;
        let mut all = Earlier::new();
        while let Some(row) = rows.next().doing(doing)? {
            let marker = Marker {
                federation: FederationId::from_bytes(row.get(0).doing(doing)?),
                object: ObjectId::from_bytes(row.get(1).doing(doing)?),
            };
            // Of the region that came first.
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
}
