//! From the records that a region's agent tells to what a merge works on.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::{ObjectId, RegionId};
use shared::model::{
    Becomes, Binding, CloudId, Custody, Entry, Link, Marker, Object, ObjectKind, Organization,
    Record,
};

use super::merge::{Administrator, Arrival};

/// What the federation's administrator and his project are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The account.
    pub user: String,
    /// Its project.
    pub project: String,
}

impl Default for Names {
    /// As `keystone-manage bootstrap` calls them where nobody says otherwise.
    fn default() -> Self {
        Self {
            user: "admin".to_owned(),
            project: "admin".to_owned(),
        }
    }
}

/// A region's organization as its records tell it, and what was decided of it before.
#[derive(Debug, Clone, Default)]
pub struct Told {
    organization: Organization<CloudId>,
    map: BTreeMap<(ObjectKind, CloudId), ObjectId>,
    withheld: BTreeSet<(ObjectKind, CloudId)>,
    markers: BTreeMap<(ObjectKind, CloudId), Marker>,
    reserved: BTreeSet<(ObjectKind, CloudId)>,
    administrator: Administrator,
}

impl Told {
    /// Takes a record of the region's Organization feed. What a region does not tell of (what was
    /// decided, what ended) changes nothing, whoever sent it.
    pub fn take(&mut self, record: Record) {
        match record {
            Record::Department(it) => self.entry(it, Object::Department),
            Record::Project(it) => self.entry(it, Object::Project),
            Record::User(it) => self.entry(it, Object::User),
            Record::Group(it) => self.entry(it, Object::Group),
            Record::Role(it) => self.entry(it, Object::Role),
            Record::Membership(it) => self.organization.link(Link::Membership(it)),
            Record::Implication(it) => self.organization.link(Link::Implication(it)),
            Record::Assignment(it) => self.organization.link(Link::Assignment(it)),
            _ => {}
        }
    }

    /// Takes what was decided of one of its things in an earlier merge.
    pub fn bind(&mut self, binding: Binding) {
        let key = (binding.kind, binding.here);
        match binding.becomes {
            Becomes::Object(id) => drop(self.map.insert(key, id)),
            Becomes::Withheld(id) => {
                self.withheld.insert(key.clone());
                self.map.insert(key, id);
            }
            Becomes::Renamed(_) => {}
        }
    }

    /// What it has. Every cloud has a department at least: one that tells of none was not read.
    pub const fn organization(&self) -> &Organization<CloudId> {
        &self.organization
    }

    /// What its administrator and his project are called; where it does not say, as usual.
    pub fn names(&self) -> Names {
        let usual = Names::default();
        let Administrator { user, project } = &self.administrator;
        let user = user.as_ref();
        let user = user.and_then(|it| self.organization.users.get(it));
        let project = project.as_ref();
        let project = project.and_then(|it| self.organization.projects.get(it));
        Names {
            user: user.map_or(usual.user, |it| it.name.clone()),
            project: project.map_or(usual.project, |it| it.name.clone()),
        }
    }

    /// Who administers its cloud.
    pub const fn administrator(&self) -> &Administrator {
        &self.administrator
    }

    /// Whoever of its administrator and his project is the home region's gives no way: the region
    /// is that one, removed and joined anew. One that only says so keeps its own account's name,
    /// and gains nothing else.
    pub fn keep_names_of(&mut self, home: &Administrator) {
        let Administrator { user, project } = &mut self.administrator;
        if *user == home.user {
            *user = None;
        }
        if *project == home.project {
            *project = None;
        }
    }

    /// What a merge works on. In the home region, whose administrator is the federation's, he keeps
    /// his name.
    pub fn arrival<'a>(&'a self, region: RegionId, names: &'a Names, is_home: bool) -> Arrival<'a> {
        Arrival {
            region,
            organization: &self.organization,
            map: &self.map,
            withheld: &self.withheld,
            markers: &self.markers,
            reserved: &self.reserved,
            administrator: (!is_home).then_some(&self.administrator),
            names: (&names.user, &names.project),
        }
    }

