//! Whether the agent could work by another credential: tried at its own cloud, before it is kept.
//!
//! It is the same cloud by construction: the same Keystone is asked, at the address that the
//! configuration names, by a client with all its options but the credential.

use std::time::Duration;

use shared::model::ServiceKind;
use shared::runtime::clock::Clock;

use super::account::revoke;
use super::check::lacks;
use super::client::Client;
use super::fault::one_line;
use super::options::{Auth, Options};
use super::patience::Patience;
use super::rights;
use super::token::Home;
use crate::cloud::CloudError;

/// The longest that it takes: a sign-in and a dozen questions at once, each tried twice at most.
/// Somebody waits for the answer.
const PROVE_MAX: Duration = Duration::from_secs(20);

/// Missing rights that are named: one is mostly the same as all.
const SHOWN_MAX: usize = 3;

/// A credential by which the agent can work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The domains that its account and its project live in: the agent's own from then on.
    pub homes: Vec<Home>,
}

/// Why a credential is not taken. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// Keystone gives no token for it.
    #[error("{0}")]
    Refused(String),
    /// It signs in, and may not do what the agent has to.
    #[error("{0}")]
    Lacking(String),
    /// The cloud gives no answer by which it could be told.
    #[error("{0}")]
    Unanswered(String),
}

/// Signs in by `auth` at the cloud of `own`, which are the agent's options, asks for all that the
/// agent needs, and gives the token back. Tried once: Keystone counts what fails. Takes 20 s at
/// most.
///
/// # Errors
/// Why the agent could not work by it, or why that can't be told.
pub async fn prove(own: &Options, auth: &Auth, clock: Clock) -> Result<Proof, Unproven> {
    let limit = clock.clone();
    tokio::select! {
        outcome = look(own, auth, clock) => outcome,
        () = limit.sleep(PROVE_MAX) => Err(Unproven::Unanswered(format!(
            "the cloud did not answer everything within {} s; try again when it does",
            PROVE_MAX.as_secs()
        ))),
    }
}

async fn look(own: &Options, auth: &Auth, clock: Clock) -> Result<Proof, Unproven> {
    let options = Options {
        auth: auth.clone(),
        ..own.clone()
    };
    let unanswered = |error: String| Unproven::Unanswered(error);
    let client = Client::new(&options, clock, Patience::brief());
    let client = client.map_err(|error| unanswered(error.to_string()))?;
    let login = client.login().await.map_err(|error| told(&error, auth))?;
    // The rest hangs on it: without Keystone's own word nothing is known of the account.
    let identity = rights::prove(&client, ServiceKind::Identity).await;
    let lacks = match &identity {
        Ok(()) => lacks(&client, &login).await,
        Err(_) => Default::default(),
    };
    revoke(&client, &login.token).await;
    match identity {
        Ok(()) => {}
        Err(error @ CloudError::Forbidden { .. }) => {
            return Err(lacking(auth, &[error.to_string()]));
        }
        Err(error) => return Err(unanswered(error.to_string())),
    }
    for what in &lacks.unanswered {
        tracing::warn!("a right of the new credential could not be looked at: {what}");
    }
    match lacks.rights.as_slice() {
        [] => Ok(Proof {
            homes: login.domains.clone(),
        }),
        rights => Err(lacking(auth, rights)),
    }
}

fn told(error: &CloudError, auth: &Auth) -> Unproven {
    match error {
        CloudError::CredentialRefused {
            endpoint,
            account,
            reason,
            means,
        } => Unproven::Refused(format!("{endpoint} refuses {account} ({reason}): {means}")),
        // A token without a catalog has no project.
        CloudError::Malformed { reason, .. } if reason.contains("needs a role") => {
            lacking(auth, std::slice::from_ref(reason))
        }
        error => Unproven::Unanswered(error.to_string()),
    }
}

fn lacking(auth: &Auth, rights: &[String]) -> Unproven {
    let shown: Vec<String> = rights
        .iter()
        .take(SHOWN_MAX)
        .map(|it| one_line(it))
        .collect();
    let more = match rights.len().saturating_sub(SHOWN_MAX) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Unproven::Lacking(format!(
        "{} signs in, but lacks what the agent needs; give it the role admin there. It may not: \
         {}{more}",
        auth.shown(),
        shown.join("; "),
    ))
}
