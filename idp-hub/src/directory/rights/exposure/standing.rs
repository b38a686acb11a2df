//! Who has the role `admin`, and who administers the departments of those.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::slice;

use shared::ids::ObjectId;
use shared::model::{Actor, Organization, Scope};

use super::change::Change;
use crate::directory::rights::Power;

/// Users by what they are found by.
pub(super) type Users = BTreeSet<ObjectId>;

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
    pub(super) fn of(live: &Organization<ObjectId>, change: Change<'_>) -> Self {
        let powers = change.powers(live);
        let given: Vec<_> = powers.given(change.all_assignments(live)).collect();
        let groups = given.iter().filter_map(|(it, _)| match it.actor {
            Actor::Group(group) => Some((group, Vec::new())),
            Actor::User(_) => None,
        });
        let mut groups: HashMap<ObjectId, Vec<ObjectId>> = groups.collect();
        for it in change.all_memberships(live) {
            if let Some(members) = groups.get_mut(&it.group) {
                members.push(it.user);
            }
        }
        let admins = given.iter().filter(|(_, power)| *power == Power::Clouds);
        // Each group once, wherever it has it.
        let admins: BTreeSet<&Actor<ObjectId>> = admins.map(|(it, _)| &it.actor).collect();
        let admins = admins.into_iter().flat_map(|it| those(it, &groups));
        let admins = admins.copied().chain(change.appointed());
        let powerful = change.homes(live, &admins.collect());
        let homes: BTreeSet<ObjectId> = powerful.values().copied().collect();
        let mut managers = BTreeMap::<ObjectId, Users>::new();
        for (it, _) in &given {
            if let Scope::Department(department) = it.scope
                && !it.inherited
                && homes.contains(&department)
            {
                let all = managers.entry(department).or_default();
                all.extend(those(&it.actor, &groups));
            }
        }
        Self { powerful, managers }
    }

    /// The same of one user alone.
    pub(super) fn alone(mut self, user: ObjectId) -> Self {
        self.powerful.retain(|it, _| *it == user);
        self
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

/// A user, or the users of a group.
fn those<'a>(
    actor: &'a Actor<ObjectId>,
    groups: &'a HashMap<ObjectId, Vec<ObjectId>>,
) -> &'a [ObjectId] {
    match actor {
        Actor::User(id) => slice::from_ref(id),
        Actor::Group(id) => groups.get(id).map_or(&[], Vec::as_slice),
    }
}
