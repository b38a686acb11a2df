//! Join tokens: what an administrator carries from a hub to a region, once.
//!
//! Text form: `rg1.<id>.<secret>.<pin>`, each part base32 (RFC 4648 §6) in lower case without
//! padding. No character of it ends a word for a double click, a shell or a URL.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use zeroize::Zeroizing;

use super::fingerprint::{Fingerprint, same_digest, sha256};
use super::random::{RandomError, random_bytes};

/// What each token begins with; the digit is the form's version.
const PREFIX: &str = "rg1";

/// The longest text read, in bytes: a token has 123, and may come with spaces around it.
const TEXT_BYTES_MAX: usize = 1024;

/// A single-use permission to join, and the means to know the right hub.
///
/// The secret is wiped when dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct JoinToken {
    id: TokenId,
    secret: Zeroizing<[u8; 32]>,
    pin: Fingerprint,
}

/// By what a hub finds a token. Not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; Self::BYTES]);

/// What a hub keeps of a token's secret.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

/// Why a text is no join token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseTokenError {
    /// Another text altogether, or a token of a newer version.
    #[error("a join token begins with {PREFIX}. : copy it again from the hub's console")]
    Prefix,
    /// Not four parts.
    #[error("a join token has four parts with dots between; copy the whole line again")]
    Parts,
    /// A part has a wrong length or character.
    #[error("the join token's {0} is damaged: copy the whole line again")]
    Part(&'static str),
}

impl TokenId {
    /// 64 bits: no two of a federation's few open tokens collide.
    pub const BYTES: usize = 8;

    /// Takes an id as it stood on the wire or in a store.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The id as it goes onto the wire and into a store.
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lower_base32(&self.0))
    }
}

impl FromStr for TokenId {
    type Err = ParseTokenError;

    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        part(text, "id").map(|bytes| Self(*bytes))
    }
}

impl JoinToken {
    /// Draws a token for the CA with this pin from the system's random source.
    pub fn generate(pin: Fingerprint) -> Result<Self, RandomError> {
        let secret = Zeroizing::new(random_bytes()?);
        Ok(Self {
            id: TokenId(random_bytes()?),
            secret,
            pin,
        })
    }

    /// Makes a token of bits that the caller drew.
    pub fn from_parts(id: TokenId, secret: [u8; 32], pin: Fingerprint) -> Self {
        Self {
            id,
            secret: Zeroizing::new(secret),
            pin,
        }
    }

    /// By what the hub finds the token.
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// The secret, for the one request that spends it, over a connection that the pin vouches for.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// SHA-256 of the key of the CA that the hub's certificate must be by.
    pub fn pin(&self) -> Fingerprint {
        self.pin
    }

    /// What the hub keeps.
    pub fn secret_hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }

    /// The text that an administrator carries. It holds the secret, and is wiped when dropped.
    pub fn to_text(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(lower_base32(self.secret.as_slice()));
        let pin = lower_base32(&self.pin.to_bytes());
        Zeroizing::new(format!("{PREFIX}.{}.{}.{pin}", self.id, secret.as_str()))
    }
}

impl FromStr for JoinToken {
    type Err = ParseTokenError;

    /// Reads a token, with white space around it and in either case, as copying leaves it.
    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        let text = text
            .split_at(text.floor_char_boundary(TEXT_BYTES_MAX))
            .0
            .trim();
        let mut parts = text.split('.');
        if !parts
            .next()
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
        {
            return Err(ParseTokenError::Prefix);
        }
        let (Some(id), Some(secret), Some(pin), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseTokenError::Parts);
        };
        Ok(Self {
            id: id.parse()?,
            secret: part(secret, "secret")?,
            pin: Fingerprint::from_bytes(*part(pin, "pin")?),
        })
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "JoinToken({}, secret not shown, pin {})",
            self.id,
            self.pin.short()
        )
    }
}

impl SecretHash {
    /// The hash of a secret. SHA-256 without salt or work is enough for 256 random bits.
    pub fn of(secret: &[u8; 32]) -> Self {
        Self(sha256(secret))
    }

