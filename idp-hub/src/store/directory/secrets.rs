//! Passwords as they are told to regions: rows of a region's own feed, beside what was decided of
//! its things; and what a user is found by.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use shared::ids::ObjectId;
use shared::model::{
    Becomes, Binding, Folded, Object, ObjectKind, Record, RecordKind, Secret, UnixMillis,
};
use shared::wire::Digest;
use shared::wire::record::{self, kind_code};

use super::write::{Rows, UNTOLD, encoded};
use crate::directory::{Stamp, outward};
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;
use crate::store::{Changing, Reading};

/// The kind of a row that is a user's password, sealed to a region's agent.
const SECRET: u16 = kind_code(RecordKind::Secret);

impl Reading<'_> {
    /// Which regions were told a user's password.
    ///
    /// # Errors
    /// If the database fails.
    pub(in crate::store) fn told_password(
        &self,
        user: ObjectId,
    ) -> Result<BTreeSet<RegionNo>, StoreError> {
        // By the index of each region's own rows: a user has one in each, and no more.
        let sql = "SELECT region FROM region_organization AS merged WHERE EXISTS (
                       SELECT 1 FROM directory AS it WHERE it.region = merged.region
                       AND it.kind = ?1 AND it.id = ?2 AND it.value IS NOT NULL)";
        let mut statement = self.prepared(sql)?;
        let id = encoded(&outward(user))?;
        let found = statement.query_map(params![SECRET, id], |row| row.get(0).map(RegionNo));
        found
            .and_then(Iterator::collect)
            .doing("find who was told a password")
    }
}

impl Changing<'_> {
    /// Tells regions what a user's password is: `None` takes back what a region was told before.
    /// Returns which were told one. What is no merged region's any more is passed over.
    pub(in crate::store) fn tell_password(
        &mut self,
        (user, version): (ObjectId, u64),
        author: &str,
        sealed: Vec<(RegionNo, Option<Vec<u8>>)>,
    ) -> Result<Vec<RegionNo>, StoreError> {
        let stamp = self.stamp(author)?;
        let id = encoded(&outward(user))?;
        let mut rows = Rows::begin(self, &stamp)?;
        let mut told = Vec::new();
        for (no, sealed) in sealed {
            let is_told = sealed.is_some();
            let value = sealed.map(|sealed| value(user, version, sealed));
            let value = value.transpose()?;
            if rows.own(no, |it| it.replace(no.0, SECRET, &id, value.as_deref()))? {
                told.extend(is_told.then_some(no));
            }
        }
        rows.finish(&mut self.hot.directory)?;
        Ok(told)
    }

    /// What was sealed to a region's agent is good for nothing any more: it has another key.
    ///
    /// # Errors
    /// If the database fails.
    pub fn forget_sealed(&mut self, no: RegionNo) -> Result<(), StoreError> {
        let sql = "SELECT id FROM directory
                   WHERE region = ?1 AND kind = ?2 AND value IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql).doing("find secrets")?;
        let ids = statement.query_map(params![no.0, SECRET], |row| row.get(0));
        let ids: Vec<Vec<u8>> = ids.and_then(Iterator::collect).doing("find secrets")?;
        drop(statement);
        if ids.is_empty() {
            return Ok(());
        }
        let stamp = self.stamp("the region's new key")?;
        let mut rows = Rows::begin(self, &stamp)?;
        for id in ids {
            rows.own(no, |it| it.replace(no.0, SECRET, &id, None))?;
        }
        rows.finish(&mut self.hot.directory).map(drop)
    }
}

/// Forgets users' passwords in a database from which no hub serves: here, and in what regions are
/// told, as a restore brings back what they were sealed as then. Returns of how many there was one.
///
/// # Errors
/// If the database fails; then all is as it was.
pub(in crate::store) fn forget_passwords(
    connection: &Connection,
    users: &[ObjectId],
    now: UnixMillis,
) -> Result<u64, StoreError> {
    let doing = "forget users' passwords";
    let transaction = connection.unchecked_transaction().doing(doing)?;
    let reading = Reading { connection };
    let stamp = Stamp {
        author: "a restore".to_owned(),
        at: now,
        epoch: reading.founding()?.map_or(0, |it| it.epoch),
    };
    let mut rows = Rows::on(connection, &stamp)?;
    let mut forgotten = 0;
    for user in users {
        let sql = "SELECT 1 FROM passwords WHERE user = ?1";
        let bytes = user.to_bytes();
        let had_one = reading.prepared(sql)?.exists([bytes]).doing(doing)?;
        forgotten += u64::from(had_one);
        rows.forget_password(*user)?;
    }
    rows.settle()?;
    drop(rows);
    transaction.commit().doing(doing)?;
    Ok(forgotten)
}

