//! Tokens: who signs in, and who may ask.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use shared::model::ObjectKind;

use super::refusal::{Outcome, Refusal};
use super::world::{Grant, World};

/// How long a token is good, in seconds.
const LIFE_SECS: u64 = 3600;

/// A token that was given.
#[derive(Debug, Clone)]
pub(super) struct Token {
    user: String,
    issued_secs: u64,
    is_administrator: bool,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) user: String,
    pub(super) is_administrator: bool,
}

fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs()
}

fn time(secs: u64) -> String {
    let secs = i64::try_from(secs).unwrap_or(i64::MAX);
    let timestamp = jiff::Timestamp::from_second(secs).unwrap_or(jiff::Timestamp::MAX);
    timestamp.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}

impl World {
    /// Whose token it is.
    pub(super) fn caller(&self, token: Option<&str>) -> Outcome<Caller> {
        let token = token.and_then(|it| self.tokens.get(it));
        let token = token.ok_or_else(Refusal::unauthorized)?;
        // To the second: one that was given in the second of a password's change is no good.
        let revoked = self.revoked.get(&token.user);
        let is_revoked = revoked.is_some_and(|it| token.issued_secs <= *it);
        let is_late = now_secs() >= token.issued_secs + LIFE_SECS;
        if is_revoked || is_late || !self.may_sign_in(&token.user) {
            return Err(Refusal::unauthorized());
        }
        Ok(Caller {
            user: token.user.clone(),
            is_administrator: token.is_administrator,
        })
    }

    /// Ends all tokens of a user.
    pub(super) fn revoke(&mut self, user: &str) {
        self.revoked.insert(user.to_owned(), now_secs());
    }

    fn may_sign_in(&self, user: &str) -> bool {
        let domain = self.text(ObjectKind::User, user, "domain_id");
        self.all(ObjectKind::User).contains_key(user)
            && self.is_enabled(ObjectKind::User, user)
            && domain.is_some_and(|it| self.is_enabled(ObjectKind::Department, it))
    }

    /// `POST /auth/tokens` by password: the token, and what is told of it.
    pub(super) fn sign_in(&mut self, body: &Value, url: &str) -> Outcome<(String, Value)> {
        let Some(auth) = body.get("auth") else {
            return Err(Refusal::bad(
                "Expecting to find auth in request body. The server could not comply with the \
                 request since it is either malformed or otherwise incorrect. The client is \
                 assumed to be in error.",
            ));
        };
        let named = auth.pointer("/identity/password/user").cloned();
        let named = named.unwrap_or_default();
        let user = self.meant(ObjectKind::User, &named);
        let user = user.ok_or_else(Refusal::unauthorized)?;
        let password = named.get("password").and_then(Value::as_str);
        let is_right =
            password.is_some() && self.passwords.get(&user).map(String::as_str) == password;
        if !is_right || !self.may_sign_in(&user) {
            return Err(Refusal::unauthorized());
        }
        let scope = self.scope(auth.get("scope"), &user)?;
        let id = self.new_id();
        let issued_secs = now_secs();
        let told = self.told(&user, scope.as_ref(), issued_secs, url);
        let roles = scope.map(|(_, _, roles)| roles).unwrap_or_default();
        let is_administrator = roles
            .iter()
            .any(|it| self.text(ObjectKind::Role, it, "name") == Some("admin"));
        let token = Token {
            user,
            issued_secs,
            is_administrator,
        };
        self.tokens.insert(id.clone(), token);
        Ok((id, told))
    }

    /// The thing that a request names by id, or by name and domain.
    fn meant(&self, kind: ObjectKind, named: &Value) -> Option<String> {
        if let Some(id) = named.get("id").and_then(Value::as_str) {
            return self.all(kind).contains_key(id).then(|| id.to_owned());
        }
        let name = named.get("name")?.as_str()?;
        let domain = match (kind, named.get("domain")) {
            (ObjectKind::Department, _) => String::new(),
            (_, domain) => self.meant(ObjectKind::Department, domain?)?,
        };
        self.named(kind, &domain, name).cloned()
    }

