//! Which of a region's things is which of the directory's, as far as it is decided.

use std::collections::{HashMap, HashSet};

use shared::ids::ObjectId;
use shared::model::{CloudId, ObjectKind};

/// What is decided about a thing of the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The directory has it.
    Known(ObjectId),
    /// The directory gets it.
    New(ObjectId),
    /// It stays the region's own, or is switched off.
    Out,
}

impl Fate {
    /// Its id in the directory.
    pub(super) const fn id(self) -> Option<ObjectId> {
        match self {
            Self::Known(id) | Self::New(id) => Some(id),
            Self::Out => None,
        }
    }
}

/// All that is decided.
#[derive(Debug, Default)]
pub(super) struct Identities<'a> {
    fates: HashMap<(ObjectKind, &'a CloudId), Fate>,
    /// Objects of the directory that something in the region is.
    claimed: HashSet<ObjectId>,
}

impl<'a> Identities<'a> {
    pub(super) fn is_known(&mut self, kind: ObjectKind, here: &'a CloudId, id: ObjectId) {
        self.claimed.insert(id);
        self.fates.insert((kind, here), Fate::Known(id));
    }

    pub(super) fn is_new(&mut self, kind: ObjectKind, here: &'a CloudId, id: ObjectId) {
        self.claimed.insert(id);
        self.fates.insert((kind, here), Fate::New(id));
    }

    pub(super) fn is_out(&mut self, kind: ObjectKind, here: &'a CloudId) {
        self.fates.insert((kind, here), Fate::Out);
    }

    /// What is decided; out, if nothing is.
    pub(super) fn fate(&self, kind: ObjectKind, here: &CloudId) -> Fate {
        self.fates.get(&(kind, here)).copied().unwrap_or(Fate::Out)
    }

    pub(super) fn is_claimed(&self, id: ObjectId) -> bool {
        self.claimed.contains(&id)
    }
}
