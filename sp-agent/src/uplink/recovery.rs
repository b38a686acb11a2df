//! A new certificate by the bound key alone, after the old one has expired.

use shared::ids::RegionId;
use shared::pki::{KeyError, Purpose, TlsClock, TlsError, recovery_client};
use shared::transport::{DialOptions, Dialer, TransportError};
use shared::wire::frame::{JoinFrame, Recover};
use shared::wire::{Bytes, EncodeError, Text};

use crate::membership::{Credentials, MembershipError};

/// Why a recovery brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoveryError {
    #[error("cannot set up TLS for a recovery")]
    Tls(#[from] TlsError),
    #[error("cannot ask the hub for a recovery")]
    Transport(#[from] TransportError),
    #[error("cannot prove the bound key")]
    Proof(#[from] KeyError),
    #[error("cannot make the request")]
    Request(#[from] EncodeError),
    #[error("the new certificate is refused")]
    Certificate(#[from] MembershipError),
    #[error("the hub refuses a new certificate: {0}")]
    Refused(String),
    #[error("the hub's answer can't be read; upgrade the older side")]
    Answer,
}

/// Asks the hub at `address` for a new certificate and keeps it.
pub(super) async fn recover(
    credentials: &Credentials,
    region: RegionId,
    address: &str,
    dial: DialOptions,
) -> Result<(), RecoveryError> {
    let tls = recovery_client(&credentials.anchors, &TlsClock::system())?;
    let call = Dialer::new(tls, dial)?.dial_join_host(address).await?;
    let proof = credentials.key.prove(Purpose::Recovery, &call.binding()?)?;
    let request = JoinFrame::Recover(Recover {
        region,
        csr: Text::cut_owned(credentials.csr()?),
        proof: Bytes::new(&proof).ok_or(RecoveryError::Answer)?,
    });
    let mut bytes = Vec::new();
    request.encode(&mut bytes)?;
    let answer = call.exchange(bytes).await?;
    match JoinFrame::decode(answer.kind, &answer.payload) {
        Ok(Some(JoinFrame::Issued(issued))) => {
            Ok(credentials.keep_certificate(issued.certificate.as_str())?)
        }
        Ok(Some(JoinFrame::Refuse(refuse))) => {
            Err(RecoveryError::Refused(refuse.reason.into_string()))
        }
        Ok(_) | Err(_) => Err(RecoveryError::Answer),
    }
}
