//! `cargo xtask setup`: everything that the tests need beyond cargo.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use clap::ValueEnum;

use crate::cloud::{self, CloudError, ReleaseName};
use crate::progress::Progress;
use crate::project::Project;
use crate::run::{self, RunError};

/// What the tests run besides cargo: a program, and Debian's package of it.
const PROGRAMS: [(&str, &str); 3] = [
    ("systemd-nspawn", "systemd-container"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
];

/// What to set up.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this OpenStack release [default: all]
    #[arg(long)]
    release: Option<ReleaseName>,
}

/// Installs what is missing and prepares the clouds' releases.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), SetupError> {
    let releases = match args.release {
        Some(release) => vec![release],
        None => ReleaseName::value_variants().to_vec(),
    };
    all(project, &releases)
}

/// Installs what is missing, with these releases.
pub(crate) fn all(project: &Project, releases: &[ReleaseName]) -> Result<(), SetupError> {
    let progress = Progress::begin();
    install_missing(project, &progress)?;
    for release in releases {
        cloud::prepare(project, *release, &progress)?;
    }
    progress.say(&format!(
        "set-up is complete ({:.1} s)",
        progress.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn install_missing(project: &Project, progress: &Progress) -> Result<(), SetupError> {
    let packages = missing_packages(cloud::python_has_venv(), is_installed);
    install(project, progress, &packages)
}

/// Installs Debian packages, and starts no service of theirs.
pub(crate) fn install(
    project: &Project,
    progress: &Progress,
    packages: &[&str],
) -> Result<(), SetupError> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_root() {
        return Err(SetupError::NotRoot { list });
    }
    let step = progress.step(format!("install Debian packages: {list}"));
    let log = project.openstack_cache.join("apt.log");
    fs::create_dir_all(&project.openstack_cache).map_err(SetupError::Cache)?;
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            // To Debian's init scripts and to systemctl the machine is not up.
            .envs([("RUNLEVEL", "1"), ("SYSTEMD_OFFLINE", "1")])
            .args(arguments);
        run::quietly(&mut command, &log).map_err(SetupError::Apt)
    };
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())?;
    step.done();
    Ok(())
}

/// The Debian packages to install, given what this machine can do already.
fn missing_packages(
    python_has_venv: bool,
    is_installed: impl Fn(&str) -> bool,
) -> Vec<&'static str> {
    let mut packages = Vec::new();
    if !python_has_venv {
        packages.extend(["python3", "python3-venv"]);
    }
    let missing = PROGRAMS
        .iter()
        .filter(|(program, _)| !is_installed(program));
    packages.extend(missing.map(|(_, package)| *package));
    packages
}

/// Whether a program is where programs are.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin".into(), "/sbin".into()];
    std::env::split_paths(&path)
        .chain(system)
        .any(|folder| folder.join(program).is_file())
}

/// Whether the process may install packages: its own /proc entry belongs to its user.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Why the set-up is incomplete.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// Packages are missing and only root may install them.
    #[error("packages are missing; run `sudo apt-get install {list}`, then try again")]
    NotRoot {
        /// Which.
        list: String,
    },
    /// The cache can't be made.
    #[error("cannot make the cache under target/")]
    Cache(#[source] std::io::Error),
    /// Debian's installer failed.
    #[error("cannot install Debian packages; check the network and apt's sources, then try again")]
    Apt(#[source] RunError),
    /// A release can't be prepared.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_installed_where_nothing_is_missing() {
        assert!(missing_packages(true, |_| true).is_empty());
        assert_eq!(
            missing_packages(false, |program| program != "systemd-nspawn"),
            ["python3", "python3-venv", "systemd-container"]
        );
    }
    #[test]
    fn a_program_is_found_where_it_is() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program-anywhere"));
    }
}