impl Rows<'_> {
    /// Writes rows of a region's own, which count in its digest. False, and nothing done, if its
    /// organization is not merged.
    pub(super) fn own(
        &mut self,
        no: RegionNo,
        write: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT digest FROM region_organization
                   WHERE region = ?1 AND merged_ms IS NOT NULL";
        let before: Option<[u8; 16]> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut it| it.query_row([no.0], |row| row.get(0)).optional())
            .doing("find a region's organization")?;
        let Some(before) = before else {
            return Ok(false);
        };
        let common = std::mem::replace(&mut self.digest, Digest::from_bytes(before));
        let written = write(self);
        let own = std::mem::replace(&mut self.digest, common);
        written?;
        self.told.insert(no);
        let sql = "UPDATE region_organization SET digest = ?2 WHERE region = ?1";
        self.run(sql, params![no.0, own.to_bytes()], "note a region's digest")?;
        Ok(true)
    }

    /// A user who ended has no password, here or in what regions are told.
    pub(super) fn forget_password(&mut self, user: ObjectId) -> Result<(), StoreError> {
        let bytes = user.to_bytes();
        for sql in [
            "DELETE FROM passwords WHERE user = ?1",
            "DELETE FROM sessions WHERE user = ?1",
        ] {
            self.run(sql, params![bytes], "forget a user's password")?;
        }
        let reading = Reading {
            connection: self.connection,
        };
        let id = encoded(&outward(user))?;
        for no in reading.told_password(user)? {
            self.own(no, |it| it.replace(no.0, SECRET, &id, None))?;
        }
        Ok(())
    }

    /// By what a sign-in finds it.
    pub(super) fn name(&self, id: ObjectId, object: &Object<ObjectId>) -> Result<(), StoreError> {
        let department = match object {
            Object::Department(_) => None,
            Object::User(it) => Some(it.department.to_bytes()),
            Object::Project(_) | Object::Group(_) | Object::Role(_) => return Ok(()),
        };
        let sql = "INSERT OR REPLACE INTO names (id, name, department, folded)
                   VALUES (?1, ?2, ?3, ?4)";
        let folded = Folded::new(object.name());
        let row = params![id.to_bytes(), object.name(), department, folded.as_str()];
        self.run(sql, row, "note a name")
    }

    /// It is not found any more.
    pub(super) fn unname(&self, id: ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM names WHERE id = ?1";
        self.run(sql, params![id.to_bytes()], "forget a name")
    }

    /// Which user of a region's cloud is which of the directory: a sign-in asks the region that he
    /// came from.
    pub(super) fn bind_user(&self, no: RegionNo, binding: &Binding) -> Result<(), StoreError> {
        if binding.kind != ObjectKind::User {
            return Ok(());
        }
        let here = binding.here.to_string();
        let sql = "DELETE FROM bound WHERE region = ?1 AND here = ?2 AND user IS NOT ?3";
        let user = match binding.becomes {
            Becomes::Object(id) => Some(id.to_bytes()),
            Becomes::Withheld(_) => None,
        };
        self.run(sql, params![no.0, here, user], "forget who a user is")?;
        let sql = "INSERT INTO bound (user, region, here) VALUES (?1, ?2, ?3)
                   ON CONFLICT (user, region) DO UPDATE SET here = ?3";
        match user {
            Some(user) => self.run(sql, params![user, no.0, here], "note who a user is"),
            None => Ok(()),
        }
    }

    /// Of who ended no region is asked.
    pub(super) fn unbind_user(&self, user: ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM bound WHERE user = ?1";
        self.run(sql, params![user.to_bytes()], "forget who a user was")
    }

    pub(super) fn run(
        &self,
        sql: &str,
        row: &[&dyn rusqlite::ToSql],
        what: &'static str,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.execute(row))
            .doing(what)
            .map(drop)
    }
}

/// A row's value.
fn value(user: ObjectId, version: u64, sealed: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    let secret = Secret {
        user,
        version,
        sealed,
    };
    let encoded = record::encode(&Record::Secret(secret)).map_err(|_| UNTOLD)?;
    Ok(encoded.value)
}
