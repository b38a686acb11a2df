//! What Prometheus scrapes.
//!
//! Counters are counted where things happen, through the `metrics` crate. Gauges that the board
//! knows anyway are set when somebody scrapes, so that they cost nothing in between. Names follow
//! Prometheus' own advice: base units, `_total` for what only grows, no region names as labels, for
//! a fleet has thousands.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use shared::model::Totals;

use crate::overview::{FleetBoard, Shown};
use crate::store::Figures;
use crate::store::directory::ApplyingSums;

/// Seconds: from what a commit takes to what somebody complains about.
const DURATION_BUCKETS: [f64; 11] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// A handle on all metrics. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The buckets are wrong.
    #[error("cannot set up the metrics")]
    Build(#[from] BuildError),
    /// Something else counts already.
    #[error("metrics have been begun already in this process")]
    Twice,
}

impl Metrics {
    /// Begins counting for the whole process. Call once.
    ///
    /// # Errors
    /// If it was called before.
    pub fn install() -> Result<Self, MetricsError> {
        let recorder = builder()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Twice)?;
        describe();
        Ok(Self { handle })
    }

    /// Metrics that nothing counts into, for tests that have many hubs in one process.
    ///
    /// # Errors
    /// If the buckets are wrong.
    pub fn detached() -> Result<Self, MetricsError> {
        Ok(Self {
            handle: builder()?.build_recorder().handle(),
        })
    }

    /// Everything in Prometheus' text format (version 0.0.4). Without sums of the directory, which
    /// only a store that answers has, those are as they were.
    pub fn render(&self, board: &FleetBoard, directory: Option<&ApplyingSums>) -> String {
        show(&board.shown());
        if let Some(sums) = directory {
            show_directory(sums);
        }
        self.handle.run_upkeep();
        self.handle.render()
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let durations = Matcher::Suffix("_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(durations, &DURATION_BUCKETS)
}

/// What grows, by name.
const COUNTERS: [(&str, &str); 7] = [
    (
        "idp_hub_handshakes_retried_total",
        "Callers asked to prove their address first, as many came at once",
    ),
    (
        "idp_hub_handshakes_refused_total",
        "Handshakes not answered or failed, by reason",
    ),
    (
        "idp_hub_sessions_refused_total",
        "Sessions refused after the handshake, by reason",
    ),
    (
        "idp_hub_records_ingested_total",
        "Records acknowledged, by feed",
    ),
    (
        "idp_hub_samples_passed_over_total",
        "Health samples acknowledged and not kept, by reason",
    ),
    ("idp_hub_commits_total", "Transactions, by outcome"),
    (
        "idp_hub_sign_ins_refused_total",
        "Sign-ins refused, by reason, which whoever signed in may not have been told",
    ),
];

/// What is measured, by name.
const GAUGES: [(&str, &str); 11] = [
    (
        "idp_hub_directory_items",
        "Things and links of the directory in all regions, by how their agents say they stand",
    ),
    ("idp_hub_regions", "Regions by state"),
    (
        "idp_hub_regions_by_reason",
        "Regions by the reason of their state",
    ),
    (
        "idp_hub_regions_lacking",
        "Regions of whose figures not all is known, which the sums lack, by the figures",
    ),
    ("idp_hub_sessions", "Agents with an open session"),
    (
        "idp_hub_connections",
        "QUIC connections, those that begin and end included",
    ),
    ("idp_hub_handshakes", "Handshakes going on"),
    (
        "idp_hub_handshakes_waiting",
        "Callers that have proven their address and wait for a place",
    ),
    (
        "idp_hub_store_bytes",
        "Bytes of the store's files, by file; looked at every 10 s",
    ),
    (
        "idp_hub_store_queue_jobs",
        "Jobs that waited for the writer after its latest commit",
    ),
    (
        "idp_hub_certificate_expiry_timestamp_seconds",
        "When a certificate ends, by certificate",
    ),
];

/// What is measured often enough to be spread over buckets, by name; seconds.
const DURATIONS: [(&str, &str); 2] = [
    (
        "idp_hub_commit_duration_seconds",
        "From a transaction's beginning until it is durable",
    ),
    (
        "idp_hub_acknowledgement_lag_seconds",
        "From a batch's arrival at the writer until it is durable; the longest of each commit",
    ),
];

fn describe() {
    for (name, help) in COUNTERS {
        describe_counter!(name, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    for (name, help) in DURATIONS {
        describe_histogram!(name, Unit::Seconds, help);
    }
    for name in Totals::NAMES {
        let (name, factor) = metric_of(name);
        let unit = if factor > 1 { Unit::Bytes } else { Unit::Count };
        describe_gauge!(name, unit, "Sum over all regions, as last reported");
    }
}

fn show(shown: &Shown) {
    for (state, count) in shown.counts.states() {
        gauge!("idp_hub_regions", "state" => state.code()).set(count);
    }
    for (reason, count) in shown.counts.reasons() {
        gauge!("idp_hub_regions_by_reason", "reason" => reason.code()).set(count);
    }
    for figures in Figures::ALL {
        let count = shown.sums.lacking(figures);
        gauge!("idp_hub_regions_lacking", "figures" => figures.name()).set(count);
    }
    for (name, figure) in Totals::NAMES.iter().zip(shown.sums.totals.to_array()) {
        let (name, factor) = metric_of(name);
        // Beyond 2^53 bytes a gauge is rounded, by less than a part in 2^52.
        gauge!(name).set(figure as f64 * factor as f64);
    }
}

#[allow(clippy::cast_precision_loss, reason = "Prometheus' figures are floats")]
fn show_directory(sums: &ApplyingSums) {
    for (state, count) in sums.states() {
        gauge!("idp_hub_directory_items", "state" => state).set(count as f64);
    }
}

/// A figure's metric, and what one of its units is in Prometheus' base units.
fn metric_of(figure: &str) -> (String, u64) {
    for (suffix, factor) in [("_mib", 1 << 20), ("_gib", 1 << 30)] {
        if let Some(name) = figure.strip_suffix(suffix) {
            return (format!("idp_hub_{name}_bytes"), factor);
        }
    }
    // `_total` is for counters, and what is usable may shrink.
    let name = figure
        .strip_suffix("_total")
        .map(|name| format!("{name}_usable"));
    (format!("idp_hub_{}", name.as_deref().unwrap_or(figure)), 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn figures_have_metrics_of_their_own_in_base_units() {
        assert_eq!(
            metric_of("servers_running"),
            ("idp_hub_servers_running".to_owned(), 1)
        );
        assert_eq!(
            metric_of("memory_used_mib"),
            ("idp_hub_memory_used_bytes".to_owned(), 1 << 20)
        );
        assert_eq!(
            metric_of("vcpus_total"),
            ("idp_hub_vcpus_usable".to_owned(), 1)
        );
        let names: BTreeSet<_> = Totals::NAMES.map(|name| metric_of(name).0).into();
        assert_eq!(names.len(), Totals::COUNT);
    }
}
