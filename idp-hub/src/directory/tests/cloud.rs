//! A region's Keystone as a plain value that does what a plan says.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{Department, Group, Marker, Object, Organization, Project, Role, User};

use super::*;

#[derive(Debug, Clone)]
pub(super) struct Cloud {
    pub(super) region: RegionId,
    pub(super) organization: Organization<CloudId>,
    pub(super) markers: BTreeMap<(ObjectKind, CloudId), Marker>,
    map: BTreeMap<(ObjectKind, CloudId), ObjectId>,
    withheld: BTreeSet<(ObjectKind, CloudId)>,
    /// What was taken over with other regions.
    pub(super) earlier: Earlier,
    /// What its agent tells to be no thing of the directory's.
    pub(super) own: BTreeSet<(ObjectKind, CloudId)>,
    reserved: BTreeSet<(ObjectKind, CloudId)>,
    pub(super) is_first: bool,
    made: u64,
}

fn default_department() -> CloudId {
    CloudId::new("default")
}

impl Cloud {
    pub(super) fn new(number: u64) -> Self {
        let mut cloud = Self {
            region: RegionId::from_random(number.into()),
            organization: Organization::default(),
            markers: BTreeMap::new(),
            map: BTreeMap::new(),
            withheld: BTreeSet::new(),
            earlier: Earlier::new(),
            own: BTreeSet::new(),
            reserved: BTreeSet::from([(ObjectKind::Department, default_department())]),
            is_first: true,
            made: number << 32,
        };
        let default = department("Default");
        cloud
            .organization
            .departments
            .insert(default_department(), default);
        cloud.role("member");
        cloud
    }

