//! Starts the services of a cloud as processes that outlive xtask.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::process::Process;
use super::release::{Program, Release, ReleaseError};
use super::service::Service;
use super::state::{CloudDir, State};
use crate::run::{self, RunError};

/// The only variables of ours that a service sees: whatever else is set must not change a cloud.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LANG"];

/// Starts one service and returns at once; its configuration is already in its folder.
pub(crate) fn start(
    assets: &Path,
    release: &Release,
    state: &State,
    dir: &CloudDir,
    service: Service,
) -> Result<Process, StartError> {
    let mut command = match release.program_of(service)? {
        // No arguments: see conf/gunicorn.conf.py.
        Program::Wsgi { .. } => Command::new(release.program("gunicorn")),
        Program::Script { script } => {
            let mut command = Command::new(release.program("python"));
            let conf = dir.of_service(service).join(service.conf_file());
            command
                .arg(assets.join("rig").join(script))
                .arg("--config-file")
                .arg(conf);
            command
        }
    };
    command.env_clear();
    command.envs(
        INHERITED
            .iter()
            .filter_map(|name| Some((name, env::var_os(name)?))),
    );
    command
        .env("PYTHONPATH", assets.join("rig"))
        .env("PYTHONWARNINGS", "ignore");
    // Two arenas instead of sixteen: threads of Python seldom allocate at the same time.
    command.env("MALLOC_ARENA_MAX", "2");
    command.envs(environment(service, state, &dir.of_service(service)));
    // A group of its own, so that Ctrl-C in this terminal does not reach it.
    command
        .current_dir(dir.of_service(service))
        .process_group(0)
        .stdin(Stdio::null());
    let child = run::spawn_logged(&mut command, &dir.log(service))
        .map_err(|source| StartError::Run { service, source })?;
    Ok(Process {
        service,
        pid: child.id(),
    })
}

/// How each service finds its configuration.
fn environment(service: Service, state: &State, folder: &Path) -> Vec<(&'static str, String)> {
    let folder = folder.display().to_string();
    match service {
        Service::Keystone => vec![
            ("OS_KEYSTONE_CONFIG_DIR", folder),
            ("OS_KEYSTONE_CONFIG_FILES", service.conf_file().to_owned()),
        ],
        Service::Placement => vec![("OS_PLACEMENT_CONFIG_DIR", folder)],
        Service::Nova => {
            let waits_for = [Service::Keystone, Service::Placement];
            let ports = waits_for.map(|needed| needed.port(state.port).to_string());
            vec![
                ("OS_NOVA_CONFIG_DIR", folder),
                ("OS_NOVA_DISABLE_EVENTLET_PATCHING", "true".to_owned()),
                ("RIG_NOVA_WAITS_FOR", ports.join(",")),
            ]
        }
        Service::Neutron => vec![
            ("OS_NEUTRON_CONFIG_DIR", folder),
            ("OS_NEUTRON_CONFIG_FILES", service.conf_file().to_owned()),
        ],
        Service::Glance => vec![("OS_GLANCE_CONFIG_DIR", folder)],
        Service::Cinder => Vec::new(),
    }
}

/// Why a service was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The release lacks it.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// Its program can't be run.
    #[error("cannot start {service}")]
    Run {
        /// Which.
        service: Service,
        /// Why.
        source: RunError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nova_waits_for_its_own_cloud() {
        let mut state = State::example();
        state.port = 17000;
        let variables = environment(Service::Nova, &state, Path::new("/clouds/a/nova"));
        assert!(variables.contains(&("RIG_NOVA_WAITS_FOR", "17000,17001".to_owned())));
        assert!(variables.contains(&("OS_NOVA_CONFIG_DIR", "/clouds/a/nova".to_owned())));
    }
}
