//! The directory: what a merge would do and doing it, and what the federation has.

mod access;
mod documents;
mod links;
mod objects;
mod plan;

pub(super) use access::Administrator;

pub use documents::{LinkDocument, NamedDocument, ObjectDocument};
pub use plan::{
    CountDocument, LinkEndDocument, LinksDocument, MergedDocument, PlanDocument, StepDocument,
    WithheldDocument,
};

// Whole, because the list of routes needs what stands beside each handler as well.
pub(super) use links::*;
pub(super) use objects::*;
pub(super) use plan::*;
