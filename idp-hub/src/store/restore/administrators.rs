//! Whom a backup makes a cloud administrator again.

use std::path::Path;

use rusqlite::Connection;
use shared::ids::ObjectId;
use shared::model::UnixMillis;

use super::super::directory::forget_passwords;
use super::super::error::{Doing, StoreError};
use super::examine::{fold_in, open};

/// Those who are cloud administrators in the new database and are none in the old one, as
/// department and name; all of the new one's where there is no old one to compare with. Forgets
/// their passwords at the hub: whoever was dismissed knows his still, and would do everything here
/// with it. To sign in he must be given another one, by who may dismiss him again as well.
pub(super) fn again(
    old: Option<&Path>,
    new: &Path,
    now: UnixMillis,
) -> Result<Vec<String>, StoreError> {
    let doing = "find who is a cloud administrator again";
    let connection = open(new).doing(doing)?;
    let (users, names) = found(&connection, old).doing(doing)?;
    forget_passwords(&connection, &users, now)?;
    fold_in(&connection).doing(doing)?;
    Ok(names)
}

fn found(
    connection: &Connection,
    old: Option<&Path>,
) -> rusqlite::Result<(Vec<ObjectId>, Vec<String>)> {
    let is_known = match old {
        Some(old) => {
            connection.execute("ATTACH ?1 AS old", [old.to_string_lossy()])?;
            has_them(connection)?
        }
        None => false,
    };
    let still = match is_known {
        true => "SELECT user FROM old.administrators",
        // A release that knew of none yet.
        false => "SELECT NULL WHERE 0",
    };
    let sql = format!("SELECT user FROM main.administrators WHERE user NOT IN ({still})");
    let mut statement = connection.prepare(&sql)?;
    let users = statement.query_map((), |row| row.get(0).map(ObjectId::from_bytes));
    let users = users?.collect::<rusqlite::Result<_>>()?;
    drop(statement);
    let sql = format!(
        "SELECT home.name || '/' || his.name FROM main.administrators AS it
         JOIN main.names AS his ON his.id = it.user
         JOIN main.names AS home ON home.id = his.department
         WHERE it.user NOT IN ({still}) ORDER BY 1"
    );
    let mut statement = connection.prepare(&sql)?;
    let names = statement.query_map((), |row| row.get(0));
    let names = names?.collect::<rusqlite::Result<_>>()?;
    drop(statement);
    if old.is_some() {
        connection.execute("DETACH old", ())?;
    }
    Ok((users, names))
}

fn has_them(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM old.sqlite_schema WHERE type = 'table' AND name = 'administrators'";
    connection.prepare(sql)?.exists(())
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;
    use crate::store::schema;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    /// A hub's database with these cloud administrators, who have passwords, as has user 9.
    fn database(folder: &Path, name: &str, administrators: &[u8]) -> std::path::PathBuf {
        let path = folder.join(name);
        let mut connection = schema::open(&path).unwrap();
        schema::migrate(&mut connection).unwrap();
        let id = |number: u8| [number; 16];
        let named = "INSERT INTO names (id, name, department) VALUES (?1, ?2, ?3)";
        let home: Option<[u8; 16]> = None;
        connection
            .execute(named, params![id(1), "research", home])
            .unwrap();
        for number in 2..=9 {
            let row = params![id(number), format!("user {number}"), id(1)];
            connection.execute(named, row).unwrap();
        }
        let has = "INSERT INTO passwords (user, hash, version, author) VALUES (?1, 'h', 5, 'b')";
        for number in administrators.iter().chain(&[9]) {
            connection.execute(has, [id(*number)]).unwrap();
        }
        for number in administrators {
            let sql = "INSERT INTO administrators (user) VALUES (?1)";
            connection.execute(sql, [id(*number)]).unwrap();
        }
        path
    }

    fn with_passwords(path: &Path) -> Vec<u8> {
        let connection = schema::open(path).unwrap();
        let sql = "SELECT user FROM passwords ORDER BY user";
        let mut statement = connection.prepare(sql).unwrap();
        let users = statement.query_map((), |row| row.get::<_, [u8; 16]>(0));
        users.unwrap().map(|it| it.unwrap()[0]).collect()
    }

    #[test]
    fn who_was_dismissed_since_a_backup_opens_nothing_by_his_password() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let old = database(folder, "old", &[2, 4]);
        let new = database(folder, "new", &[2, 3]);
        assert_eq!(again(Some(&old), &new, NOW).unwrap(), ["research/user 3"]);
        assert_eq!(with_passwords(&new), [2, 9]);
        assert!(
            !folder
                .join("new-wal")
                .metadata()
                .is_ok_and(|it| it.len() > 0)
        );
        assert_eq!(with_passwords(&old), [2, 4, 9], "and nothing there");
    }

    #[test]
    fn where_nobody_knows_who_was_dismissed_each_is_given_another_password() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let old = database(folder, "old", &[2]);
        let connection = schema::open(&old).unwrap();
        connection.execute("DROP TABLE administrators", ()).unwrap();
        drop(connection);
        for old in [None, Some(old.as_path())] {
            let name = format!("new {}", old.is_some());
            let new = database(folder, &name, &[2, 3]);
            let all = ["research/user 2", "research/user 3"];
            assert_eq!(again(old, &new, NOW).unwrap(), all);
            assert_eq!(with_passwords(&new), [9]);
        }
    }
}
