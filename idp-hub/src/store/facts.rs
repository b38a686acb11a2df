//! Facts about this hub: its federation, its own id, its epoch, and whether it was restored.

use rusqlite::{Connection, OptionalExtension, params};
use shared::audit::{Act, By};
use shared::ids::{FederationId, HubId};
use shared::model::UnixMillis;

use super::error::{Doing, StoreError};
use super::{Changing, Reading};

/// Since when users of the directory do not sign in, as the hub was restored.
const SIGN_IN_HELD: &str = "sign_in_held";

const ADMIN_PROJECT: &str = "administrator_project";

/// What the federation began with, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Founding {
    /// The federation.
    pub federation: FederationId,
    /// This hub.
    pub hub: HubId,
    /// The federation's epoch.
    pub epoch: u64,
    /// The keys that belong to it are on the disk. Written last: a founding that a power cut
    /// interrupted goes on with the same ids.
    pub ready: bool,
}

/// A restore of this database from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restoration {
    /// When.
    pub at: UnixMillis,
    /// The newest moment of which the backup knows.
    pub taken: UnixMillis,
}

impl Restoration {
    /// Notes it, in place of one before. Whoever was deleted since the backup has his password in
    /// it: no user signs in before the merged regions had their say.
    pub(in crate::store) fn note(&self, connection: &Connection) -> Result<(), StoreError> {
        let both = u128::from(self.at.0) | u128::from(self.taken.0) << 64;
        store(connection, "restored", &both.to_le_bytes())?;
        let sql = "INSERT OR REPLACE INTO facts (name, value) SELECT ?1, ?2 WHERE EXISTS
                       (SELECT 1 FROM region_organization WHERE merged_ms IS NOT NULL)";
        let held = params![SIGN_IN_HELD, self.at.0.to_le_bytes()];
        connection
            .execute(sql, held)
            .doing("hold users' sign-in")
            .map(drop)
    }
}

impl Reading<'_> {
    /// Whether this database was restored from a backup: the last time.
    ///
    /// # Errors
    /// If the database fails.
    pub fn restoration(&self) -> Result<Option<Restoration>, StoreError> {
        let both = self.fact("restored")?.map(u128::from_le_bytes);
        Ok(both.map(|both| Restoration {
            at: UnixMillis(both as u64),
            taken: UnixMillis((both >> 64) as u64),
        }))
    }

    /// Since when users of the directory do not sign in here, if they don't: the hub was restored,
    /// and its regions may still say who was deleted since the backup.
    ///
    /// # Errors
    /// If the database fails.
    pub fn sign_in_held(&self) -> Result<Option<UnixMillis>, StoreError> {
        let since = self.fact(SIGN_IN_HELD)?;
        Ok(since.map(|it| UnixMillis(u64::from_le_bytes(it))))
    }

    /// The federation's facts, once there are any.
    ///
    /// # Errors
    /// If the database fails, or holds a part of them only.
    pub fn founding(&self) -> Result<Option<Founding>, StoreError> {
        let Some(federation) = self.fact("federation")? else {
            return Ok(None);
        };
        Ok(Some(Founding {
            federation: FederationId::from_bytes(federation),
            hub: HubId::from_bytes(self.required("hub")?),
            epoch: u64::from_le_bytes(self.required("epoch")?),
            ready: self.required("ready")? == [1],
        }))
    }

    /// What the administrator's project of the home region was called, once that was merged.
    ///
    /// # Errors
    /// If the database fails.
    pub fn admin_project(&self) -> Result<Option<String>, StoreError> {
        let value: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT value FROM facts WHERE name = ?1")
            .and_then(|mut it| it.query_row([ADMIN_PROJECT], |row| row.get(0)).optional())
            .doing("read a fact")?;
        let text = value.map(String::from_utf8).transpose();
        text.map_err(|_| StoreError::Row {
            what: ADMIN_PROJECT,
        })
    }

    pub(in crate::store) fn required<const N: usize>(
        &self,
        name: &'static str,
    ) -> Result<[u8; N], StoreError> {
        self.fact(name)?.ok_or(StoreError::Row { what: name })
    }

    pub(in crate::store) fn fact<const N: usize>(
        &self,
        name: &'static str,
    ) -> Result<Option<[u8; N]>, StoreError> {
        self.connection
            .prepare_cached("SELECT value FROM facts WHERE name = ?1")
            .and_then(|mut it| it.query_row([name], |row| row.get(0)).optional())
            .doing("read a fact")
    }
}

impl Changing<'_> {
    /// Users of the directory sign in again. `false` where they did.
    ///
    /// # Errors
    /// If the database fails.
    pub(in crate::store) fn open_sign_in(&mut self, by: By, why: &str) -> Result<bool, StoreError> {
        if self.reading().sign_in_held()?.is_none() {
            return Ok(false);
        }
        let sql = "DELETE FROM facts WHERE name = ?1";
        self.execute(sql, &[&SIGN_IN_HELD], "let users sign in")?;
        let act = Act::new(by, "open-sign-in").on("directory", "", "");
        self.audit(act.changing("held since the restore", why))?;
        Ok(true)
    }

    /// Remembers that the home region was merged, and what its administrator's project was called.
    pub(in crate::store) fn remember_admin_project(&self, name: &str) -> Result<(), StoreError> {
        store(self.connection, ADMIN_PROJECT, name.as_bytes())
    }

    /// The federation's facts, once there are any.
    ///
    /// # Errors
    /// If the database fails, or holds a part of them only.
    pub fn founding(&self) -> Result<Option<Founding>, StoreError> {
        self.reading().founding()
    }

    /// Stores the federation's facts, in place of those before.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_founding(&mut self, founding: &Founding) -> Result<(), StoreError> {
        let facts: [(&str, &[u8]); 4] = [
            ("federation", &founding.federation.to_bytes()),
            ("hub", &founding.hub.to_bytes()),
            ("epoch", &founding.epoch.to_le_bytes()),
            ("ready", &[founding.ready.into()]),
        ];
        for (name, value) in facts {
            store(self.connection, name, value)?;
        }
        Ok(())
    }
}

pub(in crate::store) fn store(
    connection: &Connection,
    name: &str,
    value: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)";
    connection
        .prepare_cached(sql)
        .and_then(|mut it| it.execute(params![name, value]))
        .doing("store a fact")
        .map(drop)
}
