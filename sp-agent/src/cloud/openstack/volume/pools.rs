//! Storage pools: Cinder's scheduler tells them, Cinder's list of services tells whose are missing.
//!
//! A scheduler tells only pools of back ends that are enabled, up, not frozen, and heard of since
//! it started. So a back end that an operator switches off for an hour, or whose process died,
//! takes its pools out of the list, while volumes lie in them. Pools are gone when their back end
//! is gone from the list of services, in whatever state it was; until then they are unread. A back
//! end that is at work has pools, so where the scheduler tells none of it, the pass fails.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{Record, ServiceKind};

use super::NEWEST;
use super::parse::{BackEndList, PoolList};
use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::pass;
use crate::cloud::openstack::version::Microversion;
use crate::cloud::{CloudError, Mark, Page, Pages, Unread, Whole};

/// From here on services tell their cluster, after which its pools are called; from 3.49 on the
/// list asks a scheduler, which may be what is down.
const WITH_CLUSTERS: Microversion = Microversion(3, 7);

/// More names than this help nobody to understand what is wrong.
const NAMED_MAX: usize = 5;

/// Back ends by name, and whether any of their services is at work.
type BackEnds = BTreeMap<String, bool>;

/// Reads all storage pools. Cinder tells them in one answer, as its schedulers last heard of them.
pub(in crate::cloud::openstack) async fn audit(
    client: &Client,
    pages: &Pages,
) -> Result<Whole, CloudError> {
    // Asked first: a back end that comes between the questions is not taken for one that is off.
    let back_ends = back_ends(client).await?;
    let ask = Ask::new(ServiceKind::Volume, ["scheduler-stats", "get_pools"])
        .at(NEWEST)
        .with("detail", "true");
    let answer = client.get(&ask).await?;
    let list: PoolList = answer.parse(&ask)?;
    let mut page = Page::default();
    let mut told = BTreeSet::new();
    for raw in list.pools {
        let no_id = || answer.malformed(&ask, "a pool has no name".to_owned());
        let pool = raw.read().ok_or_else(no_id)?;
        told.insert(back_end(&pool.id.to_string()).to_owned());
        page.records.push(Record::StoragePool(pool));
    }
    let silent = back_ends.iter().filter(|(name, _)| !told.contains(*name));
    let (at_work, off): (Vec<_>, Vec<_>) = silent.partition(|(_, is_at_work)| **is_at_work);
    let off = off.into_iter().map(|(name, _)| name.clone());
    page.unread.extend(off.map(Unread::BackEnd));
    pass::send(pages, page).await?;
    let missing: Vec<&str> = at_work.into_iter().map(|(name, _)| name.as_str()).collect();
    if !missing.is_empty() {
        return Err(answer.malformed(&ask, without(&missing)));
    }
    let begun = answer.date.unwrap_or_else(|| client.clock().unix_millis());
    Ok(Mark(begun).into())
}

fn without(back_ends: &[&str]) -> String {
    let named = back_ends.iter().take(NAMED_MAX).copied();
    let mut names = named.collect::<Vec<_>>().join(", ");
    if back_ends.len() > NAMED_MAX {
        names.push_str(", …");
    }
    format!(
        "it is without the pools of {names}, up and enabled in /os-services; wait a minute if the \
         scheduler was just started, else see the logs of cinder-scheduler and of cinder-volume"
    )
}

/// The back ends of all services that keep volumes, whatever their state.
async fn back_ends(client: &Client) -> Result<BackEnds, CloudError> {
    let ask = Ask::new(ServiceKind::Volume, ["os-services"])
        .at(WITH_CLUSTERS)
        .with("binary", "cinder-volume");
    let answer = client.get(&ask).await?;
    let list: BackEndList = answer.parse(&ask)?;
    let mut back_ends = BackEnds::new();
    for service in list.services {
        let no_host = || answer.malformed(&ask, "a service has no host".to_owned());
        let is_at_work = service.is_at_work();
        let name = service.back_end().ok_or_else(no_host)?;
        *back_ends.entry(name).or_default() |= is_at_work;
    }
    Ok(back_ends)
}

/// `host@back-end#pool` without the pool.
fn back_end(pool: &str) -> &str {
    pool.split_once('#').map_or(pool, |(back_end, _)| back_end)
}
