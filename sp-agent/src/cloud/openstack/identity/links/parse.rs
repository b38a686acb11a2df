//! Implied roles and assignments, from Keystone's JSON to the model. Pure.

use serde::Deserialize;
use shared::model::{Actor, Assignment, CloudId, Implication, Scope};

use crate::cloud::openstack::identity::parse::{Links, is_cut, is_inherited};
use crate::cloud::openstack::scalar::Scalar;

/// What is said of a list that is not all.
const CUT: &str = "its configuration cuts the list; raise or remove list_limit";

/// `GET /role_inferences`.
#[derive(Debug, Deserialize)]
struct Inferences {
    role_inferences: Vec<Inference>,
    #[serde(default)]
    links: Links,
    #[serde(default)]
    truncated: Scalar,
}

#[derive(Debug, Deserialize)]
struct Inference {
    prior_role: Reference,
    implies: Vec<Reference>,
}

/// `GET /role_assignments`.
#[derive(Debug, Deserialize)]
struct Assignments {
    role_assignments: Vec<RawAssignment>,
    #[serde(default)]
    links: Links,
    #[serde(default)]
    truncated: Scalar,
}

#[derive(Debug, Deserialize)]
struct RawAssignment {
    role: Reference,
    user: Option<Reference>,
    group: Option<Reference>,
    scope: RawScope,
}

#[derive(Debug, Deserialize)]
struct RawScope {
    project: Option<Reference>,
    domain: Option<Reference>,
    #[serde(default, rename = "OS-INHERIT:inherited_to")]
    inherited_to: Scalar,
}

#[derive(Debug, Deserialize)]
struct Reference {
    #[serde(default)]
    id: Scalar,
}

impl Reference {
    fn id(&self) -> Result<CloudId, String> {
        self.id.id().ok_or_else(|| "a link has no id".to_owned())
    }
}

/// Reads all implied roles.
///
/// # Errors
/// What is wrong with the body.
pub(super) fn implications(body: &[u8]) -> Result<Vec<Implication<CloudId>>, String> {
    let body: Inferences = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    whole(&body.truncated, &body.links)?;
    let mut implications = Vec::new();
    for inference in &body.role_inferences {
        for implied in &inference.implies {
            implications.push(Implication {
                prior: inference.prior_role.id()?,
                implied: implied.id()?,
            });
        }
    }
    Ok(implications)
}

/// Reads assignments in projects and domains, and passes over those in anything else.
///
/// # Errors
/// What is wrong with the body.
pub(super) fn assignments(body: &[u8]) -> Result<Vec<Assignment<CloudId>>, String> {
    let body: Assignments = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    whole(&body.truncated, &body.links)?;
    let read = body.role_assignments.iter().map(RawAssignment::read);
    read.filter_map(Result::transpose).collect()
}

/// Reads who has a role in the system, whatever else the answer holds: a Keystone that knows no
/// such question answers with all assignments.
///
/// # Errors
/// What is wrong with the body.
pub(super) fn of_the_system(body: &[u8]) -> Result<Vec<Actor<CloudId>>, String> {
    let body: Assignments = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    whole(&body.truncated, &body.links)?;
    let all = body.role_assignments.iter();
    let here = all.filter(|it| it.scope.project.is_none() && it.scope.domain.is_none());
    here.map(RawAssignment::actor).collect()
}

/// Refuses a list that is not all: nothing follows its link.
fn whole(truncated: &Scalar, links: &Links) -> Result<(), String> {
    match is_cut(truncated, links) || links.next().is_some() {
        true => Err(CUT.to_owned()),
        false => Ok(()),
    }
}

