//! What roles are worth.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use shared::ids::ObjectId;
use shared::model::{Actor, Assignment, Implication, Membership, Organization, Role, Scope};

use crate::directory::names::is_administrators_role;

/// Roles, with all that come along with them.
pub(super) type Roles = BTreeSet<ObjectId>;

/// A role, and all that come along with it.
pub(super) fn implied(live: &Organization<ObjectId>, role: ObjectId) -> Roles {
    let (mut all, mut next) = (Roles::new(), vec![role]);
    while let Some(role) = next.pop() {
        if all.insert(role) {
            let more = live.implications.iter().filter(|it| it.prior == role);
            next.extend(more.map(|it| it.implied));
        }
    }
    all
}

/// Whether one of these roles is power over every cloud.
pub(super) fn has_admin(live: &Organization<ObjectId>, roles: &Roles) -> bool {
    has(live, roles, Role::is_cloud_admin)
}

/// Whether one of these roles administers the place where somebody has it.
pub(super) fn administers(live: &Organization<ObjectId>, roles: &Roles) -> bool {
    has(live, roles, is_administrators_role)
}

fn has(live: &Organization<ObjectId>, roles: &Roles, is: impl Fn(&Role<ObjectId>) -> bool) -> bool {
    roles.iter().any(|it| live.roles.get(it).is_some_and(&is))
}

/// The groups that a user is in.
pub(super) fn groups_of(live: &Organization<ObjectId>, user: ObjectId) -> BTreeSet<ObjectId> {
    let his = live.memberships.iter().filter(|it| it.user == user);
    his.map(|it| it.group).collect()
}

/// The users of a group.
pub(super) fn members_of(
    live: &Organization<ObjectId>,
    group: ObjectId,
) -> impl Iterator<Item = ObjectId> {
    let user = LEAST;
    let theirs = live.memberships.range(Membership { group, user }..);
    let theirs = theirs.take_while(move |it| it.group == group);
    theirs.map(|it| it.user)
}

/// What is given to a user, not counting his groups, or to a group.
pub(super) fn assignments_of<'a>(
    live: &'a Organization<ObjectId>,
    actor: &Actor<ObjectId>,
) -> impl Iterator<Item = &'a Assignment<ObjectId>> {
    let first = Assignment {
        actor: actor.clone(),
        scope: Scope::Department(LEAST),
        role: LEAST,
        inherited: false,
    };
    let theirs = live.assignments.range(first..);
    theirs.take_while(move |it| it.actor == *actor)
}

/// Comes before every other id.
const LEAST: ObjectId = ObjectId::from_bytes([0; 16]);

/// A user, or a group, and whatever it acts as: a user as each of his groups.
fn all_of(live: &Organization<ObjectId>, actor: &Actor<ObjectId>) -> BTreeSet<Actor<ObjectId>> {
    let groups = match actor {
        Actor::User(user) => groups_of(live, *user),
        Actor::Group(_) => BTreeSet::new(),
    };
    let groups = groups.into_iter().map(Actor::Group);
    groups.chain([actor.clone()]).collect()
}

/// More than membership: what a role gives, with all that come along with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::directory) enum Power {
    /// Over every cloud, wherever somebody has it.
    Clouds,
    /// Over the place where somebody has it.
    Place,
}

/// Which roles are power: a few, which all assignments are looked up in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::directory) struct RolePowers(BTreeMap<ObjectId, Power>);

impl RolePowers {
    /// By these roles, and by what they bring along.
    pub(in crate::directory) fn new<'a>(
        roles: impl Iterator<Item = (ObjectId, &'a Role<ObjectId>)>,
        implications: impl Iterator<Item = Implication<ObjectId>>,
    ) -> Self {
        let mut priors: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        for it in implications {
            priors.entry(it.implied).or_default().push(it.prior);
        }
        let (mut clouds, mut places) = (Vec::new(), Vec::new());
        for (id, role) in roles {
            if role.is_cloud_admin() {
                clouds.push(id);
            } else if is_administrators_role(role) {
                places.push(id);
            }
        }
        let mut all = BTreeMap::new();
        // The greater one first, which stays.
        for (power, mut next) in [(Power::Clouds, clouds), (Power::Place, places)] {
            while let Some(role) = next.pop() {
                if let Entry::Vacant(it) = all.entry(role) {
                    it.insert(power);
                    next.extend(priors.get(&role).into_iter().flatten());
                }
            }
        }
        Self(all)
    }

