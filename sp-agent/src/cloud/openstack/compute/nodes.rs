//! Nodes: Nova says which there are and whether they run, Placement what they can hold.
//!
//! Only Placement knows what is really given out: with the allocation ratio, without what is
//! reserved, and with resizes under way. Nova's own figures, which it stopped telling after
//! microversion 2.87, stand in where a cloud has no Placement, where a node is not in it, and where
//! the account may not read it, and nowhere else: figures that jump by the ratio would mislead.
//! When Placement does not answer, the figures that a node was told with last stay, because its
//! state must go on being told; a node that was not told since the start is spared as unread.

mod parse;
mod placement;

use futures_util::{StreamExt, stream};
use shared::model::{Node, Record, ServiceKind};

use self::parse::{Hypervisor, HypervisorList};
use self::placement::Capacities;
use crate::cloud::openstack::client::{Ask, Client, GivenUp};
use crate::cloud::openstack::paging::Pager;
use crate::cloud::openstack::pass::{self, Pulse};
use crate::cloud::openstack::remembered::{Figures, Remembered};
use crate::cloud::openstack::version::Microversion;
use crate::cloud::{CloudError, Mark, Page, Pages, Unread, Whole};

/// The newest that still tells figures, and does not ask every node for its uptime, as the later
/// ones do.
const WITH_FIGURES: Microversion = Microversion(2, 87);

/// From here on nodes are told in pages. Nova leaves out of a page a node whose service or host
/// mapping is gone, and then makes the link from what is left: a page that was full has none, as if
/// it were the last (Nova 34, `HypervisorsController._get_hypervisors`).
const PAGED: Microversion = Microversion(2, 33);

/// Nodes of one page. Nova tells a thousand at once, and two questions for each of so many take
/// longer than whoever waits for a page is patient.
const PAGE_NODES: usize = 50;

/// What each node was told to hold last.
pub(in crate::cloud::openstack) type LastCapacities = Remembered<Capacities>;

/// Reads all nodes with their capacity. Comes to its end also where Placement tells nothing.
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
    let mut figures = Figures::new("nodes' capacities", last);
    let pulse = Pulse::new(client.clock(), pages);
    while let Some(hypervisors) = pager.next::<HypervisorList>(client).await? {
        pulse.beat().await?;
        let mut found = Vec::with_capacity(hypervisors.len());
        for raw in hypervisors {
            found.push(raw.read().ok_or_else(|| pager.no_id())?);
        }
        for hypervisors in found.chunks(PAGE_NODES) {
            let nowhere = || pager.malformed(NOWHERE.to_owned());
            let page = page(client, (hypervisors, &nowhere), &mut figures, &pulse).await?;
            pass::send(pages, page).await?;
        }
    }
    let incomplete = figures.end();
    let mark = Mark(pager.begun(client));
    Ok(Whole::of(mark, incomplete))
}

/// What is wrong with a node of which nobody tells what it holds.
const NOWHERE: &str = "a node has no figures, and Placement is missing or does not know it";

/// Some nodes; `nowhere` makes the error for one of which there are no figures.
async fn page(
    client: &Client,
    (hypervisors, nowhere): (&[Hypervisor], &impl Fn() -> CloudError),
    figures: &mut Figures<'_, Capacities>,
    pulse: &Pulse<'_>,
) -> Result<Page, CloudError> {
    let mut page = Page::default();
    let questions = hypervisors.iter();
    let questions = questions.map(|it| placement::capacities(client, it, pulse));
    let questions: Vec<_> = questions.collect();
    let mut answers = stream::iter(questions).buffered(client.concurrency_max);
    for hypervisor in hypervisors {
        let answer = match figures.is_in_vain() {
            true => None,
            false => answers.next().await,
        };
        let answer = answer.map(|it| {
            let told = it?.or(hypervisor.figures);
            told.ok_or_else(|| GivenUp::from(nowhere()))
        });
        let Hypervisor { id, name, .. } = hypervisor;
        let mut told = figures.settle((id, name), answer);
        // That will not pass by itself, and states must go on being told.
        if told.is_none() && figures.is_forbidden() {
            told = hypervisor.figures;
        }
        match told {
            Some(capacities) => page
                .records
                .push(Record::Node(node(hypervisor, capacities))),
            None => page.unread.push(Unread::Record(id.clone())),
        }
        pulse.beat().await?;
    }
    Ok(page)
}

fn node(hypervisor: &Hypervisor, capacities: Capacities) -> Node {
    Node {
        id: hypervisor.id.clone(),
        name: hypervisor.name.clone(),
        state: hypervisor.state,
        vcpus: capacities.vcpus,
        memory_mib: capacities.memory_mib,
        disk_gib: capacities.disk_gib,
    }
}
