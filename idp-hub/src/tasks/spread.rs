//! Looks at the totals that are spread over the regions, and has shares told that are due.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use shared::ids::ObjectId;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::overview::FleetBoard;
use crate::store::directory::{Places, Spread, SpreadKey};
use crate::store::{Reading, RegionNo, Store, StoreError};

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
pub(super) async fn run(mut looker: Looker, clock: Clock, shutdown: Shutdown) {
    while shutdown.until_draining(clock.sleep(EVERY)).await.is_some() {
        match looker.look().await {
            Ok(_) | Err(StoreError::Closed) => {}
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(error, "totals over regions are not looked at; trying again");
            }
        }
    }
}

/// Looks at totals that are spread over the regions. What it keeps from one look to the next is in
/// the store too.
pub struct Looker {
    store: Store,
    board: FleetBoard,
    clock: Clock,
    /// From where the next look goes on.
    after: Option<SpreadKey>,
    /// What the last look saw, where that was all there is.
    seen: Option<Seen>,
    places: Option<Kept>,
}

/// What a look saw.
struct Seen {
    version: u64,
    spreads: Vec<Spread>,
    at: Instant,
}

/// What regions' clouds call these projects.
struct Kept {
    wanted: BTreeSet<ObjectId>,
    places: Places,
    at: Instant,
}

impl Looker {
    /// Nothing was looked at yet.
    pub const fn new(store: Store, board: FleetBoard, clock: Clock) -> Self {
        Self {
            store,
            board,
            clock,
            after: None,
            seen: None,
            places: None,
        }
    }

    /// Looks at some totals, and has told what is due. Returns how many shares that were.
    ///
    /// # Errors
    /// If the database fails. What fails for one total alone is logged.
    pub async fn look(&mut self) -> Result<usize, StoreError> {
        let (now, version) = (self.clock.now(), self.board.shown().version);
        let after = self.after.take();
        let is_first = after.is_none();
        let found = self
            .store
            .read(move |it| it.spreads(None, after.as_ref(), AT_ONCE));
        let found = found.await?;
        let is_last = found.len() < AT_ONCE as usize;
        self.after = found.last().filter(|_| !is_last).map(|it| it.key.clone());
        let is_all = is_first && is_last;
        if found.is_empty() || is_all && !self.is_news(version, &found, now) {
            return Ok(0);
        }
        let wanted = self.store.read(|it| it.spread_projects()).await?;
        let places = self.places(wanted, now).await?;
        let online: BTreeSet<RegionNo> = places
            .regions()
            .filter(|it| self.board.is_online(*it))
            .collect();
        let mut told = 0;
        for spread in &found {
            match self.one(spread, &places, &online).await {
                Ok(count) => told += count,
                Err(StoreError::Closed) => return Err(StoreError::Closed),
                Err(error) => {
                    let (project, resource) = (spread.key.project, &spread.key.resource);
                    let error = chain(&error).to_string();
                    let what = "a total is not spread over the regions; trying again";
                    tracing::warn!(%project, resource, error, "{what}");
                }
            }
        }
        self.seen = is_all.then_some(Seen {
            version,
            spreads: found,
            at: now,
        });
        Ok(told)
    }

    /// Whether anything changed since all was looked at, or that is long ago.
    fn is_news(&self, version: u64, found: &[Spread], now: Instant) -> bool {
        self.seen.as_ref().is_none_or(|it| {
            let is_old = now.saturating_duration_since(it.at) >= AT_LEAST;
            it.version != version || it.spreads != found || is_old
        })
    }

    async fn places(
        &mut self,
        wanted: BTreeSet<ObjectId>,
        now: Instant,
    ) -> Result<Places, StoreError> {
        let kept = self.places.take();
        let is_good =
            |it: &Kept| it.wanted == wanted && now.saturating_duration_since(it.at) < PLACES_KEPT;
        let kept = match kept.filter(is_good) {
            Some(kept) => kept,
            None => {
                let asked = wanted.clone();
                let places = self.store.read(move |it| it.places(&asked)).await?;
                Kept {
                    wanted,
                    places,
                    at: now,
                }
            }
        };
        let places = kept.places.clone();
        self.places = Some(kept);
        Ok(places)
    }

    async fn one(
        &self,
        spread: &Spread,
        places: &Places,
        online: &BTreeSet<RegionNo>,
    ) -> Result<usize, StoreError> {
        let now = self.clock.unix_millis();
        let asked = (spread.key.clone(), places.clone(), online.clone());
        let (key, seen, present) = asked.clone();
        let is_due = move |it: &Reading<'_>| it.is_respread_due(&key, &seen, &present, now);
        if !self.store.read(is_due).await? {
            return Ok(0);
        }
        let (key, places, online) = asked;
        let told = self
            .store
            .change(move |it| it.respread(&key, &places, &online));
        let told = told.await?;
        for (region, share) in &told {
            let (project, resource) = (spread.key.project, &spread.key.resource);
            tracing::info!(
                target: "audit", action = "spread-quota", %project, resource, region, share, "told"
            );
        }
        Ok(told.len())
    }
}
