//! Whom the client trusts besides whom the machine trusts: the certificates that the operator
//! names. OpenStack clouds often have a private CA.

use std::path::Path;

use reqwest::{Certificate, Client};
use shared::pki;

use super::setup::SetupError;

/// A bundle of all public CAs is a quarter of this.
const CA_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads the certificates that are trusted besides the machine's own.
pub(super) fn certificates(ca_file: Option<&Path>) -> Result<Vec<Certificate>, SetupError> {
    // The HTTP client takes the process's provider; the daemon has set it, a test may not have.
    pki::install_default_provider();
    match ca_file {
        Some(path) => read(path),
        None => Ok(Vec::new()),
    }
}

fn read(path: &Path) -> Result<Vec<Certificate>, SetupError> {
    let wrong = |reason: String| SetupError::ParseCa {
        path: path.to_owned(),
        reason,
    };
    let unreadable = |source| SetupError::ReadCa {
        path: path.to_owned(),
        source,
    };
    let bytes_total = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes_total > CA_FILE_BYTES_MAX {
        return Err(wrong(format!("it has more than {CA_FILE_BYTES_MAX} bytes")));
    }
    let pem = std::fs::read(path).map_err(unreadable)?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| wrong(e.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("no BEGIN CERTIFICATE in it".to_owned()));
    }
    // Only a client that is to use them looks into them.
    Client::builder()
        .tls_certs_only(certificates.iter().cloned())
        .build()
        .map_err(|_| wrong("one of them can't be read".to_owned()))?;
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let error = certificates(Some(&path)).unwrap_err();
        assert!(matches!(error, SetupError::ReadCa { .. }), "{error}");
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for content in ["", "hello", garbage] {
            std::fs::write(&path, content).unwrap();
            let error = certificates(Some(&path)).unwrap_err();
            assert!(matches!(error, SetupError::ParseCa { .. }), "{error}");
            assert!(error.to_string().contains("ca.pem"), "{error}");
        }
    }

    #[test]
    fn without_a_file_nobody_else_is_trusted() {
        assert!(certificates(None).unwrap().is_empty());
    }
}
