//! What Prometheus scrapes.
//!
//! Counters are counted where things happen, through the `metrics` crate. Gauges that the daemon
//! knows anyway are set when somebody scrapes. Names follow Prometheus' own advice: base units,
//! `_total` for what only grows.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use shared::link::agent::Phase;
use shared::model::Feed;

use super::gather::{Sources, bytes_of};
use crate::apply::Progress;
use crate::spool::Condition;

/// Something else counts already.
#[derive(Debug, thiserror::Error)]
#[error("metrics have been begun already in this process")]
pub struct MetricsError;

/// A handle on all metrics. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    /// What the hub held of each feed when it was last heard, in the order of [`Feed::ALL`].
    held: Arc<Mutex<[Option<u64>; Feed::ALL.len()]>>,
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
        let durations = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(durations, &DURATION_BUCKETS);
        let recorder = builder.map_err(|_| MetricsError)?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError)?;
        describe();
        let held = Arc::default();
        Ok(Self { handle, held })
    }

    /// Everything in Prometheus' text format (version 0.0.4).
    pub fn render(&self, sources: &Sources) -> String {
        set_gauges(sources);
        set_directory(&sources.progress.borrow());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        set_unacknowledged(sources, &mut *held);
        drop(held);
        self.handle.run_upkeep();
        self.handle.render()
    }
}

/// Seconds: from what a service takes for a small question to where every request is given up.
const DURATION_BUCKETS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Every phase of the link.
const PHASES: [&str; 6] = [
    "waiting",
    "dialing",
    "greeting",
    "pending",
    "following",
    "stopped",
];

/// Every allegiance, so that the ones that do not hold are told as 0.
const STATES: [&str; 5] = ["unjoined", "damaged", "pending", "following", "autonomous"];

fn describe() {
    describe_gauge!("sp_agent_allegiance", "1 for the allegiance that holds");
    describe_gauge!(
        "sp_agent_directory_items",
        "Things and links of the directory in this cloud, by how they stand"
    );
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
    describe_gauge!("sp_agent_link", "1 for the phase of the link to the hub");
    describe_gauge!(
        "sp_agent_unacknowledged_changes",
        "Changes of a feed that no hub has acknowledged, also while none is heard"
    );
    describe_gauge!("sp_agent_spool_bytes", Unit::Bytes, "The spool's files");
    describe_counter!(
        "sp_agent_cloud_requests_total",
        "Requests to the cloud, by service and outcome"
    );
    describe_histogram!(
        "sp_agent_cloud_request_duration_seconds",
        Unit::Seconds,
        "How long requests to the cloud take, by service"
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
    let phase = member.link.as_ref().map(|link| link.phase.name());
    for it in PHASES {
        gauge!("sp_agent_link", "phase" => it).set(f64::from(phase == Some(it)));
    }
    if let Some(until) = member.identity.and_then(|it| it.certificate_until) {
        gauge!("sp_agent_certificate_expiry_timestamp_seconds").set(until.as_secs() as f64);
    }
    if let Some(at) = member.link.and_then(|link| link.last_acked) {
        gauge!("sp_agent_last_acknowledged_timestamp_seconds").set(at.as_secs() as f64);
    }
    let is_sound = *sources.spool.condition().borrow() == Condition::Sound;
    gauge!("sp_agent_spool_sound").set(f64::from(is_sound));
    // Three look-ups of names that are in memory: the spool has them open.
    gauge!("sp_agent_spool_bytes").set(bytes_of(&sources.spool.path()) as f64);
    let is_known = sources.cloud.borrow().reason.is_none();
    gauge!("sp_agent_cloud_known").set(f64::from(is_known));
    gauge!("sp_agent_start_timestamp_seconds").set(sources.started.as_secs() as f64);
}

#[allow(clippy::cast_precision_loss, reason = "Prometheus' figures are floats")]
fn set_directory(progress: &Progress) {
    for (state, count) in [
        ("in-place", progress.in_place),
        ("under-way", progress.under_way),
        ("waiting", progress.waiting),
        ("held", progress.held()),
        ("failed", progress.failed_count),
        ("drift", progress.drift_count),
    ] {
        gauge!("sp_agent_directory_items", "state" => state).set(count as f64);
    }
}

/// While the hub is heard, it says what it lacks; else what it held then is what counts.
#[allow(clippy::cast_precision_loss, reason = "Prometheus' figures are floats")]
fn set_unacknowledged(sources: &Sources, held: &mut [Option<u64>]) {
    let link = sources.member.borrow().link.clone();
    let heard = link.filter(|link| matches!(link.phase, Phase::Following { .. }));
    for (feed, held) in Feed::ALL.into_iter().zip(held) {
        let head = sources.spool.extent(feed).head;
        if let Some(link) = &heard {
            let behind = link.behind.iter().find(|(it, _)| *it == feed);
            *held = Some(head.saturating_sub(behind.map_or(0, |(_, changes)| *changes)));
        }
        if let Some(held) = held {
            // A spool that was made anew begins below what was held of the old one.
            let changes = head.checked_sub(*held).unwrap_or(head);
            gauge!("sp_agent_unacknowledged_changes", "feed" => feed.name()).set(changes as f64);
        }
    }
}
