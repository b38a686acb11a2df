//! What a node can hold and what is given out of it: Placement API, resource providers.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::model::{Capacity, CloudId, ServiceKind};

use super::parse::Hypervisor;
use crate::cloud::CloudError;
use crate::cloud::openstack::client::{Ask, Client, GivenUp};
use crate::cloud::openstack::pass::Pulse;
use crate::cloud::openstack::scalar::{COUNT_MAX, Scalar, whole};
use crate::cloud::openstack::version::Microversion;

/// The newest that this client was written for; nested providers came with 1.14.
const NEWEST: Microversion = Microversion(1, 39);

/// A machine has a provider for each NUMA cell, GPU and network device; more is a fault.
const TREE_PROVIDERS_MAX: usize = 256;

/// What a node has of each resource, and gave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::cloud::openstack) struct Capacities {
    pub(super) vcpus: Capacity,
    pub(super) memory_mib: Capacity,
    pub(super) disk_gib: Capacity,
}

impl Capacities {
    fn add(&mut self, other: &Self) {
        let add = |to: &mut Capacity, other: &Capacity| {
            to.used = to.used.saturating_add(other.used).min(COUNT_MAX);
            to.total = to.total.saturating_add(other.total).min(COUNT_MAX);
        };
        add(&mut self.vcpus, &other.vcpus);
        add(&mut self.memory_mib, &other.memory_mib);
        add(&mut self.disk_gib, &other.disk_gib);
    }
}

/// A node's capacity; `None` where Placement is not there, or does not know the node.
pub(super) async fn capacities(
    client: &Client,
    hypervisor: &Hypervisor,
    pulse: &Pulse<'_>,
) -> Result<Option<Capacities>, GivenUp> {
    match of_node(client, hypervisor, pulse).await {
        Err(GivenUp {
            error:
                CloudError::Missing {
                    service: ServiceKind::Placement,
                }
                | CloudError::Status { status: 404, .. },
            ..
        }) => Ok(None),
        other => other,
    }
}