    pub(super) fn arrival(&self) -> Arrival<'_> {
        Arrival {
            region: self.region,
            organization: &self.organization,
            map: &self.map,
            former: const { &BTreeMap::new() },
            withheld: &self.withheld,
            markers: &self.markers,
            earlier: &self.earlier,
            own: &self.own,
            reserved: &self.reserved,
            is_first: self.is_first,
            admin_project: "admin",
        }
    }

    /// What was decided about it is not known any more.
    pub(super) fn forget(&mut self) {
        self.map.clear();
        self.withheld.clear();
    }

    fn id(&mut self) -> CloudId {
        self.made += 1;
        CloudId::new(&format!("{:032x}", self.made))
    }

    pub(super) fn department(&mut self, name: &str) -> CloudId {
        let id = self.id();
        self.organization
            .departments
            .insert(id.clone(), department(name));
        id
    }

    pub(super) fn reserve(&mut self, kind: ObjectKind, here: &CloudId) {
        self.reserved.insert((kind, here.clone()));
    }

    pub(super) fn named_department(&self, name: &str) -> CloudId {
        let mut all = self.organization.departments.iter();
        all.find(|(_, it)| it.name == name).unwrap().0.clone()
    }

    pub(super) fn project(&mut self, department: &str, name: &str) -> CloudId {
        let department = self.named_department(department);
        self.add_project(department, name, None)
    }

    pub(super) fn nested(&mut self, department: &str, name: &str, outer: &CloudId) -> CloudId {
        let department = self.named_department(department);
        self.add_project(department, name, Some(outer.clone()))
    }

    pub(super) fn add_project(
        &mut self,
        department: CloudId,
        name: &str,
        parent: Option<CloudId>,
    ) -> CloudId {
        let id = self.id();
        let project = Project {
            department,
            parent,
            name: name.to_owned(),
            description: None,
            enabled: true,
        };
        self.organization.projects.insert(id.clone(), project);
        id
    }

    pub(super) fn nest(&mut self, inner: &CloudId, outer: &CloudId) {
        self.organization.projects.get_mut(inner).unwrap().parent = Some(outer.clone());
    }

    pub(super) fn user(&mut self, department: &str, name: &str) -> CloudId {
        let department = self.named_department(department);
        self.add_user(department, name)
    }

    pub(super) fn add_user(&mut self, department: CloudId, name: &str) -> CloudId {
        let id = self.id();
        let user = User {
            department,
            name: name.to_owned(),
            description: Some(String::new()),
            email: None,
            enabled: true,
            default_project: None,
        };
        self.organization.users.insert(id.clone(), user);
        id
    }

    pub(super) fn add_group(&mut self, department: CloudId, name: &str) -> CloudId {
        let id = self.id();
        let (name, description) = (name.to_owned(), None);
        let group = Group {
            department,
            name,
            description,
        };
        self.organization.groups.insert(id.clone(), group);
        id
    }

    /// A global role, made where it is missing.
    pub(super) fn role(&mut self, name: &str) -> CloudId {
        let mut all = self.organization.roles.iter();
        if let Some((id, _)) = all.find(|(_, it)| it.name == name && it.department.is_none()) {
            return id.clone();
        }
        self.add_role(Role {
            department: None,
            name: name.to_owned(),
            description: None,
        })
    }

    pub(super) fn add_role(&mut self, role: Role<CloudId>) -> CloudId {
        let id = self.id();
        self.organization.roles.insert(id.clone(), role);
        id
    }

    pub(super) fn implies(&mut self, prior: &CloudId, implied: &CloudId) {
        self.organization.implications.insert(Implication {
            prior: prior.clone(),
            implied: implied.clone(),
        });
    }

    pub(super) fn join_group(&mut self, group: &CloudId, user: &CloudId) {
        self.organization.memberships.insert(Membership {
            group: group.clone(),
            user: user.clone(),
        });
    }

    /// Who has a role of this name in a project.
    pub(super) fn give(&mut self, actor: Actor<CloudId>, project: &CloudId, role: &str) {
        let role = self.role(role);
        self.organization.assignments.insert(Assignment {
            actor,
            scope: Scope::Project(project.clone()),
            role,
            inherited: false,
        });
    }

    pub(super) fn assign(&mut self, user: &str, project: &str, role: &str) {
        let role = self.role(role);
        let users = &self.organization.users;
        let (user, _) = users.iter().find(|(_, it)| it.name == user).unwrap();
        let projects = &self.organization.projects;
        let (project, _) = projects.iter().find(|(_, it)| it.name == project).unwrap();
        self.organization.assignments.insert(Assignment {
            actor: Actor::User(user.clone()),
            scope: Scope::Project(project.clone()),
            role,
            inherited: false,
        });
    }

    /// It is not the home region, and has an `admin` in the project `admin`, both in Default.
    pub(super) fn administrator(&mut self) {
        self.user("Default", "admin");
        self.project("Default", "admin");
        self.is_first = false;
    }

    pub(super) fn departments(&self) -> Vec<&str> {
        let departments = self.organization.departments.values();
        let mut names: Vec<&str> = departments.map(|it| it.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn has_user(&self, department: &str, name: &str) -> bool {
        let department = self.named_department(department);
        let mut users = self.organization.users.values();
        users.any(|it| it.department == department && it.name == name)
    }

    pub(super) fn named_user(&self, name: &str) -> CloudId {
        let mut all = self.organization.users.iter();
        all.find(|(_, it)| it.name == name).unwrap().0.clone()
    }

    pub(super) fn named_project(&self, name: &str) -> CloudId {
        let mut all = self.organization.projects.iter();
        all.find(|(_, it)| it.name == name).unwrap().0.clone()
    }

    /// Notes what the hub decided, and does nothing yet.
    pub(super) fn remember(&mut self, kind: ObjectKind, here: CloudId, object: ObjectId) {
        self.map.insert((kind, here), object);
    }

    /// What the hub holds of what it decided.
    pub(super) fn map(&self) -> BTreeMap<(ObjectKind, CloudId), ObjectId> {
        self.map.clone()
    }

    /// The hub holds what it decided before, as after a restore; the markers are in Keystone.
    pub(super) fn restore_the_map(&mut self, map: BTreeMap<(ObjectKind, CloudId), ObjectId>) {
        self.map = map;
    }

    /// Somebody puts a marker of this federation on a thing.
    pub(super) fn put_marker(&mut self, kind: ObjectKind, here: &CloudId, object: ObjectId) {
        let federation = FederationId::from_random(FEDERATION);
        let key = (kind, here.clone());
        self.markers.insert(key, Marker { federation, object });
    }

    /// Forgets the map, as a replica that was lost; the markers are in Keystone.
    pub(super) fn forget_the_map(&mut self) {
        self.map.clear();
    }

    /// Does what a plan says, as an agent will.
    pub(super) fn follow(&mut self, plan: &Plan, directory: &Directory) {
        self.is_first = false;
        for (kind, here, id) in plan.identities() {
            self.mark(kind, here.clone(), id, directory);
        }
        let renames: Vec<_> = plan
            .renames()
            .map(|(kind, here, it)| (kind, here, &it.to))
            .collect();
        for (kind, here, to) in renames {
            self.rename(kind, here, to);
        }
        for step in &plan.steps {
            match &step.action {
                Action::Create { id } => self.create(step.kind, *id, directory),
                Action::Recognize {
                    id, here, changes, ..
                } if !changes.is_empty() => {
                    self.take(step.kind, here, *id, directory);
                }
                Action::Withhold { here, .. } => {
                    self.withheld.insert((step.kind, here.clone()));
                    self.switch_off(step.kind, here);
                }
                _ => {}
            }
        }
        self.link(directory);
    }

    fn mark(&mut self, kind: ObjectKind, here: CloudId, object: ObjectId, directory: &Directory) {
        let federation = directory.federation();
        self.markers
            .insert((kind, here.clone()), Marker { federation, object });
        self.map.insert((kind, here), object);
    }

    fn rename(&mut self, kind: ObjectKind, here: &CloudId, to: &str) {
        let organization = &mut self.organization;
        let name = match kind {
            ObjectKind::Department => &mut organization.departments.get_mut(here).unwrap().name,
            ObjectKind::Project => &mut organization.projects.get_mut(here).unwrap().name,
            ObjectKind::User => &mut organization.users.get_mut(here).unwrap().name,
            ObjectKind::Group => &mut organization.groups.get_mut(here).unwrap().name,
            ObjectKind::Role => &mut organization.roles.get_mut(here).unwrap().name,
        };
        to.clone_into(name);
    }

    /// All of it but its place becomes as the directory says, as far as that is here.
    fn take(&mut self, kind: ObjectKind, here: &CloudId, id: ObjectId, directory: &Directory) {
        let mut known = directory.live().object(kind, &id).unwrap();
        match &mut known {
            Object::Project(it) => it.parent = None,
            Object::User(it) => {
                let is_here = |it: &ObjectId| self.local(ObjectKind::Project, *it).is_some();
                it.default_project = it.default_project.filter(is_here);
            }
            _ => {}
        }
        let mut known = known.translated(|kind, id| self.local(kind, *id)).unwrap();
        if let Object::Project(it) = &mut known {
            it.parent
                .clone_from(&self.organization.projects[here].parent);
        }
        self.organization.insert(here.clone(), known);
    }

    fn switch_off(&mut self, kind: ObjectKind, here: &CloudId) {
        match kind {
            ObjectKind::User => self.organization.users.get_mut(here).unwrap().enabled = false,
            ObjectKind::Project => {
                self.organization.projects.get_mut(here).unwrap().enabled = false
            }
            _ => {}
        }
    }

    fn create(&mut self, kind: ObjectKind, id: ObjectId, directory: &Directory) {
        let here = self.id();
        let live = directory.live();
        let local = |kind, id: &ObjectId| self.local(kind, *id);
        let organization = &mut self.organization.clone();
        match kind {
            ObjectKind::Department => {
                let department = live.departments[&id].clone();
                organization.departments.insert(here.clone(), department);
            }
            ObjectKind::Project => {
                let it = &live.projects[&id];
                let project = Project {
                    department: local(ObjectKind::Department, &it.department).unwrap(),
                    parent: it.parent.map(|it| local(ObjectKind::Project, &it).unwrap()),
                    name: it.name.clone(),
                    description: it.description.clone(),
                    enabled: it.enabled,
                };
                organization.projects.insert(here.clone(), project);
            }
            ObjectKind::User => {
                let it = &live.users[&id];
                let user = User {
                    department: local(ObjectKind::Department, &it.department).unwrap(),
                    name: it.name.clone(),
                    description: it.description.clone(),
                    email: it.email.clone(),
                    enabled: it.enabled,
                    default_project: it
                        .default_project
                        .and_then(|it| local(ObjectKind::Project, &it)),
                };
                organization.users.insert(here.clone(), user);
            }
            ObjectKind::Group => {
                let it = &live.groups[&id];
                let group = Group {
                    department: local(ObjectKind::Department, &it.department).unwrap(),
                    name: it.name.clone(),
                    description: it.description.clone(),
                };
                organization.groups.insert(here.clone(), group);
            }
            ObjectKind::Role => {
                let it = &live.roles[&id];
                let role = Role {
                    department: it
                        .department
                        .map(|it| local(ObjectKind::Department, &it).unwrap()),
                    name: it.name.clone(),
                    description: it.description.clone(),
                };
                organization.roles.insert(here.clone(), role);
            }
        }
        self.organization = organization.clone();
        self.mark(kind, here, id, directory);
    }

    fn local(&self, kind: ObjectKind, id: ObjectId) -> Option<CloudId> {
        let mut map = self.map.iter();
        let found = map.find(|((of, _), object)| *of == kind && **object == id);
        found.map(|((_, here), _)| here.clone())
    }

    fn link(&mut self, directory: &Directory) {
        let live = directory.live();
        let local = |kind, id: &ObjectId| self.local(kind, *id);
        let memberships: Vec<_> = live
            .memberships
            .iter()
            .filter_map(|it| it.translated(local))
            .collect();
        let assignments: Vec<_> = live
            .assignments
            .iter()
            .filter_map(|it| it.translated(local))
            .collect();
        let implications: Vec<_> = live
            .implications
            .iter()
            .filter_map(|it| it.translated(local))
            .collect();
        self.organization.memberships.extend(memberships);
        self.organization.assignments.extend(assignments);
        self.organization.implications.extend(implications);
    }
}

fn department(name: &str) -> Department {
    Department {
        name: name.to_owned(),
        description: None,
        enabled: true,
    }
}
