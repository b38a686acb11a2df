//! The directory, page by page, for whoever looks at it.

use rusqlite::{OptionalExtension, params};
use shared::ids::ObjectId;
use shared::model::{Link, Object, ObjectKind, Record, RecordKind};
use shared::wire::record::{self, kind_code};

use super::EVERYWHERE;
use super::load::{UNREADABLE, record_of, stamp_of};
use crate::directory::{Stamp, link_of, object_of, outward, record_kind};
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::records::PAGE_MAX;

/// One thing of the directory, and its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The thing.
    pub what: T,
    /// Who changed it last, and when.
    pub stamp: Stamp,
}

/// Some of the things of a kind, and from where the next ones go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPage<T> {
    /// The things, in the order of their ids.
    pub items: Vec<Listed<T>>,
    /// The encoded id to go on after; `None` at the end.
    pub next: Option<Vec<u8>>,
}

/// An object and its id.
pub type Known = (ObjectId, Object<ObjectId>);

impl Reading<'_> {
    /// Objects of one kind whose encoded ids follow `after`: those with just this name, if one is
    /// given.
    ///
    /// # Errors
    /// If the database fails.
    pub fn objects(
        &self,
        kind: ObjectKind,
        name: Option<&str>,
        after: &[u8],
        limit: u32,
    ) -> Result<ListedPage<Known>, StoreError> {
        self.objects_seen(kind, (after, limit), |_, object| {
            name.is_none_or(|name| object.name() == name)
        })
    }

    /// As [`objects`](Self::objects): those that `is_seen`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn objects_seen(
        &self,
        kind: ObjectKind,
        (after, limit): (&[u8], u32),
        is_seen: impl Fn(ObjectId, &Object<ObjectId>) -> bool,
    ) -> Result<ListedPage<Known>, StoreError> {
        self.listed(record_kind(kind), after, limit, |record| {
            let (id, object) = object_of(record).ok_or(UNREADABLE)?;
            Ok(is_seen(id, &object).then_some((id, object)))
        })
    }

    /// Links of one kind whose encoded ids follow `after`: those that `is_seen`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn links_seen(
        &self,
        kind: RecordKind,
        (after, limit): (&[u8], u32),
        is_seen: impl Fn(&Link<ObjectId>) -> bool,
    ) -> Result<ListedPage<Link<ObjectId>>, StoreError> {
        self.listed(kind, after, limit, |record| {
            let link = link_of(record).ok_or(UNREADABLE)?;
            Ok(is_seen(&link).then_some(link))
        })
    }

    /// The link of this kind whose record has this encoded id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn link(&self, kind: RecordKind, id: &[u8]) -> Result<Option<Link<ObjectId>>, StoreError> {
        let sql = "SELECT kind, id, value FROM directory
                   WHERE region = ?1 AND kind = ?2 AND id = ?3 AND value IS NOT NULL";
        let record = self
            .prepared(sql)?
            .query_row(params![EVERYWHERE, kind_code(kind), id], record_of)
            .optional()
            .doing("find a link")?;
        Ok(record.flatten().and_then(link_of))
    }

    /// One live object with its last change.
    ///
    /// # Errors
    /// If the database fails.
    pub fn listed_object(
        &self,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Result<Option<Listed<Known>>, StoreError> {
        let Some(object) = self.object(kind, id)? else {
            return Ok(None);
        };
        let sql = "SELECT author, at_ms, epoch FROM directory
                   WHERE region = ?1 AND kind = ?2 AND id = ?3";
        let doing = "find an object";
        let key = record::encode_id(&outward(id)).map_err(|_| UNREADABLE)?;
        let key = params![EVERYWHERE, kind_code(record_kind(kind)), key];
        let mut statement = self.prepared(sql)?;
        let stamp = statement.query_row(key, |row| stamp_of(row, 0));
        Ok(Some(Listed {
            what: (id, object),
            stamp: stamp.doing(doing)?,
        }))
    }

    fn listed<T>(
        &self,
        kind: RecordKind,
        after: &[u8],
        limit: u32,
        wanted: impl Fn(Record) -> Result<Option<T>, StoreError>,
    ) -> Result<ListedPage<T>, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX) as usize;
        let sql = "SELECT kind, id, value, author, at_ms, epoch FROM directory
                   WHERE region = ?1 AND kind = ?2 AND id > ?3 AND value IS NOT NULL ORDER BY id";
        let doing = "list the directory";
        let mut statement = self.prepared(sql)?;
        let mut rows = statement
            .query(params![EVERYWHERE, kind_code(kind), after])
            .doing(doing)?;
        let mut page = ListedPage {
            items: Vec::new(),
            next: None,
        };
        while let Some(row) = rows.next().doing(doing)? {
            let record = record_of(row).doing(doing)?.ok_or(UNREADABLE)?;
            let Some(what) = wanted(record)? else {
                continue;
            };
            let stamp = stamp_of(row, 3).doing(doing)?;
            page.items.push(Listed { what, stamp });
            if page.items.len() == limit {
                page.next = Some(row.get(1).doing(doing)?);
                break;
            }
        }
        Ok(page)
    }
}