    /// Of all roles of an organization.
    pub(super) fn of_all(live: &Organization<ObjectId>) -> Self {
        let roles = live.roles.iter().map(|(id, it)| (*id, it));
        Self::new(roles, live.implications.iter().cloned())
    }

    /// A role's.
    pub(in crate::directory) fn of(&self, role: ObjectId) -> Option<Power> {
        self.0.get(&role).copied()
    }

    /// Those of these assignments that give some.
    pub(in crate::directory) fn given<'a>(
        &self,
        assignments: impl Iterator<Item = &'a Assignment<ObjectId>>,
    ) -> impl Iterator<Item = (&'a Assignment<ObjectId>, Power)> {
        assignments.filter_map(|it| Some((it, self.of(it.role)?)))
    }
}

/// The assignments by which a user or a group has power, wherever it has it from.
pub(super) fn given_to<'a>(
    live: &'a Organization<ObjectId>,
    actor: &Actor<ObjectId>,
) -> Vec<(&'a Assignment<ObjectId>, Power)> {
    let his = all_of(live, actor);
    let his = his.iter().flat_map(|it| assignments_of(live, it));
    RolePowers::of_all(live).given(his).collect()
}

/// The assignments by which a user has power over every cloud.
pub(in crate::directory) fn admin_given_to(
    live: &Organization<ObjectId>,
    user: ObjectId,
) -> Vec<&Assignment<ObjectId>> {
    let given = given_to(live, &Actor::User(user)).into_iter();
    let given = given.filter(|(_, power)| *power == Power::Clouds);
    given.map(|(it, _)| it).collect()
}

/// Whether a user or a group has power over every cloud.
pub(super) fn is_powerful(live: &Organization<ObjectId>, actor: &Actor<ObjectId>) -> bool {
    let mut given = given_to(live, actor).into_iter();
    given.any(|(_, power)| power == Power::Clouds)
}

/// Whether a role counts in a place: nobody gets a token for what is switched off.
pub(super) fn is_usable(live: &Organization<ObjectId>, scope: &Scope<ObjectId>) -> bool {
    let department = |id| live.departments.get(id).is_some_and(|it| it.enabled);
    match scope {
        Scope::Department(id) => department(id),
        Scope::Project(id) => {
            let project = live.projects.get(id);
            project.is_some_and(|it| it.enabled && department(&it.department))
        }
    }
}

/// Adds to each project what somebody has from further out. Such a role does not count where it
/// was given (Keystone: OS-INHERIT).
pub(super) fn inherit(
    live: &Organization<ObjectId>,
    inherited: &BTreeMap<Scope<ObjectId>, Roles>,
    roles: &mut BTreeMap<Scope<ObjectId>, Roles>,
) {
    if inherited.is_empty() {
        return;
    }
    for (id, project) in &live.projects {
        let above = above(live, project.parent).map(Scope::Project);
        let above = above.chain([Scope::Department(project.department)]);
        let had: Roles = above
            .filter_map(|it| inherited.get(&it))
            .flatten()
            .copied()
            .collect();
        if !had.is_empty() {
            roles.entry(Scope::Project(*id)).or_default().extend(had);
        }
    }
}

/// Adds the projects that are nested in these, at any depth.
pub(super) fn with_nested(live: &Organization<ObjectId>, projects: &mut BTreeSet<ObjectId>) {
    if projects.is_empty() {
        return;
    }
    let inner = live.projects.iter().filter(|(_, it)| {
        let mut above = above(live, it.parent);
        above.any(|it| projects.contains(&it))
    });
    let inner: Vec<ObjectId> = inner.map(|(id, _)| *id).collect();
    projects.extend(inner);
}

/// The projects around one, from the inside out.
pub(super) fn above(
    live: &Organization<ObjectId>,
    outer: Option<ObjectId>,
) -> impl Iterator<Item = ObjectId> {
    let further = |id: &ObjectId| live.projects.get(id).and_then(|it| it.parent);
    std::iter::successors(outer, further).take(DEPTH_MAX)
}

/// Projects around one that are looked at: more than any Keystone nests (`max_project_tree_depth`,
/// 5 unless an operator says otherwise).
const DEPTH_MAX: usize = 64;
