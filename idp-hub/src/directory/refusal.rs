//! Why the directory is not changed.

use shared::foreign::word;
use shared::ids::ObjectId;
use shared::model::{End, ObjectKind};

use super::plan::PlanDigest;

/// Why an administrator's change is not made. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error(
        "there is no {} {id} in the directory; `idp-hub org list {}s` shows what there is",
        .kind.name(), .kind.name()
    )]
    Missing {
        /// What kind of thing.
        kind: ObjectKind,
        /// Which.
        id: ObjectId,
    },
    /// It is not live any more.
    #[error(
        "the {} {id} ({name:?}) was {}, and nothing brings it back; make a new one",
        .kind.name(), ended(.how)
    )]
    Ended {
        /// What kind of thing.
        kind: ObjectKind,
        /// Which.
        id: ObjectId,
        /// What it was called.
        name: String,
        /// How it ended.
        how: End,
    },
    /// A name is taken.
    #[error(
        "the name {name:?} is taken by the {} {by} ({known:?}): some clouds' databases take them \
         for the same; choose another name",
        .kind.name()
    )]
    Taken {
        /// What kind of thing.
        kind: ObjectKind,
        /// The name.
        name: String,
        /// What has it.
        by: ObjectId,
        /// As that is called.
        known: String,
    },
    /// Something that was retired still has the name.
    #[error(
        "the name {name:?} is held by the retired {} {by} ({known:?}), which has it in the \
         regions' clouds still; choose another name",
        .kind.name()
    )]
    Held {
        /// What kind of thing.
        kind: ObjectKind,
        /// The name.
        name: String,
        /// What holds it.
        by: ObjectId,
        /// As that is called.
        known: String,
    },
    /// No Keystone would take it.
    #[error("{what}; {next}")]
    Wrong {
        /// What is wrong, and where.
        what: String,
        /// What to do.
        next: &'static str,
    },
}

/// Why a region's organization is not planned for, or not merged. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeRefusal {
    /// Not all of it is here: what is missing would be taken for what is not there.
    #[error("the organization of the region {region:?} is not read yet: {missing}")]
    NotRead {
        /// The region.
        region: String,
        /// What is missing, and what to do.
        missing: String,
    },
    /// The plan is another one by now.
    #[error(
        "the plan has changed since you looked: you confirmed {confirmed}, and it is {now} by now; \
         look at it again, with `idp-hub org plan {}`",
        word(region)
    )]
    Changed {
        /// The region.
        region: String,
        /// What was confirmed.
        confirmed: PlanDigest,
        /// What it is.
        now: PlanDigest,
    },
    /// Something changed each time that the plan was made.
    #[error(
        "the directory, or what the region {region:?} tells, changed each time that its plan was \
         made; look at the plan again and merge it when others have ended their work"
    )]
    Restless {
        /// The region.
        region: String,
    },
    /// Another federation's marker is on what the region has.
    #[error(
        "things of the region {region:?} bear the marker of the federation {federation}, whose hub \
         may still write to them; have that hub remove the region first, or say that this one \
         takes over (`idp-hub org merge {word} --take-over`)",
        word = word(region)
    )]
    Foreign {
        /// The region.
        region: String,
        /// The other federations, by their ids.
        federation: String,
    },
    /// Its cloud is another region's already.
    #[error(
        "the cloud of the region {region:?} is that of the region {other:?} already, by the ids of \
         its projects, and two agents would write to one cloud; remove one of the two (`idp-hub \
         region remove {}`), or, where its Keystone is only a copy of that one, say so \
         (`idp-hub org merge {} --copied`)",
        word(other),
        word(region)
    )]
    Twin {
        /// The region.
        region: String,
        /// The other one.
        other: String,
    },
}

const fn ended(how: &End) -> &'static str {
    match how {
        End::Deleted => "deleted",
        End::Retired => "retired",
    }
}
