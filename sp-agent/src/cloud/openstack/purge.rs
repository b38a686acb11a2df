//! Deletes a retired project or department, if it is empty: every service that can hold something
//! of a project is asked right before, and what can't be asked is not deleted.
//!
//! Asked are Nova (servers, also soft-deleted ones, and server groups), Cinder (volumes, with which
//! transfers go; snapshots, backups, groups and their snapshots), Neutron (networks, subnets also
//! in others' networks, ports, routers, floating IPs, subnet pools, address scopes and groups, QoS
//! and RBAC policies, trunks, VPNs, security groups, and rules that somebody put into the default
//! one), Glance (images, also hidden and community ones) and Keystone (what is nested in it, and
//! all that is in a department), as far as Keystone lists them among its services. A cloud with any
//! other service that may hold something of a project (Heat, Octavia, Designate, Manila, Barbican,
//! Swift), or with services in another region, keeps the project, unless its operator lets that go
//! unseen ([`services`]). Keystone's own DELETE of a domain takes everything in it along (Identity
//! API v3, "Delete domain"), so that a department must have nothing in it at all; that of a project
//! takes its application credentials, EC2 credentials and trusts along, which nobody can use in
//! what is switched off.
//!
//! The last question is whether it is switched off still, and not much time may lie between the
//! first one and the deletion: no new token is good in a project that is switched off, and those
//! that services remember were good when it was ([`Reconciler`] waits until none is). The default
//! security group stays in Neutron, which makes it anew whenever a project's groups are listed.
//!
//! [`Reconciler`]: crate::apply::Reconciler

mod contents;
mod neutron;
mod services;

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use shared::model::{self, CloudId, ObjectKind, ServiceKind, UnixMillis};

use super::client::{Ask, Change, Client};
use super::compute::servers::Witness;
use super::identity::segment;
use super::rights;
use crate::cloud::CloudError;

/// From the first question to the deletion: longer ago, an answer says little.
pub(super) const LOOK_MAX: Duration = Duration::from_secs(30);

/// What is to be deleted, and what is known of this cloud.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purge<'a> {
    pub(super) kind: ObjectKind,
    pub(super) id: &'a CloudId,
    pub(super) name: &'a str,
    /// When the administrator said so, by the hub's clock.
    pub(super) told: UnixMillis,
    /// What of a department is removed before it.
    pub(super) along: &'a BTreeSet<CloudId>,
    /// The agent's region; `None` where the cloud has but one.
    pub(super) region: Option<&'a str>,
    /// Types of services that may hold something and are not asked.
    pub(super) unchecked: &'a [String],
    /// The time from the first question to the deletion.
    pub(super) look_max: Duration,
}

/// Where Keystone has it.
#[derive(Debug, Clone)]
struct Place {
    collection: &'static str,
    member: &'static str,
    id: String,
    name: String,
    /// What it is called in errors.
    what: String,
}

impl Place {
    fn refused(&self, reason: String) -> CloudError {
        let what = format!("delete {}", self.what);
        CloudError::Refused { what, reason }
    }
}

impl Purge<'_> {
    fn place(&self) -> Result<Place, CloudError> {
        let (collection, member) = match self.kind {
            ObjectKind::Project => ("projects", "project"),
            ObjectKind::Department => ("domains", "domain"),
            ObjectKind::User | ObjectKind::Group | ObjectKind::Role => {
                return Err(CloudError::Refused {
                    what: format!("purge a {}", self.kind.name()),
                    reason: "it is removed by an order of its own; report this as a fault"
                        .to_owned(),
                });
            }
        };
        Ok(Place {
            collection,
            member,
            id: segment(self.id)?,
            name: self.name.to_owned(),
            what: format!("the {} {:?}", self.kind.name(), self.name),
        })
    }
}

/// Asks whether it is there and empty, and changes nothing.
///
/// # Errors
/// As of [`purge`].
pub(super) async fn look(
    client: &Client,
    witness: &Witness,
    order: &Purge<'_>,
) -> Result<(), CloudError> {
    let place = order.place()?;
    is_of_now(client, order, &place)?;
    is_empty(client, witness, order, &place).await.map(drop)
}

/// Deletes it.
///
/// # Errors
/// [`CloudError::Occupied`] with what is in it, [`CloudError::Refused`] with what the agent can't
/// look into, and nothing is deleted; or any other error, as a service that does not answer may
/// have something. That it is gone already is none.
pub(super) async fn purge(
    client: &Client,
    witness: &Witness,
    order: &Purge<'_>,
) -> Result<(), CloudError> {
    let place = order.place()?;
    is_of_now(client, order, &place)?;
    let clock = client.clock();
    let begun = clock.now();
    if !is_empty(client, witness, order, &place).await? {
        return Ok(());
    }
    if !is_there_and_off(client, &place).await? {
        return Ok(());
    }
    let took = clock.now().saturating_duration_since(begun);
    let Some(left) = order.look_max.checked_sub(took).filter(|it| !it.is_zero()) else {
        return Err(place.refused(format!(
            "its services took {} s to tell that nothing is in it, and something may have been \
             made since; it is tried again by itself",
            took.as_secs()
        )));
    };
    tokio::select! {
        deleted = delete(client, &place) => deleted,
        () = clock.sleep(left) => Err(CloudError::Unreachable {
            endpoint: client.known_endpoint(ServiceKind::Identity),
            reason: format!("no answer to the deletion of {} in time", place.what),
        }),
    }
}

