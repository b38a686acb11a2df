//! `cargo xtask fuzz`: searches for bytes that a decoder can't bear, for some seconds each.
//!
//! The targets are those of `tests/src/fuzzing.rs`; `cargo test` tries mutated seeds of the same.
//! What a search finds stays below `tests/fuzz/artifacts` and makes the command fail.

use std::process::{Command, Stdio};

use crate::lint::cargo;
use crate::project::Project;
use crate::run::{self, RunError};

/// The most memory that one input may lead to, MiB: the fuzzer's own is half of it.
const MEMORY_MIB: u32 = 1024;

/// The longest input tried, bytes: longer ones find nothing that these don't, only later.
const INPUT_BYTES_MAX: u32 = 16 << 10;

/// The longest that one input may take, seconds, with the sanitizer's slowness.
const INPUT_SECONDS_MAX: u32 = 5;

/// What to search, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this decoder [default: all, one after another]
    target: Option<String>,
    /// For so many seconds each
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Searches; the first finding ends it.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), FuzzError> {
    install(project)?;
    let targets = match &args.target {
        Some(target) => vec![target.clone()],
        None => targets(project)?,
    };
    for target in targets {
        eprintln!("== {target}, {} s", args.seconds);
        // Its seeds are put there by the target itself, if there is a place for them.
        let corpus = project.root.join("tests/fuzz/corpus").join(&target);
        std::fs::create_dir_all(&corpus).map_err(FuzzError::Corpus)?;
        run::openly(&mut search(project, &target, args.seconds))?;
    }
    Ok(())
}

/// The fuzzer's own subcommand, on a compiler that has the sanitizers.
fn fuzz(project: &Project, words: &[&str]) -> Command {
    // The cargo that runs this is tied to the stable toolchain; rustup's proxy picks the other.
    let mut command = Command::new("cargo");
    command.current_dir(project.root.join("tests"));
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command.args(["+nightly", "fuzz"]).args(words);
    command
}

fn search(project: &Project, target: &str, seconds: u32) -> Command {
    let mut command = fuzz(project, &["run", target, "--"]);
    command.args([
        format!("-max_total_time={seconds}"),
        format!("-rss_limit_mb={MEMORY_MIB}"),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
        "-print_final_stats=1".to_owned(),
    ]);
    command
}

fn install(project: &Project) -> Result<(), FuzzError> {
    let mut asked = fuzz(project, &["--version"]);
    asked.stdout(Stdio::null()).stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    eprintln!("== set-up: cargo-fuzz");
    run::openly(cargo(project).args(["install", "cargo-fuzz", "--locked"]))?;
    Ok(())
}

fn targets(project: &Project) -> Result<Vec<String>, FuzzError> {
    let listed = fuzz(project, &["list"]).output().map_err(FuzzError::List)?;
    let names = String::from_utf8_lossy(&listed.stdout);
    let names: Vec<String> = names.lines().map(str::to_owned).collect();
    match names.is_empty() {
        true => Err(FuzzError::NoTargets {
            told: String::from_utf8_lossy(&listed.stderr).into_owned(),
        }),
        false => Ok(names),
    }
}

/// Why a search did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FuzzError {
    /// There is no place for inputs.
    #[error("cannot make the corpus below tests/fuzz")]
    Corpus(#[source] std::io::Error),
    /// The targets can't be listed.
    #[error("cannot start cargo to list the targets; is rustup installed?")]
    List(#[source] std::io::Error),
    /// There are none.
    #[error("no targets are listed; `rustup toolchain install nightly` if it is missing: {told}")]
    NoTargets {
        /// What cargo said.
        told: String,
    },
    /// Bytes were found that a decoder can't bear, or the search could not begin.
    #[error(transparent)]
    Run(#[from] RunError),
}
