//! `idp-hub serve`: the daemon.

mod settings;

use std::convert::Infallible;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use shared::runtime::daemon::{self, Daemon, StartError, Status};
use shared::runtime::logs;
use shared::runtime::tasks::{OnExit, Task};

use self::settings::Settings;
use super::CliError;
use super::arguments::Arguments;
use super::hold::hold;
use super::restore;
use crate::api::serve::{self, Served};
use crate::api::{ApiParts, ApiState, REFUSED_AFTER};
use crate::config::{Config, Purpose};
use crate::fleet::State;
use crate::metrics::Metrics;
use crate::overview::FleetBoard;
use crate::tasks::{Hub, Options};

/// Followers of events at a time. Each costs a task and a queue of two events.
const FOLLOWERS_MAX: usize = 256;

/// Adoptions at a time: some administrators, each of whom waits for one.
const ADOPTIONS_MAX: usize = 16;

/// Credentials for regions' clouds that are under way at once, each for half a minute: an
/// administrator gives one at a time.
const CREDENTIALS_MAX: usize = 8;

/// How often `systemctl status` is told, at most.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let config = match super::config(arguments, Purpose::Serve) {
        Ok(config) => config,
        Err(error) => return failed(&error),
    };
    if let Err(error) = logs::init(config.log.as_deref()) {
        return failed(&CliError::Usage(
            shared::runtime::errors::chain(&error).to_string(),
        ));
    }
    let path = arguments.config.clone();
    daemon::run(daemon::Options::new("idp-hub"), |daemon| {
        start(path, config, daemon)
    })
}

/// Before there are logs.
fn failed(error: &CliError) -> ExitCode {
    eprintln!("{}", error.told());
    error.exit().into()
}

async fn start(path: PathBuf, config: Config, daemon: Daemon) -> Result<(), StartError> {
    hold(&config.data_dir)?;
    let metrics = Metrics::install()?;
    let options = Options {
        data_dir: config.data_dir.clone(),
        listen: config.link.listen,
        regions_max: config.regions_max,
        region_records_max: config.region_records_max,
        congestion: config.link.congestion,
    };
    let hub = Hub::start(options, daemon.clock.clone(), &daemon.tasks).await?;
    restore::remind(&hub.store, &daemon.clock).await?;
    let parts = ApiParts {
        store: hub.store.clone(),
        board: hub.board.clone(),
        registry: hub.registry.clone(),
        authority: hub.authority.clone(),
        adopter: hub.adopter.clone(),
        clock: daemon.clock.clone(),
        shutdown: daemon.shutdown.clone(),
        followers: daemon.tasks.group("follower", FOLLOWERS_MAX),
        adoptions: daemon.tasks.group("adoption", ADOPTIONS_MAX),
        credentials: daemon.tasks.group("credential", CREDENTIALS_MAX),
        metrics,
        link_address: config.link.address.clone(),
        refused_after: REFUSED_AFTER,
    };
    let state = tokio::task::spawn_blocking(|| ApiState::new(parts)).await??;
    state.recall().await;
    let reload = daemon.reload.clone();
    let Served { web, metrics } = serve::start(&config, &state, &daemon.tasks, daemon.reload)?;
    let metrics = metrics.map(tracing::field::display);
    let settings = Settings {
        path,
        config: config.clone(),
        reload,
    };
    let settings = settings.run(daemon.shutdown.clone());
    daemon
        .tasks
        .spawn(Task::worker("settings"), OnExit::StopDaemon, async {
            settings.await;
            Ok::<(), Infallible>(())
        });
    let (link, socket) = (hub.address, config.socket.display());
    tracing::info!(%link, %web, metrics, %socket, "serving");
    let (board, status, clock) = (hub.board, daemon.status, daemon.clock);
    let shutdown = daemon.shutdown.clone();
    daemon
        .tasks
        .spawn(Task::worker("status"), OnExit::Ignore, async move {
            let mut versions = board.versions();
            loop {
                tell(&board, &status);
                let pause = async {
                    clock.sleep(STATUS_INTERVAL).await;
                    versions.changed().await
                };
                match shutdown.until_draining(pause).await {
                    Some(Ok(())) => {}
                    Some(Err(_)) | None => return Ok::<(), std::convert::Infallible>(()),
                }
            }
        });
    Ok(())
}

/// What `systemctl status idp-hub` shows.
fn tell(board: &FleetBoard, status: &Status) {
    let counts = board.shown().counts;
    let (all, healthy) = (counts.registered(), counts.of(State::Healthy));
    status.set(&format!("{all} regions, {healthy} healthy"));
}
