//! A region's health samples and their means of five minutes.

use std::time::Duration;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::model::{HostSample, UnixMillis};
use utoipa::{IntoParams, ToSchema};

use super::documents::Time;
use super::extract::{Page, PageQuery, Path, Query, cursor};
use super::problem::{Kind, Problem, ProblemDocument};
use super::state::ApiState;
use super::who::Who;
use crate::store::RegionNo;
use crate::store::samples::Mean;

/// What is told of samples when nobody says from when.
const SAMPLES_SPAN: Duration = Duration::from_secs(3600);

/// What is told of means when nobody says from when.
const MEANS_SPAN: Duration = Duration::from_secs(24 * 3600);

/// From when until when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SpanQuery {
    /// The first moment (RFC 3339); an hour ago for samples, a day ago for means, unless given.
    #[serde(default)]
    #[param(format = DateTime)]
    from: Option<String>,
    /// The moment before which it ends (RFC 3339); now unless given.
    #[serde(default)]
    #[param(format = DateTime)]
    to: Option<String>,
    /// How many items, 1 to 1000; 100 unless given.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the first page without it.
    #[serde(default)]
    after: Option<String>,
}

/// One file system.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DiskDocument {
    /// Where it is mounted.
    pub mount: String,
    /// In use, MiB.
    pub used_mib: u64,
    /// Size, MiB.
    pub total_mib: u64,
}

/// One network interface.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NicDocument {
    /// Its name.
    pub name: String,
    /// Received, bytes a second.
    pub received_bytes_per_s: u64,
    /// Sent, bytes a second.
    pub sent_bytes_per_s: u64,
}

/// How long one API of the cloud took to answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LatencyDocument {
    /// Which.
    pub service: String,
    /// Milliseconds; absent if it did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub millis: Option<u32>,
}

/// The health of the agent's machine, and its cloud's APIs, at one moment or in the mean.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SampleDocument {
    /// When it was taken; of a mean, when its five minutes begin.
    pub at: Time,
    /// Busy share of each core, per mille.
    pub cpu_permille: Vec<u16>,
    /// Load averages of 1, 5 and 15 minutes, in hundredths.
    pub load_centi: [u32; 3],
    /// Memory in use, MiB.
    pub memory_used_mib: u64,
    /// Memory in all, MiB.
    pub memory_total_mib: u64,
    /// File systems.
    pub disks: Vec<DiskDocument>,
    /// Network interfaces.
    pub nics: Vec<NicDocument>,
    /// How long each API took.
    pub latencies: Vec<LatencyDocument>,
}

/// A mean of five minutes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MeanDocument {
    /// The averages.
    #[serde(flatten)]
    pub mean: SampleDocument,
    /// Of how many samples.
    pub count: u32,
    /// How often each API did not answer.
    pub failures: Vec<FailuresDocument>,
}

/// How often an API did not answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FailuresDocument {
    /// Which.
    pub service: String,
    /// In how many samples.
    pub count: u32,
}

impl From<HostSample> for SampleDocument {
    fn from(sample: HostSample) -> Self {
        let disks = sample.disks.into_iter().map(|it| DiskDocument {
            mount: it.mount,
            used_mib: it.used_mib,
            total_mib: it.total_mib,
        });
        let nics = sample.nics.into_iter().map(|it| NicDocument {
            name: it.name,
            received_bytes_per_s: it.received_bytes_per_s,
            sent_bytes_per_s: it.sent_bytes_per_s,
        });
        let latencies = sample.latencies.into_iter().map(|it| LatencyDocument {
            service: it.service.name().to_owned(),
            millis: it.millis,
        });
        Self {
            at: sample.at.into(),
            cpu_permille: sample.cpu_permille,
            load_centi: sample.load_centi,
            memory_used_mib: sample.memory_used_mib,
            memory_total_mib: sample.memory_total_mib,
            disks: disks.collect(),
            nics: nics.collect(),
            latencies: latencies.collect(),
        }
    }
}

