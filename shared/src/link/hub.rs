//! The hub's session with one agent.
//!
//! Who the agent is was settled by its certificate before this begins. The machine greets, passes
//! on what it hears, notices silence, and says goodbye.

use std::time::Instant;

use super::{GREETING_MAX, HEARTBEAT, SILENCE_MAX};
use crate::ids::{FederationId, HubId};
use crate::wire::codec::CODEC;
use crate::wire::frame::{
    Ack, Cloud, Control, Cursor, DIRECTORY_FEED, Goodbye, Hello, Keeping, Named, PROTOCOL, Refusal,
    Refuse, Sealing, Standing, Welcome,
};
use crate::wire::{List, Text};

/// What the hub is, for greetings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubFacts {
    /// Its federation.
    pub federation: FederationId,
    /// The federation's epoch.
    pub epoch: u64,
    /// The hubs from the root down to this one, itself included.
    pub path: Vec<HubId>,
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A control frame came.
    Frame(Control<'a>),
    /// Something came on a feed's stream.
    FeedHeard,
    /// The store answered [`Effect::Register`]: the region's standing, and its cursors.
    Registered {
        /// Whether it may report.
        standing: Standing,
        /// How far the hub has got.
        cursors: Vec<Cursor>,
        /// The region's name.
        name: String,
    },
    /// The administrator confirmed the region.
    Accepted,
    /// The administrator gave the region another name.
    Renamed(String),
    /// The hub ends the session: removed, superseded, busy, stopping.
    End(Refusal, &'static str),
    /// The asked-for time has come.
    Tick,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub enum Effect<'a> {
    /// Look up the region and its cursors; answer with [`Input::Registered`].
    Register(Hello<'a>),
    /// Send on the control stream.
    Send(Control<'static>),
    /// Make a certificate from this request, and send it as `Renewed`.
    Issue(String),
    /// Keep what the agent says of its cloud.
    Describe(Cloud<'a>),
    /// Tell why the agent can't keep anything new; or, with `None`, that it can again.
    Keeping(Option<String>),
    /// Keep to which key secrets for the agent are sealed.
    Seals([u8; 32]),
    /// Wake with [`Input::Tick`].
    WakeAt(Instant),
    /// The session serves: feeds may come.
    Serve,
    /// Send the directory from here on.
    Direct(Cursor),
    /// Of the directory the agent has made durable.
    Directed(Ack),
    /// Close the connection, after what was sent.
    Close(Closed),
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nothing was heard for too long.
    Silent,
    /// No `Hello` in time.
    NoGreeting,
    /// The agent stops and will be back.
    AgentStopping,
    /// The region leaves the federation.
    AgentLeaving,
    /// The hub refused.
    Refused(Refusal),
}

/// The hub's session with one agent.
#[derive(Debug)]
pub struct HubSession {
    facts: HubFacts,
    state: State,
}

#[derive(Debug)]
enum State {
    Greeting { deadline: Instant },
    Registering { heard: Instant, version: u16 },
    Ready { heard: Instant, standing: Standing },
    Closed,
}

impl HubSession {
    /// A session with an agent whose connection was accepted at `now`.
    pub fn new(facts: HubFacts, now: Instant) -> (Self, Vec<Effect<'static>>) {
        let deadline = now + GREETING_MAX;
        (
            Self {
                facts,
                state: State::Greeting { deadline },
            },
            vec![Effect::WakeAt(deadline)],
        )
    }

    /// Whether feeds are taken.
    pub const fn serves(&self) -> bool {
        matches!(
            self.state,
            State::Ready {
                standing: Standing::Accepted,
                ..
            }
        )
    }

    /// Decides.
    pub fn handle<'a>(&mut self, now: Instant, input: Input<'a>) -> Vec<Effect<'a>> {
        match (&mut self.state, input) {
            (State::Closed, _) => Vec::new(),
            (_, Input::End(refusal, reason)) => self.refuse(refusal, reason),
            (_, Input::Tick) => self.tick(now),
            (_, Input::Frame(Control::Goodbye(goodbye))) => self.close(match goodbye {
                Goodbye::Stopping => Closed::AgentStopping,
                Goodbye::Leaving => Closed::AgentLeaving,
            }),
            (State::Greeting { .. }, Input::Frame(Control::Hello(hello))) => self.greet(now, hello),
            (
                State::Registering { heard, version },
                Input::Registered {
                    standing,
                    cursors,
                    name,
                },
            ) => {
                let (heard, version) = (*heard, *version);
                self.welcome((heard, version), standing, cursors, name)
            }
            (State::Registering { heard, .. } | State::Ready { heard, .. }, Input::FeedHeard) => {
                *heard = now;
                Vec::new()
            }
            (
                State::Ready {
                    heard, standing, ..
                },
                Input::Frame(frame),
            ) => {
                *heard = now;
                let standing = *standing;
                self.frame(standing, frame)
            }
            (State::Ready { .. }, Input::Renamed(name)) => vec![named(name)],
            (State::Ready { standing, .. }, Input::Accepted) => {
                match std::mem::replace(standing, Standing::Accepted) {
                    Standing::Accepted => Vec::new(),
                    Standing::Pending => {
                        vec![
                            Effect::Send(Control::Standing(Standing::Accepted)),
                            Effect::Serve,
                        ]
                    }
                }
            }
            (_, Input::Accepted | Input::Renamed(_) | Input::Registered { .. }) => Vec::new(),
            (_, Input::FeedHeard | Input::Frame(_)) => {
                self.refuse(Refusal::Protocol, "the first frame must be one Hello")
            }
        }
    }

    fn frame<'a>(&mut self, standing: Standing, frame: Control<'a>) -> Vec<Effect<'a>> {
        let is_served = standing == Standing::Accepted;
        match frame {
            Control::Heartbeat(_) => Vec::new(),
            Control::Renew(renew) => vec![Effect::Issue(renew.csr.into_string())],
            Control::Describe(cloud) => vec![Effect::Describe(cloud)],
            Control::Keeping(Keeping { fault }) => {
                vec![Effect::Keeping(fault.map(Text::into_string))]
            }
            Control::Sealing(Sealing { key }) => vec![Effect::Seals(key)],
            Control::Cursor(cursor) if is_served && cursor.feed == DIRECTORY_FEED => {
                vec![Effect::Direct(cursor)]
            }
            Control::Ack(ack) if is_served && ack.feed == DIRECTORY_FEED => {
                vec![Effect::Directed(ack)]
            }
            _ => self.refuse(Refusal::Protocol, "a frame that only a hub sends"),
        }
    }

    fn greet<'a>(&mut self, now: Instant, hello: Hello<'a>) -> Vec<Effect<'a>> {
        let (lowest, highest) = hello.versions;
        if lowest > PROTOCOL.1 || highest < PROTOCOL.0 || hello.codec != CODEC {
            return self.refuse(
                Refusal::Version,
                "no protocol version in common; upgrade one side",
            );
        }
        if hello.federation != self.facts.federation {
            return self.refuse(
                Refusal::Federation,
                "the agent follows another federation; to join this one, run `sp-agent leave`, \
                 then `sp-agent join` with an invitation",
            );
        }
        if hello.epoch > self.facts.epoch {
            return self.refuse(
                Refusal::StaleEpoch,
                "this hub was superseded; the agent follows its successor",
            );
        }
        let version = highest.min(PROTOCOL.1);
        self.state = State::Registering {
            heard: now,
            version,
        };
        vec![Effect::Register(hello)]
    }

    fn welcome(
        &mut self,
        (heard, version): (Instant, u16),
        standing: Standing,
        cursors: Vec<Cursor>,
        name: String,
    ) -> Vec<Effect<'static>> {
        self.state = State::Ready { heard, standing };
        let welcome = Welcome {
            version,
            federation: self.facts.federation,
            epoch: self.facts.epoch,
            path: List::cut(self.facts.path.iter().copied()),
            heartbeat_ms: HEARTBEAT.as_millis() as u32,
            standing,
            cursors: List::cut(cursors),
        };
        let mut effects = vec![
            Effect::Send(Control::Welcome(welcome)),
            named(name),
            Effect::WakeAt(heard + SILENCE_MAX),
        ];
        if standing == Standing::Accepted {
            effects.push(Effect::Serve);
        }
        effects
    }

    fn tick(&mut self, now: Instant) -> Vec<Effect<'static>> {
        let (deadline, why) = match &self.state {
            State::Greeting { deadline } => (*deadline, Closed::NoGreeting),
            State::Registering { heard, .. } | State::Ready { heard, .. } => {
                (*heard + SILENCE_MAX, Closed::Silent)
            }
            State::Closed => return Vec::new(),
        };
        if now < deadline {
            vec![Effect::WakeAt(deadline)]
        } else {
            self.close(why)
        }
    }

    fn refuse(&mut self, refusal: Refusal, reason: &'static str) -> Vec<Effect<'static>> {
        self.state = State::Closed;
        let frame = Refuse {
            code: refusal.code(),
            reason: Text::cut(reason),
            retry_after_ms: retry_after_ms(refusal),
        };
        vec![
            Effect::Send(Control::Refuse(frame)),
            Effect::Close(Closed::Refused(refusal)),
        ]
    }

    fn close(&mut self, why: Closed) -> Vec<Effect<'static>> {
        self.state = State::Closed;
        vec![Effect::Close(why)]
    }
}

fn named(name: String) -> Effect<'static> {
    let name = Text::cut_owned(name);
    Effect::Send(Control::Named(Named { name }))
}

/// What only an operator changes is not worth asking about every second.
const fn retry_after_ms(refusal: Refusal) -> u32 {
    match refusal {
        Refusal::Busy => 2_000,
        Refusal::StaleEpoch | Refusal::Protocol | Refusal::Other(_) => 5_000,
        Refusal::Version | Refusal::Removed | Refusal::Federation | Refusal::Unknown => 60_000,
    }
}

#[cfg(test)]
mod tests;
