//! A real hub and real agents in this process: for what would be slow or blind from outside, such
//! as thousands of agents, or a fault between two steps.
//!
//! Everything is the daemons' own but the command lines: the hub's [`Hub`], the agent's [`Spool`]
//! and [`Uplink`], over QUIC on loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use idp_hub::authority::{Authority, INVITATION_LIFETIME};
use idp_hub::fleet::{Reason, State};
use idp_hub::overview::ShownRegion;
use idp_hub::store::regions::Introduction;
use idp_hub::store::{RegionNo, Store};
use idp_hub::tasks::{Hub, Options, database};
use shared::ids::RegionId;
use shared::model::{
    CloudDescription, CloudId, CloudKind, Service, ServiceKind, ServiceState, Totals, UnixMillis,
};
use shared::pki::{Fingerprint, JoinToken, PublicSealingKey};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::tasks::{StopTimes, Tasks};
use shared::transport::{Congestion, DialOptions};
use shared::wire::frame::{Checked, Cursor};
use sp_agent::cloud::Part;
use sp_agent::membership::{Credentials, Membership};
use sp_agent::replica::store::Store as Replica;
use sp_agent::spool::Spool;
use sp_agent::uplink::{self, Answering, Status, Uplink};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The longest that anything in a test is waited for: a slow machine's patience, no measurement.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The most records of a region of a [`TestHub`]: soon reached by who wants to.
pub const REGION_RECORDS_MAX: u32 = 8_000;

/// A hub in this process.
pub struct TestHub {
    /// The hub's own handles.
    pub hub: Hub,
    tasks: Tasks,
    data_dir: PathBuf,
}

