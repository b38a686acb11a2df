//! A hub and an unjoined agent's door in this process, so that a test can turn the agent's clock.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use idp_hub::adoption::{Account, Adopted, AdoptionError, Looked, Request, look};
use shared::host_port::HostPort;
use shared::model::UnixMillis;
use shared::pki::{Fingerprint, TlsClock, adoption_client};
use shared::runtime::clock::{Clock, ManualClock};
use shared::transport::{DoorConnection, DoorDialer};
use shared::wire::frame::Denial;
use sp_agent::adoption::{Closed, Door, Parts};
use sp_agent::audit::Trail;
use sp_agent::config::{Config, Purpose, Surroundings};
use tempfile::TempDir;
use tests::inproc::{TestHub, description, private_dir};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const PASSWORD: &str = "simulated";

pub(crate) struct Rig {
    pub(crate) hub: TestHub,
    pub(crate) door: HostPort,
    pub(crate) key: Fingerprint,
    pub(crate) hand: ManualClock,
    pub(crate) data: TempDir,
    closing: CancellationToken,
    draining: CancellationToken,
    pub(crate) serving: JoinHandle<Closed>,
    _folder: TempDir,
    _senders: (
        watch::Sender<Arc<Config>>,
        watch::Sender<shared::model::CloudDescription>,
    ),
}

/// A right request, for a test to spoil.
pub(crate) fn request(
    hub: &TestHub,
    door: &HostPort,
    key: Fingerprint,
    name: &str,
    password: &str,
) -> Request {
    Request {
        door: door.clone(),
        key,
        name: name.to_owned(),
        hub_addresses: vec![hub.hub.address.to_string().parse().unwrap()],
        account: Account {
            user: "admin".to_owned().into(),
            password: password.to_owned().into(),
            user_domain: None,
            project: None,
            project_domain: None,
        },
    }
}

/// Somebody who may knock at doors.
pub(crate) fn stranger() -> DoorDialer {
    DoorDialer::new(adoption_client(&TlsClock::system()).unwrap()).unwrap()
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let folder = private_dir();
        let hub = TestHub::found(&folder.path().join("hub")).await;
        let surroundings = Surroundings::default();
        let text = "cloud.kind = \"simulated\"";
        let config = Config::read("agent.toml", text, Purpose::Run, &surroundings).unwrap();
        let (config, configs) = watch::channel(Arc::new(config));
        let (described, description) = watch::channel(description());
        let (clock, hand) = Clock::manual(UnixMillis::from_secs(1_800_000_000));
        let data = private_dir();
        let parts = Parts {
            data_dir: data.path().to_owned(),
            clock,
            configs,
            description,
            tries: Arc::default(),
            trail: Trail::open(data.path(), UnixMillis::from_secs(1)).unwrap(),
        };
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let door = Door::open(any, parts).await.unwrap();
        let (address, key) = (door.address(), door.key());
        let (closing, draining) = (CancellationToken::new(), CancellationToken::new());
        let (closed, drained) = (closing.clone(), draining.clone());
        let serving = tokio::spawn(async move {
            let closing = async { closed.cancelled().await };
            door.serve(closing, async { drained.cancelled().await })
                .await
        });
        Self {
            hub,
            door: address.to_string().parse().unwrap(),
            key,
            hand,
            data,
            closing,
            draining,
            serving,
            _folder: folder,
            _senders: (config, described),
        }
    }

    pub(crate) async fn look(&self) -> Result<Looked, AdoptionError> {
        look(&self.door).await
    }

    /// A right request, for a test to spoil.
    pub(crate) fn request(&self, name: &str, password: &str) -> Request {
        request(&self.hub, &self.door, self.key, name, password)
    }

    pub(crate) async fn adopt(&self, request: Request) -> Result<Adopted, AdoptionError> {
        self.hub.hub.adopter.adopt(request).await
    }

    /// Why the agent says no.
    pub(crate) async fn denied(&self, request: Request) -> (Denial, String, Duration) {
        match self.adopt(request).await {
            Err(AdoptionError::Denied {
                denial,
                reason,
                wait,
            }) => (denial, reason, wait),
            other => panic!("{other:?}"),
        }
    }

    /// Nothing is left of an adoption that failed.
    pub(crate) async fn is_as_before(&self) {
        let authority = &self.hub.hub.authority;
        assert!(authority.invitations().await.unwrap().is_empty());
        assert!(authority.regions().await.unwrap().is_empty());
        assert!(!self.data.path().join("membership").exists());
        assert_eq!(self.look().await.unwrap().key, self.key);
    }

    /// A connection of somebody who says what he likes.
    pub(crate) async fn knock(&self) -> DoorConnection {
        stranger()
            .dial_host(&self.door.to_string(), None)
            .await
            .unwrap()
    }

    /// Tells the door to close once the agent is joined.
    pub(crate) fn close_at_membership(&self) -> impl Future<Output = ()> + use<> {
        let (membership, closing) = (self.data.path().join("membership"), self.closing.clone());
        async move {
            while !membership.exists() {
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
            closing.cancel();
        }
    }

    /// Why the door has closed.
    pub(crate) async fn closed(self) -> Closed {
        let closed = tokio::time::timeout(Duration::from_secs(10), self.serving).await;
        closed.unwrap().unwrap()
    }

    /// Tells the door to close, as a reload does.
    pub(crate) fn reload(&self) {
        self.closing.cancel();
    }

    /// Tells the door to close, as the daemon's stop does.
    pub(crate) fn stop(&self) {
        self.closing.cancel();
        self.draining.cancel();
    }

    /// A right request, whose join takes more than eight seconds: so many addresses of the hub are
    /// silent before the one that it came from.
    pub(crate) fn slow_request(&self, name: &str) -> Request {
        let mut request = self.request(name, PASSWORD);
        let port = self.hub.hub.address.port();
        let silent = (2..6).map(|it| format!("127.0.0.{it}:{port}").parse().unwrap());
        request.hub_addresses = silent.collect();
        request
    }

    pub(crate) async fn close(self) -> Closed {
        self.closing.cancel();
        self.closed().await
    }
}
