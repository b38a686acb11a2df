//! Health questions: one cheap, authenticated read of each API, which its database has to answer.
//!
//! A version document would be cheaper, but a service whose database is down goes on telling it.

use std::time::Duration;

use futures_util::future::join_all;
use shared::model::ServiceKind;

use super::client::{Ask, Client};
use super::patience::Patience;
use super::session::Login;
use super::version::Versions;
use crate::cloud::{CloudError, Probe, ProbeOutcome, Trouble};

/// The APIs of OpenStack that are asked.
pub(super) const SERVICES: [ServiceKind; 6] = [
    ServiceKind::Identity,
    ServiceKind::Compute,
    ServiceKind::Placement,
    ServiceKind::Volume,
    ServiceKind::Network,
    ServiceKind::Image,
];

/// The longest that a health question may take, a sign-in included if there must be one. These are
/// the cheapest reads that there are: who waits longer for one calls the service down.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// Asks all of them at the same time.
pub(super) async fn all(client: &Client) -> Vec<Probe> {
    join_all(SERVICES.map(|service| one(client, service))).await
}

async fn one(client: &Client, service: ServiceKind) -> Probe {
    let outcome = match tokio::time::timeout(ANSWER_TIME_MAX, ask(client, service)).await {
        Ok(Ok((latency, versions))) => ProbeOutcome::Available {
            latency,
            versions: versions.shown,
        },
        Ok(Err(CloudError::Missing { service: missing })) if missing == service => {
            ProbeOutcome::Missing
        }
        Ok(Err(error)) => ProbeOutcome::Failing {
            trouble: Trouble::from(&error),
            reason: error.to_string(),
        },
        Err(_) => ProbeOutcome::Failing {
            trouble: Trouble::Service,
            reason: format!(
                "no answer within {} s; check that the service runs and is reachable",
                ANSWER_TIME_MAX.as_secs()
            ),
        },
    };
    Probe {
        service,
        endpoint: match outcome {
            ProbeOutcome::Missing => String::new(),
            _ => client.known_endpoint(service),
        },
        outcome,
    }
}

async fn ask(client: &Client, service: ServiceKind) -> Result<(Duration, Versions), CloudError> {
    let login = client.login().await?;
    let answer = client.get_at_once(&question(service, &login)).await?;
    // It answers, which is the question; what it offers is a line for people.
    let versions = client.versions(service, &Patience::brief()).await;
    Ok((answer.latency, versions.unwrap_or_default()))
}

fn question(service: ServiceKind, login: &Login) -> Ask<'_> {
    let one_of = |collection| Ask::new(service, [collection]).with("limit", "1");
    match service {
        ServiceKind::Compute => one_of("servers"),
        ServiceKind::Volume => one_of("volumes"),
        ServiceKind::Network => one_of("networks").with("fields", "id"),
        ServiceKind::Image => one_of("images"),
        // Placement has no pages; nothing has this name, and it looks it up all the same.
        ServiceKind::Placement => {
            Ask::new(service, ["resource_providers"]).with("name", "regroup-health-question")
        }
        ServiceKind::Identity | ServiceKind::Kubernetes => match &login.project_id {
            Some(id) => Ask::new(service, ["projects", id]),
            None => Ask::new(service, []),
        },
    }
}
