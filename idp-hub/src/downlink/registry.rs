//! Which session each region has, and how to reach it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::wire::frame::{Refusal, Standing};
use tokio::sync::Notify;

use super::measure;
use crate::store::RegionNo;
use crate::store::regions::RegionRow;

/// What a session is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The administrator confirmed the region.
    Accepted,
    /// The session must end.
    End(Refusal, &'static str),
}

/// The live sessions. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<Live>>);

#[derive(Default)]
struct Live {
    newest: u64,
    sessions: HashMap<RegionNo, Session>,
}

struct Session {
    number: u64,
    orders: Arc<Orders>,
}

/// What waits for a session to look. Every order is final or happens once, so that there is room
/// for all in two places; a queue's would cost each idle session more than a kilobyte.
#[derive(Debug, Default)]
pub(super) struct Orders {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    accepted: bool,
    /// The first counts.
    end: Option<(Refusal, &'static str)>,
}

/// A session's place. Dropped, it is free, unless a newer session has it.
pub(super) struct Place {
    registry: Registry,
    region: RegionNo,
    /// Rises with each session of this hub's life.
    pub(super) number: u64,
}

impl Registry {
    /// How many sessions live.
    pub fn len(&self) -> usize {
        self.live().sessions.len()
    }

    /// Whether none lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a region's session lives.
    pub fn has(&self, region: RegionNo) -> bool {
        self.live().sessions.contains_key(&region)
    }

    /// A session begins. An older one of the same region ends: an agent that comes again has lost
    /// its connection, though the hub may not have noticed yet.
    pub(super) fn enter(&self, region: RegionNo) -> (Place, Arc<Orders>) {
        let orders = Arc::<Orders>::default();
        let received = Arc::clone(&orders);
        let mut live = self.live();
        live.newest += 1;
        let number = live.newest;
        if let Some(older) = live.sessions.insert(region, Session { number, orders }) {
            older
                .orders
                .tell(Order::End(Refusal::Busy, "the agent has a newer session"));
        }
        measure::sessions(live.sessions.len());
        drop(live);
        (
            Place {
                registry: self.clone(),
                region,
                number,
            },
            received,
        )
    }

    /// Whether no newer session has the place. One that had it, but which the store could not
    /// begin, is no longer listed.
    pub(super) fn is_newest(&self, place: &Place) -> bool {
        self.live()
            .sessions
            .get(&place.region)
            .is_none_or(|it| it.number == place.number)
    }

    /// The second yes.
    pub fn accepted(&self, region: RegionNo) {
        self.tell(region, Order::Accepted);
    }

    /// Revoked: the open connection is closed at once.
    pub fn removed(&self, region: RegionNo) {
        let reason = "this region was removed from the federation; to join again, ask the hub's \
                      administrator for a token and run `sp-agent join`";
        self.tell(region, Order::End(Refusal::Removed, reason));
    }

    /// The regions that have a session.
    pub(super) fn regions(&self) -> Vec<RegionNo> {
        self.live().sessions.keys().copied().collect()
    }

    /// Brings sessions to what the store says.
    ///
    /// `sessions` were there before the store was asked: who came since is not known to be gone.
    pub(super) fn compare(&self, sessions: &[RegionNo], regions: &[RegionRow]) {
        let standings: HashMap<_, _> = regions
            .iter()
            .map(|row| (row.no, row.facts.standing))
            .collect();
        for no in sessions {
            match standings.get(no) {
                None => self.removed(*no),
                Some(Standing::Accepted) => self.accepted(*no),
                Some(Standing::Pending) => {}
            }
        }
    }

    fn tell(&self, region: RegionNo, order: Order) {
        if let Some(session) = self.live().sessions.get(&region) {
            session.orders.tell(order);
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Orders {
    fn tell(&self, order: Order) {
        let mut waiting = self.waiting();
        match order {
            Order::Accepted => waiting.accepted = true,
            Order::End(refusal, reason) => drop(waiting.end.get_or_insert((refusal, reason))),
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// Waits for the next order and takes it. For one reader; cancel-safe.
    pub(super) async fn next(&self) -> Order {
        loop {
            if let Some(order) = self.take() {
                return order;
            }
            self.news.notified().await;
        }
    }

    fn take(&self) -> Option<Order> {
        let mut waiting = self.waiting();
        if std::mem::take(&mut waiting.accepted) {
            return Some(Order::Accepted);
        }
        let (refusal, reason) = waiting.end.take()?;
        Some(Order::End(refusal, reason))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut live = self.registry.live();
        if live
            .sessions
            .get(&self.region)
            .is_some_and(|it| it.number == self.number)
        {
            live.sessions.remove(&self.region);
            measure::sessions(live.sessions.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt, poll};

    use super::*;

    #[test]
    fn a_newer_session_ends_the_older_and_keeps_its_place() {
        let registry = Registry::default();
        let (old, old_orders) = registry.enter(RegionNo(1));
        let (new, new_orders) = registry.enter(RegionNo(1));
        assert!(matches!(
            old_orders.next().now_or_never(),
            Some(Order::End(Refusal::Busy, _))
        ));
        drop(old);
        registry.removed(RegionNo(1));
        assert!(matches!(
            new_orders.next().now_or_never(),
            Some(Order::End(Refusal::Removed, _))
        ));
        drop(new);
        assert!(registry.is_empty());
    }

    #[test]
    fn a_session_that_never_began_leaves_the_older_one_the_last() {
        let registry = Registry::default();
        let (old, _) = registry.enter(RegionNo(1));
        let (new, _) = registry.enter(RegionNo(1));
        assert!(!registry.is_newest(&old));
        drop(new);
        assert!(registry.is_newest(&old));
    }

    #[tokio::test]
    async fn orders_wait_for_their_session_each_once_and_the_first_end_counts() {
        let registry = Registry::default();
        let (_place, orders) = registry.enter(RegionNo(1));
        assert!(orders.next().now_or_never().is_none());
        registry.accepted(RegionNo(1));
        registry.accepted(RegionNo(1));
        registry.removed(RegionNo(1));
        registry.tell(RegionNo(1), Order::End(Refusal::Busy, "later"));
        assert_eq!(orders.next().await, Order::Accepted);
        assert!(matches!(
            orders.next().await,
            Order::End(Refusal::Removed, _)
        ));
        let mut waiting = pin!(orders.next());
        assert!(poll!(&mut waiting).is_pending());
        registry.accepted(RegionNo(1));
        assert_eq!(waiting.await, Order::Accepted);
    }
}
