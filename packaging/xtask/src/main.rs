//! The project's own chores, as `cargo xtask`: set-up, clouds to test against, checks.
//!
//! One file per command; each reads the project's folders through [`project`], runs programs
//! through [`run`], and shows what it does through [`progress`]. Results go to standard output,
//! everything for human eyes to standard error.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod check;
mod clock;
mod cloud;
mod demo;
mod fuzz;
mod lint;
mod lock;
mod progress;
mod project;
mod run;
mod setup;
mod soak;

/// Set-up, checks and real clouds for the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring up, list and take down real OpenStack clouds on this machine
    #[command(subcommand)]
    Cloud(cloud::Command),
    /// A hub and three regions on this machine, until Ctrl-C
    Demo(demo::Args),
    /// Install what the tests need: Debian packages, OpenStack in a virtualenv
    Setup(setup::Args),
    /// Search for bytes that a decoder can't bear (needs a nightly compiler)
    Fuzz(fuzz::Args),
    /// Measure, beside peers from Debian: ingest, idle, scale, join, storm, wire, wan, agent,
    /// merge, orgsync, propagate
    Bench(bench::Args),
    /// Let a whole federation live for long: `org`, one directory, while everything fails
    Soak(soak::Args),
    /// Check formatting and lints
    Lint,
    /// Run everything that must pass: set-up, lints, tests, documentation tests
    Test(check::Args),
}

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    let project = project::Project::find()?;
    match command {
        Command::Cloud(command) => return Ok(cloud::run(&project, command)?),
        Command::Demo(args) => demo::run(&project, &args)?,
        Command::Setup(args) => setup::run(&project, &args)?,
        Command::Fuzz(args) => fuzz::run(&project, &args)?,
        Command::Bench(args) => bench::run(&project, &args)?,
        Command::Soak(args) => soak::run(&project, &args)?,
        Command::Lint => lint::run(&project)?,
        Command::Test(args) => check::run(&project, &args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the error and its causes, one per line, outermost first.
fn report(error: &dyn Error) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
