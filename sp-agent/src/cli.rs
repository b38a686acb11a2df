//! The command line: what an administrator of the region types.
//!
//! Commands speak to the daemon through its socket where it runs, and work on its files where it
//! doesn't. Exit codes: 0 done, 1 something failed or is wrong, 64 flags or configuration are
//! wrong (`EX_USAGE` of sysexits(3)).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use shared::host_port::HostPort;
use shared::pki;
use shared::runtime::daemon::{self, Exit};
use shared::runtime::errors::{BoxError, chain};
use shared::runtime::logs;

mod ask;
mod audit;
mod check;
mod credential;
mod join;
mod leave;
mod status;

use crate::config::{Config, ConfigError, PATH_DEFAULT, Purpose};
use crate::tasks::{self, Origin, THREADS};

/// The agent of one region: reports its cloud to a hub, and keeps the region going without one.
#[derive(Debug, Parser)]
#[command(name = "sp-agent", version, max_term_width = 100)]
#[command(after_help = "\
A new region, step by step:
  1. Describe the cloud in /etc/sp-agent/agent.toml, and prove it:  sp-agent check
  2. Start the agent:                                systemctl enable --now sp-agent
  3. Ask the hub's administrator for an invitation:  idp-hub region invite NAME
  4. Join:                                           sp-agent join --hub HOST:7443 -
  5. Have the administrator compare the key and accept the region; then see:  sp-agent status
Or, with [adoption] in the configuration, have the administrator do it all from the hub:
  idp-hub region adopt NAME ADDRESS

Exit codes: 0 done, 1 failed or something is wrong, 64 flags or configuration are wrong.")]
struct Cli {
    /// Configuration.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SP_AGENT_CONFIG",
        hide_env_values = true
    )]
    #[arg(default_value = PATH_DEFAULT)]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent, as its systemd unit does.
    ///
    /// It collects the cloud whether or not it has joined a federation. SIGHUP, or saving the
    /// configuration, has it read again; SIGTERM stops it.
    Run,
    /// Join the federation that an invitation is for.
    ///
    /// The region then waits until the hub's administrator has compared its key and accepted it.
    /// Whatever breaks off a join, the same command repeats it.
    Join(JoinArgs),
    /// Show whom this agent follows, what it knows of its cloud, and what to do next.
    Status(OutputArgs),
    /// Check the configuration, the cloud's credential, and every service of the cloud.
    ///
    /// Exits with 1 if the agent could not do its work.
    Check(OutputArgs),
    /// Give the agent another credential for its cloud.
    ///
    /// It is tried at the cloud first: that it signs in at the same Keystone, and may all that the
    /// agent needs. Only then it is kept, in the data directory, and used at once, without a
    /// restart; until then, and if it does not do, the one at work goes on. It counts until the
    /// configuration's credential is changed.
    #[command(subcommand)]
    Credential(credential::Credential),
    /// Leave the federation.
    ///
    /// Nothing in the cloud is touched, the spool and the agent's key stay, and the membership is
    /// moved aside. To come back, the region needs a new invitation.
    Leave(LeaveArgs),
    /// Show or check what was done to this region, and by whom.
    ///
    /// Reads the agent's own audit trail, whether or not the agent runs.
    #[command(subcommand)]
    Audit(audit::Audit),
}

#[derive(Debug, Args)]
struct JoinArgs {
    /// Where the hub is, as it stands in the invitation; may be repeated for its other addresses.
    /// By default: hub.addresses of the configuration.
    #[arg(long = "hub", value_name = "HOST:PORT", value_parser = hub)]
    hubs: Vec<HostPort>,
    /// The invitation's token, rg1.…; with - it is asked for, or read from standard input, so that
    /// it does not show in the list of processes.
    #[arg(value_name = "TOKEN")]
    token: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct LeaveArgs {
    /// Don't ask for confirmation.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, Args)]
struct OutputArgs {
    /// How to show the result.
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// For whom the result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

fn hub(text: &str) -> Result<HostPort, String> {
    text.parse()
        .map_err(|error| format!("it {error}; write HOST:7443, as it stands in the invitation"))
}

/// Why a command failed.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    error: BoxError,
}

impl Failure {
    fn usage(error: impl Into<BoxError>) -> Self {
        Self {
            exit: Exit::Usage,
            error: error.into(),
        }
    }
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            exit: Exit::Failure,
            error: error.into(),
        }
    }
}

/// Runs the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell when this fails.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Success.into(),
                _ => Exit::Usage.into(),
            };
        }
    };
    pki::install_default_provider();
    let origin = Origin {
        path: cli.config,
        credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
    };
    let outcome = match cli.command {
        Command::Run => return run(origin),
        Command::Join(args) => in_runtime(join::run(&origin, args)),
        Command::Status(args) => in_runtime(status::run(&origin, args.output)),
        Command::Check(args) => in_runtime(check::run(&origin, args.output)),
        Command::Credential(asked) => in_runtime(credential::run(&origin, asked)),
        Command::Leave(args) => in_runtime(leave::run(&origin, args)),
        Command::Audit(asked) => audit::run(&origin, asked),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("sp-agent: {}", chain(&*failure.error));
    failure.exit.into()
}

fn run(origin: Origin) -> ExitCode {
    let config = match load(&origin, Purpose::Run) {
        Ok(config) => config,
        Err(failure) => return fail(&failure),
    };
    if let Err(error) = logs::init(config.log.as_deref()) {
        return fail(&Failure::usage(error));
    }
    let mut options = daemon::Options::new("sp-agent");
    options.threads = Some(THREADS);
    daemon::run(options, |daemon| tasks::start(daemon, config, origin))
}

fn load(origin: &Origin, purpose: Purpose) -> Result<Config, Failure> {
    Config::load(&origin.path, purpose, origin.credentials.clone())
        .map_err(|error: ConfigError| Failure::usage(error))
}

fn in_runtime(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(command)
}
