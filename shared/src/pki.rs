//! Keys, certificates and TLS: who is at the other end of a connection.
//!
//! The only module that names rustls, rcgen and x509-parser. What flows through it:
//!
//! ```text
//! hub   Authority ── issue(Csr, Peer) ──▶ IssuedCertificate ──▶ agent
//! each  BoundKey + certificate + Anchor ──▶ LinkCredential ──▶ Slot ──▶ link_server / link_client
//! each  finished handshake ── require_identity ──▶ PeerIdentity ──▶ link
//! ```
//!
//! A [`BoundKey`] is made once on its machine and stays there. Certificates over it are short;
//! renewal puts a new [`LinkCredential`] into the [`Slot`], without a restart. A [`PeerIdentity`]
//! can be had from a verified certificate only, so that whoever holds one need not ask again.
//!
//! All keys are ECDSA on P-256, all cryptography is aws-lc-rs. Time and randomness that decide
//! something are arguments; only keys and secrets are drawn from the system here.

mod adoption;
mod advice;
mod anchor;
mod authority;
mod credential;
mod csr;
mod fingerprint;
mod identity;
mod key;
mod pem;
mod proof;
mod public_key;
mod random;
mod seal;
mod serial;
mod tls;
mod token;
mod validity;
mod verifier;
mod web_names;
mod x509;

#[cfg(test)]
mod tests;

pub use adoption::{ADOPT_ALPN, DoorKeyError, adoption_client, adoption_server, door_key};
pub use advice::handshake_advice;
pub use anchor::{Anchor, AnchorError, TrustAnchors};
pub use authority::{
    AUTHORITY_LIFETIME, Authority, AuthorityError, IssuedCertificate, WEB_LIFETIME,
};
pub use credential::{CredentialError, LinkCredential, Slot, WebCredential};
pub use csr::{Csr, CsrError};
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use identity::{
    HUB_NAME, IdentityError, Peer, PeerIdentity, identity, peer_chain, require_identity,
};
pub use key::{BoundKey, KeyError};
pub use pem::{PemError, certificate_from_pem, certificate_to_pem};
pub use proof::{ChannelBinding, Purpose};
pub use public_key::{PublicKey, PublicKeyError};
pub use random::RandomError;
pub use seal::{Context, PublicSealingKey, SECRET_BYTES_MAX, SealError, SealedFor, SealingKey};
pub use serial::{Serial, SerialError};
pub use tls::{
    JOIN_ALPN, LINK_ALPN, ServerTls, TlsClock, TlsError, install_default_provider, join_client,
    link_client, link_server, recovery_client, web_server,
};
pub use token::{JoinToken, ParseTokenError, SecretHash, TokenId};
pub use validity::{CLOCK_SKEW_SECS, Validity, renew_at};
pub use verifier::{PinError, pinned_authority};
pub use web_names::{WebNames, WebNamesError};
