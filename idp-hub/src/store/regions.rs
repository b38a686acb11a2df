//! The regions: who may speak, under which name, with which key.

mod reading;
mod turns;

use rusqlite::{ToSql, params};
use shared::audit::{Act, By};
use shared::ids::RegionId;
use shared::model::{CloudDescription, Feed, UnixMillis};
use shared::pki::{Fingerprint, PublicSealingKey};
use shared::wire::frame::{Cursor, Goodbye, cloud_kind_code, feed_code};

pub(in crate::store) use self::turns::KeyTurns;
use super::Changing;
use super::error::{Doing, StoreError};
pub use super::introduction::Introduction;
use super::introduction::described;
use crate::fleet::Facts;
pub use crate::fleet::RegionNo;

/// One region as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionRow {
    /// Its number here.
    pub no: RegionNo,
    /// What else is known of it. `seen` is when its session last ended, or its state was stored.
    pub facts: Facts,
}

const PENDING: u8 = 1;
const ACCEPTED: u8 = 2;
const REMOVED: u8 = 3;

/// What is kept of each region that is there.
const REMOVED_FROM: [&str; 10] = [
    "records",
    "feeds",
    "totals",
    "samples",
    "windows",
    "means",
    "region_organization",
    "bound",
    "spread_shares",
    "quota_raises",
];

