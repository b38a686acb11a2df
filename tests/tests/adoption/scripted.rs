//! An unjoined agent whose every step is the test's: for what lies between two steps of a real one.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use idp_hub::adoption::{Adopted, AdoptionError, Request};
use idp_hub::store::regions::RegionRow;
use shared::host_port::HostPort;
use shared::pki::{Fingerprint, JoinToken, TlsClock, adoption_server};
use shared::transport::{Accepted, JoinAnswer, ListenOptions, Listener};
use shared::wire::Text;
use shared::wire::frame::{self, AdoptFrame, Denial, Denied};
use sp_agent::membership::{Founding, Membership};
use tempfile::TempDir;
use tests::inproc::{PATIENCE, TestHub, private_dir};
use tokio::task::JoinHandle;

use super::rig::{PASSWORD, request};

pub(crate) struct Scripted {
    pub(crate) hub: TestHub,
    pub(crate) door: HostPort,
    pub(crate) key: Fingerprint,
    pub(crate) data: TempDir,
    listener: Listener,
    _folder: TempDir,
}

/// A hub that asked the agent to join, and waits.
pub(crate) struct Asked {
    pub(crate) token: JoinToken,
    pub(crate) answer: JoinAnswer,
}

impl Scripted {
    pub(crate) async fn new() -> Self {
        let folder = private_dir();
        let hub = TestHub::found(&folder.path().join("hub")).await;
        let data = private_dir();
        let key = Founding::begin(data.path()).unwrap().bound_key().unwrap();
        let tls = adoption_server(&key, &TlsClock::system()).unwrap();
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        let listener = Listener::bind(any, tls, &ListenOptions::door()).unwrap();
        Self {
            hub,
            door: listener.address().to_string().parse().unwrap(),
            key: key.fingerprint(),
            data,
            listener,
            _folder: folder,
        }
    }

    pub(crate) fn request(&self, name: &str) -> Request {
        request(&self.hub, &self.door, self.key, name, PASSWORD)
    }

    /// Begins an adoption beside the test.
    pub(crate) fn begin(&self, request: Request) -> JoinHandle<Result<Adopted, AdoptionError>> {
        let adopter = self.hub.hub.adopter.clone();
        tokio::spawn(async move { adopter.adopt(request).await })
    }

    /// Lets the hub in, and hears what it asks.
    pub(crate) async fn asked(&self) -> Asked {
        let asked = tokio::time::timeout(PATIENCE, async {
            let arrival = self.listener.accept().await.unwrap();
            let Accepted::Adopt(call) = arrival.handshake().await.unwrap() else {
                panic!("the door's TLS agrees on nothing else");
            };
            call.request().await.unwrap()
        });
        let (request, answer) = asked.await.unwrap();
        let frame = AdoptFrame::decode(request.kind, &request.payload).unwrap();
        let Some(AdoptFrame::Adopt(adopt)) = frame else {
            panic!("{frame:?}");
        };
        let token = adopt.token.as_str().parse().unwrap();
        Asked { token, answer }
    }

    pub(crate) async fn join(&self, token: &JoinToken) -> Membership {
        let (data, hub) = (self.data.path(), self.hub.hub.address);
        tests::inproc::join(data, token, hub).await.unwrap();
        Membership::load(data).unwrap().unwrap()
    }

    /// Waits until some region is connected.
    pub(crate) async fn connected(&self) {
        let registry = &self.hub.hub.registry;
        let connecting = async {
            while registry.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, connecting).await.unwrap();
    }

    pub(crate) async fn regions(&self) -> Vec<RegionRow> {
        self.hub.hub.authority.regions().await.unwrap()
    }
}

impl Asked {
    pub(crate) async fn adopted(self, membership: &Membership) {
        self.say(AdoptFrame::Adopted(frame::Adopted {
            region: membership.region,
            name: Text::cut(&membership.name),
            federation: membership.federation,
            address: Text::cut("hub.test:7443"),
        }))
        .await;
    }

    pub(crate) async fn denied(self, denial: Denial) {
        self.say(AdoptFrame::Denied(Denied {
            code: denial.code(),
            reason: Text::cut("no"),
            retry_after_ms: 0,
        }))
        .await;
    }

    async fn say(self, frame: AdoptFrame<'_>) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes).unwrap();
        self.answer.send(bytes).await.unwrap();
    }
}
