//! Proof that a list is of all projects, for services that shorten it for others without a word.
//!
//! Nova and Keystone refuse a list of all projects to whoever may not have it. Cinder passes over
//! `all_tenants=1`, and Neutron shows one's own and shared networks: both with HTTP 200. An account
//! that lost its role would read a short list that looks whole, and the audit would remove what
//! every other project has. So each audit asks before its first page, and again after its last one,
//! because a role may be lost between them. Audits of Keystone ask as well: its list of domains is
//! for administrators by every policy that was ever shipped, while others of its lists were opened
//! to more and more roles, release by release.
//!
//! What is asked must hang on the very thing that the list hangs on: in both services the flag
//! `is_admin` of the request, which the policy `context_is_admin` sets. Other signs would deceive
//! where an operator changed policies: `os-vol-host-attr:host`, `provider:network_type` and
//! Neutron's agents each have a policy of their own, which may be opened to a role of auditors
//! whose lists are short all the same; the role's name in the token says nothing where
//! `context_is_admin` names another one; and a cloud may have no volume or network to look at.

use shared::model::ServiceKind;

use super::client::{Ask, Client};
use super::version::Microversion;
use super::volume;
use crate::cloud::CloudError;

/// From here on Cinder refuses filters that it does not allow to all; before, it dropped them.
const REFUSES_FILTERS: Microversion = Microversion(3, 31);

/// Proves that `service` shows the account the things of all projects.
///
/// # Errors
/// [`CloudError::Forbidden`] if it does not; any other if it can't be told now.
pub(super) async fn prove(client: &Client, service: ServiceKind) -> Result<(), CloudError> {
    let ask = match service {
        ServiceKind::Volume => of_cinder(client).await?,
        ServiceKind::Identity => of_keystone(),
        ServiceKind::Image => of_glance(),
        _ => of_neutron(),
    };
    match client.get(&ask).await {
        Ok(_) => Ok(()),
        Err(CloudError::Forbidden {
            endpoint, reason, ..
        }) => Err(forbidden(service, endpoint, &ask, &reason)),
        // Cinder says 400 to a filter, and Neutron 404 instead of 403 in some releases.
        Err(CloudError::Status {
            endpoint,
            reason,
            status: 400 | 404,
            ..
        }) => Err(forbidden(service, endpoint, &ask, &reason)),
        Err(error) => Err(error),
    }
}

/// Volumes of a host that there is none of, by a filter that only administrators may use, unless an
/// operator put it in `resource_filters.json`. Whoever may is answered with an empty list.
async fn of_cinder(client: &Client) -> Result<Ask<'static>, CloudError> {
    let ask = Ask::new(ServiceKind::Volume, ["volumes"])
        .at(volume::NEWEST)
        .with("host", "regroup-rights-question")
        .with("limit", "1");
    let microversion = client.microversion(&ask).await?;
    Ok(match microversion.is_some_and(|it| it >= REFUSES_FILTERS) {
        true => ask,
        // The next best: a list that stock policies give to administrators alone.
        false => Ask::new(ServiceKind::Volume, ["os-services"]),
    })
}

/// All quotas that were changed: the one read that every Neutron gives by the flag itself, and not
/// by a policy of its own. It can't be cut to a page; it is as long as the quotas of the projects
/// that have any of their own, which the audit of quotas reads one by one.
fn of_neutron() -> Ask<'static> {
    Ask::new(ServiceKind::Network, ["quotas"])
}

/// Domains of a name that none has: an empty list for whoever may have the whole one.
pub(super) fn of_keystone() -> Ask<'static> {
    Ask::new(ServiceKind::Identity, ["domains"]).with("name", "regroup-rights-question")
}

/// One task: a list that stock policies give to administrators alone (`tasks_api_access`), who are
/// by the same role those who see everybody's images. No answer hangs on Glance's flag alone.
fn of_glance() -> Ask<'static> {
    Ask::new(ServiceKind::Image, ["tasks"]).with("limit", "1")
}

fn forbidden(service: ServiceKind, endpoint: String, ask: &Ask<'_>, reason: &str) -> CloudError {
    CloudError::Forbidden {
        endpoint,
        what: format!("the {} lists of all projects", service.name()),
        reason: format!("{} is only for administrators: {reason}", ask.what()),
    }
}
