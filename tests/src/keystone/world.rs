//! What the simulated Keystone has.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use shared::model::ObjectKind;

use super::refusal::{Outcome, Refusal};
use super::tokens::Token;
use super::{Options, SimulatedKeystone, show};

/// A thing's fields and attributes.
pub(super) type Thing = Map<String, Value>;

/// Who has which role where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    /// Whether it is a project rather than a domain.
    pub(super) of_project: bool,
    pub(super) scope: String,
    /// Whether it is a group rather than a user.
    pub(super) of_group: bool,
    pub(super) actor: String,
    pub(super) role: String,
    pub(super) inherited: bool,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct World {
    things: BTreeMap<ObjectKind, BTreeMap<String, Thing>>,
    /// By kind, domain and name as it is compared.
    names: BTreeMap<(ObjectKind, String, String), String>,
    pub(super) passwords: BTreeMap<String, String>,
    /// Groups and their users.
    pub(super) members: BTreeSet<(String, String)>,
    /// Users and their groups: the same, the other way round.
    pub(super) groups_of: BTreeSet<(String, String)>,
    pub(super) implied: BTreeSet<(String, String)>,
    pub(super) grants: BTreeSet<Grant>,
    pub(super) tokens: BTreeMap<String, Token>,
    /// Users whose tokens up to that second are no good.
    pub(super) revoked: BTreeMap<String, u64>,
    /// The administrator of all, whose role in the system is told of too.
    pub(super) administrator: (String, String),
    folds_case: bool,
    ids: ChaCha8Rng,
}

impl World {
    /// As `keystone-manage bootstrap` leaves it.
    pub(super) fn new(options: &Options) -> Self {
        let mut world = Self {
            things: ObjectKind::ALL
                .iter()
                .map(|it| (*it, BTreeMap::new()))
                .collect(),
            names: BTreeMap::new(),
            passwords: BTreeMap::new(),
            members: BTreeSet::new(),
            groups_of: BTreeSet::new(),
            implied: BTreeSet::new(),
            grants: BTreeSet::new(),
            tokens: BTreeMap::new(),
            revoked: BTreeMap::new(),
            administrator: (String::new(), String::new()),
            folds_case: options.folds_case,
            ids: ChaCha8Rng::seed_from_u64(options.seed),
        };
        world.bootstrap();
        world
    }

    /// As it was, but that it goes on drawing new ids.
    pub(super) fn become_again(&mut self, before: &Self) {
        let ids = self.ids.clone();
        *self = before.clone();
        self.ids = ids;
    }

    fn bootstrap(&mut self) {
        let mut make = |kind, id: Option<&str>, thing: Value| {
            let mut thing = thing.as_object().cloned().unwrap_or_default();
            let id = id.map_or_else(|| self.new_id(), str::to_owned);
            thing.insert("id".to_owned(), json!(id));
            let _ = self.put(kind, thing);
            id
        };
        make(
            ObjectKind::Department,
            Some("default"),
            json!({"name": "Default", "description": "The default domain", "enabled": true}),
        );
        let project = make(
            ObjectKind::Project,
            None,
            json!({"name": "admin", "domain_id": "default", "parent_id": "default",
                   "description": "Bootstrap project for initializing the cloud.",
                   "enabled": true}),
        );
        let user = make(
            ObjectKind::User,
            None,
            json!({"name": "admin", "domain_id": "default", "enabled": true}),
        );
        let roles = ["admin", "manager", "member", "reader", "service"].map(|name| {
            let thing = json!({"name": name, "domain_id": null, "description": null,
                               "options": {"immutable": true}});
            make(ObjectKind::Role, None, thing)
        });
        let [admin, manager, member, reader, _] = &roles;
        for (prior, implied) in [(admin, manager), (manager, member), (member, reader)] {
            self.implied.insert((prior.clone(), implied.clone()));
        }
        self.grants.insert(Grant {
            of_project: true,
            scope: project,
            of_group: false,
            actor: user.clone(),
            role: admin.clone(),
            inherited: false,
        });
        self.passwords
            .insert(user.clone(), SimulatedKeystone::PASSWORD.to_owned());
        self.administrator = (user, admin.clone());
    }

    /// A new id, as Keystone writes them.
    pub(super) fn new_id(&mut self) -> String {
        let bits: u128 = self.ids.random();
        let id = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
        id.simple().to_string()
    }

    pub(super) fn all(&self, kind: ObjectKind) -> &BTreeMap<String, Thing> {
        &self.things[&kind]
    }

    /// One thing; a refusal where there is none.
    pub(super) fn get(&self, kind: ObjectKind, id: &str) -> Outcome<&Thing> {
        let missing = || Refusal::missing(show::member(kind), id);
        self.all(kind).get(id).ok_or_else(missing)
    }

    /// One text of a thing.
    pub(super) fn text(&self, kind: ObjectKind, id: &str, field: &str) -> Option<&str> {
        self.all(kind).get(id)?.get(field)?.as_str()
    }

    /// Whether a thing is switched on, or can't be switched off.
    pub(super) fn is_enabled(&self, kind: ObjectKind, id: &str) -> bool {
        let enabled = self.all(kind).get(id).and_then(|it| it.get("enabled"));
        enabled.and_then(Value::as_bool).unwrap_or(true)
    }

    /// Who has this name.
    pub(super) fn named(&self, kind: ObjectKind, domain: &str, name: &str) -> Option<&String> {
        let key = (kind, domain.to_owned(), self.compared(name));
        self.names.get(&key)
    }

    /// Puts a thing in, in place of what has its id; false where another has its name.
    pub(super) fn put(&mut self, kind: ObjectKind, thing: Thing) -> bool {
        let id = text_of(&thing, "id");
        let key = self.key(kind, &thing);
        if self.names.get(&key).is_some_and(|it| *it != id) {
            return false;
        }
        self.forget_name(kind, &id);
        self.names.insert(key, id.clone());
        self.things.entry(kind).or_default().insert(id, thing);
        true
    }

    /// Takes a thing out, with nothing that hangs on it.
    pub(super) fn drop_thing(&mut self, kind: ObjectKind, id: &str) {
        self.forget_name(kind, id);
        self.things.entry(kind).or_default().remove(id);
    }

    /// Changes one field of a thing, other than its name.
    pub(super) fn set(&mut self, kind: ObjectKind, id: &str, field: &str, value: Value) {
        if let Some(thing) = self.things.entry(kind).or_default().get_mut(id) {
            thing.insert(field.to_owned(), value);
        }
    }

    fn forget_name(&mut self, kind: ObjectKind, id: &str) {
        if let Some(thing) = self.all(kind).get(id) {
            let key = self.key(kind, thing);
            self.names.remove(&key);
        }
    }

    fn key(&self, kind: ObjectKind, thing: &Thing) -> (ObjectKind, String, String) {
        let domain = text_of(thing, "domain_id");
        (kind, domain, self.compared(&text_of(thing, "name")))
    }

    fn compared(&self, name: &str) -> String {
        match self.folds_case {
            true => name.to_lowercase(),
            false => name.to_owned(),
        }
    }
}

/// A text of a thing; empty where it has none.
pub(super) fn text_of(thing: &Thing, field: &str) -> String {
    let text = thing.get(field).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
