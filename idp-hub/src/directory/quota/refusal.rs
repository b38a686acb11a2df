//! Why limits are not set.

use shared::foreign::word;

use super::Allowed;

/// Why limits are not set. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuotaRefusal {
    /// There is no such project.
    #[error(
        "neither the directory nor the region {region:?} has a project {project}; `idp-hub org \
         list projects` and `idp-hub org quota list {}` show what there is",
        word(region)
    )]
    NoProject {
        /// The region.
        region: String,
        /// Which.
        project: String,
    },
    /// The region knows no such resource.
    #[error(
        "the region {region:?} has no quota for {resource:?}{}",
        known_words(known)
    )]
    NoResource {
        /// The region.
        region: String,
        /// What was asked for.
        resource: String,
        /// What it knows, by service.
        known: Vec<String>,
    },
    /// Two services have a resource of this name.
    #[error(
        "several services of the region {region:?} have a quota for {resource:?}; say which: {}",
        which.join(" or ")
    )]
    Several {
        /// The region.
        region: String,
        /// What was asked for.
        resource: String,
        /// With the service's word before each.
        which: Vec<String>,
    },
    /// No cloud takes such a figure.
    #[error(
        "{value} is no limit for {resource:?}: it is 0 to {max}, or -1 for unlimited",
        max = shared::model::LIMIT_MAX
    )]
    NoLimit {
        /// The resource.
        resource: String,
        /// What was asked for.
        value: i64,
    },
    /// No limit of it was set.
    #[error(
        "no limit of {resource:?} is set at the hub for {project} in the region {region:?}{}",
        set_words(set)
    )]
    NotSet {
        /// The region.
        region: String,
        /// The project's name.
        project: String,
        /// What was asked for.
        resource: String,
        /// What is set, by service.
        set: Box<[String]>,
    },
    /// Nothing was asked for, or too much.
    #[error("{what}; {next}")]
    Wrong {
        /// What is wrong.
        what: String,
        /// What to do.
        next: &'static str,
    },
    /// It would be below what is used.
    #[error(
        "{project} uses {used} of {resource} in the region {region:?}, and {reserved} more are \
         reserved: with a limit of {limit} it could make nothing any more, and not replace what it \
         has; set {needed} or more{}", forced(*can_force),
        needed = used.saturating_add(*reserved)
    )]
    BelowUse {
        /// The region.
        region: String,
        /// The project's name.
        project: String,
        /// The resource.
        resource: String,
        /// What was asked for.
        limit: u64,
        /// In use.
        used: u64,
        /// Held for work in progress.
        reserved: u64,
        /// Whether its service takes it all the same.
        can_force: bool,
    },
    /// Nobody knows what it uses.
    #[error(
        "what {project} uses of {resource} in the region {region:?} is not known: its quota was \
         not read there (yet); wait for the next reading, see `idp-hub region show {}`, or set \
         it all the same with --force (force: true)",
        word(region)
    )]
    NotRead {
        /// The region.
        region: String,
        /// The project's name.
        project: String,
        /// The resource.
        resource: String,
    },
    /// All limits together would be more than the region has.
    #[error(
        "with {limit} of {resource} for {project}, all projects of the region {region:?} together \
         may use {sum}, and it has {capacity}{}{}; set less, lower another's in the same request, \
         or set it all the same with --overcommit (overcommit: true)",
        beside(*unlimited, *unknown), told_next(*promised)
    )]
    OverCapacity {
        /// The region.
        region: String,
        /// The project's name.
        project: String,
        /// The resource.
        resource: String,
        /// What was asked for.
        limit: Allowed,
        /// What all may use then.
        sum: u64,
        /// What of that totals promise, and the region was not told yet.
        promised: u64,
        /// What there is.
        capacity: u64,
        /// Projects without a limit, of which the sum has what they use.
        unlimited: u32,
        /// Projects whose quota was not read (yet), which are not in it either.
        unknown: u32,
    },
    /// A total would be more than the merged regions have left.
    #[error(
        "the merged regions have {left} of {resource} left for {project} in all, and a total of \
         {total} is more: what they have, less what other projects may use there (left in {}){}; \
         set less, lower other limits first, or set it all the same with --overcommit \
         (overcommit: true)", of_each.join(", "), promised_words(*promised)
    )]
    TotalOverCapacity {
        /// The project's name.
        project: Box<str>,
        /// The resource.
        resource: Box<str>,
        /// What was asked for.
        total: u64,
        /// What there is for it.
        left: u64,
        /// What of it other totals take of which regions were not told yet.
        promised: u64,
        /// Of each region.
        of_each: Box<[String]>,
    },
    /// It would be more than whoever shifts had.
    #[error(
        "{within} may use {after} of {resource} in the region {region:?} then, and may use \
         {before} now: whoever administers a department shifts between its projects, and whoever \
         administers a project between that and those nested in it; lower another one's in the \
         same request, or ask a cloud administrator{}",
        nothing_of(unset)
    )]
    Grows {
        /// The region.
        region: String,
        /// What it is shifted within, in words.
        within: Box<str>,
        /// The resource.
        resource: String,
        /// Of the projects named, now.
        before: Allowed,
        /// Of them, then.
        after: Allowed,
        /// The names of those that nobody has set a limit of here, and that so have nothing of
        /// their own to give.
        unset: Box<[String]>,
    },
    /// It is no leftover.
    #[error(
        "{project} is a project of the directory and no leftover; set its limits with `idp-hub \
         org quota set {} {} RESOURCE=N`, or retire it first",
        word(region),
        word(project)
    )]
    NotLeft {
        /// The region.
        region: String,
        /// The project's name.
        project: String,
    },
    /// The cloud itself may use it.
    #[error(
        "{project} is the project that the services of the region {region:?} have their accounts \
         in, and some (Octavia, Trove) make servers there: without a quota they stop; zero it all \
         the same with --force (force: true)"
    )]
    OfServices {
        /// The region.
        region: String,
        /// The project's name.
        project: String,
    },
}

