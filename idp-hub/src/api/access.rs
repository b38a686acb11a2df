//! Who may ask for what: one table of all routes, looked up before any handler runs.
//!
//! A route that is not in it is for cloud administrators alone, and a test fails until it is. What
//! a user of the directory may do with one thing of it is decided by
//! [`rights`](crate::directory::rights), where the thing is known.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::audit::Act;
use shared::foreign;

use super::audit;
use super::problem::{Kind, Problem};
use super::state::ApiState;
use super::who::{Source, Who};
use crate::store::audit::Passing;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody.
    Anybody,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever is signed in, for what is his.
    Share,
    /// Cloud administrators.
    Cloud,
}

/// What stands before each path.
const PREFIX: &str = "/api/v1";

/// Of what was asked for the trail is told as much, in columns: a path with two names in it.
const ASKED_COLUMNS_MAX: usize = 200;

/// Every path, and who may ask there by which method.
const ROUTES: &[(&str, &[(&str, Access)])] = {
    use Access::{Anybody, Cloud, Share, SignedIn};
    const READ: &[(&str, Access)] = &[("GET", Cloud)];
    const LINKS: &[(&str, Access)] = &[("GET", Share), ("POST", Share)];
    const LINK: &[(&str, Access)] = &[("DELETE", Share)];
    &[
        ("/openapi.json", &[("GET", Anybody)]),
        (
            "/session",
            &[("POST", Anybody), ("GET", SignedIn), ("DELETE", SignedIn)],
        ),
        ("/session/password", &[("PUT", SignedIn)]),
        ("/accounts/{name}/password", &[("PUT", Cloud)]),
        ("/overview", READ),
        ("/events", READ),
        ("/regions", READ),
        (
            "/regions/{region}",
            &[("GET", Cloud), ("PATCH", Cloud), ("DELETE", Cloud)],
        ),
        ("/regions/{region}/accept", &[("POST", Cloud)]),
        ("/regions/{region}/credential", &[("POST", Cloud)]),
        ("/regions/{region}/servers", READ),
        ("/regions/{region}/volumes", READ),
        ("/regions/{region}/networks", READ),
        ("/regions/{region}/floating-ips", READ),
        ("/regions/{region}/nodes", READ),
        ("/regions/{region}/storage-pools", READ),
        ("/regions/{region}/quotas", READ),
        ("/regions/{region}/services", READ),
        ("/regions/{region}/samples", READ),
        ("/regions/{region}/means", READ),
        ("/regions/{region}/organization/plan", READ),
        ("/regions/{region}/organization/merge", &[("POST", Cloud)]),
        ("/regions/{region}/organization/policy", &[("PUT", Cloud)]),
        ("/regions/{region}/organization/administrators", READ),
        ("/regions/{region}/limits", &[("PUT", Share)]),
        ("/regions/{region}/limits/unset", &[("POST", Cloud)]),
        ("/regions/{region}/limits/zero", &[("POST", Cloud)]),
        ("/regions/{region}/allocation", READ),
        ("/regions/{region}/drift/{id}/put-back", &[("POST", Cloud)]),
        ("/regions/{region}/drift/{id}/adopt", &[("POST", Cloud)]),
        ("/invitations", &[("GET", Cloud), ("POST", Cloud)]),
        ("/invitations/{region}", &[("DELETE", Cloud)]),
        ("/adoptions", &[("POST", Cloud)]),
        ("/adoptions/look", &[("POST", Cloud)]),
        ("/audit", READ),
        ("/audit/verify", READ),
        ("/audit/backups", &[("POST", Cloud)]),
        ("/directory/drift", READ),
        ("/directory/failures", READ),
        ("/directory/progress", READ),
        ("/directory/exposures", READ),
        ("/directory/administrators", READ),
        (
            "/directory/administrators/{id}",
            &[("PUT", Cloud), ("DELETE", Cloud)],
        ),
        (
            "/directory/sign-in-hold",
            &[("GET", Cloud), ("DELETE", Cloud)],
        ),
        ("/directory/retired", READ),
        ("/directory/retired/{id}", READ),
        (
            "/directory/retired/{id}/purge",
            &[("POST", Cloud), ("DELETE", Cloud)],
        ),
        ("/directory/quotas", &[("GET", Share)]),
        ("/directory/spreads", &[("GET", Share)]),
        ("/directory/spreads/{project}", &[("PUT", Cloud)]),
        (
            "/directory/spreads/{project}/{resource}",
            &[("DELETE", Cloud)],
        ),
        ("/directory/{kind}", LINKS),
        (
            "/directory/{kind}/{id}",
            &[("GET", Share), ("PATCH", Share), ("DELETE", Share)],
        ),
        (
            "/directory/users/{id}/password",
            &[("GET", Share), ("PUT", Share)],
        ),
        ("/directory/users/{id}/lock", &[("DELETE", Share)]),
        ("/directory/memberships", LINKS),
        ("/directory/memberships/{id}", LINK),
        ("/directory/implications", LINKS),
        ("/directory/implications/{id}", LINK),
        ("/directory/assignments", LINKS),
        ("/directory/assignments/{id}", LINK),
    ]
};

