//! A federation with its agents' certificates, made without the network.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use idp_hub::authority::{Authority, INVITATION_LIFETIME};
use idp_hub::store::Store;
use idp_hub::tasks::{Hub, Options, database};
use serde::{Deserialize, Serialize};
use shared::pki::{
    Anchor, BoundKey, ChannelBinding, Csr, LinkCredential, Purpose, Slot, TlsClock, TrustAnchors,
    certificate_from_pem, link_client,
};
use shared::runtime::clock::Clock;
use shared::runtime::tasks::Tasks;
use shared::transport::ClientTls;
use shared::wire::frame::{Cloud, Join};
use shared::wire::{Bytes, Text};

/// Regions that join at a time: fewer than the invitations that may be open.
const AT_ONCE: usize = 64;

/// One agent's name and credentials.
#[derive(Debug, Serialize, Deserialize)]
pub struct Member {
    /// The region's name.
    pub name: String,
    key: String,
    certificate: String,
}

/// What agents need to follow the federation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fleet {
    /// The federation's id.
    pub federation: String,
    /// Its epoch.
    pub epoch: u64,
    anchor: String,
    /// Its regions, all accepted.
    pub members: Vec<Member>,
}

/// Where the hub of `dir` keeps its data.
pub fn hub_dir(dir: &Path) -> PathBuf {
    dir.join("hub")
}

/// Makes a federation of so many accepted regions in `dir`, and tokens for so many others.
pub async fn found(dir: &Path, agents: usize, invitations: usize) {
    let hub = hub_dir(dir);
    shared::runtime::files::create_private_dir(&hub).unwrap();
    let clock = Clock::system();
    let (store, writer) = Store::open(&database(&hub), clock.clone()).unwrap();
    Authority::init(&hub, &store, &clock).await.unwrap();
    let authority = Authority::open(&hub, store.clone(), clock, 20_000)
        .await
        .unwrap();
    let facts = authority.hub_facts();
    let mut members = Vec::with_capacity(agents);
    let names: Vec<String> = (0..agents).map(|n| format!("region-{n}")).collect();
    for names in names.chunks(AT_ONCE) {
        members.extend(join_all(names.iter().map(|name| member(&authority, name))).await);
    }
    let fleet = Fleet {
        federation: facts.federation.to_string(),
        epoch: facts.epoch,
        anchor: authority.anchor().to_pem(),
        members,
    };
    std::fs::write(dir.join("fleet.json"), serde_json::to_vec(&fleet).unwrap()).unwrap();
    let mut tokens = Vec::with_capacity(invitations);
    for number in 0..invitations {
        let name = format!("guest-{number}");
        let invitation = authority.invite(&name, INVITATION_LIFETIME).await.unwrap();
        tokens.push(invitation.token.to_text().to_string());
    }
    std::fs::write(
        dir.join("tokens.json"),
        serde_json::to_vec(&tokens).unwrap(),
    )
    .unwrap();
    store.close().await;
    drop((authority, store));
    tokio::task::spawn_blocking(|| writer.join()).await.unwrap();
}

async fn member(authority: &Authority, name: &str) -> Member {
    let invitation = authority.invite(name, INVITATION_LIFETIME).await.unwrap();
    let key = BoundKey::generate().unwrap();
    // There is no connection, so any secret stands for its own.
    let channel = ChannelBinding::from_exported([0; ChannelBinding::BYTES]);
    let proof = key.prove(Purpose::Join, &channel).unwrap();
    let description = crate::inproc::description();
    let join = Join {
        token_id: Text::cut_owned(invitation.token.id().to_string()),
        secret: *invitation.token.secret(),
        csr: Text::cut_owned(Csr::create(&key).unwrap().to_pem()),
        proof: Bytes::new(&proof).unwrap(),
        software: Text::cut("bench"),
        host: Text::cut("host"),
        cloud: Cloud::from(&description),
    };
    let issued = authority.join(&join, &channel).await.unwrap();
    authority.accept(name).await.unwrap();
    Member {
        name: name.to_owned(),
        key: key.to_pem().to_string(),
        certificate: issued.certificate,
    }
}

impl Fleet {
    /// Reads what [`found`] has made.
    pub fn load(dir: &Path) -> Self {
        serde_json::from_slice(&std::fs::read(dir.join("fleet.json")).unwrap()).unwrap()
    }

    /// What one agent dials with.
    pub fn tls(&self, member: &Member) -> ClientTls {
        let anchors = TrustAnchors::from_pem(self.anchor.as_bytes()).unwrap();
        let anchor: Anchor = anchors.iter().next().unwrap().clone();
        let key = BoundKey::from_pem(member.key.as_bytes()).unwrap();
        let der = certificate_from_pem(member.certificate.as_bytes()).unwrap();
        let slot = Slot::new(LinkCredential::new(&key, &der, &anchor).unwrap());
        link_client(&anchors, &slot, &TlsClock::system()).unwrap()
    }
}

/// Serves the federation in `dir` until the process is ended, as `idp-hub serve` does.
pub async fn serve(dir: &Path, port: u16) {
    // What the hub thinks of its agents is shown when a loader fails.
    shared::runtime::logs::init(Some("warn")).unwrap();
    let clock = Clock::system();
    let tasks = Tasks::new(clock.clone());
    let options = Options {
        data_dir: hub_dir(dir),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        regions_max: 20_000,
        region_records_max: idp_hub::config::REGION_RECORDS_DEFAULT,
        congestion: shared::transport::Congestion::Cubic,
    };
    let hub = Arc::new(Hub::start(options, clock, &tasks).await.unwrap());
    println!("READY {}", hub.address);
    std::future::pending::<()>().await;
}
