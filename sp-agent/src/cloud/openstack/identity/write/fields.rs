//! What is written of a thing: all of a new one, and what differs of one that is there. Pure.
//!
//! A field that is not written stays as it is in Keystone, so that what the federation knows
//! nothing of (tags, options, other people's attributes, the password) is never touched.

use serde::Serialize;
use shared::model::{CloudId, Department, Group, Marker, Object, Project, Role, User};

use super::super::marker;

/// A field that may be absent: not written, or written, as `null` where it has no value.
type Field<T> = Option<Option<T>>;

/// The fields of any kind of thing, by Keystone's names. `None` is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Fields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_id: Field<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Field<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Field<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_project_id: Field<String>,
    /// The marker; its name is [`marker::ATTRIBUTE`].
    #[serde(skip_serializing_if = "Option::is_none")]
    regroup: Option<String>,
}

impl Fields<'_> {
    /// The same of the project of this id. Where its new name is taken, Keystone would tell the id
    /// that the request names, and answers HTTP 500 where it names none.
    pub(super) fn of_project_named(self, id: String) -> Self {
        let id = self.name.is_some().then_some(id);
        Self { id, ..self }
    }
}

/// All of a new thing. What it lacks is left out, but for the descriptions that Keystone would set
/// to empty ones: those of domains, projects and groups.
pub(super) fn of_new<'a>(object: &'a Object<CloudId>, marker: &Marker) -> Fields<'a> {
    let all = of_object(object);
    let is_set = !matches!(object, Object::User(_) | Object::Role(_));
    Fields {
        domain_id: all.domain_id.filter(Option::is_some),
        description: all.description.filter(|it| it.is_some() || is_set),
        email: all.email.filter(Option::is_some),
        default_project_id: all.default_project_id.filter(Option::is_some),
        regroup: Some(marker::write(marker)),
        ..all
    }
}

/// What of `to` differs from `from`, which is of the same kind. Of a project that is switched off
/// and stays so, that is written too: Keystone takes a change that doesn't say so for one that
/// switches it on, and refuses that (403) below a department that is off.
pub(super) fn of_update<'a>(
    from: &'a Object<CloudId>,
    to: &'a Object<CloudId>,
    marker: Option<&Marker>,
) -> Fields<'a> {
    let stays_off = matches!(to, Object::Project(it) if !it.enabled);
    let is_role = matches!(to, Object::Role(_));
    let (from, to) = (of_object(from), of_object(to));
    let fields = Fields {
        name: differing(&from.name, to.name),
        domain_id: differing(&from.domain_id, to.domain_id),
        parent_id: differing(&from.parent_id, to.parent_id),
        description: differing(&from.description, to.description).map(|it| match it {
            // An older Keystone (2024.1) refuses `null` for a role that is there (400).
            None if is_role => Some(""),
            it => it,
        }),
        email: differing(&from.email, to.email),
        enabled: differing(&from.enabled, to.enabled),
        default_project_id: differing(&from.default_project_id, to.default_project_id),
        id: None,
        regroup: marker.map(marker::write),
    };
    match stays_off && fields != Fields::default() {
        true => Fields {
            enabled: Some(false),
            ..fields
        },
        false => fields,
    }
}

fn differing<T: PartialEq>(from: &Option<T>, to: Option<T>) -> Option<T> {
    if to == *from { None } else { to }
}

/// Everything that the federation knows of a thing.
fn of_object(object: &Object<CloudId>) -> Fields<'_> {
    match object {
        Object::Department(it) => of_department(it),
        Object::Project(it) => of_project(it),
        Object::User(it) => of_user(it),
        Object::Group(it) => of_group(it),
        Object::Role(it) => of_role(it),
    }
}

fn of_department(department: &Department) -> Fields<'_> {
    Fields {
        name: Some(&department.name),
        description: Some(department.description.as_deref()),
        enabled: Some(department.enabled),
        ..Fields::default()
    }
}

fn of_project(project: &Project<CloudId>) -> Fields<'_> {
    let parent = project.parent.as_ref().unwrap_or(&project.department);
    Fields {
        name: Some(&project.name),
        domain_id: Some(Some(project.department.to_string())),
        // Directly below its domain, a project's parent is the domain.
        parent_id: Some(parent.to_string()),
        description: Some(project.description.as_deref()),
        enabled: Some(project.enabled),
        ..Fields::default()
    }
}

/// Without a password: whoever is made so exists, and can't sign in.
fn of_user(user: &User<CloudId>) -> Fields<'_> {
    Fields {
        name: Some(&user.name),
        domain_id: Some(Some(user.department.to_string())),
        description: Some(user.description.as_deref()),
        email: Some(user.email.as_deref()),
        enabled: Some(user.enabled),
        default_project_id: Some(user.default_project.as_ref().map(ToString::to_string)),
        ..Fields::default()
    }
}

fn of_group(group: &Group<CloudId>) -> Fields<'_> {
    Fields {
        name: Some(&group.name),
        domain_id: Some(Some(group.department.to_string())),
        description: Some(group.description.as_deref()),
        ..Fields::default()
    }
}

fn of_role(role: &Role<CloudId>) -> Fields<'_> {
    Fields {
        name: Some(&role.name),
        domain_id: Some(role.department.as_ref().map(ToString::to_string)),
        description: Some(role.description.as_deref()),
        ..Fields::default()
    }
}
