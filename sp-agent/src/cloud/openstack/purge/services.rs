//! Whether an agent looks into all that can hold something of a project, by Keystone's own lists of
//! services and endpoints (Identity API v3, `GET /v3/services`, `GET /v3/endpoints`). These are the
//! administrator's: a token's catalog leaves out what is switched off, or hidden from its project.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use shared::model::ServiceKind;

use super::super::catalog::types;

/// What is asked for what it has of a project.
const LOOKED_INTO: [ServiceKind; 4] = [
    ServiceKind::Compute,
    ServiceKind::Volume,
    ServiceKind::Network,
    ServiceKind::Image,
];

/// Other types under which clouds list what is looked into already.
const ALIASES: [(&str, ServiceKind); 3] = [
    ("compute_legacy", ServiceKind::Compute),
    ("computev21", ServiceKind::Compute),
    ("volumev2", ServiceKind::Volume),
];

/// Types of services that hold nothing which a project would miss: they measure, and keep count of
/// what others hold.
const HARMLESS: [&str; 11] = [
    "identity",
    "placement",
    "metering",
    "metric",
    "event",
    "alarm",
    "alarming",
    "rating",
    "infra-optim",
    "resource-optimization",
    "baremetal-introspection",
];

/// As many are named in a refusal.
const NAMED_MAX: usize = 8;

/// A service, as Keystone lists it; also one that is disabled.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Service {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Where a service is, or was: also one that is disabled.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Endpoint {
    service_id: String,
    #[serde(default)]
    region_id: Option<String>,
    #[serde(default)]
    region: Option<String>,
}

impl Endpoint {
    fn region(&self) -> Option<&str> {
        self.region_id.as_deref().or(self.region.as_deref())
    }
}

/// Both lists, whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    pub(super) services: Vec<Service>,
    pub(super) endpoints: Vec<Endpoint>,
}

/// What has to be asked before something is deleted in the agent's region. `unchecked` are the
/// types that the region's operator lets go without a look.
///
/// # Errors
/// What may hold something and can't be asked, and what to do.
pub(super) fn to_ask(
    listed: &Listed,
    region: Option<&str>,
    unchecked: &[String],
) -> Result<BTreeSet<ServiceKind>, String> {
    let mut kinds = BTreeMap::new();
    let mut looked_into = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for Service { id, kind } in &listed.services {
        kinds.insert(id.as_str(), kind.as_str());
        let of = LOOKED_INTO
            .into_iter()
            .find(|it| types(*it).contains(&kind.as_str()));
        looked_into.extend(of);
        if of.is_some() && !seen.insert(kind.as_str()) {
            return Err(format!(
                "Keystone lists two services of the type {kind}, of which one is asked; take the \
                 one off that is not used, or delete it by hand"
            ));
        }
    }
    if !listed.services.iter().any(|it| it.kind == "identity") {
        return Err(
            "Keystone's list of services has not even itself, so it is not whole; see \
                    that the agent's account may list all services"
                .to_owned(),
        );
    }
    let is_unchecked = |kind: &str| unchecked.iter().any(|it| it == kind);
    all_here(&listed.endpoints, &kinds, region, is_unchecked)?;
    let is_alias = |kind: &str| {
        let mut aliases = ALIASES.iter();
        aliases.any(|(name, of)| *name == kind && looked_into.contains(of))
    };
    let is_known = |kind: &str| LOOKED_INTO.iter().any(|it| types(*it).contains(&kind));
    let others: BTreeSet<&str> = kinds
        .into_values()
        .filter(|it| !is_known(it) && !is_alias(it))
        .filter(|it| !HARMLESS.contains(it) && !is_unchecked(it))
        .collect();
    match others.is_empty() {
        true => Ok(looked_into),
        false => Err(format!(
            "the agent does not look into services of the types {}, which this cloud has; delete \
             it by hand, or let them go unseen with purge_unchecked in the agent's [policy]",
            named(others)
        )),
    }
}

/// Keystone often serves several regions, and one that this agent does not ask may be full.
fn all_here(
    endpoints: &[Endpoint],
    kinds: &BTreeMap<&str, &str>,
    region: Option<&str>,
    is_unchecked: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let mut regions = BTreeSet::new();
    for endpoint in endpoints {
        match kinds.get(endpoint.service_id.as_str()) {
            None => {
                return Err(format!(
                    "Keystone has an endpoint of the service {}, which it does not list; see that \
                     the agent's account may list all services",
                    endpoint.service_id
                ));
            }
            Some(kind) if *kind == "identity" || is_unchecked(kind) => {}
            Some(_) => drop(regions.insert(endpoint.region())),
        }
    }
    let is_one = match region {
        Some(region) => regions.iter().all(|it| *it == Some(region)),
        None => regions.len() <= 1,
    };
    if is_one {
        return Ok(());
    }
    let all = regions.into_iter().map(|it| it.unwrap_or("(none)"));
    Err(format!(
        "this Keystone has services in the regions {}, and the agent asks those of one region \
         alone; delete it by hand once it is empty in all of them",
        named(all)
    ))
}

fn named<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = all.into_iter().collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    let mut text = all
        .into_iter()
        .take(NAMED_MAX)
        .collect::<Vec<_>>()
        .join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests;
