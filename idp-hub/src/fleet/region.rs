//! One region: what was heard of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shared::foreign;
use shared::model::{Service, UnixMillis};
use shared::pki::Fingerprint;
use shared::wire::frame::Standing;

use super::presence::{Presence, RECONNECT_MAX, RETURN_MAX, bounded};
use super::{Condition, Ended, Facts, Moment, Reason, RegionNo, RegionView, State};

/// So many ended sessions within [`UNSTABLE_SPAN`] are no restart any more.
pub(super) const UNSTABLE_ENDS: usize = 4;

/// See [`UNSTABLE_ENDS`]: an upgrade that needs two attempts stays below.
pub(super) const UNSTABLE_SPAN: Duration = Duration::from_secs(5 * 60);

/// How long a removed region can be looked at, for consoles that showed it.
const REMOVED_KEPT: Duration = Duration::from_secs(10 * 60);

/// One region.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) facts: Facts,
    pub(super) presence: Presence,
    pub(super) live: bool,
    /// It was complete at least once since the hub started.
    pub(super) was_live: bool,
    /// When the present session, its acceptance or the latest loss of `live` was: from then on the
    /// time for a sync counts.
    pub(super) syncing_since: Instant,
    pub(super) fresh: UnixMillis,
    /// When the session began, it was accepted, or `fresh` last changed.
    pub(super) heard: Instant,
    pub(super) troubles: Vec<Service>,
    /// It may have no more: how much that is.
    pub(super) full: Option<String>,
    /// Its agent can't keep anything new, as it said in this session: why.
    pub(super) unkept: Option<String>,
    /// A key that is not the registered one came since its last session.
    pub(super) other_key: Option<Fingerprint>,
    /// When its latest sessions ended, the oldest first; at most [`UNSTABLE_ENDS`].
    pub(super) ends: VecDeque<Instant>,
    pub(super) condition: Condition,
    pub(super) deadline: Option<Instant>,
}

impl Region {
    /// A region that was registered, and not heard yet.
    pub(super) fn new(now: Moment, facts: Facts) -> Self {
        // Which of both it is decides only what is said while it is awaited.
        let reason = if now.wall.since(facts.joined) < RETURN_MAX {
            Reason::Joining
        } else {
            Reason::HubRestarted
        };
        let until = now.mono + RETURN_MAX;
        let presence = match facts.goodbye {
            None => Presence::Awaited { reason, until },
            // It said so to the hub that was here before; it may be on its way back by now.
            Some(goodbye) => Presence::Away {
                gone: goodbye.into(),
                until,
            },
        };
        Self {
            facts,
            presence,
            live: false,
            was_live: false,
            syncing_since: now.mono,
            fresh: UnixMillis::default(),
            heard: now.mono,
            troubles: Vec::new(),
            full: None,
            unkept: None,
            other_key: None,
            ends: VecDeque::new(),
            condition: Condition {
                state: State::Connecting,
                reason,
                detail: String::new(),
                since: now.wall,
            },
            deadline: None,
        }
    }

    /// The registry said it anew.
    pub(super) fn told(&mut self, now: Moment, facts: Facts) -> bool {
        if matches!(self.presence, Presence::Removed { .. }) {
            return false;
        }
        let accepted = self.stands(now, facts.standing);
        let seen = self.facts.seen.max(facts.seen);
        let facts = Facts { seen, ..facts };
        accepted | (std::mem::replace(&mut self.facts, facts) != self.facts)
    }

    pub(super) fn stands(&mut self, now: Moment, standing: Standing) -> bool {
        if self.facts.standing == standing {
            return false;
        }
        self.facts.standing = standing;
        // Nothing could be reported until now.
        self.heard = now.mono;
        self.syncing_since = now.mono;
        true
    }

    pub(super) fn began(&mut self, now: Moment, session: u64) -> bool {
        match self.presence {
            Presence::Removed { .. } => return false,
            Presence::Online { session: before } if before >= session => return false,
            // The older session was pushed aside: by a restart, or by a second agent.
            Presence::Online { .. } => self.note_end(now),
            Presence::Awaited { .. } | Presence::Away { .. } => {}
        }
        self.presence = Presence::Online { session };
        self.other_key = None;
        self.unkept = None;
        self.facts.seen = now.wall;
        self.heard = now.mono;
        self.syncing_since = now.mono;
        true
    }

