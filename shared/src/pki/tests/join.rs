//! First contact by a pin, recovery, and proofs bound to the connection.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, Error};

use super::kit::*;
use crate::pki::*;

fn server(ca: &Authority, clock: &Clock) -> Arc<rustls::ServerConfig> {
    link_server(&anchors(ca), &slot(ca, HUB), &clock.tls()).unwrap()
}

#[test]
fn a_joiner_learns_the_ca_that_its_token_pins() {
    let (ca, clock) = (authority(), Clock::at(START));
    let token = JoinToken::generate(ca.pin()).unwrap();
    let joiner = join_client(token.pin(), &clock.tls()).unwrap();
    let link = shake(&joiner, &server(&ca, &clock)).unwrap();

    assert_eq!(link.server.alpn_protocol(), Some(JOIN_ALPN));
    assert_eq!(link.hub().peer(), HUB);
    assert_eq!(link.caller(), Err(IdentityError::NoCertificate));
    let learned = pinned_authority(&link.chain(), &token.pin()).unwrap();
    assert_eq!(&learned, ca.anchor());

    // What it learned is enough to follow; and a member, who knows the CA, is not shown it again.
    let own = slot(&ca, REGION);
    let member = link_client(&TrustAnchors::of(learned), &own, &clock.tls()).unwrap();
    let link = shake(&member, &server(&ca, &clock)).unwrap();
    assert_eq!(link.chain().len(), 1);
}

#[test]
fn a_wrong_pin_ends_the_handshake() {
    let (ca, other, clock) = (authority(), authority(), Clock::at(START));
    let joiner = join_client(other.pin(), &clock.tls()).unwrap();
    let refused = shake(&joiner, &server(&ca, &clock)).err().unwrap();
    let Error::InvalidCertificate(CertificateError::Other(why)) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(why.0.downcast_ref::<PinError>(), Some(&PinError));
    let chain = [
        ca.anchor().certificate().clone(),
        ca.anchor().certificate().clone(),
    ];
    assert_eq!(pinned_authority(&chain, &other.pin()), Err(PinError));
}

#[test]
fn showing_the_pinned_ca_without_its_signature_helps_nobody() {
    // The impostor shows a certificate of its own CA, and the true CA's certificate beside it.
    let (ca, impostor, clock) = (authority(), authority(), Clock::at(START));
    let key = BoundKey::generate().unwrap();
    let csr = Csr::create(&key).unwrap();
    let issued = impostor
        .issue(&csr, HUB, Serial::generate().unwrap(), a_day())
        .unwrap();
    let own = LinkCredential::new(&key, &issued.der, ca.anchor());
    assert!(matches!(own, Err(CredentialError::NotByAuthority)));

    let chain = vec![
        CertificateDer::from(issued.der),
        ca.anchor().certificate().clone(),
    ];
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.pkcs8().to_vec().into());
    let posing = rustls::ServerConfig::builder_with_provider(super::super::tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let joiner = join_client(ca.pin(), &clock.tls()).unwrap();
    let refused = shake(&joiner, &Arc::new(posing)).err().unwrap();
    assert!(
        matches!(refused, Error::InvalidCertificate(_)),
        "{refused:?}"
    );
}

#[test]
fn a_joiner_refuses_a_pinned_cas_region() {
    let (ca, clock) = (authority(), Clock::at(START));
    let posing = link_server(&anchors(&ca), &slot(&ca, REGION), &clock.tls()).unwrap();
    let joiner = join_client(ca.pin(), &clock.tls()).unwrap();
    assert!(matches!(
        shake(&joiner, &posing),
        Err(Error::InvalidCertificate(_))
    ));
}

#[test]
fn a_proof_passes_on_its_own_connection_only() {
    let (ca, clock) = (authority(), Clock::at(START));
    let joiner = join_client(ca.pin(), &clock.tls()).unwrap();
    let key = BoundKey::generate().unwrap();
    let [client, server_side] = shake(&joiner, &server(&ca, &clock)).unwrap().bindings();
    let [_, elsewhere] = shake(&joiner, &server(&ca, &clock)).unwrap().bindings();

    let proof = key.prove(Purpose::Recovery, &client).unwrap();
    let check = |channel| {
        key.public_key()
            .check_proof(Purpose::Recovery, channel, &proof)
    };
    assert_eq!(check(&server_side), Ok(()));
    assert_eq!(check(&elsewhere), Err(PublicKeyError::Signature));
}

#[test]
fn an_agent_that_was_away_too_long_still_reaches_the_hub_to_recover() {
    let (ca, clock) = (authority(), Clock::at(START + 48 * HOUR));
    let later = Validity {
        not_before: START + 47 * HOUR,
        not_after: START + 71 * HOUR,
    };
    let hub = Slot::new(member(&ca, HUB, later));
    let server = link_server(&anchors(&ca), &hub, &clock.tls()).unwrap();
    let expired = link_client(&anchors(&ca), &slot(&ca, REGION), &clock.tls()).unwrap();
    assert!(shake(&expired, &server).is_err());
    let recovering = recovery_client(&anchors(&ca), &clock.tls()).unwrap();
    let link = shake(&recovering, &server).unwrap();
    assert_eq!(link.caller(), Err(IdentityError::NoCertificate));
}
