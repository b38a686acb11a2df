//! The hub's face for programs: REST under `/api/v1`, events, metrics, and the overview page.
//!
//! ```text
//! serve: HTTPS ─┐                      ┌─ board: what is shown
//!               ├─▶ layers ─▶ handlers ┼─ store: records, accounts, sessions
//! serve: socket ┘     who?             └─ authority: invite, accept, rename, remove
//! ```
//!
//! One router for both ways in. Over HTTPS a session's cookie says who asks; through the local
//! socket everybody is an administrator, because its file's mode lets in nobody else. Who may ask
//! for what stands in one table, `access`. Every error is a [`problem`].

mod access;
mod adoptions;
mod audit;
mod credentials;
mod directory;
mod documents;
mod events;
mod extract;
mod invitations;
mod layers;
pub mod limiter;
mod openapi;
mod page;
pub mod passwords;
mod per_asker;
pub mod problem;
mod quotas;
mod records;
mod regions;
mod samples;
pub mod serve;
mod session;
mod state;
mod users;
mod visits;
mod who;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

pub use adoptions::{AdoptionDocument, DoorDocument};
pub use audit::{
    AuditDocument, AuditEntryDocument, AuditHeadDocument, AuditSubjectDocument, BrokenDocument,
    VerifiedDocument,
};
pub use credentials::CredentialDocument;
pub use directory::{
    CountDocument, CountsDocument, CuredDocument, DepartmentDocument, DifferenceDocument,
    DriftPolicyDocument, ExposureDocument, ExposuresDocument, InsideDocument, LeftDocument,
    LinkDocument, LinkEndDocument, LinksDocument, LocalAdministratorDocument,
    LocalAdministratorsDocument, MergedDocument, NamedDocument, NeedsPasswordDocument,
    ObjectDocument, PersonDocument, PlacedDocument, PlanDocument, ProgressDocument, RemarkDocument,
    RetiredDocument, SpreadDocument, SpreadShareDocument, StepDocument, WithheldDocument,
};
pub use documents::{
    CloudDocument, LackingDocument, OverviewDocument, RegionDocument, StatesDocument, Time,
    TotalsDocument,
};
pub use events::RegionsEvent;
pub use extract::Page;
pub use invitations::{InvitationDocument, OpenInvitation, OpenInvitations};
pub use openapi::document as openapi_document;
use problem::{Kind, Problem};
pub use quotas::{
    AllocationDocument, HoldingsDocument, LeftoverDocument, LimitsSetDocument, LimitsSetList,
    LimitsWaitingDocument, ProjectQuotaDocument, ResourceAllocationDocument, ResourceQuotaDocument,
    ShareDocument, SumDocument,
};
pub use records::{
    CapacityDocument, FloatingIpDocument, NetworkDocument, NodeDocument, QuotaDocument,
    QuotaResourceDocument, ServerDocument, ServiceDocument, StoragePoolDocument, VolumeDocument,
};
pub use regions::{OverviewAnswer, ShortRegion};
pub use samples::{
    DiskDocument, FailuresDocument, LatencyDocument, MeanDocument, NicDocument, SampleDocument,
};
pub use session::SessionDocument;
pub use state::{ApiParts, ApiState};
pub use users::{
    AdministratorDocument, AdministratorsDocument, BeyondDocument, PasswordDocument,
    PasswordStandingDocument, REFUSED_AFTER, RefusalDocument, Regions, SignInHoldDocument,
};
pub use who::{COOKIE_NAME, LocalPeer};

/// Everything that is served over HTTPS.
pub fn web_router(state: ApiState) -> Router {
    visits::begin_counting();
    let (api, _) = openapi::routes().split_for_parts();
    let admit = axum::middleware::from_fn_with_state(state.clone(), access::admit);
    let router = Router::new()
        .nest("/api/v1", api.layer(admit))
        .merge(page::routes())
        .route("/healthz", get(healthy))
        .fallback(|| async { Problem::new(Kind::NotFound, "Nothing has this address.") })
        .with_state(state);
    layers::around(router)
}

/// Everything that is served through the local socket: the same, as an administrator, and metrics.
pub fn local_router(state: ApiState) -> Router {
    metrics_router(state.clone())
        .merge(web_router(state))
        .layer(axum::Extension(LocalPeer))
}

/// Metrics alone, for their own listener.
pub fn metrics_router(state: ApiState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(state)
}

async fn metrics(State(state): State<ApiState>) -> ([(&'static str, &'static str); 1], String) {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let sums = state.store.read(|it| it.applying_sums()).await.ok();
    let text = state.metrics.render(&state.board, sums.as_ref());
    ([("content-type", kind)], text)
}

/// Whether the store answers.
async fn healthy(State(state): State<ApiState>) -> Result<axum::Json<serde_json::Value>, Problem> {
    state.store.read(|_| Ok(())).await?;
    Ok(axum::Json(serde_json::json!({ "status": "ok" })))
}
