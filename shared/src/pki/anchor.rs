//! Which certification authorities a hub or agent trusts.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::fingerprint::Fingerprint;
use super::pem::{self, PemError};
use super::public_key::PublicKey;
use super::validity::Validity;
use super::x509;
use crate::ids::FederationId;

/// A federation CA's certificate, checked to be one: self-signed, P-256, allowed to issue, and
/// named after its federation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    der: CertificateDer<'static>,
    public: PublicKey,
    federation: FederationId,
    validity: Validity,
}

/// What is wrong with a CA certificate, or with a set of them.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// Not an X.509 certificate.
    #[error("the CA certificate is no X.509 certificate in DER")]
    Malformed,
    /// Its key is of another kind.
    #[error("the CA certificate's key is not ECDSA P-256")]
    Key,
    /// Not signed by itself.
    #[error("the CA certificate is not signed by its own key")]
    NotSelfSigned,
    /// Not allowed to issue certificates.
    #[error("the certificate is not a CA's: it may not issue certificates")]
    NotAuthority,
    /// Not named after a federation.
    #[error("the CA certificate does not name its federation")]
    NoFederation,
    /// The text holds no certificates, or too many.
    #[error("cannot read the trusted CAs")]
    Pem(#[from] PemError),
    /// None left to trust.
    #[error("at least one CA must be trusted")]
    None,
    /// More than are ever needed.
    #[error(
        "at most {max} CAs can be trusted at once; drop one that no member uses any more",
        max = TrustAnchors::COUNT_MAX
    )]
    TooMany,
}

impl Anchor {
    /// Takes a CA certificate in DER.
    ///
    /// This checks what it is, not whether it should be trusted: that is known by its
    /// [`pin`](Self::pin), or by where it comes from.
    pub fn from_der(der: &[u8]) -> Result<Self, AnchorError> {
        let certificate = x509::parse(der).ok_or(AnchorError::Malformed)?;
        let public =
            PublicKey::from_spki(x509::spki(&certificate)).map_err(|_| AnchorError::Key)?;
        let issued_by_itself = certificate.subject().as_raw() == certificate.issuer().as_raw();
        if !issued_by_itself || !x509::is_signed_by(&certificate, &public) {
            return Err(AnchorError::NotSelfSigned);
        }
        let usage = certificate
            .key_usage()
            .map_err(|_| AnchorError::NotAuthority)?;
        if !certificate.is_ca() || !usage.is_some_and(|usage| usage.value.key_cert_sign()) {
            return Err(AnchorError::NotAuthority);
        }
        let federation =
            x509::federation_of(certificate.subject()).ok_or(AnchorError::NoFederation)?;
        let validity = x509::validity(&certificate);
        Ok(Self {
            der: CertificateDer::from(der.to_vec()),
            public,
            federation,
            validity,
        })
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM.
    pub fn to_pem(&self) -> String {
        pem::certificate_to_pem(&self.der)
    }

    /// SHA-256 of the CA's public key: what a join token pins.
    pub fn pin(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    /// The federation that the CA issues for.
    pub fn federation(&self) -> FederationId {
        self.federation
    }

    /// When the CA's certificate counts.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.der
    }

    pub(super) fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

/// The CAs that a hub or agent trusts: one, or more while one takes over from another.
///
/// Never empty, no CA key twice, at most [`COUNT_MAX`](Self::COUNT_MAX).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchors(Vec<Anchor>);

impl TrustAnchors {
    /// The most CAs trusted at once. A rotation needs two; a hub taken over during one, four.
    pub const COUNT_MAX: usize = 8;

    /// Trusts one CA.
    pub fn of(anchor: Anchor) -> Self {
        Self(vec![anchor])
    }

    /// Trusts several CAs. A CA key that comes again is dropped.
    pub fn new(anchors: impl IntoIterator<Item = Anchor>) -> Result<Self, AnchorError> {
        let mut kept: Vec<Anchor> = Vec::new();
        for anchor in anchors {
            if kept.iter().any(|known| known.public == anchor.public) {
                continue;
            }
            if kept.len() == Self::COUNT_MAX {
                return Err(AnchorError::TooMany);
            }
            kept.push(anchor);
        }
        if kept.is_empty() {
            Err(AnchorError::None)
        } else {
            Ok(Self(kept))
        }
    }

    /// Trusts one more.
    pub fn with(&self, anchor: Anchor) -> Result<Self, AnchorError> {
        Self::new(self.0.iter().cloned().chain([anchor]))
    }

    /// Trusts the CA with this pin no more. The last one can't be dropped.
    pub fn without(&self, pin: &Fingerprint) -> Result<Self, AnchorError> {
        Self::new(self.0.iter().filter(|anchor| anchor.pin() != *pin).cloned())
    }

    /// Reads CAs from PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, AnchorError> {
        let certificates = pem::certificates(pem, Self::COUNT_MAX)?;
        let anchors: Result<Vec<_>, _> = certificates
            .iter()
            .map(|der| Anchor::from_der(der))
            .collect();
        Self::new(anchors?)
    }

    /// The CAs as PEM.
    pub fn to_pem(&self) -> String {
        self.0.iter().map(Anchor::to_pem).collect()
    }

    /// The CAs, in the order in which they came to be trusted.
    pub fn iter(&self) -> impl Iterator<Item = &Anchor> {
        self.0.iter()
    }

    /// Their pins.
    pub fn pins(&self) -> impl Iterator<Item = Fingerprint> {
        self.0.iter().map(Anchor::pin)
    }

    /// Whether the CA with this pin is trusted.
    pub fn trusts(&self, pin: &Fingerprint) -> bool {
        self.pins().any(|known| known == *pin)
    }

    pub(super) fn roots(&self) -> Result<RootCertStore, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for anchor in &self.0 {
            roots.add(anchor.der.clone())?;
        }
        Ok(roots)
    }
}
