//! What must hold once faults have stopped and all has settled.

use std::collections::{BTreeMap, BTreeSet};

use idp_hub::directory::Directory;
use shared::ids::ObjectId;
use shared::model::{
    Actor, Becomes, CloudId, Custody, DriftKind, DriftWhy, End, Link, Object, ObjectKind,
    Organization, Remark, RemarkState, Scope, Subject,
};

use super::agent::Agent;
use super::site::objects;

type Known = BTreeMap<(ObjectKind, CloudId), ObjectId>;

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
        let is_off = |object: &Object<CloudId>| is_on(object) == Some(false);
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
            Some(End::Retired) => !is_off(&object),
            None => !directory.has(*kind, *id),
        };
        if is_left {
            found.insert(Subject::Object(*kind, *id));
        }
    }
    found.extend(compare.own(agent));
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
fn inverted(known: &Known) -> BTreeMap<(ObjectKind, ObjectId), CloudId> {
    let mut here = BTreeMap::new();
    for ((kind, it), id) in known {
        let before = here.insert((*kind, *id), it.clone());
        assert_eq!(before, None, "twice: {kind:?} {id} is {it} as well");
    }
    here
}

fn is_on<I>(object: &Object<I>) -> Option<bool> {
    match object {
        Object::Department(it) => Some(it.enabled),
        Object::Project(it) => Some(it.enabled),
        Object::User(it) => Some(it.enabled),
        Object::Group(_) | Object::Role(_) => None,
    }
}

/// No description is left of a role that is to have none, or an empty one: an older Keystone takes
/// none away.
fn plain(wanted: &Object<ObjectId>, there: &mut Object<ObjectId>) {
    if let (Object::Role(wanted), Object::Role(there)) = (wanted, there)
        && wanted.description.is_none()
        && there.description.as_deref() == Some("")
    {
        there.description = None;
    }
}

struct Compare<'a> {
    known: &'a Known,
    here: &'a BTreeMap<(ObjectKind, ObjectId), CloudId>,
    cloud: &'a Organization<CloudId>,
    live: &'a Organization<ObjectId>,
}

impl Compare<'_> {
    fn things(&self) -> BTreeSet<Subject> {
        let mut found = BTreeSet::new();
        for (kind, id, mut wanted) in objects(self.live) {
            let here = self.here.get(&(kind, id));
            let there = here.and_then(|it| self.cloud.object(kind, it));
            let known = |kind, it: &CloudId| self.known.get(&(kind, it.clone())).copied();
            let there = there.and_then(|it| it.translated(known));
            let Some(mut there) = there else {
                found.insert(Subject::Object(kind, id));
                continue;
            };
            if let (Object::User(wanted), Object::User(there)) = (&mut wanted, &mut there) {
                let project = wanted.default_project;
                // One that is not here follows once it is, and one that is none of the
                // federation's is the region's business.
                let is_here =
                    project.is_some_and(|it| self.here.contains_key(&(ObjectKind::Project, it)));
                if project.is_some() && !is_here {
                    wanted.default_project = None;
                    there.default_project = None;
                }
            }
            plain(&wanted, &mut there);
            if wanted != there {
                found.insert(Subject::Object(kind, id));
            }
        }
        found
    }

    fn links(&self) -> BTreeSet<Subject> {
        let mut found = BTreeSet::new();
        let known = |kind, it: &CloudId| {
            let id = self.known.get(&(kind, it.clone())).copied()?;
            self.live.has(kind, &id).then_some(id)
        };
        let there: BTreeSet<_> = self
            .cloud
            .links()
            .filter_map(|it| it.translated(known))
            .collect();
        let wanted: BTreeSet<_> = self.live.links().collect();
        found.extend(
            there
                .symmetric_difference(&wanted)
                .cloned()
                .map(Subject::Link),
        );
        found
    }

    /// What the region alone has, outside of what is reserved.
    fn own(&self, agent: &Agent) -> BTreeSet<Subject> {
        let things = objects(self.cloud).into_iter();
        let own = things.filter(|(kind, id, object)| {
            let home = object.department().unwrap_or(id);
            let is_common = agent.site.custody(*kind, id, home) == Custody::Common;
            let place = (*kind, id.clone());
            let is_decided = agent.replica().bindings.contains_key(&place);
            is_common && !self.known.contains_key(&place) && !is_decided
        });
        own.map(|(kind, id, _)| Subject::Own(kind, id)).collect()
    }
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
