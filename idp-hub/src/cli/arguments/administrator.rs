//! What may be asked of cloud administrators.

use clap::{Args, Subcommand};

/// Cloud administrators.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Administrator {
    /// List them
    List,
    /// Make a user one, here and in every region, with a new password; asks for it twice
    Add {
        #[command(flatten)]
        who: Whom,
        /// Read the new password from standard input instead: the first line
        #[arg(long)]
        stdin: bool,
    },
    /// Make a user none any more: here at once, and in every region as soon as it is heard
    Remove {
        #[command(flatten)]
        who: Whom,
        /// Also where no other user is one; then the hub's own accounts alone are
        #[arg(long)]
        last: bool,
    },
}

/// A user.
#[derive(Debug, Args)]
pub(in crate::cli) struct Whom {
    /// The user's name or id
    pub(in crate::cli) user: String,
    /// The department that he is in, by name or id, where several have the name
    #[arg(long = "in", value_name = "DEPARTMENT")]
    pub(in crate::cli) within: Option<String>,
}
