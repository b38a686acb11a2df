//! Secrets sealed to one agent: HPKE in base mode (RFC 9180), one message to a key pair.
//!
//! What the link carries is encrypted anyway; what is sealed stays so in the hub's store, in its
//! backups and in the agent's, and is opened only where it is used. Base mode tells nothing of
//! the sender: that is the link's to prove.

use std::fmt;

use aws_lc_rs::agreement::{PrivateKey, X25519};
use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey};
use zeroize::Zeroizing;

use super::fingerprint::Fingerprint;
use super::pem::{self, PemError};
use crate::ids::{FederationId, ObjectId, RegionId};
use crate::model::{CloudId, SEALED_BYTES_MAX, SEALED_CREDENTIAL_BYTES_MAX};

/// Bytes of an X25519 key, private or public (RFC 7748 §5).
const KEY_BYTES: usize = 32;

/// What stands before a private key of X25519 in PKCS #8 (RFC 8410 §7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
];

/// What stands before a public one in SubjectPublicKeyInfo (RFC 8410 §4).
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00,
];

/// Begins what is sealed: the suite X25519, HKDF-SHA256, AES-256-GCM. Another has another number.
const VERSION: u8 = 1;

/// Bytes beside the secret itself: the version, the ephemeral key and the tag.
const OVERHEAD_BYTES: usize = 1 + KEY_BYTES + 16;

/// The longest secret that is sealed, in bytes, but for a cloud's credential.
pub const SECRET_BYTES_MAX: usize = SEALED_BYTES_MAX - OVERHEAD_BYTES;

/// The longest credential that is sealed, in bytes: a password of 4 KiB, and four names.
const CREDENTIAL_BYTES_MAX: usize = SEALED_CREDENTIAL_BYTES_MAX - OVERHEAD_BYTES;

/// What a secret is for, and whose it is. It opens for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The federation.
    pub federation: FederationId,
    /// The region whose agent it is sealed to.
    pub region: RegionId,
    /// What it is for.
    pub purpose: SealedFor<'a>,
}

/// What a sealed secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedFor<'a> {
    /// The password that a user of the directory is to have, of this version.
    Password(ObjectId, u64),
    /// What somebody gave for the password of this user of the region's cloud.
    Check(&'a CloudId),
    /// The credential by which the region's agent is to sign in at its cloud.
    Credential,
}

impl SealedFor<'_> {
    /// The longest secret of this purpose, in bytes.
    const fn bytes_max(self) -> usize {
        match self {
            Self::Password(..) | Self::Check(_) => SECRET_BYTES_MAX,
            Self::Credential => CREDENTIAL_BYTES_MAX,
        }
    }
}

/// What failed with a sealed secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The system could make no key.
    #[error("the cryptographic library could make no key to seal to")]
    Generate,
    /// The key's file is damaged.
    #[error("the key that secrets are sealed to is damaged; without it set the passwords again")]
    Key(#[source] Option<PemError>),
    /// The secret is too long.
    #[error("the secret is longer than any that is sealed: {0} bytes")]
    TooLong(usize),
    /// The library refused.
    #[error("the cryptographic library could not seal to this key")]
    Seal,
    /// It was sealed to another key, for something else, or changed on its way.
    #[error("the secret does not open: it was sealed to another key, or for something else")]
    Open,
}

/// The key pair that secrets are sealed to. Made on its machine, which it never leaves; wiped from
/// memory when dropped.
pub struct SealingKey {
    private: Zeroizing<[u8; KEY_BYTES]>,
    public: PublicSealingKey,
}

/// Its public half, to which anybody can seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicSealingKey([u8; KEY_BYTES]);

