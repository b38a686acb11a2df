//! Public keys of agents, hubs and CAs: ECDSA on P-256, and nothing else.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, UnparsedPublicKey};

use super::fingerprint::Fingerprint;

/// What a SubjectPublicKeyInfo for P-256 begins with (RFC 5480 §2): the algorithm
/// `id-ecPublicKey`, the named curve `secp256r1`, and an uncompressed point's tag.
///
/// Comparing it whole leaves no second encoding of a key, so that a fingerprint is unique.
const SPKI_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// Where the point stands within the SubjectPublicKeyInfo: its tag is the prefix's last byte.
const POINT_OFFSET: usize = SPKI_PREFIX.len() - 1;

/// Bytes of a SubjectPublicKeyInfo for P-256: the prefix, and two coordinates of 32 bytes.
const SPKI_BYTES: usize = SPKI_PREFIX.len() + 64;

/// A P-256 public key, known to be a point of the curve.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    spki: [u8; SPKI_BYTES],
}

/// What is wrong with a public key, or with a signature by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not a P-256 key in its one accepted encoding.
    #[error("not an ECDSA P-256 public key: no other kind is accepted")]
    NotP256,
    /// The signature is not by this key over this message.
    #[error("the signature is not by this key over this message")]
    Signature,
}

impl PublicKey {
    /// Takes a key in SubjectPublicKeyInfo DER, as it stands in certificates and on the wire.
    pub fn from_spki(spki_der: &[u8]) -> Result<Self, PublicKeyError> {
        let spki: [u8; SPKI_BYTES] = spki_der.try_into().map_err(|_| PublicKeyError::NotP256)?;
        if !spki.starts_with(&SPKI_PREFIX) {
            return Err(PublicKeyError::NotP256);
        }
        let key = Self { spki };
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.point())
            .map_err(|_| PublicKeyError::NotP256)?;
        Ok(key)
    }

    /// Takes an uncompressed point (SEC 1 §2.3.3), its tag included.
    pub(super) fn from_point(point: &[u8]) -> Result<Self, PublicKeyError> {
        let header = SPKI_PREFIX.split_at(POINT_OFFSET).0;
        Self::from_spki(&[header, point].concat())
    }

    /// The key in SubjectPublicKeyInfo DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key's SHA-256, by which it is pinned and registered.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_spki(&self.spki)
    }

    /// Checks an ECDSA signature (SHA-256, ASN.1 DER; RFC 3279 §2.2.3) over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), PublicKeyError> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.point())
            .verify(message, signature)
            .map_err(|_| PublicKeyError::Signature)
    }

    /// The uncompressed point (SEC 1 §2.3.3).
    pub(super) fn point(&self) -> &[u8] {
        self.spki.split_at(POINT_OFFSET).1
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::BoundKey;

    #[test]
    fn a_key_is_taken_back_as_it_was_given() {
        let key = *BoundKey::generate().unwrap().public_key();
        assert_eq!(PublicKey::from_spki(key.spki()), Ok(key));
        assert_eq!(key.point().len(), 65);
    }

    #[test]
    fn other_curves_points_and_lengths_are_refused() {
        let good = BoundKey::generate().unwrap().public_key().spki().to_vec();
        let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        let p384 = rcgen::PublicKeyData::subject_public_key_info(&p384);
        let mut off_curve = good.clone();
        *off_curve.last_mut().unwrap() ^= 1;
        let mut longer = good.clone();
        longer.push(0);
        for bad in [p384, off_curve, longer, good[..90].to_vec(), vec![]] {
            assert_eq!(PublicKey::from_spki(&bad), Err(PublicKeyError::NotP256));
        }
    }
}
