//! Whom a backup makes a cloud administrator again.

use shared::ids::ObjectId;
use shared::model::UnixMillis;

use super::super::directory::forget_passwords;
use super::super::error::{Doing, StoreError};
use super::earlier::{ADMINISTRATOR, Beside, has_table};

/// Those who are cloud administrators in the new database and are none in the old one, or were none
/// any more before an earlier restore, as department and name; all of the new one's where there is
/// no old one to compare with. Forgets their passwords at the hub: whoever was dismissed knows his
/// still, and would do everything here with it. To sign in he must be given another one, by who may
/// dismiss him again as well.
pub(super) fn again(beside: &Beside, now: UnixMillis) -> Result<Vec<String>, StoreError> {
    let doing = "find who is a cloud administrator again";
    let found = found(beside, beside.has_old)
        .or_else(|_| found(beside, false))
        .doing(doing)?;
    let none = found.iter().filter(|it| !it.is_still);
    let none = none.map(|it| it.user.to_bytes().to_vec());
    beside.note(ADMINISTRATOR, none).doing(doing)?;
    let (users, names): (Vec<_>, Vec<_>) = found.into_iter().map(|it| (it.user, it.name)).unzip();
    forget_passwords(&beside.connection, &users, now)?;
    Ok(names)
}

/// Those who are cloud administrators in the old database and are none in the new one, as
/// department and name: they keep the role in every region, of which the new one knows nothing.
pub(super) fn since(beside: &Beside) -> rusqlite::Result<Vec<String>> {
    let connection = &beside.connection;
    if !beside.has_old || !has_table(connection, "administrators")? {
        return Ok(Vec::new());
    }
    let sql = "SELECT it.user, home.name || '/' || his.name
         FROM old.administrators AS it
         LEFT JOIN old.names AS his ON his.id = it.user
         LEFT JOIN old.names AS home ON home.id = his.department
         WHERE it.user NOT IN (SELECT user FROM main.administrators)
         ORDER BY 2";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([], |row| {
        let name: Option<String> = row.get(1)?;
        let user = ObjectId::from_bytes(row.get(0)?);
        Ok(name.unwrap_or_else(|| user.to_string()))
    });
    found?.collect()
}

struct Found {
    user: ObjectId,
    name: String,
    /// Whether the old database has him as one, whom an earlier restore brought back.
    is_still: bool,
}

fn found(beside: &Beside, is_compared: bool) -> rusqlite::Result<Vec<Found>> {
    let connection = &beside.connection;
    let (still, passwords) = match is_compared && has_table(connection, "administrators")? {
        true => (
            "SELECT user FROM old.administrators",
            "SELECT user FROM old.passwords",
        ),
        // A release that knew of none yet.
        false => ("SELECT NULL WHERE 0", "SELECT NULL WHERE 0"),
    };
    // Whom an earlier restore brought back has no password since, unless somebody saw to him.
    let sql = format!(
        "SELECT it.user, home.name || '/' || his.name, it.user IN ({still})
         FROM main.administrators AS it
         LEFT JOIN main.names AS his ON his.id = it.user
         LEFT JOIN main.names AS home ON home.id = his.department
         WHERE it.user NOT IN ({still})
            OR it.user IN (SELECT id FROM gone WHERE what = ?1) AND it.user NOT IN ({passwords})
         ORDER BY 2"
    );
    let mut statement = connection.prepare(&sql)?;
    let found = statement.query_map([ADMINISTRATOR], |row| {
        let user = ObjectId::from_bytes(row.get(0)?);
        let name: Option<String> = row.get(1)?;
        Ok(Found {
            user,
            name: name.unwrap_or_else(|| user.to_string()),
            is_still: row.get(2)?,
        })
    });
    found?.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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

    fn again(old: Option<&Path>, new: &Path) -> Vec<String> {
        let beside = Beside::open(new, old, NOW).unwrap();
        let names = super::again(&beside, NOW).unwrap();
        beside.close().unwrap();
        names
    }

    fn with_passwords(path: &Path) -> Vec<u8> {
        let connection = schema::open(path).unwrap();
        let sql = "SELECT user FROM passwords ORDER BY user";
        let mut statement = connection.prepare(sql).unwrap();
        let users = statement.query_map((), |row| row.get::<_, [u8; 16]>(0));
        users.unwrap().map(|it| it.unwrap()[0]).collect()
    }

    #[test]
    fn who_was_appointed_since_a_backup_is_named_as_he_keeps_the_role() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = [("old.db", [2, 4]), ("new.db", [2, 3])];
        let [old, new] = [old, new].map(|(name, of)| database(folder.path(), name, &of));
        let since = |old: Option<&Path>| {
            let beside = Beside::open(&new, old, NOW).unwrap();
            let names = super::since(&beside).unwrap();
            beside.close().unwrap();
            names
        };
        assert_eq!(since(Some(&old)), ["research/user 4"]);
        assert_eq!(since(None), Vec::<String>::new());
    }

    #[test]
    fn who_was_dismissed_since_a_backup_opens_nothing_by_his_password() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let old = database(folder, "old", &[2, 4]);
        let new = database(folder, "new", &[2, 3]);
        assert_eq!(again(Some(&old), &new), ["research/user 3"]);
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
    fn who_has_no_name_is_named_by_his_id() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let old = database(folder, "old", &[2]);
        let new = database(folder, "new", &[2, 10]);
        let id = ObjectId::from_bytes([10; 16]).to_string();
        assert_eq!(again(Some(&old), &new), [id]);
        assert_eq!(with_passwords(&new), [2, 9]);
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
            assert_eq!(again(old, &new), all);
            assert_eq!(with_passwords(&new), [9]);
        }
    }
}
