//! Adoptions: an unjoined agent is looked at by its address, and made a region.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::audit::{Act, By};
use shared::foreign::word;
use shared::pki::Fingerprint;
use shared::runtime::errors::chain;
use shared::wire::frame::{Denial, PASSWORD_BYTES_MAX};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::documents::CloudDocument;
use super::extract::Json;
use super::problem::{Kind, Problem, ProblemDocument};
use super::session::Zeroized;
use super::state::ApiState;
use super::who::{Source, Who};
use super::{audit, regions};
use crate::adoption::{self, Account, Adopted, AdoptionError, DOOR_PORT, Request};
use crate::config::HostPort;

/// The longest name of an account, a domain or a project, in bytes: as Keystone keeps them.
const NAME_BYTES_MAX: usize = 1020;

/// Addresses of this hub that an agent is told: each that it can't reach costs seconds.
const HUB_ADDRESSES_MAX: usize = 4;

/// An adoption that is under way is mostly over after this.
const UNDER_WAY_WAIT: Duration = Duration::from_secs(10);

/// Which agent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LookAsked {
    /// Its management address, `HOST` or `HOST:PORT` (UDP); the port is 7444 unless given.
    address: String,
}

/// An agent that waits for its adoption. All but its key is its own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoorDocument {
    /// Its address.
    pub address: String,
    /// The fingerprint of the key that it has proven to hold: to be compared with what
    /// `sp-agent status` shows on its machine.
    pub key_fingerprint: String,
    /// Its release.
    pub software: String,
    /// Its host name.
    pub host: String,
    /// Its cloud; an empty version as long as it could not be read.
    pub cloud: CloudDocument,
}

/// Look at an unjoined agent that waits for its adoption. Changes nothing.
#[utoipa::path(post, path = "/adoptions/look", tag = "regions", request_body = LookAsked,
    responses(
    (status = 200, description = "The agent", body = DoorDocument),
    (status = 400, description = "Not an address", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 502, description = "No agent waits there", body = ProblemDocument),
    (status = 503, description = "Too many adoptions at once", body = ProblemDocument),
))]
pub(super) async fn look(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Json(asked): Json<LookAsked>,
) -> Result<axum::Json<DoorDocument>, Problem> {
    let door = address(&asked.address)?;
    let place = state.adoptions.reserve().ok_or_else(busy)?;
    let found = adoption::look(&door).await;
    drop(place);
    let by = who.name();
    let act = Act::new(audit::by(&who, source), "look").on("door", "", door.to_string());
    let act = match &found {
        Ok(found) => act.changing("", format!("key={}", found.key)),
        Err(error) => act.with_outcome(format!("failed: {}", error.name())),
    };
    state.store.audit(act).await?;
    let found = found.inspect_err(|error| {
        let outcome = error.name();
        tracing::info!(target: "audit", action = "look", %door, by, %source, outcome, "failed");
    })?;
    tracing::info!(target: "audit", action = "look", %door, by, %source, key = %found.key, "seen");
    Ok(axum::Json(DoorDocument {
        address: door.to_string(),
        key_fingerprint: found.key.to_string(),
        software: found.software,
        host: found.host,
        cloud: CloudDocument {
            kind: found.cloud.kind.name().to_owned(),
            version: found.cloud.version,
            endpoint: found.cloud.endpoint,
        },
    }))
}

/// Which agent, under which name, and by whom of its cloud.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AdoptAsked {
    /// Its management address, `HOST` or `HOST:PORT` (UDP); the port is 7444 unless given.
    address: String,
    /// The fingerprint that was compared, 64 hexadecimal digits. Whoever has another key is sent
    /// nothing.
    fingerprint: String,
    /// The name that the region will have.
    name: String,
    /// An administrator of the agent's cloud.
    account: String,
    /// Its password. The agent checks both at its own cloud; nobody keeps them.
    #[schema(format = Password)]
    password: Zeroized,
    /// The account's domain; Keystone's Default unless given.
    #[serde(default)]
    user_domain: Option<String>,
    /// The project in which it is an administrator; the agent's own unless given.
    #[serde(default)]
    project: Option<String>,
    /// The project's domain; Keystone's Default unless given.
    #[serde(default)]
    project_domain: Option<String>,
    /// Where the agent is to dial this hub, `HOST:PORT`, at most 4; `link.address` of the hub's
    /// configuration unless given. It also tries where this hub's own call comes from.
    #[serde(default)]
    hub_addresses: Vec<String>,
}

/// A region that was adopted, and accepted with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdoptionDocument {
    /// Its name.
    pub region: String,
    /// Its id.
    pub id: String,
    /// The fingerprint of its key.
    pub key_fingerprint: String,
    /// The hub's address that the agent reached; empty where its answer was lost on the way.
    pub hub_address: String,
}

