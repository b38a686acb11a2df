//! What was under way when a backup was made, and does not go on by itself.
//!
//! Whoever gave the word may have taken it back since, and nothing in the backup says so; what
//! would follow can't be undone. So all of it ends in the same step that notes the restore, whether
//! or not the database until now can be read, and is said anew by whoever still wants it.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use shared::audit::Act;
use shared::ids::ObjectId;
use shared::model::{ObjectKind, Purge, PurgeStep, Record, RecordKind, UnixMillis};
use shared::wire::Digest;
use shared::wire::record::{self, Decoded, kind_code};

use super::examine::by;
use super::withdrawn::{NAMED_MAX, Named};
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;
use crate::store::{Reading, audit};

const PURGE: u16 = kind_code(RecordKind::Purge);

/// What was under way when a backup was made, and is no more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// What regions were told to purge, and are not told any more.
    pub purges: Named,
    /// Limits that waited until others have less, and are not given any more.
    pub raises: Named,
    /// The first thousand of these again, as they can be set.
    pub limits: Vec<DroppedLimit>,
}

/// A limit that is not given any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedLimit {
    /// The region's name.
    pub region: String,
    /// Whose.
    pub project: ObjectId,
    /// The cloud's name of what is limited.
    pub resource: String,
    /// The limit.
    pub limit: u64,
}

/// Ends all of it, in a database that is about to take another's place.
pub(super) fn end(connection: &Connection, now: UnixMillis) -> Result<UnderWay, StoreError> {
    let purges = lapse_purges(connection, now)?;
    let (raises, limits) = drop_raises(connection, now)?;
    Ok(UnderWay {
        purges,
        raises,
        limits,
    })
}

/// No region is to act by a word of the backup: as each is told all of its feed anew, also one that
/// was told since that the word is taken back.
fn lapse_purges(connection: &Connection, now: UnixMillis) -> Result<Named, StoreError> {
    let doing = "find what was being purged";
    let sql = "SELECT region, id, value FROM directory
               WHERE kind = ?1 AND value IS NOT NULL ORDER BY region, id";
    let mut statement = connection.prepare(sql).doing(doing)?;
    let rows = statement.query_map([PURGE], |row| {
        Ok((RegionNo(row.get(0)?), row.get(1)?, row.get(2)?))
    });
    let rows = rows.and_then(Iterator::collect).doing(doing)?;
    let rows: Vec<(RegionNo, Vec<u8>, Vec<u8>)> = rows;
    let mut lapsed: BTreeMap<(ObjectKind, ObjectId), (String, Vec<String>)> = BTreeMap::new();
    for (no, id, value) in rows {
        let Some(purge) = purge_of(&id, &value) else {
            // Nobody knows what it says: no region is told it.
            replace(connection, no, &id, (&value, None))?;
            continue;
        };
        if purge.step == PurgeStep::Lapsed {
            continue;
        }
        let (what, name) = ((purge.kind, purge.object), purge.name.clone());
        let step = PurgeStep::Lapsed;
        let record = Record::Purge(Purge { step, ..purge });
        let record = record::encode(&record).map_err(|_| UNREADABLE)?;
        replace(connection, no, &id, (&value, Some(&record.value)))?;
        let region = Reading { connection }.region_numbered(no)?;
        let (_, regions) = lapsed.entry(what).or_insert((name, Vec::new()));
        regions.extend(region.map(|it| it.facts.name));
    }
    let mut named = Named::default();
    for ((kind, id), (name, regions)) in lapsed {
        let act = Act::new(by(), "lapse-purge").on(kind.name(), id, name.as_str());
        let before = format!("to be purged in {}", regions.join(", "));
        audit::note(connection, now, act.changing(before, "retired"))?;
        named.add(|| Ok(format!("the {} {name}", kind.name())))?;
    }
    Ok(named)
}

/// What waits in the backup may have been given since, and another limit set over it by somebody of
/// whom the backup knows nothing. Those that were to have less first stay so, as nobody knows
/// whether their regions were told: so who shifted it has nothing to shift again.
fn drop_raises(
    connection: &Connection,
    now: UnixMillis,
) -> Result<(Named, Vec<DroppedLimit>), StoreError> {
    // That they end is worth more than which they were.
    let all = Reading { connection }.raises_in_words().unwrap_or_default();
    let dropped = connection.execute("DELETE FROM quota_raises", ());
    let dropped = dropped.doing("end the limits that wait")?;
    let (mut named, mut limits) = (Named::default(), Vec::new());
    for it in all {
        let act = Act::new(by(), "set-quota").on("project", it.project, it.name.as_str());
        let why = "it waits no more: the hub was restored from a backup";
        audit::note(connection, now, act.changing(it.words.as_str(), why))?;
        named.add(|| Ok(format!("{} {}", it.name, it.words)))?;
        if limits.len() < NAMED_MAX {
            limits.push(DroppedLimit {
                region: it.region,
                project: it.project,
                resource: it.resource,
                limit: it.limit,
            });
        }
    }
    named.count = dropped as u64;
    Ok((named, limits))
}

fn purge_of(id: &[u8], value: &[u8]) -> Option<Purge> {
    match record::decode(PURGE, id, value) {
        Ok(Decoded::Known(record)) => match *record {
            Record::Purge(it) => Some(it),
            _ => None,
        },
        Ok(Decoded::Unknown) | Err(_) => None,
    }
}

/// Another value for a row of a region's own feed, with the digest of all of these. It keeps its
/// number: that feed has another id from now on, and nobody holds any of it.
fn replace(
    connection: &Connection,
    no: RegionNo,
    id: &[u8],
    (before, value): (&[u8], Option<&[u8]>),
) -> Result<(), StoreError> {
    let doing = "end what was being purged";
    let sql = "SELECT digest FROM region_organization WHERE region = ?1";
    let digest = connection.query_row(sql, [no.0], |row| row.get(0));
    let mut digest = Digest::from_bytes(digest.doing(doing)?);
    digest.subtract(Digest::of(PURGE, id, before));
    if let Some(value) = value {
        digest.add(Digest::of(PURGE, id, value));
    }
    let sql = "UPDATE directory SET value = ?4 WHERE region = ?1 AND kind = ?2 AND id = ?3";
    let row = params![no.0, PURGE, id, value];
    connection.execute(sql, row).doing(doing)?;
    let sql = "UPDATE region_organization SET digest = ?2 WHERE region = ?1";
    let row = params![no.0, digest.to_bytes()];
    connection.execute(sql, row).doing(doing).map(drop)
}

/// Nothing that is stored here can cause it.
const UNREADABLE: StoreError = StoreError::Row {
    what: "word to purge something",
};
