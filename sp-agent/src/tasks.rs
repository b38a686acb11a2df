//! The agent's tasks: what is begun, in which order, and what each one's end means.
//!
//! ```text
//! settings ─ Config ─▶ collecting ─ cloud, description ─▶ following (uplink) ─ Member ─▶ socket
//!                          └───────────── spool ─────────────▲
//!                                    door ◀─ adopting ◀───── unjoined? ─┘
//! ```
//!
//! The region is collected whether or not a hub is there. Stopped the other way round: first who
//! takes in, last the spool that they write to.

mod adopting;
mod answering;
mod applying;
mod collecting;
mod custodian;
mod files;
mod following;
mod operations;
mod settings;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shared::model::{CloudDescription, CloudKind, UnixMillis};
use shared::runtime::clock::Clock;
use shared::runtime::daemon::{Daemon, Liveness, StartError};
use shared::runtime::files::create_private_dir;
use shared::runtime::shutdown::Shutdown;
use shared::runtime::tasks::{OnExit, Restart, Task, Tasks};
use shared::runtime::trail::tell_head;
use tokio::sync::{Notify, mpsc, watch};

use crate::adoption;
use crate::audit::{Trail, TrailError};
use crate::cloud::Part;
use crate::config::{CloudConfig, Config};
use crate::spool::Spool;
use crate::status::{CloudView, Metrics, Server, Sources, unjoined};
use adopting::Adopting;
use applying::Applying;
use collecting::Collecting;
use custodian::{Custodian, GIFTS_MAX};
pub use custodian::{NotTaken, Taken, credential_act, openstack_of, strange};
use files::Watcher;
use following::{Following, ORDERS_MAX};
use operations::Local;
use settings::Settings;

/// Threads of the runtime. Nearly everything waits for the network; what blocks has its own.
pub const THREADS: usize = 2;

/// How often the spool is asked whether it still answers.
const PULSE: Duration = Duration::from_secs(5);

/// The longest that the spool may take to answer: a checkpoint on a slow disk takes seconds.
const PULSE_MAX: Duration = Duration::from_secs(60);

/// Where the configuration came from, to read it again.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The file.
    pub path: PathBuf,
    /// `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<PathBuf>,
}

/// Begins the daemon's work.
///
/// # Errors
/// If the data directory, the spool or the socket can't be had.
pub async fn start(daemon: Daemon, config: Config, origin: Origin) -> Result<(), StartError> {
    let clock = daemon.clock.clone();
    let started = clock.unix_millis();
    let metrics = Metrics::install()?;
    let (spool, trail) = open(&config, started).await?;
    let server = bind(&config).await?;
    keep(&daemon, &spool, &trail);
    let view = beginning(&config);
    let (described, description) = watch::channel(view.description.clone());
    let (viewed, cloud) = watch::channel(view);
    let (told, member) = watch::channel(unjoined(started));
    let (orders, ordered) = mpsc::channel(ORDERS_MAX);
    let poke = Arc::new(Notify::new());
    let data_dir = config.data_dir.clone();
    let configs = watch::Sender::new(Arc::new(config));
    let replica = watch::Sender::new(None);
    let (clouds, asked) = watch::channel(None);
    let (applying, progress) = Applying::new(&replica, &configs, (&spool, &trail), &clock);
    let collecting = Collecting {
        applying,
        configs: configs.subscribe(),
        spool: spool.clone(),
        clock: clock.clone(),
        viewed,
        described,
        clouds,
    };
    let (custodian, settings) = custodian((origin.clone(), &configs), (&trail, &cloud), &daemon);
    let parts = door_parts(&data_dir, &clock, &configs, &description, &trail);
    let (adopting, door) = Adopting::new(parts, member.clone(), Arc::clone(&poke));
    let following = Following {
        configs: configs.subscribe(),
        watcher: Watcher::new(&[&data_dir], Arc::clone(&poke)),
        data_dir: data_dir.clone(),
        spool: spool.clone(),
        clock: clock.clone(),
        description,
        poke: Arc::clone(&poke),
        orders: ordered,
        told,
        shown: daemon.status.clone(),
        replica,
        cloud: asked,
        trail: trail.clone(),
        custodian: custodian.clone(),
        guesses: Arc::default(),
    };
    let operations = Local {
        sources: Sources {
            clock,
            started,
            spool,
            member,
            cloud,
            door,
            progress,
            config: configs.subscribe(),
        },
        metrics,
        origin,
        data_dir,
        orders,
        poke,
        trail,
        custodian,
    };
    spawn(&daemon, settings, collecting, (following, adopting));
    serve(&daemon, server, operations);
    Ok(())
}

/// What takes credentials, and what keeps the configuration new.
fn custodian(
    (origin, configs): (Origin, &watch::Sender<Arc<Config>>),
    (trail, cloud): (&Trail, &watch::Receiver<CloudView>),
    daemon: &Daemon,
) -> (Custodian, Settings) {
    let (given, gifts) = mpsc::channel(GIFTS_MAX);
    let tries = Arc::default();
    let at_hand = (daemon.clock.clone(), trail.clone());
    let custodian = Custodian::new(configs.subscribe(), given, &tries, at_hand, &daemon.tasks);
    let settings = Settings {
        origin,
        data_dir: configs.borrow().data_dir.clone(),
        trail: trail.clone(),
        clock: daemon.clock.clone(),
        configs: configs.clone(),
        gifts,
        tries,
        cloud: cloud.clone(),
    };
    (custodian, settings)
}

