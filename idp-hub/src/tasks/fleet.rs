//! Drives the fleet: what sessions, the store and the authority tell becomes what is shown.

use std::collections::BTreeSet;
use std::time::Instant;

use shared::runtime::clock::Clock;
use tokio::sync::{broadcast, mpsc};

use crate::authority::{Authority, AuthorityEvent};
use crate::fleet::{Effect, Fleet, Input, Moment, RegionNo};
use crate::overview::{FleetBoard, Update};
use crate::store::{Store, StoreError};

/// Inputs of sessions that are taken at once, so that 10,000 agents that come back together lead to
/// some hundred updates.
const INPUTS_MAX: usize = 128;

/// Inputs that may wait. A session waits for its turn beyond it.
pub(super) const QUEUE_MAX: usize = 1024;

/// What the driver works with.
pub(super) struct FleetDriver {
    fleet: Fleet,
    store: Store,
    authority: Authority,
    board: FleetBoard,
    clock: Clock,
    wake: Option<Instant>,
}

/// What happened, before it is put into the fleet's words.
enum Event {
    Sessions,
    Committed(Vec<RegionNo>),
    Registry(AuthorityEvent),
    /// Events of the registry were missed.
    Missed,
    Tick,
    End,
}

impl FleetDriver {
    pub(super) fn new(store: Store, authority: Authority, board: FleetBoard, clock: Clock) -> Self {
        Self {
            fleet: Fleet::new(),
            store,
            authority,
            board,
            clock,
            wake: None,
        }
    }

    /// Shows every region that is registered, then follows until every session's end is dropped.
    ///
    /// # Errors
    /// If the registry can't be read.
    pub(super) async fn run(
        mut self,
        mut sessions: mpsc::Receiver<Input>,
    ) -> Result<(), StoreError> {
        let mut registry = self.authority.events();
        self.resync().await?;
        let mut inputs = Vec::with_capacity(INPUTS_MAX);
        loop {
            let overview = self.store.overview().clone();
            let event = tokio::select! {
                taken = sessions.recv_many(&mut inputs, INPUTS_MAX) => match taken {
                    0 => Event::End,
                    _ => Event::Sessions,
                },
                changed = overview.changed() => Event::Committed(changed),
                event = registry.recv() => match event {
                    Ok(event) => Event::Registry(event),
                    Err(broadcast::error::RecvError::Lagged(_)) => Event::Missed,
                    Err(broadcast::error::RecvError::Closed) => Event::End,
                },
                () = sleep_until(&self.clock, self.wake) => Event::Tick,
            };
            match event {
                Event::Sessions => self.sessions(std::mem::take(&mut inputs)).await?,
                Event::Committed(changed) => self.committed(changed),
                Event::Registry(event) => self.registry(event, &mut registry).await?,
                Event::Missed => self.resync().await?,
                Event::Tick => {
                    self.wake = None;
                    self.handle(vec![Input::Tick], Vec::new());
                }
                Event::End => return Ok(()),
            }
        }
    }

    /// Sessions began or ended. A session may be faster than the news of its region's join.
    async fn sessions(&mut self, sessions: Vec<Input>) -> Result<(), StoreError> {
        let unknown = sessions.iter().filter_map(|input| match input {
            Input::SessionBegan { no, .. } if !self.fleet.knows(*no) => Some(*no),
            _ => None,
        });
        let mut inputs = self.known(unknown.collect()).await?;
        inputs.extend(sessions);
        self.handle(inputs, Vec::new());
        Ok(())
    }

    fn committed(&mut self, changed: Vec<RegionNo>) {
        let overview = self.store.overview();
        let input = |no: &RegionNo| {
            let region = overview.region(*no)?;
            let (live, fresh) = (region.live, region.fresh);
            Some(Input::Overview {
                no: *no,
                live,
                fresh,
                troubles: region.troubles.clone(),
                full: region.full.clone(),
            })
        };
        let inputs = changed.iter().filter_map(input).collect();
        self.handle(inputs, changed);
    }

    /// Takes an event of the registry, and those that wait behind it: after an upgrade a whole
    /// fleet says something new of itself.
    async fn registry(
        &mut self,
        first: AuthorityEvent,
        more: &mut broadcast::Receiver<AuthorityEvent>,
    ) -> Result<(), StoreError> {
        let (mut known, mut removed) = (BTreeSet::new(), Vec::new());
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                AuthorityEvent::Removed(no) => removed.push(Input::Removed { no }),
                AuthorityEvent::Joined(no)
                | AuthorityEvent::Accepted(no)
                | AuthorityEvent::Renamed(no)
                | AuthorityEvent::Certified(no)
                | AuthorityEvent::Introduced(no) => drop(known.insert(no)),
            }
            let room = known.len() + removed.len() < INPUTS_MAX;
            next = match room.then(|| more.try_recv()) {
                Some(Ok(event)) => Some(event),
                Some(Err(broadcast::error::TryRecvError::Lagged(_))) => return self.resync().await,
                // Nothing waits; that there are no senders any more is told by the next receiving.
                Some(Err(_)) | None => None,
            };
        }
        // Read after all of these events, so that one that was removed meanwhile is not found.
        let mut inputs = self.known(known.into_iter().collect()).await?;
        inputs.extend(removed);
        self.handle(inputs, Vec::new());
        Ok(())
    }

    /// Compares all that is shown with all that is registered.
    async fn resync(&mut self) -> Result<(), StoreError> {
        let rows = self.store.read(|it| it.regions()).await?;
        let registered: BTreeSet<RegionNo> = rows.iter().map(|row| row.no).collect();
        let views = self.fleet.views();
        let gone = views
            .iter()
            .map(|view| view.no)
            .filter(|no| !registered.contains(no));
        let mut inputs: Vec<Input> = gone.map(|no| Input::Removed { no }).collect();
        inputs.extend(rows.into_iter().map(|row| {
            let (no, facts) = (row.no, Box::new(row.facts));
            Input::Known { no, facts }
        }));
        self.handle(inputs, Vec::new());
        self.committed(registered.into_iter().collect());
        Ok(())
    }

    /// What the registry says of these regions now.
    async fn known(&self, regions: Vec<RegionNo>) -> Result<Vec<Input>, StoreError> {
        if regions.is_empty() {
            return Ok(Vec::new());
        }
        self.store
            .read(move |it| {
                let mut inputs = Vec::with_capacity(regions.len());
                for no in regions {
                    if let Some(row) = it.region_numbered(no)? {
                        inputs.push(Input::Known {
                            no,
                            facts: Box::new(row.facts),
                        });
                    }
                }
                Ok(inputs)
            })
            .await
    }

    fn handle(&mut self, inputs: Vec<Input>, figures: Vec<RegionNo>) {
        let now = Moment {
            mono: self.clock.now(),
            wall: self.clock.unix_millis(),
        };
        let mut update = Update {
            figures,
            ..Update::default()
        };
        let mut touched = BTreeSet::new();
        let mut counted = false;
        for input in inputs {
            for effect in self.fleet.handle(now, input) {
                match effect {
                    Effect::Changed { no } => {
                        counted = true;
                        touched.insert(no);
                    }
                    Effect::Refreshed { no } => drop(touched.insert(no)),
                    Effect::WakeAt(at) => self.wake = Some(at),
                }
            }
        }
        for no in touched {
            match self.fleet.view(no) {
                Some(view) => update.views.push(view),
                None => update.gone.push(no),
            }
        }
        update.counts = counted.then(|| self.fleet.counts().clone());
        self.board.publish(update);
    }
}

async fn sleep_until(clock: &Clock, wake: Option<Instant>) {
    match wake {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
