//! What is wrong in a region once all has settled: by its Keystone, by the directory, and by what
//! the hub tells of the difference. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::ids::ObjectId;
use shared::model::{CloudId, ObjectKind, Organization, Role, Subject};

use super::super::compare::{Compare, Known, inverted, is_on};
use super::super::edits::BOOTSTRAP;
use super::super::place::Seen;
use super::super::site::objects;

const DEFAULT: &str = "default";

/// All that is asked about.
pub(super) struct Case<'a> {
    /// What the Keystone has.
    pub(super) seen: &'a Seen,
    /// What it is to have.
    pub(super) live: &'a Organization<ObjectId>,
    /// Departments and projects that stay in the regions, switched off.
    pub(super) retired: &'a BTreeSet<ObjectId>,
    /// What somebody ended, one by one, as far as it was asked for.
    pub(super) ended: &'a BTreeSet<ObjectId>,
    /// What the hub tells of this region.
    pub(super) drift: &'a BTreeMap<String, Drift>,
    /// What merges took its things for.
    pub(super) bound: &'a BTreeMap<(ObjectKind, CloudId), ObjectId>,
    /// What operators made there.
    pub(super) made: &'a BTreeSet<CloudId>,
}

/// In what something differs, as the hub tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drift {
    why: String,
    what: Vec<String>,
}

/// Of the hub's documents those of a region, by their ids.
pub(super) fn drift_of(region: &str, all: &[Value]) -> BTreeMap<String, Drift> {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let its = all.iter().filter(|it| it["region"] == region);
    let told = its.map(|it| {
        let differences = it["differences"].as_array().into_iter().flatten();
        let what = differences.map(|it| text(&it["what"])).collect();
        let why = text(&it["why"]);
        (text(&it["id"]), Drift { why, what })
    });
    told.collect()
}

/// All that is wrong; nothing, where all is as it should be.
pub(super) fn wrong(case: &Case<'_>) -> Vec<String> {
    let known = known(case);
    let (here, mut wrong) = inverted(&known);
    let federations: BTreeSet<_> = case.seen.markers.values().map(|it| it.federation).collect();
    if federations.len() > 1 {
        wrong.push(format!("markers of several federations: {federations:?}"));
    }
    let compare = Compare {
        known: &known,
        here: &here,
        cloud: &case.seen.all,
        live: case.live,
    };
    let mut differing = compare.things();
    differing.extend(compare.links());
    differing.extend(compare.own(|_, _, home| home.to_string() == DEFAULT));
    differing.extend(left(case, &known));
    let unexplained = differing.iter().filter(|it| !is_explained(case, it));
    wrong.extend(unexplained.map(|it| described(&compare, it)));
    let ids: BTreeSet<String> = differing.iter().map(|it| it.id().to_string()).collect();
    let told = case.drift.iter().filter(|(_, it)| it.why == "region");
    let told = told.filter(|(id, _)| !ids.contains(*id));
    wrong.extend(told.map(|(id, it)| format!("is told to differ, and does not: {id} {it:?}")));
    let things = objects(&case.seen.all).into_iter();
    let meantime = things.filter(|(.., it)| it.name().contains('~'));
    wrong.extend(meantime.map(|it| format!("has a name for the meantime: {it:?}")));
    wrong
}

/// By their markers; the roles that take none, by their names; and by the merge what was retired
/// before its agent came to mark it.
fn known(case: &Case<'_>) -> Known {
    let marked = case.seen.markers.iter();
    let mut known: Known = marked.map(|(it, of)| (it.clone(), of.object)).collect();
    let key = |it: &Role<ObjectId>| bootstrap(it.department.is_none(), &it.name);
    let wanted = case.live.roles.iter();
    let wanted: BTreeMap<_, _> = wanted
        .filter_map(|(id, it)| Some((key(it)?, *id)))
        .collect();
    for (here, it) in &case.seen.all.roles {
        let name = bootstrap(it.department.is_none(), &it.name);
        if let Some(id) = name.and_then(|it| wanted.get(&it)) {
            known.entry((ObjectKind::Role, here.clone())).or_insert(*id);
        }
    }
    let bound = case.bound.iter();
    let bound = bound
        .filter(|((kind, here), id)| case.seen.all.has(*kind, here) && !case.live.has(*kind, id));
    for (it, id) in bound {
        known.entry(it.clone()).or_insert(*id);
    }
    known
}

fn bootstrap(is_global: bool, name: &str) -> Option<String> {
    let name = name.to_lowercase();
    (is_global && BOOTSTRAP.contains(&name.as_str())).then_some(name)
}

/// What was the directory's and is no more: what was retired stays, switched off, with all that was
/// in it then; and nothing else does.
fn left(case: &Case<'_>, known: &Known) -> Vec<Subject> {
    let mut left = Vec::new();
    for ((kind, here), id) in known {
        let Some(object) = case.seen.all.object(*kind, here) else {
            continue;
        };
        if case.live.has(*kind, id) {
            continue;
        }
        let home = object.department().cloned();
        let home = home.and_then(|it| known.get(&(ObjectKind::Department, it)));
        let stays = [Some(id), home].into_iter().flatten();
        let stays = stays.into_iter().any(|it| case.retired.contains(it));
        let is_kept = matches!(kind, ObjectKind::Department | ObjectKind::Project);
        let was_deleted = !is_kept && case.ended.contains(id);
        if !stays || was_deleted || is_on(&object) == Some(true) {
            left.push(Subject::Object(*kind, *id));
        }
    }
    left
}

/// Whether it is as the hub tells: what an operator made there, until it is merged; or something
/// that the federation has no say in.
fn is_explained(case: &Case<'_>, subject: &Subject) -> bool {
    let Some(told) = case.drift.get(&subject.id().to_string()) else {
        return false;
    };
    match subject {
        Subject::Own(_, here) => {
            told.why == "region" && told.what == ["created-here"] && case.made.contains(here)
        }
        _ => told.why == "custody",
    }
}

fn described(compare: &Compare<'_>, subject: &Subject) -> String {
    match subject {
        Subject::Object(kind, id) => {
            let wanted = compare.live.object(*kind, id);
            let there = compare.there(*kind, *id);
            format!("{subject}: the directory says {wanted:?}, there is {there:?}")
        }
        Subject::Own(kind, here) => {
            let there = compare.cloud.object(*kind, here);
            format!("{subject}: nobody made it there, or it is not told: {there:?}")
        }
        Subject::Link(link) => {
            let whose = match compare.live.has_link(link) {
                true => "the directory's, and not there",
                false => "there, and not the directory's",
            };
            format!("{link:?} is {whose}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
