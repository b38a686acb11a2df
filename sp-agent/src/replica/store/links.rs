//! Which links were made or met, and in which order that was noted.

use rusqlite::{Connection, params};
use shared::model::CloudId;

use crate::replica::{Base, Noted, Tied};

/// How the file has it that a link was made, or is about to be.
const MADE: i64 = 1;
const MAKING: i64 = 2;

const fn made(tied: Tied) -> i64 {
    match tied {
        Tied::Met => 0,
        Tied::Made => MADE,
        Tied::Making => MAKING,
    }
}

pub(super) fn load(connection: &Connection, base: &mut Base) -> rusqlite::Result<()> {
    let mut links = connection.prepare_cached("SELECT id, made, noted FROM applied_link")?;
    let mut rows = links.query(())?;
    while let Some(row) = rows.next()? {
        let (id, made, order): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let order = u64::try_from(order).unwrap_or(0);
        let tied = match made {
            MADE => Tied::Made,
            MAKING => Tied::Making,
            _ => Tied::Met,
        };
        base.links_noted = base.links_noted.max(order);
        base.links.insert(CloudId::new(&id), Noted { tied, order });
    }
    Ok(())
}

/// Keeps how a link came to be, as the latest unless it was about to be made before; `None` forgets
/// it.
pub(super) fn keep(
    connection: &Connection,
    id: &CloudId,
    tied: Option<Tied>,
) -> rusqlite::Result<()> {
    let id = id.to_string();
    match tied {
        Some(tied) => connection
            .prepare_cached(
                "INSERT INTO applied_link (id, made, noted)
                 VALUES (?1, ?2, (SELECT coalesce(max(noted), 0) + 1 FROM applied_link))
                 ON CONFLICT (id) DO UPDATE SET made = excluded.made,
                     noted = CASE made WHEN ?3 THEN noted ELSE excluded.noted END",
            )?
            .execute(params![id, made(tied), MAKING]),
        None => connection
            .prepare_cached("DELETE FROM applied_link WHERE id = ?1")?
            .execute([id]),
    }
    .map(drop)
}
