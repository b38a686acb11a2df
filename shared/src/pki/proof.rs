//! Proof that a peer holds a key, good on one TLS connection only.
//!
//! A joining or recovering agent has no valid certificate, so TLS tells nothing about it. It signs
//! the connection's exported secret (RFC 8446 §7.5) with its bound key: whoever relays the proof
//! sits on another connection with another secret, where the signature is worth nothing.

use std::fmt;

use super::key::{BoundKey, KeyError};
use super::public_key::{PublicKey, PublicKeyError};

/// What the proof is for. A proof for one purpose is none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A first certificate, together with a join token.
    Join,
    /// A new certificate for a key that the hub has registered, in place of an expired one.
    Recovery,
}

impl Purpose {
    /// Begins each signed message. TLS 1.3 signs what begins with 64 spaces and a CSR is signed
    /// from a DER tag on, so that no signature of the key's other uses can stand for a proof.
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Join => b"regroup 1 proof of possession: join\0",
            Self::Recovery => b"regroup 1 proof of possession: recovery\0",
        }
    }
}

/// A secret that both ends of one TLS connection, and nobody else, derive from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChannelBinding([u8; Self::BYTES]);

impl ChannelBinding {
    /// Bytes to export: as many as the hash that signatures are made over.
    pub const BYTES: usize = 32;

    /// The label to export under (RFC 5705 §4), with an empty context.
    pub const LABEL: &'static [u8] = b"EXPORTER-regroup-1-channel-binding";

    /// Takes what the connection exported under [`LABEL`](Self::LABEL).
    pub const fn from_exported(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    fn message(&self, purpose: Purpose) -> Vec<u8> {
        [purpose.context(), &self.0].concat()
    }
}

impl fmt::Debug for ChannelBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelBinding(..)")
    }
}

impl BoundKey {
    /// Proves, to the other end of `channel`, that this side holds the key.
    pub fn prove(&self, purpose: Purpose, channel: &ChannelBinding) -> Result<Vec<u8>, KeyError> {
        self.sign(&channel.message(purpose))
    }
}

impl PublicKey {
    /// Checks that the other end of `channel` holds this key's private half.
    pub fn check_proof(
        &self,
        purpose: Purpose,
        channel: &ChannelBinding,
        proof: &[u8],
    ) -> Result<(), PublicKeyError> {
        self.verify(&channel.message(purpose), proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_for_its_key_channel_and_purpose_only() {
        let (key, other) = (BoundKey::generate().unwrap(), BoundKey::generate().unwrap());
        let channel = ChannelBinding::from_exported([1; 32]);
        let elsewhere = ChannelBinding::from_exported([2; 32]);
        let proof = key.prove(Purpose::Join, &channel).unwrap();

        let check = |key: &BoundKey, purpose, channel: &ChannelBinding| {
            key.public_key().check_proof(purpose, channel, &proof)
        };
        assert_eq!(check(&key, Purpose::Join, &channel), Ok(()));
        let refused = Err(PublicKeyError::Signature);
        assert_eq!(check(&other, Purpose::Join, &channel), refused);
        assert_eq!(check(&key, Purpose::Recovery, &channel), refused);
        assert_eq!(check(&key, Purpose::Join, &elsewhere), refused);
        assert_eq!(
            key.public_key().check_proof(Purpose::Join, &channel, b""),
            refused
        );
    }
}