/// Adopt an unjoined agent: it checks the account at its own cloud, joins this hub, and is accepted
/// as a region. Takes up to a minute, and goes on if the asker leaves. After a failure the
/// invitation is withdrawn, and the same request may be made again; the agent is not joined, but
/// for `adoption-unsettled`: then it may have joined, and waits to be accepted.
#[utoipa::path(post, path = "/adoptions", tag = "regions", request_body = AdoptAsked,
    responses(
    (status = 201, description = "Adopted", body = AdoptionDocument),
    (status = 400, description = "Not an address, a fingerprint or a name for a region",
        body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 409, description = "A region has the name or the key or is being adopted, the agent \
        has another key, or its cloud refuses the account", body = ProblemDocument),
    (status = 429, description = "Too many accounts were refused at this agent",
        body = ProblemDocument),
    (status = 502, description = "No agent waits there, it can't reach its cloud or this hub, or \
        its answer is lost", body = ProblemDocument),
    (status = 503, description = "Too many adoptions at once", body = ProblemDocument),
))]
pub(super) async fn adopt(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Json(asked): Json<AdoptAsked>,
) -> Result<(StatusCode, axum::Json<AdoptionDocument>), Problem> {
    let request = request(&state, asked)?;
    let name = request.name.clone();
    let place = state.adoptions.reserve().ok_or_else(busy)?;
    regions::audit("adopt", &name, &who, source);
    let by = audit::by(&who, source);
    let (reply, outcome) = oneshot::channel();
    let label = format!("of {}", request.door);
    // In a task of its own: an asker who leaves must not leave the work half done.
    place.spawn(label, async move {
        let adopted = state
            .shutdown
            .until_draining(perform(&state, by, request))
            .await;
        // Who asked may be gone, and the audit has it anyway.
        let _ = reply.send(adopted);
    });
    let stopping = || Problem::new(Kind::Unavailable, "The hub stops.");
    let adopted = outcome.await.ok().flatten().ok_or_else(stopping)??;
    let document = AdoptionDocument {
        region: name,
        id: adopted.region.to_string(),
        key_fingerprint: adopted.key.to_string(),
        hub_address: adopted.hub_address,
    };
    Ok((StatusCode::CREATED, axum::Json(document)))
}

/// Adopts, with a line for the audit whatever comes of it.
async fn perform(state: &ApiState, by: By, request: Request) -> Result<Adopted, AdoptionError> {
    let (door, region, key) = (request.door.clone(), request.name.clone(), request.key);
    let adopted = state.adopter.by(by.clone()).adopt(request).await;
    let outcome = adopted
        .as_ref()
        .err()
        .map_or("adopted", AdoptionError::name);
    tracing::info!(target: "audit", action = "adopt", region, %door, %key, outcome);
    let act = Act::new(by, "adopt").on("region", "", region.as_str());
    let act = act.changing("", format!("door={door} key={key}"));
    let act = match &adopted {
        Ok(_) => act,
        Err(error) => act.with_outcome(format!("failed: {}", error.name())),
    };
    // What was done in the store has entries of its own; this one says that it was an adoption.
    if let Err(error) = state.store.audit(act).await {
        let error = chain(&error).to_string();
        tracing::error!(error, region, "an adoption is not in the audit trail");
    }
    adopted
}

fn request(state: &ApiState, asked: AdoptAsked) -> Result<Request, Problem> {
    let account = Account {
        user: asked.account.into(),
        password: asked.password.take(),
        user_domain: asked.user_domain,
        project: asked.project,
        project_domain: asked.project_domain,
    };
    check(&account)?;
    if asked.hub_addresses.len() > HUB_ADDRESSES_MAX {
        let detail = format!("There are more than {HUB_ADDRESSES_MAX} hub_addresses.");
        return Err(invalid(detail));
    }
    let mut hub_addresses = Vec::new();
    for text in &asked.hub_addresses {
        let wrong = |error| invalid(format!("hub_addresses: {text:?} {error}."));
        hub_addresses.push(text.parse::<HostPort>().map_err(wrong)?);
    }
    if hub_addresses.is_empty() {
        hub_addresses.push(state.link_address.clone());
    }
    let key: Fingerprint = asked
        .fingerprint
        .to_ascii_lowercase()
        .parse()
        .map_err(|error| invalid(format!("fingerprint: {error}.")))?;
    Ok(Request {
        door: address(&asked.address)?,
        key,
        name: asked.name,
        hub_addresses,
        account,
    })
}

