//! Reading X.509 certificates: the few fields that the rest of `pki` decides by.

use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_SIG_ECDSA_WITH_SHA256;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AlgorithmIdentifier, X509Name};

use super::public_key::PublicKey;
use super::validity::Validity;
use crate::ids::FederationId;

/// The largest certificate read, in bytes: an RSA-4096 web certificate with 100 names takes half.
/// Those of a federation take some 700.
pub(super) const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// What a federation CA's common name begins with; the federation id follows.
const CA_NAME_PREFIX: &str = "Regroup federation ";

/// Parses one certificate with nothing after it.
pub(super) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return None;
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

/// The certificate's public key in SubjectPublicKeyInfo DER, whatever its kind.
pub(super) fn spki<'a>(certificate: &X509Certificate<'a>) -> &'a [u8] {
    certificate.tbs_certificate.subject_pki.raw
}

/// When the certificate counts. What lies before 1970 counts as 1970.
pub(super) fn validity(certificate: &X509Certificate<'_>) -> Validity {
    let validity = certificate.validity();
    Validity {
        not_before: u64::try_from(validity.not_before.timestamp()).unwrap_or(0),
        not_after: u64::try_from(validity.not_after.timestamp()).unwrap_or(0),
    }
}

/// Whether `issuer` signed the certificate, by ECDSA with SHA-256.
pub(super) fn is_signed_by(certificate: &X509Certificate<'_>, issuer: &PublicKey) -> bool {
    is_ecdsa_sha256(&certificate.signature_algorithm)
        && issuer
            .verify(
                certificate.tbs_certificate.as_ref(),
                &certificate.signature_value.data,
            )
            .is_ok()
}

/// Whether a signature is ECDSA with SHA-256 (RFC 5758 §3.2), the only one of P-256 keys here.
pub(super) fn is_ecdsa_sha256(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    algorithm.algorithm == OID_SIG_ECDSA_WITH_SHA256
}

/// The common name of a federation's CA.
pub(super) fn ca_name(federation: FederationId) -> String {
    format!("{CA_NAME_PREFIX}{federation}")
}

/// The federation whose CA has this name, if the name is just a CA's.
pub(super) fn federation_of(name: &X509Name<'_>) -> Option<FederationId> {
    let mut attributes = name.iter_attributes();
    let common_name = name.iter_common_name().next()?.as_str().ok()?;
    attributes.next()?;
    if attributes.next().is_some() {
        return None;
    }
    canonical(common_name.strip_prefix(CA_NAME_PREFIX)?)
}

/// Reads an id in the one form in which ids are written: lower case, hyphenated.
pub(super) fn canonical<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    let id: T = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}
