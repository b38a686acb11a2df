//! Keystone: the projects of all domains.

use serde::Deserialize;
use shared::model::{CloudId, ServiceKind};

use super::client::{Ask, Client};
use super::paging::Listing;
use super::scalar::Scalar;
use crate::cloud::CloudError;

/// A project, enabled or not: a disabled one still holds what was created in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) id: CloudId,
    pub(super) name: String,
}

/// The question for all projects.
pub(super) fn list() -> Ask<'static> {
    Ask::new(ServiceKind::Identity, ["projects"])
}

/// Whether a project exists (still).
pub(super) async fn exists(client: &Client, id: &CloudId) -> Result<bool, CloudError> {
    let id = id.to_string();
    match client
        .get(&Ask::new(ServiceKind::Identity, ["projects", &id]))
        .await
    {
        Ok(_) => Ok(true),
        Err(CloudError::Status { status: 404, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// `GET /projects`.
#[derive(Debug, Deserialize)]
pub(super) struct ProjectList {
    projects: Vec<RawProject>,
    #[serde(default)]
    links: Links,
    #[serde(default)]
    truncated: Scalar,
}

#[derive(Debug, Default, Deserialize)]
struct Links {
    #[serde(default)]
    next: Scalar,
}

/// A project as Keystone writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawProject {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
}

impl Listing for ProjectList {
    type Item = RawProject;

    fn into_parts(self) -> (Vec<RawProject>, Option<String>) {
        let next = self.links.next.text().map(str::to_owned);
        (self.projects, next)
    }

    fn id(item: &RawProject) -> Option<&str> {
        item.id.text()
    }

    /// An old Keystone whose `list_limit` is set cuts its lists and has no way to go on.
    fn is_cut(&self) -> bool {
        self.truncated.flag() && self.links.next.text().is_none()
    }
}

impl RawProject {
    /// The project; `None` if it has no id.
    pub(super) fn read(self) -> Option<Project> {
        Some(Project {
            id: self.id.id()?,
            name: self.name.into_text(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cloud::openstack::testing::any_json;

    #[test]
    fn a_list_that_was_cut_is_told_from_one_that_goes_on() {
        for (body, is_cut) in [
            (r#"{"projects": [], "links": {"next": null}}"#, false),
            (
                r#"{"projects": [], "links": {"next": null}, "truncated": true}"#,
                true,
            ),
            (
                r#"{"projects": [], "links": {"next": "http://k/v3?marker=a"}, "truncated": true}"#,
                false,
            ),
        ] {
            let list: ProjectList = serde_json::from_str(body).unwrap();
            assert_eq!(list.is_cut(), is_cut, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(
            json in any_json(&["projects", "id", "name", "links", "next", "truncated"]),
        ) {
            let entry = format!("{{\"projects\":[{json}]}}");
            for text in [json, entry] {
                if let Ok(list) = serde_json::from_str::<ProjectList>(&text) {
                    let _ = list.is_cut();
                    list.into_parts().0.into_iter().for_each(|it| drop(it.read()));
                }
            }
        }
    }
}
