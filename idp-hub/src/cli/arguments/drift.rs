//! What may be asked of drift.

use clap::{Args, Subcommand, ValueEnum};

/// Drift, and what is done about it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct Drift {
    /// Of this region alone
    #[arg(long)]
    pub(in crate::cli) region: Option<String>,
    /// What to do about it; without it, it is shown
    #[command(subcommand)]
    pub(in crate::cli) cure: Option<Cure>,
}

/// What is done about drift.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Cure {
    /// Put the directory's value back in the region
    PutBack(Which),
    /// Adopt the region's value into the directory, and so into every region
    Adopt {
        /// Which
        #[command(flatten)]
        which: Which,
        /// Also what was deleted in the region: it ends in every region
        #[arg(long)]
        end: bool,
    },
}

/// Which drift.
#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    /// The region's name
    pub(in crate::cli) region: String,
    /// The drift's id, or its beginning, as `org drift` shows it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(in crate::cli) id: Option<String>,
    /// All drift of the region for which that can be done; put-back leaves out links of which a
    /// restored hub says nothing
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Don't ask
    #[arg(long)]
    pub(in crate::cli) yes: bool,
}

/// What is done about drift in a region, from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Policy {
    /// It is shown, and an administrator decides.
    Ask,
    /// The directory's value is put back.
    PutBack,
    /// The region's value is adopted, where nothing ends by it and nobody may do more by it.
    Adopt,
}

impl Policy {
    /// Its word.
    pub(in crate::cli) const fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::PutBack => "put-back",
            Self::Adopt => "adopt",
        }
    }
}
