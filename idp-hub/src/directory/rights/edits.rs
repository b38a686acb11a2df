//! Which changes of the directory are whose.

use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Holder, Link, Membership, Object, ObjectKind, Organization, Scope,
};

use super::powers::{above, assignments_of, has_admin, implied, is_powerful};
use super::{CLOUD, Denied, GREATER, HIMSELF, LIMITS, MORE, OTHERS, POWERFUL, Share};
use crate::directory::Edit;
use crate::directory::quota::Pool;

impl Share {
    pub(super) fn permits_edit(
        &self,
        live: &Organization<ObjectId>,
        edit: &Edit,
    ) -> Result<(), Denied> {
        match edit {
            Edit::Create { object, .. } => self.permits_new(live, object),
            Edit::Update { kind, id, .. } => self.permits_update(live, *kind, *id),
            Edit::End { kind, id } => self.permits_end(live, *kind, *id),
            Edit::Link(Link::Implication(_)) | Edit::Unlink(Link::Implication(_)) => Err(CLOUD),
            Edit::Appoint(_) | Edit::Dismiss { .. } | Edit::Entrust(_) => Err(CLOUD),
            Edit::Link(Link::Membership(it)) => {
                self.permits_group(live, it.group)?;
                self.permits_member(live, it)?;
                self.permits_all_of(live, &Actor::Group(it.group))
            }
            Edit::Link(Link::Assignment(it)) => {
                let within = self.permits_assignment(live, it)?;
                self.permits_actor(live, &it.actor, within)?;
                self.permits_role(live, it)
            }
            // What is his loses whoever he likes, wherever they are from.
            Edit::Unlink(Link::Membership(it)) => self.permits_group(live, it.group),
            Edit::Unlink(Link::Assignment(it)) => self.permits_assignment(live, it).map(drop),
        }
    }

    pub(super) fn permits_password(
        &self,
        live: &Organization<ObjectId>,
        user: ObjectId,
    ) -> Result<(), Denied> {
        if user == self.user {
            return Err(HIMSELF);
        }
        self.permits_user(live, user)?;
        // Whoever knows it has all that the user has, and keeps it from him.
        let groups = live.memberships.iter().filter(|it| it.user == user);
        let groups = groups.map(|it| Actor::Group(it.group));
        let mut actors = std::iter::once(Actor::User(user)).chain(groups);
        let may_give = actors.try_for_each(|it| self.permits_all_of(live, &it));
        may_give.map_err(|_| GREATER)
    }

    /// A project whose limits he may shift, and within what: its department, where that is his, or
    /// else the outermost project of his that it is in.
    pub(super) fn shifts(
        &self,
        live: &Organization<ObjectId>,
        holder: &Holder,
    ) -> Result<(ObjectId, Pool), Denied> {
        let id = holder.project().ok_or(CLOUD)?;
        self.must_see(live, ObjectKind::Project, id)?;
        let project = live.projects.get(&id).ok_or(LIMITS)?;
        if self.is_in(Some(&project.department)) {
            return Ok((id, Pool::Department(project.department)));
        }
        yes(self.projects.contains(&id), LIMITS)?;
        let around = above(live, project.parent);
        let outermost = around.filter(|it| self.projects.contains(it)).last();
        Ok((id, Pool::Project(outermost.unwrap_or(id))))
    }

    fn permits_new(
        &self,
        live: &Organization<ObjectId>,
        object: &Object<ObjectId>,
    ) -> Result<(), Denied> {
        match object {
            Object::Department(_) | Object::Role(_) => Err(CLOUD),
            Object::Project(it) => {
                let outer = it.parent.is_some_and(|outer| {
                    let department = live.projects.get(&outer).map(|it| it.department);
                    department == Some(it.department) && self.has_project(live, outer)
                });
                yes(outer || self.is_in(Some(&it.department)), OTHERS)
            }
            Object::User(_) | Object::Group(_) => yes(self.is_in(object.department()), OTHERS),
        }
    }

