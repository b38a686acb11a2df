//! Who has the role `admin`, and who administers the departments of those.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, Link, Organization, Scope};

use super::change::Change;
use crate::directory::rights::powers::{assignments_of, members_of};
use crate::directory::rights::{Power, RolePowers};

/// Users, by their ids.
pub(super) type Users = BTreeSet<ObjectId>;

/// An assignment that is power.
type Given<'a> = (&'a Assignment<ObjectId>, Power);

/// How it is, or would be after a change.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Who has the role `admin` anywhere, with his department.
    powerful: BTreeMap<ObjectId, ObjectId>,
    /// Who administers these departments: by himself, or by a group. What is inherited counts in a
    /// department's projects, and not there.
    managers: BTreeMap<ObjectId, Users>,
}

/// Somebody who has the role `admin`, and who else administers his department.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) user: ObjectId,
    /// How many others.
    pub(super) count: usize,
    all: &'a Users,
    before: Option<&'a Users>,
}

impl Found<'_> {
    /// The others.
    pub(super) fn by(&self) -> impl Iterator<Item = ObjectId> {
        let is_new = |it: &ObjectId| self.before.is_none_or(|before| !before.contains(it));
        let others = self.all.iter().copied().filter(|it| *it != self.user);
        others.filter(is_new)
    }
}

impl Standing {
    /// All of it.
    pub(super) fn of(live: &Organization<ObjectId>, change: Change<'_>) -> Self {
        let powers = change.powers(live);
        let given: Vec<_> = powers.given(change.all_assignments(live)).collect();
        Self::by((live, change), &given, None)
    }

    /// All of it, as it would be after a change and as it is.
    pub(super) fn whole(live: &Organization<ObjectId>, change: Change<'_>) -> (Self, Self) {
        (Self::of(live, change), Self::of(live, Change::Nothing))
    }

    /// The same of a change of what roles are worth, which may be anybody's; `None` where none is
    /// worth anything else by it.
    pub(super) fn by_roles(
        live: &Organization<ObjectId>,
        change: Change<'_>,
    ) -> Option<(Self, Self)> {
        let is_same = change.powers(live) == Change::Nothing.powers(live);
        (!is_same).then(|| Self::whole(live, change))
    }

    /// The same of what a link touches; `None` where it gives nobody power. Whoever else there is
    /// stays in the power of the same.
    pub(super) fn by_link(
        live: &Organization<ObjectId>,
        link: &Link<ObjectId>,
    ) -> Option<(Self, Self)> {
        let change = Change::Link(link);
        let powers = change.powers(live);
        let (given, users): (Vec<_>, Users) = match link {
            Link::Implication(_) => return Self::by_roles(live, change),
            Link::Assignment(it) => {
                let given = (it, powers.of(it.role)?);
                let none = HashMap::new();
                (vec![given], those(live, &none, &it.actor).collect())
            }
            Link::Membership(it) => {
                let group = Actor::Group(it.group);
                let given = powers.given(assignments_of(live, &group));
                (given.collect(), Users::from([it.user]))
            }
        };
        let homes = touched(live, &given, &users);
        if homes.is_empty() {
            return None;
        }
        let mut given = near(live, &powers, &homes);
        let before = Self::by((live, Change::Nothing), &given, Some(&homes));
        given.extend(powers.given(change.assignments().iter()));
        let after = Self::by((live, change), &given, Some(&homes));
        Some((after, before))
    }

    /// How it would be for a user who got the role `admin`.
    pub(super) fn of_appointed(live: &Organization<ObjectId>, user: ObjectId) -> Self {
        let change = Change::Appointment(user);
        let homes = home(live, user).into_iter().collect();
        let given = near(live, &change.powers(live), &homes);
        let mut so = Self::by((live, change), &given, Some(&homes));
        so.powerful.retain(|it, _| *it == user);
        so
    }

