//! A region of the soak: its Keystone, simulated or real, its agent, and what its operators did.

use std::collections::BTreeMap;

use rand::Rng;
use serde_json::{Value, json};
use shared::ids::ObjectId;
use shared::model::{CloudId, ObjectKind};
use tokio::runtime::Runtime;

use super::super::local::{self, Kept};
use super::super::place::{Place, Real};
use crate::keystone::{Faults, Options, Proxy, SimulatedKeystone};
use crate::lab::{Lab, Region};
use crate::openstack::RealCloud;

enum Cloud {
    Simulated(SimulatedKeystone),
    Real(Box<RealKeystone>),
}

/// Operators ask it itself, and its agent asks a door before it, at which calls fail.
struct RealKeystone {
    place: Real,
    proxy: Proxy,
    cloud: RealCloud,
    is_dead: bool,
}

pub(super) struct Site {
    pub(super) name: &'static str,
    cloud: Cloud,
    pub(super) agent: Region,
    pub(super) kept: Kept,
    /// What merges took its things for.
    pub(super) bound: BTreeMap<Thing, ObjectId>,
}

type Thing = (ObjectKind, CloudId);

/// How many writes a Keystone was asked for, whatever it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writes {
    /// By its agent, also those that never came to it.
    by_agent: u64,
    /// By whomever, as a real one logged them.
    logged: usize,
}

impl Site {
    pub(super) fn simulated(
        lab: &Lab,
        runtime: &Runtime,
        name: &'static str,
        options: Options,
    ) -> Self {
        let cloud = runtime.block_on(SimulatedKeystone::start(options));
        let agent = lab.join_keystone(name, &cloud);
        Self::of(name, Cloud::Simulated(cloud), agent)
    }

    /// `cloud` is what the cloud is called: two runs at once need two.
    pub(super) fn real(lab: &Lab, runtime: &Runtime, name: &'static str, cloud: &str) -> Self {
        let cloud = RealCloud::up(cloud, &["--services", "keystone"]);
        let proxy = runtime.block_on(Proxy::start(cloud.fact("auth_url")));
        let password = lab.secret(&format!("{name}-password"), cloud.fact("password"));
        let settings = cloud.settings(password.to_str().unwrap());
        let settings = settings.replace(cloud.fact("auth_url"), &proxy.auth_url());
        // As beside a simulated one: what hangs takes that long.
        let settings = format!("{settings}request_timeout = \"5s\"\n");
        let agent = lab.join(name, &settings, lab.link());
        let place = Real(cloud.admin());
        let is_dead = false;
        let real = RealKeystone {
            place,
            proxy,
            cloud,
            is_dead,
        };
        Self::of(name, Cloud::Real(Box::new(real)), agent)
    }

    fn of(name: &'static str, cloud: Cloud, agent: Region) -> Self {
        Self {
            name,
            cloud,
            agent,
            kept: Kept::default(),
            bound: BTreeMap::new(),
        }
    }

    pub(super) fn place(&self) -> &dyn Place {
        match &self.cloud {
            Cloud::Simulated(it) => it,
            Cloud::Real(it) => &it.place,
        }
    }

    /// What it has before it is joined.
    pub(super) fn furnish(&mut self, chance: &mut impl Rng) {
        for name in ["research", "sales"] {
            let body = json!({ "domain": { "name": name } });
            let made = self.place().make("/domains", &body).unwrap();
            self.kept.made.insert(made);
        }
        for _ in 0..20 {
            self.operate(chance);
        }
    }

    /// One operation of somebody there. Whether it was done; none is while its Keystone is dead.
    pub(super) fn operate(&mut self, chance: &mut impl Rng) -> bool {
        let place: &dyn Place = match &self.cloud {
            Cloud::Simulated(it) => it,
            Cloud::Real(it) if it.is_dead => return false,
            Cloud::Real(it) => &it.place,
        };
        local::operate(place, &mut self.kept, chance)
    }

    /// What the hub takes its things for, by the steps of its plan after the merge.
    pub(super) fn is_merged(&mut self, steps: &[Value]) {
        for step in steps {
            let (here, id) = (step["here"].as_str(), step["id"].as_str());
            let mut kinds = ObjectKind::ALL.into_iter();
            let kind = kinds.find(|it| step["kind"] == it.name()).unwrap();
            if let (Some(here), Some(id)) = (here, id) {
                let thing = (kind, CloudId::new(here));
                self.bound.insert(thing, id.parse().unwrap());
            }
        }
    }

    /// Which of the directory's a thing was that is gone.
    pub(super) fn was(&self, it: &Thing) -> Option<&ObjectId> {
        self.kept.was.get(it).or(self.bound.get(it))
    }

    pub(super) fn fail(&self, faults: Faults) {
        match &self.cloud {
            Cloud::Simulated(it) => it.fail(faults),
            Cloud::Real(it) => it.proxy.fail(faults),
        }
    }

    /// Kills its Keystone, where that is a process. Whether it is.
    pub(super) fn kill_keystone(&mut self) -> bool {
        let Cloud::Real(it) = &mut self.cloud else {
            return false;
        };
        it.cloud.kill_keystone();
        it.is_dead = true;
        true
    }

    /// Starts it again, where it was killed.
    pub(super) fn revive(&mut self) {
        if let Cloud::Real(it) = &mut self.cloud
            && it.is_dead
        {
            it.cloud.again();
            it.is_dead = false;
        }
    }

    pub(super) fn writes(&self) -> Writes {
        match &self.cloud {
            Cloud::Simulated(it) => Writes {
                by_agent: it.writes(),
                logged: 0,
            },
            Cloud::Real(it) => Writes {
                by_agent: it.proxy.writes(),
                logged: it.cloud.keystone_writes().len(),
            },
        }
    }

    /// The writes since then.
    pub(super) fn written_since(&self, before: Writes) -> Vec<String> {
        let count = |now: u64| usize::try_from(now - before.by_agent).unwrap();
        let written = match &self.cloud {
            Cloud::Simulated(it) => it.written(count(it.writes())),
            Cloud::Real(it) => {
                let mut written = it.proxy.written(count(it.proxy.writes()));
                written.extend(it.cloud.keystone_writes().split_off(before.logged));
                written
            }
        };
        let told = written
            .iter()
            .map(|it| format!("{} was told {it}", self.name));
        told.collect()
    }

    /// For whoever watches: how often it wrote, and how its calls failed at a real one's door.
    pub(super) fn told(&self) -> String {
        let failed = match &self.cloud {
            Cloud::Simulated(_) => String::new(),
            Cloud::Real(it) => format!(", failed {:?}", it.proxy.failed()),
        };
        format!("{} writes {}{failed}", self.name, self.writes().by_agent)
    }

    /// In how many ways calls failed at a real one's door.
    pub(super) fn ways_of_failing(&self) -> Option<usize> {
        match &self.cloud {
            Cloud::Simulated(_) => None,
            Cloud::Real(it) => Some(it.proxy.failed().len()),
        }
    }
}
