//! The agent's session with its hub: dial, greet, stay heard, come back.
//!
//! ```text
//! Waiting ──due──▶ Dialing ──connected──▶ Greeting ──Welcome──▶ Ready
//!    ▲                │ failed               │ refused, late      │ lost
//!    └────────────────┴──── full jitter ─────┴────────────────────┘
//! ```

mod phase;
mod waits;

use std::time::{Duration, Instant};

pub use self::phase::Phase;
pub use self::waits::{
    BACKOFF_BASE, BACKOFF_CEILING, FAULT_BASE, FAULT_CEILING, FAULTLESS, SETTLED,
};
use super::{GREETING_MAX, HEARTBEAT};
use crate::backoff::Backoff;
use crate::foreign;
use crate::ids::{FederationId, HubId};
use crate::wire::Text;
use crate::wire::frame::{
    Ack, Cloud, Control, Cursor, Goodbye, Heartbeat, Keeping, PROTOCOL, Refusal, Standing,
};

/// The time that a connection may take to come about, all handshakes included.
pub const DIAL_MAX: Duration = Duration::from_secs(10);

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// The connection stands, and its control stream is open.
    Connected,
    /// The attempt failed, or the connection is gone.
    Disconnected(String),
    /// The connection is gone because one side broke the protocol in the other's eyes.
    Faulted(String),
    /// A control frame came; or, while dialing, a recovery was refused.
    Frame(Control<'a>),
    /// Something was sent on any stream: a heartbeat is not due.
    SaidSomething,
    /// The cloud was found to be something else than the hub was told.
    Described(Cloud<'static>),
    /// Nothing new can be kept, and why; or, with `None`, it can again.
    Keeping(Option<String>),
    /// Of the directory everything up to here is durable.
    Took(Ack),
    /// The directory goes on from here.
    Asks(Cursor),
    /// The daemon stops, or the region leaves.
    Stop(Goodbye),
    /// The asked-for time has come.
    Tick,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Connect to the hub with this place in the configured list.
    Dial {
        /// Which of the addresses.
        address: usize,
    },
    /// Send `Hello`.
    Greet,
    /// Send on the control stream.
    Send(Control<'static>),
    /// Start the feeds at these cursors, once the standing is accepted; those that this protocol
    /// version has.
    Serve {
        /// The version that was agreed.
        version: u16,
        /// How far the hub has got.
        cursors: Vec<Cursor>,
    },
    /// A receiver tells where to go on.
    Position(Cursor),
    /// A receiver has made durable.
    Acked(Ack),
    /// Keep this renewed certificate.
    Keep {
        /// X.509, PEM.
        certificate: String,
    },
    /// Keep the name that the region has at the hub.
    Named(String),
    /// Tell the operator: the phase has changed.
    Report,
    /// Close the connection.
    Close,
    /// Wake with [`Input::Tick`].
    WakeAt(Instant),
}

/// The agent's session.
#[derive(Debug)]
pub struct AgentSession {
    federation: FederationId,
    epoch: u64,
    addresses: usize,
    attempt: usize,
    backoff: Backoff,
    /// Of sessions that ended by a breach of the protocol.
    faults: Backoff,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting {
        until: Instant,
        reason: Option<String>,
        refusal: Option<Refusal>,
    },
    Dialing {
        deadline: Instant,
    },
    Greeting {
        deadline: Instant,
    },
    Ready(Ready),
    Stopped,
}

#[derive(Debug)]
struct Ready {
    hub: Option<HubId>,
    version: u16,
    standing: Standing,
    /// Kept until the administrator's yes.
    cursors: Vec<Cursor>,
    said: Instant,
    heartbeats: u32,
    since: Instant,
    /// The hub has made something durable.
    acked: bool,
}

impl AgentSession {
    /// A session that dials at once. `addresses` is how many hubs are configured, at least one;
    /// `epoch` is the highest that the agent has followed.
    pub fn new(
        federation: FederationId,
        epoch: u64,
        addresses: usize,
        now: Instant,
    ) -> (Self, Vec<Effect>) {
        let state = State::Waiting {
            until: now,
            reason: None,
            refusal: None,
        };
        let session = Self {
            federation,
            epoch,
            addresses: addresses.max(1),
            attempt: 0,
            backoff: Backoff::new(BACKOFF_BASE, BACKOFF_CEILING),
            faults: Backoff::new(FAULT_BASE, FAULT_CEILING),
            state,
        };
        (session, vec![Effect::WakeAt(now)])
    }

    /// Where the session is.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Waiting {
                reason, refusal, ..
            } => Phase::Waiting {
                reason: reason.clone(),
                refusal: *refusal,
            },
            State::Dialing { .. } => Phase::Dialing,
            State::Greeting { .. } => Phase::Greeting,
            State::Ready(ready) if ready.standing == Standing::Pending => Phase::Pending,
            State::Ready(ready) => Phase::Following {
                hub: ready.hub,
                epoch: self.epoch,
            },
            State::Stopped => Phase::Stopped,
        }
    }

    /// Whether the hub has answered the greeting: what it was told there may be told anew.
    pub const fn is_greeted(&self) -> bool {
        matches!(self.state, State::Ready(_))
    }

    /// Decides. `chance` is drawn evenly from all of `u64` by the caller, for jitter.
    pub fn handle(&mut self, now: Instant, chance: u64, input: Input<'_>) -> Vec<Effect> {
        match (&mut self.state, input) {
            (State::Stopped, _) => Vec::new(),
            (_, Input::Stop(goodbye)) => self.stop(goodbye),
            (_, Input::Tick) => self.tick(now, chance),
            (State::Waiting { .. }, _) => Vec::new(),
            (_, Input::Disconnected(reason)) => {
                self.lose(now, chance, reason, None, Duration::ZERO)
            }
            (_, Input::Faulted(reason)) => self.fault(now, chance, reason, None, Duration::ZERO),
            (State::Dialing { .. }, Input::Connected) => {
                let deadline = now + GREETING_MAX;
                self.state = State::Greeting { deadline };
                vec![Effect::Greet, Effect::WakeAt(deadline), Effect::Report]
            }
            (State::Dialing { .. }, Input::Frame(frame @ Control::Refuse(_)))
            | (State::Greeting { .. } | State::Ready(_), Input::Frame(frame)) => {
                self.frame(now, chance, frame)
            }
            (State::Ready(ready), Input::SaidSomething) => {
                ready.said = now;
                Vec::new()
            }
            (State::Ready(ready), Input::Described(cloud)) => {
                ready.said = now;
                vec![Effect::Send(Control::Describe(cloud))]
            }
            (State::Ready(ready), Input::Keeping(fault)) => {
                ready.said = now;
                let fault = fault.map(Text::cut_owned);
                vec![Effect::Send(Control::Keeping(Keeping { fault }))]
            }
            (State::Ready(ready), Input::Took(ack)) => {
                ready.said = now;
                vec![Effect::Send(Control::Ack(ack))]
            }
            (State::Ready(ready), Input::Asks(cursor)) => {
                ready.said = now;
                vec![Effect::Send(Control::Cursor(cursor))]
            }
            (
                _,
                Input::Connected
                | Input::Took(_)
                | Input::Asks(_)
                | Input::Frame(_)
                | Input::SaidSomething
                | Input::Described(_)
                | Input::Keeping(_),
            ) => Vec::new(),
        }
    }

    fn frame(&mut self, now: Instant, chance: u64, frame: Control<'_>) -> Vec<Effect> {
        match (&mut self.state, frame) {
            (_, Control::Refuse(refuse)) => {
                let wait = Duration::from_millis(refuse.retry_after_ms.into());
                let reason = foreign::line(refuse.reason.as_str());
                match Refusal::from_code(refuse.code) {
                    it @ Refusal::Protocol => self.fault(now, chance, reason, Some(it), wait),
                    other => self.lose(now, chance, reason, Some(other), wait),
                }
            }
            (_, Control::Goodbye(_)) => {
                let reason = "the hub stops".to_owned();
                self.lose(now, chance, reason, None, Duration::ZERO)
            }
            (State::Greeting { .. }, Control::Welcome(welcome)) => {
                if welcome.version < PROTOCOL.0 || welcome.version > PROTOCOL.1 {
                    let reason = "the hub chose a protocol version not offered".to_owned();
                    return self.fault(now, chance, reason, None, Duration::ZERO);
                }
                if welcome.federation != self.federation {
                    return self.unfit(now, chance, "the hub is of another federation");
                }
                if welcome.epoch < self.epoch {
                    return self.unfit(now, chance, "the hub's epoch is stale: it was superseded");
                }
                self.epoch = welcome.epoch;
                let ready = Ready {
                    hub: welcome.path.as_slice().last().copied(),
                    version: welcome.version,
                    standing: welcome.standing,
                    cursors: welcome.cursors.into_vec(),
                    said: now,
                    heartbeats: 0,
                    since: now,
                    acked: false,
                };
                self.state = State::Ready(ready);
                let mut effects = vec![Effect::Report, Effect::WakeAt(now + HEARTBEAT)];
                effects.extend(self.serve());
                effects
            }
            (State::Ready(ready), Control::Standing(standing)) => {
                ready.standing = standing;
                let mut effects = vec![Effect::Report];
                effects.extend(self.serve());
                effects
            }
            (State::Ready(ready), Control::Ack(ack)) => {
                ready.acked = true;
                vec![Effect::Acked(ack)]
            }
            (State::Ready(_), Control::Cursor(cursor)) => vec![Effect::Position(cursor)],
            (State::Ready(_), Control::Named(named)) => {
                vec![Effect::Named(foreign::line(named.name.as_str()))]
            }
            (State::Ready(_), Control::Renewed(renewed)) => {
                vec![Effect::Keep {
                    certificate: renewed.certificate.into_string(),
                }]
            }
            _ => {
                let reason = "the hub sent a frame out of turn".to_owned();
                self.fault(now, chance, reason, None, Duration::ZERO)
            }
        }
    }

    fn serve(&mut self) -> Option<Effect> {
        match &mut self.state {
            State::Ready(ready) if ready.standing == Standing::Accepted => {
                let version = ready.version;
                let cursors = std::mem::take(&mut ready.cursors);
                Some(Effect::Serve { version, cursors })
            }
            _ => None,
        }
    }

    fn tick(&mut self, now: Instant, chance: u64) -> Vec<Effect> {
        match &mut self.state {
            State::Waiting { until, .. } if now < *until => vec![Effect::WakeAt(*until)],
            State::Waiting { .. } => {
                let address = self.attempt % self.addresses;
                self.attempt = self.attempt.wrapping_add(1);
                let deadline = now + DIAL_MAX;
                self.state = State::Dialing { deadline };
                vec![
                    Effect::Dial { address },
                    Effect::WakeAt(deadline),
                    Effect::Report,
                ]
            }
            State::Dialing { deadline } | State::Greeting { deadline } if now < *deadline => {
                vec![Effect::WakeAt(*deadline)]
            }
            State::Dialing { .. } => self.unfit(now, chance, "no connection within 10 s"),
            State::Greeting { .. } => self.unfit(now, chance, "the hub did not answer within 10 s"),
            State::Ready(ready) if now < ready.said + HEARTBEAT => {
                vec![Effect::WakeAt(ready.said + HEARTBEAT)]
            }
            State::Ready(ready) => {
                ready.said = now;
                ready.heartbeats = ready.heartbeats.wrapping_add(1);
                let heartbeat = Control::Heartbeat(Heartbeat {
                    count: ready.heartbeats,
                });
                vec![Effect::Send(heartbeat), Effect::WakeAt(now + HEARTBEAT)]
            }
            State::Stopped => Vec::new(),
        }
    }

    fn unfit(&mut self, now: Instant, chance: u64, reason: &str) -> Vec<Effect> {
        self.lose(now, chance, reason.to_owned(), None, Duration::ZERO)
    }

    /// Back to waiting. The next address is tried next, and the wait is drawn at random, never
    /// shorter than what the hub asked for.
    fn lose(
        &mut self,
        now: Instant,
        chance: u64,
        reason: String,
        refusal: Option<Refusal>,
        wait_min: Duration,
    ) -> Vec<Effect> {
        self.forget_failures(now);
        self.wait(now, chance, reason, refusal, wait_min)
    }

    /// [`lose`](Self::lose) for a breach of the protocol. A new session may cure it, or come to the
    /// same end for ever.
    fn fault(
        &mut self,
        now: Instant,
        chance: u64,
        reason: String,
        refusal: Option<Refusal>,
        wait_min: Duration,
    ) -> Vec<Effect> {
        self.forget_failures(now);
        let wait = self.faults.bound() / 2 + self.faults.next(chance) / 2;
        self.wait(now, chance, reason, refusal, wait_min.max(wait))
    }

    /// Apart from [`lose`](Self::lose), which would forget the breach that was just counted, too.
    fn wait(
        &mut self,
        now: Instant,
        chance: u64,
        reason: String,
        refusal: Option<Refusal>,
        wait_min: Duration,
    ) -> Vec<Effect> {
        let until = now + wait_min + self.backoff.next(chance);
        self.state = State::Waiting {
            until,
            reason: Some(reason),
            refusal,
        };
        vec![Effect::Close, Effect::Report, Effect::WakeAt(until)]
    }

    /// At a session's end: what failed before it no longer counts if it was one.
    fn forget_failures(&mut self, now: Instant) {
        let State::Ready(ready) = &self.state else {
            return;
        };
        if ready.acked || now >= ready.since + SETTLED {
            self.backoff.reset();
        }
        if now >= ready.since + FAULTLESS {
            self.faults.reset();
        }
    }

    fn stop(&mut self, goodbye: Goodbye) -> Vec<Effect> {
        let ready = matches!(self.state, State::Ready(_));
        self.state = State::Stopped;
        let goodbye = ready.then_some(Effect::Send(Control::Goodbye(goodbye)));
        goodbye
            .into_iter()
            .chain([Effect::Close, Effect::Report])
            .collect()
    }
}

#[cfg(test)]
mod tests;
