//! `cargo xtask soak org`: one directory for hours, with real daemons that are killed and Keystones
//! that fail.

use std::process::Command;

use crate::progress::Progress;
use crate::project::Project;
use crate::run::{self, RunError};

/// What is soaked, and the program's own options.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `org`, and its options; `org --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    words: Vec<String>,
}

/// Builds the daemons and the program, and runs it.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), SoakError> {
    let progress = Progress::begin();
    let step = progress.step("build the daemons");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let log = project.root.join("target/soak-build.log");
    let mut build = Command::new(cargo);
    build.current_dir(&project.root).args(["build", "--locked"]);
    for package in ["tests", "idp-hub", "sp-agent"] {
        build.args(["--package", package]);
    }
    for program in ["regroup-soak", "idp-hub", "sp-agent"] {
        build.args(["--bin", program]);
    }
    run::quietly(&mut build, &log).map_err(SoakError::Build)?;
    step.done();
    let mut soak = Command::new(project.root.join("target/debug/regroup-soak"));
    run::openly(soak.args(&args.words)).map_err(SoakError::Run)
}

/// Why it did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SoakError {
    /// The programs can't be built.
    #[error("cannot build what soaks")]
    Build(#[source] RunError),
    /// Something did not hold.
    #[error("something did not hold, as told above; the same --seed plays it again")]
    Run(#[source] RunError),
}
