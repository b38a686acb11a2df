//! Keys, CAs and certificates on disk, as a daemon keeps them between starts.
//!
//! [`pki`](crate::pki) knows what they are, [`runtime::files`](crate::runtime::files) how a file is
//! written whole and read within bounds; this module joins the two. Everything here blocks on the
//! disk: call it at start, or off the async threads.
//!
//! All files are PEM. Those with a private key are for their owner alone (0600), and refused when
//! others can read or change them.

use std::path::{Path, PathBuf};

use crate::pki::{
    AnchorError, Authority, AuthorityError, BoundKey, CredentialError, KeyError, PemError,
    SealError, SealingKey, TrustAnchors, WebCredential, certificate_from_pem, certificate_to_pem,
};
use crate::runtime::files::{self, FileError, Mode};

/// The largest file read, in bytes: a chain of ten RSA certificates and its key take a third.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What failed with a key's or certificate's file.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file could not be read or written.
    #[error("cannot use a key's or certificate's file")]
    File(#[from] FileError),
    /// The file's key is unusable.
    #[error("cannot use the private key in {}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The file's key to seal to is unusable.
    #[error(
        "cannot use the key in {}; move the file away, and a new one is made: passwords that were \
         sealed to it must be set again",
        path.display()
    )]
    Sealing {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: SealError,
    },
    /// The file's CA is unusable.
    #[error("cannot use the certification authority in {}", path.display())]
    Authority {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: AuthorityError,
    },
    /// The file's trusted CAs are unusable.
    #[error("cannot use the trusted CAs in {}", path.display())]
    Anchors {
        /// Which file.
        path: PathBuf,
        /// What is wrong with them.
        source: AnchorError,
    },
    /// The file's certificate is unusable.
    #[error("cannot use the certificate in {}", path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// The files' web certificate and key are unusable.
    #[error("cannot serve the console with {} and {}", chain.display(), key.display())]
    Web {
        /// The file with the certificate chain.
        chain: PathBuf,
        /// The file with the private key.
        key: PathBuf,
        /// What is wrong with them.
        source: CredentialError,
    },
}

impl KeyringError {
    /// Whether the file is just not there yet.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::File(error) if error.is_not_found())
    }
}

/// Reads a key.
pub fn load_key(path: &Path) -> Result<BoundKey, KeyringError> {
    let pem = files::read_secret(path, FILE_BYTES_MAX)?;
    BoundKey::from_pem(&pem).map_err(|source| KeyringError::Key {
        path: path.into(),
        source,
    })
}

/// Reads a key, or makes one where there is no file yet.
///
/// A file that is there but unusable is an error and never replaced: its key may be registered.
/// Of two starts at once one makes the key, and both get the same.
pub fn load_or_create_key(path: &Path) -> Result<BoundKey, KeyringError> {
    match load_key(path) {
        Err(error) if error.is_not_found() => {}
        loaded => return loaded,
    }
    let key = BoundKey::generate().map_err(|source| KeyringError::Key {
        path: path.into(),
        source,
    })?;
    match files::create_atomic(path, key.to_pem().as_bytes(), Mode::Private) {
        Ok(()) => Ok(key),
        Err(FileError::Exists { .. }) => load_key(path),
        Err(error) => Err(error.into()),
    }
}

/// Reads the key that secrets are sealed to, or makes one where there is no file yet.
///
/// # Errors
/// If the file can't be used, or is damaged.
pub fn load_or_create_sealing_key(path: &Path) -> Result<SealingKey, KeyringError> {
    let damaged = |source| KeyringError::Sealing {
        path: path.into(),
        source,
    };
    let load = || {
        let pem = files::read_secret(path, FILE_BYTES_MAX)?;
        SealingKey::from_pem(&pem).map_err(damaged)
    };
    match load() {
        Err(error) if error.is_not_found() => {}
        loaded => return loaded,
    }
    let key = SealingKey::generate().map_err(damaged)?;
    match files::create_atomic(path, key.to_pem().as_bytes(), Mode::Private) {
        Ok(()) => Ok(key),
        Err(FileError::Exists { .. }) => load(),
        Err(error) => Err(error.into()),
    }
}

/// Reads a federation's CA.
pub fn load_authority(path: &Path) -> Result<Authority, KeyringError> {
    let pem = files::read_secret(path, FILE_BYTES_MAX)?;
    Authority::from_pem(&pem).map_err(|source| KeyringError::Authority {
        path: path.into(),
        source,
    })
}

/// Stores a new CA, key and certificate in one file. An existing file is never replaced: a CA that
/// is lost strands its members.
pub fn create_authority(path: &Path, authority: &Authority) -> Result<(), KeyringError> {
    Ok(files::create_atomic(
        path,
        authority.to_pem().as_bytes(),
        Mode::Private,
    )?)
}

