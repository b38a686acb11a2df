//! One cloud under two names: two agents that write to one Keystone, each as its own.
//!
//! Keystone gives projects random ids, so that two regions that tell of the same one are one cloud,
//! or one is a copy of the other's database. Endpoints tell nothing: each agent may call its cloud
//! `127.0.0.1`.

use rusqlite::{OptionalExtension, params};
use shared::model::{CloudId, RecordKind};
use shared::wire::record::{decode_id, kind_code};

use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;

/// Of so many projects one is most likely there still, if it is the same cloud.
const PROJECTS: u32 = 4;

impl Reading<'_> {
    /// What a merged region is called whose agent tells of the same cloud as this one's, which is
    /// not merged yet.
    ///
    /// # Errors
    /// If the database fails, or holds an id that can't be read.
    pub(super) fn twin(&self, no: RegionNo) -> Result<Option<String>, StoreError> {
        if self.is_merged(no)? {
            return Ok(None);
        }
        let sql = "SELECT name FROM regions JOIN region_organization ON region = no
                   WHERE no <> ?1 AND standing <> 3 AND merged_ms IS NOT NULL AND EXISTS (
                       SELECT 1 FROM records
                       WHERE records.region = regions.no AND kind = ?2 AND id = ?3)
                   ORDER BY no LIMIT 1";
        let mut statement = self.prepared(sql)?;
        let kind = kind_code(RecordKind::Project);
        for id in self.random_projects(no)? {
            let row = params![no.0, kind, id];
            let found = statement.query_row(row, |row| row.get(0)).optional();
            if let Some(name) = found.doing("look for the same cloud")? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The encoded ids of some projects of a region that nobody chose.
    fn random_projects(&self, no: RegionNo) -> Result<Vec<Vec<u8>>, StoreError> {
        let sql = "SELECT id FROM records WHERE region = ?1 AND kind = ?2 ORDER BY id LIMIT ?3";
        let doing = "read a region's projects";
        let mut statement = self.prepared(sql)?;
        // Ids that somebody chose are texts, which stand last.
        let row = params![no.0, kind_code(RecordKind::Project), PROJECTS];
        let mut rows = statement.query(row).doing(doing)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let id: Vec<u8> = row.get(0).doing(doing)?;
            let decoded = decode_id(&id).map_err(|_| StoreError::Row { what: "project" })?;
            let is_random = !matches!(decoded, CloudId::Text(_));
            if is_random {
                all.push(id);
            }
        }
        Ok(all)
    }
}