async fn of_node(
    client: &Client,
    hypervisor: &Hypervisor,
    pulse: &Pulse<'_>,
) -> Result<Option<Capacities>, GivenUp> {
    let id = match &hypervisor.id {
        CloudId::Hyphenated(_) => hypervisor.id.to_string(),
        // Before microversion 2.53 a hypervisor has a number, and only its name leads to Placement.
        _ => match by_name(client, &hypervisor.name).await? {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    let own = of_provider(client, &id).await?;
    // A machine that is split by NUMA cell has its processors and memory in the cells' providers.
    if own.vcpus.total > 0 && own.memory_mib.total > 0 {
        return Ok(Some(own));
    }
    let mut sum = own;
    for child in tree(client, &id).await? {
        if child != id {
            pulse.beat().await?;
            sum.add(&of_provider(client, &child).await?);
        }
    }
    Ok(Some(sum))
}

/// Not again when it is slow: there may be many more of them.
async fn of_provider(client: &Client, id: &str) -> Result<Capacities, GivenUp> {
    let ask = |what| Ask::new(ServiceKind::Placement, ["resource_providers", id, what]).at(NEWEST);
    let (inventories, usages) = (ask("inventories"), ask("usages"));
    let (inventories_answer, usages_answer) =
        tokio::try_join!(client.get_page(&inventories), client.get_page(&usages))?;
    Ok(join(
        &inventories_answer.parse(&inventories)?,
        &usages_answer.parse(&usages)?,
    ))
}

async fn by_name(client: &Client, name: &str) -> Result<Option<String>, GivenUp> {
    let ask = Ask::new(ServiceKind::Placement, ["resource_providers"])
        .at(NEWEST)
        .with("name", name);
    let found: Providers = client.get_page(&ask).await?.parse(&ask)?;
    let first = found.resource_providers.into_iter().next();
    Ok(first.map(|provider| provider.uuid.into_text()))
}

async fn tree(client: &Client, root: &str) -> Result<Vec<String>, GivenUp> {
    let ask = Ask::new(ServiceKind::Placement, ["resource_providers"])
        .at(NEWEST)
        .with("in_tree", root);
    let found: Providers = match client.get_page(&ask).await {
        Ok(answer) => answer.parse(&ask)?,
        // Before 1.14 there were no trees.
        Err(GivenUp {
            error: CloudError::Status { status: 400, .. },
            ..
        }) => return Ok(Vec::new()),
        Err(given_up) => return Err(given_up),
    };
    let ids = found.resource_providers.into_iter();
    let ids = ids.map(|provider| provider.uuid.into_text());
    Ok(ids.take(TREE_PROVIDERS_MAX).collect())
}

#[derive(Debug, Deserialize)]
struct Providers {
    resource_providers: Vec<Provider>,
}

#[derive(Debug, Deserialize)]
struct Provider {
    #[serde(default)]
    uuid: Scalar,
}

/// `GET /resource_providers/{id}/inventories`.
#[derive(Debug, Deserialize)]
struct Inventories {
    inventories: BTreeMap<String, Inventory>,
}

#[derive(Debug, Deserialize)]
struct Inventory {
    #[serde(default)]
    total: Scalar,
    #[serde(default)]
    reserved: Scalar,
    #[serde(default)]
    allocation_ratio: Scalar,
}

impl Inventory {
    /// What may be given out: Placement refuses beyond `(total − reserved) × allocation_ratio`.
    fn usable(&self) -> u64 {
        let total = self.total.real().unwrap_or_default();
        let reserved = self.reserved.real().unwrap_or_default();
        whole((total - reserved) * self.allocation_ratio.real().unwrap_or(1.0))
    }
}

/// `GET /resource_providers/{id}/usages`.
#[derive(Debug, Deserialize)]
struct Usages {
    usages: BTreeMap<String, Scalar>,
}

fn join(inventories: &Inventories, usages: &Usages) -> Capacities {
    // PCPU are processors that are given to one server alone (Nova, "CPU topologies").
    let of = |classes: &[&str]| {
        let mut sum = Capacity::default();
        for class in classes {
            let usable = inventories.inventories.get(*class).map(Inventory::usable);
            let used = usages.usages.get(*class).and_then(Scalar::count);
            sum.total = sum.total.saturating_add(usable.unwrap_or_default());
            sum.used = sum.used.saturating_add(used.unwrap_or_default());
        }
        Capacity {
            used: sum.used.min(COUNT_MAX),
            total: sum.total.min(COUNT_MAX),
        }
    };
    Capacities {
        vcpus: of(&["VCPU", "PCPU"]),
        memory_mib: of(&["MEMORY_MB"]),
        disk_gib: of(&["DISK_GB"]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cloud::openstack::testing::any_json;

    #[test]
    fn the_ratio_counts_and_what_is_reserved_does_not() {
        let inventories = json!({"resource_provider_generation": 6, "inventories": {
            "VCPU": {"total": 1000, "reserved": 2, "allocation_ratio": 4.0},
            "PCPU": {"total": 8, "reserved": 0, "allocation_ratio": 1.0},
            "MEMORY_MB": {"total": 800000, "reserved": 512, "allocation_ratio": 1.5},
            "CUSTOM_GPU": {"total": 2}
        }});
        let usages = json!({"usages": {"VCPU": 4, "PCPU": 1, "MEMORY_MB": 2048}});
        let joined = join(
            &serde_json::from_value(inventories).unwrap(),
            &serde_json::from_value(usages).unwrap(),
        );
        let capacity = |used, total| Capacity { used, total };
        let expected = Capacities {
            vcpus: capacity(5, 4000),
            memory_mib: capacity(2048, 1_199_232),
            disk_gib: capacity(0, 0),
        };
        assert_eq!(joined, expected);
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(
            json in any_json(&["inventories", "usages", "VCPU", "total", "allocation_ratio"]),
        ) {
            let inventories = serde_json::from_str::<Inventories>(&json);
            let usages = serde_json::from_str::<Usages>(&json);
            let _ = serde_json::from_str::<Providers>(&json);
            if let (Ok(inventories), Ok(usages)) = (inventories, usages) {
                let joined = join(&inventories, &usages);
                prop_assert!(joined.vcpus.total <= COUNT_MAX && joined.vcpus.used <= COUNT_MAX);
            }
        }
    }
}
