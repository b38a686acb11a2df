//! A region's Keystone that is set back to an earlier backup of its own database, in the middle of
//! it all.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::ids::ObjectId;
use shared::model::{CloudId, End, ObjectKind};

use super::place::Place;
use super::trace;
use super::world::World;
use crate::keystone::Backup;

/// Of each Keystone so likely in a history.
const LIKELY: f64 = 0.4;

/// How much of a history is lost, in thousandths of it.
const LOST: std::ops::Range<usize> = 50..400;

/// What becomes of one Keystone. Times are in thousandths of the history.
pub(super) struct Earlier {
    at: usize,
    backed_up: usize,
    set_back: usize,
    agent: Fate,
    backup: Option<Backup>,
}

/// Of the agent beside it.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It runs on, and hears nothing of it.
    RunsOn,
    /// It is killed meanwhile.
    IsKilled,
    /// The whole machine is set up anew.
    LosesItsReplica,
}

/// Which of the directory's each thing of a region was ever known as.
pub(super) type Once = BTreeMap<(ObjectKind, CloudId), BTreeSet<ObjectId>>;

/// What is drawn of its own, so that a history goes as ever until the first backup is put back.
pub(super) fn drawn(seed: u64, regions: usize) -> Vec<Earlier> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 0x0bac_4bac);
    let mut all = Vec::new();
    for at in 0..regions {
        if chance.random_bool(LIKELY) {
            let set_back = chance.random_range(LOST.end..1000);
            let agent = match chance.random_range(0..10) {
                0 => Fate::LosesItsReplica,
                1..4 => Fate::IsKilled,
                _ => Fate::RunsOn,
            };
            all.push(Earlier {
                at,
                backed_up: set_back - chance.random_range(LOST),
                set_back,
                agent,
                backup: None,
            });
        }
    }
    all
}

impl World {
    pub(super) async fn set_back_keystones(&mut self, number: usize, operations: usize) {
        let is_now = |it: usize| number == operations * it / 1000;
        let mut all = std::mem::take(&mut self.earlier);
        for it in &mut all {
            if is_now(it.backed_up) {
                it.backup = Some(self.agents[it.at].site.keystone.backup());
            }
            if is_now(it.set_back) {
                self.set_back_keystone(it).await;
            }
        }
        self.earlier = all;
    }

    async fn set_back_keystone(&mut self, it: &Earlier) {
        let Some(backup) = &it.backup else { return };
        trace(|| format!("in region {}: Keystone is set back, {:?}", it.at, it.agent));
        self.remember();
        let agent = &mut self.agents[it.at];
        agent.site.keystone.restore(backup);
        self.kept[it.at].is_set_back(agent.site.keystone.seen());
        let all = agent.site.keystone.organization();
        agent.removed.retain(|(kind, id)| !all.has(*kind, id));
        match it.agent {
            Fate::RunsOn => {}
            Fate::IsKilled => agent.kill(&mut self.chance, false).await,
            Fate::LosesItsReplica => agent.kill(&mut self.chance, true).await,
        }
        self.counts.set_back += 1;
    }

    /// Notes what each region's things are known as now.
    fn remember(&mut self) {
        for (agent, once) in self.agents.iter().zip(&mut self.once) {
            for (here, id) in agent.known() {
                once.entry(here).or_default().insert(id);
            }
        }
    }

    /// Merges all again where a Keystone was set back, which takes in nobody who was deleted.
    pub(super) async fn merge_who_is_back(&mut self) {
        if self.counts.set_back > 0 {
            for at in self.order.clone() {
                self.merge(at).await;
            }
            self.settle().await;
            self.cure_all().await;
        }
    }

    /// Nobody who was deleted at the hub is back, as himself or as somebody else.
    pub(super) fn nobody_is_back(&self) {
        let directory = &self.hub.expected;
        let is_deleted =
            |id: &ObjectId| directory.ended(*id).map(|it| it.how) == Some(End::Deleted);
        for (agent, once) in self.agents.iter().zip(&self.once) {
            let known = agent.known();
            for (here, ids) in once {
                let now = known.get(here);
                let is_live = now.is_some_and(|it| directory.has(here.0, *it));
                assert!(
                    !is_live || !ids.iter().all(is_deleted),
                    "region {}: {here:?} was deleted as {ids:?}, and is {now:?} now",
                    agent.no.0
                );
            }
        }
    }
}