impl From<Mean> for MeanDocument {
    fn from(mean: Mean) -> Self {
        let failures = mean
            .failures
            .iter()
            .map(|(service, count)| FailuresDocument {
                service: service.name().to_owned(),
                count: *count,
            });
        Self {
            count: mean.count,
            failures: failures.collect(),
            mean: mean.sample.into(),
        }
    }
}

/// A span that was checked.
struct Span {
    no: RegionNo,
    from: UnixMillis,
    to: UnixMillis,
    limit: u32,
}

impl SpanQuery {
    fn check(self, state: &ApiState, region: &str, span: Duration) -> Result<Span, Problem> {
        let now = state.clock.unix_millis();
        let to = self.to.as_deref().map_or(Ok(now), |it| moment("to", it))?;
        let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let begins = UnixMillis(to.0.saturating_sub(span_ms));
        let from = self
            .from
            .as_deref()
            .map_or(Ok(begins), |it| moment("from", it))?;
        let page = PageQuery::new(self.limit, self.after);
        let after = page.after()?;
        let from = match <[u8; 8]>::try_from(after.as_slice()) {
            Ok(bytes) => UnixMillis(u64::from_be_bytes(bytes)),
            Err(_) if after.is_empty() => from,
            Err(_) => {
                let detail = "The cursor in `after` is not one of this list.";
                return Err(Problem::new(Kind::InvalidRequest, detail));
            }
        };
        let shown = state
            .board
            .region(region)
            .ok_or_else(|| Problem::no_region(region))?;
        Ok(Span {
            no: shown.view.no,
            from,
            to,
            limit: page.limit()?,
        })
    }
}

fn moment(name: &str, text: &str) -> Result<UnixMillis, Problem> {
    let parsed: Option<Timestamp> = text.parse().ok();
    let millis = parsed.and_then(|it| u64::try_from(it.as_millisecond()).ok());
    millis.map(UnixMillis).ok_or_else(|| {
        let detail = format!("`{name}` is not a moment such as 2026-11-21T18:00:00Z.");
        Problem::new(Kind::InvalidRequest, detail)
    })
}

fn next(next: Option<UnixMillis>, to: UnixMillis) -> Option<String> {
    next.filter(|next| *next < to)
        .map(|next| cursor(&next.0.to_be_bytes()))
}

/// A region's health samples as they came, of the last day at most.
#[utoipa::path(get, path = "/regions/{region}/samples", tag = "records",
    params(("region" = String, Path, description = "The region's name"), SpanQuery), responses(
    (status = 200, description = "Some samples, by time", body = Page<SampleDocument>),
    (status = 400, description = "A wrong time, limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
))]
pub(super) async fn samples(
    State(state): State<ApiState>,
    _: Who,
    Path(region): Path<String>,
    Query(query): Query<SpanQuery>,
) -> Result<axum::Json<Page<SampleDocument>>, Problem> {
    let Span {
        no,
        from,
        to,
        limit,
    } = query.check(&state, &region, SAMPLES_SPAN)?;
    let page = state
        .store
        .read(move |it| it.samples(no, from, to, limit))
        .await?;
    let items = page.samples.into_iter().map(Into::into).collect();
    Ok(axum::Json(Page {
        items,
        next: next(page.next, to),
    }))
}

/// Means of five minutes of a region's health samples, of the last month at most.
#[utoipa::path(get, path = "/regions/{region}/means", tag = "records",
    params(("region" = String, Path, description = "The region's name"), SpanQuery), responses(
    (status = 200, description = "Some means, by time", body = Page<MeanDocument>),
    (status = 400, description = "A wrong time, limit or cursor", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
))]
pub(super) async fn means(
    State(state): State<ApiState>,
    _: Who,
    Path(region): Path<String>,
    Query(query): Query<SpanQuery>,
) -> Result<axum::Json<Page<MeanDocument>>, Problem> {
    let Span {
        no,
        from,
        to,
        limit,
    } = query.check(&state, &region, MEANS_SPAN)?;
    let page = state
        .store
        .read(move |it| it.means(no, from, to, limit))
        .await?;
    let items = page.samples.into_iter().map(Into::into).collect();
    Ok(axum::Json(Page {
        items,
        next: next(page.next, to),
    }))
}
