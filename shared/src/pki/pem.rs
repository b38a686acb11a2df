//! PEM (RFC 7468): the text form of keys and certificates on disk.

use data_encoding::BASE64;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// The label of a certificate's section.
pub(super) const CERTIFICATE: &str = "CERTIFICATE";
/// The label of a private key's section (PKCS #8, RFC 5958).
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY";
/// The label of a certificate request's section (RFC 7468 §7).
pub(super) const REQUEST: &str = "CERTIFICATE REQUEST";

/// Base64 characters in a line (RFC 7468 §2: exactly 64, except in the last).
const LINE_CHARS: usize = 64;

/// A text that is not the PEM that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// A section is broken.
    #[error("the PEM text is damaged; take a fresh copy of it")]
    Damaged,
    /// No section of the asked kind is in it.
    #[error("the PEM text has no {0} section")]
    Missing(&'static str),
    /// More sections than the reader is made for.
    #[error("the PEM text has more than {max} {label} sections")]
    TooMany {
        /// The label of the sections.
        label: &'static str,
        /// The most that are read.
        max: usize,
    },
}

/// Writes one section. The text is wiped when it is dropped, since it may be a key.
pub(super) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(BASE64.encode(der));
    // Sized at once, so that growing leaves no unwiped copy of a key behind.
    let chars = base64.len() + base64.len() / LINE_CHARS + 2 * label.len() + 40;
    let mut text = Zeroizing::new(String::with_capacity(chars));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(LINE_CHARS));
        text.push_str(line);
        text.push('\n');
        rest = next;
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    text
}

/// Writes one certificate as PEM.
pub fn certificate_to_pem(der: &[u8]) -> String {
    encode(CERTIFICATE, der).as_str().to_owned()
}

/// Reads the one certificate of a PEM text, and gives it in DER.
pub fn certificate_from_pem(pem: &[u8]) -> Result<Vec<u8>, PemError> {
    let mut certificates = certificates(pem, 1)?;
    let certificate = certificates.pop().ok_or(PemError::Missing(CERTIFICATE))?;
    Ok(certificate.to_vec())
}

/// Reads the certificates, at least one and at most `max`, in the order of the text.
pub(super) fn certificates(
    pem: &[u8],
    max: usize,
) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        if found.len() == max {
            return Err(PemError::TooMany {
                label: CERTIFICATE,
                max,
            });
        }
        found.push(certificate.map_err(|_| PemError::Damaged)?);
    }
    if found.is_empty() {
        Err(PemError::Missing(CERTIFICATE))
    } else {
        Ok(found)
    }
}

/// Reads the one certificate request, and gives it in DER.
pub(super) fn request(pem: &[u8]) -> Result<Vec<u8>, PemError> {
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|_| PemError::Damaged)?;
        if kind == SectionKind::Csr && found.replace(der).is_some() {
            return Err(PemError::TooMany {
                label: REQUEST,
                max: 1,
            });
        }
    }
    found.ok_or(PemError::Missing(REQUEST))
}

/// Reads the one PKCS #8 private key.
pub(super) fn pkcs8_key(pem: &[u8]) -> Result<Zeroizing<Vec<u8>>, PemError> {
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let (kind, der) = section.map_err(|_| PemError::Damaged)?;
        let der = Zeroizing::new(der);
        if kind == SectionKind::PrivateKey && found.replace(der).is_some() {
            return Err(PemError::TooMany {
                label: PRIVATE_KEY,
                max: 1,
            });
        }
    }
    found.ok_or(PemError::Missing(PRIVATE_KEY))
}

/// Reads the first private key of any common kind: PKCS #8, PKCS #1 or SEC 1.
pub(super) fn any_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    use rustls::pki_types::pem::Error;
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound => PemError::Missing(PRIVATE_KEY),
        _ => PemError::Damaged,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written() {
        for length in [1, 47, 48, 49, 138] {
            let der = vec![0xa5; length];
            let pem = encode(PRIVATE_KEY, &der);
            assert!(pem.lines().all(|line| line.len() <= LINE_CHARS));
            assert_eq!(pkcs8_key(pem.as_bytes()).unwrap().as_slice(), der);
            assert!(pem.capacity() < 2 * pem.len() + 80);
        }
    }

    #[test]
    fn certificates_are_counted() {
        let two = [
            encode(CERTIFICATE, b"one").as_str(),
            &encode(CERTIFICATE, b"two"),
        ]
        .concat();
        assert_eq!(certificates(two.as_bytes(), 2).unwrap().len(), 2);
        let too_many = PemError::TooMany {
            label: CERTIFICATE,
            max: 1,
        };
        assert_eq!(certificates(two.as_bytes(), 1), Err(too_many));
        assert_eq!(
            certificates(b"hello", 1),
            Err(PemError::Missing(CERTIFICATE))
        );
        let cut = two.get(..two.len() - 30).unwrap();
        assert_eq!(certificates(cut.as_bytes(), 2), Err(PemError::Damaged));
    }

    #[test]
    fn a_missing_or_second_key_is_told() {
        let none = pkcs8_key(encode(CERTIFICATE, b"one").as_bytes()).unwrap_err();
        assert_eq!(none, PemError::Missing(PRIVATE_KEY));
        let key = encode(PRIVATE_KEY, b"key");
        let two = [key.as_str(), &key].concat();
        let too_many = PemError::TooMany {
            label: PRIVATE_KEY,
            max: 1,
        };
        assert_eq!(pkcs8_key(two.as_bytes()).unwrap_err(), too_many);
        assert_eq!(any_key(b"").unwrap_err(), PemError::Missing(PRIVATE_KEY));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(
            text in "(-----(BEGIN|END) [A-Z ]{0,12}-----\n?|.{0,70}\n?){0,6}",
        ) {
            let _ = certificates(text.as_bytes(), 3);
            let _ = pkcs8_key(text.as_bytes());
            let _ = any_key(text.as_bytes());
        }
    }
}
