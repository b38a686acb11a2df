//! Which of a region's things are which of the directory's, as far as the hub can tell.
//!
//! By the rule of the region's agent (`sp-agent/src/apply/places.rs`): what was decided at a merge,
//! then the federation's marker, where that can be believed. Whoever may make a project in his own
//! department can write a marker on it, so that one counts only where the directory's thing
//! belongs, and of several the one that has its name. What the agent applied last, which counts
//! there before all of this, the hub does not know; so what stays the region's own by now may be
//! what was made there before the agent's policy said so.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::{FederationId, ObjectId};
use shared::model::{Becomes, CloudId, Custody, Department, Entry, Folded, Marker, Project};

/// Where the directory's things of one kind are in a region.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    federation: FederationId,
    decided: BTreeMap<CloudId, Becomes>,
    /// What may be one of the directory's, by that.
    claims: BTreeMap<ObjectId, Vec<Claim>>,
    /// In which department of the region each belongs: a department in none, and one whose own is
    /// not known there in none that is another of the directory's.
    homes: BTreeMap<ObjectId, Option<CloudId>>,
    /// The departments of the region that are one of the directory's.
    departments: BTreeSet<CloudId>,
    names: BTreeMap<ObjectId, String>,
    found: BTreeMap<ObjectId, CloudId>,
}

/// Something of the region that may be one of the directory's.
#[derive(Debug, Clone)]
struct Claim {
    here: CloudId,
    is_decided: bool,
    custody: Custody,
    department: Option<CloudId>,
    name: String,
}

/// What is known in a region by what was decided, or by a marker.
pub trait Known {
    /// In which department it is; a department is in none.
    fn department(&self) -> Option<&CloudId>;
    /// What it is called.
    fn name(&self) -> &str;
}

impl Known for Department {
    fn department(&self) -> Option<&CloudId> {
        None
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Known for Project<CloudId> {
    fn department(&self) -> Option<&CloudId> {
        Some(&self.department)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Whereabouts {
    /// Of a region of which nothing is known yet.
    pub const fn new(federation: FederationId) -> Self {
        Self {
            federation,
            decided: BTreeMap::new(),
            claims: BTreeMap::new(),
            homes: BTreeMap::new(),
            departments: BTreeSet::new(),
            names: BTreeMap::new(),
            found: BTreeMap::new(),
        }
    }

    /// What was decided about something of the region. To be put before what the region has.
    pub fn decide(&mut self, here: CloudId, becomes: Becomes) {
        self.decided.insert(here, becomes);
    }

    /// Which of the directory's something of the region says it is: what was decided, else what its
    /// marker says.
    pub fn claimed<T>(&self, it: &Entry<T>) -> Option<ObjectId> {
        let decided = self.decided.get(&it.id).map(Becomes::object);
        let is_ours = |it: &Marker| it.federation == self.federation;
        let marked = it.marker.filter(is_ours).map(|it| it.object);
        decided.or(marked)
    }

    /// Something of the region. Returns which of the directory's it says it is.
    pub fn see<T: Known>(&mut self, it: &Entry<T>) -> Option<ObjectId> {
        let id = self.claimed(it)?;
        let claim = Claim {
            here: it.id.clone(),
            is_decided: self.decided.contains_key(&it.id),
            custody: it.custody,
            department: it.what.department().cloned(),
            name: it.what.name().to_owned(),
        };
        let is_decided = claim.is_decided;
        let claims = self.claims.entry(id).or_default();
        claims.push(claim);
        let is_only = claims.len() == 1;
        let found = self.found.get(&id);
        if is_only || is_decided || self.names.contains_key(&id) {
            self.resolve(id);
        } else if found.is_none_or(|it| !self.decided.contains_key(it)) {
            // Which of several it is, is looked at once, when it is known what is looked for: there
            // may be as many as somebody likes.
            self.found.remove(&id);
        }
        Some(id)
    }

    /// What one of the directory's is called there.
    pub fn named(&mut self, id: ObjectId, name: &str) {
        self.names.insert(id, name.to_owned());
        self.resolve(id);
    }

    /// Where the directory's departments are there. To be put before [`belongs`](Self::belongs).
    pub fn departments(&mut self, all: &Self) {
        self.departments = all.found.values().cloned().collect();
    }

    /// In which department of the region one of the directory's belongs; `None` where nobody knows
    /// which that is: somebody may have taken its marker off, and the agent goes on by what it
    /// applied.
    pub fn belongs(&mut self, id: ObjectId, home: Option<CloudId>) {
        self.homes.insert(id, home);
        self.resolve(id);
    }

    /// What the region's cloud calls one of the directory's; `None` where it has none, or nobody
    /// can be sure which one that is.
    pub fn of(&self, id: ObjectId) -> Option<&CloudId> {
        self.found.get(&id)
    }

    /// All of the directory's that something of the region says it is.
    pub fn all(&self) -> BTreeSet<ObjectId> {
        self.claims.keys().copied().collect()
    }

    /// Those that several things say they are: of these the name counts.
    pub fn several(&self) -> BTreeSet<ObjectId> {
        let several = self.claims.iter().filter(|(_, claims)| claims.len() > 1);
        several.map(|(id, _)| *id).collect()
    }

    /// All that was decided, whether or not it is there still.
    pub fn decided(&self) -> impl Iterator<Item = (&CloudId, ObjectId)> {
        let decided = self.decided.iter();
        decided.map(|(here, becomes)| (here, becomes.object()))
    }

    /// What the region's cloud calls one of the directory's; where nobody can be sure which one
    /// that is, all that it may be: for whoever must overlook none.
    pub fn likely(&self, id: ObjectId) -> Vec<&CloudId> {
        match self.of(id) {
            Some(here) => vec![here],
            None => self.homely(id).map(|it| &it.here).collect(),
        }
    }

    fn resolve(&mut self, id: ObjectId) {
        match self.evident(id).cloned() {
            Some(here) => drop(self.found.insert(id, here)),
            None => drop(self.found.remove(&id)),
        }
    }

    fn evident(&self, id: ObjectId) -> Option<&CloudId> {
        let claims = self.claims.get(&id)?;
        if let Some(decided) = claims.iter().find(|it| it.is_decided) {
            return Some(&decided.here);
        }
        // Also what its agent signs in by is the region's own.
        let homely = self.homely(id);
        let (common, own): (Vec<_>, Vec<_>) = homely.partition(|it| it.custody == Custody::Common);
        self.genuine(id, if common.is_empty() { own } else { common })
    }

    /// What may be one of the directory's, and is where that belongs.
    fn homely(&self, id: ObjectId) -> impl Iterator<Item = &Claim> {
        let home = self.homes.get(&id);
        let is_home = move |it: &&Claim| match (home, &it.department) {
            (None, _) | (Some(None), None) => true,
            (Some(Some(home)), there) => there.as_ref() == Some(home),
            (Some(None), Some(there)) => !self.departments.contains(there),
        };
        let claims = self.claims.get(&id).into_iter().flatten();
        claims.filter(is_home)
    }

    /// Of several, the one that has the name.
    fn genuine<'a>(&self, id: ObjectId, ours: Vec<&'a Claim>) -> Option<&'a CloudId> {
        if let [only] = ours.as_slice() {
            return Some(&only.here);
        }
        let name = Folded::new(self.names.get(&id)?);
        let mut named = ours.into_iter().filter(|it| Folded::new(&it.name) == name);
        let only = named.next()?;
        named.next().is_none().then_some(&only.here)
    }
}
