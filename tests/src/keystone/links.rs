//! Memberships, implied roles and assignments.

use serde_json::{Value, json};
use shared::model::ObjectKind;

use super::refusal::{Outcome, Refusal};
use super::show;
use super::world::{Grant, World, text_of};

/// What is done with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Make,
    Check,
    Remove,
}

impl World {
    /// `/groups/{group}/users/{user}`.
    pub(super) fn membership(&mut self, deed: Deed, group: &str, user: &str) -> Outcome<()> {
        self.get(ObjectKind::Group, group)?;
        self.get(ObjectKind::User, user)?;
        let (it, back) = (
            (group.to_owned(), user.to_owned()),
            (user.to_owned(), group.to_owned()),
        );
        if deed == Deed::Make {
            self.members.insert(it);
            self.groups_of.insert(back);
            return Ok(());
        }
        if !self.members.contains(&it) {
            return Err(Refusal::not_found(format!(
                "User '{user}' not found in group '{group}'"
            )));
        }
        if deed == Deed::Remove {
            self.members.remove(&it);
            self.groups_of.remove(&back);
        }
        Ok(())
    }

    /// `/roles/{prior}/implies/{implied}`.
    pub(super) fn implication(&mut self, deed: Deed, prior: &str, implied: &str) -> Outcome<()> {
        self.get(ObjectKind::Role, prior)?;
        self.get(ObjectKind::Role, implied)?;
        let it = (prior.to_owned(), implied.to_owned());
        let is_there = self.implied.contains(&it);
        match deed {
            Deed::Make => {
                self.check_implication(prior, implied)?;
                match self.implied.insert(it) {
                    true => Ok(()),
                    false => Err(Refusal::conflict("implied_role", "Duplicate entry")),
                }
            }
            _ if !is_there => Err(Refusal::not_found(format!(
                "{prior} does not imply {implied}."
            ))),
            Deed::Check => Ok(()),
            Deed::Remove => {
                self.implied.remove(&it);
                Ok(())
            }
        }
    }

    fn check_implication(&self, prior: &str, implied: &str) -> Outcome<()> {
        let domain = |id: &str| self.text(ObjectKind::Role, id, "domain_id").is_some();
        let is_admin = self.text(ObjectKind::Role, implied, "name") == Some("admin");
        match is_admin || (!domain(prior) && domain(implied)) {
            true => Err(Refusal::forbidden(format!(
                "{implied} cannot be an implied roles."
            ))),
            false => Ok(()),
        }
    }

    /// An implication as it is shown.
    pub(super) fn shown_implication(&self, prior: &str, implied: &str, url: &str) -> Value {
        json!({
            "role_inference": {
                "prior_role": self.shown_role(prior, url),
                "implies": self.shown_role(implied, url),
            },
            "links": {"self": format!("{url}/roles/{prior}/implies/{implied}")},
        })
    }

    /// `GET /roles/{prior}/implies`.
    pub(super) fn implied_by(&self, prior: &str, url: &str) -> Outcome<Value> {
        self.get(ObjectKind::Role, prior)?;
        Ok(json!({
            "role_inference": {
                "prior_role": self.shown_role(prior, url),
                "implies": self.shown_implied(prior, url),
            },
            "links": {"self": format!("{url}/roles/{prior}/implies")},
        }))
    }

    /// `GET /role_inferences`.
    pub(super) fn inferences(&self, url: &str) -> Value {
        let mut priors: Vec<&String> = self.implied.iter().map(|(prior, _)| prior).collect();
        priors.dedup();
        let shown = priors.iter().map(|prior| {
            json!({
                "prior_role": self.shown_role(prior, url),
                "implies": self.shown_implied(prior, url),
            })
        });
        let shown: Vec<Value> = shown.collect();
        json!({"role_inferences": shown, "links": {"self": format!("{url}/role_inferences")}})
    }

    fn shown_implied(&self, prior: &str, url: &str) -> Vec<Value> {
        let all = self.implied.iter().filter(|(it, _)| it == prior);
        all.map(|(_, implied)| self.shown_role(implied, url))
            .collect()
    }

