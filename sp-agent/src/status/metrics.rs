//! What Prometheus scrapes.
//!
//! Counters are counted where things happen, through the `metrics` crate. Gauges that the daemon
//! knows anyway are set when somebody scrapes. Names follow Prometheus' own advice: base units,
//! `_total` for what only grows.

use metrics::{Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use shared::model::Feed;

use super::gather::Sources;
use crate::spool::Condition;

/// Something else counts already.
#[derive(Debug, thiserror::Error)]
#[error("metrics have been begun already in this process")]
pub struct MetricsError;

/// A handle on all metrics. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Begins counting for the whole process. Call once.
    ///
    /// # Errors
    /// If it was called before.
    pub fn install() -> Result<Self, MetricsError> {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError)?;
        describe();
        Ok(Self { handle })
    }

    /// Everything in Prometheus' text format (version 0.0.4).
    pub fn render(&self, sources: &Sources) -> String {
        set_gauges(sources);
        self.handle.run_upkeep();
        self.handle.render()
    }
}

/// Every allegiance, so that the ones that do not hold are told as 0.
const STATES: [&str; 5] = ["unjoined", "damaged", "pending", "following", "autonomous"];

fn describe() {
    describe_gauge!("sp_agent_allegiance", "1 for the allegiance that holds");
    describe_gauge!(
        "sp_agent_behind_changes",
        "Changes of a feed that the hub does not hold yet, while it is heard"
    );
    describe_gauge!(
        "sp_agent_feed_changes_total",
        "Sequence number of a feed's newest change"
    );
    describe_gauge!(
        "sp_agent_certificate_expiry_timestamp_seconds",
        Unit::Seconds,
        "When the certificate ends"
    );
    describe_gauge!(
        "sp_agent_last_acknowledged_timestamp_seconds",
        Unit::Seconds,
        "When the hub last made something durable"
    );
    describe_gauge!("sp_agent_spool_sound", "Whether the spool can be written");
    describe_gauge!(
        "sp_agent_cloud_known",
        "Whether the cloud could be described"
    );
    describe_gauge!(
        "sp_agent_start_timestamp_seconds",
        Unit::Seconds,
        "When the daemon started"
    );
}

// Figures beyond 2^53 lose their last digits in a float, as in every Prometheus.
#[allow(clippy::cast_precision_loss, reason = "Prometheus' figures are floats")]
fn set_gauges(sources: &Sources) {
    let member = sources.member.borrow().clone();
    let holds = member.standing.allegiance.name();
    for state in STATES {
        gauge!("sp_agent_allegiance", "state" => state).set(f64::from(state == holds));
    }
    let behind = member.link.as_ref().map(|link| link.behind.as_slice());
    for feed in Feed::ALL {
        let changes = behind
            .unwrap_or_default()
            .iter()
            .find(|(it, _)| *it == feed)
            .map_or(0, |(_, changes)| *changes);
        gauge!("sp_agent_behind_changes", "feed" => feed.name()).set(changes as f64);
        let head = sources.spool.extent(feed).head;
        gauge!("sp_agent_feed_changes_total", "feed" => feed.name()).set(head as f64);
    }
    if let Some(until) = member.identity.and_then(|it| it.certificate_until) {
        gauge!("sp_agent_certificate_expiry_timestamp_seconds").set(until.as_secs() as f64);
    }
    if let Some(at) = member.link.and_then(|link| link.last_acked) {
        gauge!("sp_agent_last_acknowledged_timestamp_seconds").set(at.as_secs() as f64);
    }
    let is_sound = *sources.spool.condition().borrow() == Condition::Sound;
    gauge!("sp_agent_spool_sound").set(f64::from(is_sound));
    let is_known = sources.cloud.borrow().reason.is_none();
    gauge!("sp_agent_cloud_known").set(f64::from(is_known));
    gauge!("sp_agent_start_timestamp_seconds").set(sources.started.as_secs() as f64);
}
