//! Whatever backups are restored one after another, in an order that is drawn: what was withdrawn
//! since one was made is named when it is restored, as if it were the first.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;
use shared::ids::ObjectId;
use shared::model::{Object, ObjectKind, User};

use super::orders::{dismiss, is_removed, joins, with_admin};
use super::users::with_users;
use super::withdrawn::{in_staff, switch, with_places};
use super::*;
use crate::directory::Edit;

/// What is given and withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Region(u8),
    /// A user who is on.
    User(u8),
    /// That a user is in the group.
    Member(u8),
    Administrator(u8),
}

const REGIONS: [&str; 2] = ["r0", "r1"];

#[derive(Debug, Clone)]
enum Step {
    Give(Thing),
    /// One of those that are given.
    Withdraw(Index),
    Delete(u8),
    BackUp,
    Restore(Index),
}

fn thing() -> impl Strategy<Value = Thing> {
    prop_oneof![
        (0..2_u8).prop_map(Thing::Region),
        (0..3_u8).prop_map(Thing::User),
        (0..3_u8).prop_map(Thing::Member),
        (0..2_u8).prop_map(Thing::Administrator),
    ]
}

fn life() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => thing().prop_map(Step::Give),
        5 => any::<Index>().prop_map(Step::Withdraw),
        1 => (0..3_u8).prop_map(Step::Delete),
        4 => Just(Step::BackUp),
    ]
}

fn restore_one() -> impl Strategy<Value = Step> {
    any::<Index>().prop_map(Step::Restore)
}

/// One that can be restored.
#[derive(Debug, Clone)]
struct Backup {
    file: String,
    made: usize,
    /// When anything of it was changed last, but by a restore.
    changed: usize,
    given: BTreeSet<Thing>,
    /// Regions and users that it knows.
    known: BTreeSet<Thing>,
}

/// A hub, and what is to be said of it.
struct Tale {
    site: Site,
    step: usize,
    now: Backup,
    backups: Vec<Backup>,
    /// When each was withdrawn last, unless it was given again since.
    withdrawn: BTreeMap<Thing, usize>,
    /// Who stays deleted in every region, and regions that joined: none joins twice.
    deleted: BTreeSet<u8>,
    joined: BTreeSet<u8>,
}

fn user(number: u8) -> ObjectId {
    ObjectId::from_random(100 + u128::from(number))
}

fn administrator(number: u8) -> ObjectId {
    ObjectId::from_random(200 + u128::from(number))
}

impl Tale {
    async fn begin() -> Self {
        let mut site = Site::new().await;
        with_users(&site).await;
        with_places(&site).await;
        with_admin(&site).await;
        for number in [0, 1] {
            let name = format!("a{number}");
            create(&site, administrator(number), name).await;
        }
        site.rest().await;
        let now = Backup {
            file: "none yet".to_owned(),
            made: 0,
            changed: 0,
            given: BTreeSet::new(),
            known: BTreeSet::new(),
        };
        let mut tale = Self {
            site,
            step: 0,
            now,
            backups: Vec::new(),
            withdrawn: BTreeMap::new(),
            deleted: BTreeSet::new(),
            joined: BTreeSet::new(),
        };
        tale.back_up();
        tale
    }

    fn back_up(&mut self) {
        let file = format!("{}.db", self.step);
        back_up(&self.site.path("hub.db"), &self.site.path(&file)).unwrap();
        self.keep(file);
    }

    fn keep(&mut self, file: String) {
        let made = self.step;
        let backup = self.now.clone();
        self.backups.push(Backup {
            file,
            made,
            ..backup
        });
    }

    fn is_deleted(&self, thing: Thing) -> bool {
        match thing {
            Thing::User(it) | Thing::Member(it) => self.deleted.contains(&it),
            Thing::Region(_) | Thing::Administrator(_) => false,
        }
    }

    /// Whether it can be given now.
    fn is_free(&self, thing: Thing) -> bool {
        !self.now.given.contains(&thing)
            && !self.is_deleted(thing)
            && match thing {
                Thing::Region(it) => !self.joined.contains(&it),
                Thing::Member(it) => self.now.known.contains(&Thing::User(it)),
                Thing::User(_) | Thing::Administrator(_) => true,
            }
    }

    async fn give(&mut self, thing: Thing) {
        if !self.is_free(thing) {
            return;
        }
        let site = &self.site;
        match thing {
            Thing::Region(it) => {
                joins(site, 100 + it, REGIONS[usize::from(it)]).await;
                self.joined.insert(it);
            }
            Thing::User(it) if self.now.known.contains(&thing) => {
                switch(site, (ObjectKind::User, user(it)), true).await;
            }
            Thing::User(it) => create(site, user(it), format!("u{it}")).await,
            Thing::Member(it) => site.edit(Edit::Link(in_staff(user(it)))).await,
            Thing::Administrator(it) => site.edit(Edit::Appoint(administrator(it))).await,
        }
        self.now.given.insert(thing);
        self.now.known.insert(thing);
        self.withdrawn.remove(&thing);
    }

