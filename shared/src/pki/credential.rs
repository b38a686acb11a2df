//! What a daemon shows of itself in a handshake, and how that is exchanged while it runs.
//!
//! A TLS configuration holds a [`Slot`], not a certificate. Renewal replaces the slot's content:
//! the next handshake shows the new certificate, and open connections go on undisturbed.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};

use super::anchor::Anchor;
use super::identity::{IdentityError, PeerIdentity, identity};
use super::key::BoundKey;
use super::pem::{self, PemError};
use super::tls::{LINK_ALPN, provider};
use super::validity::Validity;
use super::x509;

/// The most certificates in a given web chain. Public CAs use three.
const WEB_CHAIN_MAX: usize = 10;

/// A member's certificate with its key, checked to belong together and to the CA.
#[derive(Clone)]
pub struct LinkCredential {
    certified: Arc<CertifiedKey>,
    /// Without the CA's certificate.
    alone: Arc<CertifiedKey>,
    identity: PeerIdentity,
}

/// A web server's certificate chain with its key, checked to belong together.
#[derive(Clone)]
pub struct WebCredential {
    certified: Arc<CertifiedKey>,
    validity: Validity,
}

/// Why a certificate and a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A text is no PEM of the right kind.
    #[error("cannot read the certificate or the key")]
    Pem(#[from] PemError),
    /// The certificate is no X.509 certificate.
    #[error("the certificate is no X.509 certificate in DER")]
    Malformed,
    /// The certificate does not say who its holder is in a federation.
    #[error("the certificate names no member of a federation")]
    Identity(#[from] IdentityError),
    /// The CA did not issue the certificate.
    #[error("the certificate is not by the CA that it came with")]
    NotByAuthority,
    /// The certificate is over another key.
    #[error(
        "the certificate is not over this private key: give the key that it was requested with, \
         and put the server's own certificate first in the chain"
    )]
    Mismatch,
    /// The certificate is over.
    #[error("the certificate expired at {0} (seconds since 1970): put a new one in its place")]
    Expired(u64),
    /// The certificate does not count yet.
    #[error("the certificate counts only from {0} (seconds since 1970): check this clock")]
    NotYetValid(u64),
    /// The key is of a kind that TLS can't use.
    #[error("TLS cannot use the private key")]
    Key(#[source] Error),
}

impl LinkCredential {
    /// Joins a key with the certificate that the CA issued for it.
    ///
    /// To joiners the CA's certificate is shown along, so that whoever only knows its pin can
    /// follow; members know their CA, and keep what they are shown for as long as a connection
    /// lives. An expired certificate is taken: what to do about it is the caller's decision.
    pub fn new(key: &BoundKey, der: &[u8], ca: &Anchor) -> Result<Self, CredentialError> {
        let leaf = CertificateDer::from(der.to_vec());
        let identity = identity(std::slice::from_ref(&leaf))?;
        let parsed = x509::parse(der).ok_or(CredentialError::Malformed)?;
        if !x509::is_signed_by(&parsed, ca.public_key()) {
            return Err(CredentialError::NotByAuthority);
        }
        let alone = certify(vec![leaf.clone()], private_key(key))?;
        let chain = vec![leaf, ca.certificate().clone()];
        let certified = Arc::new(CertifiedKey::new(chain, Arc::clone(&alone.key)));
        Ok(Self {
            certified,
            alone,
            identity,
        })
    }

    /// Who the certificate says that this side is.
    pub fn identity(&self) -> &PeerIdentity {
        &self.identity
    }

    /// When the certificate counts.
    pub fn validity(&self) -> Validity {
        self.identity.validity()
    }
}

impl WebCredential {
    /// Joins a key with a web certificate that the federation's own CA issued for it.
    pub fn issued(key: &BoundKey, der: &[u8], ca: &Anchor) -> Result<Self, CredentialError> {
        let parsed = x509::parse(der).ok_or(CredentialError::Malformed)?;
        let validity = x509::validity(&parsed);
        let chain = vec![CertificateDer::from(der.to_vec()), ca.certificate().clone()];
        Ok(Self {
            certified: certify(chain, private_key(key))?,
            validity,
        })
    }

    /// Takes a chain and a key of the site's own, both PEM, and checks that browsers could.
    ///
    /// The server's own certificate comes first. The key may be PKCS #8, PKCS #1 or SEC 1.
    pub fn from_pem(
        chain_pem: &[u8],
        key_pem: &[u8],
        now_secs: u64,
    ) -> Result<Self, CredentialError> {
        let chain = pem::certificates(chain_pem, WEB_CHAIN_MAX)?;
        let leaf = chain.first().ok_or(CredentialError::Malformed)?;
        let validity = x509::validity(&x509::parse(leaf).ok_or(CredentialError::Malformed)?);
        if validity.is_over(now_secs) {
            return Err(CredentialError::Expired(validity.not_after));
        }
        if !validity.contains(now_secs) {
            return Err(CredentialError::NotYetValid(validity.not_before));
        }
        Ok(Self {
            certified: certify(chain, pem::any_key(key_pem)?)?,
            validity,
        })
    }

    /// When the certificate counts.
    pub fn validity(&self) -> Validity {
        self.validity
    }
}

fn private_key(key: &BoundKey) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(key.pkcs8().to_vec().into())
}

fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, CredentialError> {
    match CertifiedKey::from_der(chain, key, &provider()) {
        Ok(certified) => Ok(Arc::new(certified)),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(CredentialError::Mismatch)
        }
        Err(Error::InvalidCertificate(_)) => Err(CredentialError::Malformed),
        Err(error) => Err(CredentialError::Key(error)),
    }
}

/// What a server shows to whoever calls.
pub(super) trait Shown: fmt::Debug + Send + Sync {
    fn shown(&self, hello: &ClientHello<'_>) -> &Arc<CertifiedKey>;
}

impl Shown for LinkCredential {
    fn shown(&self, hello: &ClientHello<'_>) -> &Arc<CertifiedKey> {
        let is_member = (hello.alpn()).is_some_and(|mut alpn| alpn.all(|it| it == LINK_ALPN));
        if is_member {
            &self.alone
        } else {
            &self.certified
        }
    }
}

impl Shown for WebCredential {
    fn shown(&self, _: &ClientHello<'_>) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

impl fmt::Debug for LinkCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkCredential({:?})", self.identity)
    }
}

impl fmt::Debug for WebCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebCredential({:?})", self.validity)
    }
}

/// A place for a [`LinkCredential`] or [`WebCredential`] that TLS configurations look into at each
/// handshake.
pub struct Slot<C>(ArcSwap<C>);

impl<C> Slot<C> {
    /// Makes a slot with its first content.
    pub fn new(credential: C) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(credential)))
    }

    /// What the next handshake will show.
    pub fn current(&self) -> Arc<C> {
        self.0.load_full()
    }

    /// Shows something else from the next handshake on. Takes effect at once, never blocks.
    pub fn replace(&self, credential: C) {
        self.0.store(Arc::new(credential));
    }
}

impl<C: fmt::Debug> fmt::Debug for Slot<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.0.load()).finish()
    }
}

impl<C: Shown> ResolvesServerCert for Slot<C> {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.0.load().shown(&hello)))
    }
}

impl ResolvesClientCert for Slot<LinkCredential> {
    /// There is one certificate to show, so the hub's hints which CAs it trusts change nothing.
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().alone))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
