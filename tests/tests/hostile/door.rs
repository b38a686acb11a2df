//! Callers whom their certificate keeps out.

use std::sync::Arc;
use std::time::Duration;

use shared::ids::FederationId;
use shared::keyring;
use shared::pki::{
    Authority, BoundKey, Csr, LINK_ALPN, LinkCredential, Peer, Serial, Slot, TlsClock, Validity,
    link_client, recovery_client,
};
use shared::transport::{ClientTls, CloseCode, DialOptions, Dialer, Loss, TransportError};

use super::log;
use super::stage::{Stage, Traitor};

/// Calls as often as an agent that was turned away would, and then some.
const CALLS: usize = 5;

/// What a caller is told.
async fn turned_away(stage: &Stage, tls: ClientTls) -> Loss {
    let dialer = Dialer::new(tls, DialOptions::default()).unwrap();
    match dialer.dial(stage.hub.hub.address).await {
        // TLS 1.3: the caller believes that it is in until it hears otherwise.
        Ok(link) => link.closed().await,
        Err(TransportError::Handshake { source, .. }) => source,
        Err(other) => panic!("{other}"),
    }
}

/// A member's credential with this validity, by this CA, on this key.
fn issued(
    authority: &Authority,
    key: &BoundKey,
    peer: Peer,
    from: u64,
) -> Arc<Slot<LinkCredential>> {
    let validity = Validity::starting(from, Duration::from_secs(3600));
    let csr = Csr::create(key).unwrap();
    let serial = Serial::generate().unwrap();
    let der = authority.issue(&csr, peer, serial, validity).unwrap().der;
    Slot::new(LinkCredential::new(key, &der, authority.anchor()).unwrap())
}

fn now_secs() -> u64 {
    shared::runtime::clock::Clock::system()
        .unix_millis()
        .as_secs()
}

/// The hub's own CA, as only its thief would have it.
fn own_authority(stage: &Stage) -> Authority {
    keyring::load_authority(&stage.data_dir().join(idp_hub::authority::CA_FILE)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_link_without_a_certificate() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let anchors = &traitor.credentials.anchors;
    let mut tls = (*recovery_client(anchors, &TlsClock::system()).unwrap()).clone();
    tls.alpn_protocols = vec![LINK_ALPN.to_vec()];
    let tls = Arc::new(tls);
    for _ in 0..CALLS {
        let told = turned_away(&stage, Arc::clone(&tls)).await;
        assert!(
            matches!(
                told,
                Loss::ByPeer {
                    code: CloseCode::NoIdentity,
                    ..
                }
            ),
            "{told}"
        );
    }
    let logged = log::lines_with(&["turned away", "certificate"]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_ca_s_certificate_gets_no_link() {
    let stage = Stage::set().await;
    let Traitor {
        membership,
        credentials,
        ..
    } = stage.traitor("north").await;
    // Same federation, same region, same key: only the CA is another.
    let federation: FederationId = membership.federation;
    let foreign = Authority::create(federation, now_secs()).unwrap();
    let own = issued(
        &foreign,
        &credentials.key,
        Peer::Region(membership.region),
        now_secs(),
    );
    let tls = link_client(&credentials.anchors, &own, &TlsClock::system()).unwrap();
    for _ in 0..CALLS {
        let told = turned_away(&stage, Arc::clone(&tls)).await;
        assert!(
            matches!(told, Loss::Handshake { by_peer: true, .. }),
            "{told}"
        );
    }
    stage.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_gets_no_link() {
    let stage = Stage::set().await;
    let Traitor {
        membership,
        credentials,
        ..
    } = stage.traitor("north").await;
    let authority = own_authority(&stage);
    let peer = Peer::Region(membership.region);
    let own = issued(&authority, &credentials.key, peer, now_secs() - 2 * 3600);
    let tls = link_client(&credentials.anchors, &own, &TlsClock::system()).unwrap();
    for _ in 0..CALLS {
        let told = turned_away(&stage, Arc::clone(&tls)).await;
        assert!(
            matches!(
                told,
                Loss::Handshake {
                    by_peer: true,
                    alert: 45,
                    ..
                }
            ),
            "{told}"
        );
    }
    let logged = log::lines_with(&["turned away", "alert 45"]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}

/// A good certificate of the federation is not enough: the region's registered key counts.
#[tokio::test(flavor = "multi_thread")]
async fn another_key_under_a_region_s_id_is_not_admitted() {
    let stage = Stage::set().await;
    let mut traitor = stage.traitor("north").await;
    let authority = own_authority(&stage);
    let key = BoundKey::generate().unwrap();
    let own = issued(
        &authority,
        &key,
        Peer::Region(traitor.membership.region),
        now_secs(),
    );
    let tls = link_client(&traitor.credentials.anchors, &own, &TlsClock::system()).unwrap();
    traitor.dialer = Dialer::new(tls, DialOptions::default()).unwrap();
    for _ in 0..CALLS {
        let mut line = traitor.connect().await;
        line.say(&traitor.hello()).await;
        line.is_refused(shared::wire::frame::Refusal::Removed).await;
    }
    for told in ["not admitted", "refuse key"] {
        let logged = log::lines_with(&[told, &traitor.id()]);
        assert_eq!(logged.len(), 1, "{logged:?}");
    }
    stage.stands().await;
}
