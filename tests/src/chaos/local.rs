//! What people do in a region's own Keystone.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, RngExt};
use serde_json::{Value, json};
use shared::ids::ObjectId;
use shared::model::{CloudId, Link, Membership, Object, ObjectKind, Organization};

use super::call::{collection, member, path};
use super::edits::{BOOTSTRAP, name};
use super::pick;
use super::place::{Place, Seen};
use super::site::objects;

/// Departments, projects, users and groups: what was ever there, and what somebody there has
/// deleted or made.
#[derive(Default)]
pub(super) struct Kept {
    ever: BTreeSet<Thing>,
    deleted: BTreeSet<Thing>,
    pub(super) made: BTreeSet<CloudId>,
    /// Which of the directory's a thing was, by its marker.
    pub(super) was: BTreeMap<Thing, ObjectId>,
}

type Thing = (ObjectKind, CloudId);

impl Kept {
    /// Looks at what there is.
    pub(super) fn look(&mut self, seen: Seen) {
        let things = objects(&seen.all)
            .into_iter()
            .map(|(kind, id, _)| (kind, id));
        // A role is nobody's work, and those of the federation go as its administrators say.
        self.ever
            .extend(things.filter(|it| it.0 != ObjectKind::Role));
        let marked = seen.markers.into_iter();
        self.was
            .extend(marked.map(|(it, marker)| (it, marker.object)));
    }

    /// All is as it was once: what was made since is nobody's loss, and who was deleted is there.
    pub(super) fn is_set_back(&mut self, seen: Seen) {
        self.ever.clear();
        self.deleted.clear();
        self.look(seen);
    }

    /// What is there no more, and nobody there has deleted.
    pub(super) fn gone(&self, all: &All) -> BTreeSet<Thing> {
        let left = self.ever.difference(&self.deleted);
        left.filter(|(kind, id)| !all.has(*kind, id))
            .cloned()
            .collect()
    }

    /// Whether all is there that nobody there has deleted, but for what the federation was told to
    /// remove.
    pub(super) fn check(&self, all: &All, removed: &BTreeSet<Thing>) {
        let gone: Vec<Thing> = self.gone(all).difference(removed).cloned().collect();
        assert_eq!(gone, [], "what tenants made is gone");
    }
}

type All = Organization<CloudId>;

fn is_free(object: &Object<CloudId>, id: &CloudId) -> bool {
    let home = object.department().unwrap_or(id).to_string();
    let is_bootstrap = matches!(object, Object::Role(it) if BOOTSTRAP.contains(&it.name.as_str()));
    home != "default" && !is_bootstrap
}

fn any(chance: &mut impl Rng, all: &All, kind: ObjectKind) -> Option<(CloudId, Object<CloudId>)> {
    let things = objects(all).into_iter();
    let things = things.filter(|(of, id, it)| *of == kind && is_free(it, id));
    pick(chance, things.map(|(_, id, it)| (id, it)))
}

fn of(kind: ObjectKind, fields: Value) -> Value {
    json!({ member(kind): fields })
}

/// One operation. Whether it was done; many are refused.
pub(super) fn operate(site: &dyn Place, kept: &mut Kept, chance: &mut impl Rng) -> bool {
    let all = site.organization();
    let done = match chance.random_range(0..24) {
        0..6 => create(site, &all, kept, chance),
        6..9 => rename(site, &all, chance),
        9..11 => switch(site, &all, chance),
        11..13 => describe(site, &all, chance),
        13..16 => delete(site, &all, kept, chance),
        16..21 => link(site, &all, chance),
        _ => unlink(site, &all, chance),
    };
    kept.look(site.seen());
    done.unwrap_or(false)
}

fn create(site: &dyn Place, all: &All, kept: &mut Kept, chance: &mut impl Rng) -> Option<bool> {
    use ObjectKind::{Department, Group, Project, User};
    let kind = match chance.random_range(0..10) {
        0 => Department,
        1..4 => Project,
        4..6 => Group,
        _ => User,
    };
    let name = match chance.random() {
        true => name(chance, kind),
        false => format!("own {}", chance.random_range(0..100_000)),
    };
    let mut fields = json!({ "name": name });
    if kind != Department {
        let (home, _) = any(chance, all, Department)?;
        fields["domain_id"] = json!(home.to_string());
    }
    let made = site.make(&format!("/{}", collection(kind)), &of(kind, fields));
    let is_made = made.is_some();
    kept.made.extend(made);
    Some(is_made)
}

fn patch(site: &dyn Place, kind: ObjectKind, id: &CloudId, fields: Value) -> bool {
    let path = format!("/{}/{id}", collection(kind));
    site.ask("PATCH", &path, &of(kind, fields))
}

/// As a project must be told that it stays off.
fn is_on(object: &Object<CloudId>) -> Option<bool> {
    match object {
        Object::Project(it) => Some(it.enabled),
        _ => None,
    }
}

