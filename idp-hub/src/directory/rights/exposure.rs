//! Who could take over whom in a region's own Keystone.
//!
//! Whoever has the role `manager` in a domain may set the passwords of its users there (Keystone:
//! `update_user`, `role:manager and token.domain.id:%(target.user.domain_id)s`), whatever roles
//! these have, and so be them in that cloud: the hub refuses it, and is not asked there. So who has
//! the role `admin`, as the federation's cloud administrators have in every region, is a user of a
//! department that nobody else administers, unless an administrator says that it may be so.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::ObjectId;
use shared::model::{Actor, Link, ObjectKind, Organization, Scope};

use super::powers::{administers, has_admin, implied};
use crate::directory::administration::appointed;
use crate::directory::refusal::Refusal;
use crate::directory::{Directory, Edit};

/// Users by what they are found by.
type Users = BTreeSet<ObjectId>;

/// Somebody who has the role `admin`, and somebody else who administers his department.
type Exposed = BTreeSet<(ObjectId, ObjectId)>;

impl Directory {
    /// Whether a change gives nobody power over a user who has the role `admin`.
    ///
    /// # Errors
    /// Who would be in whose power, and the way out.
    pub(in crate::directory) fn exposes_nobody(&mut self, edit: &Edit) -> Result<(), Refusal> {
        if let Edit::Appoint(user) = edit {
            return self.is_safe_to_appoint(*user);
        }
        let before = match edit {
            Edit::Link(link) if is_of_power(&self.live, link) => exposed(&self.live),
            Edit::Update { kind, patch, .. }
                if *kind == ObjectKind::Role && patch.name.is_some() =>
            {
                exposed(&self.live)
            }
            _ => return Ok(()),
        };
        let after = self.exposed_after(edit);
        match after.difference(&before).next() {
            None => Ok(()),
            Some((user, by)) => Err(Refusal::Wrong {
                what: format!(
                    "by this {} administers the department of {}, who has the role \"admin\", and \
                     in a region's own Keystone whoever does sets that user's password",
                    self.title(*by),
                    self.title(*user)
                ),
                next: "have a user of the federation's own department administer the clouds \
                       instead (`idp-hub org administrator add`), or, as a cloud administrator, \
                       say that it may be so (`idp-hub org link … --entrust`)",
            }),
        }
    }

    /// Whether nobody else administers the department of who is made a cloud administrator.
    fn is_safe_to_appoint(&self, user: ObjectId) -> Result<(), Refusal> {
        let live = &self.live;
        let is_one = appointed(live, self.administration()).any(|it| it == user);
        let Some(his) = live.users.get(&user).filter(|_| !is_one) else {
            return Ok(());
        };
        let managers = managers(live);
        let mut others = managers.get(&his.department).into_iter().flatten();
        match others.find(|it| **it != user) {
            None => Ok(()),
            Some(by) => Err(Refusal::Wrong {
                what: format!(
                    "{} administers the department of {}, and in a region's own Keystone whoever \
                     does sets that user's password",
                    self.title(*by),
                    self.title(user)
                ),
                next: "make a user for it in the federation's own department, which nobody \
                       administers (`idp-hub org create user NAME --in federation`, unless it has \
                       another name), and make that one a cloud administrator",
            }),
        }
    }

    /// Who would be in whose power after a change, which is not made.
    fn exposed_after(&mut self, edit: &Edit) -> Exposed {
        match edit {
            Edit::Link(link) if !self.live.has_link(link) => {
                self.live.link(link.clone());
                let after = exposed(&self.live);
                self.live.unlink(link);
                after
            }
            Edit::Update { id, patch, .. } => {
                let name = patch.name.clone();
                let Some((role, name)) = self.live.roles.get_mut(id).zip(name) else {
                    return Exposed::new();
                };
                let before = std::mem::replace(&mut role.name, name);
                let after = exposed(&self.live);
                if let Some(role) = self.live.roles.get_mut(id) {
                    role.name = before;
                }
                after
            }
            _ => Exposed::new(),
        }
    }

    fn title(&self, user: ObjectId) -> String {
        let Some(user) = self.live.users.get(&user) else {
            return user.to_string();
        };
        let home = self.live.departments.get(&user.department);
        let home = home.map_or("", |it| it.name.as_str());
        format!("{:?}", format!("{home}/{}", user.name))
    }
}

/// Whether a link may give somebody power: most give none, and are not looked at further.
fn is_of_power(live: &Organization<ObjectId>, link: &Link<ObjectId>) -> bool {
    let is_strong = |role| administers(live, &implied(live, role));
    match link {
        Link::Assignment(it) => is_strong(it.role),
        Link::Implication(it) => is_strong(it.implied),
        Link::Membership(member) => {
            let mut given = live.assignments.iter();
            given.any(|it| it.actor == Actor::Group(member.group) && is_strong(it.role))
        }
    }
}

/// Who has the role `admin`, with each other who administers his department.
fn exposed(live: &Organization<ObjectId>) -> Exposed {
    let managers = managers(live);
    if managers.is_empty() {
        return Exposed::new();
    }
    let mut all = Exposed::new();
    for user in powerful(live) {
        let home = live.users.get(&user).map(|it| it.department);
        let others = home.and_then(|it| managers.get(&it)).into_iter().flatten();
        all.extend(others.filter(|by| **by != user).map(|by| (user, *by)));
    }
    all
}

/// Who administers which department: by himself, or by a group. What is inherited counts in its
/// projects, and not there.
fn managers(live: &Organization<ObjectId>) -> BTreeMap<ObjectId, Users> {
    let strong = roles_that(live, administers);
    let mut all = BTreeMap::<ObjectId, Users>::new();
    for it in &live.assignments {
        if let Scope::Department(department) = it.scope
            && !it.inherited
            && strong.contains(&it.role)
        {
            let users = all.entry(department).or_default();
            users.extend(those(live, &it.actor));
        }
    }
    all
}

/// Who has the role `admin` anywhere.
fn powerful(live: &Organization<ObjectId>) -> Users {
    let strong = roles_that(live, has_admin);
    let given = live.assignments.iter();
    let given = given.filter(|it| strong.contains(&it.role));
    let actors: BTreeSet<&Actor<ObjectId>> = given.map(|it| &it.actor).collect();
    actors.into_iter().flat_map(|it| those(live, it)).collect()
}

/// Roles that are so, with those that come along with them.
fn roles_that(
    live: &Organization<ObjectId>,
    are: impl Fn(&Organization<ObjectId>, &BTreeSet<ObjectId>) -> bool,
) -> BTreeSet<ObjectId> {
    let all = live.roles.keys().copied();
    all.filter(|it| are(live, &implied(live, *it))).collect()
}

/// A user, or the users of a group.
fn those(live: &Organization<ObjectId>, actor: &Actor<ObjectId>) -> Users {
    match actor {
        Actor::User(id) => [*id].into(),
        Actor::Group(group) => {
            let members = live.memberships.iter().filter(|it| it.group == *group);
            members.map(|it| it.user).collect()
        }
    }
}

#[cfg(test)]
mod tests;
