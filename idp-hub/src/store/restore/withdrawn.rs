//! What a backup gives again that was withdrawn since.
//!
//! Agents are told the older directory: who was switched off since then is on again in each cloud,
//! and has again what was taken away from him. Nothing in the backup says so, but the database
//! until now does. Whoever was deleted since is not among them: no agent makes him again.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, Row, params};
use shared::ids::ObjectId;
use shared::model::{Actor, Link, Object, ObjectKind, Record, RecordKind, Scope};
use shared::wire::record::{self, Decoded, kind_code};

use super::earlier::Beside;
use crate::directory::{link_of, object_of};
use crate::store::Reading;
use crate::store::directory::EVERYWHERE;
use crate::store::error::{Doing, StoreError};

/// As many are named; of more, their number says enough.
pub(super) const NAMED_MAX: usize = 1000;

/// How many there are, and the first ones in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// How many.
    pub count: u64,
    /// The first thousand.
    pub first: Vec<String>,
}

/// What was withdrawn after a backup was made, and is given again by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withdrawn {
    /// Departments, projects and users that were switched off.
    pub on: Named,
    /// Memberships, implications and assignments that were taken away.
    pub given: Named,
}

impl Named {
    pub(super) fn add(
        &mut self,
        words: impl FnOnce() -> Result<String, StoreError>,
    ) -> Result<(), StoreError> {
        self.count += 1;
        if self.first.len() < NAMED_MAX {
            self.first.push(words()?);
        }
        Ok(())
    }
}

/// What of the old database's withdrawals the new one does not know, and of those that an earlier
/// restore brought back already.
pub(super) fn again(beside: &Beside) -> Result<Withdrawn, StoreError> {
    Ok(Withdrawn {
        on: on_again(beside)?,
        given: given_again(beside)?,
    })
}

fn on_again(beside: &Beside) -> Result<Named, StoreError> {
    let doing = "find what was switched off";
    let connection = &beside.connection;
    let sql = "SELECT it.kind, it.id, it.value, was.value, earlier.what IS NOT NULL
               FROM main.directory AS it
               LEFT JOIN old.directory AS was
                   ON was.region = it.region AND was.kind = it.kind AND was.id = it.id
               LEFT JOIN earlier ON earlier.what = it.kind AND earlier.id = it.id
               WHERE it.region = ?1 AND it.kind BETWEEN ?2 AND ?3 AND it.value IS NOT NULL
                   AND (it.value <> was.value OR earlier.what IS NOT NULL)
               ORDER BY it.kind, it.id";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let kinds = [RecordKind::Department, RecordKind::User].map(kind_code);
    let mut rows = statement
        .query(params![EVERYWHERE, kinds[0], kinds[1]])
        .doing(doing)?;
    let (mut again, mut ids) = (Named::default(), Found::default());
    while let Some(row) = rows.next().doing(doing)? {
        let object = |at| -> Result<Option<Object<ObjectId>>, StoreError> {
            let record = record_at(row, at).doing(doing)?;
            Ok(record.and_then(object_of).map(|(_, object)| object))
        };
        let is_again: bool = row.get(4).doing(doing)?;
        let Some(now) = object(2)?.filter(is_on) else {
            continue;
        };
        if is_again || object(3)?.is_some_and(|was| !is_on(&was)) {
            let kind = now.kind().name();
            again.add(|| Ok(format!("{kind} {}", titled(connection, &now)?)))?;
            ids.add(row).doing(doing)?;
        }
    }
    ids.note(beside).doing(doing)?;
    Ok(again)
}

/// What the old database says is gone, of what the new one has. That the old one does not speak of
/// a link is no such word: it may be the older of the two.
fn given_again(beside: &Beside) -> Result<Named, StoreError> {
    let doing = "find what was taken away";
    let connection = &beside.connection;
    let ended = ended(connection)?;
    let sql = "SELECT it.kind, it.id, it.value
               FROM main.directory AS it
               LEFT JOIN old.directory AS was
                   ON was.region = it.region AND was.kind = it.kind AND was.id = it.id
               LEFT JOIN earlier ON earlier.what = it.kind AND earlier.id = it.id
               WHERE it.region = ?1 AND it.kind BETWEEN ?2 AND ?3 AND it.value IS NOT NULL
                   AND (was.id IS NOT NULL AND was.value IS NULL OR earlier.what IS NOT NULL)
               ORDER BY it.kind, it.id";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let kinds = [RecordKind::Membership, RecordKind::Assignment].map(kind_code);
    let mut rows = statement
        .query(params![EVERYWHERE, kinds[0], kinds[1]])
        .doing(doing)?;
    let (mut again, mut ids) = (Named::default(), Found::default());
    while let Some(row) = rows.next().doing(doing)? {
        let link = record_at(row, 2).doing(doing)?.and_then(link_of);
        let Some(link) = link else {
            continue;
        };
        if !link.ends().any(|(_, id)| ended.contains(id)) {
            again.add(|| linked(connection, &link))?;
            ids.add(row).doing(doing)?;
        }
    }
    ids.note(beside).doing(doing)?;
    Ok(again)
}

