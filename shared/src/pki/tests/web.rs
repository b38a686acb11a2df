//! The hub's web: own certificates, given ones, and their exchange.

use std::sync::Arc;
use std::time::Duration;

use rcgen::CertificateParams;
use rustls::{ClientConfig, RootCertStore};

use super::kit::*;
use crate::pki::tls::provider;
use crate::pki::*;

/// A browser that trusts the federation's CA, or the given certificate.
fn browser(root: &[u8], clock: u64) -> Arc<ClientConfig> {
    #[derive(Debug)]
    struct Fixed(u64);
    impl rustls::time_provider::TimeProvider for Fixed {
        fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
            Some(rustls::pki_types::UnixTime::since_unix_epoch(
                Duration::from_secs(self.0),
            ))
        }
    }
    let mut roots = RootCertStore::empty();
    roots.add(root.to_vec().into()).unwrap();
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(Fixed(clock)))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

fn issued(ca: &Authority, names: &[&str], now: u64) -> WebCredential {
    let (key, names) = (BoundKey::generate().unwrap(), WebNames::new(names).unwrap());
    let serial = Serial::generate().unwrap();
    let issued = ca.issue_web(key.public_key(), &names, serial, now).unwrap();
    WebCredential::issued(&key, &issued.der, ca.anchor()).unwrap()
}

/// A site's own certificate with its key, as PEM.
fn given(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let params = CertificateParams::new(vec!["console.example.org".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (
        certificate.pem(),
        key.serialize_pem(),
        certificate.der().to_vec(),
    )
}

#[test]
fn an_own_certificate_serves_its_names_for_397_days() {
    let (ca, clock) = (authority(), Clock::at(START));
    let web = issued(&ca, &["console.example.org", "10.0.0.7"], START);
    assert_eq!(web.validity().not_after - START, 397 * 24 * HOUR);
    let server = web_server(&Slot::new(web), &clock.tls()).unwrap();
    for (name, served) in [
        ("console.example.org", true),
        ("10.0.0.7", true),
        ("10.0.0.8", false),
        (HUB_NAME, false),
    ] {
        let shaken = shake_as(name, &browser(ca.anchor().der(), START), &server);
        assert_eq!(shaken.is_ok(), served, "{name}");
        if let Ok(link) = shaken {
            assert_eq!(link.server.alpn_protocol(), Some(b"h2".as_slice()));
        }
    }
}

#[test]
fn a_web_certificate_is_worth_nothing_on_the_link() {
    let (ca, clock) = (authority(), Clock::at(START));
    let key = BoundKey::generate().unwrap();
    let names = WebNames::new(&["console.example.org"]).unwrap();
    let serial = Serial::generate().unwrap();
    let issued = ca
        .issue_web(key.public_key(), &names, serial, START)
        .unwrap();
    let member = LinkCredential::new(&key, &issued.der, ca.anchor());
    assert!(matches!(
        member,
        Err(CredentialError::Identity(IdentityError::Names))
    ));

    let web = WebCredential::issued(&key, &issued.der, ca.anchor()).unwrap();
    let posing = web_server(&Slot::new(web), &clock.tls()).unwrap();
    let mut posing = (*posing).clone();
    posing.alpn_protocols = vec![LINK_ALPN.to_vec()];
    let caller = link_client(&anchors(&ca), &slot(&ca, REGION), &clock.tls()).unwrap();
    assert!(shake_as("console.example.org", &caller, &Arc::new(posing)).is_err());
}

#[test]
fn a_renewed_web_certificate_is_served_without_a_restart() {
    let (ca, clock) = (authority(), Clock::at(START));
    let web = Slot::new(issued(&ca, &["old.example.org"], START));
    let server = web_server(&web, &clock.tls()).unwrap();
    // A new browser each time: one that was here before may resume its session.
    let open = |name| shake_as(name, &browser(ca.anchor().der(), START), &server);
    assert!(open("old.example.org").is_ok());
    web.replace(issued(&ca, &["new.example.org"], START));
    assert!(open("new.example.org").is_ok());
    assert!(open("old.example.org").is_err());
}

#[test]
fn a_given_certificate_of_any_common_kind_is_served() {
    let clock = Clock::at(START);
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let (chain, key, der) = given(algorithm);
        let web = WebCredential::from_pem(chain.as_bytes(), key.as_bytes(), START).unwrap();
        let server = web_server(&Slot::new(web), &clock.tls()).unwrap();
        assert!(shake_as("console.example.org", &browser(&der, START), &server).is_ok());
    }
}

#[test]
fn a_given_certificate_is_checked_before_it_is_served() {
    let (chain, key, _) = given(&rcgen::PKCS_ECDSA_P256_SHA256);
    let (_, wrong, _) = given(&rcgen::PKCS_ECDSA_P256_SHA256);
    let fault = |chain: &str, key: &str, now| {
        WebCredential::from_pem(chain.as_bytes(), key.as_bytes(), now).unwrap_err()
    };
    assert!(matches!(
        fault(&chain, &wrong, START),
        CredentialError::Mismatch
    ));
    assert!(matches!(
        fault(&key, &key, START),
        CredentialError::Pem(PemError::Missing(_))
    ));
    assert!(matches!(
        fault(&chain, &chain, START),
        CredentialError::Pem(PemError::Missing(_))
    ));
    // rcgen's default validity: 1975 to 4096.
    assert!(matches!(
        fault(&chain, &key, 67_090_118_401),
        CredentialError::Expired(_)
    ));
    assert!(matches!(
        fault(&chain, &key, 0),
        CredentialError::NotYetValid(_)
    ));
    let eleven = chain.repeat(11);
    assert!(matches!(
        fault(&eleven, &key, START),
        CredentialError::Pem(PemError::TooMany { .. })
    ));
}