fn rename(site: &dyn Place, all: &All, chance: &mut impl Rng) -> Option<bool> {
    let kind = pick(chance, ObjectKind::ALL)?;
    if kind == ObjectKind::Department && chance.random_bool(0.7) {
        return None;
    }
    let (id, object) = any(chance, all, kind)?;
    let mut fields = json!({ "name": name(chance, kind), "id": id.to_string() });
    if let Some(is_on) = is_on(&object) {
        fields["enabled"] = json!(is_on);
    }
    Some(patch(site, kind, &id, fields))
}

fn switch(site: &dyn Place, all: &All, chance: &mut impl Rng) -> Option<bool> {
    let kind = match chance.random_range(0..8) {
        0 => ObjectKind::Department,
        1..4 => ObjectKind::Project,
        _ => ObjectKind::User,
    };
    let (id, _) = any(chance, all, kind)?;
    Some(patch(
        site,
        kind,
        &id,
        json!({ "enabled": chance.random_bool(0.6) }),
    ))
}

fn describe(site: &dyn Place, all: &All, chance: &mut impl Rng) -> Option<bool> {
    let kind = pick(chance, ObjectKind::ALL)?;
    let (id, object) = any(chance, all, kind)?;
    let mut fields = json!({ "description": format!("local {}", chance.random_range(0..9)) });
    if let Some(is_on) = is_on(&object) {
        fields["enabled"] = json!(is_on);
    }
    if kind == ObjectKind::User && chance.random() {
        let project = any(chance, all, ObjectKind::Project).map(|(id, _)| id.to_string());
        fields = json!({ "email": "local@example.org", "default_project_id": project });
    }
    Some(patch(site, kind, &id, fields))
}

fn delete(site: &dyn Place, all: &All, kept: &mut Kept, chance: &mut impl Rng) -> Option<bool> {
    let kind = match chance.random_range(0..12) {
        0 => ObjectKind::Project,
        1 => ObjectKind::Role,
        2..5 => ObjectKind::Group,
        _ => ObjectKind::User,
    };
    let (id, _) = any(chance, all, kind)?;
    Some(remove(site, kept, kind, &id))
}

/// Whether it was there, and is not any more.
pub(super) fn remove(site: &dyn Place, kept: &mut Kept, kind: ObjectKind, id: &CloudId) -> bool {
    let path = format!("/{}/{id}", collection(kind));
    let done = site.ask("DELETE", &path, &Value::Null);
    if done {
        kept.deleted.insert((kind, id.clone()));
    }
    done
}

fn link(site: &dyn Place, all: &All, chance: &mut impl Rng) -> Option<bool> {
    let (user, _) = any(chance, all, ObjectKind::User)?;
    let path = match chance.random() {
        true => {
            let (group, _) = any(chance, all, ObjectKind::Group)?;
            path(&Link::Membership(Membership { group, user }))
        }
        false => {
            let (project, _) = any(chance, all, ObjectKind::Project)?;
            // An account with the role of services is the region's own from then on.
            let roles = all.roles.iter();
            let roles = roles.filter(|(_, it)| !it.is_cloud_admin() && !it.is_of_services());
            let role = pick(chance, roles.map(|(id, _)| id))?;
            format!("/projects/{project}/users/{user}/roles/{role}")
        }
    };
    Some(site.ask("PUT", &path, &Value::Null))
}

fn unlink(site: &dyn Place, all: &All, chance: &mut impl Rng) -> Option<bool> {
    let is_free = |link: &Link<CloudId>| match link {
        Link::Membership(_) => true,
        Link::Implication(_) => false,
        // Not the administrator's.
        Link::Assignment(it) => all.roles.get(&it.role).is_none_or(|it| it.name != "admin"),
    };
    let link = pick(chance, all.links().filter(is_free))?;
    Some(site.ask("DELETE", &path(&link), &Value::Null))
}

/// Gives what has a name that the directory wants another one, as its operator is told to.
pub(super) fn give_way(site: &dyn Place, kind: ObjectKind, id: &CloudId, name: &str) {
    // It may be gone since it was told of, and what is not given way is asked for again.
    let Some(object) = site.organization().object(kind, id) else {
        return;
    };
    let mut fields = json!({ "name": name, "id": id.to_string() });
    if let Some(is_on) = is_on(&object) {
        fields["enabled"] = json!(is_on);
    }
    patch(site, kind, id, fields);
}

#[cfg(test)]
mod tests {
    use shared::model::User;

    use super::*;

    fn user() -> Object<CloudId> {
        Object::User(User {
            department: CloudId::new("d"),
            name: "ann".to_owned(),
            description: None,
            email: None,
            enabled: true,
            default_project: None,
        })
    }

    #[test]
    fn who_was_there_and_is_not_is_gone_unless_somebody_there_deleted_him() {
        let (ann, mut seen) = (CloudId::new("u"), Seen::default());
        seen.all.insert(ann.clone(), user());
        let (mut kept, thing) = (Kept::default(), (ObjectKind::User, ann));
        kept.look(seen);
        let all = All::default();
        assert_eq!(kept.gone(&all), [thing.clone()].into());
        kept.check(&all, &[thing.clone()].into());
        kept.deleted.insert(thing);
        assert_eq!(kept.gone(&all), [].into());
        kept.check(&all, &[].into());
    }
}
