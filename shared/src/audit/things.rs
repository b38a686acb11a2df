//! Things of an organization as the trail tells them: `name="ann" enabled=true`.

use std::fmt::Display;

use crate::model::{Actor, Link, Object, Scope};

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
    match link {
        Link::Membership(it) => format!("user {} in group {}", it.user, it.group),
        Link::Implication(it) => format!("role {} implies role {}", it.prior, it.implied),
        Link::Assignment(it) => {
            let (actor, who) = match &it.actor {
                Actor::User(id) => ("user", id),
                Actor::Group(id) => ("group", id),
            };
            let (scope, place) = match &it.scope {
                Scope::Department(id) => ("department", id),
                Scope::Project(id) => ("project", id),
            };
            let below = if it.inherited { "below " } else { "" };
            format!("{actor} {who} has role {} {below}{scope} {place}", it.role)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Assignment, User};

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
    }
}