/// What an administrator confirmed weeks ago is no more what he would see now.
fn is_of_now(client: &Client, order: &Purge<'_>, place: &Place) -> Result<(), CloudError> {
    match model::Purge::is_old(order.told, client.clock().unix_millis()) {
        false => Ok(()),
        true => Err(place.refused(format!(
            "the word to purge it is older than {} days; say it again at the hub, after a look at \
             what is in it",
            model::Purge::GOOD_FOR.as_secs() / (24 * 3600)
        ))),
    }
}

/// Whether it is there, switched off, with nothing in it; `false` where it is gone.
async fn is_empty(
    client: &Client,
    witness: &Witness,
    order: &Purge<'_>,
    place: &Place,
) -> Result<bool, CloudError> {
    if !is_there_and_off(client, place).await? {
        return Ok(false);
    }
    let kinds = to_ask(client, order, place).await.map_err(not_mistaken)?;
    let found = match order.kind {
        ObjectKind::Department => contents::of_department(client, &place.id, order.along).await,
        _ => contents::of_project(client, (witness, &place.what), &place.id, &kinds).await,
    };
    let found = found.map_err(not_mistaken)?;
    match found.is_empty() {
        true => Ok(true),
        false => Err(CloudError::Occupied {
            what: place.what.clone(),
            found: contents::counted(&found),
        }),
    }
}

async fn delete(client: &Client, place: &Place) -> Result<(), CloudError> {
    let change = Change {
        service: ServiceKind::Identity,
        method: Method::DELETE,
        path: vec![place.collection.to_owned(), place.id.clone()],
        body: None,
    };
    match client.change(&change).await {
        Err(CloudError::Status { status: 404, .. }) => prove_gone(client, place).await,
        done => done.map(drop),
    }
}

/// Whether it is there still. One that is in use is not deleted.
async fn is_there_and_off(client: &Client, place: &Place) -> Result<bool, CloudError> {
    let ask = Ask::new(ServiceKind::Identity, [place.collection, &place.id]);
    let answer = match client.get(&ask).await {
        Err(CloudError::Status { status: 404, .. }) => {
            return prove_gone(client, place).await.map(|()| false);
        }
        answer => answer?,
    };
    let body: Value = answer.parse(&ask)?;
    let enabled = body.get(place.member).and_then(|it| it.get("enabled"));
    match enabled.and_then(Value::as_bool) {
        Some(false) => Ok(true),
        Some(true) => Err(CloudError::Occupied {
            what: place.what.clone(),
            found: "been switched on again".to_owned(),
        }),
        None => Err(answer.malformed(&ask, "it tells not whether it is enabled".to_owned())),
    }
}

/// A "not found" may be a proxy's, or that of another address than Keystone's: it counts where
/// Keystone gives the administrator a list that the thing is not in.
async fn prove_gone(client: &Client, place: &Place) -> Result<(), CloudError> {
    let proven = async {
        rights::prove(client, ServiceKind::Identity).await?;
        let ask = Ask::new(ServiceKind::Identity, [place.collection]);
        let ask = ask.with("name", place.name.as_str());
        let answer = client.get(&ask).await?;
        let body: Value = answer.parse(&ask)?;
        let Some(all) = body.get(place.collection).and_then(Value::as_array) else {
            let reason = format!("it has no list {:?}", place.collection);
            return Err(answer.malformed(&ask, reason));
        };
        let id = |it: &Value| it.get("id").and_then(Value::as_str) == Some(place.id.as_str());
        match all.iter().any(id) {
            true => Err(answer.malformed(&ask, format!("it has {}, which is not found", place.id))),
            false => Ok(()),
        }
    };
    proven.await.map_err(not_mistaken)
}

/// Keystone's list of something, and whether it is whole.
#[derive(Debug, Deserialize)]
struct Listed<T> {
    #[serde(alias = "services", alias = "endpoints")]
    all: Vec<T>,
    /// Where the operator bounds what is listed (`list_limit` in `keystone.conf`).
    #[serde(default)]
    truncated: bool,
    #[serde(default)]
    links: Links,
}

#[derive(Debug, Default, Deserialize)]
struct Links {
    next: Option<String>,
}

async fn listed<T: serde::de::DeserializeOwned>(
    client: &Client,
    collection: &'static str,
) -> Result<Vec<T>, CloudError> {
    let ask = Ask::new(ServiceKind::Identity, [collection]);
    let answer = client.get(&ask).await?;
    let listed: Listed<T> = answer.parse(&ask)?;
    match listed.truncated || listed.links.next.is_some() {
        true => Err(answer.malformed(&ask, "the list is cut short".to_owned())),
        false => Ok(listed.all),
    }
}

/// Which services have to be asked, between two proofs that the lists are an administrator's.
async fn to_ask(
    client: &Client,
    order: &Purge<'_>,
    place: &Place,
) -> Result<contents::Kinds, CloudError> {
    rights::prove(client, ServiceKind::Identity).await?;
    let listed = services::Listed {
        services: listed(client, "services").await?,
        endpoints: listed(client, "endpoints").await?,
    };
    rights::prove(client, ServiceKind::Identity).await?;
    services::to_ask(&listed, order.region, order.unchecked).map_err(|it| place.refused(it))
}

/// A list that is "not found" says nothing of the thing that is to be deleted.
fn not_mistaken(error: CloudError) -> CloudError {
    error.not_mistaken(" for a list that it should have")
}
