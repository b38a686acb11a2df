//! Who could take over whom in a region's own Keystone.
//!
//! Whoever has the role `manager` in a domain may set the passwords of its users there (Keystone:
//! `update_user`, `role:manager and token.domain.id:%(target.user.domain_id)s`), whatever roles
//! these have, and so be them in that cloud: the hub refuses it, and is not asked there. So who has
//! the role `admin`, as the federation's cloud administrators have in every region, is a user of a
//! department that nobody else administers, unless an administrator says that it may be so. Those
//! who came so with a first merge are listed.

mod change;
mod standing;

use std::fmt;

use shared::ids::ObjectId;
use shared::model::{Link, ObjectKind, Organization, Role};

use self::change::{Change, Names};
use self::standing::Standing;
use crate::directory::administration::appointed;
use crate::directory::plan::Plan;
use crate::directory::refusal::Refusal;
use crate::directory::{Directory, Edit};

/// Of those who administer a department as many are named: whom it is about is worth more lines.
const NAMED_MAX: usize = 5;

/// Some of those who are in somebody's power.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exposed {
    /// How many there are.
    pub count: u64,
    /// Those that were asked for, in the order of their ids.
    pub some: Vec<Exposure>,
}

/// Somebody who has the role `admin`, and who else administers his department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Who is in their power.
    pub user: Person,
    /// Whether he is one of the federation's cloud administrators.
    pub is_appointed: bool,
    /// The first of those who administer it.
    pub by: Vec<Person>,
    /// How many more do.
    pub more: u64,
}

/// A user, as he is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// His id.
    pub id: ObjectId,
    /// His name.
    pub name: String,
    /// His department.
    pub department: ObjectId,
    /// What that is called.
    pub home: String,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", format!("{}/{}", self.home, self.name))
    }
}

impl Directory {
    /// Who is in somebody's power by now: so many of them, from behind one on.
    pub fn exposed(&self, after: Option<ObjectId>, limit: usize) -> Exposed {
        let so = Standing::of(&self.live, Change::Nothing);
        exposed(self, Change::Nothing, (so, None), (after, limit))
    }

    /// Who would come to be by a merge: the first of them.
    pub(in crate::directory) fn exposed_by(&self, plan: &Plan, limit: usize) -> Exposed {
        let change = Change::Merge(plan);
        match change.gives_power(&self.live) {
            true => {
                let both = Standing::whole(&self.live, change);
                brought(self, change, Some(both), limit)
            }
            false => Exposed::default(),
        }
    }

    /// Whether a change gives nobody power over a user who has the role `admin`.
    ///
    /// # Errors
    /// Who would be in whose power, and the way out.
    pub(in crate::directory) fn exposes_nobody(&self, edit: &Edit) -> Result<(), Refusal> {
        let live = &self.live;
        let exposed = match edit {
            Edit::Appoint(user) => return self.is_safe_to_appoint(*user),
            Edit::Link(link) => brought(self, Change::Link(link), by_link(live, link), 1),
            Edit::Update { kind, id, patch } if *kind == ObjectKind::Role => {
                let Some((name, role)) = patch.name.clone().zip(live.roles.get(id)) else {
                    return Ok(());
                };
                let role = Role {
                    name,
                    ..role.clone()
                };
                let change = Change::Role(*id, &role);
                brought(self, change, Standing::by_roles(live, change), 1)
            }
            _ => return Ok(()),
        };
        match first(&exposed) {
            None => Ok(()),
            Some((user, by)) => Err(Refusal::Wrong {
                what: format!(
                    "by this {by} administers the department of {user}, who has the role \
                     \"admin\", and in a region's own Keystone whoever does sets that user's \
                     password"
                ),
                next: way_out(edit),
            }),
        }
    }

    /// Whether nobody else administers the department of who is made a cloud administrator.
    fn is_safe_to_appoint(&self, user: ObjectId) -> Result<(), Refusal> {
        let live = &self.live;
        if appointed(live, self.administration()).any(|it| it == user) {
            return Ok(());
        }
        let so = Standing::of_appointed(live, user);
        match first(&exposed(self, Change::Nothing, (so, None), (None, 1))) {
            None => Ok(()),
            Some((user, by)) => Err(Refusal::Wrong {
                what: format!(
                    "{by} administers the department of {user}, and in a region's own Keystone \
                     whoever does sets that user's password"
                ),
                next: "make a user for it in the federation's own department, which nobody \
                       administers (`idp-hub org create user NAME --in federation`, unless it has \
                       another name), and make that one a cloud administrator",
            }),
        }
    }
}

/// What whoever is refused may do instead. Of links alone a cloud administrator says that they may
/// be: a role's new name may be about many, and each of them is given the role again.
const fn way_out(edit: &Edit) -> &'static str {
    match edit {
        Edit::Update { .. } => {
            "leave the role's name; or, as a cloud administrator, take away the assignment that \
             gives him the role or one that brings it along (`idp-hub org unlink assignment`), \
             his own or his group's, rename the role, and make the assignment again with a word \
             that it may be so (`idp-hub org link assignment … --entrust`)"
        }
        _ => {
            "have a user of the federation's own department administer the clouds instead \
             (`idp-hub org administrator add`), or, as a cloud administrator, say that it may be \
             so (`idp-hub org link … --entrust`)"
        }
    }
}

/// What a link may make otherwise. The one writer waits for it, and a department's administrator
/// makes links as often as he likes: only what the link touches is looked at, in one walk over all
/// assignments where it gives somebody power, and in none where it does not.
fn by_link(live: &Organization<ObjectId>, link: &Link<ObjectId>) -> Option<(Standing, Standing)> {
    match live.has_link(link) {
        true => None,
        false => Standing::by_link(live, link),
    }
}

/// Who comes to be in somebody's power by a change, which is not made: by how it would be, and how
/// it is.
fn brought(
    directory: &Directory,
    change: Change<'_>,
    both: Option<(Standing, Standing)>,
    limit: usize,
) -> Exposed {
    both.map_or_else(Exposed::default, |(so, before)| {
        exposed(directory, change, (so, Some(before)), (None, limit))
    })
}

fn exposed(
    directory: &Directory,
    change: Change<'_>,
    (so, before): (Standing, Option<Standing>),
    (from, limit): (Option<ObjectId>, usize),
) -> Exposed {
    let before = before.unwrap_or_default();
    let found = so.beyond(&before);
    let some = found
        .iter()
        .filter(|it| from.is_none_or(|from| it.user > from));
    let mut some = some.take(limit).peekable();
    let count = found.len() as u64;
    // Most have nobody in it, and need no names.
    if some.peek().is_none() {
        return Exposed {
            count,
            ..Exposed::default()
        };
    }
    let names = Names::new(&directory.live, change);
    let appointed = directory.administrators();
    let some = some.map(|it| {
        let by = it.by().take(NAMED_MAX).map(|it| names.person(it));
        let by: Vec<Person> = by.collect();
        Exposure {
            user: names.person(it.user),
            is_appointed: appointed.contains(&it.user),
            more: (it.count - by.len()) as u64,
            by,
        }
    });
    Exposed {
        some: some.collect(),
        count,
    }
}

fn first(exposed: &Exposed) -> Option<(&Person, &Person)> {
    let it = exposed.some.first()?;
    Some((&it.user, it.by.first()?))
}

#[cfg(test)]
mod tests;
