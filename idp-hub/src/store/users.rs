//! The directory's users as those who sign in: found by name, with their passwords, and the regions
//! that know one.

use rusqlite::{OptionalExtension, Row, params};
use shared::ids::{ObjectId, RegionId};
use shared::model::{CloudId, Department, Folded, Object, ObjectKind, RecordKind, User};
use shared::pki::PublicSealingKey;

use super::error::{Doing, StoreError};
use super::regions::RegionNo;
use super::{Changing, Reading};

/// A user of the directory, as one who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// His id.
    pub id: ObjectId,
    /// Himself.
    pub user: User<ObjectId>,
    /// His department.
    pub department: Department,
    /// His password, if the hub has one.
    pub password: Option<PasswordRow>,
}

/// A user's password as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordRow {
    /// A PHC string, argon2id.
    pub hash: String,
    /// When it was set, unix milliseconds; each one's is higher than the one's before.
    pub version: u64,
}

/// A region that passwords are told to: one whose organization is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its number here.
    pub no: RegionNo,
    /// Its id.
    pub id: RegionId,
    /// Its name.
    pub name: String,
    /// To which key secrets for its agent are sealed, if it ever told one.
    pub key: Option<PublicSealingKey>,
}

/// A password as one region's agent opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The region's number.
    pub no: RegionNo,
    /// The key that it is sealed to: an agent that has another one by now can't open it.
    pub key: PublicSealingKey,
    /// The password.
    pub bytes: Vec<u8>,
}

/// A user's new password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword {
    /// Whose.
    pub user: ObjectId,
    /// A PHC string, argon2id.
    pub hash: String,
    /// Its version, which what is sealed is bound to.
    pub version: u64,
    /// Who sets it.
    pub author: String,
    /// The version that he showed to know, if he sets his own: it must still be that.
    pub checked: Option<u64>,
    /// The region that he had it in before, if it is not a new one: that has it.
    pub captured_from: Option<RegionNo>,
    /// For each region that it could be sealed to.
    pub sealed: Vec<Sealed>,
}

impl Recipient {
    /// Whether its agent opens this, by the key that it has now.
    fn opens(&self, sealed: &Sealed) -> bool {
        self.no == sealed.no && self.key == Some(sealed.key)
    }
}

impl UserRow {
    /// Whether he and his department may be used.
    pub const fn may_sign_in(&self) -> bool {
        self.user.enabled && self.department.enabled
    }

    /// The version of his password.
    pub fn version(&self) -> Option<u64> {
        self.password.as_ref().map(|it| it.version)
    }

    /// As a thing of the directory.
    pub fn object(&self) -> Object<ObjectId> {
        Object::User(self.user.clone())
    }

    /// What he is called in the audit and in stamps.
    pub fn title(&self) -> String {
        format!("{}/{}", self.department.name, self.user.name)
    }
}