    /// The scope that is asked for, and the roles there.
    fn scope(
        &self,
        scope: Option<&Value>,
        user: &str,
    ) -> Outcome<Option<(ObjectKind, String, Vec<String>)>> {
        let asked = |kind, word: &str| {
            let named = scope?.get(word)?;
            Some((kind, self.meant(kind, named)))
        };
        let asked = asked(ObjectKind::Project, "project")
            .or_else(|| asked(ObjectKind::Department, "domain"));
        let Some((kind, id)) = asked else {
            return Ok(None);
        };
        let id = id.ok_or_else(Refusal::unauthorized)?;
        let domain = self.text(kind, &id, "domain_id");
        let is_off = !self.is_enabled(kind, &id)
            || domain.is_some_and(|it| !self.is_enabled(ObjectKind::Department, it));
        let roles = self.roles_in(kind, &id, user);
        match is_off || roles.is_empty() {
            true => Err(Refusal::unauthorized()),
            false => Ok(Some((kind, id, roles))),
        }
    }

    /// Roles of a user somewhere: his own, his groups', inherited and implied ones.
    fn roles_in(&self, kind: ObjectKind, id: &str, user: &str) -> Vec<String> {
        let counts = |grant: &&Grant| {
            let is_his = match grant.of_group {
                true => self
                    .members
                    .contains(&(grant.actor.clone(), user.to_owned())),
                false => grant.actor == user,
            };
            is_his && self.reaches(grant, kind, id)
        };
        let own = self.grants.iter().filter(counts);
        let mut roles: Vec<String> = own.map(|it| it.role.clone()).collect();
        let mut at = 0;
        while let Some(prior) = roles.get(at).cloned() {
            let more = self.implied.iter().filter(|(it, _)| *it == prior);
            let more: Vec<String> = more.map(|(_, implied)| implied.clone()).collect();
            for implied in more {
                if !roles.contains(&implied) {
                    roles.push(implied);
                }
            }
            at += 1;
        }
        roles.sort();
        roles.dedup();
        // Roles of a domain count by what they imply alone.
        roles.retain(|it| self.text(ObjectKind::Role, it, "domain_id").is_none());
        roles
    }

    fn reaches(&self, grant: &Grant, kind: ObjectKind, id: &str) -> bool {
        let is_project = kind == ObjectKind::Project;
        if !grant.inherited {
            return grant.of_project == is_project && grant.scope == id;
        }
        let mut at = id.to_owned();
        while is_project && let Some(parent) = self.text(ObjectKind::Project, &at, "parent_id") {
            at = parent.to_owned();
            if at == grant.scope {
                return true;
            }
        }
        false
    }

    fn told(
        &self,
        user: &str,
        scope: Option<&(ObjectKind, String, Vec<String>)>,
        issued_secs: u64,
        url: &str,
    ) -> Value {
        let reference = |kind, id: &str| {
            let domain = self.text(kind, id, "domain_id").unwrap_or_default();
            let name = self.text(ObjectKind::Department, domain, "name");
            json!({"id": id, "name": self.text(kind, id, "name"),
                   "domain": {"id": domain, "name": name}})
        };
        let mut shown_user = reference(ObjectKind::User, user);
        shown_user["password_expires_at"] = Value::Null;
        let mut token = json!({
            "methods": ["password"], "audit_ids": ["x"], "user": shown_user,
            "issued_at": time(issued_secs), "expires_at": time(issued_secs + LIFE_SECS),
        });
        let Some((kind, id, roles)) = scope else {
            return json!({"token": token});
        };
        if *kind == ObjectKind::Project {
            token["project"] = reference(*kind, id);
            token["is_domain"] = json!(false);
        } else {
            token["domain"] = json!({"id": id, "name": self.text(*kind, id, "name")});
        }
        let role = |id: &String| json!({"id": id, "name": self.text(ObjectKind::Role, id, "name")});
        token["roles"] = roles.iter().map(role).collect();
        let endpoint = |interface: &str| {
            json!({"id": interface, "interface": interface, "url": url,
                   "region_id": "RegionOne", "region": "RegionOne"})
        };
        let endpoints: Vec<Value> = ["public", "internal", "admin"].map(endpoint).to_vec();
        token["catalog"] = json!([{
            "type": "identity", "name": "keystone", "id": "identity", "endpoints": endpoints}]);
        json!({"token": token})
    }

    /// `POST /users/{user}/password`, by the user himself.
    pub(super) fn change_password(&mut self, user: &str, body: &Value) -> Outcome<()> {
        let given = |field: &str| {
            body.pointer(&format!("/user/{field}"))
                .and_then(Value::as_str)
        };
        let right = self.passwords.get(user).map(String::as_str);
        let (Some(old), Some(new)) = (given("original_password"), given("password")) else {
            return Err(Refusal::bad("'password' is a required property"));
        };
        if right != Some(old) || !self.may_sign_in(user) {
            return Err(Refusal::unauthorized());
        }
        self.passwords.insert(user.to_owned(), new.to_owned());
        self.revoke(user);
        Ok(())
    }
}
