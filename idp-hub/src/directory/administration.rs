//! The federation's own administrators: their department and project, who is one, and who becomes
//! one.
//!
//! Whoever has the role `admin` in the project of [`Administration`], by himself, is a cloud
//! administrator: in each region's cloud, as every policy there asks for that role, and at the hub.
//! He is made one by an edit of its own, and by nothing else: no merge and no other edit gives or
//! leaves anybody a role there.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{
    ADMIN, Administration, Department, Link, Object, ObjectKind, Organization, Project, Role,
    is_service_project,
};

use super::arrival::ADMIN_PROJECT;
use super::change::Edit;
use super::delta::Delta;
use super::fit;
use super::names::{DEFAULT, Taken};
use super::refusal::Refusal;
use super::{Directory, Stamp, rights};

/// What the department is called, where that is free. It may be called otherwise afterwards.
const DEPARTMENT: &str = "federation";

const DESCRIPTION: &str = "Cloud administrators of all regions";

/// Each is looked for at every request of a user, and is power over every cloud: a federation has a
/// few, and those who have more have groups of a department's.
const ADMINISTRATORS_MAX: usize = 100;

/// So many of somebody's assignments are named in an error; one is the rule.
const SHOWN_MAX: usize = 3;

/// Whom a directory has as cloud administrators, whether they may sign in or not.
pub(super) fn appointed(
    live: &Organization<ObjectId>,
    place: Administration,
) -> impl Iterator<Item = ObjectId> {
    let there = live.assignments.iter();
    let there = there.filter_map(move |it| Some((place.assigned(it)?, it.role)));
    let there = there.filter(|(_, role)| live.roles.get(role).is_some_and(Role::is_cloud_admin));
    there.map(|(user, _)| user)
}

impl Directory {
    /// Where its cloud administrators have their role.
    pub fn administration(&self) -> Administration {
        Administration::of(self.federation)
    }

    /// Its cloud administrators, whether they may sign in or not.
    pub fn administrators(&self) -> BTreeSet<ObjectId> {
        appointed(&self.live, self.administration()).collect()
    }

    /// Whom these links make one.
    pub fn administrators_of(&self, links: &[Link<ObjectId>]) -> Vec<ObjectId> {
        let place = self.administration();
        let whose = links.iter().filter_map(|it| match it {
            Link::Assignment(it) => Some((place.assigned(it)?, it.role)),
            Link::Membership(_) | Link::Implication(_) => None,
        });
        let whose = whose.filter(|(_, role)| self.is_admin(*role));
        whose.map(|(user, _)| user).collect()
    }

    fn is_admin(&self, role: ObjectId) -> bool {
        let role = self.live.roles.get(&role);
        role.is_some_and(Role::is_cloud_admin)
    }