/// Reads the trusted CAs.
pub fn load_anchors(path: &Path) -> Result<TrustAnchors, KeyringError> {
    let pem = files::read_bounded(path, FILE_BYTES_MAX)?;
    TrustAnchors::from_pem(&pem).map_err(|source| KeyringError::Anchors {
        path: path.into(),
        source,
    })
}

/// Stores the trusted CAs, in place of those before.
pub fn save_anchors(path: &Path, anchors: &TrustAnchors) -> Result<(), KeyringError> {
    Ok(files::write_atomic(
        path,
        anchors.to_pem().as_bytes(),
        Mode::Public,
    )?)
}

/// Reads one certificate, and gives it in DER.
pub fn load_certificate(path: &Path) -> Result<Vec<u8>, KeyringError> {
    let pem = files::read_bounded(path, FILE_BYTES_MAX)?;
    certificate_from_pem(&pem).map_err(|source| KeyringError::Certificate {
        path: path.into(),
        source,
    })
}

/// Stores one certificate, given in DER, in place of the one before.
pub fn save_certificate(path: &Path, der: &[u8]) -> Result<(), KeyringError> {
    Ok(files::write_atomic(
        path,
        certificate_to_pem(der).as_bytes(),
        Mode::Public,
    )?)
}

/// Reads a web certificate chain and its key, both of the site's own, and checks that browsers
/// could use them at `now_secs` (since 1970).
pub fn load_web(chain: &Path, key: &Path, now_secs: u64) -> Result<WebCredential, KeyringError> {
    let chain_pem = files::read_bounded(chain, FILE_BYTES_MAX)?;
    let key_pem = files::read_secret(key, FILE_BYTES_MAX)?;
    WebCredential::from_pem(&chain_pem, &key_pem, now_secs).map_err(|source| KeyringError::Web {
        chain: chain.into(),
        key: key.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::ids::FederationId;

    const NOW: u64 = 1_800_000_000;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert!(load_key(&path).unwrap_err().is_not_found());
        let made = load_or_create_key(&path).unwrap();
        let kept = load_or_create_key(&path).unwrap();
        assert_eq!(made.fingerprint(), kept.fingerprint());
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn an_unusable_or_exposed_key_is_told_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        files::write_atomic(&path, b"not a key", Mode::Private).unwrap();
        let fault = load_or_create_key(&path).unwrap_err();
        assert!(matches!(
            fault,
            KeyringError::Key {
                source: KeyError::Pem(_),
                ..
            }
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let fault = load_or_create_key(&path).unwrap_err();
        assert!(matches!(
            fault,
            KeyringError::File(FileError::OpenToOthers { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), b"not a key");
    }

    #[test]
    fn a_ca_is_stored_once_with_its_anchor_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, anchors_path) = (
            folder.path().join("ca.pem"),
            folder.path().join("trust.pem"),
        );
        let federation = FederationId::from_random(1);
        let ca = Authority::create(federation, NOW).unwrap();
        create_authority(&path, &ca).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(load_authority(&path).unwrap().pin(), ca.pin());
        let other = Authority::create(federation, NOW).unwrap();
        let again = create_authority(&path, &other).unwrap_err();
        assert!(matches!(
            again,
            KeyringError::File(FileError::Exists { .. })
        ));
        assert_eq!(load_authority(&path).unwrap().pin(), ca.pin());

        let one = TrustAnchors::of(ca.anchor().clone());
        let both = one.with(other.anchor().clone()).unwrap();
        for anchors in [one, both] {
            save_anchors(&anchors_path, &anchors).unwrap();
            assert_eq!(load_anchors(&anchors_path).unwrap(), anchors);
        }
        save_certificate(&anchors_path, ca.anchor().der()).unwrap();
        assert_eq!(load_certificate(&anchors_path).unwrap(), ca.anchor().der());
    }

    #[test]
    fn a_sites_own_web_certificate_is_read_and_its_fault_named() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (
            folder.path().join("chain.pem"),
            folder.path().join("key.pem"),
        );
        // Any certificate over the key will do: a CA's own is one.
        let ca = Authority::create(FederationId::from_random(1), NOW).unwrap();
        save_certificate(&chain, ca.anchor().der()).unwrap();
        create_authority(&key, &ca).unwrap();
        assert_eq!(
            load_web(&chain, &key, NOW).unwrap().validity(),
            ca.anchor().validity()
        );
        let fault = load_web(&chain, &key, u64::MAX).unwrap_err();
        assert!(matches!(
            fault,
            KeyringError::Web {
                source: CredentialError::Expired(_),
                ..
            }
        ));
        assert!(
            load_web(&key, &chain, NOW).is_err(),
            "a public file is no place for a key"
        );
    }
}
