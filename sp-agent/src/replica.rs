//! The directory as the hub last told it, as far as it concerns this region.
//!
//! Pure. What the hub tells comes as records of one feed; this is what they say together.

use std::collections::BTreeMap;

use shared::ids::ObjectId;
use shared::model::{Becomes, CloudId, End, ObjectKind, Organization};

/// What the hub told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replica {
    /// What the federation has.
    pub directory: Organization<ObjectId>,
    /// What it does not have any more.
    pub ended: BTreeMap<ObjectId, (ObjectKind, End)>,
    /// What was decided about this region's things.
    pub bindings: BTreeMap<(ObjectKind, CloudId), Becomes>,
}
