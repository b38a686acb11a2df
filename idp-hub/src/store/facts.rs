//! Facts about this hub: its federation, its own id, its epoch.

use rusqlite::{OptionalExtension, params};
use shared::ids::{FederationId, HubId};

use super::error::{Doing, StoreError};
use super::{Changing, Reading};

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

impl Reading<'_> {
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

    fn required<const N: usize>(&self, name: &'static str) -> Result<[u8; N], StoreError> {
        self.fact(name)?.ok_or(StoreError::Row { what: name })
    }

    fn fact<const N: usize>(&self, name: &'static str) -> Result<Option<[u8; N]>, StoreError> {
        self.connection
            .prepare_cached("SELECT value FROM facts WHERE name = ?1")
            .and_then(|mut it| it.query_row([name], |row| row.get(0)).optional())
            .doing("read a fact")
    }
}

impl Changing<'_> {
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
        let sql = "INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)";
        for (name, value) in facts {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut it| it.execute(params![name, value]))
                .doing("store a fact")?;
        }
        Ok(())
    }
}
