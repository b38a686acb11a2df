//! Sets limits: one request a project and service, with those that are to change alone; those that
//! were said to be forced by another one. Services take all of a request or nothing, so that one
//! that is refused is asked again by halves: what one resource can't have holds up no other.
//!
//! - Nova: `PUT /os-quota-sets/{tenant_id}` (Compute API reference, "Quota sets"). Without a
//!   microversion: the first one takes every resource that any later one shows. It refuses a limit
//!   below what is used and reserved, unless `force` is true.
//! - Cinder: `PUT /v3/{admin_project_id}/os-quota-sets/{project_id}` (Block Storage API v3). It
//!   refuses such a limit, whatever is said.
//! - Neutron: `PUT /v2.0/quotas/{project_id}` (Networking API v2.0). From 2025.1 on it refuses such
//!   a limit, unless `force` is true; before it checks nothing, and before Yoga (2022) it does not
//!   know that word.
//!
//! Unlimited is -1 with all three.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Map, Value, json};
use shared::model::{Limit, Quota, QuotaResource, ServiceKind};

use super::super::client::{Change, Client};
use super::super::identity::segment;
use super::super::projects::Project;
use super::of_project;
use crate::cloud::{CloudError, QuotaOrder, QuotaSet, RefusedLimits, told_limits};

/// Sets the limits, and reads what the quota was and is then.
///
/// # Errors
/// As [`Cloud::set_quota`](crate::cloud::Cloud::set_quota).
pub(in crate::cloud::openstack) async fn set(
    client: &Client,
    order: &QuotaOrder,
) -> Result<QuotaSet, CloudError> {
    // What can't be asked for is refused before anybody is asked.
    change(order, &order.limits, false)?;
    // What it was is for the audit trail alone: who can't tell it may still set it.
    let before = read(client, order).await;
    let mut refused = send(client, order).await?;
    let mut quota = None;
    if refused.names.len() < order.limits.len() {
        // They are set whatever comes of this; the next audit tells what they are.
        quota = read(client, order).await;
    }
    for it in quota.iter().flat_map(|it| others(order, it)) {
        refused.add(it.name.clone(), not_taken(order, it));
    }
    let Some(first) = refused.first.take() else {
        return Ok(QuotaSet {
            before,
            quota,
            refused: None,
        });
    };
    let error = refused.told(order, first);
    if refused.names.len() >= order.limits.len() {
        return Err(error);
    }
    let names = refused.names;
    Ok(QuotaSet {
        before,
        quota,
        refused: Some(RefusedLimits { names, error }),
    })
}

/// The quota as it is, if it can be read.
async fn read(client: &Client, order: &QuotaOrder) -> Option<Quota> {
    let project = Project {
        id: order.project.clone(),
        name: order.name.clone(),
    };
    let read = of_project(client, order.service, project).await;
    read.ok().flatten()
}

/// What was not set, and why the first of it.
#[derive(Debug, Default)]
struct Refused {
    names: BTreeSet<String>,
    first: Option<CloudError>,
}

impl Refused {
    fn add(&mut self, name: String, error: CloudError) {
        self.names.insert(name);
        self.first.get_or_insert(error);
    }

    /// Of one among several it is said which.
    fn told(&self, order: &QuotaOrder, first: CloudError) -> CloudError {
        if order.limits.len() == 1 || !is_refusal(&first) {
            return first;
        }
        let limits = order.limits.iter();
        let limits = told_limits(limits.filter(|it| self.names.contains(&it.name)));
        CloudError::Refused {
            what: format!("get {limits} set for {:?}", order.name),
            reason: match first {
                CloudError::Refused { reason, .. } => reason,
                first => first.to_string(),
            },
        }
    }
}

/// Whether a service says that it will not, and not that it can't for now.
const fn is_refusal(error: &CloudError) -> bool {
    matches!(
        error,
        CloudError::Conflict { .. }
            | CloudError::Refused { .. }
            | CloudError::Status {
                status: 400 | 409 | 413 | 422,
                ..
            }
    )
}

/// Asks for all of it: at most twice as often as there are limits.
async fn send(client: &Client, order: &QuotaOrder) -> Result<Refused, CloudError> {
    // Cinder does not know the word.
    let is_forced = |it: &Limit| it.force && order.service != ServiceKind::Volume;
    let limits = order.limits.iter().cloned();
    let (forced, plain): (Vec<Limit>, Vec<Limit>) = limits.partition(is_forced);
    let mut groups = vec![forced, plain];
    let mut refused = Refused::default();
    while let Some(mut group) = groups.pop() {
        let Some(first) = group.first() else {
            continue;
        };
        let change = change(order, &group, is_forced(first))?;
        let Err(error) = client.change(&change).await else {
            continue;
        };
        if !is_refusal(&error) {
            // Whoever can't for now is not asked for the rest.
            let rest = groups.into_iter().flatten().chain(group);
            rest.for_each(|it| refused.add(it.name, error.clone()));
            refused.first = Some(error);
            break;
        }
        if group.len() == 1 {
            refused.add(group.swap_remove(0).name, error);
            continue;
        }
        let half = group.split_off(group.len() / 2);
        groups.extend([half, group]);
    }
    Ok(refused)
}

/// Resources that have another limit than was set just now. With unified limits Nova takes whatever
/// is sent, says that all is well, and does nothing: what a project may use stands in Keystone then
/// (Compute documentation, "Manage Unified Limits Quotas").
fn others<'a>(
    order: &QuotaOrder,
    read: &'a Quota,
) -> impl Iterator<Item = &'a QuotaResource> + use<'a> {
    let asked: BTreeMap<String, Option<u64>> = order
        .limits
        .iter()
        .map(|it| (it.name.clone(), it.limit))
        .collect();
    let told = read.resources.iter();
    told.filter(move |it| asked.get(&it.name).is_some_and(|asked| *asked != it.limit))
}

fn not_taken(order: &QuotaOrder, other: &QuotaResource) -> CloudError {
    let limit = other
        .limit
        .map_or_else(|| "none".to_owned(), |it| it.to_string());
    CloudError::Refused {
        what: format!("get {} set for {:?}", order.told(), order.name),
        reason: format!(
            "the {} service said yes, and still has {limit} as the limit of {}; where it works by \
             unified limits, set it in Keystone (`openstack limit set`)",
            order.service.name(),
            other.name
        ),
    }
}

fn change(order: &QuotaOrder, limits: &[Limit], is_forced: bool) -> Result<Change, CloudError> {
    let service = order.service;
    let project = segment(&order.project)?;
    let path: &[&str] = match service {
        ServiceKind::Network => &["quotas", &project],
        ServiceKind::Compute | ServiceKind::Volume => &["os-quota-sets", &project],
        _ => return Err(no_quota(service)),
    };
    let member = match service {
        ServiceKind::Network => "quota",
        _ => "quota_set",
    };
    let limits = limits.iter();
    let limits = limits.map(|it| (it.name.clone(), it.limit.map_or(json!(-1), Value::from)));
    let mut limits: Map<String, Value> = limits.collect();
    if is_forced {
        limits.insert("force".to_owned(), json!(true));
    }
    let body = Map::from_iter([(member.to_owned(), Value::Object(limits))]);
    Ok(Change {
        service,
        method: Method::PUT,
        path: path.iter().map(|it| (*it).to_owned()).collect(),
        body: Some(body.into()),
    })
}

fn no_quota(service: ServiceKind) -> CloudError {
    CloudError::Refused {
        what: format!("set a quota in the {} service", service.name()),
        reason: "only compute, volume and network have any; report this as a fault".to_owned(),
    }
}
