//! What a backup gives again that was withdrawn since.
//!
//! Agents are told the older directory: who was switched off since then is on again in each cloud,
//! and has again what was taken away from him. Nothing in the backup says so, but the database
//! until now does. Whoever was deleted since is not among them: no agent makes him again.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use rusqlite::{Connection, Row, params};
use shared::ids::ObjectId;
use shared::model::{Actor, Link, Object, ObjectKind, Record, RecordKind, Scope};
use shared::wire::record::{self, Decoded, kind_code};

use super::earlier::{Beside, ENDED};
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

/// What of the old database's withdrawals the new one does not know, and of those that were known
/// before an earlier restore.
pub(super) fn again(beside: &Beside) -> Result<Withdrawn, StoreError> {
    note(beside)?;
    let ended = ended(&beside.connection)?;
    Ok(Withdrawn {
        on: on_again(&beside.connection, &ended)?,
        given: given_again(&beside.connection, &ended)?,
    })
}

/// Notes what is off in the old database, and what was taken away there. That it does not speak of
/// a link is no such word: it may be the older of the two.
fn note(beside: &Beside) -> Result<(), StoreError> {
    let doing = "note what was withdrawn";
    for kind in kinds(RecordKind::Department, RecordKind::User) {
        let sql = "SELECT was.kind, was.id, was.value, it.value FROM old.directory AS was
                   LEFT JOIN main.directory AS it
                       ON it.region = was.region AND it.kind = was.kind AND it.id = was.id
                   WHERE was.region = ?1 AND was.kind = ?2 AND was.value IS NOT it.value";
        let mut statement = beside.connection.prepare(sql).doing(doing)?;
        let mut rows = statement.query(params![EVERYWHERE, kind]).doing(doing)?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let is_off = |at| -> rusqlite::Result<bool> {
                let object = record_at(row, at)?.and_then(object_of);
                Ok(object.is_some_and(|(_, it)| !is_on(&it)))
            };
            if is_off(2).doing(doing)? && !is_off(3).doing(doing)? {
                ids.push(row.get(1).doing(doing)?);
            }
        }
        beside.note(kind, ids).doing(doing)?;
    }
    for kind in kinds(RecordKind::Membership, RecordKind::Assignment) {
        let sql = "SELECT was.id FROM old.directory AS was
                   LEFT JOIN main.directory AS it
                       ON it.region = was.region AND it.kind = was.kind AND it.id = was.id
                   WHERE was.region = ?1 AND was.kind = ?2 AND was.value IS NULL
                       AND (it.id IS NULL OR it.value IS NOT NULL)";
        let row = params![EVERYWHERE, kind];
        beside.note_found(kind, sql, row).doing(doing)?;
    }
    Ok(())
}

fn kinds(first: RecordKind, last: RecordKind) -> RangeInclusive<u16> {
    kind_code(first)..=kind_code(last)
}

fn on_again(connection: &Connection, ended: &HashSet<ObjectId>) -> Result<Named, StoreError> {
    let mut again = Named::default();
    let kinds = kinds(RecordKind::Department, RecordKind::User);
    given(connection, kinds, |record| {
        let Some((id, object)) = object_of(record) else {
            return Ok(());
        };
        match is_on(&object) && !ended.contains(&id) {
            true => again.add(|| {
                let kind = object.kind().name();
                Ok(format!("{kind} {}", titled(connection, &object)?))
            }),
            false => Ok(()),
        }
    })?;
    Ok(again)
}

fn given_again(connection: &Connection, ended: &HashSet<ObjectId>) -> Result<Named, StoreError> {
    let mut again = Named::default();
    let kinds = kinds(RecordKind::Membership, RecordKind::Assignment);
    given(connection, kinds, |record| match link_of(record) {
        Some(link) if !link.ends().any(|(_, id)| ended.contains(id)) => {
            again.add(|| linked(connection, &link))
        }
        _ => Ok(()),
    })?;
    Ok(again)
}

/// What the new database has of what is gone.
fn given(
    connection: &Connection,
    kinds: RangeInclusive<u16>,
    mut each: impl FnMut(Record) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let doing = "find what is given again";
    let sql = "SELECT it.kind, it.id, it.value FROM gone
               JOIN main.directory AS it ON it.kind = gone.what AND it.id = gone.id
               WHERE it.region = ?1 AND gone.what BETWEEN ?2 AND ?3 AND it.value IS NOT NULL
               ORDER BY it.kind, it.id";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let row = params![EVERYWHERE, kinds.start(), kinds.end()];
    let mut rows = statement.query(row).doing(doing)?;
    while let Some(row) = rows.next().doing(doing)? {
        if let Some(record) = record_at(row, 2).doing(doing)? {
            each(record)?;
        }
    }
    Ok(())
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

/// What had ended by the old database, or before an earlier restore, which goes for the regions
/// whatever the new one says.
fn ended(connection: &Connection) -> Result<HashSet<ObjectId>, StoreError> {
    let doing = "find what ended";
    let sql = "SELECT id FROM gone WHERE what = ?1";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let ended = statement.query_map([ENDED], |row| row.get(0).map(ObjectId::from_bytes));
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
