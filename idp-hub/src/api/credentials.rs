//! Another credential for a region's cloud: sealed to its agent, which tries it and keeps it.
//!
//! Nothing of it is kept here, or logged. The audit trail is told who gave one of which kind to
//! which region, and what came of it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::audit::Act;
use shared::model::{CloudCredential, NamedDomain};
use shared::pki::{Context, SealedFor};
use shared::runtime::errors::chain;
use shared::wire::frame::{Fate, encode_credential};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::adoptions::sentence;
use super::audit;
use super::extract::{Json, Path};
use super::problem::{Kind, Problem, ProblemDocument};
use super::session::Zeroized;
use super::state::ApiState;
use super::who::{Source, Who};
use crate::downlink::CallError;
use crate::overview::ShownRegion;

/// The way out where the hub can't give it.
const LOCALLY: &str = "Give it on the agent's machine: `sp-agent credential set`.";

/// As whom the region's agent is to sign in at its cloud: an application credential, or an account
/// with its password. What is not given of an account is as until now.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialAsked {
    /// An application credential's id.
    #[serde(default)]
    application_credential_id: Option<String>,
    /// Its secret.
    #[serde(default)]
    #[schema(format = Password)]
    secret: Option<Zeroized>,
    /// Or an account's name.
    #[serde(default)]
    account: Option<String>,
    /// Its password.
    #[serde(default)]
    #[schema(format = Password)]
    password: Option<Zeroized>,
    /// The account's domain, by name.
    #[serde(default)]
    user_domain: Option<String>,
    /// The project in which it is an administrator, by name.
    #[serde(default)]
    project: Option<String>,
    /// The project's domain, by name.
    #[serde(default)]
    project_domain: Option<String>,
}

/// A credential that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialDocument {
    /// The region.
    pub region: String,
    /// As whom its agent signs in from now on.
    pub account: String,
}

/// Give a region's agent another credential for its cloud. It is sealed to the agent's key; the
/// agent tries it at its own cloud (the same Keystone, and all that the agent needs), keeps it only
/// if it works, and uses it at once. Takes up to half a minute. Nothing of it is kept at the hub.
#[utoipa::path(post, path = "/regions/{region}/credential", tag = "regions",
    params(("region" = String, Path, description = "Its name")),
    request_body = CredentialAsked, responses(
    (status = 200, description = "It works, and is kept", body = CredentialDocument),
    (status = 400, description = "Not a credential", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not a cloud administrator", body = ProblemDocument),
    (status = 404, description = "No such region", body = ProblemDocument),
    (status = 409, description = "The region's cloud refuses it, it lacks a right there, or the \
        agent takes none from a hub: the one until now goes on", body = ProblemDocument),
    (status = 502, description = "The agent can't ask its cloud", body = ProblemDocument),
    (status = 503, description = "The region is away", body = ProblemDocument),
))]
pub(super) async fn give(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(name): Path<String>,
    Json(asked): Json<CredentialAsked>,
) -> Result<axum::Json<CredentialDocument>, Problem> {
    let offered = asked.offered()?;
    let region = state.board.region(&name);
    let region = region.ok_or_else(|| Problem::no_region(&name))?;
    let busy = || {
        let detail = "As many credentials as may are on their way to regions.";
        Problem::new(Kind::Unavailable, detail).next_step("Try again in half a minute.")
    };
    let place = state.credentials.reserve().ok_or_else(busy)?;
    let (reply, outcome) = oneshot::channel();
    let label = format!("of {name}");
    // In a task of its own: the audit has it also where the asker leaves before the answer.
    place.spawn(label, async move {
        let given = send_and_tell(&state, &region, &offered, (&who, source)).await;
        // Who asked may be gone.
        let _ = reply.send(given);
    });
    let stopping = |_| Problem::new(Kind::Unavailable, "The hub stops.");
    let account = outcome.await.map_err(stopping)??;
    Ok(axum::Json(CredentialDocument {
        region: name,
        account,
    }))
}