impl Reading<'_> {
    /// The user with this name in the department with this name or id. Most Keystones' databases
    /// take names for the same that are written otherwise, and so does this where nobody has just
    /// that name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_named(&self, department: &str, name: &str) -> Result<Option<UserRow>, StoreError> {
        let home = match self.department_with_id(department)? {
            Some(id) => Some(id),
            None => self.named(department, None)?,
        };
        let Some(home) = home else {
            return Ok(None);
        };
        match self.named(name, Some(home))? {
            Some(id) => self.user_row(ObjectId::from_bytes(id)),
            None => Ok(None),
        }
    }

    fn department_with_id(&self, text: &str) -> Result<Option<[u8; 16]>, StoreError> {
        let Ok(id) = text.parse::<ObjectId>() else {
            return Ok(None);
        };
        let sql = "SELECT id FROM names WHERE id = ?1 AND department IS NULL";
        self.prepared(sql)?
            .query_row([id.to_bytes()], |row| row.get(0))
            .optional()
            .doing("find a department by its id")
    }

    /// What has this name in a department, or the department that has it: just this one, or the
    /// only one that is the same to the coarsest database.
    fn named(&self, name: &str, within: Option<[u8; 16]>) -> Result<Option<[u8; 16]>, StoreError> {
        let doing = "find by a name";
        let sql = "SELECT id FROM names WHERE name = ?1 AND department IS ?2";
        let found = self
            .prepared(sql)?
            .query_row(params![name, within], |row| row.get(0))
            .optional()
            .doing(doing)?;
        if found.is_some() {
            return Ok(found);
        }
        let folded = Folded::new(name);
        let sql = "SELECT id FROM names WHERE folded = ?1 AND department IS ?2 LIMIT 2";
        let mut statement = self.prepared(sql)?;
        let found = statement.query_map(params![folded.as_str(), within], |row| row.get(0));
        let found: Vec<[u8; 16]> = found.and_then(Iterator::collect).doing(doing)?;
        // A region may bring two along that its own database tells apart.
        let [only] = found[..] else {
            return Ok(None);
        };
        Ok(Some(only))
    }

    /// The live user with this id.
    ///
    /// # Errors
    /// If the database fails.
    pub fn user_row(&self, id: ObjectId) -> Result<Option<UserRow>, StoreError> {
        let Some(Object::User(user)) = self.object(ObjectKind::User, id)? else {
            return Ok(None);
        };
        let department = self.object(ObjectKind::Department, user.department)?;
        let Some(Object::Department(department)) = department else {
            return Ok(None);
        };
        let sql = "SELECT hash, version FROM passwords WHERE user = ?1";
        let password = self
            .prepared(sql)?
            .query_row([id.to_bytes()], |row| {
                Ok(PasswordRow {
                    hash: row.get(0)?,
                    version: row.get(1)?,
                })
            })
            .optional()
            .doing("find a user's password")?;
        Ok(Some(UserRow {
            id,
            user,
            department,
            password,
        }))
    }

    /// The region that a user came from, and what its cloud calls him: the one of whose words his
    /// id is made. Others have a user that is this one as well, because their agents made him or he
    /// was recognized; but what he is worth is not theirs to say. None for whom the hub made, nor
    /// for whom a lost federation had: of his regions nobody knows any more which one's he was, and
    /// the first to be merged is not to say his password to the others.
    ///
    /// # Errors
    /// If the database fails.
    pub fn origin_of_user(
        &self,
        user: ObjectId,
    ) -> Result<Option<(Recipient, CloudId)>, StoreError> {
        let sql = "SELECT regions.no, regions.id, regions.name, regions.sealing_key, bound.here
                   FROM bound
                   JOIN regions ON regions.no = bound.region
                   WHERE bound.user = ?1 AND regions.standing = 2
                     AND NOT EXISTS (SELECT 1 FROM taken_over WHERE object = ?1)";
        let mut statement = self.prepared(sql)?;
        let found = statement.query_map([user.to_bytes()], |row| {
            let here: String = row.get(4)?;
            Ok((recipient(row)?, here))
        });
        let kind = ObjectKind::User.name();
        let is_origin = |(region, here): &(Recipient, String)| {
            ObjectId::of_region(region.id, kind, here) == user
        };
        let mut found = found.doing("find the region that a user came from")?;
        let origin = found.find(|it| it.as_ref().map_or(true, is_origin));
        let origin = origin.transpose();
        let origin = origin.doing("find the region that a user came from")?;
        Ok(origin.map(|(region, here)| (region, CloudId::new(&here))))
    }

    /// Every region that passwords are told to.
    ///
    /// # Errors
    /// If the database fails.
    pub fn recipients(&self) -> Result<Vec<Recipient>, StoreError> {
        let sql = "SELECT regions.no, regions.id, regions.name, regions.sealing_key FROM regions
                   JOIN region_organization AS merged ON merged.region = regions.no
                   WHERE regions.standing = 2 AND merged.merged_ms IS NOT NULL
                   ORDER BY regions.no";
        let mut statement = self.prepared(sql)?;
        let found = statement.query_map((), recipient);
        found
            .and_then(Iterator::collect)
            .doing("list the regions that passwords are told to")
    }

    /// Which of them were not told a user's password, and do not have it from before.
    ///
    /// # Errors
    /// If the database fails.
    pub fn lacking(&self, user: ObjectId) -> Result<Vec<Recipient>, StoreError> {
        let told = self.told_password(user)?;
        let had = self.has_from_before(user)?;
        let mut all = self.recipients()?;
        all.retain(|it| Some(it.no) != had && !told.contains(&it.no));
        Ok(all)
    }

    /// Which of them give no password to their clouds, as their agents take no changes: there users
    /// keep those that they have.
    ///
    /// # Errors
    /// If the database fails.
    pub fn read_only_for(&self, user: ObjectId) -> Result<Vec<Recipient>, StoreError> {
        let had = self.has_from_before(user)?;
        let mut all = Vec::new();
        for it in self.recipients()? {
            if Some(it.no) != had && self.is_read_only(it.no)? {
                all.push(it);
            }
        }
        Ok(all)
    }

    /// The region that a user's password was taken over from, as long as it has him as he was then.
    /// Whoever was deleted there is another account once he is made anew, and that has no password.
    fn has_from_before(&self, user: ObjectId) -> Result<Option<RegionNo>, StoreError> {
        let sql = "SELECT region FROM passwords WHERE user = ?1";
        let captured: Option<Option<u32>> = self
            .prepared(sql)?
            .query_row([user.to_bytes()], |row| row.get(0))
            .optional()
            .doing("find a user's password")?;
        let Some(captured) = captured.flatten().map(RegionNo) else {
            return Ok(None);
        };
        // By what the cloud called him then: it may call another account the same user by now.
        let origin = self.origin_of_user(user)?;
        let Some((_, here)) = origin.filter(|(it, _)| it.no == captured) else {
            return Ok(None);
        };
        let record = self.told_record(captured, RecordKind::User, &here)?;
        Ok(record.map(|_| captured))
    }
}

