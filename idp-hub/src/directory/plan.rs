//! What a merge will do, as a value.

mod digest;

use std::collections::BTreeSet;

use shared::ids::{FederationId, ObjectId, RegionId};
use shared::model::{
    Assignment, CloudId, Implication, Link, Marker, Membership, Object, ObjectKind,
};

pub use digest::PlanDigest;

use super::merge::Evidence;
use super::rights::Exposed;

/// Of those who come to be in somebody's power as many are named: the count says the rest.
pub const EXPOSED_MAX: usize = 100;

/// What becomes of one region's organization and of the directory, when they are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whose organization it is about.
    pub region: RegionId,
    /// Other federations whose markers are on something that the plan takes in: the region may
    /// still follow a hub of theirs, and two hubs would write over each other. It is merged only
    /// where the operator says that this one takes over.
    pub foreign: BTreeSet<FederationId>,
    /// Each thing that has a name, in the order in which it can be done: departments, roles,
    /// projects with the outer ones first, groups, users.
    pub steps: Vec<Step>,
    /// Links between them.
    pub links: Links,
    /// Users whom the directory has without a default project, each with the one that is his here,
    /// which was made since the backup and is taken in.
    pub default_projects: Vec<(ObjectId, ObjectId)>,
    /// Who comes to be in whose power by it in the regions' own Keystones: the first of them.
    pub exposed: Exposed,
    /// What the markers of those are of from then on, so that it is known by them in their other
    /// regions.
    pub taken_over: Vec<(Marker, ObjectId)>,
}

/// What becomes of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub kind: ObjectKind,
    /// What becomes of it.
    pub action: Action,
}

/// What becomes of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The region's is one that the directory has.
    Recognize {
        /// Which.
        id: ObjectId,
        /// The region's.
        here: CloudId,
        /// What it was known by.
        by: Evidence,
        /// The region's takes the directory's name.
        rename: Option<Rename>,
        /// What else of the region's is the directory's from then on.
        changes: Vec<Field>,
        /// What differs, of what was merged before. The merge does nothing about it: its agent
        /// writes what changed in the directory in any case, and leaves what changed in the
        /// region.
        differs: Vec<Field>,
    },
    /// The region's is taken into the directory.
    Adopt {
        /// The id that it gets there.
        id: ObjectId,
        /// The region's.
        here: CloudId,
        /// As it will be there.
        object: Object<ObjectId>,
        /// Its name is taken, so that it gets another one, in the region too.
        rename: Option<Rename>,
        /// It is switched off in the region too, as what it is nested in is.
        is_switched_off: bool,
    },
    /// The federation's own, in which its cloud administrators have their role, is made in the
    /// directory; what becomes of it in the region is a step of its own.
    Found {
        /// The id that it has in every directory of the federation.
        id: ObjectId,
        /// As it will be.
        object: Object<ObjectId>,
    },
    /// The directory's is made in the region.
    Create {
        /// Which.
        id: ObjectId,
    },
    /// The directory's can't be made in the region.
    Block {
        /// Which.
        id: ObjectId,
        /// Why.
        why: Obstacle,
    },
    /// The region's was deleted or retired in the federation, and is switched off.
    Withhold {
        /// Which it was.
        id: ObjectId,
        /// The region's.
        here: CloudId,
    },
    /// The region's stays the region's own, untouched.
    Skip {
        /// The region's.
        here: CloudId,
        /// What it is called.
        name: String,
        /// Why.
        why: Reason,
    },
}

/// What a thing has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The name, where a merge does not change it.
    Name,
    /// Whether it may be used there from then on.
    Enabled(bool),
    /// What its administrator wrote. None and an empty one are the same: some Keystones keep one
    /// for the other.
    Description,
    /// A user's address.
    Email,
    /// Where a user's sign-in without a scope goes.
    DefaultProject,
    /// The project that it is nested in. No Keystone moves a project, so this one is only told, and
    /// stays as drift.
    Parent,
}

impl Field {
    /// Its word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Enabled(true) => "enabled",
            Self::Enabled(false) => "disabled",
            Self::Description => "description",
            Self::Email => "email",
            Self::DefaultProject => "default_project",
            Self::Parent => "parent",
        }
    }
}

impl Action {
    /// Every action's word, in the order of what an operator wants to see first.
    pub const NAMES: [&'static str; 7] = [
        "found",
        "adopt",
        "recognize",
        "create",
        "withhold",
        "block",
        "skip",
    ];

