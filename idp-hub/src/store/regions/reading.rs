//! What is read of the regions.

use rusqlite::{OptionalExtension, Row, ToSql};
use shared::ids::RegionId;
use shared::model::{CloudDescription, UnixMillis};
use shared::pki::{Fingerprint, PublicSealingKey};
use shared::wire::frame::{Goodbye, Standing, cloud_kind};

use super::{ACCEPTED, REMOVED, RegionNo, RegionRow};
use crate::fleet::Facts;
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};

const COLUMNS: &str = "no, id, name, standing, key_fingerprint, cloud_kind, cloud_version,
    cloud_endpoint, software, host, joined_ms, seen_ms, not_after_s, recoveries, goodbye";

impl Reading<'_> {
    /// Every region that was not removed, by name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn regions(&self) -> Result<Vec<RegionRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM regions WHERE standing <> 3 ORDER BY name");
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut it| it.query_map((), region_of)?.collect())
            .doing("list regions")
    }

    /// To which key secrets for a region's agent are sealed, if it ever told one.
    ///
    /// # Errors
    /// If the database fails.
    pub fn sealing_key(&self, no: RegionNo) -> Result<Option<PublicSealingKey>, StoreError> {
        let sql = "SELECT sealing_key FROM regions WHERE no = ?1 AND standing <> 3";
        let key = self.connection.prepare_cached(sql);
        let key = key.and_then(|mut it| {
            let key = it.query_row([no.0], |row| row.get::<_, Option<[u8; 32]>>(0));
            key.optional()
        });
        let key = key.doing("read what is sealed to")?.flatten();
        Ok(key.map(PublicSealingKey::from_bytes))
    }

    /// The same, and since when; `None` where that was not noted yet.
    ///
    /// # Errors
    /// If the database fails.
    pub fn sealing_since(
        &self,
        no: RegionNo,
    ) -> Result<Option<(PublicSealingKey, Option<UnixMillis>)>, StoreError> {
        let sql = "SELECT sealing_ms FROM regions WHERE no = ?1";
        let Some(key) = self.sealing_key(no)? else {
            return Ok(None);
        };
        let since = self.connection.prepare_cached(sql);
        let since = since.and_then(|mut it| it.query_row([no.0], |row| row.get(0)));
        let since: Option<u64> = since.doing("read since when it is sealed to")?;
        Ok(Some((key, since.map(UnixMillis))))
    }

    /// The region with this id, if it was not removed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn region(&self, id: RegionId) -> Result<Option<RegionRow>, StoreError> {
        self.find("id", &id.to_bytes())
    }

    /// The region with this number, if it was not removed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn region_numbered(&self, no: RegionNo) -> Result<Option<RegionRow>, StoreError> {
        self.find("no", &no.0)
    }

    /// The region with this name, if it was not removed.
    ///
    /// # Errors
    /// If there is none, or the database fails.
    pub fn region_named(&self, name: &str) -> Result<RegionRow, StoreError> {
        let missing = || StoreError::Missing {
            what: "region",
            name: name.to_owned(),
        };
        self.find("name", &name)?.ok_or_else(missing)
    }

    /// Whether there was a region with this id, and it was removed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn was_removed(&self, id: RegionId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM regions WHERE id = ?1 AND standing = 3";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.exists([id.to_bytes()]))
            .doing("find a region that was removed")
    }

    pub(super) fn find(
        &self,
        column: &str,
        value: &dyn ToSql,
    ) -> Result<Option<RegionRow>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM regions WHERE {column} = ?1 AND standing <> {REMOVED}");
        self.connection
            .prepare_cached(&sql)
            .and_then(|mut it| it.query_row([value], region_of).optional())
            .doing("find a region")
    }
}

fn region_of(row: &Row<'_>) -> Result<RegionRow, rusqlite::Error> {
    Ok(RegionRow {
        no: RegionNo(row.get(0)?),
        facts: Facts {
            id: RegionId::from_bytes(row.get(1)?),
            name: row.get(2)?,
            standing: match row.get(3)? {
                ACCEPTED => Standing::Accepted,
                _ => Standing::Pending,
            },
            fingerprint: Fingerprint::from_bytes(row.get(4)?),
            cloud: CloudDescription {
                kind: cloud_kind(row.get(5)?),
                version: row.get(6)?,
                endpoint: row.get(7)?,
            },
            software: row.get(8)?,
            host: row.get(9)?,
            joined: UnixMillis(row.get(10)?),
            seen: UnixMillis(row.get(11)?),
            not_after: row.get(12)?,
            recoveries: row.get(13)?,
            goodbye: goodbye_of(row.get(14)?),
        },
    })
}

const fn goodbye_of(code: u8) -> Option<Goodbye> {
    match code {
        1 => Some(Goodbye::Stopping),
        2 => Some(Goodbye::Leaving),
        _ => None,
    }
}
