//! What may be asked of totals over regions.

use clap::{Args, Subcommand};

/// Totals that are spread over the regions.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct Spread {
    /// Show them, or take one back; without it, totals are set
    #[command(subcommand)]
    pub(in crate::cli) command: Option<SpreadCommand>,
    /// The project, by name or id
    #[arg(required = true)]
    pub(in crate::cli) project: Option<String>,
    /// The most in all regions together, as RESOURCE=N: cores=100 ram=204800 gigabytes=2000
    #[arg(required = true, value_name = "RESOURCE=N", value_parser = total)]
    pub(in crate::cli) totals: Vec<(String, u64)>,
    /// The department that the project is in, by name or id, where several have the name
    #[arg(long = "in", value_name = "DEPARTMENT")]
    pub(in crate::cli) within: Option<String>,
    /// Also beyond what the merged regions have left together, less what other projects may use;
    /// that is checked once each has told its nodes (cores, ram) or pools (gigabytes)
    #[arg(long)]
    pub(in crate::cli) overcommit: bool,
}

/// What else may be done about them.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SpreadCommand {
    /// Show each total, and what each region has of it
    List {
        /// Of this project alone, by name or id
        #[arg(long)]
        project: Option<String>,
    },
    /// Take totals back: each region keeps the limit that it was told last
    Remove {
        /// The project, by name or id
        project: String,
        /// Of which resources
        #[arg(required = true, value_name = "RESOURCE")]
        resources: Vec<String>,
        /// The department that the project is in, by name or id, where several have the name
        #[arg(long = "in", value_name = "DEPARTMENT")]
        within: Option<String>,
    },
}

fn total(text: &str) -> Result<(String, u64), String> {
    let (resource, total) = text
        .split_once('=')
        .ok_or_else(|| "it is RESOURCE=N, such as cores=100".to_owned())?;
    match total {
        "-1" | "unlimited" => Err(format!(
            "a total is a number: to spread none, use `idp-hub org quota spread remove PROJECT \
             {resource}`"
        )),
        _ => match total.parse() {
            Ok(total) if !resource.is_empty() => Ok((resource.to_owned(), total)),
            _ => Err(format!(
                "{total:?} is no total: give a whole number, as in cores=100"
            )),
        },
    }
}
