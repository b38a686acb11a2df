//! The one request and the one answer, from and to bytes.

use std::time::Duration;

use shared::foreign;
use shared::ids::{FederationId, HubId, RegionId};
use shared::pki::certificate_from_pem;
use shared::transport::JoinConnection;
use shared::wire::frame::{JoinFrame, Refusal};

use super::JoinError;
use crate::membership::MembershipError;

/// What the hub issued, owned.
pub(super) struct Answer {
    pub(super) region: RegionId,
    /// On one line, as all of a hub's words.
    pub(super) name: String,
    pub(super) federation: FederationId,
    pub(super) epoch: u64,
    pub(super) hub: HubId,
    /// PEM.
    pub(super) certificate: String,
}

/// The frame's bytes.
pub(super) fn encode(frame: &JoinFrame<'_>) -> Result<Vec<u8>, JoinError> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes)?;
    Ok(bytes)
}

/// Asks, and returns what was issued with its certificate in DER.
pub(super) async fn exchange(
    connection: JoinConnection,
    request: Vec<u8>,
    address: &str,
) -> Result<(Answer, Vec<u8>), JoinError> {
    let answer = connection
        .exchange(request)
        .await
        .map_err(|source| JoinError::Unanswered {
            address: address.to_owned(),
            source,
        })?;
    let frame = JoinFrame::decode(answer.kind, &answer.payload).map_err(|source| {
        JoinError::Unreadable {
            address: address.to_owned(),
            source,
        }
    })?;
    match frame {
        Some(JoinFrame::Issued(issued)) => {
            let der = certificate_from_pem(issued.certificate.as_str().as_bytes())
                .map_err(MembershipError::from)?;
            let answer = Answer {
                region: issued.region,
                name: foreign::line(issued.name.as_str()),
                federation: issued.federation,
                epoch: issued.epoch,
                hub: issued.hub,
                certificate: issued.certificate.into_string(),
            };
            Ok((answer, der))
        }
        Some(JoinFrame::Refuse(refuse)) => Err(JoinError::Refused {
            address: address.to_owned(),
            refusal: Refusal::from_code(refuse.code),
            reason: foreign::line(refuse.reason.as_str()),
            wait: Duration::from_millis(refuse.retry_after_ms.into()),
        }),
        _ => Err(JoinError::OutOfTurn {
            address: address.to_owned(),
        }),
    }
}
