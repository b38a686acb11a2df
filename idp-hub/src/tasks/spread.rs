//! Looks at the totals that are spread over the regions, and has shares told that are due.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use shared::ids::ObjectId;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::overview::FleetBoard;
use crate::store::directory::{Places, Spread, SpreadKey};
use crate::store::{RegionNo, Store, StoreError};

/// Totals are looked at so often, where anything changed: whoever lacks room should not wait for
/// the hub, and what regions tell comes every few minutes.
const EVERY: Duration = Duration::from_secs(5);

/// And so often where nothing did: growth is forgotten, and a look that failed is made good.
const AT_LEAST: Duration = Duration::from_secs(60);

/// Totals of one look: in ten regions some thousand rows are read. The next look goes on behind
/// them.
const AT_ONCE: u32 = 250;

/// What regions' clouds call the projects is read again after this: that reads all projects of each
/// region. A project that came meanwhile waits as long.
const PLACES_KEPT: Duration = Duration::from_secs(60);

/// Spreads totals until the hub stops. All that it goes by is in the store: started anew, it goes
/// on as before.
pub(super) async fn run(store: Store, board: FleetBoard, clock: Clock, shutdown: Shutdown) {
    let mut looker = Looker::new(store, board, clock.clone());
    while shutdown.until_draining(clock.sleep(EVERY)).await.is_some() {
        match looker.look().await {
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(error, "totals over regions are not looked at; trying again");
            }
        }
    }
}

/// What is known from one look to the next.
pub(super) struct Looker {
    store: Store,
    board: FleetBoard,
    clock: Clock,
    /// From where the next look goes on.
    after: Option<SpreadKey>,
    /// The board and the directory as they were at the last look that came to the end, and when.
    seen: Option<(u64, Instant)>,
    places: Option<(Instant, BTreeSet<ObjectId>, Places)>,
}

impl Looker {
    pub(super) const fn new(store: Store, board: FleetBoard, clock: Clock) -> Self {
        Self {
            store,
            board,
            clock,
            after: None,
            seen: None,
            places: None,
        }
    }

    /// Looks at some totals, and has told what is due.
    ///
    /// # Errors
    /// If the database fails. What failed for one total alone is logged.
    pub(super) async fn look(&mut self) -> Result<(), StoreError> {
        let (now, version) = (self.clock.now(), self.board.shown().version);
        let after = self.after.take();
        let begins = after.is_none();
        let found = self.store.read(move |it| it.spreads(None, after.as_ref(), AT_ONCE));
        let found = found.await?;
        let is_last = found.len() < AT_ONCE as usize;
        let next = found.last().filter(|_| !is_last).map(|it| it.key.clone());
        self.after = next;
        if found.is_empty() || begins && is_last && !self.is_new(version, &found, now) {
            return Ok(());
        }
        let places = self.places(&found, now).await?;
        let online = self.online(&places);
        for spread in found {
            if let Err(error) = self.one(&spread, &places, &online).await {
                if matches!(error, StoreError::Closed) {
                    return Err(error);
                }
                let (project, resource) = (spread.key.project.to_string(), spread.key.resource);
                let error = chain(&error).to_string();
                tracing::warn!(project, resource, error, "a total is not spread; trying again");
            }
        }
        self.seen = Some((version, now));
        Ok(())
    }
}