impl TestHub {
    /// Makes a federation in `data_dir` and serves it.
    pub async fn found(data_dir: &Path) -> Self {
        shared::runtime::files::create_private_dir(data_dir).unwrap();
        let clock = Clock::system();
        let (store, writer) = Store::open(&database(data_dir), clock.clone()).unwrap();
        Authority::init(data_dir, &store, &clock).await.unwrap();
        store.close().await;
        drop(store);
        tokio::task::spawn_blocking(|| writer.join()).await.unwrap();
        Self::serve(data_dir, (Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Serves the federation that is in `data_dir`.
    pub async fn serve(data_dir: &Path, listen: SocketAddr) -> Self {
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        let options = Options {
            data_dir: data_dir.to_owned(),
            listen,
            regions_max: 20_000,
            region_records_max: REGION_RECORDS_MAX,
            congestion: Congestion::Cubic,
        };
        let hub = Hub::start(options, clock, &tasks).await.unwrap();
        Self {
            hub,
            tasks,
            data_dir: data_dir.to_owned(),
        }
    }

    /// Stops it in good order.
    pub async fn stop(self) {
        drop(self.hub);
        self.tasks
            .stop(StopTimes::default(), &CancellationToken::new())
            .await;
        // The socket is freed by a task of QUIC's own, soon after its last user is gone.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    /// Stops it and serves again, on the same port.
    pub async fn restart(self) -> Self {
        let (data_dir, address) = (self.data_dir.clone(), self.hub.address);
        self.stop().await;
        Self::serve(&data_dir, address).await
    }

    /// Waits until the region of this name is shown in a state.
    pub async fn shows(&self, name: &str, state: State) {
        let shown = || self.hub.board.region(name);
        let reached = |region: ShownRegion| region.view.condition.state == state;
        if !self.until(|| shown().is_some_and(reached)).await {
            panic!("{name} is never {state:?}: {:?}", shown());
        }
    }

    /// Waits until the region of this name is shown for a reason.
    pub async fn shows_reason(&self, name: &str, reason: Reason) {
        let shown = || self.hub.board.region(name);
        let reached = |region: ShownRegion| region.view.condition.reason == reason;
        if !self.until(|| shown().is_some_and(reached)).await {
            panic!("{name} is never {reason:?}: {:?}", shown());
        }
    }

    /// Waits until the region of this name is not shown for a reason any more.
    pub async fn forgets_reason(&self, name: &str, reason: Reason) {
        let shown = || self.hub.board.region(name);
        let reached = |region: ShownRegion| region.view.condition.reason != reason;
        if !self.until(|| shown().is_some_and(reached)).await {
            panic!("{name} stays {reason:?}: {:?}", shown());
        }
    }

    /// Waits until the detail of the region's condition begins so.
    pub async fn shows_detail(&self, name: &str, beginning: &str) {
        let shown = || self.hub.board.region(name);
        let reached = |it: ShownRegion| it.view.condition.detail.starts_with(beginning);
        if !self.until(|| shown().is_some_and(reached)).await {
            panic!("{name} never has a detail {beginning:?}: {:?}", shown());
        }
    }

    /// Waits until the cloud of the region of this name is shown in this version.
    pub async fn shows_version(&self, name: &str, version: &str) {
        let shown = || self.hub.board.region(name);
        let reached = |it: ShownRegion| it.view.facts.cloud.version == version;
        if !self.until(|| shown().is_some_and(reached)).await {
            panic!("{name} is never shown in {version}: {:?}", shown());
        }
    }

    /// Waits until the sums over all regions are these.
    pub async fn adds_up_to(&self, totals: Totals) {
        let shown = || self.hub.board.shown().sums.totals;
        if !self.until(|| shown() == totals).await {
            panic!("the totals stay {:?}, not {totals:?}", shown());
        }
    }

    async fn until(&self, reached: impl Fn() -> bool) -> bool {
        let mut versions = self.hub.board.versions();
        let waiting = async {
            while !reached() {
                versions.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.is_ok()
    }
}

/// An agent in this process, without a cloud: the test fills its spool.
pub struct TestAgent {
    /// What it reports.
    pub spool: Spool,
    /// What the hub tells it.
    pub replica: Replica,
    /// Its link.
    pub status: watch::Receiver<Status>,
    /// What it says that its cloud is: at first [`description`].
    pub described: watch::Sender<CloudDescription>,
    data_dir: TempDir,
    tasks: Tasks,
    leave: CancellationToken,
}

/// Answers calls by the word that it is asked about, which nobody sealed.
struct Words;

#[async_trait]
impl Answering for Words {
    async fn check(&self, _: CloudId, sealed: Vec<u8>) -> Result<Checked, String> {
        match sealed.as_slice() {
            b"right" => Ok(Checked::Right),
            b"wrong" => Ok(Checked::Wrong),
            b"silence" => std::future::pending().await,
            _ => Err("this is no word".to_owned()),
        }
    }
}

/// A fresh directory as the daemons want theirs: open to nobody else.
pub fn private_dir() -> TempDir {
    let owner_only = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new()
        .permissions(owner_only)
        .tempdir()
        .unwrap()
}

/// What a test's cloud says that it is.
pub fn description() -> CloudDescription {
    let (version, endpoint) = ("1".to_owned(), "http://cloud.test".to_owned());
    CloudDescription {
        kind: CloudKind::Simulated,
        version,
        endpoint,
    }
}

impl TestAgent {
    /// Joins under this name, accepted by the hub's administrator, and begins to report.
    pub async fn join(hub: &TestHub, name: &str) -> Self {
        let data_dir = Self::joined(hub, name).await;
        hub.hub.authority.accept(name).await.unwrap();
        Self::start(data_dir).await
    }

    /// Joins under this name, and waits for the administrator.
    pub async fn joined(hub: &TestHub, name: &str) -> TempDir {
        Self::joined_in(hub, name, private_dir()).await
    }

    /// The same in this data directory.
    pub async fn joined_in(hub: &TestHub, name: &str, data_dir: TempDir) -> TempDir {
        let invitation = hub
            .hub
            .authority
            .invite(name, INVITATION_LIFETIME)
            .await
            .unwrap();
        join(data_dir.path(), &invitation.token, hub.hub.address)
            .await
            .unwrap();
        data_dir
    }

    /// Begins to report from a data directory that has joined: of a cloud with one service, whose
    /// parts are not there until the test tells of them.
    pub async fn start(data_dir: TempDir) -> Self {
        let agent = Self::start_blind(data_dir).await;
        for part in Part::ALL {
            agent.spool.put_absent(part).await.unwrap();
        }
        agent.tell_services().await;
        agent
    }

    /// The same of a cloud that was not looked at yet.
    pub async fn start_blind(data_dir: TempDir) -> Self {
        let clock = Clock::system();
        let directory = data_dir.path().join("spool");
        let spool = Spool::open(&directory, clock.unix_millis(), rand::random).unwrap();
        let tasks = Tasks::new(clock.clone());
        let leave = CancellationToken::new();
        let described = watch::Sender::new(description());
        let membership = Membership::load(data_dir.path()).unwrap().unwrap();
        let (federation, now) = (membership.federation, clock.unix_millis());
        let replica = Replica::open(data_dir.path(), federation, now).unwrap();
        let (uplink, status) = Uplink::new(uplink::Options {
            membership,
            replica: replica.clone(),
            sealing: PublicSealingKey::from_bytes([7; 32]),
            answering: Arc::new(Words),
            credentials: Arc::new(Credentials::load(data_dir.path()).unwrap()),
            spool: spool.clone(),
            clock,
            dial: DialOptions::default(),
            description: described.subscribe(),
            data_dir: data_dir.path().to_owned(),
        });
        let task = shared::runtime::tasks::Task::worker("uplink");
        let run = uplink.run(tasks.shutdown(), leave.clone());
        tasks.spawn(task, shared::runtime::tasks::OnExit::StopDaemon, run);
        Self {
            spool,
            replica,
            status,
            described,
            data_dir,
            tasks,
            leave,
        }
    }

    /// Tells that its cloud's one service is well.
    pub async fn tell_services(&self) {
        let service = Service {
            kind: ServiceKind::Compute,
            state: ServiceState::Available,
            endpoint: description().endpoint,
            versions: ("2.1".to_owned(), "2.96".to_owned()),
            since: UnixMillis::from_secs(1),
        };
        self.spool.put_services(vec![service]).await.unwrap();
    }

    /// Stops it in good order, and gives its data directory back.
    pub async fn stop(self) -> TempDir {
        self.tasks
            .stop(StopTimes::default(), &CancellationToken::new())
            .await;
        self.spool.close().await.unwrap();
        self.data_dir
    }

    /// Leaves the federation.
    pub fn leave(&self) {
        self.leave.cancel();
    }

    /// Waits until the link is as `wanted`.
    pub async fn until(&mut self, wanted: impl FnMut(&Status) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, self.status.wait_for(wanted)).await;
        let reached = matches!(waited, Ok(Ok(_)));
        drop(waited);
        if !reached {
            panic!("the link stays as it is: {:?}", self.status.borrow());
        }
    }

    /// Waits until the hub has acknowledged everything.
    pub async fn drained(&mut self) {
        self.until(|status| {
            matches!(status.phase, shared::link::agent::Phase::Following { .. })
                && status.behind.is_empty()
                && status.last_acked.is_some()
        })
        .await;
    }
}

/// The one region of a store without a hub around it, made where it is missing, with a new session
/// of number 1: its cursors too.
pub async fn region_of_a_store(store: &Store) -> (RegionNo, Vec<Cursor>) {
    let introduction = || Introduction {
        cloud: description(),
        software: "test".to_owned(),
        host: "host".to_owned(),
    };
    let added = store.change(move |it| {
        let key = Fingerprint::from_bytes([1; 32]);
        let no = match it.region_keyed(key)? {
            Some(region) => region.no,
            None => it.add_region(RegionId::from_random(1), "north", key, &introduction(), 0)?,
        };
        let cursors = it.begin_session(no, 1, &introduction())?;
        Ok((no, cursors))
    });
    added.await.unwrap()
}

/// Joins with a token; what the operator is told if it fails.
pub async fn join(data_dir: &Path, token: &JoinToken, hub: SocketAddr) -> Result<(), String> {
    let request = sp_agent::join::Request {
        token: token.clone(),
        addresses: vec![hub.to_string().parse().unwrap()],
        data_dir: data_dir.to_owned(),
        description: Some(description()),
        dial: DialOptions::default(),
    };
    let joined = sp_agent::join::join(request).await;
    joined.map(drop).map_err(|error| chain(&error).to_string())
}