impl RawAssignment {
    /// `None` for one on the system, or on what only a later release knows.
    fn read(&self) -> Result<Option<Assignment<CloudId>>, String> {
        let scope = match (&self.scope.project, &self.scope.domain) {
            (Some(project), _) => Scope::Project(project.id()?),
            (None, Some(domain)) => Scope::Department(domain.id()?),
            (None, None) => return Ok(None),
        };
        Ok(Some(Assignment {
            actor: self.actor()?,
            scope,
            role: self.role.id()?,
            inherited: is_inherited(&self.scope.inherited_to),
        }))
    }

    fn actor(&self) -> Result<Actor<CloudId>, String> {
        match (&self.user, &self.group) {
            (Some(user), _) => Ok(Actor::User(user.id()?)),
            (None, Some(group)) => Ok(Actor::Group(group.id()?)),
            (None, None) => Err("an assignment is nobody's".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cloud::openstack::testing::any_json;

    fn id(text: &str) -> CloudId {
        CloudId::new(text)
    }

    #[test]
    fn recorded_assignments_are_read_and_those_on_the_system_passed_over() {
        let body = br#"{"role_assignments": [
            {"links": {"assignment": "http://k/v3/projects/p/users/u/roles/r"},
             "role": {"id": "r"}, "scope": {"project": {"id": "p"}}, "user": {"id": "u"}},
            {"role": {"id": "r"}, "group": {"id": "g"},
             "scope": {"domain": {"id": "d"}, "OS-INHERIT:inherited_to": "projects"}},
            {"role": {"id": "r"}, "scope": {"system": {"all": true}}, "user": {"id": "u"}}],
            "links": {"next": null, "self": "http://k/v3/role_assignments", "previous": null}}"#;
        let expected = [
            Assignment {
                actor: Actor::User(id("u")),
                scope: Scope::Project(id("p")),
                role: id("r"),
                inherited: false,
            },
            Assignment {
                actor: Actor::Group(id("g")),
                scope: Scope::Department(id("d")),
                role: id("r"),
                inherited: true,
            },
        ];
        assert_eq!(assignments(body).unwrap(), expected);
    }

    #[test]
    fn recorded_inferences_are_read() {
        let body = br#"{"role_inferences": [
            {"prior_role": {"id": "a", "name": "admin"},
             "implies": [{"id": "m", "name": "manager"}, {"id": "x", "name": "x"}]},
            {"prior_role": {"id": "m"}, "implies": []}],
            "links": {"self": "http://k/v3/role_inferences"}}"#;
        let implied = |implied| Implication {
            prior: id("a"),
            implied: id(implied),
        };
        assert_eq!(implications(body).unwrap(), [implied("m"), implied("x")]);
    }

    #[test]
    fn what_is_cut_or_says_nothing_is_refused() {
        for body in [
            r#"{"role_assignments": [], "truncated": true}"#,
            r#"{"role_assignments": [], "links": {"next": "http://k/v3/x?marker=a"}}"#,
            r#"{"role_assignments": [{"role": {"id": "r"}, "scope": {"project": {"id": "p"}}}]}"#,
            r#"{"role_assignments": [{"role": {}, "user": {"id": "u"},
                "scope": {"project": {"id": "p"}}}]}"#,
            "{}",
        ] {
            assert!(assignments(body.as_bytes()).is_err(), "{body}");
        }
        assert!(implications(br#"{"role_inferences": [], "truncated": true}"#).is_err());
        assert!(implications(br#"{"roles": []}"#).is_err());
    }

    const NAMES: &[&str] = &[
        "role_assignments",
        "role_inferences",
        "prior_role",
        "implies",
        "role",
        "user",
        "group",
        "scope",
        "project",
        "domain",
        "system",
        "OS-INHERIT:inherited_to",
        "id",
        "links",
        "next",
        "truncated",
    ];

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(json in any_json(NAMES)) {
            for list in ["role_assignments", "role_inferences"] {
                for text in [json.clone(), format!("{{\"{list}\":[{json}]}}")] {
                    let _ = assignments(text.as_bytes());
                    let _ = implications(text.as_bytes());
                }
            }
        }
    }
}