/// Who may ask for this; `None` where nobody has said.
fn stated(method: &str, path: &str) -> Option<Access> {
    let method = match method {
        "HEAD" => "GET",
        method => method,
    };
    let (_, methods) = ROUTES.iter().find(|(route, _)| *route == path)?;
    let found = methods.iter().find(|(it, _)| *it == method);
    found.map(|(_, access)| *access)
}

/// Lets through whoever may ask, and says to the handler who it is.
pub(super) async fn admit(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        // No route: the answer is that nothing is there.
        return next.run(request).await;
    };
    let path = path.as_str();
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let access = stated(request.method().as_str(), path).unwrap_or(Access::Cloud);
    if access == Access::Anybody {
        return next.run(request).await;
    }
    let asked = Who::of_request(&state, &request);
    let who = match asked.await {
        Ok(who) => who,
        Err(problem) => return problem.into_response(),
    };
    if access == Access::Cloud
        && let Err(problem) = who.is_cloud_administrator()
    {
        tell(&state, &who, &request, path);
        return problem.into_response();
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// Tells the trail who asked for what is for cloud administrators alone: no handler does, as none
/// is reached. Of each route for itself, so that nobody hides one attempt behind others.
fn tell(state: &ApiState, who: &Who, request: &Request, route: &str) {
    let reason = Kind::NotPermitted.slug();
    let Some(silenced) = state.admit_asked(route) else {
        return;
    };
    let (source, path) = (Source::of(request.extensions()), request.uri().path());
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let asked = format!("{} {path}", request.method());
    let asked = foreign::cut(&asked, ASKED_COLUMNS_MAX);
    let by = who.name();
    tracing::warn!(
        target: "audit", action = "ask", by, %source, asked, reason, silenced, "refused"
    );
    let act = Act::new(audit::by(who, source), "ask").on("route", "", asked);
    let act = audit::outcome(act, reason, silenced);
    state.store.audit_soon(Passing::Refusal, act);
}

impl Who {
    /// Whether he is one.
    pub(super) fn is_cloud_administrator(&self) -> Result<(), Problem> {
        match self {
            Self::Local | Self::Account(_) => Ok(()),
            Self::User(user) if user.is_administrator => Ok(()),
            Self::User(_) => Err(Problem::new(
                Kind::NotPermitted,
                "This is for cloud administrators.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_says_who_may_ask_and_nothing_else_does() {
        let document = serde_json::to_value(crate::api::openapi::document()).unwrap();
        let mut served = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                served.insert((path.clone(), method.to_uppercase()));
            }
        }
        served.insert(("/openapi.json".to_owned(), "GET".to_owned()));
        let stated = ROUTES.iter().flat_map(|(path, methods)| {
            let pair = |method: &str| ((*path).to_owned(), method.to_owned());
            methods.iter().map(move |(method, _)| pair(method))
        });
        assert_eq!(served, stated.collect());
    }

    #[test]
    fn what_nobody_has_said_is_for_cloud_administrators() {
        assert_eq!(stated("HEAD", "/overview"), Some(Access::Cloud));
        assert_eq!(stated("POST", "/session"), Some(Access::Anybody));
        assert_eq!(stated("PUT", "/overview"), None);
        assert_eq!(stated("GET", "/nowhere"), None);
    }
}
