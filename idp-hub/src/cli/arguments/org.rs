//! What may be asked of the directory.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, Args, Subcommand, ValueEnum};

use super::administrator::Administrator;
use super::drift::{Drift, Policy};
use super::quota::Quota;

/// The directory.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Org {
    /// Show what merging a region's organization would do: what is taken in, renamed, made there,
    /// skipped, and why. Changes nothing
    Plan {
        /// The region's name
        region: String,
        /// Every step, and not only those that need a look
        #[arg(long)]
        full: bool,
    },
    /// Merge a region's organization into the directory, as the plan says; asks, unless the plan's
    /// digest is given
    Merge {
        /// The region's name
        region: String,
        /// The digest that the plan was shown with; another plan is not done
        #[arg(long)]
        digest: Option<String>,
        /// Take the region over from the federation whose markers its things bear
        #[arg(long)]
        take_over: bool,
        /// The region's cloud is a copy of another region's, and not that one
        #[arg(long)]
        copied: bool,
    },
    /// Show what differs in the regions, and adopt it or put it back
    Drift(Drift),
    /// Show how far the directory is applied in each region, and what failed there
    Status {
        /// Of this region alone
        region: Option<String>,
        /// Go on, with a line for each change, until nothing is left to be done; or until for a
        /// minute and a half nothing was left but what failed, is held back by a policy or waits
        /// for a region that is away (for ten minutes, whatever is left): then with exit code 1
        #[arg(long)]
        follow: bool,
    },
    /// List who has the role admin and is of a department that somebody else administers, who sets
    /// his password in a region's own Keystone
    Exposed,
    /// Say what is done about drift in a region from now on
    Policy {
        /// The region's name
        region: String,
        /// What is done
        drift: Policy,
    },
    /// List what the directory has of a kind
    List {
        /// Of which kind
        kind: Kind,
        /// What was retired instead, with what is left of it in each region: of departments and
        /// projects
        #[arg(long)]
        retired: bool,
    },
    /// List what was retired: what is left of it in each region, how far a purge is, and what next
    Retired,
    /// Show one department, project, user, group or role
    #[command(mut_arg("kind", |it| named(it, OBJECTS)))]
    Show(Which),
    /// Make a department, project, user, group or role, in every region
    #[command(mut_arg("kind", |it| named(it, OBJECTS)))]
    Create(Create),
    /// Change one of them
    #[command(mut_arg("kind", |it| named(it, OBJECTS)))]
    Set(Set),
    /// Delete a user, group or role from every region
    #[command(mut_arg("kind", |it| named(it, DELETED)))]
    Delete(Ending),
    /// Retire a department or project with all that is in it: no new use, and its resources stay
    #[command(mut_arg("kind", |it| named(it, RETIRED)))]
    Retire(Ending),
    /// Purge a retired department or project: each region deletes it, if nothing is in it
    #[command(mut_arg("kind", |it| named(it, RETIRED)))]
    Purge {
        /// Which
        #[command(flatten)]
        which: Ending,
        /// Take back the word to purge it, where that is not done: it stays retired
        #[arg(long)]
        cancel: bool,
    },
    /// Set a user's password, at the hub and in every region; asks for it twice
    Password {
        /// The user's department, by name or id
        department: String,
        /// The user's name or id
        user: String,
        /// Read it from standard input instead: the first line
        #[arg(long)]
        stdin: bool,
    },
    /// Let a user sign in at the hub again who was locked after too many wrong passwords
    Unlock {
        /// The user's department, by name or id
        department: String,
        /// The user's name or id
        user: String,
    },
    /// Let users sign in at a hub that was restored from a backup, before every merged region has
    /// said who was deleted since; they may by themselves once each has, or after a quarter of an
    /// hour without those that are away, if one has: where none has, not before one has
    Admit,
    /// Show quotas, set them, and find what is left over
    #[command(subcommand)]
    Quota(Quota),
    /// List who of the directory's users is a cloud administrator, make one, or make one none
    #[command(subcommand)]
    Administrator(Administrator),
    /// Make a membership, an implication or an assignment
    #[command(mut_arg("kind", |it| named(it, LINKS)))]
    Link(Link),
    /// Take a membership, an implication or an assignment away
    #[command(mut_arg("kind", |it| named(it, LINKS)))]
    Unlink {
        /// Of which kind
        #[arg(index = 1)]
        kind: Kind,
        /// Its id, as `org list` shows it
        #[arg(index = 2, value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}

/// The kinds of what has a name, of what is deleted at once, of what is retired first and purged
/// later, and of what links two things; as help shows them.
const OBJECTS: &str = "department|project|user|group|role";
const DELETED: &str = "user|group|role";
const RETIRED: &str = "department|project";
const LINKS: &str = "membership|implication|assignment";

/// Help names the kinds that the command is for. Others are taken, and refused with a word about
/// the command that is for them.
fn named(kind: Arg, kinds: &'static str) -> Arg {
    kind.value_name(kinds).hide_possible_values(true)
}

/// A kind of thing, in the singular or the plural.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Kind {
    #[value(alias = "departments")]
    Department,
    #[value(alias = "projects")]
    Project,
    #[value(alias = "users")]
    User,
    #[value(alias = "groups")]
    Group,
    #[value(alias = "roles")]
    Role,
    #[value(alias = "memberships")]
    Membership,
    #[value(alias = "implications")]
    Implication,
    #[value(alias = "assignments")]
    Assignment,
}

