//! A release's virtualenv: made once from pinned versions, made anew when the pins change.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::release::Release;
use crate::lock::{Lock, LockError};
use crate::progress::Progress;
use crate::run::{self, RunError};

/// Written last, with the text that the virtualenv was made from.
const COMPLETE: &str = "complete";

/// Makes the virtualenv unless it is there already. The caller holds the release's lock.
pub(crate) fn ensure(
    cache: &Path,
    release: &Release,
    progress: &Progress,
) -> Result<(), VenvError> {
    let pins = fs::read_to_string(&release.constraints).map_err(|source| VenvError::File {
        path: release.constraints.clone(),
        source,
    })?;
    let made_from = format!("{}\n{pins}", release.packages.join(" "));
    let venv = release.venv();
    if is_complete(&venv, &made_from) {
        return Ok(());
    }
    let uv = ensure_uv(cache, &release.uv, progress)?;
    let step = progress.step(format!("install OpenStack: {}", release.summary));
    clear(&venv)?;
    let log = release.folder.join("install.log");
    let mut create = Command::new(&uv);
    create
        .args(["venv", "--quiet", "--python", &python()])
        .arg(&venv);
    run::quietly(from_index(&mut create), &log).map_err(VenvError::Create)?;
    let mut install = Command::new(&uv);
    install
        .args(["pip", "install", "--quiet", "--python"])
        .arg(release.program("python"));
    install
        .arg("--constraint")
        .arg(&release.constraints)
        .args(&release.packages);
    run::quietly(from_index(&mut install), &log).map_err(VenvError::Install)?;
    complete(&venv, &made_from)?;
    step.done();
    Ok(())
}

/// Makes the installer's own small virtualenv, which all releases share.
fn ensure_uv(cache: &Path, version: &str, progress: &Progress) -> Result<PathBuf, VenvError> {
    let _lock = Lock::take(&cache.join("uv.lock"), "the installer", progress)?;
    let venv = cache.join("uv");
    let uv = venv.join("bin/uv");
    if is_complete(&venv, version) {
        return Ok(uv);
    }
    let step = progress.step(format!("install uv {version}"));
    clear(&venv)?;
    let log = cache.join("uv.log");
    let mut create = Command::new(python());
    create.args(["-m", "venv"]).arg(&venv);
    run::quietly(&mut create, &log).map_err(VenvError::Create)?;
    let mut install = Command::new(venv.join("bin/pip"));
    install.args(["install", "--quiet", &format!("uv=={version}")]);
    run::quietly(&mut install, &log).map_err(VenvError::Install)?;
    complete(&venv, version)?;
    step.done();
    Ok(uv)
}

/// Whether this machine's Python can make virtualenvs.
pub(crate) fn python_has_venv() -> bool {
    let mut command = Command::new(python());
    command.args(["-c", "import venv, ensurepip"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn python() -> String {
    env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Lets uv use the package index that pip was told to use.
fn from_index(command: &mut Command) -> &mut Command {
    if let Some(index) = index_for_uv(|name| env::var(name).ok()) {
        command.env("UV_DEFAULT_INDEX", index);
    }
    command
}

/// Pip's index, unless uv has been given its own.
fn index_for_uv(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let own = ["UV_DEFAULT_INDEX", "UV_INDEX_URL"]
        .iter()
        .find_map(|name| variable(name));
    if own.is_some() {
        None
    } else {
        variable("PIP_INDEX_URL")
    }
}

fn is_complete(venv: &Path, made_from: &str) -> bool {
    fs::read_to_string(venv.join(COMPLETE)).is_ok_and(|text| text == made_from)
}

fn complete(venv: &Path, made_from: &str) -> Result<(), VenvError> {
    let path = venv.join(COMPLETE);
    fs::write(&path, made_from).map_err(|source| VenvError::File { path, source })
}

/// Removes what an earlier, unfinished or outdated, installation left.
fn clear(venv: &Path) -> Result<(), VenvError> {
    let failed = |source| VenvError::File {
        path: venv.to_path_buf(),
        source,
    };
    match fs::remove_dir_all(venv) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    match venv.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(failed),
        None => Ok(()),
    }
}

/// Why there is no virtualenv.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VenvError {
    /// A file can't be read, written or removed.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another run's lock can't be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It can't be created.
    #[error("cannot make a Python virtualenv; `cargo xtask setup` installs what that needs")]
    Create(#[source] RunError),
    /// Its packages can't be installed.
    #[error(
        "cannot install the Python packages; check the network and pip's index, then try again"
    )]
    Install(#[source] RunError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uv_follows_pip_unless_it_has_its_own_index() {
        let with = |set: &'static [(&str, &str)]| {
            index_for_uv(move |name| {
                set.iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("PIP_INDEX_URL", "p")]).as_deref(), Some("p"));
        assert_eq!(with(&[("PIP_INDEX_URL", "p"), ("UV_INDEX_URL", "u")]), None);
    }
}
