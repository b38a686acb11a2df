//! Storage pools: Cinder's scheduler tells them, Cinder's list of services tells whose are missing.
//!
//! A scheduler tells only pools of back ends that are enabled, up, and heard of since it started.
//! So a back end that an operator switches off for an hour, or whose process died, takes its pools
//! out of the list, while volumes lie in them. Pools are gone when their back end is gone from the
//! list of services, in whatever state it was; until then the figures told last stay. Where none
//! are known, because the agent was started later, the pass fails and names the back end: what was
//! told to an agent before must not be removed either.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{Record, ServiceKind, StoragePool};
use tokio::sync::Mutex;

use super::NEWEST;
use super::parse::{BackEndList, PoolList, RawService};
use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::pass;
use crate::cloud::openstack::version::Microversion;
use crate::cloud::{CloudError, Mark, Page, Pages};

/// From here on services tell their cluster, after which its pools are called; from 3.49 on the
/// list asks a scheduler, which may be what is down.
const WITH_CLUSTERS: Microversion = Microversion(3, 7);

/// More names than this help nobody to understand what is wrong.
const NAMED_MAX: usize = 5;

/// Pools by the name of their back end.
type Pools = BTreeMap<String, Vec<StoragePool>>;

/// The pools told last, for the time when their back end is off.
#[derive(Debug, Default)]
pub(in crate::cloud::openstack) struct LastPools(Mutex<Pools>);

/// Reads all storage pools. Cinder tells them in one answer, as its schedulers last heard of them.
pub(in crate::cloud::openstack) async fn audit(
    client: &Client,
    last: &LastPools,
    pages: &Pages,
) -> Result<Mark, CloudError> {
    // Asked first: a back end that comes between the questions is not taken for one that is off.
    let back_ends = back_ends(client).await?;
    let ask = Ask::new(ServiceKind::Volume, ["scheduler-stats", "get_pools"])
        .at(NEWEST)
        .with("detail", "true");
    let answer = client.get(&ask).await?;
    let list: PoolList = answer.parse(&ask)?;
    let mut told = Pools::new();
    for raw in list.pools {
        let no_id = || answer.malformed(&ask, "a pool has no name".to_owned());
        let pool = raw.read().ok_or_else(no_id)?;
        let name = pool.id.to_string();
        told.entry(back_end(&name).to_owned())
            .or_default()
            .push(pool);
    }
    let mut page = Page::default();
    let doubt = {
        let mut last = last.0.lock().await;
        let doubt = settle(&mut last, told, &back_ends);
        let pools = last.values().flatten().cloned();
        page.records.extend(pools.map(Record::StoragePool));
        doubt
    };
    pass::send(pages, page).await?;
    match doubt {
        Some(reason) => Err(answer.malformed(&ask, reason)),
        None => {
            let begun = answer.date.unwrap_or_else(|| client.clock().unix_millis());
            Ok(Mark(begun))
        }
    }
}

/// Brings the last pools up to what is told now, and keeps those of back ends that are only silent.
/// Returns why these may not be all, if so.
fn settle(last: &mut Pools, told: Pools, back_ends: &BTreeSet<String>) -> Option<String> {
    let none_told = told.is_empty();
    last.retain(|name, _| back_ends.contains(name));
    last.extend(told);
    let unknown: Vec<&str> = back_ends
        .iter()
        .filter(|name| !last.contains_key(*name))
        .map(String::as_str)
        .collect();
    if none_told && !back_ends.is_empty() {
        return Some(
            "it has no pool, while /os-services lists cinder-volume; wait a minute if the \
             scheduler was just started, else see whether any cinder-volume is up and enabled"
                .to_owned(),
        );
    }
    let first = *unknown.first()?;
    let mut names = unknown
        .iter()
        .take(NAMED_MAX)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if unknown.len() > NAMED_MAX {
        names.push_str(", …");
    }
    Some(format!(
        "it is without the pools of {names}, listed in /os-services and not known from before; \
         bring it up and enable it, or if it is gone for good, remove it: cinder-manage service \
         remove cinder-volume {first}"
    ))
}

/// The back ends of all services that keep volumes, whatever their state.
async fn back_ends(client: &Client) -> Result<BTreeSet<String>, CloudError> {
    let ask = Ask::new(ServiceKind::Volume, ["os-services"])
        .at(WITH_CLUSTERS)
        .with("binary", "cinder-volume");
    let answer = client.get(&ask).await?;
    let list: BackEndList = answer.parse(&ask)?;
    let services = list.services.into_iter().map(RawService::back_end);
    let names: Option<BTreeSet<String>> = services.collect();
    names.ok_or_else(|| answer.malformed(&ask, "a service has no host".to_owned()))
}

/// `host@back-end#pool` without the pool.
fn back_end(pool: &str) -> &str {
    pool.split_once('#').map_or(pool, |(back_end, _)| back_end)
}
