//! What a thing may be called, and where it may be (Keystone, Identity API v3: the schemas of
//! `keystone.common.validation.parameter_types`, and the checks of its resource manager).

use shared::foreign;
use shared::ids::ObjectId;
use shared::model::{ADMIN, Actor, Assignment, Folded, Object, ObjectKind, Project, SERVICE};

use super::{check_description, wrong};
use crate::directory::Directory;
use crate::directory::fit::{self, DEPTH_MAX, EMAIL_BYTES_MAX, NameFault};
use crate::directory::names::DEFAULT;
use crate::directory::refusal::Refusal;

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

/// Checks all but the name of a thing as it is to be: what of it is another than `before`. What a
/// region brought along may be as it would not be allowed here, and must still be possible to
/// switch off.
pub(super) fn check(
    directory: &Directory,
    before: Option<&Object<ObjectId>>,
    object: &Object<ObjectId>,
) -> Result<(), Refusal> {
    let text = description(object);
    if before.map(description) != Some(text) {
        check_description(text)?;
    }
    // Nothing moves, so only what is new can be in a wrong place.
    if before.is_none() {
        if let Some(department) = object.department() {
            directory.required(ObjectKind::Department, *department)?;
        }
        if let Object::Project(it) = object {
            place_is_right(directory, it)?;
        }
    }
    let Object::User(user) = object else {
        return Ok(());
    };
    let was = match before {
        Some(Object::User(was)) => Some(was),
        _ => None,
    };
    if was.is_none_or(|it| it.email != user.email) {
        email_is_right(user.email.as_deref().unwrap_or_default())?;
    }
    let home = user.default_project;
    let home = home.filter(|_| was.is_none_or(|it| it.default_project != user.default_project));
    match home {
        Some(project) => directory.required(ObjectKind::Project, project).map(drop),
        None => Ok(()),
    }
}

const fn description(object: &Object<ObjectId>) -> Option<&String> {
    match object {
        Object::Department(it) => it.description.as_ref(),
        Object::Project(it) => it.description.as_ref(),
        Object::User(it) => it.description.as_ref(),
        Object::Group(it) => it.description.as_ref(),
        Object::Role(it) => it.description.as_ref(),
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

/// A role that users have does not become the one of services.
pub(super) fn keeps_its_users(
    directory: &Directory,
    id: ObjectId,
    after: &Object<ObjectId>,
) -> Result<(), Refusal> {
    let is_of_services = matches!(after, Object::Role(it) if it.is_of_services());
    let mut given = directory.live.assignments.iter();
    let is_users = |it: &Assignment<ObjectId>| it.role == id && matches!(it.actor, Actor::User(_));
    match is_of_services && given.any(is_users) {
        true => Err(wrong(
            format!(
                "users have this role, and each region keeps whoever has one called {SERVICE:?} \
                 as its own"
            ),
            "take it from them first, or choose another name",
        )),
        false => Ok(()),
    }
}

/// Whether a role is the one of administrators.
pub(super) fn is_admin_role(object: &Object<ObjectId>) -> bool {
    match object {
        Object::Role(it) => it.is_cloud_admin(),
        _ => false,
    }
}

fn name_is_right(kind: ObjectKind, name: &str) -> Result<(), Refusal> {
    let (word, most) = (kind.name(), kind.name_chars_max());
    let fault = match fit::name_fault(kind, name) {
        None => return name_is_readable(kind, name),
        Some(NameFault::Empty) => "is empty".to_owned(),
        Some(NameFault::OuterSpace) => format!("begins or ends with a space{}", place(name)),
        Some(NameFault::Control) => format!("has a control character{}", place(name)),
        Some(NameFault::Long) => {
            format!("has {} characters, of {most} at most", name.chars().count())
        }
    };
    let shown: String = name.chars().take(most).collect();
    let what = format!("the {word}'s name {} {fault}", foreign::quoted(&shown));
    Err(wrong(what, "choose another name"))
}

/// What is new has a name that everybody can read and type, and that is nothing else. What a region
/// brought along may be called as it is there.
fn name_is_readable(kind: ObjectKind, name: &str) -> Result<(), Refusal> {
    let (word, shown) = (kind.name(), foreign::quoted(name));
    if foreign::hidden(name).is_some() {
        let what = format!(
            "the {word}'s name {shown} has a character that nobody sees, or that looks like \
             another one{}",
            place(name)
        );
        return Err(wrong(what, "type the name without it"));
    }
    if name.parse::<ObjectId>().is_ok() {
        let what = format!("the {word}'s name {shown} is written like an id, and taken for one");
        return Err(wrong(what, "choose another name"));
    }
    Ok(())
}

/// Where the first character stands that can't be seen, and which it is.
fn place(name: &str) -> String {
    foreign::hidden(name).map_or_else(String::new, |(place, character)| {
        format!(
            ": U+{:04X}, its character {place} of {}",
            u32::from(character),
            name.chars().count()
        )
    })
}

fn email_is_right(email: &str) -> Result<(), Refusal> {
    if !fit::is_email(email) {
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
