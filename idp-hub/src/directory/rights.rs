//! Who may do what: decided here, and nowhere else.
//!
//! The hub's own accounts, and whoever may open its local socket, are cloud administrators, and may
//! do everything. So is a user of the directory who has the role `admin`, by himself, in the
//! project of the federation's [`Administration`]; what that holds is nobody else's to change. Any
//! other user has what his roles give him:
//!
//! - `admin` or `manager` in a department: its projects, users and groups, and who has which role
//!   in it; and the limits of its projects, to be shifted between them and not raised;
//! - the same in a project, or from further out where it is inherited: that project, those nested
//!   in it, and who has which role there; and the limits of these, likewise;
//! - anything else: a view of his own.
//!
//! Roles that come along with another count, and so do a group's. What is given in a cloud's own
//! Default department is no part of the directory, and gives nothing here. But a cloud itself asks
//! for the role `admin` alone, wherever somebody has it (OpenStack's policies); so nobody gives it,
//! takes it, or gets hold of an account that has it, but a cloud administrator. Keystone's own
//! rules for managers of domains are the pattern (`domain_managed_target_role`).

mod edits;
mod exposure;
mod powers;
mod reach;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{Actor, Administration, Assignment, Holder, ObjectKind, Organization, Scope};

pub use self::exposure::{Exposed, Exposure, Person};
pub(in crate::directory) use self::powers::{Power, RolePowers, admin_given_to};
pub use self::reach::{Powerful, Reach};

use self::powers::{Roles, implied};
use super::administration::appointed;
use super::quota::Pools;
use super::{Directory, Edit};

/// Somebody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A cloud administrator.
    Cloud,
    /// A user of the directory.
    User(ObjectId),
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Regions and what they report, invitations, adoptions, plans and merges.
    Fleet,
    /// A change of the directory.
    Edit(&'a Edit),
    /// Another password for somebody else.
    SetPassword(ObjectId),
}

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It is not his to do.
    #[error("{what}; {next}")]
    Forbidden {
        /// What he may not.
        what: &'static str,
        /// Who may.
        next: &'static str,
    },
    /// It is not his to see.
    #[error("there is no {} {id} among what you may see", .kind.name())]
    Unseen {
        /// What kind of thing.
        kind: ObjectKind,
        /// Which.
        id: ObjectId,
    },
}

/// What somebody may do and see.
#[derive(Debug, Clone)]
pub enum Rights {
    /// Everything.
    All,
    /// Everything, as this user of the directory: what nobody does to himself, he does not either.
    Administrator(ObjectId),
    /// A user's part.
    Share(Box<Share>),
}

/// A user's part of the directory.
#[derive(Debug, Clone)]
pub struct Share {
    user: ObjectId,
    /// The departments that he administers.
    departments: BTreeSet<ObjectId>,
    /// The projects that he administers, beside those of these departments.
    projects: BTreeSet<ObjectId>,
    /// Which roles he has where, with those that come along.
    roles: BTreeMap<Scope<ObjectId>, Roles>,
    view: view::View,
}

impl Denied {
    /// Whoever asks may not sign in any more.
    pub const GONE: Self = Self::Forbidden {
        what: "this user was switched off or deleted",
        next: "ask the administrator of his department",
    };

    /// Whoever asks is no cloud administrator.
    pub const UNCHECKED: Self = Self::Forbidden {
        what: "only cloud administrators set limits below what is used, or beyond what there is",
        next: "leave out `force`, or ask one",
    };
}

impl Rights {
    /// What somebody may; `None` for a user who is not there, or may not sign in.
    pub fn of(directory: &Directory, asker: Asker) -> Option<Self> {
        Self::within(directory.live(), directory.administration(), asker)
    }

    fn within(live: &Organization<ObjectId>, place: Administration, asker: Asker) -> Option<Self> {
        let user = match asker {
            Asker::Cloud => return Some(Self::All),
            Asker::User(user) => user,
        };
        let own = live.users.get(&user).filter(|it| it.enabled)?;
        let department = live.departments.get(&own.department)?;
        if !department.enabled {
            return None;
        }
        if appointed(live, place).any(|it| it == user) {
            return Some(Self::Administrator(user));
        }
        Share::new(live, place, user).map(|it| Self::Share(Box::new(it)))
    }

    /// Whether he may.
    ///
    /// # Errors
    /// Why not.
    pub fn permits(&self, live: &Organization<ObjectId>, action: Action<'_>) -> Result<(), Denied> {
        let share = match self {
            Self::All => return Ok(()),
            Self::Administrator(user) => return is_of_another(*user, action),
            Self::Share(share) => share,
        };
        match action {
            Action::Fleet => Err(CLOUD),
            Action::Edit(edit) => share.permits_edit(live, edit),
            Action::SetPassword(user) => share.permits_password(live, user),
        }
    }

