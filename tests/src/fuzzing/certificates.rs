//! Tokens, certificates, requests and keys: what is read is written and read as the same again.

use std::sync::OnceLock;

use shared::ids::FederationId;
use shared::pki::{
    Authority, BoundKey, Csr, JoinToken, LinkCredential, TrustAnchors, certificate_from_pem,
    certificate_to_pem,
};

/// A moment within the validity of what is made here.
pub(super) const NOW_SECS: u64 = 1_800_000_000;

/// A federation's CA, and a member's key.
pub(super) struct Members {
    pub(super) authority: Authority,
    pub(super) key: BoundKey,
}

pub(super) fn members() -> &'static Members {
    static MEMBERS: OnceLock<Members> = OnceLock::new();
    MEMBERS.get_or_init(|| Members {
        authority: Authority::create(FederationId::from_bytes([1; 16]), NOW_SECS).unwrap(),
        key: BoundKey::generate().unwrap(),
    })
}

/// A join token's text.
pub(super) fn token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(token) = text.parse::<JoinToken>() else {
        return;
    };
    let again: JoinToken = token.to_text().parse().unwrap();
    assert_eq!(
        (again.id(), again.secret(), again.pin()),
        (token.id(), token.secret(), token.pin())
    );
}

/// A certificate request, PEM or DER.
pub(super) fn request(bytes: &[u8]) {
    let read = Csr::from_pem(bytes).or_else(|_| Csr::from_der(bytes));
    let Ok(csr) = read else { return };
    let again = Csr::from_pem(csr.to_pem().as_bytes()).unwrap();
    assert_eq!(again.der(), csr.der());
    assert_eq!(again.public_key().spki(), csr.public_key().spki());
}

/// A member's certificate, PEM or DER, and the identity in it.
pub(super) fn certificate(bytes: &[u8]) {
    let der = match certificate_from_pem(bytes) {
        Ok(der) => {
            let pem = certificate_to_pem(&der);
            assert_eq!(certificate_from_pem(pem.as_bytes()).unwrap(), der);
            der
        }
        Err(_) => bytes.to_vec(),
    };
    let Members { authority, key } = members();
    if let Ok(credential) = LinkCredential::new(key, &der, authority.anchor()) {
        assert_eq!(credential.identity().fingerprint(), key.fingerprint());
        assert_eq!(credential.identity().federation(), authority.federation());
    }
}

/// The file of trusted CAs.
pub(super) fn anchors(bytes: &[u8]) {
    let Ok(anchors) = TrustAnchors::from_pem(bytes) else {
        return;
    };
    let again = TrustAnchors::from_pem(anchors.to_pem().as_bytes()).unwrap();
    assert!(again.pins().eq(anchors.pins()));
}

/// A key's file, and a CA's.
pub(super) fn key(bytes: &[u8]) {
    if let Ok(key) = BoundKey::from_pem(bytes) {
        let again = BoundKey::from_pem(key.to_pem().as_bytes()).unwrap();
        assert_eq!(again.fingerprint(), key.fingerprint());
    }
    if let Ok(authority) = Authority::from_pem(bytes) {
        let again = Authority::from_pem(authority.to_pem().as_bytes()).unwrap();
        assert_eq!(again.pin(), authority.pin());
    }
}
