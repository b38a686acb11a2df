//! What a thing may be called, and where it may be (Keystone, Identity API v3: the schemas of
//! `keystone.common.validation.parameter_types`, and the checks of its resource manager).

use shared::ids::ObjectId;
use shared::model::{Object, ObjectKind, Project};

use super::{check_description, wrong};
use crate::directory::Directory;
use crate::directory::names::{self, ADMIN, Folded};
use crate::directory::refusal::Refusal;

/// Projects within each other below a department: Keystone's `max_project_tree_depth`, unless an
/// operator has set another one.
pub(super) const DEPTH_MAX: usize = 5;

/// The longest address of a user, in bytes: what RFC 5321 §4.5.3.1.3 allows a path, and 64 bytes
/// more than any in use.
const EMAIL_BYTES_MAX: usize = 255;

/// The department that every Keystone has from the beginning, and that stays its own.
const DEFAULT: &str = "Default";

/// Checks what a thing is to be called.
pub(super) fn name(
    directory: &Directory,
    id: ObjectId,
    object: &Object<ObjectId>,
) -> Result<(), Refusal> {
    name_is_right(object.kind(), object.name())?;
    let is_department = object.kind() == ObjectKind::Department;
    if is_department && Folded::new(object.name()) == Folded::new(DEFAULT) {
        let what = format!("each region's cloud has a department {DEFAULT:?} of its own");
        return Err(wrong(what, "choose another name"));
    }
    name_is_free(directory, id, object)?;
    name_is_not_held(directory, object)
}

/// Checks all but the name of a thing as it is to be.
pub(super) fn check(directory: &Directory, object: &Object<ObjectId>) -> Result<(), Refusal> {
    if let Some(department) = object.department() {
        directory.required(ObjectKind::Department, *department)?;
    }
    match object {
        Object::Department(it) => check_description(it.description.as_ref()),
        Object::Project(it) => {
            check_description(it.description.as_ref())?;
            place_is_right(directory, it)
        }
        Object::User(it) => {
            check_description(it.description.as_ref())?;
            email_is_right(it.email.as_deref().unwrap_or_default())?;
            match it.default_project {
                Some(project) => directory.required(ObjectKind::Project, project).map(drop),
                None => Ok(()),
            }
        }
        Object::Group(it) => check_description(it.description.as_ref()),
        Object::Role(it) => check_description(it.description.as_ref()),
    }
}

/// Whether it may end. Without the role `admin` nobody, the agents included, could do anything in
/// any region.
pub(super) fn may_end(object: &Object<ObjectId>) -> Result<(), Refusal> {
    match is_admin_role(object) {
        true => Err(wrong(
            format!("the role {ADMIN:?} is what every cloud's own policy asks for"),
            "leave it, and take it away from whoever should not have it",
        )),
        false => Ok(()),
    }
}

/// Whether it may be called something else.
pub(super) fn may_rename(object: &Object<ObjectId>) -> Result<(), Refusal> {
    match is_admin_role(object) {
        true => Err(wrong(
            format!("the role {ADMIN:?} is what every cloud's own policy asks for by this name"),
            "leave its name, and make another role",
        )),
        false => Ok(()),
    }
}

/// Whether a role is the one of administrators.
pub(super) fn is_admin_role(object: &Object<ObjectId>) -> bool {
    match object {
        Object::Role(it) => names::is_admin_role(it),
        _ => false,
    }
}

/// Keystone wants a character that is no space, takes spaces around it away (so that the name would
/// differ ever after), and a control character can be typed nowhere.
fn name_is_right(kind: ObjectKind, name: &str) -> Result<(), Refusal> {
    let (word, most) = (kind.name(), kind.name_chars_max());
    let fault = if name.trim().is_empty() {
        "is empty".to_owned()
    } else if name.trim() != name {
        "begins or ends with a space".to_owned()
    } else if name.chars().any(char::is_control) {
        "has a control character".to_owned()
    } else if name.chars().count() > most {
        format!("has {} characters, of {most} at most", name.chars().count())
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(most).collect();
    let what = format!("the {word}'s name {shown:?} {fault}");
    Err(wrong(what, "choose another name"))
}

fn email_is_right(email: &str) -> Result<(), Refusal> {
    if email.len() > EMAIL_BYTES_MAX || email.chars().any(char::is_control) {
        let what = format!(
            "the address has more than {EMAIL_BYTES_MAX} bytes, or a control character in it"
        );
        return Err(wrong(what, "give one that mail can be sent to"));
    }
    Ok(())
}

/// A nested project is in its outer one's department, and not too deep.
fn place_is_right(directory: &Directory, project: &Project<ObjectId>) -> Result<(), Refusal> {
    let Some(outer) = project.parent else {
        return Ok(());
    };
    let above = directory.required(ObjectKind::Project, outer)?;
    if above.department() != Some(&project.department) {
        let what = format!(
            "the outer project {outer} ({:?}) is in another department",
            above.name()
        );
        return Err(wrong(what, "name one of the same department"));
    }
    let (mut depth, mut next) = (1, Some(outer));
    while let Some(id) = next {
        depth += 1;
        if depth > DEPTH_MAX {
            let what = format!("projects are nested {DEPTH_MAX} deep at most");
            return Err(wrong(what, "make it in a project further out"));
        }
        next = directory.live.projects.get(&id).and_then(|it| it.parent);
    }
    Ok(())
}

fn name_is_free(
    directory: &Directory,
    id: ObjectId,
    object: &Object<ObjectId>,
) -> Result<(), Refusal> {
    let (kind, name, wanted) = (object.kind(), object.name(), Folded::new(object.name()));
    let live = &directory.live;
    let within = object.department().copied();
    let taken = |(by, department, known): (&ObjectId, Option<ObjectId>, &String)| {
        let is_same = *by != id && department == within && Folded::new(known) == wanted;
        is_same.then(|| (*by, known.clone()))
    };
    let found = match kind {
        ObjectKind::Department => {
            let mut all = live.departments.iter();
            all.find_map(|(id, it)| taken((id, None, &it.name)))
        }
        ObjectKind::Project => {
            let mut all = live.projects.iter();
            all.find_map(|(id, it)| taken((id, Some(it.department), &it.name)))
        }
        ObjectKind::User => {
            let mut all = live.users.iter();
            all.find_map(|(id, it)| taken((id, Some(it.department), &it.name)))
        }
        ObjectKind::Group => {
            let mut all = live.groups.iter();
            all.find_map(|(id, it)| taken((id, Some(it.department), &it.name)))
        }
        ObjectKind::Role => {
            let mut all = live.roles.iter();
            all.find_map(|(id, it)| taken((id, it.department, &it.name)))
        }
    };
    match found {
        None => Ok(()),
        Some((by, known)) => Err(Refusal::Taken {
            kind,
            name: name.to_owned(),
            by,
            known,
        }),
    }
}

/// What was retired keeps its name in every cloud, as it keeps its resources: no Keystone makes
/// another one of that name there.
fn name_is_not_held(directory: &Directory, object: &Object<ObjectId>) -> Result<(), Refusal> {
    let (kind, within) = (object.kind(), object.department().copied());
    let wanted = Folded::new(object.name());
    let held = directory.held(kind);
    let mut held = held.filter(|(_, department, _)| *department == within);
    match held.find(|(.., known)| Folded::new(known) == wanted) {
        None => Ok(()),
        Some((by, _, known)) => Err(Refusal::Held {
            kind,
            name: object.name().to_owned(),
            by,
            known: known.to_owned(),
        }),
    }
}
