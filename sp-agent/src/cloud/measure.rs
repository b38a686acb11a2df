//! What requests to the cloud tell whoever scrapes.

use std::time::Duration;

use metrics::{counter, histogram};
use shared::model::ServiceKind;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A good answer.
    Ok,
    /// An answer that is an error.
    Refused,
    /// No answer.
    Unanswered,
}

/// A request has ended, well or not, after so long.
pub(super) fn asked(service: ServiceKind, outcome: Outcome, took: Duration) {
    let service = service.name();
    let outcome = match outcome {
        Outcome::Ok => "ok",
        Outcome::Refused => "refused",
        Outcome::Unanswered => "unanswered",
    };
    let labels = [("service", service), ("outcome", outcome)];
    counter!("sp_agent_cloud_requests_total", &labels).increment(1);
    histogram!("sp_agent_cloud_request_duration_seconds", "service" => service).record(took);
}
