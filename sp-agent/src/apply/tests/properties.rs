//! What holds for any directory, any cloud, and whatever fails on the way.

mod check;

use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::ids::ObjectId;
use shared::model::{Becomes, End, Link, Object, ObjectKind};

use super::super::compare::{enabled, switched, translated};
use super::cloud::{links, objects};
use super::world::*;
use super::*;

/// A directory, the cloud that it is to be applied to, and chance.
struct World {
    chance: ChaCha8Rng,
    bench: Bench,
    replica: Replica,
    next: u128,
    /// The region's own, as it was.
    own: Vec<(ObjectKind, CloudId, Object<CloudId>)>,
    /// What its own users were given there of the federation's.
    own_links: Vec<Link<CloudId>>,
    /// An earlier state of what was kept.
    older: Base,
    /// Whether what was applied was ever forgotten.
    forgot: bool,
}

fn pick<T: Clone>(chance: &mut impl Rng, of: impl Iterator<Item = T>) -> Option<T> {
    let all: Vec<T> = of.collect();
    let at = chance.random_range(0..all.len().max(1));
    all.get(at).cloned()
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut cloud = Fake::default();
        let default = cloud.add(department("Default"));
        cloud.reserve(ObjectKind::Department, &default);
        for number in 0..chance.random_range(0..4) {
            cloud.add(user(default.clone(), &format!("own{number}")));
        }
        let mut local = cloud.add(department("local"));
        if chance.random() {
            local = default;
        }
        cloud.add(project(local, None, "own-project"));
        let own = objects(&cloud.all);
        let policy = Policy {
            removals_max: chance.random_range(1..4),
            withdrawals_max: chance.random_range(1..9),
            ..Policy::default()
        };
        let mut world = Self {
            bench: Bench::new(cloud, policy),
            chance,
            replica: Replica::default(),
            next: 1,
            own,
            own_links: Vec::new(),
            older: Base::default(),
            forgot: false,
        };
        for _ in 0..world.chance.random_range(0..30) {
            world.grow();
        }
        world.found();
        world
    }

    /// The hub gets one thing more.
    fn grow(&mut self) -> Option<()> {
        let all = &self.replica.directory;
        let (id, name) = (oid(self.next), format!("n{}", self.next));
        self.next += 1;
        let chance = &mut self.chance;
        let department_id = pick(chance, all.departments.keys().copied());
        let object = match chance.random_range(0..10) {
            0 | 1 => department(&name),
            2 => role(&name),
            3 | 4 => {
                let outer = pick(chance, all.projects.iter().filter(|(_, it)| it.enabled));
                match outer.filter(|_| chance.random()) {
                    Some((outer, it)) => project(it.department, Some(*outer), &name),
                    None => project(department_id?, None, &name),
                }
            }
            5 => group(department_id?, &name),
            6 | 7 => {
                let mut ann = user(department_id?, &name);
                if let Object::User(ann) = &mut ann {
                    ann.default_project = pick(chance, all.projects.keys().copied());
                }
                ann
            }
            _ => {
                let link = self.any_link()?;
                self.replica.directory.link(link);
                return Some(());
            }
        };
        self.replica.directory.insert(id, object);
        Some(())
    }

    fn any_link(&mut self) -> Option<Link<ObjectId>> {
        let all = &self.replica.directory;
        let chance = &mut self.chance;
        let user = pick(chance, all.users.keys().copied());
        let group = pick(chance, all.groups.keys().copied());
        let project = pick(chance, all.projects.keys().copied());
        let role = pick(chance, all.roles.keys().copied());
        Some(match chance.random_range(0..5) {
            0 | 1 => member(group?, user?),
            2 => assigned_to_all(group?, project?, role?),
            3 => implied(role?, pick(chance, all.roles.keys().copied())?),
            _ => assigned(user?, project?, role?),
        })
    }

    /// Somebody in the region gives one of its own users what the federation has.
    fn give_own(&mut self) -> Option<()> {
        let all = &self.bench.cloud.all;
        let chance = &mut self.chance;
        let own = self.own.iter().filter(|it| it.0 == ObjectKind::User);
        let user = pick(chance, own.map(|it| it.1.clone()))?;
        let link = match chance.random() {
            true => member(pick(chance, all.groups.keys().cloned())?, user),
            false => {
                let own = self.own.iter().filter(|it| it.0 == ObjectKind::Project);
                let project = pick(chance, own.map(|it| it.1.clone()))?;
                assigned(user, project, pick(chance, all.roles.keys().cloned())?)
            }
        };
        self.bench.cloud.all.link(link.clone());
        self.own_links.push(link);
        self.bench.read();
        Some(())
    }

    /// Some of it is in the cloud already, known by binding or marker, in part by other names.
    fn found(&mut self) {
        let mut known: std::collections::BTreeMap<(ObjectKind, ObjectId), CloudId> =
            std::collections::BTreeMap::new();
        let mut all = objects(&self.replica.directory);
        // Outer projects have lower numbers, as they were there first.
        all.sort_by_key(|(kind, id, it)| (*kind != ObjectKind::Department, it.name().len(), *id));
        for (kind, id, object) in all {
            let here = |kind, id: &ObjectId| known.get(&(kind, *id)).cloned();
            let object = translated(&object, here);
            let Some(mut object) = object.filter(|_| self.chance.random_bool(0.4)) else {
                continue;
            };
            if self.chance.random_bool(0.3) {
                object = super::super::compare::renamed(object, &format!("old-{id}"));
            }
            let cloud = &mut self.bench.cloud;
            let here = cloud.add(object);
            match self.chance.random() {
                true => cloud.mark(kind, &here, id),
                false => {
                    let key = (kind, here.clone());
                    self.replica.bindings.insert(key, Becomes::Object(id));
                }
            }
            known.insert((kind, id), here);
        }
        self.bench.read();
        self.bench.core.follow(&self.replica);
    }

    /// The hub changes something.
    fn change(&mut self) -> Option<()> {
        match self.chance.random_range(0..8) {
            0 => self.grow()?,
            1 => {
                let removable = objects(&self.replica.directory).into_iter().filter(|it| {
                    matches!(
                        it.0,
                        ObjectKind::User | ObjectKind::Group | ObjectKind::Role
                    )
                });
                let (kind, id, _) = pick(&mut self.chance, removable)?;
                self.end(kind, id, End::Deleted);
            }
            2 => {
                let projects = self.replica.directory.projects.keys().copied();
                let id = pick(&mut self.chance, projects)?;
                match self.chance.random_bool(0.3) {
                    true => self.retire_department_of(id),
                    false => self.retire(id),
                }
            }
            3 => {
                let link = pick(&mut self.chance, links(&self.replica.directory).into_iter())?;
                self.replica.directory.unlink(&link);
            }
            4 => {
                let users = self.replica.directory.users.keys().copied();
                let id = pick(&mut self.chance, users)?;
                let user = self.replica.directory.object(ObjectKind::User, &id)?;
                let is_on = self.chance.random();
                self.replica.directory.insert(id, switched(user, is_on));
            }
            _ => {
                let all = objects(&self.replica.directory).into_iter();
                let (_, id, object) = pick(&mut self.chance, all)?;
                let name = format!("renamed{}", self.next);
                self.next += 1;
                let renamed = super::super::compare::renamed(object, &name);
                self.replica.directory.insert(id, renamed);
            }
        }
        self.bench.core.follow(&self.replica);
        Some(())
    }

    fn retire(&mut self, id: ObjectId) {
        let inner = self.replica.directory.projects.iter();
        let inner = inner.filter(|(_, it)| it.parent == Some(id));
        let inner: Vec<ObjectId> = inner.map(|(id, _)| *id).collect();
        inner.into_iter().for_each(|it| self.retire(it));
        self.end(ObjectKind::Project, id, End::Retired);
    }

    fn retire_department_of(&mut self, project: ObjectId) {
        let department = self.replica.directory.projects[&project].department;
        let all = objects(&self.replica.directory).into_iter();
        let all =
            all.filter(|(_, id, it)| *id == department || it.department() == Some(&department));
        let all: Vec<_> = all.collect();
        for (kind, id, _) in all {
            self.end(kind, id, End::Retired);
        }
    }

    fn end(&mut self, kind: ObjectKind, id: ObjectId, how: End) {
        let directory = &mut self.replica.directory;
        directory.take(kind, &id);
        for link in links(directory) {
            if link.ends().any(|it| it == (kind, &id)) {
                directory.unlink(&link);
            }
        }
        self.replica.ended.insert(id, (kind, how));
    }

    /// A batch, given in any order, in which anything may fail.
    fn stumble(&mut self) {
        let room = self.chance.random_range(1..12);
        let batch = self.bench.core.next(self.bench.now, room);
        self.bench.keep(batch.notes);
        let mut tasks = batch.tasks;
        while let Some(at) = pick(&mut self.chance, 0..tasks.len()) {
            let task = tasks.swap_remove(at);
            let lost = || CloudError::Unreachable {
                endpoint: "keystone".to_owned(),
                reason: "lost".to_owned(),
            };
            let result = match self.chance.random_range(0..4) {
                0 => Err(lost()),
                1 => {
                    let _ = self.bench.cloud.perform(&task.order);
                    Err(lost())
                }
                _ => self.bench.cloud.perform(&task.order),
            };
            let luck = self.chance.random();
            self.bench.finish(&task, result, luck);
        }
        self.bench.now += Duration::from_secs(self.chance.random_range(0..90));
    }

    /// The agent stops, in the middle of orders, and starts again with what it kept.
    fn restart(&mut self) {
        let batch = self.bench.core.next(self.bench.now, 5);
        self.bench.keep(batch.notes);
        for task in batch.tasks {
            if self.chance.random() {
                let _ = self.bench.cloud.perform(&task.order);
            }
        }
        let base = match self.chance.random_range(0..4) {
            0 => {
                self.forgot = true;
                Base::default()
            }
            1 => {
                self.forgot = true;
                self.older.clone()
            }
            _ => self.bench.kept.clone(),
        };
        let policy = self.bench.core.policy.clone();
        self.bench.restart(base, &self.replica, policy);
    }

    fn live(&mut self) {
        for _ in 0..self.chance.random_range(0..25) {
            match self.chance.random_range(0..13) {
                0 => self.restart(),
                12 => drop(self.give_own()),
                1 => self.older = self.bench.kept.clone(),
                2 | 3 => drop(self.change()),
                4 => self.bench.read(),
                _ => self.stumble(),
            }
        }
        self.bench.read();
        self.bench.run();
    }
}

