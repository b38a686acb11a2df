//! The routes, and the document that describes them: both come from one list, so that none of them
//! is forgotten in the other.

use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::documents::OverviewDocument;
use super::problem::{Kind, Problem};
use super::state::ApiState;
use super::{adoptions, events, invitations, records, regions, samples, session};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Regroup hub",
        description = "Many private clouds, one console. Sign in with POST /session, or ask \
            through the hub's local socket. Errors are problem details (RFC 9457)."
    ),
    servers((url = "/api/v1")),
    components(schemas(OverviewDocument)),
    tags(
        (name = "session", description = "Signing in and out"),
        (name = "regions", description = "The fleet"),
        (name = "records", description = "What regions report"),
    )
)]
struct Described;

/// Everything under `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    let router = OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(session::sign_in, session::who, session::sign_out))
        .routes(routes!(session::set_password))
        .routes(routes!(regions::overview))
        .routes(routes!(regions::list))
        .routes(routes!(regions::show, regions::rename, regions::remove))
        .routes(routes!(regions::accept))
        .routes(routes!(invitations::invite, invitations::list))
        .routes(routes!(invitations::withdraw))
        .routes(routes!(adoptions::look))
        .routes(routes!(adoptions::adopt))
        .routes(routes!(records::servers))
        .routes(routes!(records::volumes))
        .routes(routes!(records::networks))
        .routes(routes!(records::floating_ips))
        .routes(routes!(records::nodes))
        .routes(routes!(records::storage_pools))
        .routes(routes!(records::quotas))
        .routes(routes!(records::services))
        .routes(routes!(samples::samples))
        .routes(routes!(samples::means))
        .routes(routes!(events::events));
    router
        .route("/openapi.json", get(|| async { axum::Json(document()) }))
        .fallback(|| async { Problem::new(Kind::NotFound, "Nothing has this address.") })
}

/// The OpenAPI document (version 3.1).
pub fn document() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}
