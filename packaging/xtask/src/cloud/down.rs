//! `cargo xtask cloud down`: ends the processes of clouds, and removes the clouds.

use super::process::{self, ProcessError};
use super::state::{CloudDir, StateError};
use crate::lock::{Lock, LockError};
use crate::progress::Progress;
use crate::project::Project;

/// What to end.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cloud's name
    #[arg(long, default_value = "a")]
    name: String,
    /// End all clouds of this project
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Keep databases and logs; the next `up` of that name continues with them
    #[arg(long)]
    keep: bool,
}

/// Ends one cloud, or all.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), DownError> {
    let progress = Progress::begin();
    let cache = &project.openstack_cache;
    let dirs = if args.all {
        CloudDir::all(cache)?
    } else {
        vec![CloudDir::of(cache, &args.name)?]
    };
    if dirs.is_empty() {
        progress.say("there are no clouds");
    }
    for dir in dirs {
        end(&dir, args.keep, &progress)?;
    }
    Ok(())
}

/// Ends every cloud whose name begins so.
pub(super) fn named(project: &Project, prefix: &str) -> Result<(), DownError> {
    let progress = Progress::begin();
    for dir in CloudDir::all(&project.openstack_cache)? {
        let is_named = dir.load()?.is_some_and(|it| it.name.starts_with(prefix));
        if is_named {
            end(&dir, false, &progress)?;
        }
    }
    Ok(())
}

fn end(dir: &CloudDir, keep: bool, progress: &Progress) -> Result<(), DownError> {
    let _lock = Lock::take(&dir.lock(), "the cloud", progress)?;
    let Some(mut state) = dir.load()? else {
        // What is asked for is the case, so that scripts may clean up without asking first.
        progress.say("there is no such cloud; `cargo xtask cloud list` shows which there are");
        return Ok(());
    };
    let step = progress.step(format!("end cloud {}", state.name));
    process::end(&state.processes, |service| dir.of_service(service))?;
    if keep {
        state.processes.clear();
        dir.save(&state)?;
    } else {
        dir.remove()?;
    }
    step.done();
    Ok(())
}

/// Why a cloud has not ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownError {
    /// Its state can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// Its lock can't be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Its processes do not end.
    #[error(transparent)]
    Process(#[from] ProcessError),
}