/// Gives it to the region's agent, with an entry in the audit trail whatever comes of it.
async fn send_and_tell(
    state: &ApiState,
    region: &ShownRegion,
    offered: &CloudCredential,
    (who, source): (&Who, Source),
) -> Result<String, Problem> {
    let given = send(state, region, offered, who.name()).await;
    let (name, by, kind) = (region.view.facts.name.as_str(), who.name(), offered.kind());
    let outcome = given
        .as_ref()
        .map_or_else(|it| it.kind().slug(), |_| "kept");
    tracing::info!(
        target: "audit", action = "set-credential", region = name, kind, by, %source, outcome
    );
    let act = Act::new(audit::by(who, source), "set-credential");
    let act = act.on("region", region.view.facts.id, name);
    let act = act.changing("", format!("kind={kind}"));
    let act = match &given {
        Ok(_) => act,
        Err(problem) => act.with_outcome(format!("failed: {}", problem.kind().slug())),
    };
    // The agent's own trail has it too; and what is kept there is kept, whatever fails here.
    if let Err(error) = state.store.audit(act).await {
        let error = chain(&error).to_string();
        tracing::error!(
            error,
            region = name,
            "a credential is not in the audit trail"
        );
    }
    given
}

impl CredentialAsked {
    fn offered(self) -> Result<CloudCredential, Problem> {
        let secret = |it: Option<Zeroized>| it.map(Zeroized::take).unwrap_or_default();
        let named = |it: Option<String>| it.map(NamedDomain::Name);
        let offered = match (self.application_credential_id, self.account) {
            (Some(id), None) => CloudCredential::Application {
                id,
                secret: secret(self.secret),
            },
            (None, Some(user)) => CloudCredential::Password {
                user,
                password: secret(self.password),
                user_domain: named(self.user_domain),
                project: self.project,
                project_domain: named(self.project_domain),
            },
            (Some(_), Some(_)) | (None, None) => {
                let detail = "Give application_credential_id and secret, or account and password.";
                return Err(Problem::new(Kind::InvalidRequest, detail));
            }
        };
        let checked = offered.check();
        checked
            .map_err(|fault| Problem::new(Kind::InvalidRequest, sentence(&fault.to_string())))?;
        Ok(offered)
    }
}

/// As whom the agent signs in from now on.
async fn send(
    state: &ApiState,
    region: &ShownRegion,
    offered: &CloudCredential,
    by: &str,
) -> Result<String, Problem> {
    let (no, id) = (region.view.no, region.view.facts.id);
    let key = state.store.read(move |it| it.sealing_key(no)).await?;
    let key = key.ok_or_else(|| {
        let detail = "The region's agent has not told yet to which key secrets are sealed.";
        Problem::new(Kind::RegionAway, detail).next_step(LOCALLY)
    })?;
    let context = Context {
        federation: state.authority.hub_facts().federation,
        region: id,
        purpose: SealedFor::Credential,
    };
    let bytes = encode_credential(offered, state.clock.unix_millis())
        .map_err(|error| Problem::internal(&error))?;
    let sealed = key.seal(&context, &bytes);
    let sealed = sealed.map_err(|error| Problem::internal(&error))?;
    let given = state.regions().give(no, sealed, by.to_owned()).await;
    let (fate, text) = given.map_err(unanswered)?;
    match fate {
        Fate::Kept => Ok(text),
        Fate::Refused | Fate::Lacking => Err(Problem::new(Kind::AccountRefused, sentence(&text))
            .next_step("The one until now goes on. Correct it, and give it again.")),
        Fate::Unanswered => Err(Problem::new(Kind::CloudUnreachable, sentence(&text))),
        Fate::NotTaken => Err(Problem::new(Kind::Refused, sentence(&text)).next_step(LOCALLY)),
    }
}

fn unanswered(error: CallError) -> Problem {
    let detail = sentence(&error.to_string());
    let problem = Problem::new(Kind::RegionAway, detail);
    match error {
        CallError::Away | CallError::Unable(_) => problem.next_step(LOCALLY),
        // It may have been kept all the same.
        CallError::Late | CallError::Lost(_) => problem.next_step(
            "See `idp-hub region show`: it may have been kept all the same. If it was not, give it \
             again, or on the agent's machine: `sp-agent credential set`.",
        ),
    }
}
