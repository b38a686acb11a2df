//! What may be asked of the audit trail.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use shared::audit::Head;

/// The audit trail.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Audit {
    /// Who did what, the newest last
    List(List),
    /// Check that every entry is as it was written; exits with 1 if one is not
    Verify {
        /// Check the trail of a copy that `idp-hub backup` made, or of a database of which no hub
        /// serves, instead of the running hub's
        #[arg(long, value_name = "BACKUP")]
        file: Option<PathBuf>,
        /// A newest entry that was shown or logged before, which must still be there as it was
        #[arg(long, value_name = "NUMBER:LINK")]
        head: Option<Head>,
    },
}

/// Which entries.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Only this action, such as create, edit, end, merge, accept or sign-in
    #[arg(long)]
    pub(in crate::cli) action: Option<String>,
    /// Only what this account did
    #[arg(long, value_name = "ACCOUNT")]
    pub(in crate::cli) who: Option<String>,
    /// Only what was done to this: a kind, such as user or region, an id, or a part of a name
    #[arg(long)]
    pub(in crate::cli) subject: Option<String>,
    /// Not before this: so long ago, such as 90m, 2h or 3d, or a moment by RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) since: Option<String>,
    /// How many entries, the newest
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) limit: u32,
}
