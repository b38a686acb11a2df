//! The command line. All but `init`, `serve`, `check-config`, `backup` and `restore` speak to the
//! daemon through its local socket, by the same API as everybody.
//!
//! Results go to stdout, as tables or JSON; everything else to stderr. Exit codes: 0, 1 when
//! something failed, 64 when flags or configuration are wrong.

mod account;
mod arguments;
mod audit;
mod backup;
mod client;
mod error;
mod hold;
mod init;
mod moment;
mod org;
mod output;
mod pages;
mod prompt;
mod region;
mod restore;
mod serve;
mod words;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use shared::runtime::clock::Clock;
use shared::runtime::daemon::Exit;

use crate::config::{Config, ConfigError, Machine, Purpose};
use arguments::{Arguments, Audit, Command};
use client::Client;
pub use error::CliError;
use output::Screen;

/// Runs the command of this process.
pub fn run() -> ExitCode {
    run_with(std::env::args_os())
}

/// Runs a command with these arguments, the binary's name first.
pub fn run_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Success
            };
            // A closed pipe is nobody to tell.
            let _ = error.print();
            return code.into();
        }
    };
    if let Command::Serve = arguments.command {
        return serve::run(&arguments);
    }
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::Runtime)
        .and_then(|runtime| runtime.block_on(command(arguments)));
    match outcome {
        Ok(()) => Exit::Success.into(),
        Err(error) => {
            eprintln!("{}", error.told());
            error.exit().into()
        }
    }
}

async fn command(arguments: Arguments) -> Result<(), CliError> {
    let screen = Screen::new(arguments.output);
    match &arguments.command {
        Command::Init(asked) => init::run(&arguments, asked, screen).await,
        Command::Serve => Ok(()),
        Command::CheckConfig => {
            let path = arguments.config.display();
            config(&arguments, Purpose::Serve)?;
            screen.line(
                &format!("{path} is right."),
                &serde_json::json!({ "faults": 0 }),
            )
        }
        Command::Backup { file } => backup::run(&arguments, file, screen).await,
        Command::Restore { file } => restore::run(&arguments, file, screen).await,
        Command::Region(asked) => region::run(&client(&arguments)?, asked, screen).await,
        Command::Org(asked) => org::run(&client(&arguments)?, asked, screen).await,
        Command::Account(asked) => account::run(&client(&arguments)?, asked, screen).await,
        // A copy needs neither a configuration nor a hub that runs.
        Command::Audit(Audit::Verify {
            file: Some(file),
            head,
        }) => audit::verify_file(file, *head, screen),
        Command::Audit(asked) => audit::run(&client(&arguments)?, asked, screen).await,
    }
}

fn config(arguments: &Arguments, purpose: Purpose) -> Result<Config, CliError> {
    Ok(load(&arguments.config, purpose)?)
}

fn load(path: &Path, purpose: Purpose) -> Result<Config, ConfigError> {
    let machine = Machine::this(Clock::system().unix_millis().as_secs());
    Config::load(path, purpose, &machine)
}

fn client(arguments: &Arguments) -> Result<Client, CliError> {
    let socket = match &arguments.socket {
        Some(socket) => socket.clone(),
        None => config(arguments, Purpose::Ask)?.socket,
    };
    Client::new(socket)
}
