//! The hub's tasks: what is begun, in which order, and what each one's end means.
//!
//! ```text
//! store ─▶ authority ─▶ fleet driver ─▶ downlink ─▶ api
//! ```
//!
//! Stopped the other way round: first nobody new, then the sessions, then the store.

mod drift;
mod ended;
mod fleet;
mod purge;
mod shifts;
mod spread;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use shared::runtime::clock::Clock;
use shared::runtime::errors::BoxError;
use shared::runtime::shutdown::Shutdown;
use shared::runtime::tasks::{OnExit, Task, Tasks};
use shared::runtime::trail::tell_head;
use shared::transport::{Congestion, ListenOptions, Listener, ResetKey};
use tokio::sync::mpsc;

use self::fleet::FleetDriver;
pub use self::shifts::tell_raises;
pub use self::spread::Looker;
use crate::adoption::Adopter;
use crate::authority::Authority;
use crate::downlink::{Downlink, Registry};
use crate::fleet::Input;
use crate::overview::FleetBoard;
use crate::store::{Size, Store, StoreError};

/// Connections that are nobody's yet: strangers, and who joins.
const CONNECTIONS_BESIDE: usize = 1000;

/// The database, within the data directory.
pub const DATABASE_FILE: &str = "hub.db";

/// What a hub needs to serve its agents.
#[derive(Debug, Clone)]
pub struct Options {
    /// Database, keys and certificates.
    pub data_dir: PathBuf,
    /// The UDP address of the link.
    pub listen: SocketAddr,
    /// The most regions that may have joined at a time.
    pub regions_max: u32,
    /// The most records of one region.
    pub region_records_max: u32,
    /// How the hub finds out how fast it may send.
    pub congestion: Congestion,
}

/// A hub that serves its agents. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    /// Its store.
    pub store: Store,
    /// Who may join.
    pub authority: Authority,
    /// Adopts agents.
    pub adopter: Adopter,
    /// What is shown.
    pub board: FleetBoard,
    /// The live sessions.
    pub registry: Registry,
    /// The link's address as it is bound.
    pub address: SocketAddr,
}

/// The database of a data directory.
pub fn database(data_dir: &Path) -> PathBuf {
    data_dir.join(DATABASE_FILE)
}

impl Hub {
    /// Begins to serve agents.
    ///
    /// # Errors
    /// If the database or the federation's keys can't be opened, or the port can't be had.
    pub async fn start(options: Options, clock: Clock, tasks: &Tasks) -> Result<Self, BoxError> {
        let region_max = Size::limit(options.region_records_max);
        let database = database(&options.data_dir);
        let (store, writer) = Store::open_limited(&database, clock.clone(), region_max)?;
        let (data_dir, regions_max) = (&options.data_dir, options.regions_max);
        let opening = Authority::open(data_dir, store.clone(), clock.clone(), regions_max);
        let authority = opening.await?;
        let listener = listen(&options, &authority)?;
        let address = listener.address();

        let shutdown = tasks.shutdown();
        let (inputs, sessions) = mpsc::channel(fleet::QUEUE_MAX);
        let board = FleetBoard::new(store.overview().clone());
        let downlink = Downlink::new(
            authority.clone(),
            store.clone(),
            inputs,
            clock.clone(),
            shutdown.clone(),
        );
        let registry = downlink.registry().clone();
        let live = registry.clone();
        let adopter = Adopter::new(authority.clone(), clock.clone(), move |it| live.has(it));
        let hub = Self {
            store: store.clone(),
            authority: authority.clone(),
            adopter,
            board,
            registry,
            address,
        };

        let (closing, last) = (shutdown.clone(), store.clone());
        tasks.spawn(
            Task::store("store-writer"),
            OnExit::StopDaemon,
            async move {
                closing.closed().await;
                last.close().await;
                // A thread's end is awaited off the async threads.
                tokio::task::spawn_blocking(move || writer.join()).await
            },
        );
        let (board, keeper) = (hub.board.clone(), authority.clone());
        let driver = FleetDriver::new(store.clone(), keeper, board, clock.clone());
        let closing = shutdown.clone();
        let fleet = until_closed(driver, sessions, closing);
        tasks.spawn(Task::store("fleet"), OnExit::StopDaemon, fleet);
        let following = downlink.clone().follow_authority(authority.events());
        tasks.spawn(
            Task::worker("authority-events"),
            OnExit::StopDaemon,
            done(following),
        );
        let certified = authority.keep_certified(shutdown.clone());
        tasks.spawn(
            Task::worker("own-certificate"),
            OnExit::StopDaemon,
            done(certified),
        );
        let connections = tasks.group("connection", connections_max(&options));
        let listen = downlink.listen(listener, connections);
        tasks.spawn(Task::worker("listener"), OnExit::StopDaemon, done(listen));
        tend(tasks, &hub, clock);
        Ok(hub)
    }
}

