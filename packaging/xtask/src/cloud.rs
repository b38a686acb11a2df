//! Real OpenStack clouds on this machine: `cargo xtask cloud`.
//!
//! ```text
//! release (pinned versions) → venv → seed (databases) → copy, adopt (own ids and keys)
//!                                                        → config → start → ready
//! ```
//!
//! A cloud is genuine OpenStack from its packages, on SQLite, without a message broker; its
//! processes outlive xtask, and `state.json` in its folder names them. Virtualenv and seeds are
//! made once and shared. Clouds may be brought up and down at the same time: each has a lock, and
//! so have the shared parts and the choice of ports.

use std::process::ExitCode;

use clap::Subcommand;

use crate::progress::Progress;
use crate::project::Project;

mod adopt;
mod config;
mod connection;
mod down;
mod exec;
mod http;
mod list;
mod ports;
mod process;
mod ready;
mod release;
mod render;
mod seed;
mod service;
mod start;
mod state;
mod up;
mod venv;

pub(crate) use release::Name as ReleaseName;
pub(crate) use venv::python_has_venv;

/// The commands on clouds.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring up a cloud, or what is missing of it; a running one is left as it is
    Up(up::Args),
    /// End a cloud's processes and remove it
    Down(down::Args),
    /// List the clouds of this project
    List(list::Args),
    /// Run a program (such as `openstack server list`) as a cloud's administrator
    Exec(exec::Args),
}

/// Runs a command; the exit code is the program's own for `exec`.
pub(crate) fn run(project: &Project, command: Command) -> Result<ExitCode, CloudError> {
    match command {
        Command::Up(args) => up::run(project, &args)?,
        Command::Down(args) => down::run(project, &args)?,
        Command::List(args) => list::run(project, &args)?,
        Command::Exec(args) => return Ok(exec::run(project, &args)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes what clouds of a release share, so that the first one comes up as fast as the next.
pub(crate) fn prepare(
    project: &Project,
    name: ReleaseName,
    progress: &Progress,
) -> Result<(), CloudError> {
    let release = release::Release::load(project, name).map_err(up::UpError::Release)?;
    Ok(up::prepare(
        project,
        &release,
        &release.services(),
        progress,
    )?)
}

/// Ends the clouds that tests brought up, each for those that come after it.
pub(crate) fn end_of_tests(project: &Project) -> Result<(), CloudError> {
    Ok(down::named(project, "test-")?)
}

/// A command failed; each says its own reason and next step.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CloudError {
    /// `cloud up`, or its preparation.
    #[error(transparent)]
    Up(#[from] up::UpError),
    /// `cloud down`.
    #[error(transparent)]
    Down(#[from] down::DownError),
    /// `cloud list`.
    #[error(transparent)]
    List(#[from] list::ListError),
    /// `cloud exec`.
    #[error(transparent)]
    Exec(#[from] exec::ExecError),
}
