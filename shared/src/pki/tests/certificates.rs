//! What the CA puts into certificates, and what is read out of them.

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, SanType};
use rustls::pki_types::CertificateDer;

use super::kit::*;
use crate::ids::{FederationId, RegionId};
use crate::pki::key::Signer;
use crate::pki::{identity::uri, *};

/// Issues whatever is asked, as a CA without our rules would.
fn forge(ca: &Authority, change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
    let ca_key = BoundKey::from_pem(ca.to_pem().as_bytes()).unwrap();
    let issuer = Issuer::from_ca_cert_der(ca.anchor().certificate(), Signer(&ca_key)).unwrap();

    let mut params = CertificateParams::default();
    params.serial_number = Some(Serial::generate().unwrap().to_bytes().to_vec().into());
    params.distinguished_name.push(DnType::CommonName, "forged");
    params.subject_alt_names = vec![san(&uri(FEDERATION, REGION))];
    change(&mut params);
    let key = BoundKey::generate().unwrap();
    params
        .signed_by(&Signer(&key), &issuer)
        .unwrap()
        .der()
        .clone()
}

fn san(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn read(certificate: CertificateDer<'static>) -> Result<PeerIdentity, IdentityError> {
    identity(&[certificate])
}

#[test]
fn a_request_gets_what_the_ca_says_and_not_what_it_asks() {
    let ca = authority();
    let key = BoundKey::generate().unwrap();
    let mut asked = CertificateParams::default();
    asked.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    asked.subject_alt_names = vec![san(&uri(FEDERATION, HUB)), dns("evil.example.org")];
    asked.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    asked.distinguished_name.push(DnType::CommonName, "hub");
    let request = asked.serialize_request(&Signer(&key)).unwrap();

    let csr = Csr::from_der(request.der()).unwrap();
    let serial = Serial::generate().unwrap();
    let issued = ca.issue(&csr, REGION, serial, a_day()).unwrap();
    let parsed = x509::parse(&issued.der).unwrap();
    assert!(!parsed.is_ca());
    assert!(!parsed.key_usage().unwrap().unwrap().value.key_cert_sign());
    let usage = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    assert_eq!(parsed.subject().to_string(), format!("CN={REGION}"));

    let seen = read(CertificateDer::from(issued.der.clone())).unwrap();
    assert_eq!(seen.peer(), REGION);
    assert_eq!(seen.federation(), FEDERATION);
    assert_eq!(seen.serial(), serial);
    assert_eq!(seen.fingerprint(), key.fingerprint());
    assert_eq!(seen.validity(), issued.validity);
    assert_eq!(issued.validity.not_before, START - CLOCK_SKEW_SECS);
    assert_eq!(issued.validity.not_after, START + 24 * HOUR);
    assert!(issued.to_pem().starts_with("-----BEGIN CERTIFICATE-----\n"));
}

#[test]
fn a_certificate_names_one_member_or_none_at_all() {
    let ca = authority();
    let other = Peer::Region(RegionId::from_random(5));
    assert_eq!(read(forge(&ca, |_| ())).unwrap().peer(), REGION);
    let two = |params: &mut CertificateParams| {
        params.subject_alt_names.push(san(&uri(FEDERATION, other)));
    };
    assert_eq!(read(forge(&ca, two)), Err(IdentityError::Names));
    for names in [
        vec![],
        vec![san("https://example.org/")],
        vec![san(&uri(FEDERATION, REGION)), san("https://example.org/")],
        vec![san(&uri(FEDERATION, REGION)), san(&uri(FEDERATION, REGION))],
        vec![san(&uri(FEDERATION, REGION)), dns(HUB_NAME)],
        vec![san(&uri(FEDERATION, REGION)), dns("example.org")],
        vec![san(&uri(FEDERATION, HUB))],
        vec![san(&uri(FEDERATION, HUB)), dns("hub.example.org")],
        vec![dns(HUB_NAME)],
    ] {
        let shown = format!("{names:?}");
        let forged = forge(&ca, |params| params.subject_alt_names = names);
        assert_eq!(read(forged), Err(IdentityError::Names), "{shown}");
    }
}

#[test]
fn a_ca_vouches_for_its_own_federation_only() {
    let ca = authority();
    let named = FederationId::from_random(7);
    let forged = forge(&ca, |params| {
        params.subject_alt_names = vec![san(&uri(named, REGION))]
    });
    let expected = IdentityError::ForeignFederation {
        issuer: FEDERATION,
        named,
    };
    assert_eq!(read(forged), Err(expected));
}

#[test]
fn foreign_serial_numbers_and_keys_are_told() {
    let ca = authority();
    let short = forge(&ca, |params| {
        params.serial_number = Some(vec![1, 2, 3].into())
    });
    assert_eq!(read(short), Err(IdentityError::Serial));
    let rsa_like = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let foreign = CertificateParams::default().self_signed(&rsa_like).unwrap();
    assert_eq!(read(foreign.der().clone()), Err(IdentityError::Key));
    assert_eq!(
        read(CertificateDer::from(vec![0x30; 20_000])),
        Err(IdentityError::Malformed)
    );
}

#[test]
fn a_ca_survives_its_text_and_keeps_its_pin() {
    let ca = authority();
    let again = Authority::from_pem(ca.to_pem().as_bytes()).unwrap();
    assert_eq!(again.anchor(), ca.anchor());
    assert_eq!(again.pin(), ca.pin());
    assert_eq!(again.federation(), FEDERATION);
    assert!(!format!("{again:?}").contains("PRIVATE"));

    // A certificate of the reloaded CA is one of the first's.
    let (key, clock) = (BoundKey::generate().unwrap(), Clock::at(START));
    let csr = Csr::create(&key).unwrap();
    let issued = again
        .issue(&csr, REGION, Serial::generate().unwrap(), a_day())
        .unwrap();
    let own = Slot::new(LinkCredential::new(&key, &issued.der, ca.anchor()).unwrap());
    let caller = link_client(&anchors(&ca), &own, &clock.tls()).unwrap();
    let server = link_server(&anchors(&ca), &slot(&ca, HUB), &clock.tls()).unwrap();
    assert_eq!(
        shake(&caller, &server).unwrap().caller().unwrap().peer(),
        REGION
    );
}

#[test]
fn a_ca_is_what_it_should_be() {
    let ca = authority();
    let parsed = x509::parse(ca.anchor().der()).unwrap();
    let constraints = parsed.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = parsed.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    let validity = ca.anchor().validity();
    assert_eq!(validity.not_before, START - CLOCK_SKEW_SECS);
    assert_eq!(validity.not_after, START + AUTHORITY_LIFETIME.as_secs());
}

#[test]
fn parted_key_and_certificate_are_told() {
    let (one, two) = (authority(), authority());
    let key = two
        .to_pem()
        .split_inclusive("-----END CERTIFICATE-----\n")
        .nth(1)
        .unwrap()
        .to_owned();
    let mixed = format!("{}{key}", one.anchor().to_pem());
    assert!(matches!(
        Authority::from_pem(mixed.as_bytes()),
        Err(AuthorityError::Mismatch)
    ));
    let no_key = one.anchor().to_pem();
    assert!(matches!(
        Authority::from_pem(no_key.as_bytes()),
        Err(AuthorityError::Key(_))
    ));
    assert!(matches!(
        Authority::from_pem(key.as_bytes()),
        Err(AuthorityError::Pem(_))
    ));
}

#[test]
fn absurd_validities_are_refused_or_cut() {
    let ca = authority();
    let csr = Csr::create(&BoundKey::generate().unwrap()).unwrap();
    let issue = |not_before, not_after| {
        let validity = Validity {
            not_before,
            not_after,
        };
        ca.issue(&csr, REGION, Serial::generate().unwrap(), validity)
    };
    let ca_end = ca.anchor().validity().not_after;
    assert_eq!(issue(START, u64::MAX).unwrap().validity.not_after, ca_end);
    assert_eq!(issue(0, START).unwrap().validity.not_before, 0);
    for (not_before, not_after) in [
        (START, START),
        (START, 5),
        (ca_end, u64::MAX),
        (u64::MAX, 0),
    ] {
        let refused = issue(not_before, not_after);
        assert!(
            matches!(refused, Err(AuthorityError::Validity { .. })),
            "{not_before}"
        );
    }
    // A clock at the end of time makes no CA, and no panic.
    for now in [u64::MAX, u64::MAX / 2, 253_402_300_799] {
        let refused = Authority::create(FEDERATION, now);
        assert!(
            matches!(refused, Err(AuthorityError::Validity { .. })),
            "{now}"
        );
    }
    assert!(Authority::create(FEDERATION, 0).is_ok());
}

#[test]
fn only_cas_become_anchors() {
    let ca = authority();
    let leaf = forge(&ca, |_| ());
    assert!(matches!(
        Anchor::from_der(&leaf),
        Err(AnchorError::NotSelfSigned)
    ));
    let self_signed = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, x509::ca_name(FEDERATION));
        change(&mut params);
        let key = BoundKey::generate().unwrap();
        Anchor::from_der(params.self_signed(&Signer(&key)).unwrap().der())
    };
    assert!(matches!(
        self_signed(&|_| ()),
        Err(AnchorError::NotAuthority)
    ));
    let is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    let no_usage = |params: &mut CertificateParams| params.is_ca = is_ca;
    assert!(matches!(
        self_signed(&no_usage),
        Err(AnchorError::NotAuthority)
    ));
    let unnamed = |params: &mut CertificateParams| {
        params.is_ca = is_ca;
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "some CA");
    };
    assert!(matches!(
        self_signed(&unnamed),
        Err(AnchorError::NoFederation)
    ));
    let mut damaged = ca.anchor().der().to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(Anchor::from_der(&damaged).is_err());
    assert!(matches!(
        Anchor::from_der(b"x"),
        Err(AnchorError::Malformed)
    ));
}

