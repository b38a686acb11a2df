//! What a change did to the directory.

use shared::ids::ObjectId;
use shared::model::{Link, ObjectKind};

/// What is to be written, and told to the regions. Empty where nothing changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Made or changed, each behind what it refers to.
    pub put: Vec<(ObjectKind, ObjectId)>,
    /// Links that were made.
    pub linked: Vec<Link<ObjectId>>,
    /// Links that were taken away.
    pub unlinked: Vec<Link<ObjectId>>,
    /// Not live any more.
    pub ended: Vec<(ObjectKind, ObjectId)>,
}

impl Delta {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        let Self {
            put,
            linked,
            unlinked,
            ended,
        } = self;
        put.is_empty() && linked.is_empty() && unlinked.is_empty() && ended.is_empty()
    }
}
