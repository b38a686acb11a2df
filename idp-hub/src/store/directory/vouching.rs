//! Whose password a region's word counts for.
//!
//! Whoever can reset a user's password in one region's Keystone, and that region's agent, would be
//! him at the hub, and in all regions, by that word alone. So it is taken for those only whose
//! power is over what came with that region: as at the hub nobody sets a password that gives more
//! than he has.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{Becomes, CloudId, Object, ObjectKind, Record, RecordKind, Scope};

use crate::directory::Directory;
use crate::directory::rights::Reach;
use crate::store::error::StoreError;
use crate::store::users::{Recipient, UserRow};
use crate::store::{Changing, Reading, RegionNo};

/// Of those who administer a thing so many are looked at as it is made: a department has a few.
const ADMINISTRATORS_MAX: usize = 100;

/// Around a project are so many at most: no Keystone nests deeper.
const AROUND_MAX: usize = 16;

type Thing = (ObjectKind, ObjectId);

/// Who says which password is a user's, where the hub has none of him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouching {
    /// The region that he came with, whose cloud calls him so.
    By(Recipient, CloudId),
    /// Not that region: he has power over what did not come with it, as over this, or everywhere.
    /// An administrator sets one.
    Beyond(Recipient, Option<Thing>),
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
        let Reach::Things(things) = reach else {
            return Ok(Vouching::Beyond(region, None));
        };
        Ok(match self.did_not_come(&region, things)? {
            None => Vouching::By(region, here),
            some => Vouching::Beyond(region, some),
        })
    }

    /// One of these that did not come with a region: of those that did, the ids are made of its
    /// words for them.
    fn did_not_come(
        &self,
        region: &Recipient,
        mut things: BTreeSet<Thing>,
    ) -> Result<Option<Thing>, StoreError> {
        if let Some(drawn) = things.iter().find(|(_, id)| id.is_drawn()) {
            return Ok(Some(*drawn));
        }
        if things.is_empty() {
            return Ok(None);
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
        Ok(things.pop_first())
    }

    /// Of these, who had his region's word for his password before something was made, and has it
    /// no more; with that region's name.
    ///
    /// # Errors
    /// If the database fails.
    pub fn no_more_vouched(
        &self,
        before: Vec<(ObjectId, Reach)>,
    ) -> Result<Vec<(UserRow, String)>, StoreError> {
        let mut all = Vec::new();
        for (user, reach) in before {
            let row = self.user_row(user)?.filter(|it| it.password.is_none());
            let Some(row) = row else { continue };
            if let Vouching::By(region, _) = self.vouching(user, reach)? {
                all.push((row, region.name));
            }
        }
        Ok(all)
    }
}

impl Changing<'_> {
    /// Who administers what was just made, and how far his power reached before: of whoever
    /// administered something then that no region brought, nothing, as no region had a word of
    /// his. So who makes many things in a department has nobody looked at after the first.
    ///
    /// # Errors
    /// If the database fails.
    pub fn administrators_of_new(
        &mut self,
        (kind, id): Thing,
    ) -> Result<Vec<(ObjectId, Reach)>, StoreError> {
        let directory = self.take_directory()?;
        let places = places_around(&directory, (kind, id));
        let users = match places.is_empty() {
            true => BTreeSet::new(),
            false => self.hot.directory.administrators(&directory, &places),
        };
        let (mut all, mut looked) = (Vec::new(), 0);
        for user in users {
            // Whoever has a password here needs no region's word; and that is asked at once.
            let row = self.reading().user_row(user)?;
            if row.is_none_or(|it| it.password.is_some()) {
                continue;
            }
            looked += 1;
            if looked > ADMINISTRATORS_MAX {
                break;
            }
            let Reach::Things(mut things) = self.hot.directory.reach(&directory, user) else {
                continue;
            };
            things.remove(&(kind, id));
            if !things.iter().any(|(_, id)| id.is_drawn()) {
                all.push((user, Reach::Things(things)));
            }
        }
        self.hot.directory.keep(directory);
        Ok(all)
    }

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

/// In whose administrators' power something is: of the department that it is in, and of the
/// projects that it is nested in.
fn places_around(directory: &Directory, (kind, id): Thing) -> BTreeSet<Scope<ObjectId>> {
    let live = directory.live();
    let object = live.object(kind, &id);
    let department = object.as_ref().and_then(Object::department);
    let outer = |id: &ObjectId| live.projects.get(id)?.parent;
    let projects = std::iter::successors(outer(&id), outer).take(AROUND_MAX);
    let projects = projects.map(Scope::Project);
    department
        .map(|it| Scope::Department(*it))
        .into_iter()
        .chain(projects)
        .collect()
}
