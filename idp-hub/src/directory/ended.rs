//! What is not live any more: kept, so that no region brings it back as something new.

use std::collections::HashMap;

use shared::ids::ObjectId;
use shared::model::{End, Object, ObjectKind, Organization};

use super::Directory;

/// An object that is not live any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// As it was last.
    pub object: Object<ObjectId>,
    /// How it ended.
    pub how: End,
}

impl Directory {
    /// The department and the name of whatever of this kind was retired: it is in the clouds still,
    /// with its name. What was deleted is not.
    pub(super) fn held(
        &self,
        kind: ObjectKind,
    ) -> impl Iterator<Item = (ObjectId, Option<ObjectId>, &str)> {
        let of_kind = self.ended.iter().filter(move |(_, it)| {
            let is_in_clouds = matches!(it.how, End::Retired);
            is_in_clouds && it.object.kind() == kind
        });
        of_kind.map(|(id, it)| (*id, it.object.department().copied(), it.object.name()))
    }
}

/// An object and what hangs on it alone, which ends with it: a department's projects, users, groups
/// and roles; the projects that are nested in one, at any depth.
pub(super) fn with_below(
    live: &Organization<ObjectId>,
    kind: ObjectKind,
    id: ObjectId,
) -> Vec<(ObjectKind, ObjectId)> {
    match kind {
        ObjectKind::Department => with_contents(live, id),
        ObjectKind::Project => with_nested(live, id),
        ObjectKind::User | ObjectKind::Group | ObjectKind::Role => vec![(kind, id)],
    }
}

fn with_contents(live: &Organization<ObjectId>, id: ObjectId) -> Vec<(ObjectKind, ObjectId)> {
    let mut all = vec![(ObjectKind::Department, id)];
    let projects = live.projects.iter().filter(|(_, it)| it.department == id);
    all.extend(projects.map(|(id, _)| (ObjectKind::Project, *id)));
    let users = live.users.iter().filter(|(_, it)| it.department == id);
    all.extend(users.map(|(id, _)| (ObjectKind::User, *id)));
    let groups = live.groups.iter().filter(|(_, it)| it.department == id);
    all.extend(groups.map(|(id, _)| (ObjectKind::Group, *id)));
    let roles = live.roles.iter();
    let roles = roles.filter(|(_, it)| it.department == Some(id));
    all.extend(roles.map(|(id, _)| (ObjectKind::Role, *id)));
    all
}

fn with_nested(live: &Organization<ObjectId>, id: ObjectId) -> Vec<(ObjectKind, ObjectId)> {
    let mut inner: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
    for (id, project) in &live.projects {
        if let Some(outer) = project.parent {
            inner.entry(outer).or_default().push(*id);
        }
    }
    let (mut all, mut next) = (Vec::new(), vec![id]);
    while let Some(id) = next.pop() {
        all.push((ObjectKind::Project, id));
        // Taken out, so that even projects in a circle come to an end.
        next.extend(inner.remove(&id).unwrap_or_default());
    }
    all
}