    fn permits_update(
        &self,
        live: &Organization<ObjectId>,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Result<(), Denied> {
        self.must_see(live, kind, id)?;
        match kind {
            ObjectKind::Department | ObjectKind::Role => Err(CLOUD),
            ObjectKind::Project => yes(self.has_project(live, id), OTHERS),
            ObjectKind::User => self.permits_user(live, id),
            ObjectKind::Group => self.permits_group(live, id),
        }
    }

    fn permits_end(
        &self,
        live: &Organization<ObjectId>,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Result<(), Denied> {
        self.must_see(live, kind, id)?;
        match kind {
            ObjectKind::Department | ObjectKind::Role => Err(CLOUD),
            // Whoever administers one from within keeps what he stands on.
            ObjectKind::Project => {
                let project = live.projects.get(&id);
                let outer = project.and_then(|it| it.parent);
                let outer = outer.is_some_and(|it| self.has_project(live, it));
                yes(
                    outer || self.is_in(project.map(|it| &it.department)),
                    OTHERS,
                )
            }
            ObjectKind::User if id == self.user => Err(HIMSELF),
            ObjectKind::User => self.permits_user(live, id),
            ObjectKind::Group => self.permits_group(live, id),
        }
    }

    /// What he may not see is not there.
    fn must_see(
        &self,
        live: &Organization<ObjectId>,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Result<(), Denied> {
        match live.object(kind, &id) {
            // That it is not there is for the change to say.
            None => Ok(()),
            Some(object) => yes(self.sees_object(id, &object), Denied::Unseen { kind, id }),
        }
    }

    /// A user of a department that is his, and who has no more power than he himself could have.
    fn permits_user(&self, live: &Organization<ObjectId>, id: ObjectId) -> Result<(), Denied> {
        let user = live.users.get(&id);
        yes(self.is_in(user.map(|it| &it.department)), OTHERS)?;
        let is_other = id != self.user;
        yes(!(is_other && is_powerful(live, &Actor::User(id))), POWERFUL)
    }

    fn permits_group(&self, live: &Organization<ObjectId>, id: ObjectId) -> Result<(), Denied> {
        let group = live.groups.get(&id);
        yes(self.is_in(group.map(|it| &it.department)), OTHERS)?;
        yes(!is_powerful(live, &Actor::Group(id)), POWERFUL)
    }

    /// A user of a department that is his.
    fn permits_member(
        &self,
        live: &Organization<ObjectId>,
        it: &Membership<ObjectId>,
    ) -> Result<(), Denied> {
        let user = live.users.get(&it.user);
        yes(self.is_in(user.map(|it| &it.department)), OTHERS)
    }

    /// To be somebody, or in a group, is to have all that is given to it.
    fn permits_all_of(
        &self,
        live: &Organization<ObjectId>,
        actor: &Actor<ObjectId>,
    ) -> Result<(), Denied> {
        assignments_of(live, actor).try_for_each(|it| {
            self.permits_place(live, &it.scope)?;
            self.permits_role(live, it)
        })
    }

    /// The place is his, and it is not power over every cloud. Returns the place's department.
    fn permits_assignment(
        &self,
        live: &Organization<ObjectId>,
        it: &Assignment<ObjectId>,
    ) -> Result<Option<ObjectId>, Denied> {
        let within = self.permits_place(live, &it.scope)?;
        yes(!has_admin(live, &implied(live, it.role)), POWERFUL)?;
        Ok(within)
    }

    /// Somebody of the place's department, or of one that is his.
    fn permits_actor(
        &self,
        live: &Organization<ObjectId>,
        actor: &Actor<ObjectId>,
        within: Option<ObjectId>,
    ) -> Result<(), Denied> {
        let whose = match actor {
            Actor::User(id) => live.users.get(id).map(|it| it.department),
            Actor::Group(id) => live.groups.get(id).map(|it| it.department),
        };
        yes(whose == within || self.is_in(whose.as_ref()), OTHERS)
    }

    /// A department or project that is his. Returns the department that it is in.
    fn permits_place(
        &self,
        live: &Organization<ObjectId>,
        scope: &Scope<ObjectId>,
    ) -> Result<Option<ObjectId>, Denied> {
        let (is_his, within) = match scope {
            Scope::Department(id) => (self.is_in(Some(id)), Some(*id)),
            Scope::Project(id) => {
                let within = live.projects.get(id).map(|it| it.department);
                (self.has_project(live, *id), within)
            }
        };
        yes(is_his, OTHERS).map(|()| within)
    }

    /// He has the role there himself, with all that come along with it, or in what is around it.
    fn permits_role(
        &self,
        live: &Organization<ObjectId>,
        it: &Assignment<ObjectId>,
    ) -> Result<(), Denied> {
        let given = implied(live, it.role);
        yes(!has_admin(live, &given), POWERFUL)?;
        let is_enough = |scope: &Scope<ObjectId>| {
            let had = self.roles.get(scope);
            had.is_some_and(|had| has_admin(live, had) || given.is_subset(had))
        };
        let mut around = Vec::new();
        if let Scope::Project(id) = &it.scope
            && let Some(project) = live.projects.get(id)
        {
            around.extend(above(live, project.parent).map(Scope::Project));
            around.push(Scope::Department(project.department));
            around.retain(|it| self.permits_place(live, it).is_ok());
        }
        around.push(it.scope.clone());
        yes(around.iter().any(is_enough), MORE)
    }
}

fn yes(so: bool, otherwise: Denied) -> Result<(), Denied> {
    if so { Ok(()) } else { Err(otherwise) }
}
