//! The long-lived key of an agent or hub. It is made on its machine and never leaves it.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use zeroize::Zeroizing;

use super::fingerprint::Fingerprint;
use super::pem::{self, PemError};
use super::public_key::{PublicKey, PublicKeyError};

/// A P-256 key pair that an identity is bound to: certificates come and go, this stays.
///
/// Its private half is wiped from memory when dropped, and never shown by `Debug`.
pub struct BoundKey {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

/// What failed with a private key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system could make no key.
    #[error("cannot make a key: the system's random source failed")]
    Generate,
    /// The text is not PEM with one private key.
    #[error("cannot read the private key")]
    Pem(#[from] PemError),
    /// The key is of another kind, or damaged.
    #[error("the private key is not a PKCS #8 key on the curve P-256, or it is damaged")]
    NotP256,
    /// The public half can't be used.
    #[error("the public half of the key is unusable")]
    Public(#[from] PublicKeyError),
    /// The cryptographic library refused to sign.
    #[error("cannot sign with the key")]
    Sign,
}

impl BoundKey {
    /// Makes a new key of the system's random source.
    pub fn generate() -> Result<Self, KeyError> {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .map_err(|_| KeyError::Generate)?;
        Self::from_pkcs8(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Reads a key from PEM with one PKCS #8 section.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        Self::from_pkcs8(pem::pkcs8_key(pem)?)
    }

    /// The key as PEM (PKCS #8). The text is wiped when it is dropped.
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::encode(pem::PRIVATE_KEY, &self.pkcs8)
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// SHA-256 of the public half.
    pub fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    /// Signs `message`: ECDSA with SHA-256, ASN.1 DER, at most 72 bytes.
    ///
    /// Whoever signs with this key must prefix a text that no other use of the key begins with;
    /// [`prove`](Self::prove) does.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message)
            .map_err(|_| KeyError::Sign)?;
        Ok(signature.as_ref().to_vec())
    }

    /// The private key in PKCS #8 DER.
    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8)
            .map_err(|_| KeyError::NotP256)?;
        let public = PublicKey::from_point(pair.public_key().as_ref())?;
        Ok(Self {
            pair,
            pkcs8,
            public,
        })
    }
}

impl fmt::Debug for BoundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundKey({})", self.fingerprint())
    }
}

/// Lets rcgen sign with a [`BoundKey`], so that it never holds a copy of the private key.
pub(super) struct Signer<'a>(pub(super) &'a BoundKey);

impl rcgen::PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public.point()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0
            .sign(message)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text() {
        let key = BoundKey::generate().unwrap();
        let again = BoundKey::from_pem(key.to_pem().as_bytes()).unwrap();
        assert_eq!(key.fingerprint(), again.fingerprint());
        let signature = again.sign(b"message").unwrap();
        assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
        let other = key.public_key().verify(b"another", &signature);
        assert_eq!(other, Err(PublicKeyError::Signature));
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        for algorithm in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
            let pem = rcgen::KeyPair::generate_for(algorithm)
                .unwrap()
                .serialize_pem();
            assert!(matches!(
                BoundKey::from_pem(pem.as_bytes()),
                Err(KeyError::NotP256)
            ));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = BoundKey::generate().unwrap();
        assert_eq!(
            format!("{key:?}"),
            format!("BoundKey({})", key.fingerprint())
        );
    }
}
