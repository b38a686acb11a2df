//! What must hold once faults have stopped and all has settled.

use std::collections::BTreeSet;

use idp_hub::directory::Directory;
use shared::ids::ObjectId;
use shared::model::{
    Actor, Becomes, CloudId, Custody, DriftKind, DriftWhy, End, Link, Organization, Remark,
    RemarkState, Scope, Subject,
};

use super::agent::Agent;
use super::compare::{self, Compare, Here, Known, is_on};
use super::site::objects;

/// All in which a region differs from the directory.
pub(super) fn differing(agent: &Agent, directory: &Directory) -> BTreeSet<Subject> {
    let known = agent.known();
    let cloud = agent.site.keystone.organization();
    let here = inverted(&known);
    let compare = Compare {
        known: &known,
        here: &here,
        cloud: &cloud,
        live: directory.live(),
    };
    let mut found = compare.things();
    found.extend(compare.links());
    for ((kind, it), id) in &known {
        let object = cloud.object(*kind, it).unwrap();
        // What a hub that was set back never heard of again is as its agent was told last.
        let told = agent
            .replica()
            .ended
            .get(id)
            .filter(|_| !directory.has(*kind, *id));
        let ended = directory.ended(*id).map(|it| it.how);
        let is_left = match ended.or(told.map(|it| it.1)) {
            Some(End::Deleted) => true,
            // Groups and roles are never off, and go when their department is purged.
            Some(End::Retired) => is_on(&object) == Some(true),
            None => !directory.has(*kind, *id),
        };
        if is_left {
            found.insert(Subject::Object(*kind, *id));
        }
    }
    found.extend(own(&compare, agent));
    found.extend(gives_on(agent, directory, &known, &cloud));
    found.extend(withheld_on(agent, directory, &cloud));
    found
}

/// What was applied, and goes on giving where all is live what the directory took away by ending
/// something that stays here.
fn gives_on(
    agent: &Agent,
    directory: &Directory,
    known: &Known,
    cloud: &Organization<CloudId>,
) -> BTreeSet<Subject> {
    let there = |kind, it: &CloudId| known.get(&(kind, it.clone())).copied();
    let links = cloud.links().filter_map(|it| it.translated(there));
    let how = |id: &ObjectId| directory.ended(*id).map(|it| it.how);
    let is_idle = |link: &Link<ObjectId>| match link {
        Link::Implication(it) => how(&it.prior).is_some(),
        // Whoever was retired was switched off.
        Link::Membership(it) => how(&it.user) == Some(End::Retired),
        Link::Assignment(it) => {
            let is_off = match it.actor {
                Actor::User(id) => how(&id) == Some(End::Retired),
                Actor::Group(_) => false,
            };
            let (Scope::Department(scope) | Scope::Project(scope)) = it.scope;
            is_off || how(&scope).is_some()
        }
    };
    let is_of_ended = |link: &Link<ObjectId>| {
        let is_live = |kind, id: &ObjectId| directory.has(kind, *id).then_some(*id);
        link.translated(is_live).is_none()
    };
    let noted = &agent.core.base().links;
    let given = links.filter(|it| noted.contains_key(&it.id()) && is_of_ended(it) && !is_idle(it));
    given.map(Subject::Link).collect()
}

/// Whether something is on here that the directory has switched off: nothing is waited for then.
pub(super) fn is_held_open(agent: &Agent, directory: &Directory, subject: &Subject) -> bool {
    let Subject::Object(kind, id) = subject else {
        return false;
    };
    let here = inverted(&agent.known()).remove(&(*kind, *id));
    let found = here.and_then(|it| agent.site.keystone.organization().object(*kind, &it));
    let wanted = directory.live().object(*kind, id);
    found.as_ref().and_then(is_on) == Some(true) && wanted.as_ref().and_then(is_on) != Some(true)
}

/// What was withheld was switched off, and is on again.
fn withheld_on(
    agent: &Agent,
    directory: &Directory,
    cloud: &Organization<CloudId>,
) -> BTreeSet<Subject> {
    let bindings = agent.replica().bindings.iter();
    let on = bindings.filter_map(|((kind, here), becomes)| {
        let Becomes::Withheld(id) = becomes else {
            return None;
        };
        let found = cloud.object(*kind, here)?;
        let is_over = !directory.has(*kind, *id) && is_on(&found) != Some(false);
        is_over.then(|| Subject::Own(*kind, here.clone()))
    });
    on.collect()
}

/// Of each thing of the directory the one that it is here: there are no two.
fn inverted(known: &Known) -> Here {
    let (here, twice) = compare::inverted(known);
    assert_eq!(twice, [""; 0]);
    here
}

/// What the region alone has, outside of what is reserved and what was decided about.
fn own(compare: &Compare<'_>, agent: &Agent) -> BTreeSet<Subject> {
    compare.own(|kind, id, home| {
        let is_common = agent.site.custody(kind, id, home) == Custody::Common;
        let place = (kind, id.clone());
        !is_common || agent.replica().bindings.contains_key(&place)
    })
}

/// All that an agent tells to differ.
pub(super) fn told(remarks: &[Remark]) -> BTreeSet<Subject> {
    let drift = remarks
        .iter()
        .filter(|it| matches!(it.state, RemarkState::Drift { .. }));
    drift.map(|it| it.subject.clone()).collect()
}

/// Whether a remark is of drift that somebody in the region made.
pub(super) fn is_of_region(it: &Remark) -> bool {
    matches!(&it.state, RemarkState::Drift { why, .. } if *why == DriftWhy::Region)
}

/// Whether a drift stays: of what the region made until it is merged again, and of what is its own.
pub(super) fn stays(it: &Remark) -> bool {
    match &it.state {
        RemarkState::Drift { why, what } => {
            *why != DriftWhy::Region || what.iter().all(|it| it.what == DriftKind::CreatedHere)
        }
        _ => false,
    }
}

/// Whether an agent tells that what the hub decided to be a thing of the directory is the region's
/// own, as it has another one for that.
pub(super) fn disowns(agent: &Agent) -> bool {
    let bindings = &agent.replica().bindings;
    agent.remarks().iter().any(|it| match &it.subject {
        Subject::Own(kind, here) => {
            let becomes = bindings.get(&(*kind, here.clone()));
            matches!(becomes, Some(Becomes::Object(_)))
        }
        _ => false,
    })
}

/// No name for the meantime was left behind.
pub(super) fn no_leftovers(agent: &Agent, directory: &Directory) {
    let known = agent.known();
    let mut left = objects(&agent.site.keystone.organization()).into_iter();
    let Some((kind, here, it)) = left.find(|(.., it)| it.name().contains('~')) else {
        return;
    };
    let place = (kind, here.clone());
    let id = known.get(&place);
    let standing = id.and_then(|id| agent.core.standing(&Subject::Object(kind, *id)));
    let ended = id.and_then(|id| directory.ended(*id));
    panic!(
        "region {}: {kind:?} {here} is {:?}: {id:?}, {standing:?}, {ended:?}, {:?}",
        agent.no.0,
        it.name(),
        agent.replica().bindings.get(&place)
    );
}
