//! Who a peer is: read from its certificate, never from what it says.

use std::any::Any;
use std::fmt;

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::fingerprint::Fingerprint;
use super::public_key::PublicKey;
use super::serial::Serial;
use super::validity::Validity;
use super::x509;
use crate::ids::{FederationId, HubId, RegionId};

/// The DNS name in every hub's certificate, and the server name that dialing sides ask for.
///
/// Hubs move between addresses, so a certificate names none. `.internal` is reserved for private
/// use (ICANN, 2024) and never resolves.
pub const HUB_NAME: &str = "hub.regroup.internal";

/// What a certificate of the federation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// The agent of a region.
    Region(RegionId),
    /// A hub: leading, standing by, or following a parent.
    Hub(HubId),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(id) => write!(f, "region {id}"),
            Self::Hub(id) => write!(f, "hub {id}"),
        }
    }
}

/// Who is at the other end, as the federation's CA says.
///
/// Constructed only here, from the chain of a finished handshake, which rustls has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    federation: FederationId,
    peer: Peer,
    serial: Serial,
    validity: Validity,
    fingerprint: Fingerprint,
}

impl PeerIdentity {
    /// The federation whose CA vouches for the peer.
    pub fn federation(&self) -> FederationId {
        self.federation
    }

    /// Which region or hub it is.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The serial number of its certificate.
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// The last second in which its certificate counts, since 1970. A connection outlives it
    /// unless someone closes it then.
    pub fn not_after(&self) -> u64 {
        self.validity.not_after
    }

    /// When its certificate counts.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// SHA-256 of its key, which stays the same from certificate to certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// Why a certificate tells no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The peer showed no certificate.
    #[error("the peer showed no certificate: it must join first, or recover by its key")]
    NoCertificate,
    /// Not an X.509 certificate.
    #[error("the peer's certificate is no X.509 certificate in DER")]
    Malformed,
    /// Its key is of another kind.
    #[error("the peer's key is not ECDSA P-256")]
    Key,
    /// Its serial number is not one of ours.
    #[error("the peer's certificate has a serial number that no federation gives")]
    Serial,
    /// It does not say who issued it for which federation.
    #[error("the peer's certificate is not by a federation's CA")]
    Issuer,
    /// None, several, or other names than one member has.
    #[error("the peer's certificate must name one region or hub, and nothing else")]
    Names,
    /// A CA of one federation vouches for a member of another.
    #[error("the CA of federation {issuer} can't vouch for a member of federation {named}")]
    ForeignFederation {
        /// The federation of the CA.
        issuer: FederationId,
        /// The federation that the certificate names.
        named: FederationId,
    },
    /// A hub was dialed, and something else answered.
    #[error("the peer is {0}, but only a hub may answer here")]
    NotHub(Peer),
}

/// Reads the identity from a **verified** chain, the peer's own certificate first.
pub fn identity(chain: &[CertificateDer<'_>]) -> Result<PeerIdentity, IdentityError> {
    let der = chain.first().ok_or(IdentityError::NoCertificate)?;
    let certificate = x509::parse(der).ok_or(IdentityError::Malformed)?;
    let key = PublicKey::from_spki(x509::spki(&certificate)).map_err(|_| IdentityError::Key)?;
    let serial = Serial::from_slice(certificate.raw_serial()).map_err(|_| IdentityError::Serial)?;
    let (federation, peer) = named(&certificate)?;
    // A CA that is trusted for one federation must not make members of another.
    let issuer = x509::federation_of(certificate.issuer()).ok_or(IdentityError::Issuer)?;
    if issuer != federation {
        return Err(IdentityError::ForeignFederation {
            issuer,
            named: federation,
        });
    }
    let validity = x509::validity(&certificate);
    Ok(PeerIdentity {
        federation,
        peer,
        serial,
        validity,
        fingerprint: key.fingerprint(),
    })
}

/// Reads the identity of a connection's peer from what the QUIC library holds of its handshake
/// (`quinn::Connection::peer_identity`), and refuses a peer that showed none.
///
/// The hub's TLS asks for a certificate but does not insist, since joiners have none; so each side
/// must pass through here before it speaks the link protocol.
pub fn require_identity(handshake: Option<Box<dyn Any>>) -> Result<PeerIdentity, IdentityError> {
    let chain = peer_chain(handshake).ok_or(IdentityError::NoCertificate)?;
    identity(&chain)
}

/// The chain that a connection's peer showed, its own certificate first.
pub fn peer_chain(handshake: Option<Box<dyn Any>>) -> Option<Vec<CertificateDer<'static>>> {
    handshake?
        .downcast::<Vec<CertificateDer<'static>>>()
        .ok()
        .map(|chain| *chain)
}

