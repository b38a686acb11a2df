//! Invitations: what is carried to a region so that it may join.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::audit::by;
use super::documents::Time;
use super::extract::{Json, Path};
use super::problem::{Problem, ProblemDocument};
use super::regions::audit;
use super::state::ApiState;
use super::who::{Source, Who};
use crate::authority::INVITATION_LIFETIME;

/// For whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    /// The name that the region will have.
    region: String,
    /// How long the token is good, in seconds: 60 to 3600, and 3600 unless given.
    #[serde(default)]
    lifetime_seconds: Option<u64>,
}

/// A new invitation. Its token is shown this one time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationDocument {
    /// The name that the region will have.
    pub region: String,
    /// The token, a secret.
    pub token: String,
    /// What the agent dials.
    pub hub_address: String,
    /// What to run at the region. It asks for the token, or reads it from standard input: among
    /// its arguments every user of that machine would see it.
    pub command: String,
    /// Until when it is good.
    pub expires: Time,
    /// Whether an earlier one for this name was still open, and is now good for nothing.
    pub replaces: bool,
}

/// An open invitation. Nobody here knows its token any more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenInvitation {
    /// The name that the region will have.
    pub region: String,
    /// Until when it is good.
    pub expires: Time,
}

/// All open invitations.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenInvitations {
    /// By name.
    pub items: Vec<OpenInvitation>,
}

/// Invite a region. An earlier open invitation for the name is good for nothing any more.
#[utoipa::path(post, path = "/invitations", tag = "regions", request_body = Invite, responses(
    (status = 201, description = "The invitation", body = InvitationDocument),
    (status = 400, description = "Not a name for a region, or a wrong lifetime",
        body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 409, description = "A region has the name", body = ProblemDocument),
))]
pub(super) async fn invite(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Json(asked): Json<Invite>,
) -> Result<(StatusCode, axum::Json<InvitationDocument>), Problem> {
    let lifetime = asked
        .lifetime_seconds
        .map_or(INVITATION_LIFETIME, Duration::from_secs);
    let authority = state.authority.by(by(&who, source));
    let invitation = authority.invite(&asked.region, lifetime).await?;
    audit("invite", &asked.region, &who, source);
    let (token, address) = (invitation.token.to_text(), state.link_address.to_string());
    let document = InvitationDocument {
        region: invitation.region_name,
        token: token.to_string(),
        command: format!("sp-agent join --hub {address} -"),
        hub_address: address,
        expires: invitation.expires.into(),
        replaces: invitation.replaces,
    };
    Ok((StatusCode::CREATED, axum::Json(document)))
}

/// Invitations that were not used yet.
#[utoipa::path(get, path = "/invitations", tag = "regions", responses(
    (status = 200, description = "Open invitations", body = OpenInvitations),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(super) async fn list(
    State(state): State<ApiState>,
    _: Who,
) -> Result<axum::Json<OpenInvitations>, Problem> {
    let open = state.authority.invitations().await?;
    let items = open.into_iter().map(|it| OpenInvitation {
        region: it.region_name,
        expires: it.expires.into(),
    });
    Ok(axum::Json(OpenInvitations {
        items: items.collect(),
    }))
}

/// Make an open invitation good for nothing.
#[utoipa::path(delete, path = "/invitations/{region}", tag = "regions",
    params(("region" = String, Path, description = "The name that it is for")), responses(
    (status = 204, description = "Withdrawn"),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 404, description = "None is open for this name", body = ProblemDocument),
))]
pub(super) async fn withdraw(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(region): Path<String>,
) -> Result<StatusCode, Problem> {
    state
        .authority
        .by(by(&who, source))
        .withdraw(&region)
        .await?;
    audit("withdraw", &region, &who, source);
    Ok(StatusCode::NO_CONTENT)
}
