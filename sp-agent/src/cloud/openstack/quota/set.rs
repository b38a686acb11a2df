//! Sets limits: one request a project and service, with those that are to change alone.
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

use reqwest::Method;
use serde_json::{Map, Value, json};
use shared::model::{Quota, QuotaResource, ServiceKind};

use super::super::client::{Change, Client};
use super::super::identity::segment;
use super::super::projects::Project;
use super::of_project;
use crate::cloud::{CloudError, QuotaOrder};

/// Sets the limits, and reads what the quota is then.
///
/// # Errors
/// As [`Cloud::set_quota`](crate::cloud::Cloud::set_quota).
pub(in crate::cloud::openstack) async fn set(
    client: &Client,
    order: &QuotaOrder,
) -> Result<Option<Quota>, CloudError> {
    let change = change(order)?;
    client.change(&change).await?;
    let project = Project {
        id: order.project.clone(),
        name: order.name.clone(),
    };
    // They are set whatever comes of this; the next audit tells what they are.
    let read = of_project(client, order.service, project).await;
    let read = read.ok().flatten();
    match read.as_ref().and_then(|it| first_other(order, it)) {
        Some(other) => Err(not_taken(order, other)),
        None => Ok(read),
    }
}

/// A resource that has another limit than was set just now. With unified limits Nova takes whatever
/// is sent, says that all is well, and does nothing: what a project may use stands in Keystone then
/// (Compute documentation, "Manage Unified Limits Quotas").
fn first_other<'a>(order: &QuotaOrder, read: &'a Quota) -> Option<&'a QuotaResource> {
    let mut limits = order.limits.iter();
    limits.find_map(|asked| {
        let told = read.resources.iter().find(|it| it.name == asked.name);
        told.filter(|it| it.limit != asked.limit)
    })
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

fn change(order: &QuotaOrder) -> Result<Change, CloudError> {
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
    let limits = order.limits.iter();
    let limits = limits.map(|it| (it.name.clone(), it.limit.map_or(json!(-1), Value::from)));
    let mut limits: Map<String, Value> = limits.collect();
    let is_forced = order.limits.iter().any(|it| it.force);
    // Cinder does not know the word.
    if is_forced && service != ServiceKind::Volume {
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
