//! TLS configurations for the link, for joining it, and for the hub's web.
//!
//! **No resumption anywhere on the link.** A resumed handshake copies the peer's old chain without
//! verifying it again, so that an expired certificate would go on opening connections (tried:
//! it did). Neither side therefore keeps sessions or tickets, and 0-RTT is off with them.
//!
//! **No revocation list.** The hub holds the registry of live keys and looks each one up at
//! `Hello`; a removed member is refused there at once, and its open connections are closed. A CRL
//! would only be an older copy of the same registry, with the power to lock out the whole fleet
//! when it expires. Certificates are short besides.

use std::fmt;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::UnixTime;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::version::TLS13;
use rustls::{CipherSuite, ClientConfig, ServerConfig};

use super::anchor::TrustAnchors;
use super::credential::{LinkCredential, Slot, WebCredential};
use super::fingerprint::Fingerprint;
use super::verifier::HubVerifier;

/// The link's protocol with its major version (ALPN, RFC 7301). Both sides show certificates.
pub const LINK_ALPN: &[u8] = b"regroup/1";

/// Joining and recovery: the caller has no valid certificate, and proves itself otherwise.
pub const JOIN_ALPN: &[u8] = b"regroup-join/1";

/// A TLS configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The library refused the configuration.
    #[error("cannot set up TLS")]
    Config(#[from] rustls::Error),
    /// The library refused the trusted CAs.
    #[error("cannot set up TLS with the trusted CAs")]
    Anchors(#[from] VerifierBuilderError),
}

/// The wall clock that certificates are checked against.
#[derive(Clone)]
pub struct TlsClock(Arc<dyn TimeProvider>);

impl TlsClock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(DefaultTimeProvider))
    }

    /// A clock of the caller's, in seconds since 1970; simulations turn it by hand.
    pub fn from_fn(now_secs: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(FnClock(now_secs)))
    }

    pub(super) fn provider(&self) -> Arc<dyn TimeProvider> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for TlsClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClock")
    }
}

struct FnClock<F>(F);

impl<F> fmt::Debug for FnClock<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnClock")
    }
}

impl<F: Fn() -> u64 + Send + Sync> TimeProvider for FnClock<F> {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            (self.0)(),
        )))
    }
}

/// Makes this crate's cryptographic provider the process's default, for libraries (HTTP clients)
/// that can't be handed one. Once is enough; again does nothing.
pub fn install_default_provider() {
    // An error only says that there is one already.
    let _ = aws_lc_rs::default_provider().install_default();
}

/// A server's configuration, for whoever passes it on without naming rustls.
pub type ServerTls = Arc<ServerConfig>;

/// A hub's configuration for [`LINK_ALPN`] and [`JOIN_ALPN`] on one port.
///
/// It asks for a client certificate and verifies what it gets, but takes callers without: joiners
/// have none. So the link must call [`require_identity`](super::require_identity) on each
/// connection with [`LINK_ALPN`]. A certificate that fails verification ends the handshake.
///
/// New trust anchors take a new configuration; a new own certificate does not.
pub fn link_server(
    anchors: &TrustAnchors,
    own: &Arc<Slot<LinkCredential>>,
    clock: &TlsClock,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = provider();
    let roots = Arc::new(anchors.roots()?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .allow_unauthenticated()
        .build()?;
    let mut config = ServerConfig::builder_with_details(provider, Arc::clone(&clock.0))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(own) as _);
    config.alpn_protocols = vec![LINK_ALPN.to_vec(), JOIN_ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// An agent's (or child hub's) configuration for [`LINK_ALPN`]: it shows its own certificate, and
/// talks to a hub of a trusted CA only. Dial the name [`HUB_NAME`](super::HUB_NAME).
///
/// Which hub answered is told by [`require_identity`](super::require_identity).
pub fn link_client(
    anchors: &TrustAnchors,
    own: &Arc<Slot<LinkCredential>>,
    clock: &TlsClock,
) -> Result<Arc<ClientConfig>, TlsError> {
    let verifier = HubVerifier::anchored(anchors, provider())?;
    client(verifier, Some(own), LINK_ALPN, clock)
}

/// A configuration for a first contact over [`JOIN_ALPN`], by a token's pin alone.
///
/// After the handshake [`pinned_authority`](super::pinned_authority) gives the CA to store.
pub fn join_client(pin: Fingerprint, clock: &TlsClock) -> Result<Arc<ClientConfig>, TlsError> {
    client(HubVerifier::pinned(pin, provider()), None, JOIN_ALPN, clock)
}

/// A configuration for recovery over [`JOIN_ALPN`]: the hub is known, the own certificate expired.
pub fn recovery_client(
    anchors: &TrustAnchors,
    clock: &TlsClock,
) -> Result<Arc<ClientConfig>, TlsError> {
    client(
        HubVerifier::anchored(anchors, provider())?,
        None,
        JOIN_ALPN,
        clock,
    )
}

/// A configuration for the hub's web: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, no client certificate.
///
/// The slot's certificate is exchanged while it serves. Nobody is known by a certificate here, so
/// sessions may be resumed.
pub fn web_server(
    own: &Arc<Slot<WebCredential>>,
    clock: &TlsClock,
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_details(provider(), Arc::clone(&clock.0))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(own) as _);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The one cryptographic provider, handed over explicitly so that no library picks another.
///
/// It prefers the cipher suite that every QUIC connection begins with (RFC 9001 §5.2): its hash is
/// one that processors have instructions for, and a handshake derives some twenty keys.
pub(super) fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    let preferred = CipherSuite::TLS13_AES_128_GCM_SHA256;
    provider
        .cipher_suites
        .sort_by_key(|it| it.suite() != preferred);
    Arc::new(provider)
}

fn client(
    verifier: HubVerifier,
    own: Option<&Arc<Slot<LinkCredential>>>,
    alpn: &[u8],
    clock: &TlsClock,
) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_details(provider(), Arc::clone(&clock.0))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match own {
        Some(own) => builder.with_client_cert_resolver(Arc::clone(own) as _),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(Arc::new(config))
}
