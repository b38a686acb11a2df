//! `cargo xtask cloud exec`: runs a program as the administrator of a cloud.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{self, ExitCode};

use super::connection::Connection;
use super::release::{Release, ReleaseError};
use super::state::{CloudDir, StateError};
use crate::project::Project;

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cloud's name
    name: String,
    /// The program and its arguments, such as `openstack server list`
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

/// Runs the program with the cloud's OS_* variables and its virtualenv first in PATH.
pub(crate) fn run(project: &Project, args: &Args) -> Result<ExitCode, ExecError> {
    let dir = CloudDir::of(&project.openstack_cache, &args.name)?;
    let state = dir.load_existing()?;
    let release = Release::load(project, state.release)?;
    let connection = Connection::new(&state, &dir.path());
    let Some((program, arguments)) = args.command.split_first() else {
        return Ok(ExitCode::SUCCESS);
    };
    let failed = |source| ExecError::Start {
        program: program.clone(),
        source,
    };

    let bin = release.venv().join("bin");
    let path = path_with(&bin, env::var_os("PATH").as_deref()).map_err(failed)?;
    let own = bin.join(program);
    let mut command = process::Command::new(if own.is_file() {
        own.as_os_str()
    } else {
        program.as_os_str()
    });
    // Another cloud's variables in the caller's shell must not mix with this one's.
    let others = env::vars_os().map(|(name, _)| name);
    for name in others.filter(|name| name.as_encoded_bytes().starts_with(b"OS_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("PATH", path)
        .env("PYTHONWARNINGS", "ignore");
    let status = command
        .envs(connection.environment())
        .status()
        .map_err(failed)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn path_with(first: &Path, path: Option<&OsStr>) -> io::Result<OsString> {
    let rest = path.map(env::split_paths).into_iter().flatten();
    env::join_paths([first.to_path_buf()].into_iter().chain(rest)).map_err(io::Error::other)
}

/// Why the program was not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    /// The cloud's state can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// Its release can't be used.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The program can't be started.
    #[error("cannot start {}; is it installed?", program.display())]
    Start {
        /// Which.
        program: OsString,
        /// Why.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_virtualenv_comes_first() {
        let path = path_with(Path::new("/v/bin"), Some(OsStr::new("/usr/bin:/bin"))).unwrap();
        assert_eq!(path, "/v/bin:/usr/bin:/bin");
        assert_eq!(path_with(Path::new("/v/bin"), None).unwrap(), "/v/bin");
    }
}