impl Changing<'_> {
    /// Every region that was not removed, by name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn regions(&self) -> Result<Vec<RegionRow>, StoreError> {
        self.reading().regions()
    }

    /// The region with this number, if it was not removed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn region_numbered(&self, no: RegionNo) -> Result<Option<RegionRow>, StoreError> {
        self.reading().region_numbered(no)
    }

    /// The region with this id, if it was not removed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn region(&self, id: RegionId) -> Result<Option<RegionRow>, StoreError> {
        self.reading().region(id)
    }

    /// The region with this name, if it was not removed.
    ///
    /// # Errors
    /// If there is none, or the database fails.
    pub fn region_named(&self, name: &str) -> Result<RegionRow, StoreError> {
        self.reading().region_named(name)
    }

    /// The region with this bound key, if it was not removed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn region_keyed(&self, key: Fingerprint) -> Result<Option<RegionRow>, StoreError> {
        self.find("key_fingerprint", &key.to_bytes())
    }

    fn find(
        &self,
        column: &str,
        value: &dyn rusqlite::ToSql,
    ) -> Result<Option<RegionRow>, StoreError> {
        self.reading().find(column, value)
    }

    /// Adds a region that waits for its second yes.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn add_region(
        &mut self,
        id: RegionId,
        name: &str,
        fingerprint: Fingerprint,
        introduction: &Introduction,
        not_after: u64,
    ) -> Result<RegionNo, StoreError> {
        self.check_name_free(name)?;
        let Introduction {
            cloud,
            software,
            host,
        } = introduction;
        let now = self.now.0;
        self.connection
            .execute(
                "INSERT INTO regions (id, name, standing, key_fingerprint, cloud_kind,
                     cloud_version, cloud_endpoint, software, host, joined_ms, seen_ms, not_after_s)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
                params![
                    id.to_bytes(),
                    name,
                    PENDING,
                    fingerprint.to_bytes(),
                    cloud_kind_code(cloud.kind),
                    cloud.version,
                    cloud.endpoint,
                    software,
                    host,
                    now,
                    not_after,
                ],
            )
            .doing("add a region")?;
        let no = u32::try_from(self.connection.last_insert_rowid());
        let no = RegionNo(no.map_err(|_| StoreError::Row { what: "region" })?);
        self.hot.add(self.connection, no)?;
        Ok(no)
    }

    /// How many regions have joined, and were not removed.
    ///
    /// # Errors
    /// If the database fails.
    pub fn region_count(&self) -> Result<u32, StoreError> {
        self.connection
            .prepare_cached("SELECT count(*) FROM regions WHERE standing <> 3")
            .and_then(|mut it| it.query_row((), |row| row.get(0)))
            .doing("count regions")
    }

    /// Whether no region has this name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn is_name_free(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.find("name", &name)?.is_none())
    }

    fn check_name_free(&self, name: &str) -> Result<(), StoreError> {
        if self.is_name_free(name)? {
            return Ok(());
        }
        Err(StoreError::NameTaken {
            name: name.to_owned(),
        })
    }

    /// The second yes.
    ///
    /// # Errors
    /// If the database fails.
    pub fn accept_region(&mut self, no: RegionNo) -> Result<(), StoreError> {
        let sql = "UPDATE regions SET standing = ?2, accepted_ms = ?3 WHERE no = ?1";
        self.execute(sql, &[&no.0, &ACCEPTED, &self.now.0], "accept a region")
    }

    /// Gives a region another name.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn rename_region(&mut self, no: RegionNo, name: &str) -> Result<(), StoreError> {
        self.check_name_free(name)?;
        self.execute(
            "UPDATE regions SET name = ?2 WHERE no = ?1",
            &[&no.0, &name],
            "rename",
        )
    }

    /// Removes a region: its name and key are free, what it reported is gone here, and nothing is
    /// touched in the region itself.
    ///
    /// # Errors
    /// If the database fails.
    pub fn remove_region(&mut self, no: RegionNo) -> Result<(), StoreError> {
        let sql = "UPDATE regions SET standing = ?2, removed_ms = ?3 WHERE no = ?1";
        self.execute(sql, &[&no.0, &REMOVED, &self.now.0], "remove a region")?;
        for table in REMOVED_FROM {
            let sql = format!("DELETE FROM {table} WHERE region = ?1");
            self.execute(&sql, &[&no.0], "remove a region's records")?;
        }
        self.leave_decided(no)?;
        self.leave_taken_over(no)?;
        self.hot.forget(no);
        Ok(())
    }

    /// A region got a certificate.
    ///
    /// # Errors
    /// If the database fails.
    pub fn certified(&mut self, no: RegionNo, not_after: u64) -> Result<(), StoreError> {
        let sql = "UPDATE regions SET not_after_s = ?2 WHERE no = ?1";
        self.execute(sql, &[&no.0, &not_after], "note a certificate")
    }

    /// A region got a certificate by its bound key alone.
    ///
    /// # Errors
    /// If the database fails.
    pub fn recovered(&mut self, no: RegionNo, not_after: u64) -> Result<(), StoreError> {
        let sql = "UPDATE regions SET not_after_s = ?2, recoveries = recoveries + 1 WHERE no = ?1";
        self.execute(sql, &[&no.0, &not_after], "note a recovery")
    }

    /// An agent tells what its cloud is. One that has not found out its version, as when it has
    /// just started, leaves the one that is known.
    ///
    /// # Errors
    /// If the database fails.
    pub fn described(&mut self, no: RegionNo, cloud: &CloudDescription) -> Result<(), StoreError> {
        let cloud = described(cloud);
        let sql = "UPDATE regions SET cloud_kind = ?2, cloud_endpoint = ?4,
                       cloud_version = coalesce(nullif(?3, ''), cloud_version) WHERE no = ?1";
        let kind = cloud_kind_code(cloud.kind);
        let values: &[&dyn ToSql] = &[&no.0, &kind, &cloud.version, &cloud.endpoint];
        self.execute(sql, values, "note what a cloud is")
    }

    /// Whether a region's agent may have another key by now than the one that it told.
    ///
    /// # Errors
    /// If the database fails.
    pub fn may_seal_anew(&mut self, no: RegionNo) -> Result<bool, StoreError> {
        let since = self.sealing_since(no)?;
        let turns = self.hot.region(self.connection, no)?.map(|it| it.keys);
        Ok(turns.unwrap_or_default().may_turn(since, self.now))
    }

    fn sealing_since(&self, no: RegionNo) -> Result<Option<UnixMillis>, StoreError> {
        let since = self.reading().sealing_since(no)?;
        Ok(since.and_then(|(_, since)| since))
    }

    /// Secrets for a region's agent are sealed to this key from here on. What was sealed to another
    /// one is taken back, and the audit trail told: whoever has a region's link key could have all
    /// passwords sealed to himself by it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn seals(&mut self, no: RegionNo, key: PublicSealingKey) -> Result<(), StoreError> {
        let before = self.reading().sealing_key(no)?;
        if before == Some(key) {
            return Ok(());
        }
        if let Some(before) = before {
            self.forget_sealed(no)?;
            self.tell_of_key(no, [before, key])?;
            let since = self.sealing_since(no)?;
            if let Some(region) = self.hot.region(self.connection, no)? {
                region.keys.turn(since, self.now);
            }
        }
        let sql = "UPDATE regions SET sealing_key = ?2, sealing_ms = ?3 WHERE no = ?1";
        let values: &[&dyn ToSql] = &[&no.0, &key.to_bytes(), &self.now.0];
        self.execute(sql, values, "note what is sealed to")
    }

    fn tell_of_key(&mut self, no: RegionNo, keys: [PublicSealingKey; 2]) -> Result<(), StoreError> {
        let Some(RegionRow { facts, .. }) = self.reading().region_numbered(no)? else {
            return Ok(());
        };
        let by = By::new(format!("agent with key {}", facts.fingerprint), "link");
        let act = Act::new(by, "new-sealing-key").on("region", facts.id, facts.name.as_str());
        let [before, after] = keys.map(|it| it.fingerprint().to_string());
        tracing::warn!(
            target: "audit", action = "new-sealing-key", region = facts.name, before, after
        );
        self.audit(act.changing(before, after)).map(drop)
    }

    /// A session begins: older ones of the region may say nothing more. Returns how far each feed
    /// has got.
    ///
    /// # Errors
    /// If the database fails.
    pub fn begin_session(
        &mut self,
        no: RegionNo,
        session: u64,
        introduction: &Introduction,
    ) -> Result<Vec<Cursor>, StoreError> {
        let Introduction {
            cloud,
            software,
            host,
        } = introduction;
        let sql = "UPDATE regions SET cloud_kind = ?2, cloud_endpoint = ?4,
                       cloud_version = coalesce(nullif(?3, ''), cloud_version),
                       software = ?5, host = ?6, seen_ms = ?7, goodbye = 0 WHERE no = ?1";
        let (kind, version) = (cloud_kind_code(cloud.kind), &cloud.version);
        let (endpoint, now) = (&cloud.endpoint, self.now.0);
        let values: &[&dyn ToSql] = &[&no.0, &kind, version, endpoint, software, host, &now];
        self.execute(sql, values, "note a session")?;
        let missing = StoreError::Missing {
            what: "region number",
            name: no.0.to_string(),
        };
        let region = self.hot.region(self.connection, no)?.ok_or(missing)?;
        region.session = session;
        let cursors = Feed::ALL.map(|feed| {
            let it = region.feed(feed);
            it.session_began();
            it.inbox.position().cursor(feed_code(feed))
        });
        Ok(cursors.to_vec())
    }

    /// A session ended: when the region was last heard, how its agent took its leave, and up to
    /// which change it holds the directory, if it said so. A newer session has said by its
    /// beginning that the agent is there.
    ///
    /// # Errors
    /// If the database fails.
    pub fn session_ended(
        &mut self,
        no: RegionNo,
        session: u64,
        at: UnixMillis,
        (goodbye, held): (Option<Goodbye>, Option<u64>),
    ) -> Result<(), StoreError> {
        let region = self.hot.region(self.connection, no)?;
        let is_newest = region.is_some_and(|region| region.session == session);
        if !is_newest {
            return Ok(());
        }
        let sql = "UPDATE regions SET seen_ms = ?2, goodbye = ?3 WHERE no = ?1";
        let values: &[&dyn ToSql] = &[&no.0, &at.0, &goodbye_code(goodbye)];
        self.execute(sql, values, "note a session's end")?;
        match held {
            Some(held) => self.holds_directory(no, held),
            None => Ok(()),
        }
    }

    pub(in crate::store) fn execute(
        &self,
        sql: &str,
        row: &[&dyn rusqlite::ToSql],
        what: &'static str,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(row))
            .doing(what)
            .map(drop)
    }
}

const fn goodbye_code(goodbye: Option<Goodbye>) -> u8 {
    match goodbye {
        None => 0,
        Some(Goodbye::Stopping) => 1,
        Some(Goodbye::Leaving) => 2,
    }
}
