//! Whose password a region's word counts for.
//!
//! Whoever can reset a user's password in one region's Keystone, and that region's agent, would be
//! him at the hub, and in all regions, by that word alone. So it is taken for those only whose
//! power is over what came with that region: as at the hub nobody sets a password that gives more
//! than he has.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{Becomes, CloudId, ObjectKind, Record, RecordKind};

use crate::directory::rights::Reach;
use crate::store::error::StoreError;
use crate::store::users::Recipient;
use crate::store::{Changing, Reading, RegionNo};

/// Who says which password is a user's, where the hub has none of him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouching {
    /// The region that he came with, whose cloud calls him so.
    By(Recipient, CloudId),
    /// Not that region: he has power over what did not come with it. An administrator sets one.
    Beyond(Recipient),
    /// No region is known that he came with.
    Nobody,
}

impl Reading<'_> {
    /// Who says which password is a user's, whose power reaches so far.
    ///
    /// Of whoever administers anything, as few do, each decision about the region's things is read:
    /// a tenth of a second, where it has 100,000 users.
    ///
    /// # Errors
    /// If the database fails.
    pub fn vouching(&self, user: ObjectId, reach: Reach) -> Result<Vouching, StoreError> {
        let Some((region, here)) = self.origin_of_user(user)? else {
            return Ok(Vouching::Nobody);
        };
        let is_within = match reach {
            Reach::Everywhere => false,
            Reach::Things(things) => self.came_with(&region, things)?,
        };
        Ok(match is_within {
            true => Vouching::By(region, here),
            false => Vouching::Beyond(region),
        })
    }

    /// Whether all of these came with a region: their ids are made of its words for them.
    fn came_with(
        &self,
        region: &Recipient,
        mut things: BTreeSet<(ObjectKind, ObjectId)>,
    ) -> Result<bool, StoreError> {
        if things.is_empty() {
            return Ok(true);
        }
        self.each_of_region(region.no, RecordKind::Binding, |record| {
            let Record::Binding(it) = record else {
                return;
            };
            let Becomes::Object(id) = it.becomes else {
                return;
            };
            let thing = (it.kind, id);
            let is_named_so = || {
                let here = it.here.to_string();
                ObjectId::of_region(region.id, it.kind.name(), &here) == id
            };
            if things.contains(&thing) && is_named_so() {
                things.remove(&thing);
            }
        })?;
        Ok(things.is_empty())
    }
}

impl Changing<'_> {
    /// How far a user's power reaches, by the directory that the writer has at hand: nobody who
    /// tries to sign in has it read.
    ///
    /// # Errors
    /// If the database fails.
    pub fn reach(&mut self, user: ObjectId) -> Result<Reach, StoreError> {
        let directory = self.take_directory()?;
        let reach = self.hot.directory.reach(&directory, user);
        self.hot.directory.keep(directory);
        Ok(reach)
    }

    /// Whether this region's word still counts for a user's password.
    ///
    /// # Errors
    /// If it does not any more, or the database fails.
    pub fn vouches(&mut self, no: RegionNo, user: ObjectId) -> Result<(), StoreError> {
        let reach = self.reach(user)?;
        match self.reading().vouching(user, reach)? {
            Vouching::By(region, _) if region.no == no => Ok(()),
            _ => {
                let what = "the region's word does not count for this user's password any more";
                Err(StoreError::Refused(what.to_owned()))
            }
        }
    }
}
