//! Things of an organization as the trail tells them: `name="ann" enabled=true`.

use std::fmt::Display;

use crate::model::{Link, Object, ObjectKind};

/// Bytes of a name within a link's: three of them and their ids stay within what an entry has for
/// one.
const END_NAME_MAX: usize = 32;

/// Fields of a thing by their names, in the order in which they are told.
type Fields = Vec<(&'static str, String)>;

fn fields<I: Display>(object: &Object<I>) -> Fields {
    let mut all = Vec::new();
    let text = |text: &str| format!("{text:?}");
    let mut some = |field, value: Option<String>| {
        all.push((field, value.unwrap_or_else(|| "none".to_owned())));
    };
    some("name", Some(text(object.name())));
    let (description, enabled) = match object {
        Object::Department(it) => (&it.description, Some(it.enabled)),
        Object::Project(it) => (&it.description, Some(it.enabled)),
        Object::User(it) => (&it.description, Some(it.enabled)),
        Object::Group(it) => (&it.description, None),
        Object::Role(it) => (&it.description, None),
    };
    if let Some(enabled) = enabled {
        some("enabled", Some(enabled.to_string()));
    }
    if let Some(department) = object.department() {
        some("department", Some(department.to_string()));
    }
    match object {
        Object::Project(it) => some("parent", it.parent.as_ref().map(I::to_string)),
        Object::User(it) => {
            some("email", it.email.as_deref().map(text));
            let home = it.default_project.as_ref().map(I::to_string);
            some("default_project", home);
        }
        Object::Department(_) | Object::Group(_) | Object::Role(_) => {}
    }
    // Last: it may be long, and is then the one that is cut.
    some("description", description.as_deref().map(text));
    all
}

fn line(fields: &[(&'static str, String)]) -> String {
    let told = fields.iter().map(|(name, value)| format!("{name}={value}"));
    told.collect::<Vec<_>>().join(" ")
}

/// All fields of a thing. Secrets are no fields of it.
pub fn described<I: Display>(object: &Object<I>) -> String {
    line(&fields(object))
}

/// The fields that differ, before and after. What is made or goes is told whole.
pub fn changed<I: Display>(
    before: Option<&Object<I>>,
    after: Option<&Object<I>>,
) -> (String, String) {
    let (mut before, mut after) = match (before, after) {
        (Some(before), Some(after)) => (fields(before), fields(after)),
        (before, after) => {
            let told = |it: Option<&Object<I>>| it.map(described).unwrap_or_default();
            return (told(before), told(after));
        }
    };
    let (was, is) = (before.clone(), after.clone());
    before.retain(|field| !is.contains(field));
    after.retain(|field| !was.contains(field));
    (line(&before), line(&after))
}

/// What a link is, by the ids of its ends: `user 1 in group 2`.
pub fn link_named<I: Display>(link: &Link<I>) -> String {
    worded(link, |_, id| id.to_string())
}

/// What a link is, by what its ends are called as far as that is known, and by their ids:
/// `user 'ann' in group 'staff' (user 1, group 2)`.
pub fn link_told<I: Display>(
    link: &Link<I>,
    name: impl Fn(ObjectKind, &I) -> Option<String>,
) -> String {
    let ends = ends(link);
    if ends.iter().all(|(kind, id)| name(*kind, id).is_none()) {
        return link_named(link);
    }
    let told = worded(link, |kind, id| match name(kind, id) {
        Some(name) => quoted(&name),
        None => id.to_string(),
    });
    let ids = ends
        .iter()
        .map(|(kind, id)| format!("{} {id}", kind.name()));
    format!("{told} ({})", ids.collect::<Vec<_>>().join(", "))
}

/// What a thing among others is: `user 'ann' (1)`.
pub fn thing_told(kind: ObjectKind, id: impl Display, name: &str) -> String {
    format!("{} {} ({id})", kind.name(), quoted(name))
}

/// In quotes that are none of the line's that shows it; what is long is cut.
fn quoted(name: &str) -> String {
    let mut told = String::from("'");
    for escaped in name.chars().map(char::escape_debug) {
        let bytes: usize = escaped.clone().map(char::len_utf8).sum();
        if told.len() + bytes > END_NAME_MAX - '…'.len_utf8() {
            told.push('…');
            break;
        }
        told.extend(escaped);
    }
    told + "'"
}

/// The ends of a link, in the order in which they are told: the user before the group, and the role
/// before its place.
fn ends<I>(link: &Link<I>) -> Vec<(ObjectKind, &I)> {
    let mut all: Vec<_> = link.ends().collect();
    if !matches!(link, Link::Implication(_))
        && let [.., last_but_one, last] = all.as_mut_slice()
    {
        std::mem::swap(last_but_one, last);
    }
    all
}

fn worded<I>(link: &Link<I>, end: impl Fn(ObjectKind, &I) -> String) -> String {
    let told: Vec<String> = ends(link)
        .into_iter()
        .map(|(kind, id)| format!("{} {}", kind.name(), end(kind, id)))
        .collect();
    match (link, told.as_slice()) {
        (Link::Assignment(it), [actor, role, place]) => {
            let below = if it.inherited { "below " } else { "" };
            format!("{actor} has {role} {below}{place}")
        }
        (Link::Implication(_), _) => told.join(" implies "),
        _ => told.join(" in "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, Assignment, Scope, User};

    fn user(name: &str, enabled: bool) -> Object<u8> {
        Object::User(User {
            department: 1,
            name: name.to_owned(),
            description: None,
            email: Some("a@b".to_owned()),
            enabled,
            default_project: None,
        })
    }

    #[test]
    fn what_differs_is_told_and_what_is_new_is_told_whole() {
        let (ann, anna) = (user("ann", true), user("an\"n\n", false));
        let told = changed(Some(&ann), Some(&anna));
        let (before, after) = (told.0.as_str(), told.1.as_str());
        assert_eq!(before, "name=\"ann\" enabled=true");
        assert_eq!(after, "name=\"an\\\"n\\n\" enabled=false");
        let whole = "name=\"ann\" enabled=true department=1 email=\"a@b\" \
                     default_project=none description=none";
        assert_eq!(changed(None, Some(&ann)), (String::new(), whole.to_owned()));
        assert_eq!(changed(Some(&ann), None), (whole.to_owned(), String::new()));
    }

    #[test]
    fn a_link_is_named_by_its_ends() {
        let link = Link::Assignment(Assignment {
            actor: Actor::Group(1),
            scope: Scope::Project(2),
            role: 3,
            inherited: true,
        });
        assert_eq!(link_named(&link), "group 1 has role 3 below project 2");
        assert_eq!(link_told(&link, |_, _| None), link_named(&link));
        let names = |kind, _: &u8| (kind != ObjectKind::Role).then(|| "it's".to_owned());
        assert_eq!(
            link_told(&link, names),
            "group 'it\\'s' has role 3 below project 'it\\'s' (group 1, role 3, project 2)"
        );
    }

    #[test]
    fn long_names_leave_the_ids_their_room() {
        let id = "0".repeat(36);
        let link = Link::Assignment(Assignment {
            actor: Actor::Group(id.clone()),
            scope: Scope::Department(id.clone()),
            role: id,
            inherited: true,
        });
        let told = link_told(&link, |_, _| Some("名\u{7}".repeat(100)));
        assert!(told.len() <= super::super::entry::NAME_MAX, "{told}");
        assert!(told.contains("名…' (group 0"), "{told}");
    }
}
