//! What departments hold: roles of their own and global ones, projects, groups, users.

use std::collections::{HashMap, HashSet};

use shared::ids::ObjectId;
use shared::model::{CloudId, Folded, Group, Object, ObjectKind, Role, User};

use super::claims::{Claim, Claims, Names};
use super::identities::Fate;
use super::{Evidence, Merger, unfit};
use crate::directory::fit;
use crate::directory::plan::{Action, Obstacle, Reason};

/// One kind at work.
pub(super) struct Work<'a> {
    kind: ObjectKind,
    claims: Claims<'a>,
    claimed: HashSet<ObjectId>,
    names: Names,
    /// How things of the region are written that may be recognized by their name.
    written: HashSet<(Option<&'a CloudId>, &'a str)>,
    /// Names that what bears a marker of the directory's has, of which that knows nothing.
    awaited: HashMap<(Option<ObjectId>, Folded), &'a CloudId>,
    /// What was retired and has its name still.
    held: HashSet<(Option<ObjectId>, Folded)>,
}

impl<'a> Merger<'a> {
    pub(super) fn roles(&mut self) {
        let roles = &self.arrival.organization.roles;
        let all = roles.iter();
        let all = all.map(|(here, it)| (here, it.name.as_str(), it.department.as_ref()));
        let mut work = self.begin(ObjectKind::Role, all);
        for (here, role) in roles {
            let department = role.department.as_ref();
            if let Some(within) = self.settle(&mut work, here, &role.name, department) {
                let role = Role {
                    department: within,
                    name: role.name.clone(),
                    description: fit::description(role.description.as_ref()),
                };
                self.adopt_named(&mut work, here, within, Object::Role(role));
            }
        }
        self.create(ObjectKind::Role, self.directory.live.roles.keys());
    }

    pub(super) fn groups(&mut self) {
        let groups = &self.arrival.organization.groups;
        let all = groups.iter();
        let all = all.map(|(here, it)| (here, it.name.as_str(), Some(&it.department)));
        let mut work = self.begin(ObjectKind::Group, all);
        for (here, group) in groups {
            let within = self.settle(&mut work, here, &group.name, Some(&group.department));
            if let Some(Some(department)) = within {
                let group = Group {
                    department,
                    name: group.name.clone(),
                    description: fit::description(group.description.as_ref()),
                };
                self.adopt_named(&mut work, here, Some(department), Object::Group(group));
            }
        }
        self.create(ObjectKind::Group, self.directory.live.groups.keys());
    }

    pub(super) fn users(&mut self) {
        let users = &self.arrival.organization.users;
        let all = users.iter();
        let all = all.map(|(here, it)| (here, it.name.as_str(), Some(&it.department)));
        let mut work = self.begin(ObjectKind::User, all);
        for (here, user) in users {
            let within = self.settle(&mut work, here, &user.name, Some(&user.department));
            let Some(Some(department)) = within else {
                continue;
            };
            // Without his address he would lose it in the region, too.
            if !fit::is_email(user.email.as_deref().unwrap_or_default()) {
                self.skip(ObjectKind::User, here, &user.name, Reason::EmailUnfit);
                continue;
            }
            let home = user.default_project.as_ref();
            let home = home.and_then(|it| self.identities.fate(ObjectKind::Project, it).id());
            let user = User {
                department,
                name: user.name.clone(),
                description: fit::description(user.description.as_ref()),
                email: user.email.clone(),
                enabled: user.enabled,
                default_project: home,
            };
            self.adopt_named(&mut work, here, Some(department), Object::User(user));
        }
        self.create(ObjectKind::User, self.directory.live.users.keys());
    }

    pub(super) fn begin(
        &self,
        kind: ObjectKind,
        all: impl Iterator<Item = (&'a CloudId, &'a str, Option<&'a CloudId>)> + Clone,
    ) -> Work<'a> {
        let claims = self.claims(kind, all.clone());
        let is_open = |here| !claims.contains_key(here) && !self.is_reserved(kind, here);
        let fate = |of: &CloudId| self.identities.fate(ObjectKind::Department, of);
        // Of a department that is new nothing is recognized by its name.
        let named = all.clone().filter(|(.., department)| {
            department.is_none_or(|it| matches!(fate(it), Fate::Known(_)))
        });
        let named = named.filter(|(here, ..)| is_open(here));
        let written = named.map(|(_, name, department)| (department, name));
        let written = written.collect();
        let mut awaited = HashMap::new();
        let marked = all.filter(|(here, ..)| self.had_its_name(kind, here) && is_open(here));
        for (here, name, department) in marked {
            let within = department.map(|it| fate(it).id());
            if within != Some(None) {
                let place = (within.flatten(), Folded::new(name));
                awaited.entry(place).or_insert(here);
            }
        }
        let held = self.directory.held(kind);
        let held = held.map(|(_, within, name)| (within, Folded::new(name)));
        Work {
            kind,
            claimed: claims.values().filter_map(Claim::live).collect(),
            claims,
            names: self.names(kind),
            held: held.collect(),
            written,
            awaited,
        }
    }