    /// Takes a hash as it stood in a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as it goes into a store.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Whether this is the secret, told in a time that does not depend on the answer.
    pub fn matches(&self, secret: &[u8; 32]) -> bool {
        same_digest(&self.0, &sha256(secret))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

fn lower_base32(bytes: &[u8]) -> String {
    let mut text = BASE32_NOPAD.encode(bytes);
    text.make_ascii_lowercase();
    text
}

/// Reads one part of just `N` bytes, in the one spelling that these bytes have but for case.
fn part<const N: usize>(
    text: &str,
    name: &'static str,
) -> Result<Zeroizing<[u8; N]>, ParseTokenError> {
    let damaged = ParseTokenError::Part(name);
    if text.len() != BASE32_NOPAD_NOCASE.encode_len(N) {
        return Err(damaged);
    }
    let bytes = Zeroizing::new(
        BASE32_NOPAD_NOCASE
            .decode(text.as_bytes())
            .map_err(|_| damaged)?,
    );
    let mut out = Zeroizing::new([0; N]);
    if bytes.len() != N {
        return Err(damaged);
    }
    out.copy_from_slice(&bytes);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> JoinToken {
        let pin = Fingerprint::from_bytes([0xff; 32]);
        JoinToken::from_parts(TokenId::from_bytes([1; 8]), [0x42; 32], pin)
    }

    #[test]
    fn the_text_form_is_fixed() {
        let text = token().to_text();
        let secret = "ijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijba";
        let pin = format!("{}{}", "7".repeat(51), "q");
        assert_eq!(text.as_str(), format!("rg1.aeaqcaibaeaqc.{secret}.{pin}"));
        assert_eq!(text.len(), 123);
    }

    #[test]
    fn a_token_survives_careless_copying() {
        let text = format!(" \t{}\r\n", token().to_text().to_uppercase());
        let read: JoinToken = text.parse().unwrap();
        assert_eq!(read.to_text(), token().to_text());
    }

    #[test]
    fn each_fault_says_what_to_do() {
        let good = token().to_text().to_string();
        let parse = |text: &str| text.parse::<JoinToken>().map(|_| ()).unwrap_err();
        assert_eq!(parse(""), ParseTokenError::Prefix);
        assert_eq!(parse(&good.replace("rg1", "rg2")), ParseTokenError::Prefix);
        assert_eq!(parse("rg1.a.b"), ParseTokenError::Parts);
        assert_eq!(parse(&format!("{good}.x")), ParseTokenError::Parts);
        assert_eq!(
            parse(&good.replace("aeaq", "aea")),
            ParseTokenError::Part("id")
        );
        assert_eq!(
            parse(&good.replace("ijb", "ij1")),
            ParseTokenError::Part("secret")
        );
        // The last character's unused bits must be zero: one token, one spelling.
        assert_eq!(
            parse(&format!("{}r", &good[..122])),
            ParseTokenError::Part("pin")
        );
        assert_eq!(parse(&good[..122]), ParseTokenError::Part("pin"));
        assert_eq!(parse(&"rg1.".repeat(9000)), ParseTokenError::Parts);
    }

    #[test]
    fn the_secret_is_matched_and_never_shown() {
        let (token, other) = (token(), JoinToken::generate(token().pin()).unwrap());
        assert!(token.secret_hash().matches(token.secret()));
        assert!(!token.secret_hash().matches(other.secret()));
        let kept = SecretHash::from_bytes(token.secret_hash().to_bytes());
        assert!(kept.matches(token.secret()));
        let shown = format!("{token:?} {:?}", token.secret_hash());
        assert!(
            !shown.contains("ijbee") && !shown.contains("66, 66"),
            "{shown}"
        );
    }

    #[test]
    fn two_tokens_share_nothing_but_the_pin() {
        let pin = Fingerprint::from_bytes([9; 32]);
        let (one, two) = (
            JoinToken::generate(pin).unwrap(),
            JoinToken::generate(pin).unwrap(),
        );
        assert_ne!(one.id(), two.id());
        assert_ne!(one.secret(), two.secret());
        assert_eq!(one.pin(), two.pin());
    }

    proptest! {
        #[test]
        fn every_token_reads_what_it_writes(id: [u8; 8], secret: [u8; 32], pin: [u8; 32]) {
            let pin = Fingerprint::from_bytes(pin);
            let token = JoinToken::from_parts(TokenId::from_bytes(id), secret, pin);
            let read: JoinToken = token.to_text().parse().unwrap();
            prop_assert_eq!(read.id(), token.id());
            prop_assert_eq!(read.secret(), token.secret());
            prop_assert_eq!(read.pin(), token.pin());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String, tail in "[a-z2-7.é]{0,200}") {
            let _ = text.parse::<JoinToken>();
            let _ = format!("rg1.{tail}").parse::<JoinToken>();
        }
    }
}