impl SealingKey {
    /// Makes a key pair.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn generate() -> Result<Self, SealError> {
        let key = PrivateKey::generate(&X25519).map_err(|_| SealError::Generate)?;
        Self::of(&key)
    }

    fn of(key: &PrivateKey) -> Result<Self, SealError> {
        let seed: Curve25519SeedBin<'_> = key.as_be_bytes().map_err(|_| SealError::Generate)?;
        let public = key.compute_public_key();
        let public = public.map_err(|_| SealError::Generate)?;
        Ok(Self {
            private: Zeroizing::new(array(seed.as_ref()).ok_or(SealError::Generate)?),
            public: PublicSealingKey(array(public.as_ref()).ok_or(SealError::Generate)?),
        })
    }

    /// Reads a key pair from PKCS #8 in PEM (RFC 8410 §7).
    ///
    /// # Errors
    /// If there is none in the text.
    pub fn from_pem(text: &[u8]) -> Result<Self, SealError> {
        let der = pem::pkcs8_key(text).map_err(|it| SealError::Key(Some(it)))?;
        let seed = der.strip_prefix(&PKCS8_PREFIX);
        let seed = seed.filter(|it| it.len() == KEY_BYTES);
        let seed = seed.ok_or(SealError::Key(None))?;
        let key = PrivateKey::from_private_key(&X25519, seed).map_err(|_| SealError::Key(None))?;
        Self::of(&key)
    }

    /// The key pair as PKCS #8 in PEM.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let der = Zeroizing::new([PKCS8_PREFIX.as_slice(), self.private.as_slice()].concat());
        pem::encode(pem::PRIVATE_KEY, &der)
    }

    /// What others seal to.
    pub const fn public(&self) -> PublicSealingKey {
        self.public
    }

    /// Opens what was sealed to this key for `context`.
    ///
    /// # Errors
    /// If it was not, or was changed.
    pub fn open(
        &self,
        context: &Context<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let Some((&VERSION, rest)) = sealed.split_first() else {
            return Err(SealError::Open);
        };
        let (encapsulated, ciphertext) = rest
            .split_at_checked(KEY_BYTES)
            .filter(|_| sealed.len() <= context.purpose.bytes_max() + OVERHEAD_BYTES)
            .ok_or(SealError::Open)?;
        let encapsulated = EncapsulatedSecret(encapsulated.to_vec());
        let key = HpkePrivateKey::from(self.private.to_vec());
        let aad = context.bytes();
        SUITE
            .open(&encapsulated, context.info(), &aad, ciphertext, &key)
            .map(Zeroizing::new)
            .map_err(|_| SealError::Open)
    }
}

impl PublicSealingKey {
    /// Bytes of the key.
    pub const BYTES: usize = KEY_BYTES;

    /// SHA-256 of the key in SubjectPublicKeyInfo DER, as `openssl pkey -pubout` writes it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_spki(&[SPKI_PREFIX.as_slice(), &self.0].concat())
    }

    /// Takes a key as it stood on the wire or in a store.
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The key as it goes onto the wire and into a store.
    pub const fn to_bytes(self) -> [u8; KEY_BYTES] {
        self.0
    }

    /// Seals a secret, for the holder of the private half and for `context` only.
    ///
    /// # Errors
    /// If the secret is too long, or the key none of the curve.
    pub fn seal(&self, context: &Context<'_>, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        if secret.len() > context.purpose.bytes_max() {
            return Err(SealError::TooLong(secret.len()));
        }
        let key = HpkePublicKey(self.0.to_vec());
        let (encapsulated, ciphertext) = SUITE
            .seal(context.info(), &context.bytes(), secret, &key)
            .map_err(|_| SealError::Seal)?;
        Ok([&[VERSION], encapsulated.0.as_slice(), &ciphertext].concat())
    }
}

impl Context<'_> {
    const fn info(&self) -> &'static [u8] {
        match self.purpose {
            SealedFor::Password(..) => b"regroup 1 sealed: password",
            SealedFor::Check(_) => b"regroup 1 sealed: check of a password",
            SealedFor::Credential => b"regroup 1 sealed: credential of a cloud",
        }
    }

    /// Of fixed length but for what stands last, so that no two contexts are the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.federation.to_bytes().to_vec();
        bytes.extend(self.region.to_bytes());
        match self.purpose {
            SealedFor::Password(user, version) => {
                bytes.extend(user.to_bytes());
                bytes.extend(version.to_be_bytes());
            }
            SealedFor::Check(user) => bytes.extend(user.to_string().into_bytes()),
            SealedFor::Credential => {}
        }
        bytes
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

