//! From the records that a region's agent tells to what a merge works on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shared::ids::{FederationId, ObjectId, RegionId};
use shared::model::{
    Becomes, Binding, CloudId, Custody, DriftKind, Entry, Link, Marker, Object, ObjectKind,
    Organization, Record, Remark, RemarkState, Subject,
};

use super::Directory;
use super::merge::Arrival;

/// What `keystone-manage bootstrap` calls the administrator's project where nobody says otherwise.
pub(super) const ADMIN_PROJECT: &str = "admin";

/// Which of the directory's things other federations' markers are of.
pub type Earlier = BTreeMap<Marker, ObjectId>;

/// A region's organization as its records tell it, and what was decided of it before.
#[derive(Debug, Clone, Default)]
pub struct Told {
    organization: Organization<CloudId>,
    map: BTreeMap<(ObjectKind, CloudId), ObjectId>,
    former: BTreeMap<(ObjectKind, CloudId), ObjectId>,
    withheld: BTreeSet<(ObjectKind, CloudId)>,
    markers: BTreeMap<(ObjectKind, CloudId), Marker>,
    own: BTreeSet<(ObjectKind, CloudId)>,
    reserved: BTreeSet<(ObjectKind, CloudId)>,
    /// That its administrator works in.
    admin_project: Option<CloudId>,
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
            Record::Remark(it) => self.own.extend(own(&it)),
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
        }
    }

    /// What was decided, of what is withheld too.
    pub fn into_map(self) -> BTreeMap<(ObjectKind, CloudId), ObjectId> {
        self.map
    }

    /// Takes what was decided of a region that was removed, and whose cloud this is.
    pub fn comes_again(&mut self, former: BTreeMap<(ObjectKind, CloudId), ObjectId>) {
        self.former = former;
    }

    /// Its departments by which its cloud is known again: those that are not its own, by an id that
    /// nobody chose, as Keystone gives them.
    pub fn telling_departments(&self) -> impl Iterator<Item = &CloudId> {
        let all = self.organization.departments.keys();
        all.filter(|it| {
            let is_chosen = matches!(it, CloudId::Text(_));
            !is_chosen
                && !self
                    .reserved
                    .contains(&(ObjectKind::Department, (*it).clone()))
        })
    }

    /// What it has. Every cloud has a department at least: one that tells of none was not read.
    pub const fn organization(&self) -> &Organization<CloudId> {
        &self.organization
    }

    /// Whether anything of it bears a marker of another federation than this.
    pub fn bears_others(&self, federation: FederationId) -> bool {
        let mut markers = self.markers.values();
        markers.any(|it| it.federation != federation)
    }

    /// What its administrator's project is called; where it does not say, as usual.
    pub fn admin_project(&self) -> &str {
        let found = self.admin_project.as_ref();
        let found = found.and_then(|it| self.organization.projects.get(it));
        found.map_or(ADMIN_PROJECT, |it| &it.name)
    }

    /// Whether the region keeps it as its own.
    pub fn is_regions_own(&self, kind: ObjectKind, here: &CloudId) -> bool {
        self.reserved.contains(&(kind, here.clone()))
    }

    /// Which of the directory's its things are: by what was decided, and where nothing was by the
    /// federation's markers. Of several that bear the same, none is believed, nor one elsewhere
    /// than where the directory has it: whoever may write there may copy a marker.
    pub fn identities(&self, directory: &Directory) -> BTreeMap<(ObjectKind, CloudId), ObjectId> {
        let decided = self.map.iter();
        let decided = decided.filter(|(key, _)| !self.withheld.contains(*key));
        let mut all: BTreeMap<_, _> = decided.map(|(key, id)| (key.clone(), *id)).collect();
        let ours = |it: &Marker| it.federation == directory.federation();
        let marked = self.markers.iter();
        let marked = marked.filter(|(key, it)| ours(it) && !self.map.contains_key(*key));
        let mut claimed: HashMap<(ObjectKind, ObjectId), usize> = HashMap::new();
        for ((kind, _), id) in &all {
            *claimed.entry((*kind, *id)).or_default() += 1;
        }
        for ((kind, _), it) in marked.clone() {
            *claimed.entry((*kind, it.object)).or_default() += 1;
        }
        // Departments stand first.
        for (key, it) in marked {
            let (kind, here) = key;
            let object = self.organization.object(*kind, here);
            let within = object.and_then(|it| it.department().cloned());
            let within = within.map(|it| (ObjectKind::Department, it));
            let within = within.and_then(|it| all.get(&it).copied());
            let is_only = claimed.get(&(*kind, it.object)) == Some(&1);
            if is_only && directory.is_in(*kind, it.object, within) {
                all.insert(key.clone(), it.object);
            }
        }
        all
    }

    /// What a merge works on.
    pub const fn arrival<'a>(
        &'a self,
        region: RegionId,
        admin_project: &'a str,
        is_first: bool,
        earlier: &'a Earlier,
    ) -> Arrival<'a> {
        Arrival {
            region,
            organization: &self.organization,
            map: &self.map,
            former: &self.former,
            withheld: &self.withheld,
            markers: &self.markers,
            earlier,
            own: &self.own,
            reserved: &self.reserved,
            is_first,
            admin_project,
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
        // Records come in the order of their ids, so that of several it is always the same one.
        let is_administrators = custody == Custody::Administrator;
        if is_administrators && object.kind() == ObjectKind::Project {
            self.admin_project.get_or_insert_with(|| id.clone());
        }
        if custody != Custody::Common {
            self.reserved.insert(key);
        }
        self.organization.insert(id, object);
    }
}

/// What a remark says to be the region's own.
fn own(remark: &Remark) -> Option<(ObjectKind, CloudId)> {
    let (Subject::Own(kind, here), RemarkState::Drift { what, .. }) =
        (&remark.subject, &remark.state)
    else {
        return None;
    };
    let mut what = what.iter();
    let is_own = what.any(|it| it.what == DriftKind::CreatedHere);
    is_own.then(|| (*kind, here.clone()))
}

#[cfg(test)]
mod tests {
    use shared::ids::FederationId;
    use shared::model::{Department, Project, User};

    use super::*;
    use crate::directory::{Directory, plan};

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
    fn custody_says_what_stays_and_what_the_federations_project_is_called() {
        let (told, region) = (told(), RegionId::from_random(1));
        let directory = Directory::new(FederationId::from_random(7));
        for is_first in [true, false] {
            let plan = plan(
                &directory,
                &told.arrival(region, told.admin_project(), is_first, &Earlier::new()),
            );
            let adopted: Vec<&str> = plan.adopted().map(|(_, it)| it.name()).collect();
            assert_eq!(adopted, ["federation", "cloud-admin", "ops"]);
            assert_eq!(plan.renames().count(), 0, "nothing in Default is touched");
        }
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
