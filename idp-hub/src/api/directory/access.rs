//! Who may do what with the directory: decided here, and nowhere else.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::who::Who;

/// Somebody who may see and change the directory. Every account is an administrator's today; once
/// there are others, this is where they are told apart.
#[derive(Debug, Clone)]
pub(in crate::api) struct Administrator(pub Who);

impl Administrator {
    /// His name in stamps and in the audit.
    pub(super) fn name(&self) -> String {
        self.0.name().to_owned()
    }
}

impl FromRequestParts<ApiState> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        Who::from_request_parts(parts, state).await.map(Self)
    }
}
