//! A hub that is set back to an older backup in the middle of it all, on a new machine.

use idp_hub::store::{Store, back_up, restore};
use shared::model::{
    Administration, CloudId, DriftKind, DriftWhy, Remark, RemarkState, UnixMillis,
};
use shared::runtime::clock::Clock;

use super::hub::{Hub, OURS, by, folder};
use super::local;
use super::trace;
use super::world::{Counts, World};

const DATABASE: &str = "hub.db";
const BACKUP: &str = "backup.db";

/// How often all regions are merged again, until nothing of them is unknown.
const MERGES_MAX: usize = 4;

/// Plays one seed in which the hub is set back: what must hold is the same.
pub async fn play_set_back(seed: u64, operations: usize) -> Counts {
    let mut world = World::new(seed).await;
    world.is_set_back = true;
    world.play(operations).await
}

impl Hub {
    pub(super) fn back_up(&self) {
        let folder = self.folder.path();
        back_up(&folder.join(DATABASE), &folder.join(BACKUP)).unwrap();
    }

    pub(super) async fn set_back(&mut self) {
        let new = folder();
        let (database, backup) = (new.path().join(DATABASE), self.folder.path().join(BACKUP));
        restore(&database, &backup, OURS, UnixMillis(1_700_000_000_000)).unwrap();
        let (store, _) = Store::open(&database, Clock::system()).unwrap();
        self.store = store;
        self.folder = new;
        self.was_set_back = true;
        self.reload().await;
    }

    /// What an agent proves to have ended is ended once more, as the hub does when it hears of it.
    pub(super) async fn end_again(&mut self) {
        let revived = self.store.read(|it| it.revived(None)).await.unwrap();
        let is_any = !revived.is_empty();
        for it in revived {
            trace(|| format!("hub: ends again {it:?}"));
            let ended = self.store.change(move |at| at.end_again(it, &by()));
            ended.await.unwrap();
        }
        if is_any {
            self.reload().await;
        }
    }
}

impl World {
    pub(super) async fn set_back(&mut self, number: usize, operations: usize) {
        if !self.is_set_back {
            return;
        }
        if number == operations * 4 / 10 {
            self.hub.back_up();
        }
        if number == operations * 6 / 10 {
            trace(|| "hub: set back".to_owned());
            self.hub.set_back().await;
        }
    }

    /// Merges again what the hub has forgotten, as its operator is told to.
    pub(super) async fn merge_what_is_forgotten(&mut self) {
        if !self.is_set_back {
            return;
        }
        for _ in 0..MERGES_MAX {
            for at in self.order.clone() {
                self.remove_lost_administrators(at);
                self.merge(at).await;
            }
            self.settle().await;
            let mut agents = self.agents.iter();
            if !agents.any(|it| it.remarks().iter().any(is_forgotten)) {
                return;
            }
        }
    }
}

impl World {
    /// No region brings anything into the department of the cloud administrators, so that what was
    /// made in it since the backup is removed in the region.
    fn remove_lost_administrators(&mut self, at: usize) {
        let (agent, directory) = (&self.agents[at], &self.hub.expected);
        let place = Administration::of(OURS).department;
        let all = agent.site.keystone.organization();
        let known = agent.site.marked(OURS);
        let homes = known.iter().filter(|(_, id)| **id == place);
        let homes: Vec<CloudId> = homes.map(|((_, here), _)| here.clone()).collect();
        for ((kind, here), id) in &known {
            let object = all.object(*kind, here);
            let home = object.as_ref().and_then(|it| it.department());
            let is_there = home.is_some_and(|it| homes.contains(it));
            if is_there && !directory.has(*kind, *id) && directory.ended(*id).is_none() {
                local::remove(&agent.site.keystone, &mut self.kept[at], *kind, here);
            }
        }
    }
}

fn is_forgotten(it: &Remark) -> bool {
    match &it.state {
        RemarkState::Drift { why, what } => {
            let mut what = what.iter();
            *why == DriftWhy::Region && what.any(|it| it.what == DriftKind::NotInDirectory)
        }
        _ => false,
    }
}
