//! Nodes: Nova says which there are and whether they run, Placement what they can hold.
//!
//! Only Placement knows what is really given out: with the allocation ratio, without what is
//! reserved, and with resizes under way. Nova's own figures, which it stopped telling after
//! microversion 2.87, stand in where a cloud has no Placement, or a node is not in it. When
//! Placement does not answer, the figures that it told last stay, because the nodes' states must
//! go on being told, and figures that jump by the ratio would only mislead.

mod parse;
mod placement;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, TryStreamExt, stream};
use shared::model::{CloudId, Node, Record, ServiceKind};
use tokio::sync::Mutex;

use self::parse::{Hypervisor, HypervisorList};
use self::placement::Capacities;
use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::paging::Pager;
use crate::cloud::openstack::pass;
use crate::cloud::openstack::version::Microversion;
use crate::cloud::{CloudError, Mark, Page, Pages, Whole};

/// The newest that still tells figures, and does not ask every node for its uptime, as the later
/// ones do.
const WITH_FIGURES: Microversion = Microversion(2, 87);

/// From here on nodes are told in pages. Nova leaves out of a page a node whose service or host
/// mapping is gone, and then makes the link from what is left: a page that was full has none, as if
/// it were the last (Nova 34, `HypervisorsController._get_hypervisors`).
const PAGED: Microversion = Microversion(2, 33);

/// What Placement told last, for the time when it does not answer.
#[derive(Debug, Default)]
pub(in crate::cloud::openstack) struct LastCapacities(Mutex<HashMap<CloudId, Capacities>>);

/// Reads all nodes with their capacity.
pub(in crate::cloud::openstack) async fn audit(
    client: &Client,
    last: &LastCapacities,
    pages: &Pages,
) -> Result<Whole, CloudError> {
    let ask = Ask::new(ServiceKind::Compute, ["os-hypervisors", "detail"]).at(WITH_FIGURES);
    let microversion = client.microversion(&ask).await?;
    let mut pager = match microversion.is_some_and(|it| it >= PAGED) {
        true => Pager::beyond_links(ask, pages),
        false => Pager::new(ask, pages),
    };
    let mut told = HashMap::new();
    // Once Placement failed, it is not asked for the next node: a thousand nodes would each wait.
    let failed = AtomicBool::new(false);
    while let Some(hypervisors) = pager.next::<HypervisorList>(client).await? {
        let mut found = Vec::with_capacity(hypervisors.len());
        for raw in hypervisors {
            found.push(raw.read().ok_or_else(|| pager.no_id())?);
        }
        let nodes: Vec<(Node, Option<Capacities>)> = stream::iter(found)
            .map(|hypervisor| node(client, last, &failed, hypervisor))
            .buffered(client.concurrency_max)
            .try_collect()
            .await?;
        let mut page = Page::default();
        for (node, capacities) in nodes {
            if let Some(capacities) = capacities {
                told.insert(node.id.clone(), capacities);
            }
            page.records.push(Record::Node(node));
        }
        pass::send(pages, page).await?;
    }
    // Only nodes of this pass, so that the memory of nodes that are gone goes with them.
    *last.0.lock().await = told;
    Ok(Mark(pager.begun(client)).into())
}

/// A node, and what is to be remembered of it.
async fn node(
    client: &Client,
    last: &LastCapacities,
    failed: &AtomicBool,
    hypervisor: Hypervisor,
) -> Result<(Node, Option<Capacities>), CloudError> {
    let mut reason = CloudError::Missing {
        service: ServiceKind::Placement,
    };
    let mut capacities = None;
    if !failed.load(Ordering::Relaxed) {
        match placement::capacities(client, &hypervisor).await {
            Ok(told) => capacities = told,
            Err(error) => {
                tracing::debug!(%error, "Placement does not tell what nodes hold");
                failed.store(true, Ordering::Relaxed);
                reason = error;
            }
        }
    }
    if failed.load(Ordering::Relaxed) && capacities.is_none() {
        capacities = last.0.lock().await.get(&hypervisor.id).copied();
    }
    let figures = capacities.or(hypervisor.figures).ok_or(reason)?;
    let node = Node {
        id: hypervisor.id,
        name: hypervisor.name,
        state: hypervisor.state,
        vcpus: figures.vcpus,
        memory_mib: figures.memory_mib,
        disk_gib: figures.disk_gib,
    };
    Ok((node, capacities))
}
