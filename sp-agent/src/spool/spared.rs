//! What an audit did not meet and is to stay all the same, by what the record says.

use rusqlite::{OptionalExtension, params};
use shared::model::{CloudId, Key, Record, RecordKind};
use shared::wire::record::{Decoded, decode, encode_key};

use super::audits::Seen;
use super::error::Fault;
use super::put::Put;

impl Put<'_> {
    /// Whether a record is of a group or a department that could not be read. One that can't be
    /// decoded may be.
    pub(super) fn is_of_the_unread(
        &self,
        kind: u16,
        id: &[u8],
        seen: &Seen,
    ) -> Result<bool, Fault> {
        if !seen.spares_by_content() {
            return Ok(false);
        }
        Ok(match self.decoded(kind, id)? {
            None => false,
            Some(Decoded::Known(record)) => {
                seen.spares_record(&record) || self.may_be_of_the_unlisted(&record, seen)?
            }
            Some(Decoded::Unknown) => true,
        })
    }

    /// Whether a membership may be one of a group that was not listed: of one that is held, its
    /// department says so, and of one that is not, nobody knows.
    fn may_be_of_the_unlisted(&self, record: &Record, seen: &Seen) -> Result<bool, Fault> {
        let Record::Membership(membership) = record else {
            return Ok(false);
        };
        let group = &membership.group;
        if !seen.may_be_unlisted(group, None) {
            return Ok(false);
        }
        let department = self.department_of_group(group)?;
        Ok(seen.may_be_unlisted(group, department.as_ref()))
    }

    fn department_of_group(&self, group: &CloudId) -> Result<Option<CloudId>, Fault> {
        let (kind, id) = encode_key(&Key {
            kind: RecordKind::Group,
            id: group.clone(),
        })?;
        Ok(match self.decoded(kind, &id)? {
            Some(Decoded::Known(record)) => match *record {
                Record::Group(it) => Some(it.what.department),
                _ => None,
            },
            Some(Decoded::Unknown) | None => None,
        })
    }

    /// A live record; what can't be decoded is unknown.
    fn decoded(&self, kind: u16, id: &[u8]) -> Result<Option<Decoded>, Fault> {
        let sql = "SELECT value FROM record WHERE kind = ?1 AND id = ?2 AND value IS NOT NULL";
        let mut select = self.store.prepare_cached(sql)?;
        let value: Option<Vec<u8>> = select
            .query_row(params![kind, id], |row| row.get(0))
            .optional()?;
        Ok(value.map(|it| decode(kind, id, &it).unwrap_or(Decoded::Unknown)))
    }
}
