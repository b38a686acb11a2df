//! What may be asked of quotas.

use clap::{Args, Subcommand};

use super::spread::Spread;

/// Quotas of the regions.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Quota {
    /// List what each project may use and uses, and where a limit is not (yet) as it was set
    List {
        /// Of this region alone
        region: Option<String>,
        /// Of this project alone: its name, its id, or what the region's cloud calls it
        #[arg(long)]
        project: Option<String>,
        /// Every resource, and not only those that are used, set, or looked at most
        #[arg(long)]
        full: bool,
    },
    /// Set limits of a project in a region; its agent is told at once
    Set(SetQuota),
    /// Set limits of a project no more at the hub: the region's cloud keeps the limit that it has
    ///
    /// Nothing is changed in the region: the limit stays as it was told last there, or as somebody
    /// has set it there since, and its cloud goes on refusing what is beyond it. No default comes
    /// back. The hub only says no more what it should be, nor shows where it is another. To have
    /// another limit there: idp-hub org quota set.
    Unset(UnsetQuota),
    /// Show what of a region is given to projects of the directory, and what to leftovers: why they
    /// are left over, what they still have, and what to do about it
    Allocated {
        /// The region's name
        region: String,
    },
    /// Set the most that a project may use in all regions together, which the hub shares out
    Spread(Spread),
    /// Leave a leftover of a region what it uses, and nothing more
    Zero {
        /// The region's name
        region: String,
        /// The leftover's name, or its id, as `quota allocated` shows it
        project: String,
        /// Also where services of the cloud have their accounts in it
        #[arg(long)]
        force: bool,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// Limits of a project that are set no more.
#[derive(Debug, Args)]
pub(in crate::cli) struct UnsetQuota {
    /// The region's name
    pub(in crate::cli) region: String,
    /// The project's name or id
    pub(in crate::cli) project: String,
    /// The cloud's name of each resource
    #[arg(required = true, value_name = "RESOURCE")]
    pub(in crate::cli) resources: Vec<String>,
    /// The department that it is in, by name or id, where several have the name
    #[arg(long = "in", value_name = "DEPARTMENT")]
    pub(in crate::cli) within: Option<String>,
    /// PROJECT is what the region's cloud calls it: of one that the directory has not
    #[arg(long, conflicts_with = "within")]
    pub(in crate::cli) own: bool,
}

/// The limits of a project.
#[derive(Debug, Args)]
pub(in crate::cli) struct SetQuota {
    /// The region's name
    pub(in crate::cli) region: String,
    /// The project's name or id
    pub(in crate::cli) project: String,
    /// The cloud's name of each resource and its limit: cores=20 ram=unlimited
    #[arg(required = true, value_name = "RESOURCE=N")]
    pub(in crate::cli) limits: Vec<String>,
    /// The department that it is in, by name or id, where several have the name
    #[arg(long = "in", value_name = "DEPARTMENT")]
    pub(in crate::cli) within: Option<String>,
    /// PROJECT is what the region's cloud calls it: of one that the directory has not
    #[arg(long, conflicts_with = "within")]
    pub(in crate::cli) own: bool,
    /// Also below what is used, where the service takes that (Cinder never does)
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Also beyond what the region has
    #[arg(long)]
    pub(in crate::cli) overcommit: bool,
}
