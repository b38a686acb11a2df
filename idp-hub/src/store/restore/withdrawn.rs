//! What a backup gives again that was withdrawn since.
//!
//! Agents are told the older directory: who was switched off since then is on again in each cloud,
//! and has again what was taken away from him. Nothing in the backup says so, but the database
//! until now does. Whoever was deleted since is not among them: no agent makes him again.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::{Connection, Row, params};
use shared::ids::ObjectId;
use shared::model::{Actor, Link, Object, ObjectKind, Record, RecordKind, Scope};
use shared::wire::record::{self, Decoded, kind_code};

use super::examine::open;
use crate::directory::{link_of, object_of};
use crate::store::Reading;
use crate::store::directory::EVERYWHERE;
use crate::store::error::{Doing, StoreError};

/// As many are named; of more, their number says enough.
const NAMED_MAX: usize = 1000;

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

/// What of the old database's withdrawals the new one does not know.
pub(super) fn again(old: &Path, new: &Path) -> Result<Withdrawn, StoreError> {
    let doing = "compare with the database until now";
    let connection = open(new).doing(doing)?;
    connection
        .execute("ATTACH ?1 AS old", [old.to_string_lossy()])
        .doing(doing)?;
    Ok(Withdrawn {
        on: on_again(&connection)?,
        given: given_again(&connection)?,
    })
}

fn on_again(connection: &Connection) -> Result<Named, StoreError> {
    let doing = "find what was switched off";
    let sql = "SELECT it.kind, it.id, it.value, was.value
               FROM main.directory AS it JOIN old.directory AS was
                   ON was.region = it.region AND was.kind = it.kind AND was.id = it.id
               WHERE it.region = ?1 AND it.kind BETWEEN ?2 AND ?3 AND it.value <> was.value
               ORDER BY it.kind, it.id";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let kinds = [RecordKind::Department, RecordKind::User].map(kind_code);
    let mut rows = statement
        .query(params![EVERYWHERE, kinds[0], kinds[1]])
        .doing(doing)?;
    let mut again = Named::default();
    while let Some(row) = rows.next().doing(doing)? {
        let object = |at| -> Result<Option<Object<ObjectId>>, StoreError> {
            let record = record_at(row, at).doing(doing)?;
            Ok(record.and_then(object_of).map(|(_, object)| object))
        };
        let (Some(now), Some(was)) = (object(2)?, object(3)?) else {
            continue;
        };
        if is_on(&now) && !is_on(&was) {
            let kind = now.kind().name();
            again.add(|| Ok(format!("{kind} {}", titled(connection, &now)?)))?;
        }
    }
    Ok(again)
}

/// What the old database says is gone, of what the new one has. That the old one does not speak of
/// a link is no such word: it may be the older of the two.
fn given_again(connection: &Connection) -> Result<Named, StoreError> {
    let doing = "find what was taken away";
    let ended = ended(connection)?;
    let sql = "SELECT it.kind, it.id, it.value
               FROM main.directory AS it JOIN old.directory AS was
                   ON was.region = it.region AND was.kind = it.kind AND was.id = it.id
               WHERE it.region = ?1 AND it.kind BETWEEN ?2 AND ?3
                   AND it.value IS NOT NULL AND was.value IS NULL
               ORDER BY it.kind, it.id";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let kinds = [RecordKind::Membership, RecordKind::Assignment].map(kind_code);
    let mut rows = statement
        .query(params![EVERYWHERE, kinds[0], kinds[1]])
        .doing(doing)?;
    let mut again = Named::default();
    while let Some(row) = rows.next().doing(doing)? {
        let link = record_at(row, 2).doing(doing)?.and_then(link_of);
        let Some(link) = link else {
            continue;
        };
        if !link.ends().any(|(_, id)| ended.contains(id)) {
            again.add(|| linked(connection, &link))?;
        }
    }
    Ok(again)
}

/// The record of a row that begins with kind and id, by the value in this column; `None` if it
/// can't be read.
fn record_at(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Record>> {
    let (kind, id, value) = (row.get(0)?, row.get_ref(1)?, row.get_ref(at)?);
    Ok(
        match record::decode(kind, id.as_blob()?, value.as_blob()?) {
            Ok(Decoded::Known(record)) => Some(*record),
            Ok(Decoded::Unknown) | Err(_) => None,
        },
    )
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