    /// By these assignments: of whose department is one of `within`, where that is said.
    fn by(
        (live, change): (&Organization<ObjectId>, Change<'_>),
        given: &[Given<'_>],
        within: Option<&BTreeSet<ObjectId>>,
    ) -> Self {
        let joined = change.joined();
        let those = |it| those(live, &joined, it);
        let admins = given.iter().filter(|(_, power)| *power == Power::Clouds);
        // Each group once, wherever it has it.
        let admins: BTreeSet<&Actor<ObjectId>> = admins.map(|(it, _)| &it.actor).collect();
        let admins = admins.into_iter().flat_map(those).chain(change.appointed());
        let mut powerful = change.homes(live, &admins.collect());
        powerful.retain(|_, home| within.is_none_or(|it| it.contains(home)));
        let homes: BTreeSet<ObjectId> = powerful.values().copied().collect();
        let mut managers = BTreeMap::<ObjectId, Users>::new();
        for (it, _) in given {
            if let Some(department) = managed(it)
                && homes.contains(&department)
            {
                let all = managers.entry(department).or_default();
                all.extend(those(&it.actor));
            }
        }
        Self { powerful, managers }
    }

    /// Who is in whose power here, and was not before: in the order of their ids.
    pub(super) fn beyond<'a>(&'a self, before: &'a Self) -> Vec<Found<'a>> {
        let fresh = self.managers.iter().map(|(home, all)| {
            let before = before.managers.get(home);
            let count = before.map_or(all.len(), |before| all.difference(before).count());
            (home, count)
        });
        // Once for each department, whose users may be many.
        let fresh: HashMap<&ObjectId, usize> = fresh.collect();
        let found = self.powerful.iter().filter_map(|(user, home)| {
            let all = self.managers.get(home)?;
            let was = before.powerful.get(user);
            let before = was.and_then(|home| before.managers.get(home));
            let count = match before {
                None => all.len(),
                Some(_) => *fresh.get(home)?,
            };
            let is_one = all.contains(user) && before.is_none_or(|it| !it.contains(user));
            let count = count - usize::from(is_one);
            let user = *user;
            (count > 0).then_some(Found {
                user,
                count,
                all,
                before,
            })
        });
        found.collect()
    }
}

/// The departments of those who may come to be in somebody's power where these users get what is
/// given: those that they come to administer, and their own, if they get the role `admin`.
fn touched(
    live: &Organization<ObjectId>,
    given: &[Given<'_>],
    users: &Users,
) -> BTreeSet<ObjectId> {
    let managed = given.iter().filter_map(|(it, _)| managed(it));
    let mut all: BTreeSet<ObjectId> = managed.collect();
    if given.iter().any(|(_, power)| *power == Power::Clouds) {
        all.extend(users.iter().filter_map(|it| home(live, *it)));
    }
    all
}

/// The assignments by which somebody administers these departments, or has the role `admin`: found
/// among all there are, which are not kept by what they are about.
fn near<'a>(
    live: &'a Organization<ObjectId>,
    powers: &RolePowers,
    homes: &BTreeSet<ObjectId>,
) -> Vec<Given<'a>> {
    let given = powers.given(live.assignments.iter());
    let given = given.filter(|(it, power)| {
        *power == Power::Clouds || managed(it).is_some_and(|it| homes.contains(&it))
    });
    given.collect()
}

/// The department that somebody administers by an assignment that is power.
fn managed(it: &Assignment<ObjectId>) -> Option<ObjectId> {
    match it.scope {
        Scope::Department(id) => (!it.inherited).then_some(id),
        Scope::Project(_) => None,
    }
}

fn home(live: &Organization<ObjectId>, user: ObjectId) -> Option<ObjectId> {
    live.users.get(&user).map(|it| it.department)
}

/// A user, or the users of a group, with those who join it.
fn those(
    live: &Organization<ObjectId>,
    joined: &HashMap<ObjectId, Vec<ObjectId>>,
    actor: &Actor<ObjectId>,
) -> impl Iterator<Item = ObjectId> {
    let (user, group) = match actor {
        Actor::User(id) => (Some(*id), None),
        Actor::Group(id) => (None, Some(*id)),
    };
    let members = group.into_iter().flat_map(|it| members_of(live, it));
    let more = group.and_then(|it| joined.get(&it)).into_iter().flatten();
    user.into_iter().chain(members).chain(more.copied())
}
