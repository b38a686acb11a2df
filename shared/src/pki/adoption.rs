//! TLS at an unjoined agent's door: it has a key, but nobody has certified it yet.
//!
//! The agent shows a certificate that it signed itself, and the handshake proves that it holds the
//! key. Whose key that is, the hub's administrator decides by its fingerprint; so the hub takes any
//! key at first, and [`door_key`] tells which one it was.

use std::any::Any;
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme,
};

use super::fingerprint::Fingerprint;
use super::identity::peer_chain;
use super::key::{BoundKey, Signer};
use super::public_key::PublicKey;
use super::tls::{TlsClock, TlsError, provider};
use super::x509;

/// Adoption of an unjoined agent by a hub that dials it.
pub const ADOPT_ALPN: &[u8] = b"regroup-adopt/1";

/// What the certificate at a door is called. Nobody decides by it.
const DOOR_NAME: &str = "Regroup agent, not joined";

/// A door shows no key that it could be known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other side shows no ECDSA P-256 key: it is no agent's door")]
pub struct DoorKeyError;

/// An unjoined agent's configuration for [`ADOPT_ALPN`]: its bound key in a certificate of its own,
/// no client certificate, no resumption.
///
/// # Errors
/// If the certificate can't be made, or the library refuses.
pub fn adoption_server(key: &BoundKey, clock: &TlsClock) -> Result<Arc<ServerConfig>, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, DOOR_NAME);
    let certificate = params
        .self_signed(&Signer(key))
        .map_err(|error| TlsError::Config(Error::General(error.to_string())))?;
    let private = PrivateKeyDer::Pkcs8(key.pkcs8().to_vec().into());
    let mut config = ServerConfig::builder_with_details(provider(), clock.provider())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    config.alpn_protocols = vec![ADOPT_ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// A hub's configuration for [`ADOPT_ALPN`]. It takes whoever holds the key of the certificate that
/// he shows: before anything is sent, compare [`door_key`] with what was confirmed.
///
/// # Errors
/// If the library refuses.
pub fn adoption_client(clock: &TlsClock) -> Result<Arc<ClientConfig>, TlsError> {
    let verifier = AnyDoor {
        provider: provider(),
    };
    let mut config = ClientConfig::builder_with_details(provider(), clock.provider())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![ADOPT_ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(Arc::new(config))
}

/// The key that a door proved to hold, from what the QUIC library keeps of the finished handshake.
///
/// # Errors
/// If it showed none of the one kind that agents have.
pub fn door_key(handshake: Option<Box<dyn Any>>) -> Result<Fingerprint, DoorKeyError> {
    let chain = peer_chain(handshake).ok_or(DoorKeyError)?;
    key_of(chain.first().ok_or(DoorKeyError)?)
}

fn key_of(certificate: &CertificateDer<'_>) -> Result<Fingerprint, DoorKeyError> {
    let certificate = x509::parse(certificate).ok_or(DoorKeyError)?;
    let key = PublicKey::from_spki(x509::spki(&certificate)).map_err(|_| DoorKeyError)?;
    Ok(key.fingerprint())
}

/// Takes any certificate over a key of ours; the signature over the handshake must be by that key.
#[derive(Debug)]
struct AnyDoor {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyDoor {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match key_of(end_entity) {
            Ok(_) => Ok(ServerCertVerified::assertion()),
            Err(DoorKeyError) => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_peer_without_a_key_of_ours_is_no_door() {
        assert_eq!(door_key(None), Err(DoorKeyError));
        assert_eq!(door_key(Some(Box::new(5))), Err(DoorKeyError));
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let other = CertificateParams::default().self_signed(&pair).unwrap();
        assert_eq!(key_of(other.der()), Err(DoorKeyError));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            prop_assert!(key_of(&CertificateDer::from(bytes)).is_err());
        }
    }
}
