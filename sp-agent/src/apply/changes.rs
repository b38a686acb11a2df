//! In what the hub's word differs from what it said before.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{Link, Object, ObjectKind};

use crate::replica::Replica;

pub(super) fn changed<K: Ord + Clone, V: PartialEq>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<K> {
    let new = after
        .iter()
        .filter(|(key, it)| before.get(*key) != Some(*it));
    let old = before.keys().filter(|key| !after.contains_key(*key));
    new.map(|(key, _)| key).chain(old).cloned().collect()
}

pub(super) type ChangedObject = (ObjectKind, ObjectId, Option<Object<ObjectId>>);

pub(super) fn changed_objects(before: &Replica, after: &Replica) -> Vec<ChangedObject> {
    let (old, new) = (&before.directory, &after.directory);
    let ids = [
        (
            ObjectKind::Department,
            changed(&old.departments, &new.departments),
        ),
        (ObjectKind::Role, changed(&old.roles, &new.roles)),
        (ObjectKind::Project, changed(&old.projects, &new.projects)),
        (ObjectKind::Group, changed(&old.groups, &new.groups)),
        (ObjectKind::User, changed(&old.users, &new.users)),
    ];
    let ids = ids.into_iter();
    let ids = ids.flat_map(|(kind, ids)| ids.into_iter().map(move |id| (kind, id)));
    ids.map(|(kind, id)| (kind, id, new.object(kind, &id)))
        .collect()
}

pub(super) fn changed_links(before: &Replica, after: &Replica) -> Vec<(Link<ObjectId>, bool)> {
    fn differing<'a, T: Ord + Clone>(
        old: &'a BTreeSet<T>,
        new: &'a BTreeSet<T>,
        link: impl Fn(T) -> Link<ObjectId> + Copy + 'a,
    ) -> impl Iterator<Item = (Link<ObjectId>, bool)> + 'a {
        let added = new.difference(old).cloned().map(move |it| (link(it), true));
        let taken = old
            .difference(new)
            .cloned()
            .map(move |it| (link(it), false));
        taken.chain(added)
    }
    let (old, new) = (&before.directory, &after.directory);
    let memberships = differing(&old.memberships, &new.memberships, Link::Membership);
    let implications = differing(&old.implications, &new.implications, Link::Implication);
    let assignments = differing(&old.assignments, &new.assignments, Link::Assignment);
    memberships.chain(implications).chain(assignments).collect()
}
