//! The list of quotas, region by region.

use shared::model::{Object, ObjectKind};

use super::ProjectQuotaDocument;
use crate::api::directory::Sight;
use crate::api::extract::{Page, cursor};
use crate::directory::quota::ProjectLine;
use crate::store::regions::RegionRow;
use crate::store::{Reading, StoreError};

/// Regions that are looked at for one page: each costs what it has of projects and quotas.
const REGIONS_MAX: usize = 16;

/// Which page of what.
pub(super) struct Wanted {
    pub(super) region: Option<String>,
    pub(super) project: Option<String>,
    pub(super) limit: u32,
    pub(super) after: Vec<u8>,
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
    for (looked_at, region) in regions.iter().enumerate() {
        if looked_at == REGIONS_MAX || items.len() == limit {
            let next = Some(cursor(&region.no.0.to_be_bytes()));
            return Ok(Page { items, next });
        }
        let after = (region.no.0 == from).then_some(after.as_slice());
        for line in lines(reading, sight, region, wanted, after.unwrap_or_default())? {
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
    sight: &Sight,
    region: &RegionRow,
    wanted: &Wanted,
    after: &[u8],
) -> Result<Vec<ProjectLine>, StoreError> {
    let mut shown = Vec::new();
    let mut lines = reading.census(region, &[])?.lines();
    lines.sort_by_key(key);
    for line in lines {
        let is_asked = wanted
            .project
            .as_deref()
            .is_none_or(|it| is_called(&line, it));
        if is_asked && key(&line).as_slice() >= after && is_seen(reading, sight, &line)? {
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

/// Leftovers are for cloud administrators, whose own the directory does not have.
fn is_seen(reading: &Reading<'_>, sight: &Sight, line: &ProjectLine) -> Result<bool, StoreError> {
    if sight.sees_everything() {
        return Ok(true);
    }
    let Some(id) = line.object() else {
        return Ok(false);
    };
    let object: Option<Object<_>> = reading.object(ObjectKind::Project, id)?;
    Ok(object.is_some_and(|it| sight.sees_object(id, &it)))
}