    fn shown_role(&self, id: &str, url: &str) -> Value {
        let name = self.text(ObjectKind::Role, id, "name");
        json!({"id": id, "name": name, "links": {"self": format!("{url}/roles/{id}")}})
    }

    /// `/projects/{}/users/{}/roles/{}` and its like.
    pub(super) fn grant(&mut self, deed: Deed, grant: &Grant) -> Outcome<()> {
        self.get(ObjectKind::Role, &grant.role)?;
        let actor = match grant.of_group {
            true => ObjectKind::Group,
            false => ObjectKind::User,
        };
        // What is taken away may be taken away of somebody who is gone.
        if deed != Deed::Remove {
            self.get(actor, &grant.actor)?;
        }
        self.check_scope(grant)?;
        if deed == Deed::Make {
            self.grants.insert(grant.clone());
            return Ok(());
        }
        if !self.grants.contains(grant) {
            let Grant {
                role, actor, scope, ..
            } = grant;
            return Err(Refusal::not_found(format!(
                "Could not find role assignment with role: {role}, user or group: {actor}, \
                 project, domain, or system: {scope}."
            )));
        }
        if deed == Deed::Remove {
            self.grants.remove(grant);
        }
        Ok(())
    }

    fn check_scope(&self, grant: &Grant) -> Outcome<()> {
        match grant.of_project {
            // A domain is a project too.
            true if self.all(ObjectKind::Department).contains_key(&grant.scope) => Ok(()),
            true => self.get(ObjectKind::Project, &grant.scope).map(drop),
            false => self.get(ObjectKind::Department, &grant.scope).map(drop),
        }
    }

    /// An assignment as it is shown.
    pub(super) fn shown_grant(&self, grant: &Grant, names: bool, url: &str) -> Value {
        let (scope_kind, actor_kind) = kinds(grant);
        let mut scope = json!({
            show::member(scope_kind): self.reference(scope_kind, &grant.scope, names),
        });
        if grant.inherited {
            scope["OS-INHERIT:inherited_to"] = json!("projects");
        }
        let (scopes, actors) = (show::collection(scope_kind), show::collection(actor_kind));
        let Grant {
            scope: at,
            actor,
            role,
            ..
        } = grant;
        let path = format!("{scopes}/{at}/{actors}/{actor}/roles/{role}");
        let path = match grant.inherited {
            true => format!("OS-INHERIT/{path}/inherited_to_projects"),
            false => path,
        };
        json!({
            "links": {"assignment": format!("{url}/{path}")},
            "scope": scope,
            show::member(actor_kind): self.reference(actor_kind, actor, names),
            "role": self.reference(ObjectKind::Role, role, names),
        })
    }

    /// What is told of the administrator's role in the system.
    pub(super) fn shown_system_grant(&self, names: bool, url: &str) -> Value {
        let (user, role) = &self.administrator;
        json!({
            "links": {"assignment": format!("{url}/system/users/{user}/roles/{role}")},
            "scope": {"system": {"all": true}},
            "user": self.reference(ObjectKind::User, user, names),
            "role": self.reference(ObjectKind::Role, role, names),
        })
    }

    fn reference(&self, kind: ObjectKind, id: &str, names: bool) -> Value {
        let Some(thing) = self.all(kind).get(id).filter(|_| names) else {
            return json!({"id": id});
        };
        let mut shown = json!({"id": id, "name": thing.get("name")});
        let domain = text_of(thing, "domain_id");
        if kind != ObjectKind::Department && !domain.is_empty() {
            let name = self.text(ObjectKind::Department, &domain, "name");
            shown["domain"] = json!({"id": domain, "name": name});
        }
        shown
    }
}

/// What kinds of things an assignment's scope and actor are.
pub(super) const fn kinds(grant: &Grant) -> (ObjectKind, ObjectKind) {
    let scope = match grant.of_project {
        true => ObjectKind::Project,
        false => ObjectKind::Department,
    };
    let actor = match grant.of_group {
        true => ObjectKind::Group,
        false => ObjectKind::User,
    };
    (scope, actor)
}