    async fn withdraw(&mut self, which: Index) {
        let given = self.now.given.iter().copied();
        let given: Vec<Thing> = given.filter(|it| !self.is_deleted(*it)).collect();
        if given.is_empty() {
            return;
        }
        let thing = *which.get(&given);
        let site = &self.site;
        match thing {
            Thing::Region(it) => is_removed(site, REGIONS[usize::from(it)]).await,
            Thing::User(it) => switch(site, (ObjectKind::User, user(it)), false).await,
            Thing::Member(it) => site.edit(Edit::Unlink(in_staff(user(it)))).await,
            Thing::Administrator(it) => dismiss(site, administrator(it)).await,
        }
        self.now.given.remove(&thing);
        self.withdrawn.insert(thing, self.step);
    }

    async fn delete(&mut self, number: u8) {
        let thing = Thing::User(number);
        if !self.now.known.contains(&thing) || !self.deleted.insert(number) {
            return;
        }
        let (kind, id) = (ObjectKind::User, user(number));
        self.site.edit(Edit::End { kind, id }).await;
        self.now.given.remove(&thing);
        self.now.given.remove(&Thing::Member(number));
    }

    /// Restores one of the backups, or of those that were kept. Returns what of it was withdrawn
    /// after it was made, and after it was changed last, as one that was kept after a restore may
    /// know that or not; and what was named.
    fn restore(&mut self, which: Index) -> [BTreeSet<Thing>; 3] {
        let backup = self.backups[which.index(self.backups.len())].clone();
        let restored = self.site.restore_from(&backup.file).unwrap();
        let kept = restored.kept.as_ref().unwrap();
        self.keep(kept.file_name().unwrap().to_str().unwrap().to_owned());
        let since = |moment| {
            let all = backup.given.iter().copied();
            let all = all.filter(|it| self.withdrawn.get(it).is_some_and(|at| *at > moment));
            all.filter(|it| !self.is_deleted(*it)).collect()
        };
        let told = [since(backup.made), since(backup.changed), named(&restored)];
        self.now = backup;
        told
    }

    async fn goes_on(&mut self, step: &Step) {
        self.step += 1;
        match step {
            Step::BackUp => return self.back_up(),
            Step::Restore(_) => return,
            Step::Give(_) | Step::Withdraw(_) | Step::Delete(_) => {}
        }
        self.site.wakes();
        match step {
            Step::Give(it) => self.give(*it).await,
            Step::Withdraw(it) => self.withdraw(*it).await,
            Step::Delete(it) => self.delete(*it).await,
            Step::BackUp | Step::Restore(_) => {}
        }
        self.site.rest().await;
        self.now.changed = self.step;
    }
}

async fn create(site: &Site, id: ObjectId, name: String) {
    let object = Object::User(User {
        department: ObjectId::from_random(1),
        name,
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    });
    site.edit(Edit::Create { id, object }).await;
}

fn named(restored: &Restored) -> BTreeSet<Thing> {
    let withdrawn = restored.withdrawn.as_ref().unwrap();
    let number = |it: &str| it.parse::<u8>().unwrap();
    let regions = restored
        .revived
        .iter()
        .filter_map(|it| it.strip_prefix('r'));
    let regions = regions.map(|it| Thing::Region(number(it)));
    let users = withdrawn.on.first.iter();
    let users = users.map(|it| Thing::User(number(it.strip_prefix("user ops/u").unwrap())));
    // An appointment is an assignment as well.
    let members = withdrawn.given.first.iter();
    let members = members.filter_map(|it| it.strip_prefix("ops/u"));
    let members = members.filter_map(|it| it.strip_suffix(" in the group ops/staff"));
    let members = members.map(|it| Thing::Member(number(it)));
    let administrators = restored.administrators.iter();
    let administrators =
        administrators.map(|it| Thing::Administrator(number(it.strip_prefix("ops/a").unwrap())));
    let all = regions.chain(users).chain(members).chain(administrators);
    all.collect()
}

fn told(tale: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(tale);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Nothing is given on purpose that was withdrawn: then just that is named. Of cloud
    /// administrators more are, as nothing says of those whom the database until now does not have
    /// whether they were dismissed.
    #[test]
    fn in_whatever_order_backups_are_restored_each_names_what_was_withdrawn_since_it_was_made(
        life in prop::collection::vec(life(), 8..28),
        restores in prop::collection::vec(any::<Index>(), 3..8),
    ) {
        told(async {
            let mut tale = Tale::begin().await;
            for step in life {
                match step {
                    Step::Give(it) if tale.withdrawn.contains_key(&it) => {}
                    step => tale.goes_on(&step).await,
                }
            }
            for (count, which) in restores.into_iter().enumerate() {
                let [due, may, named] = tale.restore(which);
                let is_one = |it: &&Thing| matches!(it, Thing::Administrator(_));
                let more: Vec<_> = named.difference(&may).filter(|it| !is_one(it)).collect();
                assert!(due.is_subset(&named), "{count}: {due:?}, and not {named:?}");
                assert!(more.is_empty(), "{count}: {more:?} beside {may:?}");
            }
        });
    }

    #[test]
    fn and_whatever_is_done_at_the_hub_in_between(
        steps in prop::collection::vec(prop_oneof![6 => life(), 1 => restore_one()], 12..48),
        last: Index,
    ) {
        told(async {
            let mut tale = Tale::begin().await;
            for step in steps.into_iter().chain([Step::Restore(last)]) {
                tale.goes_on(&step).await;
                if let Step::Restore(which) = step {
                    let [due, _, named] = tale.restore(which);
                    assert!(due.is_subset(&named), "{due:?}, and not {named:?}");
                }
            }
        });
    }
}
