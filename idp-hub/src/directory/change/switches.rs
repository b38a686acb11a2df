//! What may be switched on and off (Keystone, Identity API v3: the checks of its resource manager
//! on a project's hierarchy, to which its domain belongs).

use shared::ids::ObjectId;
use shared::model::{Object, ObjectKind, Project};

use super::wrong;
use crate::directory::Directory;
use crate::directory::refusal::Refusal;

/// Checks how a project is to be switched: it is made and switched on within what is on alone, and
/// switched off when those in it are off. A department is switched as one likes.
pub(super) fn check(
    directory: &Directory,
    id: ObjectId,
    before: Option<&Object<ObjectId>>,
    object: &Object<ObjectId>,
) -> Result<(), Refusal> {
    let Object::Project(project) = object else {
        return Ok(());
    };
    let was = match before {
        Some(Object::Project(it)) => Some(it.enabled),
        _ => None,
    };
    match (was, project.enabled) {
        (None, _) | (Some(false), true) => around_is_on(directory, project),
        (Some(true), false) => inside_is_off(directory, id),
        (Some(_), _) => Ok(()),
    }
}

fn around_is_on(directory: &Directory, project: &Project<ObjectId>) -> Result<(), Refusal> {
    let next = "switch that on first";
    let department = directory.live.departments.get(&project.department);
    if let Some(it) = department.filter(|it| !it.enabled) {
        let what = format!("the department {:?} is switched off", it.name);
        return Err(wrong(what, next));
    }
    // Around what is on, all is on.
    let outer = project.parent;
    let outer = outer.and_then(|it| directory.live.projects.get(&it));
    match outer.filter(|it| !it.enabled) {
        Some(it) => {
            let (word, name) = (ObjectKind::Project.name(), &it.name);
            Err(wrong(
                format!("the outer {word} {name:?} is switched off"),
                next,
            ))
        }
        None => Ok(()),
    }
}

fn inside_is_off(directory: &Directory, id: ObjectId) -> Result<(), Refusal> {
    let mut all = directory.live.projects.values();
    match all.find(|it| it.parent == Some(id) && it.enabled) {
        Some(it) => {
            let what = format!("the project {:?} in it is switched on", it.name);
            Err(wrong(what, "switch that off first"))
        }
        None => Ok(()),
    }
}
