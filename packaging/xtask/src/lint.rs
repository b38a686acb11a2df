//! `cargo xtask lint`: formatting and clippy, as CI wants them.

use std::env;
use std::process::Command;

use crate::project::Project;
use crate::run::{self, RunError};

/// Runs both; the first failure ends it.
pub(crate) fn run(project: &Project) -> Result<(), RunError> {
    run::openly(cargo(project).args(["fmt", "--all", "--check"]))?;
    run::openly(cargo(project).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// The cargo that runs us, in the project's root.
pub(crate) fn cargo(project: &Project) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&project.root);
    command
}