/// Reads the identity, and refuses whatever is no hub.
pub(super) fn hub_identity(leaf: &CertificateDer<'_>) -> Result<PeerIdentity, IdentityError> {
    let identity = identity(std::slice::from_ref(leaf))?;
    match identity.peer {
        Peer::Hub(_) => Ok(identity),
        Peer::Region(_) => Err(IdentityError::NotHub(identity.peer)),
    }
}

/// The name of a member (SPIFFE ID, SPIFFE-ID §2): the federation is the trust domain.
pub(super) fn uri(federation: FederationId, peer: Peer) -> String {
    match peer {
        Peer::Region(id) => format!("spiffe://{federation}/region/{id}"),
        Peer::Hub(id) => format!("spiffe://{federation}/hub/{id}"),
    }
}

fn named(certificate: &X509Certificate<'_>) -> Result<(FederationId, Peer), IdentityError> {
    let names = match certificate.subject_alternative_name() {
        Ok(Some(extension)) => &extension.value.general_names,
        _ => return Err(IdentityError::Names),
    };
    let mut found = None;
    let mut hub_names = 0;
    for name in names {
        match name {
            GeneralName::URI(uri) if found.is_none() => {
                found = Some(parse_uri(uri).ok_or(IdentityError::Names)?);
            }
            GeneralName::DNSName(HUB_NAME) => hub_names += 1,
            _ => return Err(IdentityError::Names),
        }
    }
    match found {
        Some((federation, peer @ Peer::Region(_))) if hub_names == 0 => Ok((federation, peer)),
        Some((federation, peer @ Peer::Hub(_))) if hub_names == 1 => Ok((federation, peer)),
        _ => Err(IdentityError::Names),
    }
}

fn parse_uri(uri: &str) -> Option<(FederationId, Peer)> {
    let (federation, path) = uri.strip_prefix("spiffe://")?.split_once('/')?;
    let (kind, id) = path.split_once('/')?;
    let peer = match kind {
        "region" => Peer::Region(x509::canonical(id)?),
        "hub" => Peer::Hub(x509::canonical(id)?),
        _ => return None,
    };
    Some((x509::canonical(federation)?, peer))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_uri_is_a_name() {
        let federation = FederationId::from_random(1);
        for peer in [
            Peer::Region(RegionId::from_random(2)),
            Peer::Hub(HubId::from_random(3)),
        ] {
            let good = uri(federation, peer);
            assert_eq!(parse_uri(&good), Some((federation, peer)));
            let upper = good.to_uppercase().replace("SPIFFE", "spiffe");
            for bad in [
                upper,
                good.replace("spiffe", "https"),
                good.replace('-', ""),
                format!("{good}/"),
                format!("{good}?x=1"),
                good.replace("region", "hub/region")
                    .replace("/hub/0", "/hubs/0"),
            ] {
                assert_eq!(parse_uri(&bad), None, "{bad}");
            }
        }
        assert_eq!(parse_uri("spiffe://"), None);
    }

    #[test]
    fn a_peer_without_a_certificate_is_nobody() {
        assert_eq!(require_identity(None), Err(IdentityError::NoCertificate));
        assert_eq!(
            require_identity(Some(Box::new(5))),
            Err(IdentityError::NoCertificate)
        );
        assert_eq!(identity(&[]), Err(IdentityError::NoCertificate));
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_uri_make_the_reader_panic(bytes: Vec<u8>, text: String) {
            prop_assert!(identity(&[CertificateDer::from(bytes)]).is_err());
            let _ = parse_uri(&format!("spiffe://{text}"));
        }
    }
}
