//! `cargo xtask test`: everything that must pass before a change lands, in the order of cost.
//!
//! Tests that need a real cloud have `real_cloud` in their path: a module or a prefix of that
//! name. They bring up their own clouds with `cargo xtask cloud up --json`.

use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::cloud::{self, CloudError, ReleaseName};
use crate::lint::{self, cargo};
use crate::project::Project;
use crate::run::{self, RunError};
use crate::setup::{self, SetupError};

/// What the path of a test that needs a real cloud contains.
const REAL_CLOUD: &str = "real_cloud";

/// How much to test.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out real clouds and the tests that need them; what was left out is listed
    #[arg(long)]
    fast: bool,
}

/// Runs all of it; the first failure ends it.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), CheckError> {
    if !args.fast {
        title("set-up");
        setup::all(project, ReleaseName::value_variants())?;
    }
    title("formatting and lints");
    lint::run(project)?;
    title("tests");
    let nextest = has_nextest(project);
    let tested = run::openly(&mut tests(project, nextest, args.fast));
    // Tests are processes of their own, of which none knows which is the last.
    let ended = cloud::end_of_tests(project);
    tested?;
    ended?;
    title("documentation tests");
    run::openly(cargo(project).args(["test", "--workspace", "--doc"]))?;
    if args.fast {
        title("LEFT OUT by --fast: the set-up of real clouds, and these tests that need them");
        run::openly(&mut left_out(project, nextest))?;
        eprintln!("`cargo xtask test` runs them too");
    }
    Ok(())
}

fn title(text: &str) {
    eprintln!("== {text}");
}

fn has_nextest(project: &Project) -> bool {
    let mut command = cargo(project);
    command
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn tests(project: &Project, nextest: bool, fast: bool) -> Command {
    let mut command = cargo(project);
    command.args(test_arguments(nextest, fast));
    command
}

fn test_arguments(nextest: bool, fast: bool) -> Vec<String> {
    let words = match (nextest, fast) {
        (true, false) => "nextest run --workspace".to_owned(),
        (true, true) => format!("nextest run --workspace -E not(test({REAL_CLOUD}))"),
        (false, false) => "test --workspace --all-targets".to_owned(),
        (false, true) => format!("test --workspace --all-targets -- --skip {REAL_CLOUD}"),
    };
    words.split(' ').map(str::to_owned).collect()
}

fn left_out(project: &Project, nextest: bool) -> Command {
    let mut command = cargo(project);
    if nextest {
        let filter = format!("test({REAL_CLOUD})");
        command.args(["nextest", "list", "--workspace", "-E", &filter]);
    } else {
        command.args(["test", "--workspace", "--all-targets", "--quiet", "--"]);
        command.args(["--list", REAL_CLOUD]);
    }
    command
}

/// What did not pass.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// The set-up failed.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A check failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A test's cloud does not end.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_leaves_out_exactly_what_needs_a_cloud() {
        let fast = test_arguments(true, true);
        assert_eq!(fast.last().unwrap(), "not(test(real_cloud))");
        let fast = test_arguments(false, true);
        assert_eq!(fast[fast.len() - 2..], ["--skip", "real_cloud"]);
        assert!(!test_arguments(true, false).concat().contains(REAL_CLOUD));
        assert!(!test_arguments(false, false).concat().contains(REAL_CLOUD));
    }
}
