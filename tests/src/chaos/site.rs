//! One region's Keystone: what is read of it, what is ordered there, and what no order may do.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::ids::{FederationId, ObjectId};
use shared::model::{
    CloudId, Custody, Entry, Link, Marker, Object, ObjectKind, Organization, Record,
};
use sp_agent::cloud::{CloudError, Order};

use super::call;
use crate::keystone::{Options, SimulatedKeystone};

const DEFAULT: &str = "default";

pub(super) struct Site {
    pub(super) keystone: SimulatedKeystone,
    /// The agent's own account and project.
    own: [(ObjectKind, CloudId); 2],
    /// How many writes were asked for.
    pub(super) writes: u64,
}

/// All things of an organization.
pub(super) fn objects<I: Ord + Clone>(of: &Organization<I>) -> Vec<(ObjectKind, I, Object<I>)> {
    let mut all = Vec::new();
    for kind in ObjectKind::ALL {
        let ids: Vec<I> = match kind {
            ObjectKind::Department => of.departments.keys().cloned().collect(),
            ObjectKind::Project => of.projects.keys().cloned().collect(),
            ObjectKind::User => of.users.keys().cloned().collect(),
            ObjectKind::Group => of.groups.keys().cloned().collect(),
            ObjectKind::Role => of.roles.keys().cloned().collect(),
        };
        let with = ids.into_iter().filter_map(|id| {
            let object = of.object(kind, &id)?;
            Some((kind, id, object))
        });
        all.extend(with);
    }
    all
}

/// A thing as a record.
pub(super) fn record(
    id: CloudId,
    custody: Custody,
    marker: Option<Marker>,
    object: Object<CloudId>,
) -> Record {
    macro_rules! entry {
        ($kind:ident, $what:expr) => {
            Record::$kind(Entry {
                id,
                custody,
                marker,
                what: $what,
            })
        };
    }
    match object {
        Object::Department(it) => entry!(Department, it),
        Object::Project(it) => entry!(Project, it),
        Object::User(it) => entry!(User, it),
        Object::Group(it) => entry!(Group, it),
        Object::Role(it) => entry!(Role, it),
    }
}

pub(super) fn link_record(link: Link<CloudId>) -> Record {
    match link {
        Link::Membership(it) => Record::Membership(it),
        Link::Implication(it) => Record::Implication(it),
        Link::Assignment(it) => Record::Assignment(it),
    }
}

/// What a marker says, as it stands on a thing.
pub(super) fn marker_of(text: &str) -> Option<Marker> {
    let (federation, object) = text.split_once('/')?;
    Some(Marker {
        federation: federation.parse().ok()?,
        object: object.parse().ok()?,
    })
}

impl Site {
    pub(super) async fn start(seed: u64, folds_case: bool) -> Self {
        let keystone = SimulatedKeystone::start(Options { seed, folds_case }).await;
        let all = keystone.organization();
        let user = all.users.keys().next().unwrap().clone();
        let project = all.projects.keys().next().unwrap().clone();
        Self {
            keystone,
            own: [(ObjectKind::User, user), (ObjectKind::Project, project)],
            writes: 0,
        }
    }

    pub(super) fn custody(&self, kind: ObjectKind, id: &CloudId, home: &CloudId) -> Custody {
        match () {
            () if self.own.contains(&(kind, id.clone())) => Custody::Administrator,
            () if home.to_string() == DEFAULT => Custody::Reserved,
            () => Custody::Common,
        }
    }

    pub(super) fn marker(&self, id: &CloudId) -> Option<Marker> {
        let text = self.keystone.attribute(&id.to_string(), call::MARKER)?;
        marker_of(&text)
    }

    /// What an agent reads.
    pub(super) fn records(&self) -> Vec<Record> {
        let all = self.keystone.organization();
        let mut records = Vec::new();
        for (kind, id, object) in objects(&all) {
            let home = match kind {
                ObjectKind::Department => id.clone(),
                _ => object.department().cloned().unwrap_or(CloudId::new("none")),
            };
            let custody = self.custody(kind, &id, &home);
            records.push(record(id.clone(), custody, self.marker(&id), object));
        }
        records.extend(all.links().map(link_record));
        records
    }

    /// Which thing of a federation's directory each is, by its marker.
    pub(super) fn marked(
        &self,
        federation: FederationId,
    ) -> BTreeMap<(ObjectKind, CloudId), ObjectId> {
        let all = self.keystone.organization();
        let marked = objects(&all).into_iter().filter_map(|(kind, id, _)| {
            let marker = self.marker(&id).filter(|it| it.federation == federation)?;
            Some(((kind, id), marker.object))
        });
        marked.collect()
    }

    /// Carries an order out.
    pub(super) fn perform(&mut self, order: &Order) -> Result<Option<CloudId>, CloudError> {
        self.is_allowed(order);
        let Some((method, path, body)) = call::of(order) else {
            return Ok(None);
        };
        self.writes += 1;
        let (status, answer) = self.keystone.ask(method, &path, &body);
        let what = format!("{method} {path}");
        match (order, status) {
            (Order::Create { object, .. }, 200..300) => {
                let id = answer[call::member(object.kind())]["id"].as_str().unwrap();
                Ok(Some(CloudId::new(id)))
            }
            (_, 200..300) => Ok(None),
            (Order::Remove { .. } | Order::Unlink(_), 404) if answer["error"]["code"] == 404 => {
                Ok(None)
            }
            (Order::Link(Link::Implication(_)), 409) => Ok(None),
            (_, status) => Err(refused(status, what, &answer)),
        }
    }

    /// Nothing that is the region's own is touched, but for the names of the agent's account and
    /// project.
    fn is_allowed(&self, order: &Order) {
        let all = self.keystone.organization();
        let (kind, id) = match order {
            Order::Update { id, from, to, .. } => {
                let is_own = self.own.contains(&(to.kind(), id.clone()));
                if is_own && from.name() != to.name() {
                    return;
                }
                (to.kind(), id.clone())
            }
            Order::Remove { kind, id } => {
                let removable = [ObjectKind::User, ObjectKind::Group, ObjectKind::Role];
                assert!(removable.contains(kind), "{order:?}");
                (*kind, id.clone())
            }
            Order::Create { object, .. } => match object.department() {
                Some(it) => (ObjectKind::Department, it.clone()),
                None => return,
            },
            Order::Link(_)
            | Order::Unlink(_)
            | Order::Password(..)
            | Order::Look { .. }
            | Order::Purge { .. }
            | Order::Quota(_) => return,
        };
        let found = all.object(kind, &id);
        let home = match kind {
            ObjectKind::Department => Some(id.clone()),
            _ => found.as_ref().and_then(|it| it.department().cloned()),
        };
        let is_default = home.is_some_and(|it| it.to_string() == DEFAULT);
        assert!(!is_default, "the region's own: {order:?}");
    }
}

fn refused(status: u16, what: String, answer: &Value) -> CloudError {
    let endpoint = "keystone".to_owned();
    let reason = answer["error"]["message"].as_str().unwrap_or("").to_owned();
    match status {
        409 => CloudError::Conflict {
            endpoint,
            what,
            reason,
        },
        403 => CloudError::Forbidden {
            endpoint,
            what,
            reason,
        },
        status => CloudError::Status {
            endpoint,
            what,
            status,
            reason,
        },
    }
}
