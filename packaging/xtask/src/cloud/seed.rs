//! Seed databases: each service's schema and first rows, made once per release and then copied.
//!
//! A seed belongs to no cloud: [`super::adopt`] gives a copy its ids, keys and addresses. Making
//! one costs up to half a minute of migrations, copying it nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::config::{self, ConfigError, Settings};
use super::release::{Release, ReleaseError};
use super::service::Service;
use crate::progress::Progress;
use crate::run::{self, RunError};

/// What the seed was made from; a seed with another text is made anew.
const MADE_FROM: &str = "made-from";

/// Makes the seeds that are missing, all at once. The caller holds the release's lock.
pub(crate) fn ensure(
    assets: &Path,
    release: &Release,
    services: &[Service],
    progress: &Progress,
) -> Result<(), SeedError> {
    thread::scope(|scope| {
        let makers: Vec<_> = services
            .iter()
            .map(|service| scope.spawn(|| ensure_one(assets, release, *service, progress)))
            .collect();
        let results = makers.into_iter().map(|maker| {
            maker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        // All are awaited, so that a second run finds those that succeeded.
        results.collect::<Vec<_>>().into_iter().collect()
    })
}

/// Copies a service's seed databases into its folder of a cloud.
pub(crate) fn copy(release: &Release, service: Service, into: &Path) -> Result<(), SeedError> {
    let seed = release.seeds().join(service.name());
    for path in databases(&seed)? {
        let Some(name) = path.file_name() else {
            continue;
        };
        fs::copy(&path, into.join(name)).map_err(|source| SeedError::File {
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
}

fn ensure_one(
    assets: &Path,
    release: &Release,
    service: Service,
    progress: &Progress,
) -> Result<(), SeedError> {
    let made_from = made_from(assets, release, service)?;
    let seed = release.seeds().join(service.name());
    if fs::read_to_string(seed.join(MADE_FROM)).is_ok_and(|text| text == made_from) {
        return Ok(());
    }
    let step = progress.step(format!("make {service}'s database"));
    let partial = release.seeds().join(format!("{service}.partial"));
    remove(&partial)?;
    remove(&seed)?;
    let settings = Settings {
        port: 1,
        service_password: "unset",
        venv: &release.venv(),
        lockout: None,
    };
    config::write(
        assets,
        service,
        release.program_of(service)?,
        &partial,
        &settings,
    )?;
    let log = release.seeds().join(format!("{service}.log"));
    for mut command in commands(assets, release, service, &partial) {
        run::quietly(&mut command, &log).map_err(|source| SeedError::Make { service, source })?;
    }
    let stamp = partial.join(MADE_FROM);
    fs::write(&stamp, made_from).map_err(|source| SeedError::File {
        path: stamp,
        source,
    })?;
    fs::rename(&partial, &seed).map_err(|source| SeedError::File { path: seed, source })?;
    step.done();
    Ok(())
}

/// What makes the databases of `service` in `folder`, where its configuration is.
fn commands(assets: &Path, release: &Release, service: Service, folder: &Path) -> Vec<Command> {
    let conf = folder.join(service.conf_file());
    let script = |name: &str, arguments: &[String]| {
        let mut command = Command::new(release.program("python"));
        command.arg(assets.join("rig").join(name)).args(arguments);
        command
    };
    let manage = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(release.program(program));
        command.arg("--config-file").arg(&conf).args(arguments);
        command
    };
    let conf_text = conf.display().to_string();
    let mut commands = match service {
        Service::Keystone => vec![script("seed_keystone.py", &[conf_text])],
        Service::Placement => vec![manage("placement-manage", &["db", "sync"])],
        Service::Nova => {
            let [cell0, cell1] = CELLS.map(|cell| cell_address(folder, cell));
            vec![script("seed_nova.py", &[conf_text, cell0, cell1])]
        }
        Service::Neutron => {
            let database = folder.join("neutron.db").display().to_string();
            vec![script("seed_neutron.py", &[database])]
        }
        Service::Cinder => vec![manage("cinder-manage", &["db", "sync"])],
        Service::Glance => vec![manage("glance-manage", &["db_sync"])],
    };
    for command in &mut commands {
        command.current_dir(folder).env("PYTHONWARNINGS", "ignore");
    }
    commands
}

/// Nova's cells.
pub(crate) const CELLS: [&str; 2] = ["cell0", "cell1"];

/// The address of a cell's database in Nova's folder of a cloud.
pub(crate) fn cell_address(nova_folder: &Path, cell: &str) -> String {
    format!(
        "sqlite:///{}/nova_{cell}.db?timeout=60",
        nova_folder.display()
    )
}

fn made_from(assets: &Path, release: &Release, service: Service) -> Result<String, SeedError> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|source| SeedError::File {
            path: path.to_path_buf(),
            source,
        })
    };
    let script = assets.join(format!("rig/seed_{service}.py"));
    let script = if script.is_file() {
        read(&script)?
    } else {
        String::new()
    };
    let conf = config::source(assets, service)?;
    Ok([read(&release.constraints)?, conf, script].join("\n"))
}

fn databases(folder: &Path) -> Result<Vec<PathBuf>, SeedError> {
    let failed = |source| SeedError::File {
        path: folder.to_path_buf(),
        source,
    };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    Ok(paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "db"))
        .collect())
}

fn remove(folder: &Path) -> Result<(), SeedError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(SeedError::File {
            path: folder.to_path_buf(),
            source,
        }),
        _ => Ok(()),
    }
}

/// Why there are no seed databases.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeedError {
    /// A file or folder can't be used.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration can't be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The release lacks the service.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The service's own set-up failed.
    #[error("cannot make {service}'s database")]
    Make {
        /// Whose.
        service: Service,
        /// Why.
        source: RunError,
    },
}
