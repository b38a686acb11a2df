//! The routes, and the document that describes them: both come from one list, so that none of them
//! is forgotten in the other.

use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::documents::OverviewDocument;
use super::problem::{Kind, MEDIA_TYPE, Problem};
use super::state::ApiState;
use super::who::COOKIE_NAME;
use super::{
    adoptions, audit, credentials, directory, events, invitations, quotas, records, regions,
    samples, session, users,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Regroup hub",
        description = "Many private clouds, one console. Sign in with POST /session, or ask \
            through the hub's local socket. Errors are problem details (RFC 9457)."
    ),
    servers((url = "/api/v1")),
    security(("session" = []), ()),
    components(schemas(OverviewDocument)),
    tags(
        (name = "session", description = "Signing in and out"),
        (name = "regions", description = "The fleet"),
        (name = "records", description = "What regions report"),
        (name = "directory", description = "One organization for all regions"),
        (name = "audit", description = "Who did what, and whether that is still what was written"),
    )
)]
struct Described;

/// Everything under `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    let router = OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(session::sign_in, session::who, session::sign_out))
        .routes(routes!(session::set_password))
        .routes(routes!(users::set_own_password))
        .routes(routes!(regions::overview))
        .routes(routes!(regions::list))
        .routes(routes!(regions::show, regions::rename, regions::remove))
        .routes(routes!(regions::accept))
        .routes(routes!(credentials::give))
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
        .routes(routes!(directory::plan))
        .routes(routes!(directory::merge))
        .routes(routes!(directory::drift))
        .routes(routes!(directory::local_administrators))
        .routes(routes!(directory::failures))
        .routes(routes!(directory::progress))
        .routes(routes!(directory::exposures))
        .routes(routes!(quotas::quotas))
        .routes(routes!(quotas::set_limits))
        .routes(routes!(quotas::unset))
        .routes(routes!(quotas::zero))
        .routes(routes!(quotas::allocation))
        .routes(routes!(directory::retired))
        .routes(routes!(directory::show_retired))
        .routes(routes!(directory::purge, directory::cancel_purge))
        .routes(routes!(directory::put_back))
        .routes(routes!(directory::adopt_drift))
        .routes(routes!(directory::set_drift_policy))
        .routes(routes!(directory::spreads))
        .routes(routes!(directory::set_spread))
        .routes(routes!(directory::remove_spread))
        .routes(routes!(users::administrators))
        .routes(routes!(users::appoint, users::dismiss))
        .routes(routes!(directory::list, directory::create))
        .routes(routes!(directory::show, directory::update, directory::end))
        .routes(routes!(users::set_user_password, users::password_standing))
        .routes(routes!(users::unlock_user))
        .routes(routes!(users::sign_in_hold, users::admit_users))
        .routes(routes!(directory::memberships, directory::add_member))
        .routes(routes!(directory::remove_member))
        .routes(routes!(directory::implications, directory::imply))
        .routes(routes!(directory::remove_implication))
        .routes(routes!(directory::assignments, directory::assign))
        .routes(routes!(directory::remove_assignment))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(audit::backed_up))
        .routes(routes!(events::events));
    router
        .route("/openapi.json", get(|| async { axum::Json(document()) }))
        .fallback(|| async { Problem::new(Kind::NotFound, "Nothing has this address.") })
}

/// The OpenAPI document (version 3.1).
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = routes().into_openapi();
    let components = document.components.get_or_insert_default();
    let described = "The session's cookie, which POST /session sets. Through the hub's local \
        socket none is needed: its file's mode lets in administrators alone.";
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(COOKIE_NAME, described));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    for path in document.paths.paths.values_mut() {
        let operations = [
            &mut path.get,
            &mut path.put,
            &mut path.post,
            &mut path.patch,
            &mut path.delete,
        ];
        operations.into_iter().flatten().for_each(complete);
    }
    document
}

/// Adds the problems that are the same for all, so that none of them is forgotten somewhere.
fn complete(operation: &mut Operation) {
    let answers = &mut operation.responses.responses;
    let mut add = |status: &str, description: &str| {
        let known = answers.entry(status.to_owned());
        known.or_insert_with(|| problem(description).into());
    };
    add("default", "Any other problem");
    if operation.request_body.is_some() {
        add("400", "The body is not right");
        add("413", "The body is larger than any that is right");
        add("415", "The body is not declared as JSON");
    }
    for (status, answer) in answers {
        if let RefOr::T(answer) = answer
            && !status.starts_with('2')
            && let Some(content) = answer.content.swap_remove("application/json")
        {
            answer.content.insert(MEDIA_TYPE.to_owned(), content);
        }
    }
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name("ProblemDocument");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content(MEDIA_TYPE, content)
        .build()
}
