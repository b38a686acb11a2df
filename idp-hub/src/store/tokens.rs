//! Join tokens: single-use, short-lived, known only by the hash of their secret.

use rusqlite::{OptionalExtension, params};
use shared::model::UnixMillis;
use shared::pki::{Fingerprint, SecretHash, TokenId};

use super::error::{Doing, StoreError};
use super::{Changing, Reading};

/// Used and expired tokens are kept so long, so that a late second use can be told from a typing
/// error.
const KEPT_MS: u64 = 7 * 24 * 3600 * 1000;

/// A token as the store has it.
#[derive(Debug, Clone)]
pub struct TokenRow {
    /// The hash of its secret.
    pub secret_hash: SecretHash,
    /// The region that it is for.
    pub region_name: String,
    /// Until when it is good.
    pub expires: UnixMillis,
    /// The key that used it.
    pub used_by: Option<Fingerprint>,
}

/// A token that can still be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenToken {
    /// Its public half.
    pub id: TokenId,
    /// The region that it is for.
    pub region_name: String,
    /// When it was made.
    pub created: UnixMillis,
    /// Until when it is good.
    pub expires: UnixMillis,
}

impl Reading<'_> {
    /// The tokens that can still be used at `now`, by region name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn open_tokens(&self, now: UnixMillis) -> Result<Vec<OpenToken>, StoreError> {
        let sql = "SELECT id, region_name, created_ms, expires_ms FROM tokens
                   WHERE used_by IS NULL AND expires_ms > ?1 ORDER BY region_name, id";
        let mut statement = self.connection.prepare_cached(sql).doing("list tokens")?;
        let rows = statement
            .query_map([now.0], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                ))
            })
            .doing("list tokens")?;
        rows.map(|row| {
            let (id, region_name, created, expires) = row.doing("list tokens")?;
            Ok(OpenToken {
                id: id.parse().map_err(|_| StoreError::Row { what: "token" })?,
                region_name,
                created: UnixMillis(created),
                expires: UnixMillis(expires),
            })
        })
        .collect()
    }
}

impl Changing<'_> {
    /// The tokens that can still be used, by region name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn open_tokens(&self) -> Result<Vec<OpenToken>, StoreError> {
        self.reading().open_tokens(self.now)
    }

    /// How many tokens can still be used, those for the region `but_for` left out.
    ///
    /// # Errors
    /// If the database fails.
    pub fn open_token_count(&self, but_for: Option<&str>) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM tokens
                   WHERE used_by IS NULL AND expires_ms > ?1 AND region_name IS NOT ?2";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.query_row(params![self.now.0, but_for], |row| row.get(0)))
            .doing("count tokens")
    }

    /// Keeps a new token, and forgets the long dead.
    ///
    /// # Errors
    /// If the database fails.
    pub fn add_token(
        &mut self,
        id: TokenId,
        secret_hash: SecretHash,
        region_name: &str,
        expires: UnixMillis,
    ) -> Result<(), StoreError> {
        let horizon = self.now.0.saturating_sub(KEPT_MS);
        self.execute(
            "DELETE FROM tokens WHERE expires_ms < ?1",
            &[&horizon],
            "drop old tokens",
        )?;
        let sql = "INSERT INTO tokens (id, secret_hash, region_name, created_ms, expires_ms)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let (id, hash) = (id.to_string(), secret_hash.to_bytes());
        self.execute(
            sql,
            &[&id, &hash, &region_name, &self.now.0, &expires.0],
            "keep a token",
        )
    }

    /// The token with this id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn token(&self, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        let sql = "SELECT secret_hash, region_name, expires_ms, used_by FROM tokens WHERE id = ?1";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let row = |row: &rusqlite::Row<'_>| {
                    Ok(TokenRow {
                        secret_hash: SecretHash::from_bytes(row.get(0)?),
                        region_name: row.get(1)?,
                        expires: UnixMillis(row.get(2)?),
                        used_by: row.get::<_, Option<_>>(3)?.map(Fingerprint::from_bytes),
                    })
                };
                statement.query_row(params![id.to_string()], row).optional()
            })
            .doing("find a token")
    }

    /// The token is used up, by this key.
    ///
    /// # Errors
    /// If the database fails.
    pub fn use_token(&mut self, id: TokenId, by: Fingerprint) -> Result<(), StoreError> {
        let sql = "UPDATE tokens SET used_by = ?2, used_ms = ?3 WHERE id = ?1";
        self.execute(
            sql,
            &[&id.to_string(), &by.to_bytes(), &self.now.0],
            "use a token",
        )
    }

    /// The token is good for nothing any more, unless it is used up. Whether it was good until now.
    ///
    /// # Errors
    /// If the database fails.
    pub fn drop_token(&mut self, id: TokenId) -> Result<bool, StoreError> {
        let is_open = self.token(id)?.is_some_and(|token| token.used_by.is_none());
        if is_open {
            let sql = "DELETE FROM tokens WHERE id = ?1";
            self.execute(sql, &[&id.to_string()], "drop a token")?;
        }
        Ok(is_open)
    }

    /// Open tokens for a region's name end now. Whether there were any.
    ///
    /// # Errors
    /// If the database fails.
    pub fn expire_tokens_for(&mut self, region_name: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE tokens SET expires_ms = ?2
                   WHERE region_name = ?1 AND used_by IS NULL AND expires_ms > ?2";
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.execute(params![region_name, self.now.0]))
            .doing("end tokens")
            .map(|ended| ended > 0)
    }

    /// Tokens for a region's name are good for nothing any more.
    ///
    /// # Errors
    /// If the database fails.
    pub fn drop_tokens_for(&mut self, region_name: &str) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM tokens WHERE region_name = ?1",
            &[&region_name],
            "drop tokens",
        )
    }
}
