//! A federation in a temporary directory, and agents that ask it for something.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use shared::pki::{
    BoundKey, ChannelBinding, Csr, JoinToken, PeerIdentity, Purpose, certificate_from_pem, identity,
};
use shared::runtime::clock::ManualClock;
use shared::wire::frame::Cloud;
use shared::wire::{Bytes, Text};
use tempfile::TempDir;
use tokio::sync::broadcast;

use super::super::*;
use shared::model::UnixMillis;
use shared::wire::frame::{Join, Recover};

pub(super) const START: UnixMillis = UnixMillis(1_800_000_000_000);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The connection that requests come over.
pub(super) const CHANNEL: ChannelBinding = ChannelBinding::from_exported([7; 32]);

/// A hub's data directory, its store, and its time.
pub(super) struct Site {
    pub(super) dir: TempDir,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) hand: ManualClock,
}

impl Site {
    /// Without a federation yet.
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(START);
        let (store, _) = Store::open(&dir.path().join("hub.db"), clock.clone()).unwrap();
        Self {
            dir,
            store,
            clock,
            hand,
        }
    }

    /// The keys' own directory: the temporary one is not private.
    pub(super) fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    pub(super) async fn init(&self) -> Result<Founded, AuthorityError> {
        Authority::init(&self.keys(), &self.store, &self.clock).await
    }

    pub(super) async fn open(&self) -> Result<Authority, AuthorityError> {
        self.open_for(20_000).await
    }

    pub(super) async fn open_for(&self, regions_max: u32) -> Result<Authority, AuthorityError> {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        Authority::open(&self.keys(), store, clock, regions_max).await
    }
}

/// A hub that serves.
pub(super) struct Hub {
    pub(super) site: Site,
    pub(super) authority: Authority,
    pub(super) events: broadcast::Receiver<AuthorityEvent>,
}

impl Hub {
    pub(super) async fn new() -> Self {
        let site = Site::new();
        site.init().await.unwrap();
        let authority = site.open().await.unwrap();
        let events = authority.events();
        Self {
            site,
            authority,
            events,
        }
    }

    pub(super) async fn invite(&self, name: &str) -> JoinToken {
        let invitation = self.authority.invite(name, INVITATION_LIFETIME).await;
        invitation.unwrap().token
    }

    /// An agent that was invited and has joined.
    pub(super) async fn joined(&self, name: &str) -> (Agent, IssuedRegion) {
        let agent = Agent::new();
        let token = self.invite(name).await;
        let issued = agent.join(&self.authority, &token).await.unwrap();
        (agent, issued)
    }

    pub(super) async fn region(&self, name: &str) -> Option<RegionRow> {
        let regions = self.authority.regions().await.unwrap();
        regions.into_iter().find(|it| it.facts.name == name)
    }

    /// What was told since the last time.
    pub(super) fn told(&mut self) -> Vec<AuthorityEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

/// An agent's key, and what it asks with it.
pub(super) struct Agent {
    pub(super) key: BoundKey,
}

impl Agent {
    pub(super) fn new() -> Self {
        let key = BoundKey::generate().unwrap();
        Self { key }
    }

    pub(super) fn csr(&self) -> String {
        Csr::create(&self.key).unwrap().to_pem()
    }

    pub(super) async fn join(
        &self,
        hub: &Authority,
        token: &JoinToken,
    ) -> Result<IssuedRegion, Refused> {
        let id = token.id().to_string();
        self.join_by(hub, &id, *token.secret(), &CHANNEL).await
    }

    pub(super) async fn join_by(
        &self,
        hub: &Authority,
        token_id: &str,
        secret: [u8; 32],
        seen_by_hub: &ChannelBinding,
    ) -> Result<IssuedRegion, Refused> {
        let (csr, proof) = (self.csr(), self.key.prove(Purpose::Join, &CHANNEL).unwrap());
        let join = Join {
            token_id: Text::cut(token_id),
            secret,
            csr: Text::cut(&csr),
            proof: Bytes::new(&proof).unwrap(),
            software: Text::cut("sp-agent 0.1.0"),
            host: Text::cut("node1"),
            cloud: Cloud {
                kind: 3,
                version: Text::cut("simulated"),
                endpoint: Text::cut("http://cloud"),
            },
        };
        hub.join(&join, seen_by_hub).await
    }

    pub(super) async fn recover(
        &self,
        hub: &Authority,
        region: RegionId,
    ) -> Result<IssuedRegion, Refused> {
        let csr = self.csr();
        let proof = self.key.prove(Purpose::Recovery, &CHANNEL).unwrap();
        let recover = Recover {
            region,
            csr: Text::cut(&csr),
            proof: Bytes::new(&proof).unwrap(),
        };
        hub.recover(&recover, &CHANNEL).await
    }
}

/// Who a hub sees that a certificate's holder is.
pub(super) fn shown(certificate_pem: &str) -> PeerIdentity {
    let der = certificate_from_pem(certificate_pem.as_bytes()).unwrap();
    identity(&[CertificateDer::from(der)]).unwrap()
}
