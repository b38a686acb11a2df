//! The directory: what a merge would do and doing it, and what the federation has.

mod access;
mod documents;
mod drift;
mod exposed;
mod links;
mod local_administrators;
mod objects;
mod plan;
mod progress;
mod remarks;
mod retired;
mod spread;

pub(super) use access::{Administrator, Seen, Sight};

pub use documents::{
    DepartmentDocument, LinkDocument, NamedDocument, NeedsPasswordDocument, ObjectDocument,
    PlacedDocument,
};
pub use drift::{CuredDocument, DriftPolicyDocument};
pub use exposed::{ExposureDocument, ExposuresDocument, PersonDocument};
pub use local_administrators::{LocalAdministratorDocument, LocalAdministratorsDocument};
pub use plan::{
    CountDocument, LinkEndDocument, LinksDocument, MergedDocument, PlanDocument, StepDocument,
    WithheldDocument,
};
pub use progress::{CountsDocument, ProgressDocument};
pub use remarks::{DifferenceDocument, RemarkDocument};
pub use retired::{InsideDocument, LeftDocument, RetiredDocument};
pub use spread::{SpreadDocument, SpreadShareDocument};

// Whole, because the list of routes needs what stands beside each handler as well.
pub(super) use drift::*;
pub(super) use exposed::*;
pub(super) use links::*;
pub(super) use local_administrators::*;
pub(super) use objects::*;
pub(super) use plan::*;
pub(super) use progress::*;
pub(super) use retired::*;
pub(super) use spread::*;
