//! Users of the directory who are cloud administrators, found by one look; and whose sessions a
//! change ends.

use rusqlite::params;
use shared::ids::ObjectId;
use shared::model::{Administration, Link, Object, ObjectKind, Subject};

use super::write::Rows;
use crate::directory::{Delta, Directory};
use crate::store::error::{Doing, StoreError};
use crate::store::users::UserRow;
use crate::store::{Changing, Reading};

impl Reading<'_> {
    /// Whether a user is a cloud administrator. That he may sign in is another question.
    ///
    /// # Errors
    /// If the database fails.
    pub fn is_administrator(&self, user: ObjectId) -> Result<bool, StoreError> {
        self.prepared("SELECT 1 FROM administrators WHERE user = ?1")?
            .exists([user.to_bytes()])
            .doing("find a cloud administrator")
    }

    /// All of them, in the order of their ids: as many as there may be are a screenful.
    ///
    /// # Errors
    /// If the database fails.
    pub fn administrators(&self) -> Result<Vec<UserRow>, StoreError> {
        let mut statement = self.prepared("SELECT user FROM administrators ORDER BY user")?;
        let ids = statement.query_map((), |row| row.get(0).map(ObjectId::from_bytes));
        let ids: Vec<ObjectId> = ids
            .and_then(Iterator::collect)
            .doing("list the cloud administrators")?;
        let rows = ids
            .into_iter()
            .filter_map(|it| self.user_row(it).transpose());
        rows.collect()
    }

    /// Whether a cloud administrator is a user of this department: switched off, it signs him out
    /// everywhere.
    fn is_administrators_home(&self, department: ObjectId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM administrators JOIN names ON names.id = administrators.user
                   WHERE names.department = ?1";
        self.prepared(sql)?
            .exists([department.to_bytes()])
            .doing("find a department's cloud administrators")
    }

    /// Whether something is about a cloud administrator, his department, or about their place:
    /// there no region's word counts without an administrator's.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) fn is_of_administrators(&self, subject: &Subject) -> Result<bool, StoreError> {
        let place = Administration::of(self.federation()?);
        Ok(match subject {
            Subject::Object(ObjectKind::User, id) | Subject::Password(id) => {
                self.is_administrator(*id)?
            }
            Subject::Object(kind, id) => {
                *id == place.department
                    || *id == place.project
                    || (*kind == ObjectKind::Department && self.is_administrators_home(*id)?)
            }
            Subject::Link(link) => place.appointed(link).is_some(),
            Subject::Own(..) | Subject::Quota(..) | Subject::Reading(_) => false,
        })
    }
}

impl Rows<'_> {
    /// What a change says of cloud administrators. Whoever is none any more is signed out.
    pub(super) fn administrators(
        &self,
        directory: &Directory,
        delta: &Delta,
    ) -> Result<(), StoreError> {
        let place = directory.administration();
        let whose = |links: &[Link<ObjectId>]| -> Vec<ObjectId> {
            links.iter().filter_map(|it| place.appointed(it)).collect()
        };
        for user in whose(&delta.unlinked) {
            for sql in [
                "DELETE FROM administrators WHERE user = ?1",
                "DELETE FROM sessions WHERE user = ?1",
            ] {
                self.run(
                    sql,
                    params![user.to_bytes()],
                    "dismiss a cloud administrator",
                )?;
            }
        }
        let is_one = directory.administrators_of(&delta.linked);
        for user in is_one {
            let sql = "INSERT OR IGNORE INTO administrators (user) VALUES (?1)";
            self.run(
                sql,
                params![user.to_bytes()],
                "appoint a cloud administrator",
            )?;
        }
        Ok(())
    }
}

impl Changing<'_> {
    /// Ends the sessions of users who may not sign in any more, themselves or by their department,
    /// so that they don't go on where those are switched on again. Who ended has none already.
    pub(super) fn sign_out(
        &mut self,
        directory: &Directory,
        delta: &Delta,
    ) -> Result<(), StoreError> {
        for (kind, id) in &delta.put {
            let sql = match directory.live().object(*kind, id) {
                Some(Object::User(it)) if !it.enabled => "DELETE FROM sessions WHERE user = ?1",
                // By each session, as there are few beside a large department's users.
                Some(Object::Department(it)) if !it.enabled => {
                    "DELETE FROM sessions WHERE user IS NOT NULL
                     AND (SELECT department FROM names WHERE id = user) = ?1"
                }
                _ => continue,
            };
            self.execute(sql, &[&id.to_bytes()], "end web sessions")?;
        }
        Ok(())
    }
}