impl Changing<'_> {
    /// Gives a user another password, and tells it to the regions for which it was sealed, by the
    /// keys that they have now. The others lose what was told them before. His sessions end.
    /// Returns which it was told to.
    ///
    /// # Errors
    /// If he is not live, another password was set meanwhile, or the database fails.
    pub fn set_user_password(&mut self, new: &NewPassword) -> Result<Vec<RegionNo>, StoreError> {
        let user = new.user;
        let found = self.reading().user_row(user)?;
        let found = found.ok_or_else(|| StoreError::Missing {
            what: "user",
            name: user.to_string(),
        })?;
        let is_overtaken = match (found.version(), new.captured_from) {
            (None, _) => new.checked.is_some(),
            (Some(_), Some(_)) => true,
            (Some(before), None) => {
                before >= new.version || new.checked.is_some_and(|it| it != before)
            }
        };
        if is_overtaken {
            let what = "another password of this user was set at the same moment; try again";
            return Err(StoreError::Refused(what.to_owned()));
        }
        let sql = "INSERT OR REPLACE INTO passwords (user, hash, version, author, region)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let (id, region) = (user.to_bytes(), new.captured_from.map(|it| it.0));
        let row: [&dyn rusqlite::ToSql; 5] = [&id, &new.hash, &new.version, &new.author, &region];
        self.execute(sql, &row, "set a user's password")?;
        self.execute(
            "DELETE FROM sessions WHERE user = ?1",
            &[&id],
            "end web sessions",
        )?;
        let recipients = self.reading().recipients()?;
        let sealed = recipients.into_iter().map(|it| {
            let own = new.sealed.iter().find(|sealed| it.opens(sealed));
            (it.no, own.map(|it| it.bytes.clone()))
        });
        self.tell_password((user, new.version), &new.author, sealed.collect())
    }

    /// Tells a password to regions that lack it and have the keys still that it was sealed to,
    /// unless another one was set meanwhile. Returns which it was told to.
    ///
    /// # Errors
    /// If the database fails.
    pub fn spread_user_password(
        &mut self,
        (user, version): (ObjectId, u64),
        author: &str,
        mut sealed: Vec<Sealed>,
    ) -> Result<Vec<RegionNo>, StoreError> {
        let found = self.reading().user_row(user)?;
        if found.and_then(|it| it.version()) != Some(version) {
            return Ok(Vec::new());
        }
        let recipients = self.reading().recipients()?;
        sealed.retain(|sealed| recipients.iter().any(|it| it.opens(sealed)));
        let sealed = sealed.into_iter().map(|it| (it.no, Some(it.bytes)));
        self.tell_password((user, version), author, sealed.collect())
    }
}

fn recipient(row: &Row<'_>) -> rusqlite::Result<Recipient> {
    Ok(Recipient {
        no: RegionNo(row.get(0)?),
        id: RegionId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        key: row
            .get::<_, Option<[u8; 32]>>(3)?
            .map(PublicSealingKey::from_bytes),
    })
}
