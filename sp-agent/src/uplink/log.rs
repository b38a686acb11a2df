//! What the log is told of the link.

use shared::link::agent::Phase;

pub(super) fn phase(phase: &Phase) {
    match phase {
        Phase::Following { epoch, .. } => tracing::info!(epoch, "following the hub"),
        Phase::Pending => tracing::info!(
            "the hub waits for its administrator to accept this region: idp-hub region accept"
        ),
        Phase::Waiting {
            reason: Some(reason),
            ..
        } => {
            tracing::warn!(reason, "no hub; the region runs on and everything is kept");
        }
        Phase::Waiting { .. } | Phase::Dialing | Phase::Greeting | Phase::Stopped => {}
    }
}
