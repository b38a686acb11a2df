//! The list of quotas, region by region.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::UnixMillis;

use super::ProjectQuotaDocument;
use crate::api::directory::Sight;
use crate::api::extract::{Page, cursor};
use crate::directory::quota::ProjectLine;
use crate::store::regions::RegionRow;
use crate::store::{Reading, StoreError};

/// Regions that are looked at for one page: each costs what it has of projects and quotas.
const REGIONS_MAX: usize = 16;

/// And for whoever is no cloud administrator: anybody may ask, as often as he likes.
const SHARE_REGIONS_MAX: usize = 4;

/// Which page of what.
pub(super) struct Wanted {
    pub(super) region: Option<String>,
    pub(super) project: Option<String>,
    pub(super) limit: u32,
    pub(super) after: Vec<u8>,
    /// When it is asked.
    pub(super) now: UnixMillis,
}

/// The page.
pub(super) fn page(
    reading: &Reading<'_>,
    sight: &Sight,
    wanted: &Wanted,
) -> Result<Page<ProjectQuotaDocument>, StoreError> {
    let (from, after) = match wanted.after.split_first_chunk::<4>() {
        Some((no, key)) => (u32::from_be_bytes(*no), key.to_vec()),
        None => (0, Vec::new()),
    };
    let mut regions = match &wanted.region {
        Some(name) => vec![reading.region_of_name(name)?],
        None => reading.regions()?,
    };
    regions.retain(|it| it.no.0 >= from);
    regions.sort_by_key(|it| it.no.0);
    let mut items = Vec::new();
    let limit = wanted.limit as usize;
    let seen = sight.projects();
    let regions_max = match &seen {
        None => REGIONS_MAX,
        Some(_) => SHARE_REGIONS_MAX,
    };
    if seen.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(Page { items, next: None });
    }
    for (looked_at, region) in regions.iter().enumerate() {
        if looked_at == regions_max || items.len() == limit {
            let next = Some(cursor(&region.no.0.to_be_bytes()));
            return Ok(Page { items, next });
        }
        let after = (region.no.0 == from).then_some(after.as_slice());
        for line in lines(
            reading,
            seen.as_ref(),
            region,
            wanted,
            after.unwrap_or_default(),
        )? {
            if items.len() == limit {
                let next = Some(cursor(&before(region, &line)));
                return Ok(Page { items, next });
            }
            items.push(ProjectQuotaDocument::new(reading, region, &line)?);
        }
    }
    Ok(Page { items, next: None })
}

/// What is to be shown of a region, from `after` on.
fn lines(
    reading: &Reading<'_>,
    seen: Option<&BTreeSet<ObjectId>>,
    region: &RegionRow,
    wanted: &Wanted,
    after: &[u8],
) -> Result<Vec<ProjectLine>, StoreError> {
    let mut shown = Vec::new();
    let mut census = match seen {
        None => reading.census(region, &[])?,
        Some(seen) => reading.census_of(region, seen)?,
    };
    census.as_of(wanted.now);
    let mut lines = census.lines();
    lines.sort_by_key(key);
    for mut line in lines {
        let is_asked = wanted
            .project
            .as_deref()
            .is_none_or(|it| is_called(&line, it));
        // Leftovers are for cloud administrators, whose own the directory does not have.
        let is_seen = |seen: &BTreeSet<_>| line.object().is_some_and(|id| seen.contains(&id));
        if is_asked && key(&line).as_slice() >= after && seen.is_none_or(is_seen) {
            seen.into_iter().for_each(|seen| hide(&mut line, seen));
            shown.push(line);
        }
    }
    Ok(shown)
}

/// By what lines are ordered, and a page goes on.
fn key(line: &ProjectLine) -> Vec<u8> {
    line.holder.to_string().into_bytes()
}

/// Where the next page begins.
fn before(region: &RegionRow, line: &ProjectLine) -> Vec<u8> {
    [&region.no.0.to_be_bytes()[..], &key(line)].concat()
}

fn is_called(line: &ProjectLine, name: &str) -> bool {
    let is = |it: Option<String>| it.as_deref() == Some(name);
    line.name == name
        || is(line.object().map(|it| it.to_string()))
        || is(line.here.as_ref().map(ToString::to_string))
}

/// Whom a raise waits for has a name for those alone who see him.
fn hide(line: &mut ProjectLine, seen: &BTreeSet<ObjectId>) {
    let resources = line.resources.iter_mut();
    for waits in resources.filter_map(|it| it.waits.as_mut()) {
        let givers = waits.raise.givers.iter().zip(&mut waits.givers);
        for (giver, name) in givers.filter(|(it, _)| !seen.contains(&it.project)) {
            giver.project.to_string().clone_into(name);
        }
    }
}
