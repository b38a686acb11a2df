//! What the order of joins changes, and that it changes nothing else.
//!
//! What is expected of an order is put together from what each region brings as the only one: the
//! union of that, of which whoever comes first has the word about what several have.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use shared::ids::ObjectId;
use shared::model::{CloudId, Folded, Implication, Link, Organization};

use super::*;

/// As the home region.
fn at_home(cloud: &Cloud) -> Cloud {
    let mut cloud = cloud.clone();
    cloud.is_first = true;
    cloud
}

/// What a region brings when it is the only one.
pub(super) struct Brought {
    cloud: Cloud,
    live: Organization<ObjectId>,
    /// Its departments in their order, each with what the region calls it.
    departments: Vec<(ObjectId, CloudId)>,
}

impl Brought {
    pub(super) fn by(cloud: Cloud) -> Self {
        let mut directory = directory();
        let plan = join(&mut directory, &mut at_home(&cloud));
        let adopted = plan.steps.iter().filter_map(|step| match &step.action {
            Action::Adopt { id, here, .. } => Some((step.kind, *id, here.clone())),
            _ => None,
        });
        let departments = adopted.filter(|(kind, ..)| *kind == ObjectKind::Department);
        Self {
            departments: departments.map(|(_, id, here)| (id, here)).collect(),
            live: directory.live().clone(),
            cloud,
        }
    }
}

/// What the directory is to hold after some joins.
#[derive(Default)]
struct Expected {
    live: Organization<ObjectId>,
    names: HashSet<Folded>,
    /// The global roles by their names, as databases compare them.
    globals: BTreeMap<Folded, ObjectId>,
}

impl Expected {
    /// One region more; what its plan is to withhold.
    fn add(&mut self, brought: &Brought, is_first: bool) -> BTreeSet<Link<ObjectId>> {
        self.departments(brought);
        let (ids, known) = self.roles(brought);
        let (ours, theirs) = (&mut self.live, brought.live.clone());
        ours.projects.extend(theirs.projects);
        ours.users.extend(theirs.users);
        ours.groups.extend(theirs.groups);
        ours.memberships.extend(theirs.memberships);
        // What a role brings along that the directory has, a later region does not say.
        let implications = theirs.implications.into_iter();
        let implications = implications.filter(|it| !known.contains(&it.prior));
        let implications: Vec<_> = implications
            .map(|it| Implication {
                prior: ids[&it.prior],
                implied: ids[&it.implied],
            })
            .collect();
        // Whose cloud comes first, its administrators are the federation's; and no later one's.
        let powers = match is_first {
            true => BTreeSet::new(),
            false => self.leading_to_admin(&implications),
        };
        let mut withheld = BTreeSet::new();
        for it in implications {
            match powers.contains(&it.implied) {
                true => drop(withheld.insert(Link::Implication(it))),
                false => drop(self.live.implications.insert(it)),
            }
        }
        for it in theirs.assignments {
            let role = ids[&it.role];
            let it = Assignment { role, ..it };
            match powers.contains(&role) {
                true => drop(withheld.insert(Link::Assignment(it))),
                false => drop(self.live.assignments.insert(it)),
            }
        }
        withheld
    }

    /// Whose name is taken gets `<name>_<its id in the region>`, whole.
    fn departments(&mut self, brought: &Brought) {
        self.names.insert(Folded::new("Default"));
        for (id, here) in &brought.departments {
            let own = &brought.cloud.organization.departments[here].name;
            let name = match self.names.contains(&Folded::new(own)) {
                true => format!("{own}_{here}"),
                false => own.clone(),
            };
            self.names.insert(Folded::new(&name));
            let mut department = brought.live.departments[id].clone();
            department.name = name;
            self.live.departments.insert(*id, department);
        }
    }

    /// Of a global role the first region's is everybody's, as it is written and described there.
    /// Which role each of the region's is, and those that were there before.
    fn roles(&mut self, brought: &Brought) -> (BTreeMap<ObjectId, ObjectId>, BTreeSet<ObjectId>) {
        let (mut ids, mut known) = (BTreeMap::new(), BTreeSet::new());
        for (id, role) in &brought.live.roles {
            let first = match role.department {
                Some(_) => *id,
                None => *self.globals.entry(Folded::new(&role.name)).or_insert(*id),
            };
            ids.insert(*id, first);
            match first == *id {
                true => drop(self.live.roles.insert(*id, role.clone())),
                false => drop(known.insert(*id)),
            }
        }
        (ids, known)
    }

    /// The role `admin`, and what brings it along, here or by the region's new roles.
    fn leading_to_admin(&self, new: &[Implication<ObjectId>]) -> BTreeSet<ObjectId> {
        let roles = self.live.roles.iter();
        let admin = roles.filter(|(_, it)| it.is_cloud_admin());
        let mut all: BTreeSet<ObjectId> = admin.map(|(id, _)| *id).collect();
        loop {
            let before = all.len();
            for it in self.live.implications.iter().chain(new) {
                if all.contains(&it.implied) {
                    all.insert(it.prior);
                }
            }
            if all.len() == before {
                return all;
            }
        }
    }
}

/// Joins them in this order, each of which says and does what it is to.
pub(super) fn is_as_expected(brought: &[Brought], order: &[usize]) {
    let (mut directory, mut expected) = (directory(), Expected::default());
    for (number, at) in order.iter().enumerate() {
        let (brought, is_first) = (&brought[*at], number == 0);
        let mut cloud = match is_first {
            true => at_home(&brought.cloud),
            false => brought.cloud.clone(),
        };
        let plan = join(&mut directory, &mut cloud);
        let withheld: BTreeSet<Link<ObjectId>> = plan.links.withheld.into_iter().collect();
        assert_eq!(withheld, expected.add(brought, is_first), "{order:?}");
        assert_eq!(directory.live(), &expected.live, "{order:?}");
    }
}

/// Each order of so many.
pub(super) fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let shorter = orders(last);
    let longer = shorter.iter().flat_map(|order| {
        (0..count).map(|place| {
            let mut order = order.clone();
            order.insert(place, last);
            order
        })
    });
    longer.collect()
}
