//! Domains, projects, users, groups and roles, from Keystone's JSON to the model. Pure.

use serde::Deserialize;
use shared::model::{
    CloudId, Custody, DESCRIPTION_BYTES_MAX, Department, Entry, Group, Marker, Project, Record,
    Role, User,
};

use super::marker;
use crate::cloud::openstack::paging::Listing;
use crate::cloud::openstack::scalar::Scalar;

/// The only value of a scope's `OS-INHERIT:inherited_to`, where it has one.
const TO_PROJECTS: &str = "projects";

/// The field of [`Raw`] that holds the marker is named like its attribute.
const _: () = assert!(matches!(marker::ATTRIBUTE.as_bytes(), b"regroup"));

/// The link to what follows, as Keystone writes it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Links {
    #[serde(default)]
    next: Scalar,
}

/// A thing that has a name, as Keystone writes it: each kind has some of these.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Raw {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    description: Scalar,
    #[serde(default)]
    enabled: Scalar,
    #[serde(default)]
    domain_id: Scalar,
    #[serde(default)]
    parent_id: Scalar,
    #[serde(default)]
    is_domain: Scalar,
    #[serde(default)]
    email: Scalar,
    #[serde(default)]
    default_project_id: Scalar,
    /// [`marker::ATTRIBUTE`].
    #[serde(default)]
    regroup: Scalar,
}

/// A list of them, whose key is the collection's name.
macro_rules! listing {
    ($(#[$doc:meta])* $list:ident, $collection:ident) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        pub(super) struct $list {
            $collection: Vec<Raw>,
            #[serde(default)]
            links: Links,
            #[serde(default)]
            truncated: Scalar,
        }

        impl Listing for $list {
            type Item = Raw;

            fn into_parts(self) -> (Vec<Raw>, Option<String>) {
                (self.$collection, self.links.next())
            }

            fn id(item: &Raw) -> Option<&str> {
                item.id.text()
            }

            /// A Keystone whose `list_limit` is set cuts lists that it can't page.
            fn is_cut(&self) -> bool {
                is_cut(&self.truncated, &self.links)
            }
        }
    };
}

listing!(
    /// `GET /domains`.
    DomainList,
    domains
);
listing!(
    /// `GET /projects`.
    ProjectList,
    projects
);
listing!(
    /// `GET /users`, `GET /groups/{id}/users`.
    UserList,
    users
);
listing!(
    /// `GET /groups`.
    GroupList,
    groups
);
listing!(
    /// `GET /roles`.
    RoleList,
    roles
);

impl Links {
    pub(super) fn next(&self) -> Option<String> {
        self.next.text().map(str::to_owned)
    }
}

/// Whether a list was cut, and has no link to the rest.
pub(super) fn is_cut(truncated: &Scalar, links: &Links) -> bool {
    truncated.flag() && links.next.text().is_none()
}

/// Whether a scope says that it counts in the projects below it.
pub(super) fn is_inherited(inherited_to: &Scalar) -> bool {
    inherited_to.text() == Some(TO_PROJECTS)
}

impl Raw {
    /// What the cloud calls it; `None` if it has no id.
    pub(super) fn id(&self) -> Option<CloudId> {
        self.id.id()
    }

    /// Its name; empty if it has none.
    pub(super) fn name(&self) -> &str {
        self.name.text().unwrap_or_default()
    }

    /// The department that it belongs to, if it belongs to one.
    pub(super) fn department(&self) -> Option<CloudId> {
        self.domain_id.id()
    }

    /// Whether it is a domain in its other form: as a project.
    pub(super) fn is_domain(&self) -> bool {
        self.is_domain.flag()
    }

    /// The department; `None` if it has no id.
    pub(super) fn into_department(self, custody: Custody) -> Option<Record> {
        let enabled = self.is_enabled();
        self.entry(custody, |name, description| Department {
            name,
            description,
            enabled,
        })
        .map(Record::Department)
    }

    /// The project; `None` if it has no id or no department. One directly below its domain has that
    /// for its parent.
    pub(super) fn into_project(self, custody: Custody) -> Option<Record> {
        let (department, enabled) = (self.department()?, self.is_enabled());
        let parent = self.parent_id.id().filter(|it| *it != department);
        self.entry(custody, |name, description| Project {
            department,
            parent,
            name,
            description,
            enabled,
        })
        .map(Record::Project)
    }

    /// The user; `None` if it has no id or no department.
    pub(super) fn into_user(self, custody: Custody) -> Option<Record> {
        let (department, enabled) = (self.department()?, self.is_enabled());
        let (email, default_project) = (given(&self.email), self.default_project_id.id());
        self.entry(custody, |name, description| User {
            department,
            name,
            description,
            email,
            enabled,
            default_project,
        })
        .map(Record::User)
    }

    /// The group; `None` if it has no id or no department.
    pub(super) fn into_group(self, custody: Custody) -> Option<Record> {
        let department = self.department()?;
        self.entry(custody, |name, description| Group {
            department,
            name,
            description,
        })
        .map(Record::Group)
    }

    /// The role; `None` if it has no id.
    pub(super) fn into_role(self, custody: Custody) -> Option<Record> {
        let department = self.department();
        self.entry(custody, |name, description| Role {
            department,
            name,
            description,
        })
        .map(Record::Role)
    }

    fn entry<T>(
        self,
        custody: Custody,
        what: impl FnOnce(String, Option<String>) -> T,
    ) -> Option<Entry<T>> {
        Some(Entry {
            id: self.id()?,
            custody,
            marker: self.marker(),
            what: what(self.name.into_text(), given(&self.description)),
        })
    }

    fn marker(&self) -> Option<Marker> {
        marker::read(self.regroup.text()?)
    }

    /// Keystone enables what is made without a word about it.
    fn is_enabled(&self) -> bool {
        match &self.enabled {
            Scalar::Nothing => true,
            told => told.flag(),
        }
    }
}

/// A text as it was given, the empty one too; cut at a character.
fn given(text: &Scalar) -> Option<String> {
    let Scalar::Text(text) = text else {
        return None;
    };
    let end = text.floor_char_boundary(DESCRIPTION_BYTES_MAX);
    text.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests;
