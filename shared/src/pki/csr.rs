//! A certificate signing request (RFC 2986): a public key, and proof that the asker holds its
//! private half. Nothing else in it is ever read.

use rcgen::{CertificateParams, DistinguishedName};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::key::{BoundKey, Signer};
use super::pem::{self, PemError};
use super::proof::{ChannelBinding, Purpose};
use super::public_key::{PublicKey, PublicKeyError};
use super::x509::is_ecdsa_sha256;

/// The largest request read, in bytes. Ours have some 250.
const CSR_BYTES_MAX: usize = 4 * 1024;

/// A request over a P-256 key whose asker has proven to hold it: by the request's own signature, or
/// on the connection that it came by.
///
/// What else it asks for (names, CA rights, usages) is the asker's claim, and the CA that issues
/// from it knows better; so only the key is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csr {
    der: Vec<u8>,
    public: PublicKey,
}

/// What is wrong with a certificate signing request.
#[derive(Debug, thiserror::Error)]
pub enum CsrError {
    /// Longer than any request of ours.
    #[error("the certificate request has more than {CSR_BYTES_MAX} bytes")]
    TooLarge,
    /// The text is not PEM with one request.
    #[error("the certificate request is no PEM")]
    Pem(#[from] PemError),
    /// Not PKCS #10 in DER, or with something after it.
    #[error("the certificate request is no PKCS #10 request in DER")]
    Malformed,
    /// Over a key of another kind.
    #[error("the certificate request's key can't be used")]
    Key(#[source] PublicKeyError),
    /// Not signed by the key that it is over.
    #[error("the certificate request is not signed by its own key")]
    Signature,
    /// Its proof is of another key, connection or purpose.
    #[error("the certificate request's key is not proven to be held at the other end")]
    Proof,
    /// A request could not be made.
    #[error("cannot make a certificate request")]
    Create(#[source] rcgen::Error),
}

impl Csr {
    /// Makes a request for a certificate over `key`.
    pub fn create(key: &BoundKey) -> Result<Self, CsrError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params
            .serialize_request(&Signer(key))
            .map_err(CsrError::Create)?;
        Ok(Self {
            der: request.der().to_vec(),
            public: *key.public_key(),
        })
    }

    /// Reads a request from a peer, and checks that the peer holds the key.
    pub fn from_der(der: &[u8]) -> Result<Self, CsrError> {
        let (request, public) = parse(der)?;
        let info = &request.certification_request_info;
        if !is_ecdsa_sha256(&request.signature_algorithm) {
            return Err(CsrError::Signature);
        }
        public
            .verify(info.raw, &request.signature_value.data)
            .map_err(|_| CsrError::Signature)?;
        Ok(Self {
            der: der.to_vec(),
            public,
        })
    }

    /// [`from_der`](Self::from_der) for PEM, as it stands on the wire.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CsrError> {
        Self::from_der(&request(pem)?)
    }

    /// Reads a request, as PEM, whose asker proves that the other end of `channel` holds the key.
    ///
    /// That says more than the request's own signature, which is therefore not looked at: it would
    /// cost as much again, and anyone may repeat it anywhere.
    pub fn proven(
        pem: &[u8],
        purpose: Purpose,
        channel: &ChannelBinding,
        proof: &[u8],
    ) -> Result<Self, CsrError> {
        let der = request(pem)?;
        let (_, public) = parse(&der)?;
        public
            .check_proof(purpose, channel, proof)
            .map_err(|_| CsrError::Proof)?;
        Ok(Self { der, public })
    }

    /// The request in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The request as PEM, as it goes onto the wire.
    pub fn to_pem(&self) -> String {
        pem::encode(pem::REQUEST, &self.der).as_str().to_owned()
    }

    /// The key that a certificate is asked for.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

/// The request in a text.
fn request(pem: &[u8]) -> Result<Vec<u8>, CsrError> {
    // The text form is half as long again; beyond that nothing is worth decoding.
    if pem.len() > 2 * CSR_BYTES_MAX {
        return Err(CsrError::TooLarge);
    }
    Ok(pem::request(pem)?)
}

/// A request and the key that it is over, which nobody has proven to hold yet.
fn parse(der: &[u8]) -> Result<(X509CertificationRequest<'_>, PublicKey), CsrError> {
    if der.len() > CSR_BYTES_MAX {
        return Err(CsrError::TooLarge);
    }
    let Ok(([], request)) = X509CertificationRequest::from_der(der) else {
        return Err(CsrError::Malformed);
    };
    let key = request.certification_request_info.subject_pki.raw;
    let public = PublicKey::from_spki(key).map_err(CsrError::Key)?;
    Ok((request, public))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_reads_what_it_writes() {
        let csr = Csr::create(&BoundKey::generate().unwrap()).unwrap();
        assert_eq!(Csr::from_der(csr.der()).unwrap(), csr);
        let pem = csr.to_pem();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
        assert_eq!(Csr::from_pem(pem.as_bytes()).unwrap(), csr);
        let twice = [pem.as_str(), &pem].concat();
        for wrong in ["", "hello", &twice, &twice.repeat(20)] {
            assert!(Csr::from_pem(wrong.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_request_that_another_key_signed_is_refused() {
        let (own, victim) = (BoundKey::generate().unwrap(), BoundKey::generate().unwrap());
        let der = Csr::create(&own).unwrap().der().to_vec();
        let at = der
            .windows(91)
            .position(|part| part == own.public_key().spki())
            .unwrap();
        let mut forged = der;
        forged[at..at + 91].copy_from_slice(victim.public_key().spki());
        assert!(matches!(Csr::from_der(&forged), Err(CsrError::Signature)));
    }

    #[test]
    fn a_proof_on_the_connection_stands_for_the_requests_signature() {
        let (own, other) = (BoundKey::generate().unwrap(), BoundKey::generate().unwrap());
        let channel = ChannelBinding::from_exported([1; 32]);
        let csr = Csr::create(&own).unwrap();
        let read = |key: &BoundKey, purpose| {
            let proof = key.prove(Purpose::Join, &channel).unwrap();
            Csr::proven(csr.to_pem().as_bytes(), purpose, &channel, &proof)
        };
        assert_eq!(read(&own, Purpose::Join).unwrap(), csr);
        assert!(matches!(read(&other, Purpose::Join), Err(CsrError::Proof)));
        let otherwise = read(&own, Purpose::Recovery);
        assert!(matches!(otherwise, Err(CsrError::Proof)));
    }

    #[test]
    fn other_kinds_of_keys_are_refused() {
        for algorithm in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
            let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let request = CertificateParams::default()
                .serialize_request(&pair)
                .unwrap();
            assert!(matches!(
                Csr::from_der(request.der()),
                Err(CsrError::Key(_))
            ));
        }
    }

    #[test]
    fn lengths_are_bounded_and_tails_refused() {
        let csr = Csr::create(&BoundKey::generate().unwrap()).unwrap();
        let mut tailed = csr.der().to_vec();
        tailed.push(0);
        assert!(matches!(Csr::from_der(&tailed), Err(CsrError::Malformed)));
        assert!(matches!(
            Csr::from_der(&[0x30; 5000]),
            Err(CsrError::TooLarge)
        ));
    }

    proptest! {
        #[test]
        fn damage_never_yields_another_key(at: prop::sample::Index, bit in 0u8..8) {
            let csr = Csr::create(&BoundKey::generate().unwrap()).unwrap();
            let mut der = csr.der().to_vec();
            der[at.index(csr.der().len())] ^= 1 << bit;
            // The frame around the signature is not signed, and may be written in other ways.
            if let Ok(read) = Csr::from_der(&der) {
                prop_assert_eq!(read.public_key(), csr.public_key());
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = Csr::from_der(&bytes);
        }
    }
}
