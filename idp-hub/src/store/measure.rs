//! What the writer tells whoever scrapes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};
use shared::model::Feed;
use shared::runtime::clock::Clock;

use super::samples::Passed;

/// Samples that were not kept.
const PASSED_OVER: &str = "idp_hub_samples_passed_over_total";

/// How often the files are looked at.
const SIZE_INTERVAL: Duration = Duration::from_secs(10);

/// A sample is not kept. One of a transaction that fails counts again when it is sent again.
pub(in crate::store) fn passed_over(why: Passed) {
    counter!(PASSED_OVER, "reason" => why.name()).increment(1);
}

/// Of one commit.
#[derive(Debug, Default)]
pub(in crate::store) struct Measured {
    /// When the batch that waited longest was handed over.
    oldest: Option<Instant>,
    /// Records that came, in the order of [`Feed::ALL`].
    records: [u64; Feed::ALL.len()],
}

impl Measured {
    /// A feed's frame was taken.
    pub(in crate::store) fn taken(&mut self, handed: Instant) {
        self.oldest = Some(self.oldest.map_or(handed, |oldest| oldest.min(handed)));
    }

    /// These records of it will be acknowledged.
    pub(in crate::store) fn records(&mut self, feed: Feed, records: usize) {
        let mut counts = Feed::ALL.iter().zip(&mut self.records);
        if let Some((_, count)) = counts.find(|(it, _)| **it == feed) {
            *count += records as u64;
        }
    }
}

/// Counts commits, and looks at the files from time to time.
#[derive(Debug)]
pub(in crate::store) struct Measure {
    path: PathBuf,
    clock: Clock,
    sized: Option<Instant>,
}

impl Measure {
    /// Of the database at `path`.
    pub(in crate::store) fn new(path: PathBuf, clock: Clock) -> Self {
        // What never happened is told as 0: a rate can only be taken of what was there before.
        for why in Passed::ALL {
            counter!(PASSED_OVER, "reason" => why.name()).increment(0);
        }
        let sized = None;
        Self { path, clock, sized }
    }

    /// A group was committed, or was not; `begun` is when its transaction was, and `queued` how
    /// many jobs wait behind it.
    pub(in crate::store) fn committed(
        &mut self,
        begun: Instant,
        well: bool,
        it: &Measured,
        queued: usize,
    ) {
        let now = self.clock.now();
        let outcome = if well { "ok" } else { "failed" };
        counter!("idp_hub_commits_total", "outcome" => outcome).increment(1);
        gauge!("idp_hub_store_queue_jobs").set(queued as f64);
        if well {
            let took = now.saturating_duration_since(begun);
            histogram!("idp_hub_commit_duration_seconds").record(took);
            if let Some(oldest) = it.oldest {
                let lag = now.saturating_duration_since(oldest);
                histogram!("idp_hub_acknowledgement_lag_seconds").record(lag);
            }
            for (feed, count) in Feed::ALL.iter().zip(it.records) {
                counter!("idp_hub_records_ingested_total", "feed" => feed.name()).increment(count);
            }
        }
        if self
            .sized
            .is_none_or(|at| now.saturating_duration_since(at) >= SIZE_INTERVAL)
        {
            self.sized = Some(now);
            self.size();
        }
    }

    fn size(&self) {
        for (file, ending) in [("database", ""), ("log", "-wal")] {
            let mut path = self.path.clone().into_os_string();
            path.push(ending);
            let bytes = std::fs::metadata(path).map_or(0, |found| found.len());
            gauge!("idp_hub_store_bytes", "file" => file).set(bytes as f64);
        }
    }
}