/// What was found, by its records' kinds and ids.
#[derive(Default)]
struct Found(BTreeMap<u16, Vec<Vec<u8>>>);

impl Found {
    /// A row that begins with these.
    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        self.0.entry(row.get(0)?).or_default().push(row.get(1)?);
        Ok(())
    }

    fn note(self, beside: &Beside) -> rusqlite::Result<()> {
        let mut kinds = self.0.into_iter();
        kinds.try_for_each(|(kind, ids)| beside.note(kind, ids))
    }
}

/// The record of a row that begins with kind and id, by the value in this column; `None` if there
/// is none, or it can't be read.
fn record_at(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Record>> {
    let (kind, id, value) = (row.get(0)?, row.get_ref(1)?, row.get_ref(at)?);
    let Some(value) = value.as_blob_or_null()? else {
        return Ok(None);
    };
    Ok(match record::decode(kind, id.as_blob()?, value) {
        Ok(Decoded::Known(record)) => Some(*record),
        Ok(Decoded::Unknown) | Err(_) => None,
    })
}

/// What had ended by the old database, which goes for the regions whatever the new one says.
fn ended(connection: &Connection) -> Result<HashSet<ObjectId>, StoreError> {
    let doing = "find what ended";
    // It is kept by its record's id, which ends with its own.
    let sql = "SELECT substr(id, -16) FROM old.ended";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let ended = statement.query_map((), |row| row.get(0).map(ObjectId::from_bytes));
    let ended = ended.and_then(Iterator::collect);
    ended.doing(doing)
}

const fn is_on(object: &Object<ObjectId>) -> bool {
    match object {
        Object::Department(it) => it.enabled,
        Object::Project(it) => it.enabled,
        Object::User(it) => it.enabled,
        Object::Group(_) | Object::Role(_) => true,
    }
}

/// A thing's name, behind that of its department.
fn titled(connection: &Connection, object: &Object<ObjectId>) -> Result<String, StoreError> {
    Ok(match object.department() {
        Some(id) => {
            let home = named(connection, ObjectKind::Department, *id)?;
            format!("{home}/{}", object.name())
        }
        None => object.name().to_owned(),
    })
}

/// The same, of a thing that the new database has.
fn named(connection: &Connection, kind: ObjectKind, id: ObjectId) -> Result<String, StoreError> {
    // A name without a database's is looked for in the new one first.
    let reading = Reading { connection };
    match reading.object(kind, id)? {
        Some(object) => titled(connection, &object),
        None => Ok(id.to_string()),
    }
}

fn linked(connection: &Connection, link: &Link<ObjectId>) -> Result<String, StoreError> {
    let named = |kind, id| named(connection, kind, id);
    Ok(match link {
        Link::Membership(it) => {
            let group = named(ObjectKind::Group, it.group)?;
            format!("{} in the group {group}", named(ObjectKind::User, it.user)?)
        }
        Link::Implication(it) => {
            let implied = named(ObjectKind::Role, it.implied)?;
            format!(
                "the role {} brings {implied}",
                named(ObjectKind::Role, it.prior)?
            )
        }
        Link::Assignment(it) => {
            let actor = match it.actor {
                Actor::User(id) => named(ObjectKind::User, id)?,
                Actor::Group(id) => format!("the group {}", named(ObjectKind::Group, id)?),
            };
            let scope = match it.scope {
                Scope::Department(id) => named(ObjectKind::Department, id)?,
                Scope::Project(id) => named(ObjectKind::Project, id)?,
            };
            let below = if it.inherited { " (below it)" } else { "" };
            format!(
                "{actor}: {} in {scope}{below}",
                named(ObjectKind::Role, it.role)?
            )
        }
    })
}
