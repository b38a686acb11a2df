//! What is not live any more: kept, so that no region brings it back as something new.

use shared::ids::ObjectId;
use shared::model::{End, Object, ObjectKind, Organization};

/// An object that is not live any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// As it was last.
    pub object: Object<ObjectId>,
    /// How it ended.
    pub how: End,
}

/// What hangs on an object alone, and ends with it.
pub(super) fn below(
    live: &Organization<ObjectId>,
    kind: ObjectKind,
    id: ObjectId,
) -> Vec<(ObjectKind, ObjectId)> {
    let mut below = Vec::new();
    if matches!(kind, ObjectKind::Department | ObjectKind::Project) {
        let projects = live.projects.iter();
        let projects = projects.filter(|(_, it)| it.department == id || it.parent == Some(id));
        below.extend(projects.map(|(id, _)| (ObjectKind::Project, *id)));
    }
    if kind == ObjectKind::Department {
        let users = live.users.iter().filter(|(_, it)| it.department == id);
        below.extend(users.map(|(id, _)| (ObjectKind::User, *id)));
        let groups = live.groups.iter().filter(|(_, it)| it.department == id);
        below.extend(groups.map(|(id, _)| (ObjectKind::Group, *id)));
        let roles = live.roles.iter();
        let roles = roles.filter(|(_, it)| it.department == Some(id));
        below.extend(roles.map(|(id, _)| (ObjectKind::Role, *id)));
    }
    below
}
