//! The home region's own administrator, who is known again where that region was removed and joined
//! anew: its cloud calls him as before, and he keeps his name.

use rusqlite::OptionalExtension;
use shared::model::CloudId;
use shared::wire::record::{decode_id, encode_id};

use crate::directory::Administrator;
use crate::store::error::{Doing, StoreError};
use crate::store::facts;
use crate::store::{Changing, Reading};

const USER: &str = "home_administrator";
const PROJECT: &str = "home_administrator_project";

impl Reading<'_> {
    /// Who administered the home region's cloud when that was merged last, as far as it was told.
    ///
    /// # Errors
    /// If the database fails, or holds an id that can't be read.
    pub(super) fn home(&self) -> Result<Administrator, StoreError> {
        let id = |name| {
            let sql = "SELECT value FROM facts WHERE name = ?1";
            let found: Option<Vec<u8>> = self
                .prepared(sql)?
                .query_row([name], |row| row.get(0))
                .optional()
                .doing("read a fact")?;
            let id = found.map(|it| decode_id(&it)).transpose();
            id.map_err(|_| StoreError::Row { what: name })
        };
        Ok(Administrator {
            user: id(USER)?,
            project: id(PROJECT)?,
        })
    }
}

impl Changing<'_> {
    /// Remembers who administers the home region's cloud. Who is not told of stays as he was.
    pub(super) fn remember_home(&self, home: &Administrator) -> Result<(), StoreError> {
        let remember = |name, id: Option<&CloudId>| match id {
            None => Ok(()),
            Some(id) => {
                let id = encode_id(id).map_err(|_| StoreError::Row { what: name })?;
                facts::store(self.connection, name, &id)
            }
        };
        remember(USER, home.user.as_ref())?;
        remember(PROJECT, home.project.as_ref())
    }
}