    /// Its word in documents.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Recognize { .. } => "recognize",
            Self::Adopt { .. } => "adopt",
            Self::Found { .. } => "found",
            Self::Create { .. } => "create",
            Self::Block { .. } => "block",
            Self::Withhold { .. } => "withhold",
            Self::Skip { .. } => "skip",
        }
    }
}

/// Another name for a thing in the region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The present one.
    pub from: String,
    /// The new one.
    pub to: String,
}

/// Why a thing of the directory can't be made in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Something that stays the region's own has that name.
    NameReserved,
    /// The department that it belongs to can't be made.
    DepartmentBlocked,
}

/// Why a thing stays the region's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is Keystone's Default department, one of the region's services, or protected by its
    /// policy; or it is in such a department.
    Reserved,
    /// Its department, or the project that it is nested in, is not taken in.
    AboveIsOut,
    /// Its department, or the project that it is nested in, is not among what the region has told.
    /// The parts of a cloud are read one after the other, so that it mostly is a moment later.
    AboveIsUnread,
    /// Another one of its department has a name that some region's database takes for the same.
    SameName,
    /// One of its department that was retired in the federation has its name still.
    NameHeld,
    /// Its name is empty or longer than Keystone allows, or it is nested in itself.
    Unusable,
    /// Its name has a space before or behind it, or a control character, which not every Keystone
    /// keeps. Another name would be another sign-in, so that it is not taken in under one.
    NameUnfit,
    /// It is nested deeper than most Keystones allow.
    TooDeep,
    /// The project that it is nested in is of another department.
    OuterElsewhere,
    /// A user's address is longer than one can be, or has a control character.
    EmailUnfit,
    /// It is in the department of the cloud administrators, into which nothing comes from a region.
    Administration,
}

/// Links that a merge brings into the directory, and those that it does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// Taken in.
    pub memberships: Vec<Membership<ObjectId>>,
    /// Taken in.
    pub implications: Vec<Implication<ObjectId>>,
    /// Taken in.
    pub assignments: Vec<Assignment<ObjectId>>,
    /// Not taken in, because they lead to the role `admin`, which counts in every region's cloud
    /// and not in this one alone, or to `manager` over what the directory had already; or they
    /// are among cloud administrators. An administrator makes those that are meant.
    pub withheld: Vec<Link<ObjectId>>,
    /// Between things that the directory has without that link: its word holds, because it may
    /// have been taken away while the region was elsewhere. Shown as drift.
    pub superseded: u64,
    /// One of their ends stays the region's own.
    pub outside: u64,
    /// A role of a department that would count in another one, which no Keystone takes.
    pub unfit: u64,
}

impl Links {
    /// Those that are taken in.
    pub fn taken(&self) -> impl Iterator<Item = Link<ObjectId>> {
        let memberships = self.memberships.iter().cloned().map(Link::Membership);
        let implications = self.implications.iter().cloned().map(Link::Implication);
        let assignments = self.assignments.iter().cloned().map(Link::Assignment);
        memberships.chain(implications).chain(assignments)
    }
}

impl Plan {
    /// What tells it from any other plan.
    pub fn digest(&self) -> PlanDigest {
        PlanDigest::of(self)
    }

    /// Whether anything of the region is known by this.
    pub fn knows_by(&self, evidence: Evidence) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(&step.action, Action::Recognize { by, .. } if *by == evidence))
    }

    /// What the directory gets: the region's, and what it has of its own from its beginning.
    pub fn adopted(&self) -> impl Iterator<Item = (ObjectId, &Object<ObjectId>)> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Adopt { id, object, .. } | Action::Found { id, object } => Some((*id, object)),
            _ => None,
        })
    }

    /// Which of the region's things is which of the directory's, once the plan is done.
    pub fn identities(&self) -> impl Iterator<Item = (ObjectKind, &CloudId, ObjectId)> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Recognize { id, here, .. }
            | Action::Adopt { id, here, .. }
            | Action::Withhold { id, here } => Some((step.kind, here, *id)),
            _ => None,
        })
    }

    /// What gets another name in the region.
    pub fn renames(&self) -> impl Iterator<Item = (ObjectKind, &CloudId, &Rename)> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Recognize { here, rename, .. } | Action::Adopt { here, rename, .. } => {
                rename.as_ref().map(|it| (step.kind, here, it))
            }
            _ => None,
        })
    }
}