/// What waiting for an adoption works with.
fn door_parts(
    data_dir: &Path,
    clock: &Clock,
    configs: &watch::Sender<Arc<Config>>,
    description: &watch::Receiver<CloudDescription>,
    trail: &Trail,
) -> adoption::Parts {
    adoption::Parts {
        data_dir: data_dir.to_owned(),
        clock: clock.clone(),
        configs: configs.subscribe(),
        description: description.clone(),
        tries: Arc::default(),
        trail: trail.clone(),
    }
}

/// Opens spool and audit trail, in a data directory that is made where it is missing.
async fn open(config: &Config, now: UnixMillis) -> Result<(Spool, Trail), StartError> {
    let (data_dir, directory) = (config.data_dir.clone(), config.spool());
    let opening = tokio::task::spawn_blocking(move || {
        create_private_dir(&data_dir)?;
        let trail = Trail::open(&data_dir, now)?;
        let spool = Spool::open(&directory, now, rand::random)?;
        Ok::<_, StartError>((spool, trail))
    });
    opening.await?
}

fn spawn(
    daemon: &Daemon,
    settings: Settings,
    collecting: Collecting,
    (following, adopting): (Following, Adopting),
) {
    adopt(&daemon.tasks, adopting);
    let (tasks, shutdown) = (&daemon.tasks, &daemon.shutdown);
    let settings = settings.run(daemon.reload.clone(), shutdown.clone());
    tasks.spawn(Task::worker("settings"), OnExit::StopDaemon, settings);
    tasks.spawn_restarting(
        Task::worker("collect"),
        Restart::default(),
        move |shutdown| collecting.clone().run(shutdown),
    );
    let following = following.run(shutdown.clone());
    tasks.spawn(Task::worker("membership"), OnExit::StopDaemon, following);
}

/// Waits to be adopted, where that is wanted. Made anew after a defect: strangers speak to it, and
/// the region must go on whatever they find.
fn adopt(tasks: &Tasks, adopting: Adopting) {
    let run = move |shutdown| adopting.clone().run(shutdown);
    tasks.spawn_restarting(Task::worker("adoption"), Restart::default(), run);
}

/// Runs the spool, and the watchdog by it; and tells the log of the audit trail.
fn keep(daemon: &Daemon, spool: &Spool, trail: &Trail) {
    watch_trail(daemon, trail);
    let kept = spool.clone().run(daemon.shutdown.clone());
    daemon
        .tasks
        .spawn(Task::store("spool"), OnExit::StopDaemon, kept);
    pulse(
        &daemon.tasks,
        &daemon.liveness,
        spool.clone(),
        &daemon.clock,
    );
}

/// Tells the log of the audit trail. It ends with the daemon only.
fn watch_trail(daemon: &Daemon, trail: &Trail) {
    let trail = trail.clone();
    let read = move || {
        let looked = trail.clone();
        let head = tokio::task::spawn_blocking(move || looked.head());
        async move { head.await.unwrap_or(Err(TrailError::Closed)) }
    };
    let told = tell_head(read, daemon.clock.clone(), daemon.shutdown.clone());
    let told = async {
        told.await;
        Ok::<_, Infallible>(())
    };
    daemon
        .tasks
        .spawn(Task::worker("audit"), OnExit::StopDaemon, told);
}

/// Binds the local socket, and the metrics' listener where there is one.
async fn bind(config: &Config) -> Result<Server, StartError> {
    let server = Server::bind(&config.socket, config.metrics).await?;
    if let Some(address) = server.metrics_address() {
        tracing::info!(%address, "serving metrics");
    }
    Ok(server)
}

/// Serves the local socket.
fn serve(daemon: &Daemon, server: Server, operations: Local) {
    let served = server.run(Arc::new(operations), daemon.shutdown.clone());
    daemon
        .tasks
        .spawn(Task::worker("socket"), OnExit::StopDaemon, served);
}

/// Feeds the watchdog for as long as the spool answers.
fn pulse(tasks: &Tasks, liveness: &Liveness, spool: Spool, clock: &Clock) {
    let (beat, clock) = (liveness.beat("spool", PULSE_MAX), clock.clone());
    let shutdown: Shutdown = tasks.shutdown();
    tasks.spawn(Task::worker("pulse"), OnExit::StopDaemon, async move {
        loop {
            // An error is an answer too; it shows in the spool's condition.
            let _ = spool.mark(Part::Servers).await;
            beat.tick();
            if shutdown.until_draining(clock.sleep(PULSE)).await.is_none() {
                return Ok::<(), Infallible>(());
            }
        }
    });
}

/// What is known of the cloud before it was asked.
fn beginning(config: &Config) -> CloudView {
    let (kind, endpoint) = match &config.cloud {
        Some(CloudConfig::OpenStack(options)) => (CloudKind::OpenStack, options.auth_url.clone()),
        Some(CloudConfig::Simulated(_)) => (CloudKind::Simulated, String::new()),
        None => (CloudKind::Other, String::new()),
    };
    CloudView {
        description: CloudDescription {
            kind,
            version: String::new(),
            endpoint,
        },
        reason: Some("it was not read yet".to_owned()),
    }
}