fn known_words(known: &[String]) -> String {
    match known.is_empty() {
        true => {
            ", and its agent has told no quota yet; try again after the next reading".to_owned()
        }
        false => format!("; name one that it has: {}", known.join(", ")),
    }
}

fn set_words(set: &[String]) -> String {
    match set {
        [] => ", nor any other".to_owned(),
        set => format!("; name one that is: {}", set.join(", ")),
    }
}

fn beside(unlimited: u32, unknown: u32) -> String {
    let count = |count: u32, what: &str| match count {
        0 => None,
        1 => Some(format!("one project {what}")),
        many => Some(format!("{many} projects {what}")),
    };
    let unlimited = count(unlimited, "without a limit, counted by what is used");
    let is_unknown = unknown > 0;
    let unknown = count(unknown, "whose quota was not read there yet");
    let all: Vec<String> = [unlimited, unknown].into_iter().flatten().collect();
    let why = match is_unknown {
        true => ", so that nobody knows whether it fits: try again after the next reading",
        false => "",
    };
    match all.is_empty() {
        true => String::new(),
        false => format!(" (beside {}{why})", all.join(" and ")),
    }
}

fn promised_words(promised: u64) -> String {
    match promised {
        0 => String::new(),
        _ => format!(", and less {promised} of other totals that regions are told next"),
    }
}

fn told_next(promised: u64) -> String {
    match promised {
        0 => String::new(),
        _ => format!(", {promised} of it for totals of which the region is told next"),
    }
}

const fn forced(can_force: bool) -> &'static str {
    match can_force {
        true => ", or set it all the same with --force (force: true)",
        false => "; Cinder takes no less, whatever is said",
    }
}

fn nothing_of(unset: &[String]) -> String {
    match unset {
        [] => String::new(),
        names => format!(
            " (no limit was set at the hub for {}: what a cloud gives by itself counts as nothing \
             here, until a cloud administrator sets the first limit)",
            names.join(", ")
        ),
    }
}
