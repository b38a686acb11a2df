//! What this cloud is, in one line for people.

use futures_util::future::join_all;
use shared::model::{CloudDescription, CloudKind, ServiceKind};

use super::client::Client;
use super::patience::Patience;
use super::probe::SERVICES;
use crate::cloud::CloudError;

/// Signs in, and asks each service that the catalog has for its versions.
pub(super) async fn describe(client: &Client) -> Result<CloudDescription, CloudError> {
    client.login().await?;
    let told = join_all(SERVICES.map(|service| version(client, service))).await;
    let told: Vec<String> = told.into_iter().flatten().collect();
    Ok(CloudDescription {
        kind: CloudKind::OpenStack,
        version: told.join(", "),
        endpoint: client.keystone().to_string(),
    })
}

/// `None` for a service that this cloud does not have; without a number for one that does not
/// answer, because the others should be told all the same.
async fn version(client: &Client, service: ServiceKind) -> Option<String> {
    match client.versions(service, &Patience::brief()).await {
        Ok(versions) => Some(format!("{} {}", project(service), versions.line())),
        Err(CloudError::Missing { .. }) => None,
        Err(_) => Some(project(service).to_owned()),
    }
}

/// The OpenStack project that makes a service: what operators call it.
pub(super) const fn project(service: ServiceKind) -> &'static str {
    match service {
        ServiceKind::Identity => "Keystone",
        ServiceKind::Compute => "Nova",
        ServiceKind::Placement => "Placement",
        ServiceKind::Volume => "Cinder",
        ServiceKind::Network => "Neutron",
        ServiceKind::Image => "Glance",
        ServiceKind::Kubernetes => "Kubernetes",
    }
}
