//! A federation's certification authority: it says, by a signature, who a key belongs to.

use std::fmt;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyUsagePurpose, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use x509_parser::time::ASN1Time;
use zeroize::Zeroizing;

use super::anchor::{Anchor, AnchorError};
use super::csr::Csr;
use super::fingerprint::Fingerprint;
use super::identity::{HUB_NAME, Peer, uri};
use super::key::{BoundKey, KeyError, Signer};
use super::pem::{self, PemError};
use super::public_key::PublicKey;
use super::random::RandomError;
use super::serial::Serial;
use super::validity::{CLOCK_SKEW_SECS, Validity};
use super::web_names::WebNames;
use super::x509;
use crate::ids::FederationId;

/// How long a CA's certificate counts. Ten years: it is replaced by a rotation that an
/// administrator starts, never by a date that nobody watches.
pub const AUTHORITY_LIFETIME: Duration = Duration::from_secs(3653 * 24 * 3600);

/// How long a web certificate of ours counts. Browsers refuse more than 398 days, also from
/// private CAs on some platforms.
pub const WEB_LIFETIME: Duration = Duration::from_secs(397 * 24 * 3600);

/// A CA: its key, and its certificate for others to trust.
pub struct Authority {
    key: BoundKey,
    anchor: Anchor,
}

/// A certificate as issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// Its serial number.
    pub serial: Serial,
    /// When it counts, the beginning put back by [`CLOCK_SKEW_SECS`].
    pub validity: Validity,
}

impl IssuedCertificate {
    /// The certificate as PEM.
    pub fn to_pem(&self) -> String {
        pem::certificate_to_pem(&self.der)
    }
}

