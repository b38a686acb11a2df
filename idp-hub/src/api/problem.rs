//! Every error that the API gives, as problem details (RFC 9457).
//!
//! `type` is stable and for programs, `title` and `detail` are for people, and `next_step` says
//! what to do. What failed inside is logged here, once, and not told to whoever asked.

use std::time::Duration;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::runtime::errors::chain;
use utoipa::ToSchema;

use crate::authority::OPEN_INVITATION;
use crate::directory::quota::QuotaRefusal;
use crate::directory::rights::Denied;
use crate::directory::{DriftRefusal, MergeRefusal, Refusal};
use crate::store::StoreError;

pub(crate) const IN_DETAIL: &str = "Do what it says, then try again.";
/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What each problem's `type` begins with.
const TYPE_PREFIX: &str = "urn:regroup:problem:";

/// Which problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request can't be understood, or a value in it is out of bounds.
    InvalidRequest,
    /// Nobody is signed in, or the session is over.
    SignInRequired,
    /// Account and password don't fit.
    WrongPassword,
    /// The region that knows the password can't be asked.
    RegionAway,
    /// Whoever asks may not.
    NotPermitted,
    /// A browser sent it from another site's page.
    CrossSite,
    /// There is no such thing.
    NotFound,
    /// The address does not take this method.
    MethodNotAllowed,
    /// The request took too long to arrive or to be answered.
    Timeout,
    /// A name is taken.
    NameTaken,
    /// It can't be done in the present state.
    Refused,
    /// The plan of a merge is another one than was confirmed.
    PlanChanged,
    /// No agent waits for its adoption at the address.
    AgentUnreachable,
    /// The agent may have joined, and waits to be accepted then.
    AdoptionUnsettled,
    /// The agent has another key than was confirmed.
    OtherKey,
    /// The agent's cloud does not take the account for an administrator's.
    AccountRefused,
    /// The agent can't ask its cloud.
    CloudUnreachable,
    /// The agent reaches no address of this hub.
    HubUnreachable,
    /// The body is larger than any that is right.
    TooLarge,
    /// The body is not JSON.
    NotJson,
    /// Too many attempts.
    TooManyAttempts,
    /// The hub was restored, and its regions have not said yet who was deleted since.
    SignInHeld,
    /// Something failed inside.
    Internal,
    /// The hub is busy or stops.
    Unavailable,
}