impl Kind {
    /// Its word.
    pub(in crate::cli) const fn word(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Project => "project",
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Membership => "membership",
            Self::Implication => "implication",
            Self::Assignment => "assignment",
        }
    }

    /// Whether it links two things, and has no name.
    pub(in crate::cli) const fn is_link(self) -> bool {
        matches!(
            self,
            Self::Membership | Self::Implication | Self::Assignment
        )
    }
}

/// One thing that has a name.
#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    /// Of which kind
    // Places are said, as what is mutated later comes last otherwise.
    #[arg(index = 1)]
    pub(in crate::cli) kind: Kind,
    /// Its name or its id
    #[arg(index = 2)]
    pub(in crate::cli) name: String,
    /// The department that it is in, by name or id, where several have the name
    #[arg(long = "in", value_name = "DEPARTMENT")]
    pub(in crate::cli) within: Option<String>,
}

/// What is said of a thing, beside its name and where it is.
#[derive(Debug, Args)]
pub(in crate::cli) struct Said {
    /// What it is for; "" for an empty description, which differs from none
    #[arg(long)]
    pub(in crate::cli) description: Option<String>,
    /// A user's address; "" for an empty one, which differs from none
    #[arg(long)]
    pub(in crate::cli) email: Option<String>,
    /// A user's default project, by name or id; "" for none
    #[arg(long, value_name = "PROJECT")]
    pub(in crate::cli) default_project: Option<String>,
}

/// What is to be made.
#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    /// Which, and in which department
    #[command(flatten)]
    pub(in crate::cli) which: Which,
    /// The project that a project is to be nested in, by name or id
    #[arg(long, value_name = "PROJECT")]
    pub(in crate::cli) parent: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) said: Said,
    /// It may not be used yet
    #[arg(long)]
    pub(in crate::cli) disabled: bool,
}

/// What of it is to be another.
#[derive(Debug, Args)]
pub(in crate::cli) struct Set {
    /// Which
    #[command(flatten)]
    pub(in crate::cli) which: Which,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) rename: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) said: Said,
    /// It has no description
    #[arg(long, conflicts_with = "description")]
    pub(in crate::cli) no_description: bool,
    /// The user has no address
    #[arg(long, conflicts_with = "email")]
    pub(in crate::cli) no_email: bool,
    /// It may be used
    #[arg(long, conflicts_with = "disable")]
    pub(in crate::cli) enable: bool,
    /// It may not be used
    #[arg(long)]
    pub(in crate::cli) disable: bool,
}

/// What is to end.
#[derive(Debug, Args)]
pub(in crate::cli) struct Ending {
    /// Which
    #[command(flatten)]
    pub(in crate::cli) which: Which,
    /// Don't ask
    #[arg(long)]
    pub(in crate::cli) yes: bool,
}

/// What is to be linked; each by name or id.
#[derive(Debug, Args)]
pub(in crate::cli) struct Link {
    /// Of which kind
    pub(in crate::cli) kind: Kind,
    /// Who: of memberships and assignments
    #[arg(long)]
    pub(in crate::cli) user: Option<String>,
    /// The group: of memberships, and of assignments to one
    #[arg(long)]
    pub(in crate::cli) group: Option<String>,
    /// The role: of assignments, and of implications the one that brings the other along
    #[arg(long)]
    pub(in crate::cli) role: Option<String>,
    /// The role that comes along: of implications
    #[arg(long, value_name = "ROLE")]
    pub(in crate::cli) implied: Option<String>,
    /// The project in which an assignment counts
    #[arg(long)]
    pub(in crate::cli) project: Option<String>,
    /// The department in which an assignment counts
    #[arg(long)]
    pub(in crate::cli) department: Option<String>,
    /// The assignment counts in the projects below instead
    #[arg(long)]
    pub(in crate::cli) inherited: bool,
    /// Also where somebody who has the role admin comes to be in the power of whoever administers
    /// his department: in a region's own Keystone that one sets his password
    #[arg(long)]
    pub(in crate::cli) entrust: bool,
}
