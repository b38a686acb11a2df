//! Answers callers without a certificate: a join by token, or a recovery by bound key.

use std::net::IpAddr;

use shared::pki::ChannelBinding;
use shared::runtime::errors::chain;
use shared::transport::{JoinCall, RawFrame};
use shared::wire::Text;
use shared::wire::frame::{JoinFrame, Refusal, Refuse};

use super::{Downlink, Offence};
use crate::authority::{IssuedRegion, Refused};

/// Takes one request and answers it.
pub(super) async fn answer(downlink: &Downlink, call: JoinCall) {
    let remote = call.remote();
    let binding = match call.binding() {
        Ok(binding) => binding,
        Err(error) => return tracing::warn!(%remote, error = %chain(&error), "no join"),
    };
    let (request, answer) = match call.request().await {
        Ok(asked) => asked,
        // Strangers come and say nothing all day: the listener counts them.
        Err(error) => return tracing::debug!(%remote, error = %chain(&error), "no join request"),
    };
    let mut bytes = Vec::new();
    let encoded = match decide(downlink, remote.ip(), &request, &binding).await {
        Ok(issued) => JoinFrame::Issued(issued.frame()).encode(&mut bytes),
        Err(refuse) => JoinFrame::Refuse(refuse).encode(&mut bytes),
    };
    let sent = match encoded {
        Ok(()) => answer
            .send(bytes)
            .await
            .map_err(|error| chain(&error).to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = sent {
        tracing::warn!(%remote, error, "a join was answered, but the answer may not have come");
    }
}

async fn decide(
    downlink: &Downlink,
    source: IpAddr,
    request: &RawFrame,
    binding: &ChannelBinding,
) -> Result<IssuedRegion, Refuse<'static>> {
    let authority = &downlink.authority;
    let refused = |refused: Refused| {
        let offence = Offence::Join(source, std::mem::discriminant(&refused));
        note(downlink, source, offence, &chain(&refused).to_string());
        refused.frame()
    };
    authority.allow_join(source).map_err(refused)?;
    match JoinFrame::decode(request.kind, &request.payload) {
        Ok(Some(JoinFrame::Join(join))) => authority.join(&join, binding).await,
        Ok(Some(JoinFrame::Recover(recover))) => authority.recover(&recover, binding).await,
        Ok(_) | Err(_) => {
            let refuse = unreadable();
            let offence = Offence::Unreadable(source);
            note(downlink, source, offence, refuse.reason.as_str());
            return Err(refuse);
        }
    }
    .map_err(refused)
}

fn note(downlink: &Downlink, source: IpAddr, offence: Offence, error: &str) {
    if let Some(silenced) = downlink.offences.admit(downlink.clock.now(), offence) {
        tracing::warn!(%source, error, silenced, "a join was refused");
    }
}

fn unreadable() -> Refuse<'static> {
    Refuse {
        code: Refusal::Protocol.code(),
        reason: Text::cut("the join request can't be read; upgrade the older side"),
        retry_after_ms: 60_000,
    }
}