impl Kind {
    /// The end of its `type`.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid-request",
            Self::SignInRequired => "sign-in-required",
            Self::WrongPassword => "wrong-password",
            Self::RegionAway => "region-away",
            Self::NotPermitted => "not-permitted",
            Self::CrossSite => "cross-site",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Timeout => "timeout",
            Self::NameTaken => "name-taken",
            Self::Refused => "refused",
            Self::PlanChanged => "plan-changed",
            Self::AgentUnreachable => "agent-unreachable",
            Self::AdoptionUnsettled => "adoption-unsettled",
            Self::OtherKey => "other-key",
            Self::AccountRefused => "account-refused",
            Self::CloudUnreachable => "cloud-unreachable",
            Self::HubUnreachable => "hub-unreachable",
            Self::TooLarge => "too-large",
            Self::NotJson => "not-json",
            Self::TooManyAttempts => "too-many-attempts",
            Self::SignInHeld => "sign-in-held",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not right",
            Self::SignInRequired => "Nobody is signed in",
            Self::WrongPassword => "Account and password don't fit",
            Self::RegionAway => "The region can't be asked",
            Self::NotPermitted => "You may not do this",
            Self::CrossSite => "The request came from another site",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "The address does not take this method",
            Self::Timeout => "It took too long",
            Self::NameTaken => "The name is taken",
            Self::Refused => "It can't be done now",
            Self::PlanChanged => "The plan is another one by now",
            Self::AgentUnreachable => "No agent waits there",
            Self::AdoptionUnsettled => "The agent may have joined",
            Self::OtherKey => "The agent has another key",
            Self::AccountRefused => "The cloud refuses the account",
            Self::CloudUnreachable => "The agent can't ask its cloud",
            Self::HubUnreachable => "The agent can't reach this hub",
            Self::TooLarge => "The request is too large",
            Self::NotJson => "The body is not JSON",
            Self::TooManyAttempts => "Too many attempts",
            Self::SignInHeld => "No user may sign in yet",
            Self::Internal => "Something failed in the hub",
            Self::Unavailable => "The hub can't answer now",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::SignInRequired | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::NotPermitted | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::NameTaken
            | Self::Refused
            | Self::PlanChanged
            | Self::OtherKey
            | Self::AccountRefused => StatusCode::CONFLICT,
            Self::AgentUnreachable
            | Self::AdoptionUnsettled
            | Self::CloudUnreachable
            | Self::HubUnreachable => StatusCode::BAD_GATEWAY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::RegionAway | Self::SignInHeld | Self::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    pub(crate) const fn next_step(self) -> &'static str {
        match self {
            Self::InvalidRequest => "Correct it; /api/v1/openapi.json describes what is taken.",
            Self::SignInRequired => "Sign in with POST /api/v1/session.",
            Self::WrongPassword => {
                "Try again; on the hub itself, `idp-hub account password` sets a new password."
            }
            Self::RegionAway => {
                "Try again later, or have an administrator set a password: `idp-hub org password`."
            }
            Self::NotPermitted => "Ask whoever administers it, or a cloud administrator.",
            Self::CrossSite => {
                "Open the hub's own page; a proxy before it must pass on Host and Origin."
            }
            Self::NotFound => "List what there is: `idp-hub region list`, or GET /api/v1/regions.",
            Self::MethodNotAllowed => "See /api/v1/openapi.json for the methods of each address.",
            Self::Timeout => "Try again; if it lasts, look into the hub's log.",
            Self::NameTaken => "Choose another name, or remove the region that has it.",
            Self::Refused => IN_DETAIL,
            Self::PlanChanged => "Look at the plan again, and confirm the digest that it has now.",
            Self::AgentUnreachable => {
                "Check the address, that the agent runs with [adoption] in its configuration, and \
                 that its UDP port is open on the way; a door closes once its agent is joined: see \
                 `sp-agent status` there."
            }
            Self::AdoptionUnsettled => {
                "See `idp-hub region list`, and accept the region once it connects, or repeat the \
                 command."
            }
            Self::OtherKey => {
                "Compare again with `sp-agent status` on the agent's machine; if that shows the \
                 confirmed key, somebody answers in the agent's place."
            }
            Self::AccountRefused => {
                "Give the account of an administrator of that cloud, and its domain and project \
                 where they are not the usual ones."
            }
            Self::CloudUnreachable => {
                "Run `sp-agent check` on the agent's machine, then try again."
            }
            Self::HubUnreachable => {
                "Name an address of this hub that the agent can dial (UDP), then try again; by \
                 default it is link.address of the hub's configuration."
            }
            Self::TooLarge => "Send less.",
            Self::NotJson => "Send JSON, with the header Content-Type: application/json.",
            Self::TooManyAttempts => "Wait a while (Retry-After says how long), then try again.",
            Self::SignInHeld => {
                "Try again in a minute; an administrator sees with `idp-hub org status` which \
                 regions are away, and lets users in without them by `idp-hub org admit`."
            }
            Self::Internal => "Look into the hub's log: `journalctl -u idp-hub`.",
            Self::Unavailable => "Try again in a moment.",
        }
    }

    /// The problem that an answer of this status stands for, where a library made it.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::SignInRequired,
            StatusCode::FORBIDDEN => Self::CrossSite,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::Timeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::NotJson,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            other if other.is_client_error() => Self::InvalidRequest,
            _ => Self::Internal,
        }
    }
}

/// A problem to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    detail: String,
    next_step: Option<String>,
    retry_after: Option<Duration>,
}

/// A problem as it stands in the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// Which problem, for programs: `urn:regroup:problem:not-found` and the like. Never changes.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which problem, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here.
    pub detail: String,
    /// What to do about it.
    pub next_step: String,
}