/// The hub as an older backup has it: of the links that it has lost, and of what ended since, it
/// says nothing.
fn restored(older: &Replica, current: &Replica) -> Replica {
    let mut restored = older.clone();
    let lost = links(&current.directory).into_iter();
    let known = links(&older.directory);
    restored.unsaid = lost.filter(|it| !known.contains(it)).collect();
    restored.ended.clone_from(&current.ended);
    restored
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_fails_the_cloud_becomes_what_the_directory_says(seed: u64) {
        let mut world = World::new(seed);
        world.live();
        world.check();
        prop_assert_eq!(world.bench.run(), 0, "a second time nothing is written");
        let (kept, policy) = (world.bench.kept.clone(), world.bench.core.policy.clone());
        prop_assert_eq!(&kept, world.bench.core.base());
        let replica = world.replica.clone();
        world.bench.restart(kept, &replica, policy);
        prop_assert_eq!(world.bench.run(), 0, "nor after a restart");
        prop_assert_eq!(world.bench.progress().failed_count, 0);
    }

    #[test]
    fn a_hub_from_an_older_backup_takes_nothing_away_and_what_ended_still_ends(seed: u64) {
        let mut world = World::new(seed);
        world.live();
        let older = world.replica.clone();
        for _ in 0..20 {
            let _ = world.grow();
        }
        world.bench.core.follow(&world.replica);
        world.live();
        let given = world.bench.given.len();
        let current = std::mem::replace(&mut world.replica, older.clone());
        world.replica = restored(&older, &current);
        world.bench.core.follow(&world.replica);
        world.bench.run();
        let known = world.known();
        // What was linked to what ended since was taken away by the hub that ended it.
        let is_of_ended = |link: &Link<CloudId>| link.ends().any(|(kind, here)| {
            let mut ended = world.replica.ended.keys();
            ended.any(|id| known.get(&(kind, *id)) == Some(here))
        });
        let removes = |it: &&Order| match it {
            Order::Unlink(link) => !is_of_ended(link),
            Order::Remove { .. } => true,
            _ => false,
        };
        let removed: Vec<&Order> = world.bench.given[given..].iter().filter(removes).collect();
        prop_assert!(removed.is_empty(), "{:?}", removed);
        for (id, (kind, how)) in &world.replica.ended {
            if let Some(here) = world.known().get(&(*kind, *id)) {
                let found = world.bench.cloud.all.object(*kind, here).unwrap();
                prop_assert!(enabled(&found) != Some(true));
                prop_assert!(*how == End::Retired || world.is_kept(*kind, here));
            }
        }
    }
}
