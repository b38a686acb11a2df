//! Who has the role `admin` in a region's cloud, and not by the directory.
//!
//! Somebody there may give it to whomever he likes, also to accounts that no merge took in: of
//! these the region's agent tells no drift, as they are none of the directory's things. But the
//! role is power over that whole cloud, and whoever looks at the region wants to know who has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, CloudId, Link, Membership, ObjectKind, Organization, Scope,
};

use super::Directory;
use super::arrival::Told;
use super::plan::Plan;
use super::rights::{Power, RolePowers};

/// One who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalAdministrator {
    /// What the region's cloud calls him.
    pub here: CloudId,
    /// His name there.
    pub name: String,
    /// His department's.
    pub department: String,
    /// Who he is of the directory; `None` for whom that does not know.
    pub object: Option<ObjectId>,
    /// Whether he is the region's own, as are accounts of services and its own administrator.
    pub is_own: bool,
    /// Where he has it: one such place.
    pub place: (ObjectKind, String),
    /// The group that he has it by there.
    pub group: Option<String>,
}

/// Which of a region's things are which of the directory's.
type Identities = BTreeMap<(ObjectKind, CloudId), ObjectId>;

impl Directory {
    /// Those of a region that is merged.
    pub fn local_administrators(&self, told: &Told) -> Vec<LocalAdministrator> {
        let identities = told.identities(self);
        let powers = self.role_powers();
        let live = self.live();
        let by_directory = |it: &Assignment<ObjectId>| {
            powers.of(it.role) == Some(Power::Clouds) && live.assignments.contains(it)
        };
        let is_member = |it: &Membership<ObjectId>| live.memberships.contains(it);
        found(told, &identities, by_directory, is_member)
    }

    /// Those who will be left out by a plan without a word: what is withheld is told one by one.
    pub fn local_administrators_of(&self, told: &Told, plan: &Plan) -> Vec<LocalAdministrator> {
        let identities = plan.identities();
        let identities = identities.map(|(kind, here, id)| ((kind, here.clone()), id));
        let (live, powers) = (self.live(), self.role_powers());
        let taken: BTreeSet<_> = plan.links.assignments.iter().collect();
        let joined: BTreeSet<_> = plan.links.memberships.iter().collect();
        let withheld: BTreeSet<_> = plan.links.withheld.iter().collect();
        let by_directory = |it: &Assignment<ObjectId>| {
            let is_said =
                powers.of(it.role) == Some(Power::Clouds) && live.assignments.contains(it);
            is_said || taken.contains(it) || withheld.contains(&Link::Assignment(it.clone()))
        };
        let is_member = |it: &Membership<ObjectId>| {
            live.memberships.contains(it)
                || joined.contains(it)
                || withheld.contains(&Link::Membership(it.clone()))
        };
        found(told, &identities.collect(), by_directory, is_member)
    }

    fn role_powers(&self) -> RolePowers {
        let roles = self.live().roles.iter().map(|(id, it)| (*id, it));
        RolePowers::new(roles, self.live().implications.iter().cloned())
    }
}

/// The region's own come last.
fn found(
    told: &Told,
    identities: &Identities,
    by_directory: impl Fn(&Assignment<ObjectId>) -> bool,
    is_member: impl Fn(&Membership<ObjectId>) -> bool,
) -> Vec<LocalAdministrator> {
    let there = told.organization();
    let roles = admin_roles(there);
    let id = |kind: ObjectKind, here: &CloudId| identities.get(&(kind, here.clone())).copied();
    let given = || {
        there
            .assignments
            .iter()
            .filter(|it| roles.contains(&it.role))
    };
    let members = members(there, given());
    // A group that has it in many places is looked at once.
    let mut seen = BTreeSet::new();
    let mut all = BTreeMap::new();
    for it in given() {
        let is_given = it.translated(id).is_some_and(|it| by_directory(&it));
        match &it.actor {
            Actor::User(user) if !is_given => {
                all.entry(user).or_insert((it, None));
            }
            Actor::User(_) => {}
            Actor::Group(group) => {
                if !seen.insert((group, is_given)) {
                    continue;
                }
                for member in members.get(group).into_iter().flatten() {
                    let is_in = || member.translated(id).is_some_and(|it| is_member(&it));
                    if !(is_given && is_in()) {
                        all.entry(&member.user).or_insert((it, Some(group)));
                    }
                }
            }
        }
    }
    let name = |kind, here: &CloudId| name_of(there, kind, here);
    let all = all.into_iter().map(|(user, (it, group))| {
        let department = there.users.get(user).map(|it| &it.department);
        let (kind, place) = match &it.scope {
            Scope::Department(place) => (ObjectKind::Department, place),
            Scope::Project(place) => (ObjectKind::Project, place),
        };
        LocalAdministrator {
            here: user.clone(),
            name: name(ObjectKind::User, user),
            department: department.map_or_else(String::new, |it| name(ObjectKind::Department, it)),
            object: id(ObjectKind::User, user),
            is_own: told.is_regions_own(ObjectKind::User, user),
            place: (kind, name(kind, place)),
            group: group.map(|it| name(ObjectKind::Group, it)),
        }
    });
    let mut all: Vec<LocalAdministrator> = all.collect();
    all.sort_by(|a, b| (a.is_own, &a.department, &a.name).cmp(&(b.is_own, &b.department, &b.name)));
    all
}

/// Who is in the groups that have an assignment.
fn members<'a>(
    there: &'a Organization<CloudId>,
    given: impl Iterator<Item = &'a Assignment<CloudId>>,
) -> BTreeMap<&'a CloudId, Vec<&'a Membership<CloudId>>> {
    let groups = given.filter_map(|it| match &it.actor {
        Actor::Group(group) => Some(group),
        Actor::User(_) => None,
    });
    let mut members: BTreeMap<_, Vec<_>> = groups.map(|it| (it, Vec::new())).collect();
    for it in &there.memberships {
        if let Some(all) = members.get_mut(&it.group) {
            all.push(it);
        }
    }
    members
}

fn name_of(there: &Organization<CloudId>, kind: ObjectKind, here: &CloudId) -> String {
    let object = there.object(kind, here);
    object.map_or_else(|| here.to_string(), |it| it.name().to_owned())
}

/// The region's roles that are `admin`, or bring it along there.
fn admin_roles(there: &Organization<CloudId>) -> BTreeSet<&CloudId> {
    let mut priors: HashMap<&CloudId, Vec<&CloudId>> = HashMap::new();
    for it in &there.implications {
        priors.entry(&it.implied).or_default().push(&it.prior);
    }
    let named = there.roles.iter().filter(|(_, it)| it.is_cloud_admin());
    let mut next: Vec<&CloudId> = named.map(|(id, _)| id).collect();
    let mut all = BTreeSet::new();
    while let Some(role) = next.pop() {
        if all.insert(role) {
            next.extend(priors.get(role).into_iter().flatten());
        }
    }
    all
}
