//! A fleet, its time, and what is asked of it: how regions come and go, what they report, and, in
//! `any_order`, whatever comes.

mod any_order;
mod comings;
mod reports;

use std::time::Duration;

use shared::ids::RegionId;
use shared::model::{CloudDescription, CloudKind, ServiceKind, ServiceState};
use shared::wire::frame::{Goodbye, Refusal};

use super::*;

const WALL: UnixMillis = UnixMillis(1_800_000_000_000);
const DAY_SECS: u64 = 24 * 3600;
const A: RegionNo = RegionNo(1);

fn facts(no: RegionNo, standing: Standing) -> Box<Facts> {
    let cloud = CloudDescription {
        kind: CloudKind::Simulated,
        version: String::new(),
        endpoint: String::new(),
    };
    Box::new(Facts {
        id: RegionId::from_random(no.0.into()),
        name: format!("region {}", no.0),
        standing,
        fingerprint: Fingerprint::from_bytes([no.0 as u8; 32]),
        cloud,
        software: "sp-agent 0.1.0".to_owned(),
        host: "node1".to_owned(),
        joined: UnixMillis(1_000),
        seen: UnixMillis(2_000),
        not_after: WALL.as_secs() + DAY_SECS,
        recoveries: 0,
        goodbye: None,
    })
}

fn service(kind: ServiceKind, state: ServiceState) -> Service {
    Service {
        kind,
        state,
        endpoint: String::new(),
        versions: (String::new(), String::new()),
        since: WALL,
    }
}

/// A fleet, and the time in it.
struct Hub {
    fleet: Fleet,
    now: Moment,
    wake: Option<Instant>,
    changes: u32,
}

impl Hub {
    fn new() -> Self {
        // Any moment will do: the fleet only compares.
        #[allow(clippy::disallowed_methods)]
        let mono = Instant::now();
        let now = Moment { mono, wall: WALL };
        Self {
            fleet: Fleet::new(),
            now,
            wake: None,
            changes: 0,
        }
    }

    /// A hub that started with one region, which is back and complete.
    fn with_healthy() -> Self {
        let mut hub = Self::new();
        hub.known(Standing::Accepted);
        hub.begin(1);
        hub.report(true, &[]);
        hub.expect(State::Healthy, Reason::Ok);
        hub
    }

    fn hear(&mut self, input: Input) {
        for effect in self.fleet.handle(self.now, input) {
            match effect {
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Changed { .. } => self.changes += 1,
                Effect::Refreshed { .. } => {}
            }
        }
    }

    /// Lets time pass, waking the fleet whenever it asked for it.
    fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(at) = self.wake.filter(|at| *at <= end) {
            self.step_to(at);
            self.wake = None;
            self.hear(Input::Tick);
            assert!(self.wake.is_none_or(|next| next > at), "it would spin");
        }
        self.step_to(end);
    }

    fn step_to(&mut self, at: Instant) {
        let step = at.saturating_duration_since(self.now.mono);
        self.now = Moment {
            mono: self.now.mono + step,
            wall: self.now.wall.plus(step),
        };
    }

    fn known(&mut self, standing: Standing) {
        let facts = facts(A, standing);
        self.hear(Input::Known { no: A, facts });
    }

    fn begin(&mut self, session: u64) {
        self.hear(Input::SessionBegan { no: A, session });
    }

    fn end(&mut self, session: u64, why: Ended) {
        let no = A;
        self.hear(Input::SessionEnded { no, session, why });
    }

    fn refuse(&mut self, refusal: Refusal) {
        let why = Ended::Closed(Closed::Refused(refusal));
        self.hear(Input::Refused { no: A, why });
    }

    fn report(&mut self, live: bool, troubles: &[Service]) {
        self.hear(Input::Overview {
            no: A,
            live,
            fresh: self.now.wall,
            troubles: troubles.to_vec(),
            full: None,
        });
    }

    /// Reports each minute, as an agent that is well does.
    fn report_for(&mut self, time: Duration, troubles: &[Service]) {
        for _ in 0..time.as_secs() / 60 {
            self.pass(Duration::from_secs(60));
            self.report(true, troubles);
        }
    }

    #[track_caller]
    fn expect(&self, state: State, reason: Reason) -> RegionView {
        let view = self.fleet.view(A).unwrap();
        let condition = &view.condition;
        assert_eq!((condition.state, condition.reason), (state, reason));
        view
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
