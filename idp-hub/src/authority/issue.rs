//! A region's certificate.

use shared::ids::{FederationId, HubId, RegionId};
use shared::model::UnixMillis;
use shared::pki::{Csr, Peer, Serial, Validity};
use shared::wire::Text;
use shared::wire::frame::Issued;

use super::{CERTIFICATE_LIFETIME, Inner, Refused};
use crate::store::RegionNo;

/// What a region gets that joined or recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedRegion {
    /// Its number here.
    pub no: RegionNo,
    /// Its id, the federation's own.
    pub region: RegionId,
    /// Its name.
    pub name: String,
    /// The federation.
    pub federation: FederationId,
    /// Its epoch.
    pub epoch: u64,
    /// This hub.
    pub hub: HubId,
    /// X.509, PEM.
    pub certificate: String,
    /// When the certificate expires, unix seconds.
    pub not_after: u64,
}

impl IssuedRegion {
    /// The frame that says so.
    pub fn frame(&self) -> Issued<'_> {
        Issued {
            region: self.region,
            name: Text::cut(&self.name),
            federation: self.federation,
            epoch: self.epoch,
            hub: self.hub,
            certificate: Text::cut(&self.certificate),
        }
    }
}

/// A certificate before its region has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose.
    pub region: RegionId,
    /// X.509, PEM.
    pub pem: String,
    /// When it expires, unix seconds.
    pub not_after: u64,
}

impl Inner {
    pub(super) fn certify(
        &self,
        csr: &Csr,
        region: RegionId,
        now: UnixMillis,
    ) -> Result<Certificate, Refused> {
        let serial = Serial::generate().map_err(|error| Refused::Issue(error.into()))?;
        let validity = Validity::starting(now.as_secs(), CERTIFICATE_LIFETIME);
        let issued = self
            .ca
            .issue(csr, Peer::Region(region), serial, validity)
            .map_err(Refused::Issue)?;
        Ok(Certificate {
            region,
            pem: issued.to_pem(),
            not_after: issued.validity.not_after,
        })
    }

    pub(super) fn issued(&self, no: RegionNo, name: String, of: Certificate) -> IssuedRegion {
        IssuedRegion {
            no,
            region: of.region,
            name,
            federation: self.founding.federation,
            epoch: self.founding.epoch,
            hub: self.founding.hub,
            certificate: of.pem,
            not_after: of.not_after,
        }
    }
}