fn array(bytes: &[u8]) -> Option<[u8; KEY_BYTES]> {
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn context(user: u128, version: u64) -> Context<'static> {
        Context {
            federation: FederationId::from_random(1),
            region: RegionId::from_random(2),
            purpose: SealedFor::Password(ObjectId::from_random(user), version),
        }
    }

    #[test]
    fn a_keys_fingerprint_is_that_of_its_public_file() {
        // `openssl pkey -pubin -outform DER | sha256sum`, of a key of 32 sevens.
        let expected = "24d798b6c6ebc62d2ba01e15025abc062f6d6b89aa360d097c1ac8080eb4772f";
        let key = PublicSealingKey::from_bytes([7; KEY_BYTES]);
        assert_eq!(key.fingerprint().to_string(), expected);
    }

    #[test]
    fn only_the_key_and_the_purpose_that_it_was_sealed_for_open_it() {
        let (key, other) = (
            SealingKey::generate().unwrap(),
            SealingKey::generate().unwrap(),
        );
        let sealed = key.public().seal(&context(3, 4), b"secret").unwrap();
        assert_eq!(*key.open(&context(3, 4), &sealed).unwrap(), b"secret");
        assert_eq!(other.open(&context(3, 4), &sealed), Err(SealError::Open));
        for wrong in [context(3, 5), context(5, 4)] {
            assert_eq!(key.open(&wrong, &sealed), Err(SealError::Open));
        }
        let user = CloudId::Text("u".to_owned());
        let check = Context {
            purpose: SealedFor::Check(&user),
            ..context(3, 4)
        };
        assert_eq!(key.open(&check, &sealed), Err(SealError::Open));
        let again = key.public().seal(&context(3, 4), b"secret").unwrap();
        assert_ne!(sealed, again, "nobody sees that it is the same one");
    }

    #[test]
    fn a_key_reads_what_it_writes() {
        let key = SealingKey::generate().unwrap();
        let read = SealingKey::from_pem(key.to_pem().as_bytes()).unwrap();
        assert_eq!(read.public(), key.public());
        let sealed = key.public().seal(&context(1, 1), b"s").unwrap();
        assert_eq!(*read.open(&context(1, 1), &sealed).unwrap(), b"s");
        assert!(!format!("{key:?}").contains("private"));
        let damaged = key.to_pem().replace('M', "N");
        assert!(matches!(
            SealingKey::from_pem(damaged.as_bytes()),
            Err(SealError::Key(_))
        ));
    }

    /// RFC 9180 has no vector of this suite that base mode's one-shot takes; OpenSSL agrees with
    /// the library's own tests. Here only that bounds hold.
    #[test]
    fn secrets_are_bounded() {
        let key = SealingKey::generate().unwrap();
        let longest = vec![7; SECRET_BYTES_MAX];
        let sealed = key.public().seal(&context(1, 1), &longest).unwrap();
        assert_eq!(sealed.len(), SEALED_BYTES_MAX);
        assert_eq!(*key.open(&context(1, 1), &sealed).unwrap(), longest);
        let over = vec![7; SECRET_BYTES_MAX + 1];
        assert_eq!(
            key.public().seal(&context(1, 1), &over),
            Err(SealError::TooLong(SECRET_BYTES_MAX + 1))
        );
        let credential = Context {
            purpose: SealedFor::Credential,
            ..context(1, 1)
        };
        let longest = vec![7; CREDENTIAL_BYTES_MAX];
        let sealed = key.public().seal(&credential, &longest).unwrap();
        assert_eq!(*key.open(&credential, &sealed).unwrap(), longest);
        assert_eq!(key.open(&context(1, 1), &sealed), Err(SealError::Open));
        let none = PublicSealingKey::from_bytes([0; KEY_BYTES]);
        assert_eq!(none.seal(&context(1, 1), b"s"), Err(SealError::Seal));
    }

    proptest! {
        #[test]
        fn nothing_that_was_changed_opens_and_nothing_panics(
            place in any::<prop::sample::Index>(), bit in 0_u8..8,
            cut in any::<prop::sample::Index>(),
            noise in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let key = SealingKey::generate().unwrap();
            let sealed = key.public().seal(&context(1, 1), b"secret").unwrap();
            let mut changed = sealed.clone();
            changed[place.index(sealed.len())] ^= 1 << bit;
            prop_assert_eq!(key.open(&context(1, 1), &changed), Err(SealError::Open));
            let cut = &sealed[..cut.index(sealed.len())];
            prop_assert_eq!(key.open(&context(1, 1), cut), Err(SealError::Open));
            prop_assert_eq!(key.open(&context(1, 1), &noise), Err(SealError::Open));
        }
    }
}