/// Tends what is in the store.
fn tend(tasks: &Tasks, hub: &Hub, clock: Clock) {
    let (shutdown, store) = (tasks.shutdown(), hub.store.clone());
    let looker = Looker::new(store.clone(), hub.board.clone(), clock.clone());
    let spreading = spread::run(looker, clock.clone(), shutdown.clone());
    tasks.spawn(Task::worker("spread"), OnExit::StopDaemon, done(spreading));
    let cured = drift::run(store.clone(), clock.clone(), shutdown.clone());
    tasks.spawn(Task::worker("drift"), OnExit::StopDaemon, done(cured));
    let shifted = shifts::run(store.clone(), clock.clone(), shutdown.clone());
    tasks.spawn(Task::worker("shifts"), OnExit::StopDaemon, done(shifted));
    let purged = purge::run(store.clone(), clock.clone(), shutdown.clone());
    tasks.spawn(Task::worker("purges"), OnExit::StopDaemon, done(purged));
    let registry = hub.registry.clone();
    let ended = ended::run(store.clone(), registry, clock.clone(), shutdown.clone());
    tasks.spawn(Task::worker("ended"), OnExit::StopDaemon, done(ended));
    let trail = store.clone();
    let read = move || {
        let trail = trail.clone();
        async move { trail.read(|it| it.audit_head()).await }
    };
    let told = tell_head(read, clock.clone(), shutdown.clone());
    tasks.spawn(Task::worker("audit"), OnExit::StopDaemon, done(told));
    let tended = store.tend_samples(clock, shutdown);
    tasks.spawn(Task::worker("samples"), OnExit::StopDaemon, done(tended));
}

/// Drives the fleet until the hub closes: with the last session the driver is done before that.
async fn until_closed(
    driver: FleetDriver,
    sessions: mpsc::Receiver<Input>,
    closing: Shutdown,
) -> Result<(), StoreError> {
    tokio::select! {
        outcome = driver.run(sessions) => outcome?,
        () = closing.closed() => {}
    }
    closing.closed().await;
    Ok(())
}

/// Connections at a time. A region that comes back may have its old one for some seconds more, and
/// there are always some that join.
fn connections_max(options: &Options) -> usize {
    let regions = usize::try_from(options.regions_max).unwrap_or(usize::MAX);
    regions.saturating_mul(2).saturating_add(CONNECTIONS_BESIDE)
}

/// Binds the link's port.
fn listen(options: &Options, authority: &Authority) -> Result<Listener, BoxError> {
    let reset_key = ResetKey::from_bytes(*authority.stateless_reset_key());
    let mut listening = ListenOptions::new(reset_key);
    listening.connections_max = connections_max(options);
    listening.congestion = options.congestion;
    Ok(Listener::bind(
        options.listen,
        authority.link_server_config()?,
        &listening,
    )?)
}

/// A task that can't fail.
async fn done(task: impl Future<Output = ()>) -> Result<(), BoxError> {
    task.await;
    Ok(())
}