    /// Decides about a thing of the region, but for what it is if it is new: then it returns the
    /// department that takes it in (`Some(None)` for a global role).
    pub(super) fn settle(
        &mut self,
        work: &mut Work<'a>,
        here: &'a CloudId,
        name: &str,
        department: Option<&CloudId>,
    ) -> Option<Option<ObjectId>> {
        let kind = work.kind;
        let claim = work.claims.get(here).copied();
        if self.is_reserved(kind, here) {
            self.reserve(kind, name, department);
            self.skip(kind, here, name, Reason::Reserved);
            return None;
        }
        if let Some(Claim::Ended(id)) = claim {
            self.withhold(kind, here, id);
            return None;
        }
        let fate = department.map(|it| self.identities.fate(ObjectKind::Department, it));
        if let (Some(it), Some(Fate::Out)) = (department, fate) {
            self.skip(kind, here, name, self.why_out(it));
            return None;
        }
        if let Some(Claim::Live(id, by)) = claim {
            self.recognize(kind, here, (id, by), name);
            return None;
        }
        if let Some(why) = unfit(kind, name) {
            self.skip(kind, here, name, why);
            return None;
        }
        let within = fate.and_then(Fate::id);
        self.settle_by_name(work, (here, name, department), within)
    }

    /// The same, where nothing but the name says what it is.
    fn settle_by_name(
        &mut self,
        work: &mut Work<'a>,
        (here, name, department): (&'a CloudId, &str, Option<&CloudId>),
        within: Option<ObjectId>,
    ) -> Option<Option<ObjectId>> {
        let kind = work.kind;
        let place = (within, Folded::new(name));
        let is_administration = within == Some(self.administration.department);
        // Whatever its name is by now. But a global role is what its name says, in every cloud, and
        // where nothing comes in whoever was lost is made anew by hand.
        let is_by_name = department.is_none() || is_administration;
        let is_another = !is_by_name && self.marked(kind, here).is_some();
        match work.names.get(&place) {
            None if is_administration => {
                self.skip(kind, here, name, Reason::Administration);
                None
            }
            None if work.held.contains(&place) => {
                self.skip(kind, here, name, Reason::NameHeld);
                None
            }
            None if work.awaited.get(&place).is_some_and(|it| *it != here) => {
                self.skip(kind, here, name, Reason::SameName);
                None
            }
            None => Some(within),
            Some(id)
                if !work.claimed.contains(id)
                    && !self.identities.is_claimed(*id)
                    && !is_another
                    && !self.is_anothers(work, (kind, *id), name, department) =>
            {
                self.recognize(kind, here, (*id, Evidence::Name), name);
                None
            }
            Some(_) => {
                if is_another {
                    self.reserve(kind, name, department);
                }
                self.skip(kind, here, name, Reason::SameName);
                None
            }
        }
    }

    /// Why nothing comes in of a department that does not.
    fn why_out(&self, department: &CloudId) -> Reason {
        let told = &self.arrival.organization.departments;
        if self.is_reserved(ObjectKind::Department, department) {
            Reason::Reserved
        } else if told.contains_key(department) {
            Reason::AboveIsOut
        } else {
            Reason::AboveIsUnread
        }
    }

    /// Whether a name of the directory is just another thing's of the region, and this one's is but
    /// the same to some database.
    fn is_anothers(
        &self,
        work: &Work<'a>,
        (kind, id): (ObjectKind, ObjectId),
        name: &str,
        department: Option<&CloudId>,
    ) -> bool {
        let known = self.place(kind, id).map(|(_, known)| known);
        known.is_some_and(|it| it != name && work.written.contains(&(department, it)))
    }

    pub(super) fn adopt_named(
        &mut self,
        work: &mut Work<'a>,
        here: &'a CloudId,
        within: Option<ObjectId>,
        object: Object<ObjectId>,
    ) -> ObjectId {
        let name = object.name().to_owned();
        let id = self.adopt(here, object, &name);
        work.names.insert((within, Folded::new(&name)), id);
        id
    }

    /// What the directory has and the region does not.
    pub(super) fn create<'i>(&mut self, kind: ObjectKind, all: impl Iterator<Item = &'i ObjectId>) {
        for id in all.copied() {
            if self.identities.is_claimed(id) {
                continue;
            }
            let place = self.place(kind, id);
            let department = place.and_then(|(within, _)| within);
            let obstacle = if department.is_some_and(|it| self.is_blocked(it)) {
                Some(Obstacle::DepartmentBlocked)
            } else {
                let is_reserved = place.is_some_and(|it| self.is_name_reserved(kind, it));
                is_reserved.then_some(Obstacle::NameReserved)
            };
            let action = match obstacle {
                Some(why) => Action::Block { id, why },
                None => Action::Create { id },
            };
            self.step(kind, action);
        }
    }

    /// Something in a department that is taken in, or a global role, stays the region's own: its
    /// name is not free there.
    fn reserve(&mut self, kind: ObjectKind, name: &str, department: Option<&CloudId>) {
        let fate = department.map(|it| self.identities.fate(ObjectKind::Department, it));
        if fate != Some(Fate::Out) {
            let within = fate.and_then(Fate::id);
            self.reserved_inside
                .insert((kind, within, Folded::new(name)));
        }
    }

    fn is_name_reserved(&self, kind: ObjectKind, (within, name): (Option<ObjectId>, &str)) -> bool {
        // Most regions reserve whole departments alone, and folding a name is dear.
        !self.reserved_inside.is_empty()
            && self
                .reserved_inside
                .contains(&(kind, within, Folded::new(name)))
    }
}
