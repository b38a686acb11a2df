//! `cargo xtask bench NAME`: a benchmark, beside its peers.
//!
//! Installs the peers from Debian (never as services: each benchmark runs its own instances on
//! loopback), builds the benchmarks' program in release mode, and runs it.

use std::process::Command;

use crate::progress::Progress;
use crate::project::Project;
use crate::run::{self, RunError};
use crate::setup::{self, SetupError};

/// What is needed of Debian: a program of each package, and the package.
const PACKAGES: [(&str, &str); 4] = [
    ("mosquitto", "mosquitto"),
    ("nats-server", "nats-server"),
    ("etcd", "etcd-server"),
    ("taskset", "util-linux"),
];

/// Which benchmark, and its own options.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The benchmark, and its options; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    words: Vec<String>,
}

/// Runs a benchmark; its figures go to standard output.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), BenchError> {
    let progress = Progress::begin();
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(program, _)| !setup::is_installed(program))
        .map(|(_, package)| *package)
        .collect();
    setup::install(project, &progress, &missing)?;
    let step = progress.step("build the benchmarks in release mode");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let log = project.root.join("target/bench-build.log");
    let mut build = Command::new(cargo);
    build
        .current_dir(&project.root)
        .args(["build", "--release", "--locked", "--package", "tests"])
        // Real daemons stand beside it, for the benchmarks that run them.
        .args(["--package", "idp-hub", "--package", "sp-agent"])
        .args([
            "--bin",
            "regroup-bench",
            "--bin",
            "idp-hub",
            "--bin",
            "sp-agent",
        ]);
    run::quietly(&mut build, &log).map_err(BenchError::Build)?;
    step.done();
    let mut bench = Command::new(project.root.join("target/release/regroup-bench"));
    bench.arg("run").args(&args.words);
    run::openly(&mut bench).map_err(BenchError::Run)
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The peers can't be installed.
    #[error("cannot install what the benchmarks compare with")]
    Peers(#[from] SetupError),
    /// The program can't be built.
    #[error("cannot build the benchmarks")]
    Build(#[source] RunError),
    /// The benchmark failed.
    #[error("the benchmark did not come to its end")]
    Run(#[source] RunError),
}
