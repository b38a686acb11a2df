//! Which region is in which state, why, since when, and what to do about it.
//!
//! ```text
//! authority ─ known, accepted, renamed, removed ──┐         ┌─▶ Changed, Refreshed, WakeAt
//! downlink ── session began, ended, refused ──────┼─▶ Fleet ┤
//! store ───── overview: complete, fresh, trouble ─┘         └─▶ views, counts
//! ```
//!
//! Pure: time is an argument, and effects are returned. It holds nothing that must survive: after
//! a restart of the hub it is told of all regions by [`Input::Known`], as after everything missed.
//!
//! Two rules keep an operator's trust. A state changes only when something really changed, so that
//! an agent's restart does not ring a bell; and each state other than healthy names its reason and
//! the next step.

mod assess;
mod condition;
mod presence;
mod reason;
mod region;
mod view;

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use shared::link::hub::Closed;
use shared::model::{Service, UnixMillis};
use shared::pki::Fingerprint;
use shared::wire::frame::Standing;

pub use condition::{Condition, State};
pub use reason::Reason;
use region::Region;
pub use view::{Counts, Facts, RegionView};

/// A region's small number, by which hub modules name it. Never used again after a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionNo(pub u32);

/// Both clocks at one moment: the monotonic one decides, the wall is for people and certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// For deadlines.
    pub mono: Instant,
    /// For `since`, and for certificates.
    pub wall: UnixMillis,
}

/// What happened. A number that is not known, or not any more, is passed over.
#[derive(Debug, Clone)]
pub enum Input {
    /// The region is registered: once for each at the hub's start and after each join, and again
    /// whenever its facts changed or events were missed. What is known of its session stays.
    Known {
        /// Which.
        no: RegionNo,
        /// What the registry says.
        facts: Box<Facts>,
    },
    /// The hub has welcomed the region's agent.
    SessionBegan {
        /// Which.
        no: RegionNo,
        /// The session's number; higher than those before.
        session: u64,
    },
    /// A session ended. The end of another one than the newest changes nothing.
    SessionEnded {
        /// Which.
        no: RegionNo,
        /// The session's number.
        session: u64,
        /// Why.
        why: Ended,
    },
    /// The region's agent, which holds its registered key, came and got no session.
    Refused {
        /// Which.
        no: RegionNo,
        /// Why.
        why: Ended,
    },
    /// An agent came with a certificate of the region on another key than the registered one.
    OtherKey {
        /// Which.
        no: RegionNo,
        /// The other key.
        key: Fingerprint,
    },
    /// The administrator gave the second yes.
    Accepted {
        /// Which.
        no: RegionNo,
    },
    /// The region has another name.
    Renamed {
        /// Which.
        no: RegionNo,
        /// The new one.
        name: String,
    },
    /// The region has a new certificate.
    Certified {
        /// Which.
        no: RegionNo,
        /// When it expires, unix seconds.
        not_after: u64,
    },
    /// The store committed something of the region.
    Overview {
        /// Which.
        no: RegionNo,
        /// Health and inventory are complete.
        live: bool,
        /// When a batch was last committed.
        fresh: UnixMillis,
        /// The services that don't answer or are missing.
        troubles: Vec<Service>,
        /// It has more to report than it may have here: how much that is.
        full: Option<String>,
    },
    /// The region's agent can't keep anything new, or can again.
    Keeping {
        /// Which.
        no: RegionNo,
        /// The session's number. Word of another one than the open one changes nothing.
        session: u64,
        /// Why it can't, if it can't.
        fault: Option<String>,
    },
    /// The region was removed.
    Removed {
        /// Which.
        no: RegionNo,
    },
    /// The asked-for time has come.
    Tick,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The session's own machine closed it.
    Closed(Closed),
    /// The connection broke: what the transport says.
    Lost(String),
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The region's state or reason changed, or it is new, or gone: [`Fleet::view`] tells.
    Changed {
        /// Which.
        no: RegionNo,
    },
    /// Something else that its view shows changed.
    Refreshed {
        /// Which.
        no: RegionNo,
    },
    /// Wake with [`Input::Tick`] at this time, and no more at the one asked for before.
    WakeAt(Instant),
}

/// The state of every region.
#[derive(Debug, Default)]
pub struct Fleet {
    regions: HashMap<RegionNo, Region>,
    /// Each region's next deadline, if it has one.
    deadlines: BTreeSet<(Instant, RegionNo)>,
    counts: Counts,
    /// The newest [`Effect::WakeAt`].
    wake: Option<Instant>,
}