fn check(account: &Account) -> Result<(), Problem> {
    let given = |name: &Option<String>| name.as_ref().map(String::len);
    let bounds = [
        ("account", Some(account.user.len()), NAME_BYTES_MAX),
        ("password", Some(account.password.len()), PASSWORD_BYTES_MAX),
        ("user_domain", given(&account.user_domain), NAME_BYTES_MAX),
        ("project", given(&account.project), NAME_BYTES_MAX),
        (
            "project_domain",
            given(&account.project_domain),
            NAME_BYTES_MAX,
        ),
    ];
    for (what, bytes, bytes_max) in bounds {
        match bytes {
            Some(0) => return Err(invalid(format!("{what} is empty."))),
            Some(bytes) if bytes > bytes_max => {
                return Err(invalid(format!("{what} has more than {bytes_max} bytes.")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// An agent's address, with the usual port where none is given.
fn address(text: &str) -> Result<HostPort, Problem> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let found = match HostPort::new(bare, DOOR_PORT) {
        Err(_) if text.contains(':') => text.parse::<HostPort>(),
        found => found,
    };
    found.map_err(|error| {
        invalid(format!("address: {text:?} {error}."))
            .next_step("Write HOST or HOST:PORT, as `sp-agent status` shows the port there.")
    })
}

fn invalid(detail: String) -> Problem {
    Problem::new(Kind::InvalidRequest, detail)
}

fn busy() -> Problem {
    Problem::new(Kind::Unavailable, "As many adoptions as may are going on.")
}

impl From<AdoptionError> for Problem {
    fn from(error: AdoptionError) -> Self {
        let kind = match &error {
            AdoptionError::Unreachable { .. }
            | AdoptionError::NotADoor { .. }
            | AdoptionError::Unanswered { .. } => Kind::AgentUnreachable,
            AdoptionError::Unsettled { .. } => Kind::AdoptionUnsettled,
            AdoptionError::OtherKey { .. } => Kind::OtherKey,
            AdoptionError::KeyRegistered { .. } => Kind::NameTaken,
            AdoptionError::UnderWay { .. } | AdoptionError::OtherRegion { .. } => Kind::Refused,
            AdoptionError::Denied { denial, .. } => match denial {
                Denial::Account | Denial::NotAdministrator => Kind::AccountRefused,
                Denial::Cloud => Kind::CloudUnreachable,
                Denial::Hub => Kind::HubUnreachable,
                Denial::TooMany => Kind::TooManyAttempts,
                Denial::Busy => Kind::Unavailable,
                Denial::Unreadable | Denial::Join | Denial::Agent | Denial::Other(_) => {
                    Kind::Refused
                }
            },
            AdoptionError::Tls(_) | AdoptionError::Socket(_) | AdoptionError::Encode(_) => {
                return Self::internal(&error);
            }
            AdoptionError::Authority(_) => match error {
                AdoptionError::Authority(error) => return error.into(),
                _ => Kind::Internal,
            },
        };
        let problem = Self::new(kind, sentence(&error.to_string()));
        match &error {
            AdoptionError::Denied { wait, .. } if !wait.is_zero() => problem.retry_after(*wait),
            AdoptionError::KeyRegistered { name } => problem.next_step(format!(
                "If that region's agent has left, remove the region first: `idp-hub region remove \
                 {}`.",
                word(name)
            )),
            AdoptionError::UnderWay { .. } => problem
                .next_step("Wait for its end: `idp-hub region list` shows what has come of it.")
                .retry_after(UNDER_WAY_WAIT),
            AdoptionError::Unsettled { name } => problem.next_step(format!(
                "`idp-hub region list` shows it: once it connects, `idp-hub region accept \
                 {}`. Or repeat the command.",
                word(name)
            )),
            AdoptionError::OtherRegion { .. } => problem.next_step(
                "See `sp-agent status` on its machine for where it has joined, and have it leave.",
            ),
            AdoptionError::Denied {
                denial: Denial::Agent,
                ..
            } => problem.next_step("Look into the agent's log: `journalctl -u sp-agent`."),
            _ => problem,
        }
    }
}

/// With a capital and a full stop, as the API's details are; an address stays as it is.
pub(super) fn sentence(text: &str) -> String {
    if text.starts_with("http") {
        return format!("{}.", text.trim_end_matches('.'));
    }
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string());
    let rest = letters.as_str().trim_end_matches('.');
    format!("{}{rest}.", first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital_but_for_an_address() {
        assert_eq!(sentence("the hub waits."), "The hub waits.");
        let (text, told) = ("http://cloud/v3 refuses", "http://cloud/v3 refuses.");
        assert_eq!(sentence(text), told);
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn an_address_without_a_port_has_the_usual_one() {
        for (text, expected) in [
            ("10.0.0.7", "10.0.0.7:7444"),
            (" agent.example:9000 ", "agent.example:9000"),
            ("[2001:db8::1]", "[2001:db8::1]:7444"),
            ("2001:db8::1", "[2001:db8::1]:7444"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), expected);
        }
        for (wrong, why) in [
            ("", "no DNS name or IP address"),
            ("agent example", "no DNS name or IP address"),
            ("10.0.0.7:0", "no port at its end"),
            ("http://agent", "is a URL"),
            ("999.1.1.1", "no IPv4 address"),
            ("999.1.1.1:7444", "no IPv4 address"),
        ] {
            let told = format!("{:?}", address(wrong).unwrap_err());
            assert!(told.contains(why), "{wrong}: {told}");
        }
    }
}
