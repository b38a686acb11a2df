//! What was spent of the region's bounds, over a restart.
//!
//! Only here it is told by the wall clock how old a batch is. A clock that was put forward opens
//! one batch more; one that was put back makes the batch begin anew, once: it is written so.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, params};
use shared::model::UnixMillis;

use crate::replica::{Bound, Spent};

const BOUNDS: [Bound; 2] = [Bound::Removals, Bound::Withdrawals];

const fn name(bound: Bound) -> &'static str {
    match bound {
        Bound::Removals => "removals",
        Bound::Withdrawals => "withdrawals",
    }
}

/// What is kept, as old as it is now.
pub(super) fn load(
    connection: &Connection,
    now: UnixMillis,
) -> rusqlite::Result<BTreeMap<Bound, Spent>> {
    connection
        .prepare_cached("UPDATE spent SET began_ms = ?1 WHERE began_ms > ?1")?
        .execute([now.0])?;
    let mut spent = BTreeMap::new();
    let mut all = connection.prepare_cached("SELECT bound, began_ms, given, links FROM spent")?;
    let mut rows = all.query(())?;
    while let Some(row) = rows.next()? {
        let bound: String = row.get(0)?;
        let Some(bound) = BOUNDS.into_iter().find(|it| name(*it) == bound) else {
            continue;
        };
        let began: u64 = row.get(1)?;
        let age = Duration::from_millis(now.0.saturating_sub(began));
        let (count, links) = (row.get(2)?, row.get(3)?);
        spent.insert(bound, Spent { age, count, links });
    }
    Ok(spent)
}

/// Keeps it, as old as it is now.
pub(super) fn keep(
    connection: &Connection,
    bound: Bound,
    Spent { age, count, links }: &Spent,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let began = now.0.saturating_sub(age);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO spent (bound, began_ms, given, links) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![name(bound), began, count, links])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use shared::ids::FederationId;

    use super::super::Store;
    use super::*;
    use crate::replica::Note;

    const BATCH: Spent = Spent {
        age: Duration::from_secs(10),
        count: 7,
        links: 3,
    };

    fn store(folder: &tempfile::TempDir, federation: u8) -> Store {
        let federation = FederationId::from_bytes([federation; 16]);
        Store::open(folder.path(), federation, UnixMillis(7)).unwrap()
    }

    /// How old the batch is at a start when the clock says so many seconds.
    async fn age(folder: &tempfile::TempDir, federation: u8, secs: u64) -> u64 {
        let now = UnixMillis(secs * 1000);
        let base = store(folder, federation).base(now).await.unwrap();
        let spent = base.spent[&Bound::Withdrawals];
        assert_eq!((spent.count, spent.links), (BATCH.count, BATCH.links));
        assert_eq!(base.spent.len(), 1);
        spent.age.as_secs()
    }

    #[tokio::test]
    async fn a_batch_ages_by_the_clock_and_one_that_was_put_back_begins_it_anew_once() {
        let folder = tempfile::tempdir().unwrap();
        let notes = vec![
            Note::Spent(Bound::Withdrawals, Spent { count: 6, ..BATCH }),
            Note::Spent(Bound::Withdrawals, BATCH),
        ];
        let now = UnixMillis(1_000_000);
        store(&folder, 1).keep(notes, now).await.unwrap();
        assert_eq!(age(&folder, 1, 1000).await, 10);
        assert_eq!(age(&folder, 1, 1005).await, 15);
        assert_eq!(age(&folder, 1, 500).await, 0, "the clock was put back");
        assert_eq!(age(&folder, 1, 530).await, 30, "and goes on from there");
        assert_eq!(age(&folder, 1, 9000).await, 8500, "it was put forward");
        // The bounds are the region's, whichever hub it follows now.
        assert_eq!(age(&folder, 2, 9001).await, 8501);
    }
}