    fn entry<T>(&mut self, entry: Entry<T>, object: impl FnOnce(T) -> Object<CloudId>) {
        let Entry {
            id,
            custody,
            marker,
            what,
        } = entry;
        let object = object(what);
        let key = (object.kind(), id.clone());
        if let Some(marker) = marker {
            self.markers.insert(key.clone(), marker);
        }
        if custody == Custody::Administrator {
            self.is_administrator(object.kind(), &id);
        }
        if custody != Custody::Common {
            self.reserved.insert(key);
        }
        self.organization.insert(id, object);
    }

    /// Records come in the order of their ids, so that of several the first one is always the same.
    fn is_administrator(&mut self, kind: ObjectKind, id: &CloudId) {
        let place = match kind {
            ObjectKind::User => &mut self.administrator.user,
            ObjectKind::Project => &mut self.administrator.project,
            ObjectKind::Department | ObjectKind::Group | ObjectKind::Role => return,
        };
        if place.as_ref().is_none_or(|it| id < it) {
            *place = Some(id.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::ids::FederationId;
    use shared::model::{Department, Project, User};

    use super::*;
    use crate::directory::{Action, Directory, plan};

    fn entry<T>(id: &str, custody: Custody, what: T) -> Entry<T> {
        Entry {
            id: CloudId::new(id),
            custody,
            marker: None,
            what,
        }
    }

    fn told() -> Told {
        let mut told = Told::default();
        for (id, name, custody) in [
            ("default", "Default", Custody::Reserved),
            ("d1", "ops", Custody::Common),
        ] {
            let department = Department {
                name: name.to_owned(),
                description: None,
                enabled: true,
            };
            told.take(Record::Department(entry(id, custody, department)));
        }
        let department = CloudId::new("default");
        let (parent, description) = (None, None);
        let project = Project {
            department: department.clone(),
            parent,
            name: "cloud-admin".to_owned(),
            description,
            enabled: true,
        };
        told.take(Record::Project(entry(
            "p1",
            Custody::Administrator,
            project,
        )));
        for (id, name) in [("u2", "root"), ("u1", "admin")] {
            let user = User {
                department: department.clone(),
                name: name.to_owned(),
                description: None,
                email: None,
                enabled: true,
                default_project: None,
            };
            told.take(Record::User(entry(id, Custody::Administrator, user)));
        }
        told
    }

    #[test]
    fn custody_says_what_stays_and_who_gives_way() {
        let (told, region) = (told(), RegionId::from_random(1));
        let names = told.names();
        assert_eq!((&*names.user, &*names.project), ("admin", "cloud-admin"));
        let directory = Directory::new(FederationId::from_random(7));
        let ways = |is_home| {
            let plan = plan(&directory, &told.arrival(region, &names, is_home));
            let adopted: Vec<&str> = plan.adopted().map(|(_, it)| it.name()).collect();
            assert_eq!(adopted, ["federation", "cloud-admin", "ops"]);
            let steps = plan.steps.iter();
            steps
                .filter(|it| matches!(it.action, Action::GiveWay { .. }))
                .count()
        };
        assert_eq!(
            (ways(true), ways(false)),
            (0, 2),
            "at home nobody gives way"
        );
    }

    #[test]
    fn what_only_the_hub_may_say_is_not_taken_from_a_region() {
        let mut told = told();
        let here = CloudId::new("d1");
        let binding = Binding {
            kind: ObjectKind::Department,
            here: here.clone(),
            becomes: Becomes::Object(ObjectId::from_random(5)),
        };
        told.take(Record::Binding(binding.clone()));
        assert!(told.map.is_empty());
        told.bind(binding);
        assert_eq!(told.map.len(), 1);
    }
}