impl Problem {
    /// A problem, with what happened here.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            next_step: None,
            retry_after: None,
        }
    }

    /// Which.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// With another next step than the kind's own.
    #[must_use]
    pub fn next_step(mut self, step: impl Into<String>) -> Self {
        self.next_step = Some(step.into());
        self
    }

    /// With the time after which it may go well.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Something failed inside: logged with its causes, and told without them.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(error), "a request failed");
        Self::new(Kind::Internal, "The cause stands in the hub's log.")
    }

    /// There is no region of this name.
    pub fn no_region(name: &str) -> Self {
        Self::new(Kind::NotFound, format!("There is no region {name:?}."))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let next_step = self
            .next_step
            .unwrap_or_else(|| self.kind.next_step().to_owned());
        let document = ProblemDocument {
            kind: format!("{TYPE_PREFIX}{}", self.kind.slug()),
            title: self.kind.title().to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            next_step,
        };
        let mut response = (status, axum::Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2 asks for a challenge; this one makes no browser ask by itself.
            let challenge = HeaderValue::from_static("Cookie realm=\"Regroup\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1000);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, value);
            }
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NameTaken { .. } => Self::new(Kind::NameTaken, error.to_string()),
            StoreError::Missing {
                what: "region",
                name,
            } => Self::no_region(name),
            StoreError::Missing {
                what: OPEN_INVITATION,
                ..
            } => Self::new(Kind::NotFound, error.to_string()).next_step(
                "List those that are open: `idp-hub region invitations`, or GET \
                 /api/v1/invitations.",
            ),
            StoreError::Missing { .. } => Self::new(Kind::NotFound, error.to_string()),
            StoreError::Edit(refusal) => {
                Self::new(kind_of_refusal(refusal), error.to_string()).next_step(IN_DETAIL)
            }
            StoreError::Denied(denied @ Denied::Forbidden { .. }) => {
                Self::new(Kind::NotPermitted, format!("{denied}."))
            }
            StoreError::Denied(denied) => Self::new(Kind::NotFound, format!("{denied}."))
                .next_step("List what there is: GET /api/v1/directory/users, and so on."),
            StoreError::Quota(refusal) => {
                Self::new(kind_of_quota(refusal), error.to_string()).next_step(IN_DETAIL)
            }
            StoreError::Merge(MergeRefusal::Changed { .. }) => {
                Self::new(Kind::PlanChanged, error.to_string())
            }
            StoreError::Drift(DriftRefusal::Gone { .. }) => {
                Self::new(Kind::NotFound, error.to_string())
                    .next_step("List them: `idp-hub org drift`, or GET /api/v1/directory/drift.")
            }
            StoreError::Drift(_) | StoreError::Merge(_) | StoreError::Refused(_) => {
                Self::new(Kind::Refused, error.to_string())
            }
            StoreError::Busy { retry, .. } => {
                Self::new(Kind::Unavailable, error.to_string()).retry_after(*retry)
            }
            StoreError::Closed => Self::new(Kind::Unavailable, error.to_string()),
            StoreError::Commit { .. } => Self::new(Kind::Unavailable, error.to_string())
                .next_step("Mend it, then try again."),
            _ => Self::internal(&error),
        }
    }
}

const fn kind_of_refusal(refusal: &Refusal) -> Kind {
    match refusal {
        Refusal::Missing { .. } => Kind::NotFound,
        Refusal::Ended { .. } => Kind::Refused,
        Refusal::Taken { .. } | Refusal::Held { .. } => Kind::NameTaken,
        Refusal::Wrong { .. } => Kind::InvalidRequest,
    }
}

const fn kind_of_quota(refusal: &QuotaRefusal) -> Kind {
    match refusal {
        QuotaRefusal::NoProject { .. } | QuotaRefusal::NotSet { .. } => Kind::NotFound,
        QuotaRefusal::NoResource { .. }
        | QuotaRefusal::Several { .. }
        | QuotaRefusal::NoLimit { .. }
        | QuotaRefusal::Wrong { .. } => Kind::InvalidRequest,
        QuotaRefusal::Grows { .. } => Kind::NotPermitted,
        QuotaRefusal::BelowUse { .. }
        | QuotaRefusal::NotRead { .. }
        | QuotaRefusal::OverCapacity { .. }
        | QuotaRefusal::TotalOverCapacity { .. }
        | QuotaRefusal::NotLeft { .. }
        | QuotaRefusal::OfServices { .. } => Kind::Refused,
    }
}

/// Why a library refused a request, in its words.
impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::UNPROCESSABLE_ENTITY => Kind::InvalidRequest,
            status => Kind::of_status(status),
        };
        Self::new(kind, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(Kind::InvalidRequest, rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(Kind::InvalidRequest, rejection.body_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_must_come_again_is_told_when() {
        let busy = StoreError::Busy {
            what: "plans are being made",
            retry: Duration::from_secs(5),
        };
        let answer = Problem::from(busy).into_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "5");
    }
}