    /// What of their place is still to be made: the department, which is called as none of `others`
    /// is, and the project of this name.
    pub(super) fn unfounded<'n>(
        &self,
        project: &str,
        others: impl Iterator<Item = &'n str>,
    ) -> Vec<(ObjectId, Object<ObjectId>)> {
        let place = self.administration();
        let mut all = Vec::new();
        if !self.stamps.contains_key(&place.department) {
            let department = Department {
                name: self.free_name(others),
                description: Some(DESCRIPTION.to_owned()),
                enabled: true,
            };
            all.push((place.department, Object::Department(department)));
        }
        if !self.stamps.contains_key(&place.project) {
            // In a project of services no region would let anybody be made one.
            let is_fit = fit::name_fault(ObjectKind::Project, project).is_none();
            let is_fit = is_fit && !is_service_project(project);
            let name = if is_fit { project } else { ADMIN_PROJECT };
            let project = Project {
                department: place.department,
                parent: None,
                name: name.to_owned(),
                description: Some(DESCRIPTION.to_owned()),
                enabled: true,
            };
            all.push((place.project, Object::Project(project)));
        }
        all
    }

    fn free_name<'n>(&self, others: impl Iterator<Item = &'n str>) -> String {
        let mut taken = Taken::default();
        taken.take(DEFAULT);
        others.for_each(|it| taken.take(it));
        let live = self.live.departments.values();
        live.for_each(|it| taken.take(&it.name));
        let held = self.held(ObjectKind::Department);
        held.for_each(|(.., name)| taken.take(name));
        match taken.has(DEPARTMENT) {
            false => DEPARTMENT.to_owned(),
            true => {
                let id = self.federation.to_string();
                taken.free(DEPARTMENT, &id, ObjectKind::Department.name_chars_max())
            }
        }
    }

    /// Makes a user a cloud administrator, and the place for that where it is not there yet. One
    /// who is it stays it.
    pub(super) fn appoint(&mut self, user: ObjectId, stamp: &Stamp) -> Result<Delta, Refusal> {
        self.required(ObjectKind::User, user)?;
        let mut roles = self.live.roles.iter();
        let role = roles.find(|(_, it)| it.is_cloud_admin()).map(|(id, _)| *id);
        let Some(role) = role else {
            return Err(Refusal::Wrong {
                what: format!("the directory has no role {ADMIN:?}, which every cloud asks for"),
                next: "merge a region first, which brings it along: `idp-hub org plan`",
            });
        };
        let before = self.administrators();
        if before.contains(&user) {
            return Ok(Delta::default());
        }
        if before.len() >= ADMINISTRATORS_MAX {
            return Err(Refusal::Wrong {
                what: format!("there are {ADMINISTRATORS_MAX} cloud administrators already"),
                next: "take it from another one first: `idp-hub org administrator remove`",
            });
        }
        let mut delta = Delta::default();
        for (id, object) in self.unfounded(ADMIN_PROJECT, std::iter::empty()) {
            delta.put.push((object.kind(), id));
            self.live.insert(id, object);
            self.stamps.insert(id, stamp.clone());
        }
        let link = Link::Assignment(self.administration().link(user, role));
        self.live.link(link.clone());
        delta.linked.push(link);
        Ok(delta)
    }

    /// Makes a user no cloud administrator any more. One who is none is not made none: whoever
    /// asks for that would take for stopped who has `admin` by something else.
    pub(super) fn dismiss(&mut self, user: ObjectId) -> Result<Delta, Refusal> {
        self.required(ObjectKind::User, user)?;
        let place = self.administration();
        let links = self.live.assignments.iter();
        let links = links.filter(|it| place.assigned(it) == Some(user));
        let links: Vec<_> = links.cloned().map(Link::Assignment).collect();
        if links.is_empty() {
            return Err(self.none_of_them(user));
        }
        links.iter().for_each(|it| self.live.unlink(it));
        Ok(Delta {
            unlinked: links,
            ..Delta::default()
        })
    }

    fn none_of_them(&self, user: ObjectId) -> Refusal {
        let name = self.live.users.get(&user).map_or("", |it| &it.name);
        let what = format!("{name:?} is none of the federation's cloud administrators");
        let given = rights::admin_given_to(&self.live, user);
        if given.is_empty() {
            let next = "`idp-hub org administrator list` shows who is";
            return Refusal::Wrong { what, next };
        }
        let ids: Vec<_> = given.iter().take(SHOWN_MAX).map(|it| it.id()).collect();
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let more = match given.len().saturating_sub(SHOWN_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Refusal::Wrong {
            what: format!(
                "{what}, and has the role {ADMIN:?} by what was given to him or a group of his: \
                 {}{more}",
                ids.join(", ")
            ),
            next: "take each away (`idp-hub org unlink assignment ID`), or switch him off",
        }
    }

    /// Whether a change leaves the place of the cloud administrators as it is, and one of them who
    /// may sign in, if there is one.
    pub(super) fn keeps_administration(&self, edit: &Edit) -> Result<(), Refusal> {
        let place = self.administration();
        let is_place = |kind: &ObjectKind, id: &ObjectId| match kind {
            ObjectKind::Department => *id == place.department,
            ObjectKind::Project => *id == place.project,
            _ => false,
        };
        match edit {
            Edit::End { kind, id } if is_place(kind, id) => return Err(place_stays(*kind)),
            Edit::Update { kind, id, patch }
                if is_place(kind, id) && patch.enabled == Some(false) =>
            {
                return Err(place_stays(*kind));
            }
            Edit::Link(Link::Assignment(it)) | Edit::Entrust(Link::Assignment(it))
                if place.has(&it.scope) =>
            {
                return Err(Refusal::Wrong {
                    what: "there only cloud administrators have a role, each by himself".to_owned(),
                    next: "use `idp-hub org administrator add`",
                });
            }
            _ => {}
        }
        match self.loses_the_last(edit, place) {
            true => Err(Refusal::Wrong {
                what: "no user of the directory would be a cloud administrator any more".to_owned(),
                next: "appoint another one first (`idp-hub org administrator add`), or take it \
                       from him with a word of its own (`idp-hub org administrator remove --last`)",
            }),
            false => Ok(()),
        }
    }

    /// Whether no cloud administrator who may sign in is left by it, where there is one.
    fn loses_the_last(&self, edit: &Edit, place: Administration) -> bool {
        use ObjectKind::{Department, User};
        let (kind, gone) = match edit {
            Edit::End { kind, id } => (*kind, *id),
            Edit::Update { kind, id, patch } if patch.enabled == Some(false) => (*kind, *id),
            Edit::Dismiss {
                user,
                even_the_last: false,
            } => (User, *user),
            Edit::Unlink(link) => match place.appointed(link) {
                Some(user) => (User, user),
                None => return false,
            },
            _ => return false,
        };
        if !matches!(kind, Department | User) {
            return false;
        }
        let department = |user: &ObjectId| {
            let user = self.live.users.get(user)?;
            let department = self.live.departments.get(&user.department)?;
            (user.enabled && department.enabled).then_some(user.department)
        };
        let usable = appointed(&self.live, place);
        let usable = usable.filter_map(|it| Some((it, department(&it)?)));
        let mut goes = usable.map(|(user, department)| match kind {
            Department => department == gone,
            _ => user == gone,
        });
        // All of at least one.
        goes.next().is_some_and(|first| first && goes.all(|it| it))
    }
}

fn place_stays(kind: ObjectKind) -> Refusal {
    Refusal::Wrong {
        what: format!(
            "this {} is the one of the cloud administrators",
            kind.name()
        ),
        next: "leave it; it may have another name (`idp-hub org set … --rename`), and \
               `idp-hub org administrator remove` takes the role from whoever should not have it",
    }
}
