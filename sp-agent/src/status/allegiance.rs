//! Whom the agent follows, and since when. Pure.
//!
//! ```text
//! Unjoined ──join──▶ Autonomous ◀──▶ Pending ◀──▶ Following        (a Damaged membership: neither)
//!     ▲                  hub not heard   hub waits for its   hub heard
//!     └─────────leave────────┴───────────administrator───────────┘
//! ```

use shared::ids::HubId;
use shared::link::agent::Phase;
use shared::model::UnixMillis;
use shared::wire::frame::Refusal;

/// Whom the agent follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allegiance {
    /// Nobody: it has not joined, or has left.
    Unjoined,
    /// There is a membership, but it can't be used.
    Damaged {
        /// Why, and what to do.
        reason: String,
    },
    /// A hub that waits for its administrator's yes.
    Pending {
        /// The highest epoch followed.
        epoch: u64,
    },
    /// A hub, which takes what is reported.
    Following {
        /// Which, if it said so.
        hub: Option<HubId>,
        /// At which epoch.
        epoch: u64,
    },
    /// A hub that is not heard now. The region goes on, and everything is kept for it.
    Autonomous {
        /// The highest epoch followed.
        epoch: u64,
        /// Why the last attempt to reach it failed.
        reason: Option<String>,
        /// In a word, if the hub itself said it.
        refusal: Option<Refusal>,
    },
}

impl Allegiance {
    /// What a session in this phase means for a member that has followed `epoch`. While another
    /// attempt is under way, why the last one failed is still what there is to say.
    pub fn then(self, phase: &Phase, epoch: u64) -> Self {
        match phase {
            Phase::Pending => Self::Pending { epoch },
            Phase::Following { hub, epoch } => Self::Following {
                hub: *hub,
                epoch: *epoch,
            },
            Phase::Waiting { reason, refusal } if reason.is_some() => Self::Autonomous {
                epoch,
                reason: reason.clone(),
                refusal: *refusal,
            },
            Phase::Waiting { .. } | Phase::Dialing | Phase::Greeting | Phase::Stopped => match self
            {
                Self::Autonomous { .. } => self,
                _ => Self::silent(epoch),
            },
        }
    }

    /// A hub that was not dialed yet.
    pub const fn silent(epoch: u64) -> Self {
        Self::Autonomous {
            epoch,
            reason: None,
            refusal: None,
        }
    }

    /// The name in JSON and on screen.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unjoined => "unjoined",
            Self::Damaged { .. } => "damaged",
            Self::Pending { .. } => "pending",
            Self::Following { .. } => "following",
            Self::Autonomous { .. } => "autonomous",
        }
    }

    /// The hub's own word, where it refuses.
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Autonomous { refusal, .. } => *refusal,
            _ => None,
        }
    }

    /// The epoch, where there is one.
    pub const fn epoch(&self) -> Option<u64> {
        match self {
            Self::Unjoined | Self::Damaged { .. } => None,
            Self::Pending { epoch }
            | Self::Following { epoch, .. }
            | Self::Autonomous { epoch, .. } => Some(*epoch),
        }
    }
}

/// An allegiance, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whom the agent follows.
    pub allegiance: Allegiance,
    /// Since when.
    pub since: UnixMillis,
}

impl Standing {
    /// What holds from now on. Each new attempt to reach a hub leaves the time as it was.
    pub fn become_at(&mut self, allegiance: Allegiance, now: UnixMillis) {
        if self.allegiance.name() != allegiance.name()
            || self.allegiance.epoch() != allegiance.epoch()
        {
            self.since = now;
        }
        self.allegiance = allegiance;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_to_reach_a_hub_do_not_move_the_time() {
        let hub = Some(HubId::from_random(1));
        let following = Phase::Following { hub, epoch: 3 };
        let waiting = Phase::Waiting {
            reason: Some("no route".to_owned()),
            refusal: None,
        };
        let mut standing = Standing {
            allegiance: Allegiance::Unjoined,
            since: UnixMillis(0),
        };
        let mut seen = Vec::new();
        for (at, phase) in [
            (1, Phase::Dialing),
            (2, Phase::Greeting),
            (3, Phase::Pending),
            (4, following.clone()),
            (5, following),
            (6, waiting),
            (7, Phase::Dialing),
            (8, Phase::Following { hub, epoch: 4 }),
        ] {
            let next = standing.allegiance.clone().then(&phase, 3);
            standing.become_at(next, UnixMillis(at));
            seen.push((standing.allegiance.name(), standing.since.0));
            if at == 7 {
                let told = &standing.allegiance;
                let is_told = matches!(
                    told,
                    Allegiance::Autonomous {
                        reason: Some(_),
                        ..
                    }
                );
                assert!(is_told, "{told:?}");
            }
        }
        let expected = [
            ("autonomous", 1),
            ("autonomous", 1),
            ("pending", 3),
            ("following", 4),
            ("following", 4),
            ("autonomous", 6),
            ("autonomous", 6),
            ("following", 8),
        ];
        assert_eq!(seen, expected);
        assert_eq!(standing.allegiance.epoch(), Some(4));
    }
}