impl Fleet {
    /// A fleet without regions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides.
    pub fn handle(&mut self, now: Moment, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Known { no, facts } => self.known(now, no, *facts, &mut effects),
            Input::Tick => self.tick(now, &mut effects),
            Input::SessionBegan { no, session } => {
                self.update(now, no, &mut effects, |it| it.began(now, session));
            }
            Input::SessionEnded { no, session, why } => {
                self.update(now, no, &mut effects, |it| it.ended(now, session, why));
            }
            Input::Refused { no, why } => {
                self.update(now, no, &mut effects, |it| it.refused(why));
            }
            Input::OtherKey { no, key } => {
                self.update(now, no, &mut effects, |it| it.knocked(key));
            }
            Input::Accepted { no } => {
                self.update(now, no, &mut effects, |it| {
                    it.stands(now, Standing::Accepted)
                });
            }
            Input::Renamed { no, name } => {
                self.update(now, no, &mut effects, |it| {
                    std::mem::replace(&mut it.facts.name, name) != it.facts.name
                });
            }
            Input::Certified { no, not_after } => {
                self.update(now, no, &mut effects, |it| {
                    std::mem::replace(&mut it.facts.not_after, not_after) != not_after
                });
            }
            Input::Overview {
                no,
                live,
                fresh,
                troubles,
                full,
            } => {
                self.update(now, no, &mut effects, |it| {
                    it.reported(now, live, fresh, troubles, full)
                });
            }
            Input::Keeping { no, session, fault } => {
                self.update(now, no, &mut effects, |it| it.keeps(now, session, fault));
            }
            Input::Removed { no } => self.update(now, no, &mut effects, |it| it.removed(now)),
        }
        self.ask_to_wake(&mut effects);
        effects
    }

    /// Whether there is such a region, or was a moment ago.
    pub fn knows(&self, no: RegionNo) -> bool {
        self.regions.contains_key(&no)
    }

    /// One region, or one that was removed a moment ago.
    pub fn view(&self, no: RegionNo) -> Option<RegionView> {
        Some(self.regions.get(&no)?.view(no))
    }

    /// Every region that was not removed, by name.
    pub fn views(&self) -> Vec<RegionView> {
        let registered = |(no, it): (&RegionNo, &Region)| {
            let removed = it.condition.state == State::Removed;
            (!removed).then(|| it.view(*no))
        };
        let mut views: Vec<_> = self.regions.iter().filter_map(registered).collect();
        views.sort_by(|a, b| a.facts.name.cmp(&b.facts.name).then(a.no.cmp(&b.no)));
        views
    }

    /// How many regions are in each state and have each reason. Kept, so that asking costs nothing.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn known(&mut self, now: Moment, no: RegionNo, facts: Facts, effects: &mut Vec<Effect>) {
        if self.regions.contains_key(&no) {
            self.update(now, no, effects, |it| it.told(now, facts));
            return;
        }
        let mut region = Region::new(now, facts);
        let (condition, deadline) = assess::assess(&region, now);
        region.condition = condition;
        region.deadline = deadline;
        self.deadlines.extend(deadline.map(|at| (at, no)));
        self.counts.add(&region.condition);
        self.regions.insert(no, region);
        effects.push(Effect::Changed { no });
    }

    fn tick(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        // Whoever is due is assessed once: its next deadline is later, or there is none.
        let due: Vec<RegionNo> = self
            .deadlines
            .iter()
            .take_while(|(at, _)| *at <= now.mono)
            .map(|(_, no)| *no)
            .collect();
        for no in due {
            let forgotten = self.regions.get(&no).is_some_and(|it| it.is_forgotten(now));
            if forgotten {
                self.forget(no, effects);
            } else {
                self.update(now, no, effects, |_| false);
            }
        }
        // The driver has woken, so it must be told again even where the time is the same.
        self.wake = None;
    }

    fn forget(&mut self, no: RegionNo, effects: &mut Vec<Effect>) {
        let Some(region) = self.regions.remove(&no) else {
            return;
        };
        self.counts.subtract(&region.condition);
        if let Some(at) = region.deadline {
            self.deadlines.remove(&(at, no));
        }
        effects.push(Effect::Changed { no });
    }

    /// Changes a region, and draws the consequences. `change` tells whether its view did.
    fn update(
        &mut self,
        now: Moment,
        no: RegionNo,
        effects: &mut Vec<Effect>,
        change: impl FnOnce(&mut Region) -> bool,
    ) {
        let Some(region) = self.regions.get_mut(&no) else {
            return;
        };
        let shown = change(region);
        let (condition, deadline) = assess::assess(region, now);
        if deadline != region.deadline {
            if let Some(at) = std::mem::replace(&mut region.deadline, deadline) {
                self.deadlines.remove(&(at, no));
            }
            self.deadlines.extend(deadline.map(|at| (at, no)));
        }
        let before = &region.condition;
        if (before.state, before.reason) != (condition.state, condition.reason) {
            self.counts.subtract(before);
            self.counts.add(&condition);
            region.condition = condition;
            effects.push(Effect::Changed { no });
        } else if shown || before.detail != condition.detail {
            region.condition.detail = condition.detail;
            effects.push(Effect::Refreshed { no });
        }
    }

    fn ask_to_wake(&mut self, effects: &mut Vec<Effect>) {
        let earliest = self.deadlines.first().map(|(at, _)| *at);
        if let Some(at) = earliest
            && self.wake != earliest
        {
            self.wake = earliest;
            effects.push(Effect::WakeAt(at));
        }
    }
}

#[cfg(test)]
mod tests;
