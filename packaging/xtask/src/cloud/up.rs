//! `cargo xtask cloud up`: brings up what is missing of a cloud, from nothing to everything.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use super::adopt::{self, AdoptError};
use super::config::{self, ConfigError, Settings};
use super::connection::Connection;
use super::ports::{self, PortError, Taken};
use super::process;
use super::ready::{self, ReadyError};
use super::release::{Name, Release, ReleaseError};
use super::seed::{self, SeedError};
use super::service::{self, Service};
use super::start::{self, StartError};
use super::state::{self, CloudDir, State, StateError};
use super::venv::{self, VenvError};
use crate::lock::{Lock, LockError};
use crate::progress::Progress;
use crate::project::Project;

/// What to bring up.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cloud's name
    #[arg(long, default_value = "a")]
    name: String,
    /// Port of Keystone; the others follow it [default: 15000, or the next hundred that is free]
    #[arg(long)]
    port: Option<u16>,
    /// Services to run, by commas; what they need comes with them [default: all]
    #[arg(long, value_delimiter = ',')]
    services: Vec<Service>,
    /// Which OpenStack [default: current]
    #[arg(long)]
    release: Option<Name>,
    /// Wrong passwords that lock an account; also for a cloud whose Keystone does not run
    /// [default: none do]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..))]
    lockout: Option<u8>,
    /// Print the cloud's address and administrator as JSON
    #[arg(long)]
    json: bool,
}

/// Brings up the cloud and prints how to reach it.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), UpError> {
    let progress = Progress::begin();
    let dir = CloudDir::of(&project.openstack_cache, &args.name)?;
    let _lock = Lock::take(&dir.lock(), &format!("cloud {}", args.name), &progress)?;
    let mut state = match dir.load()? {
        Some(state) => state,
        None => found(project, args, &dir, &progress)?,
    };
    let missing = dir.dead(&state, &process::observe());
    if missing.contains(&Service::Keystone) {
        // It reads its configuration as it starts.
        state.lockout = args.lockout.or(state.lockout);
    }
    check_same(args, &state)?;
    let release = Release::load(project, state.release)?;
    if !missing.is_empty() {
        prepare(project, &release, &state.services, &progress)?;
        fill(project, &release, &mut state, &dir, &progress)?;
        start_all(project, &release, &mut state, &dir, &missing)?;
    }
    if let Err(source) = ready::wait(&state, &dir, &progress) {
        // What this run started would otherwise linger after its failure.
        state.processes.retain(|one| missing.contains(&one.service));
        process::end(&state.processes, |service| dir.of_service(service))?;
        return Err(UpError::Ready {
            source,
            name: args.name.clone(),
        });
    }
    let connection = Connection::new(&state, &dir.path());
    connection.write_files().map_err(|source| UpError::Write {
        path: dir.path(),
        source,
    })?;
    announce(
        &connection,
        &state,
        &dir,
        missing.is_empty(),
        args.json,
        &progress,
    )
}

/// Makes the virtualenv and the seeds that the services need.
pub(crate) fn prepare(
    project: &Project,
    release: &Release,
    services: &[Service],
    progress: &Progress,
) -> Result<(), UpError> {
    let what = format!("OpenStack {}", release.name.as_str());
    let _lock = Lock::take(&release.lock(), &what, progress)?;
    venv::ensure(&project.openstack_cache, release, progress)?;
    seed::ensure(&project.openstack_assets, release, services, progress)?;
    Ok(())
}