/// What failed with a CA, or with a certificate that it was to issue.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// No serial number could be drawn.
    #[error("cannot draw a serial number")]
    Random(#[from] RandomError),
    /// The CA's private key is unusable.
    #[error("cannot use the CA's private key")]
    Key(#[from] KeyError),
    /// The CA's certificate is unusable.
    #[error("cannot use the CA's certificate")]
    Anchor(#[from] AnchorError),
    /// The text lacks the certificate.
    #[error("cannot read the CA's certificate")]
    Pem(#[from] PemError),
    /// The certificate is over another key.
    #[error("the CA's certificate and private key do not belong together: restore both at once")]
    Mismatch,
    /// A certificate with this validity would never count, or not within the years 1970 to 9999.
    #[error("a certificate can't count from {not_before} to {not_after} (seconds since 1970)")]
    Validity {
        /// The first second asked for.
        not_before: u64,
        /// The last second asked for, or the CA's own if that comes first.
        not_after: u64,
    },
    /// The certificate could not be encoded or signed.
    #[error("cannot sign the certificate")]
    Sign(#[from] rcgen::Error),
}

impl Authority {
    /// Makes the CA of a federation: a new key and a certificate by itself.
    pub fn create(federation: FederationId, now_secs: u64) -> Result<Self, AuthorityError> {
        let key = BoundKey::generate()?;
        let mut params = params(
            x509::ca_name(federation),
            Serial::generate()?,
            backdated(Validity::starting(now_secs, AUTHORITY_LIFETIME))?,
        )?;
        // It signs members' certificates itself, and nobody below it may sign any.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&Signer(&key))?;
        Self::assemble(key, Anchor::from_der(certificate.der())?)
    }

    /// Reads a CA from PEM with its certificate and its private key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, AuthorityError> {
        let certificate = pem::certificate_from_pem(pem)?;
        Self::assemble(BoundKey::from_pem(pem)?, Anchor::from_der(&certificate)?)
    }

    /// The CA as PEM, its private key included: one text, so that they are never stored apart.
    /// It is wiped when it is dropped.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let (certificate, key) = (self.anchor.to_pem(), self.key.to_pem());
        let mut text = Zeroizing::new(String::with_capacity(certificate.len() + key.len()));
        text.push_str(&certificate);
        text.push_str(&key);
        text
    }

    /// The CA's certificate, for others to trust.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// SHA-256 of the CA's public key: what a join token pins.
    pub fn pin(&self) -> Fingerprint {
        self.anchor.pin()
    }

    /// The federation that this CA issues for.
    pub fn federation(&self) -> FederationId {
        self.anchor.federation()
    }

    /// Issues a certificate that says who the holder of the request's key is.
    ///
    /// Names and rights come from `peer` alone, never from the request. The beginning is put back
    /// by [`CLOCK_SKEW_SECS`]; the end is cut to the CA's own, beyond which nobody would know
    /// whether to trust it.
    pub fn issue(
        &self,
        csr: &Csr,
        peer: Peer,
        serial: Serial,
        validity: Validity,
    ) -> Result<IssuedCertificate, AuthorityError> {
        let (name, names, usages) = self.subject(peer)?;
        self.sign(csr.public_key(), name, names, usages, serial, validity)
    }

    /// Issues a web server's certificate for [`WEB_LIFETIME`], for a hub that was given none.
    ///
    /// It names no peer, so that it is worth nothing on a link.
    pub fn issue_web(
        &self,
        key: &PublicKey,
        names: &WebNames,
        serial: Serial,
        now_secs: u64,
    ) -> Result<IssuedCertificate, AuthorityError> {
        let usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let validity = Validity::starting(now_secs, WEB_LIFETIME);
        self.sign(
            key,
            "Regroup console".to_owned(),
            names.to_sans()?,
            usages,
            serial,
            validity,
        )
    }

    fn assemble(key: BoundKey, anchor: Anchor) -> Result<Self, AuthorityError> {
        if key.public_key() == anchor.public_key() {
            Ok(Self { key, anchor })
        } else {
            Err(AuthorityError::Mismatch)
        }
    }

    fn subject(
        &self,
        peer: Peer,
    ) -> Result<(String, Vec<SanType>, Vec<ExtendedKeyUsagePurpose>), rcgen::Error> {
        let uri = SanType::URI(uri(self.federation(), peer).try_into()?);
        Ok(match peer {
            Peer::Region(id) => (
                format!("region {id}"),
                vec![uri],
                vec![ExtendedKeyUsagePurpose::ClientAuth],
            ),
            // A hub also dials: its parent hub, or the hub that it stands by for.
            Peer::Hub(id) => (
                format!("hub {id}"),
                vec![uri, SanType::DnsName(HUB_NAME.try_into()?)],
                vec![
                    ExtendedKeyUsagePurpose::ServerAuth,
                    ExtendedKeyUsagePurpose::ClientAuth,
                ],
            ),
        })
    }

    fn sign(
        &self,
        key: &PublicKey,
        common_name: String,
        names: Vec<SanType>,
        usages: Vec<ExtendedKeyUsagePurpose>,
        serial: Serial,
        validity: Validity,
    ) -> Result<IssuedCertificate, AuthorityError> {
        let not_after = validity.not_after.min(self.anchor.validity().not_after);
        let validity = backdated(Validity {
            not_after,
            ..validity
        })?;
        let mut params = params(common_name, serial, validity)?;
        params.subject_alt_names = names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages;
        params.use_authority_key_identifier_extension = true;
        let key = SubjectPublicKeyInfo::from_der(key.spki())?;
        let issuer = Issuer::from_ca_cert_der(self.anchor.certificate(), Signer(&self.key))?;
        let der = params.signed_by(&key, &issuer)?.der().to_vec();
        Ok(IssuedCertificate {
            der,
            serial,
            validity,
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Authority({} of federation {})",
            self.pin(),
            self.federation()
        )
    }
}

fn backdated(validity: Validity) -> Result<Validity, AuthorityError> {
    let Validity {
        not_before,
        not_after,
    } = validity;
    if not_after <= not_before {
        return Err(AuthorityError::Validity {
            not_before,
            not_after,
        });
    }
    Ok(Validity {
        not_before: not_before.saturating_sub(CLOCK_SKEW_SECS),
        not_after,
    })
}

fn params(
    common_name: String,
    serial: Serial,
    validity: Validity,
) -> Result<CertificateParams, AuthorityError> {
    let Validity {
        not_before,
        not_after,
    } = validity;
    let asn1 = |secs: u64| {
        i64::try_from(secs)
            .ok()
            .and_then(|secs| ASN1Time::from_timestamp(secs).ok())
            .map(|time| time.to_datetime())
            .ok_or(AuthorityError::Validity {
                not_before,
                not_after,
            })
    };
    let mut params = CertificateParams::default();
    params.not_before = asn1(not_before)?;
    params.not_after = asn1(not_after)?;
    params.serial_number = Some(SerialNumber::from_slice(&serial.to_bytes()));
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}