    /// Within what he may shift the limits of each of these projects; `None` where he may set any.
    /// How far they may go is checked where the numbers are.
    ///
    /// # Errors
    /// Why he may not touch one of them.
    pub fn shifts<'a>(
        &self,
        live: &Organization<ObjectId>,
        holders: impl IntoIterator<Item = &'a Holder>,
    ) -> Result<Option<Pools>, Denied> {
        let share = match self {
            Self::All | Self::Administrator(_) => return Ok(None),
            Self::Share(share) => share,
        };
        let pools = holders.into_iter().map(|it| share.shifts(live, it));
        pools.collect::<Result<_, _>>().map(Some)
    }
}

/// Whether it is not what an administrator would do to himself.
fn is_of_another(user: ObjectId, action: Action<'_>) -> Result<(), Denied> {
    let whom = match action {
        Action::SetPassword(whom) => Some(whom),
        Action::Edit(Edit::Appoint(whom)) => Some(*whom),
        Action::Edit(Edit::End { kind, id }) if *kind == ObjectKind::User => Some(*id),
        Action::Edit(_) | Action::Fleet => None,
    };
    match whom == Some(user) {
        true => Err(HIMSELF),
        false => Ok(()),
    }
}

const CLOUD: Denied = Denied::Forbidden {
    what: "regions, departments and roles are for cloud administrators",
    next: "ask one, or sign in with an account of the hub",
};

const OTHERS: Denied = Denied::Forbidden {
    what: "this is not in a department or project that you administer",
    next: "ask whoever administers it, or a cloud administrator",
};

const POWERFUL: Denied = Denied::Forbidden {
    what: "it has the role \"admin\", which is power over every cloud",
    next: "ask a cloud administrator",
};

const MORE: Denied = Denied::Forbidden {
    what: "you don't have this role there, and nobody gives more than he has",
    next: "ask whoever has it, or a cloud administrator",
};

const LIMITS: Denied = Denied::Forbidden {
    what: "limits are shifted by whoever administers the project, or its department",
    next: "ask him, or a cloud administrator, who raises them",
};

const GREATER: Denied = Denied::Forbidden {
    what: "this user has roles that you could not give him, and a password gives all that he has",
    next: "ask whoever administers all the places where he has roles, or a cloud administrator",
};

const HIMSELF: Denied = Denied::Forbidden {
    what: "nobody ends himself, or sets his own password without the one until now",
    next: "use PUT /api/v1/session/password, or ask another administrator",
};

impl Share {
    fn new(live: &Organization<ObjectId>, place: Administration, user: ObjectId) -> Option<Self> {
        let groups = powers::groups_of(live, user);
        let is_his = |it: &&Assignment<ObjectId>| match it.actor {
            Actor::User(id) => id == user,
            Actor::Group(id) => groups.contains(&id),
        };
        let mut roles: BTreeMap<Scope<ObjectId>, Roles> = BTreeMap::new();
        let mut inherited: BTreeMap<Scope<ObjectId>, Roles> = BTreeMap::new();
        for it in live.assignments.iter().filter(is_his) {
            let place = if it.inherited {
                &mut inherited
            } else {
                &mut roles
            };
            let place = place.entry(it.scope.clone()).or_default();
            place.extend(implied(live, it.role));
        }
        powers::inherit(live, &inherited, &mut roles);
        roles.retain(|scope, _| powers::is_usable(live, scope));
        let (mut departments, mut projects) = (BTreeSet::new(), BTreeSet::new());
        for (scope, had) in &roles {
            match scope {
                _ if !powers::administers(live, had) => {}
                Scope::Department(id) => drop(departments.insert(*id)),
                Scope::Project(id) => drop(projects.insert(*id)),
            }
        }
        powers::with_nested(live, &mut projects);
        // Whatever role he has there, it is for cloud administrators alone.
        departments.remove(&place.department);
        projects.retain(|it| {
            let project = live.projects.get(it);
            project.is_none_or(|it| it.department != place.department)
        });
        let own = live.users.get(&user)?.department;
        let view = view::View::new(live, own, (&projects, &groups, &roles));
        Some(Self {
            user,
            departments,
            projects,
            roles,
            view,
        })
    }

    /// Whether he administers the department that something is in.
    fn is_in(&self, department: Option<&ObjectId>) -> bool {
        department.is_some_and(|it| self.departments.contains(it))
    }

    /// Whether he administers a project.
    fn has_project(&self, live: &Organization<ObjectId>, id: ObjectId) -> bool {
        let department = live.projects.get(&id).map(|it| &it.department);
        self.projects.contains(&id) || self.is_in(department)
    }

    /// Whether he administers anything.
    fn is_administrator(&self) -> bool {
        !self.departments.is_empty() || !self.projects.is_empty()
    }
}
