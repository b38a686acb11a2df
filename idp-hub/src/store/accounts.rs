//! Who may use the console and the API, and who does now.

use rusqlite::{OptionalExtension, params};
use shared::ids::ObjectId;
use shared::model::UnixMillis;
use shared::pki::SecretHash;

use super::error::{Doing, StoreError};
use super::{Changing, Reading};

/// Web sessions of one account at a time. A person has a few browsers; a script that signs in and
/// never out pushes out its own oldest.
const SESSIONS_MAX: u32 = 64;

/// An account as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its name.
    pub name: String,
    /// A PHC string, argon2id.
    pub password_hash: String,
    /// When the password was last set.
    pub changed: UnixMillis,
}

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// An account of the hub.
    Account(String),
    /// A user of the directory.
    User(ObjectId),
}

/// A web session as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Whose.
    pub whose: Whose,
    /// When it ends by itself.
    pub expires: UnixMillis,
}

impl Reading<'_> {
    /// The account with this name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn account(&self, name: &str) -> Result<Option<AccountRow>, StoreError> {
        let sql = "SELECT name, password_hash, changed_ms FROM accounts WHERE name = ?1";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let row = |row: &rusqlite::Row<'_>| {
                    Ok(AccountRow {
                        name: row.get(0)?,
                        password_hash: row.get(1)?,
                        changed: UnixMillis(row.get(2)?),
                    })
                };
                statement.query_row([name], row).optional()
            })
            .doing("find an account")
    }

    /// The web session whose cookie has this hash, if it is not over at `now`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn web_session(
        &self,
        token: SecretHash,
        now: UnixMillis,
    ) -> Result<Option<SessionRow>, StoreError> {
        let sql = "SELECT account, user, expires_ms FROM sessions
                   WHERE token_hash = ?1 AND expires_ms > ?2";
        let row = |row: &rusqlite::Row<'_>| {
            let (account, user): (Option<String>, Option<[u8; 16]>) = (row.get(0)?, row.get(1)?);
            let user = user.map(|it| Whose::User(ObjectId::from_bytes(it)));
            Ok((account.map(Whose::Account).or(user), row.get(2)?))
        };
        let found: Option<(Option<Whose>, u64)> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut it| {
                it.query_row(params![token.to_bytes(), now.0], row)
                    .optional()
            })
            .doing("find a web session")?;
        Ok(found.and_then(|(whose, expires)| {
            Some(SessionRow {
                whose: whose?,
                expires: UnixMillis(expires),
            })
        }))
    }
}

impl Changing<'_> {
    /// The account with this name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn account(&self, name: &str) -> Result<Option<AccountRow>, StoreError> {
        Reading {
            connection: self.connection,
        }
        .account(name)
    }

    /// Makes an account, or gives an existing one another password. Whoever is signed in as it is
    /// signed out.
    ///
    /// # Errors
    /// If the database fails.
    pub fn set_password(&mut self, account: &str, password_hash: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO accounts (name, password_hash, created_ms, changed_ms)
                   VALUES (?1, ?2, ?3, ?3)
                   ON CONFLICT (name) DO UPDATE SET password_hash = ?2, changed_ms = ?3";
        let row: [&dyn rusqlite::ToSql; 3] = [&account, &password_hash, &self.now.0];
        self.execute(sql, &row, "set a password")?;
        let sql = "DELETE FROM sessions WHERE account = ?1";
        self.execute(sql, &[&account], "end web sessions")
    }

    /// Gives an account another password, by somebody who showed in a session of it that he knows
    /// the one until now: while it is still that, and the session goes on. What an administrator
    /// set meanwhile counts.
    ///
    /// # Errors
    /// If either is not so any more, or the database fails.
    pub fn change_own_password(
        &mut self,
        checked: &AccountRow,
        session: SecretHash,
        password_hash: &str,
    ) -> Result<(), StoreError> {
        let found = self.account(&checked.name)?;
        let is_checked = found.is_some_and(|it| it.password_hash == checked.password_hash);
        let session = self.reading().web_session(session, self.now)?;
        let its = Whose::Account(checked.name.clone());
        if !is_checked || session.is_none_or(|it| it.whose != its) {
            let what = "another password of this account was set at the same moment, or the \
                        session ended; sign in again";
            return Err(StoreError::Refused(what.to_owned()));
        }
        self.set_password(&checked.name, password_hash)
    }

    /// Begins a web session. Forgets those that are over, and the account's oldest beyond
    /// a bound. False, and nothing done, if the account's password is not the one that was
    /// checked: it was changed meanwhile.
    ///
    /// # Errors
    /// If the database fails.
    pub fn begin_web_session(
        &mut self,
        token: SecretHash,
        account: &AccountRow,
        expires: UnixMillis,
    ) -> Result<bool, StoreError> {
        let found = self.account(&account.name)?;
        if found.is_none_or(|found| found.password_hash != account.password_hash) {
            return Ok(false);
        }
        let whose = Whose::Account(account.name.clone());
        self.begin_session_of(token, &whose, expires)?;
        Ok(true)
    }

    /// Begins a web session of a user of the directory, in the same way. False, and nothing done,
    /// if his password is not of this version any more, or he may not sign in any more.
    ///
    /// # Errors
    /// If the database fails.
    pub fn begin_user_session(
        &mut self,
        token: SecretHash,
        (user, version): (ObjectId, u64),
        expires: UnixMillis,
    ) -> Result<bool, StoreError> {
        let found = self.reading().user_row(user)?;
        let found = found.filter(|it| it.may_sign_in() && it.version() == Some(version));
        if found.is_none() {
            return Ok(false);
        }
        self.begin_session_of(token, &Whose::User(user), expires)?;
        Ok(true)
    }

    fn begin_session_of(
        &mut self,
        token: SecretHash,
        whose: &Whose,
        expires: UnixMillis,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM sessions WHERE expires_ms <= ?1";
        self.execute(sql, &[&self.now.0], "forget web sessions")?;
        let (account, user) = match whose {
            Whose::Account(name) => (Some(name), None),
            Whose::User(id) => (None, Some(id.to_bytes())),
        };
        let sql = "INSERT INTO sessions (token_hash, account, user, created_ms, expires_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let row: [&dyn rusqlite::ToSql; 5] =
            [&token.to_bytes(), &account, &user, &self.now.0, &expires.0];
        self.execute(sql, &row, "begin a web session")?;
        let sql = "DELETE FROM sessions WHERE (account = ?1 OR user = ?2) AND token_hash NOT IN
                   (SELECT token_hash FROM sessions WHERE account = ?1 OR user = ?2
                    ORDER BY token_hash = ?3 DESC, created_ms DESC LIMIT ?4)";
        let row: [&dyn rusqlite::ToSql; 4] = [&account, &user, &token.to_bytes(), &SESSIONS_MAX];
        self.execute(sql, &row, "push out old web sessions")
    }

    /// Ends a web session, if it is there.
    ///
    /// # Errors
    /// If the database fails.
    pub fn end_web_session(&mut self, token: SecretHash) -> Result<(), StoreError> {
        let sql = "DELETE FROM sessions WHERE token_hash = ?1";
        self.execute(sql, &[&token.to_bytes()], "end a web session")
    }
}