#[test]
fn anchors_survive_their_text_and_are_bounded() {
    let (one, two) = (authority(), authority());
    let both = anchors(&one).with(two.anchor().clone()).unwrap();
    assert_eq!(
        TrustAnchors::from_pem(both.to_pem().as_bytes()).unwrap(),
        both
    );
    assert_eq!(both.with(one.anchor().clone()).unwrap(), both);
    assert!(both.trusts(&two.pin()) && !anchors(&one).trusts(&two.pin()));
    assert_eq!(
        both.without(&one.pin()).unwrap().pins().collect::<Vec<_>>(),
        [two.pin()]
    );
    assert!(matches!(
        anchors(&one).without(&one.pin()),
        Err(AnchorError::None)
    ));
    let many = (0..9).map(|_| authority().anchor().clone());
    assert!(matches!(TrustAnchors::new(many), Err(AnchorError::TooMany)));
}

#[test]
fn a_credential_is_checked_against_its_key_and_ca() {
    let (ca, other) = (authority(), authority());
    let (key, wrong) = (BoundKey::generate().unwrap(), BoundKey::generate().unwrap());
    let csr = Csr::create(&key).unwrap();
    let issued = ca
        .issue(&csr, REGION, Serial::generate().unwrap(), a_day())
        .unwrap();
    let new = |key, ca: &Authority| LinkCredential::new(key, &issued.der, ca.anchor());
    assert_eq!(new(&key, &ca).unwrap().validity(), issued.validity);
    assert!(matches!(new(&wrong, &ca), Err(CredentialError::Mismatch)));
    assert!(matches!(
        new(&key, &other),
        Err(CredentialError::NotByAuthority)
    ));
    let ca_itself = LinkCredential::new(&key, ca.anchor().der(), ca.anchor());
    assert!(matches!(ca_itself, Err(CredentialError::Identity(_))));
}

#[test]
fn common_refusals_come_with_advice() {
    use rustls::AlertDescription as Alert;
    let advice = |alert: Alert| handshake_advice(alert.into()).unwrap_or_default();
    assert!(advice(Alert::CertificateExpired).contains("clocks"));
    assert!(advice(Alert::UnknownCA).contains("another federation"));
    assert!(advice(Alert::CertificateUnknown).contains("join token"));
    assert!(advice(Alert::NoApplicationProtocol).contains("port"));
    assert_eq!(handshake_advice(Alert::InternalError.into()), None);
}