    pub(super) fn ended(&mut self, now: Moment, session: u64, why: Ended) -> bool {
        if !matches!(self.presence, Presence::Online { session: open } if open == session) {
            return false;
        }
        self.note_end(now);
        self.presence = Presence::Away {
            gone: why.into(),
            until: now.mono + RECONNECT_MAX,
        };
        self.facts.seen = now.wall;
        true
    }

    pub(super) fn refused(&mut self, why: Ended) -> bool {
        let until = match &self.presence {
            // Somebody else with a certificate of this region: the session's own holder is well.
            Presence::Online { .. } | Presence::Removed { .. } => return false,
            // Knocking again does not begin the time anew.
            Presence::Awaited { until, .. } | Presence::Away { until, .. } => *until,
        };
        self.presence = Presence::Away {
            gone: why.into(),
            until,
        };
        true
    }

    /// Somebody came with another key. What is said of the region stays as it is, but for a note.
    pub(super) fn knocked(&mut self, key: Fingerprint) -> bool {
        match self.presence {
            // The holder of the registered key is well; the audit has the other one.
            Presence::Online { .. } | Presence::Removed { .. } => false,
            Presence::Awaited { .. } | Presence::Away { .. } => {
                self.other_key.replace(key) != Some(key)
            }
        }
    }

    pub(super) fn reported(
        &mut self,
        now: Moment,
        live: bool,
        fresh: UnixMillis,
        troubles: Vec<Service>,
        full: Option<String>,
    ) -> bool {
        if matches!(self.presence, Presence::Removed { .. }) {
            return false;
        }
        if self.fresh != fresh {
            self.fresh = fresh;
            self.heard = now.mono;
            self.facts.seen = self.facts.seen.max(fresh);
        }
        if self.live && !live {
            self.syncing_since = now.mono;
        }
        self.was_live |= live;
        let troubles: Vec<Service> = troubles.into_iter().map(readable).collect();
        let shown = self.live != live || self.troubles != troubles || self.full != full;
        self.full = full;
        self.live = live;
        self.troubles = troubles;
        shown
    }

    pub(super) fn keeps(&mut self, now: Moment, session: u64, fault: Option<String>) -> bool {
        if !matches!(self.presence, Presence::Online { session: open } if open == session) {
            return false;
        }
        if fault.is_none() && self.unkept.is_some() {
            // What it collects from now on is on its way, and could not be before.
            self.heard = now.mono;
        }
        self.unkept = fault.map(|it| bounded(&it));
        false
    }

    pub(super) fn removed(&mut self, now: Moment) -> bool {
        if matches!(self.presence, Presence::Removed { .. }) {
            return false;
        }
        self.presence = Presence::Removed {
            until: now.mono + REMOVED_KEPT,
        };
        true
    }

    /// Whether it was removed so long ago that nobody asks any more.
    pub(super) fn is_forgotten(&self, now: Moment) -> bool {
        matches!(self.presence, Presence::Removed { until } if until <= now.mono)
    }

    /// Until when sessions that came and went make it unstable.
    pub(super) fn unstable_until(&self) -> Option<Instant> {
        let oldest = self.ends.front()?;
        let newest = self.ends.back()?;
        let many = self.ends.len() == UNSTABLE_ENDS
            && newest.saturating_duration_since(*oldest) < UNSTABLE_SPAN;
        many.then(|| *newest + UNSTABLE_SPAN)
    }

    fn note_end(&mut self, now: Moment) {
        if self.ends.len() == UNSTABLE_ENDS {
            self.ends.pop_front();
        }
        self.ends.push_back(now.mono);
    }

    pub(super) fn view(&self, no: RegionNo) -> RegionView {
        RegionView {
            no,
            facts: self.facts.clone(),
            condition: self.condition.clone(),
            next_step: self.condition.reason.next_step(&self.facts.name),
            online: matches!(self.presence, Presence::Online { .. }),
            live: self.live,
            fresh: self.fresh,
            troubles: self.troubles.clone(),
        }
    }
}

/// What the agent says of a service, on one line.
fn readable(mut service: Service) -> Service {
    if let Some(reason) = service.state.reason_mut() {
        *reason = foreign::line(reason);
    }
    service
}
