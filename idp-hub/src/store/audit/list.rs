//! Lists the audit trail, the newest first.

use rusqlite::params;
use shared::audit::{Entry, Head, Wanted};

use super::READ;
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};

/// Entries that are looked at for one page: some 20 ms. Nothing of an entry is indexed, so that
/// nothing beside the chain has to be believed.
const LOOKED_AT_MAX: usize = 20_000;

/// An entry with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Its place in the chain.
    pub number: u64,
    /// What it says; `None` where it can't be read.
    pub entry: Option<Entry>,
}

/// Some entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The newest first.
    pub items: Vec<Numbered>,
    /// Ask for what is before this number to go on; `None` where there is nothing more. A page may
    /// have no items and be followed by one that has.
    pub next: Option<u64>,
    /// The newest entry's place, wanted or not.
    pub head: Head,
}

impl Reading<'_> {
    /// At most `limit` wanted entries before the entry `before`, or the newest ones. What can't be
    /// read is listed whatever is wanted.
    ///
    /// # Errors
    /// If the database fails.
    pub fn audit_entries(
        &self,
        before: Option<u64>,
        limit: usize,
        wanted: &Wanted,
    ) -> Result<Listed, StoreError> {
        let head = self.audit_head()?;
        let sql = "SELECT number, entry FROM audit WHERE number < ?1 ORDER BY number DESC";
        let mut statement = self.connection.prepare_cached(sql).doing(READ)?;
        let before = i64::try_from(before.unwrap_or(u64::MAX)).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![before]).doing(READ)?;
        let (mut items, mut looked_at) = (Vec::new(), 0_usize);
        let mut next = None;
        while let Some(row) = rows.next().doing(READ)? {
            if items.len() >= limit || looked_at >= LOOKED_AT_MAX {
                return Ok(Listed { items, next, head });
            }
            let number = row.get(0).doing(READ)?;
            let bytes = row
                .get_ref(1)
                .and_then(|it| Ok(it.as_blob()?))
                .doing(READ)?;
            let entry = Entry::decode(bytes).ok();
            looked_at += 1;
            next = Some(number);
            if entry.as_ref().is_some_and(|it| wanted.ends_at(it)) {
                break;
            }
            if entry.as_ref().is_none_or(|it| wanted.has(it)) {
                items.push(Numbered { number, entry });
            }
        }
        let next = None;
        Ok(Listed { items, next, head })
    }
}
