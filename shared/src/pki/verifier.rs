//! How a dialing side makes sure that a hub answers.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::anchor::{Anchor, TrustAnchors};
use super::fingerprint::Fingerprint;
use super::identity::hub_identity;

/// The most certificates looked at for a pinned CA. A hub shows its own and the CA's.
const CHAIN_MAX: usize = 4;

/// The hub showed no CA with the pinned key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the hub's CA is not the one that the join token pins: check the hub's address, and get a new \
     token from its console; if both are right, someone is answering in the hub's place"
)]
pub struct PinError;

/// Finds the pinned CA in the chain that a hub showed, so that a joiner can store it.
///
/// `chain` comes from a finished handshake with [`join_client`](super::join_client), the hub's own
/// certificate first.
pub fn pinned_authority(
    chain: &[CertificateDer<'_>],
    pin: &Fingerprint,
) -> Result<Anchor, PinError> {
    find_pinned(chain.get(1..).unwrap_or_default(), pin)
}

fn find_pinned(shown: &[CertificateDer<'_>], pin: &Fingerprint) -> Result<Anchor, PinError> {
    shown
        .iter()
        .take(CHAIN_MAX)
        .filter_map(|der| Anchor::from_der(der).ok())
        .find(|anchor| anchor.pin() == *pin)
        .ok_or(PinError)
}

/// Lets only a hub answer: webpki checks its chain, name and validity, and its certificate must
/// name a hub of the CA's own federation.
#[derive(Debug)]
pub(super) struct HubVerifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Trust {
    /// In CAs that this side has stored.
    Anchors(Arc<WebPkiServerVerifier>),
    /// In whatever CA has this key, for a first contact.
    Pin(Fingerprint),
}

impl HubVerifier {
    pub(super) fn anchored(
        anchors: &TrustAnchors,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let trust = Trust::Anchors(webpki(anchors, &provider)?);
        Ok(Self { trust, provider })
    }

    pub(super) fn pinned(pin: Fingerprint, provider: Arc<CryptoProvider>) -> Self {
        Self {
            trust: Trust::Pin(pin),
            provider,
        }
    }

    fn webpki(
        &self,
        intermediates: &[CertificateDer<'_>],
    ) -> Result<Arc<WebPkiServerVerifier>, Error> {
        match &self.trust {
            Trust::Anchors(verifier) => Ok(Arc::clone(verifier)),
            Trust::Pin(pin) => {
                let authority = find_pinned(intermediates, pin).map_err(refused)?;
                webpki(&TrustAnchors::of(authority), &self.provider)
            }
        }
    }
}

fn webpki(
    anchors: &TrustAnchors,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let roots = Arc::new(anchors.roots()?);
    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
        .build()
        .map_err(|error| Error::General(error.to_string()))
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

impl ServerCertVerifier for HubVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.webpki(intermediates)?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        hub_identity(end_entity).map_err(refused)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
