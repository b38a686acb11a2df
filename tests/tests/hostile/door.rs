//! Callers whom their certificate keeps out.

use std::sync::Arc;
use std::time::Duration;

use idp_hub::fleet::{Condition, Reason, State};
use shared::ids::FederationId;
use shared::keyring;
use shared::pki::{
    Authority, BoundKey, Csr, LINK_ALPN, LinkCredential, Peer, Serial, Slot, TlsClock, Validity,
    link_client, recovery_client,
};
use shared::transport::{ClientTls, CloseCode, DialOptions, Dialer, Loss, TransportError};

use shared::wire::frame::{Control, Hello, Refusal};

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
        line.is_refused(Refusal::Removed).await;
    }
    for told in ["not admitted", "refuse key"] {
        let logged = log::lines_with(&[told, &traitor.id()]);
        assert_eq!(logged.len(), 1, "{logged:?}");
    }
    // The operator sees a note beside the region's own state.
    let noted = |condition: &Condition| condition.detail.contains("another key");
    let condition = shows(&stage, "north", noted).await;
    assert_eq!(condition.reason, Reason::Joining);
    stage.stands().await;
}

/// The operator is told why an agent is not there although it knocks, and what to do.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_refused_is_shown_with_the_reason() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let (too_new, elsewhere) = ((999, 999), FederationId::from_random(7));
    let hello = |change: &dyn Fn(&mut Hello<'static>)| {
        let Control::Hello(mut hello) = traitor.hello() else {
            unreachable!()
        };
        change(&mut hello);
        Control::Hello(hello)
    };
    for (hello, refusal, reason) in [
        (
            hello(&|it| it.versions = too_new),
            Refusal::Version,
            Reason::RefusedVersion,
        ),
        (
            hello(&|it| it.federation = elsewhere),
            Refusal::Federation,
            Reason::RefusedFederation,
        ),
        (
            hello(&|it| it.epoch += 1),
            Refusal::StaleEpoch,
            Reason::RefusedEpoch,
        ),
    ] {
        let mut line = traitor.connect().await;
        line.say(&hello).await;
        line.is_refused(refusal).await;
        let condition = shows(&stage, "north", |it| it.reason == reason).await;
        assert_eq!(condition.state, State::Unreachable);
    }
    // Who is well is not touched by what another one with its key does.
    let _well = traitor.greeted().await;
    shows(&stage, "north", |it| it.reason == Reason::FirstSync).await;
    let mut line = traitor.connect().await;
    line.say(&hello(&|it| it.versions = too_new)).await;
    line.is_refused(Refusal::Version).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    shows(&stage, "north", |it| it.reason == Reason::FirstSync).await;
    stage.stands().await;
}

/// Waits until a region's condition is as wanted.
async fn shows(stage: &Stage, name: &str, wanted: impl Fn(&Condition) -> bool) -> Condition {
    for _ in 0..250 {
        let condition = stage
            .hub
            .hub
            .board
            .region(name)
            .unwrap()
            .view
            .condition
            .clone();
        if wanted(&condition) {
            return condition;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let view = &stage.hub.hub.board.region(name).unwrap().view;
    panic!("{:?}", view.condition)
}