/// Decides on ports and passwords of a new cloud, and records them before anything runs.
fn found(
    project: &Project,
    args: &Args,
    dir: &CloudDir,
    progress: &Progress,
) -> Result<State, UpError> {
    let name = args.release.unwrap_or(Name::Current);
    let services = Release::load(project, name)?.choose(&args.services)?;
    let _lock = Lock::take(&dir.ports_lock(), "its choice of ports", progress)?;
    let mut taken = Vec::new();
    for other in CloudDir::all(&project.openstack_cache)? {
        if let Some(state) = other.load()? {
            taken.push(Taken {
                cloud: state.name,
                base: state.port,
            });
        }
    }
    let state = State {
        name: args.name.clone(),
        release: name,
        port: ports::choose(args.port, &taken, is_free)?,
        services,
        admin_password: state::new_password()?,
        service_password: state::new_password()?,
        lockout: args.lockout,
        adopted: false,
        processes: Vec::new(),
    };
    dir.save(&state)?;
    Ok(state)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Refuses options that contradict the cloud that exists.
fn check_same(args: &Args, state: &State) -> Result<(), UpError> {
    let mut differences = Vec::new();
    if let Some(port) = args.port.filter(|port| *port != state.port) {
        differences.push(format!("has port {}, not {port}", state.port));
    }
    if let Some(release) = args.release.filter(|release| *release != state.release) {
        differences.push(format!(
            "is {}, not {}",
            state.release.as_str(),
            release.as_str()
        ));
    }
    if let Some(wrong) = args.lockout.filter(|wrong| Some(*wrong) != state.lockout) {
        let locks = state.lockout.map_or_else(
            || "locks no account".to_owned(),
            |wrong| format!("locks accounts after {wrong} wrong passwords"),
        );
        differences.push(format!("{locks}, not after {wrong}"));
    }
    let asked = service::with_needs(&args.services);
    if !asked.is_empty() && asked != state.services {
        differences.push(format!("runs {}", service::list(&state.services)));
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(UpError::Different {
        name: state.name.clone(),
        differences: differences.join(", "),
    })
}

/// Gives the cloud its databases, once, and its configuration, every time.
fn fill(
    project: &Project,
    release: &Release,
    state: &mut State,
    dir: &CloudDir,
    progress: &Progress,
) -> Result<(), UpError> {
    let venv = release.venv();
    let password = state.service_password.clone();
    let settings = Settings {
        port: state.port,
        service_password: &password,
        venv: &venv,
        lockout: state.lockout,
    };
    let assets = &project.openstack_assets;
    let configure = |service: Service| -> Result<(), UpError> {
        let program = release.program_of(service)?;
        Ok(config::write(
            assets,
            service,
            program,
            &dir.of_service(service),
            &settings,
        )?)
    };
    if state.adopted {
        return state
            .services
            .iter()
            .try_for_each(|service| configure(*service));
    }
    let step = progress.step(format!("make cloud {} from the seed", state.name));
    // An earlier run may have been interrupted half-way: its passwords stay, its files go.
    dir.clear()?;
    for service in &state.services {
        configure(*service)?;
        seed::copy(release, *service, &dir.of_service(*service))?;
    }
    adopt::adopt(assets, release, state, &dir.path())?;
    state.adopted = true;
    dir.save(state)?;
    step.done();
    Ok(())
}

fn start_all(
    project: &Project,
    release: &Release,
    state: &mut State,
    dir: &CloudDir,
    missing: &[Service],
) -> Result<(), UpError> {
    // Workers that outlived their leader would hold the port.
    let (remains, alive): (Vec<_>, Vec<_>) = mem::take(&mut state.processes)
        .into_iter()
        .partition(|one| missing.contains(&one.service));
    process::end(&remains, |service| dir.of_service(service))?;
    state.processes = alive;
    let ports = missing.iter().map(|service| service.port(state.port));
    if let Some(port) = ports.into_iter().find(|port| !is_free(*port)) {
        return Err(UpError::Port(PortError::InUse { port }));
    }
    for service in missing {
        let process = start::start(&project.openstack_assets, release, state, dir, *service)?;
        state.processes.push(process);
        // At once: an interrupted run must leave nothing running that `down` would not find.
        dir.save(state)?;
    }
    Ok(())
}

fn announce(
    connection: &Connection,
    state: &State,
    dir: &CloudDir,
    was_running: bool,
    json: bool,
    progress: &Progress,
) -> Result<(), UpError> {
    let name = &state.name;
    let seconds = progress.elapsed().as_secs_f64();
    progress.say(&match was_running {
        true => format!("cloud {name} is running already"),
        false => format!("cloud {name} is ready after {seconds:.1} s"),
    });
    if json {
        println!(
            "{:#}",
            serde_json::to_value(connection).map_err(UpError::Json)?
        );
        return Ok(());
    }
    progress.say(&format!("  services   {}", service::list(&state.services)));
    for (variable, value) in connection.environment() {
        progress.say(&format!("  {variable:<25} {value}"));
    }
    progress.say(&format!(
        "  in a shell   . {}",
        dir.path().join("openrc").display()
    ));
    progress.say(&format!(
        "  try it       cargo xtask cloud exec {name} -- openstack catalog list"
    ));
    progress.say(&format!(
        "  end it       cargo xtask cloud down --name {name}"
    ));
    Ok(())
}

/// Why a cloud is not up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    /// Its state can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A lock can't be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The release can't be used.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// It can't have the ports.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The release can't be installed.
    #[error(transparent)]
    Venv(#[from] VenvError),
    /// Its databases can't be made.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// Its configuration can't be written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its databases can't be made its own.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// Its processes can't be ended after a failure.
    #[error(transparent)]
    Process(#[from] process::ProcessError),
    /// It exists and is another one than was asked for.
    #[error(
        "cloud {name} exists and {differences}; leave that option out, or run \
         `cargo xtask cloud down --name {name}` first"
    )]
    Different {
        /// The cloud.
        name: String,
        /// In what.
        differences: String,
    },
    /// A service can't be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It was started and does not work.
    #[error(
        "cloud {name} does not work, and what was started has been ended; its logs stay. Correct \
         the cause and try again, or begin anew after `cargo xtask cloud down --name {name}`"
    )]
    Ready {
        /// The cloud.
        name: String,
        /// Why.
        source: ReadyError,
    },
    /// Its address can't be written down.
    #[error("cannot write into {}", path.display())]
    Write {
        /// The cloud's folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its address can't be printed.
    #[error("cannot print the cloud as JSON")]
    Json(#[source] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(port: Option<u16>, services: &[Service]) -> Args {
        Args {
            name: "a".into(),
            port,
            services: services.into(),
            release: None,
            lockout: None,
            json: false,
        }
    }

    #[test]
    fn options_that_agree_with_the_cloud_or_are_absent_are_accepted() {
        let state = State::example();
        check_same(&args(None, &[]), &state).unwrap();
        check_same(&args(Some(15000), &Service::ALL), &state).unwrap();
    }

    #[test]
    fn options_that_contradict_the_cloud_are_refused() {
        let error = check_same(&args(Some(17000), &[Service::Nova]), &State::example());
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("has port 15000, not 17000, runs keystone, placement"),
            "{text}"
        );
    }

    #[test]
    fn a_keystone_that_runs_locks_as_it_was_started() {
        let mut args = args(None, &[]);
        args.lockout = Some(5);
        let mut state = State::example();
        let text = check_same(&args, &state).unwrap_err().to_string();
        assert!(text.contains("locks no account, not after 5"), "{text}");
        state.lockout = Some(6);
        let text = check_same(&args, &state).unwrap_err().to_string();
        assert!(
            text.contains("after 6 wrong passwords, not after 5"),
            "{text}"
        );
        state.lockout = Some(5);
        check_same(&args, &state).unwrap();
    }

    #[test]
    fn a_port_that_is_listened_on_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
