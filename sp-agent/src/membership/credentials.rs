//! By what the agent proves who it is, and whom it believes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use shared::ids::{FederationId, RegionId};
use shared::keyring;
use shared::model::UnixMillis;
use shared::pki::{
    BoundKey, CredentialError, Csr, LinkCredential, Peer, SealingKey, Slot, TrustAnchors,
    certificate_from_pem,
};

use super::{DIRECTORY, Membership, MembershipError, anchors_path, certificate_path, owner};

/// The key, its newest certificate, and the trusted CAs of a joined agent.
#[derive(Debug)]
pub struct Credentials {
    /// The bound key, which never leaves this machine.
    pub key: BoundKey,
    /// What the next handshake shows; renewed in place.
    pub slot: Arc<Slot<LinkCredential>>,
    /// The CAs that a hub's certificate must be by.
    pub anchors: TrustAnchors,
    directory: PathBuf,
    federation: FederationId,
    region: RegionId,
    /// DER of the newest certificate, while it could not be stored.
    unstored: Mutex<Option<Vec<u8>>>,
}

/// What became of a new certificate, which is in use either way.
#[derive(Debug)]
pub enum Kept {
    /// It outlives the process.
    Stored,
    /// It could not be stored; [`Credentials::store_again`] tries again.
    InMemory(MembershipError),
}

impl Credentials {
    /// Reads the credentials of a joined agent from its data directory. An expired certificate is
    /// no error: the bound key gets another.
    ///
    /// # Errors
    /// If the agent is not joined, or a file is damaged or of another member.
    pub fn load(data_dir: &Path) -> Result<Self, MembershipError> {
        let membership = Membership::load(data_dir)?.ok_or(MembershipError::NotJoined)?;
        let directory = data_dir.join(DIRECTORY);
        let key = keyring::load_key(&key_path(data_dir))?;
        let anchors = keyring::load_anchors(&anchors_path(&directory))?;
        let der = keyring::load_certificate(&certificate_path(&directory))?;
        let (federation, region) = (membership.federation, membership.region);
        let credential = credential(&key, &anchors, federation, region, &der)?;
        Ok(Self {
            slot: Slot::new(credential),
            key,
            anchors,
            directory,
            federation,
            region,
            unstored: Mutex::default(),
        })
    }

    /// Takes a renewed certificate into use, and stores it. On a full disk it is used all the same:
    /// thrown away, it would cost the region its link in a day, while its key is fine.
    ///
    /// # Errors
    /// If it is not over this agent's key, for this region, and by a trusted CA; the old one then
    /// stays in use.
    pub fn keep_certificate(&self, pem: &str) -> Result<Kept, MembershipError> {
        let der = certificate_from_pem(pem.as_bytes())?;
        let new = credential(&self.key, &self.anchors, self.federation, self.region, &der)?;
        let mut unstored = self.unstored.lock().unwrap_or_else(PoisonError::into_inner);
        self.slot.replace(new);
        *unstored = Some(der);
        Ok(self.store(&mut unstored))
    }

    /// Stores the certificate that could not be stored before; `None` if there is none.
    pub fn store_again(&self) -> Option<Kept> {
        let mut unstored = self.unstored.lock().unwrap_or_else(PoisonError::into_inner);
        unstored.is_some().then(|| self.store(&mut unstored))
    }

    fn store(&self, unstored: &mut Option<Vec<u8>>) -> Kept {
        let Some(der) = unstored else {
            return Kept::Stored;
        };
        match keyring::save_certificate(&certificate_path(&self.directory), der) {
            Ok(()) => {
                *unstored = None;
                Kept::Stored
            }
            Err(error) => Kept::InMemory(error.into()),
        }
    }

    /// A request for another certificate over the bound key: PKCS #10 (RFC 2986), PEM.
    ///
    /// # Errors
    /// If the cryptographic library refuses.
    pub fn csr(&self) -> Result<String, MembershipError> {
        Ok(Csr::create(&self.key)?.to_pem())
    }

    /// When to ask for the next certificate: in the middle of its life, give or take a tenth.
    /// `jitter` is the caller's draw, 0 to 1.
    pub fn renew_at(&self, jitter: f64) -> UnixMillis {
        UnixMillis::from_secs(self.slot.current().validity().renew_at(jitter))
    }

    /// Whether the certificate no longer counts by this machine's clock, so that only a recovery
    /// gets another. The hub may think otherwise, by its own.
    pub fn expired(&self, now: UnixMillis) -> bool {
        self.slot.current().validity().is_over(now.as_secs())
    }

    /// The last moment in which the certificate counts.
    pub fn not_after(&self) -> UnixMillis {
        UnixMillis::from_secs(self.slot.current().validity().not_after)
    }

    /// Which region this is.
    pub const fn region(&self) -> RegionId {
        self.region
    }
}

/// Reads the bound key, or makes it where there is none yet.
///
/// # Errors
/// If a key is there that can't be used. It is never replaced: it may be registered.
pub fn bound_key(data_dir: &Path) -> Result<BoundKey, MembershipError> {
    let path = key_path(data_dir);
    let key = keyring::load_or_create_key(&path)?;
    owner::hand_over(&path, data_dir)?;
    Ok(key)
}

/// Reads the key that secrets for this agent are sealed to, or makes it.
///
/// # Errors
/// If a key is there that can't be used.
pub fn sealing_key(data_dir: &Path) -> Result<SealingKey, MembershipError> {
    let path = data_dir.join("sealing.pem");
    let key = keyring::load_or_create_sealing_key(&path)?;
    owner::hand_over(&path, data_dir)?;
    Ok(key)
}

fn key_path(data_dir: &Path) -> PathBuf {
    data_dir.join("key.pem")
}

/// Joins key and certificate, after making sure that it is this member's.
pub(super) fn credential(
    key: &BoundKey,
    anchors: &TrustAnchors,
    federation: FederationId,
    region: RegionId,
    der: &[u8],
) -> Result<LinkCredential, MembershipError> {
    let mut found = Err(CredentialError::NotByAuthority);
    for anchor in anchors.iter() {
        found = LinkCredential::new(key, der, anchor);
        if !matches!(found, Err(CredentialError::NotByAuthority)) {
            break;
        }
    }
    let credential = found.map_err(MembershipError::Certificate)?;
    let identity = credential.identity();
    let own = Peer::Region(region);
    if identity.peer() != own || identity.federation() != federation {
        return Err(MembershipError::Foreign {
            named: format!(
                "{} of federation {}",
                identity.peer(),
                identity.federation()
            ),
            own: format!("{own} of federation {federation}"),
        });
    }
    Ok(credential)
}
