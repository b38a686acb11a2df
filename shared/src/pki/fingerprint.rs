//! SHA-256 of a public key: how a key is pinned, registered and read aloud.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256, digest};
use data_encoding::HEXLOWER;

/// SHA-256 of a key's SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER.
///
/// It names the key and not the certificate, so it outlives every renewal. Shown as 64 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key fingerprint: give the 64 hexadecimal digits that the other side shows")]
pub struct ParseFingerprintError;

impl Fingerprint {
    /// Hexadecimal digits in [`short`](Self::short): 64 bits, enough for a person to tell a fleet's
    /// keys apart, and too few to be taken for proof.
    const SHORT_DIGITS: usize = 16;

    /// The fingerprint of a public key in SubjectPublicKeyInfo DER.
    pub fn of_spki(spki_der: &[u8]) -> Self {
        Self(sha256(spki_der))
    }

    /// The fingerprint of some texts, each counted with its length: to tell whether they are still
    /// the same without keeping them. Salt goes first where one of them is a secret.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hashed = Context::new(&SHA256);
        for part in parts {
            hashed.update(&(part.len() as u64).to_be_bytes());
            hashed.update(part);
        }
        let mut out = [0; 32];
        // A SHA-256 digest has 32 bytes, so `zip` drops none.
        for (to, from) in out.iter_mut().zip(hashed.finish().as_ref()) {
            *to = *from;
        }
        Self(out)
    }

    /// Takes the fingerprint as it stood on the wire or in a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The fingerprint as it goes onto the wire and into a store.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The first 16 digits, for lists and log lines. Never compare keys by it.
    pub fn short(&self) -> String {
        self.to_string().chars().take(Self::SHORT_DIGITS).collect()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, ParseFingerprintError> {
        if text.len() != 64 {
            return Err(ParseFingerprintError);
        }
        let bytes = HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| ParseFingerprintError)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| ParseFingerprintError)
    }
}

/// SHA-256 (FIPS 180-4) of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    // A SHA-256 digest has 32 bytes, so `zip` drops none.
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// Whether two digests are the same, in a time that does not tell where they differ.
pub(super) fn same_digest(a: &[u8; 32], b: &[u8; 32]) -> bool {
    verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_with_their_lengths() {
        let of = |parts: &[&[u8]]| Fingerprint::of_parts(parts);
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab"]), of(&[b"ab", b""]));
    }

    #[test]
    fn a_fingerprint_reads_what_it_writes() {
        // FIPS 180-4's own example: SHA-256("abc").
        let print = Fingerprint::of_spki(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(print.to_string(), text);
        assert_eq!(text.parse(), Ok(print));
        assert_eq!(print.short(), "ba7816bf8f01cfea");
        assert_eq!(Fingerprint::from_bytes(print.to_bytes()), print);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "ba78",
            &"g".repeat(64),
            &"A".repeat(64),
            &"é".repeat(32),
        ] {
            assert_eq!(
                text.parse::<Fingerprint>(),
                Err(ParseFingerprintError),
                "{text}"
            );
        }
    }

    #[test]
    fn digests_compare_by_all_their_bytes() {
        assert!(same_digest(&[7; 32], &[7; 32]));
        let mut other = [7; 32];
        other[31] = 8;
        assert!(!same_digest(&[7; 32], &other));
    }
}
