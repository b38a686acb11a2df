//! What may be asked.

mod administrator;
mod audit;
mod drift;
mod org;
mod quota;
mod spread;

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::PATH_DEFAULT;
pub(super) use administrator::{Administrator, Whom};
pub(super) use audit::{Audit, List as AuditList};
pub(super) use drift::{Cure, Drift, Policy as DriftPolicy, Which as WhichDrift};
pub(super) use org::{Create, Ending, Kind, Link, Org, Said, Set, Which};
pub(super) use quota::{Quota, SetQuota, UnsetQuota};
pub(super) use spread::{Spread, SpreadCommand};

/// The hub of a federation of clouds
#[derive(Debug, Parser)]
#[command(name = "idp-hub", version, max_term_width = 80)]
#[command(after_help = "\
A new federation, step by step:
  1. Make it:                idp-hub init
  2. Start the hub:          systemctl enable --now idp-hub
  3. Invite a region:        idp-hub region invite NAME
  4. Join, in the region:    sp-agent join --hub HOST:7443 -
  5. Compare its key, then:  idp-hub region accept NAME
  6. One organization:       idp-hub org plan NAME, then: idp-hub org merge NAME

Exit codes: 0 done, 1 failed, 64 flags or configuration are wrong.")]
pub(super) struct Arguments {
    /// The configuration file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "IDP_HUB_CONFIG",
        hide_env_values = true
    )]
    #[arg(default_value = PATH_DEFAULT)]
    pub(super) config: PathBuf,
    /// The daemon's local socket; the configuration's unless given
    #[arg(long, global = true)]
    pub(super) socket: Option<PathBuf>,
    /// How results are written
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    pub(super) output: Format,
    /// What to do
    #[command(subcommand)]
    pub(super) command: Command,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a new federation: its CA, this hub's key, and the administrator's account
    Init(Init),
    /// Serve: what the systemd unit runs
    Serve,
    /// Regions: invite, adopt, look, accept, rename, remove
    #[command(subcommand)]
    Region(Region),
    /// One organization for all regions: plan, merge, list, change
    #[command(subcommand)]
    Org(Org),
    /// The administrator's account
    #[command(subcommand)]
    Account(Account),
    /// Who did what: list, verify
    #[command(subcommand)]
    Audit(Audit),
    /// Check the configuration, and tell every fault at once
    CheckConfig,
    /// Copy the database, consistent at one moment, while the hub serves; `idp-hub restore` puts
    /// it back
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Put a copy that `idp-hub backup` made into the database's place, while the hub is stopped.
    /// The database that was there is kept beside it
    Restore {
        /// The copy
        file: PathBuf,
    },
}

/// How `init` gets a password.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where the administrator's password comes from
    #[command(flatten)]
    pub(super) password: PasswordFrom,
}

/// Where a new password comes from. Without any of these one is generated, and printed once.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct PasswordFrom {
    /// Read the password from this file (its first line)
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    /// Ask for the password on the terminal; else one is generated and printed once
    #[arg(long)]
    pub(super) ask_password: bool,
}

/// Regions.
#[derive(Debug, Subcommand)]
pub(super) enum Region {
    /// Make a token by which a region may join, and print the command to run there
    Invite {
        /// The name that the region will have
        name: String,
        /// How many minutes the token is good
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=60))]
        minutes: u64,
    },
    /// List the invitations that nobody has used yet
    Invitations,
    /// Make an invitation that nobody has used yet good for nothing
    Withdraw {
        /// The name that it is for
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Adopt an agent that is not joined, by its management address: look at it, compare its key,
    /// and give an administrator's account of its cloud, which the agent checks there
    Adopt(Adopt),
    /// List all regions with their states
    List,
    /// Show everything about one region
    Show {
        /// Its name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Accept a region that has joined, so that it reports
    Accept {
        /// Its name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// The key fingerprint that its agent shows; a region with another key is not accepted
        #[arg(long, value_name = "FINGERPRINT")]
        key: Option<String>,
        /// Accept the key that it has, without asking
        #[arg(long, conflicts_with = "key")]
        yes: bool,
    },
    /// Give a region's agent another credential for its cloud, which it tries there first
    Credential(Credential),
    /// Give a region another name
    Rename {
        /// Its name until now
        from: String,
        /// Its new name
        to: String,
    },
    /// Remove a region; nothing is touched in its cloud
    Remove {
        /// Its name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// What an adoption takes. What is not given is asked for on the terminal.
#[derive(Debug, Args)]
pub(super) struct Adopt {
    /// The name that the region will have
    pub(super) name: String,
    /// The agent's address, HOST or HOST:PORT (UDP); the port is 7444 unless given
    pub(super) address: String,
    /// The key fingerprint that `sp-agent status` shows there; with another key nothing is sent
    #[arg(long, value_name = "FINGERPRINT")]
    pub(super) fingerprint: Option<String>,
    /// An administrator's account of that cloud
    #[arg(long)]
    pub(super) account: Option<String>,
    /// Read the account's password from this file (its first line)
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    /// The account's domain; Keystone's Default unless given
    #[arg(long, value_name = "NAME")]
    pub(super) user_domain: Option<String>,
    /// The project in which the account is an administrator; the agent's own unless given
    #[arg(long, value_name = "NAME")]
    pub(super) project: Option<String>,
    /// The project's domain; Keystone's Default unless given
    #[arg(long, value_name = "NAME")]
    pub(super) project_domain: Option<String>,
    /// Where the agent is to dial this hub; may be repeated; the configuration's link.address
    /// unless given
    #[arg(long = "hub", value_name = "HOST:PORT")]
    pub(super) hubs: Vec<String>,
}

/// A credential for a region's cloud. Its secret is asked for on the terminal, and so is who, where
/// nobody is named.
#[derive(Debug, Args)]
pub(super) struct Credential {
    /// The region's name
    pub(super) region: String,
    /// The id of an application credential
    #[arg(long, value_name = "ID", conflicts_with = "account")]
    pub(super) application_credential: Option<String>,
    /// The name of an account that administers that cloud
    #[arg(long, value_name = "NAME")]
    pub(super) account: Option<String>,
    /// The account's domain; as until now unless given
    #[arg(long, value_name = "NAME")]
    pub(super) user_domain: Option<String>,
    /// The project in which the account is an administrator; as until now unless given
    #[arg(long, value_name = "NAME")]
    pub(super) project: Option<String>,
    /// The project's domain; as until now unless given
    #[arg(long, value_name = "NAME")]
    pub(super) project_domain: Option<String>,
    /// Read the secret from standard input (its first line)
    #[arg(long)]
    pub(super) stdin: bool,
}

/// Accounts.
#[derive(Debug, Subcommand)]
pub(super) enum Account {
    /// Set a new password, and end all sessions of the account
    Password {
        /// Which account
        #[arg(long, default_value = "admin")]
        account: String,
        /// Where the new password comes from
        #[command(flatten)]
        password: PasswordFrom,
    },
}
