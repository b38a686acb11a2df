//! Which session each region has, and how to reach it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::wire::frame::{Refusal, Standing};
use tokio::sync::mpsc;

use super::measure;
use crate::store::RegionNo;
use crate::store::regions::RegionRow;

/// Orders that wait for a session. Each is final or happens once, so two suffice; a session that
/// takes none is closing.
const ORDERS_MAX: usize = 4;

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
    orders: mpsc::Sender<Order>,
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

    /// A session begins. An older one of the same region ends: an agent that comes again has lost
    /// its connection, though the hub may not have noticed yet.
    pub(super) fn enter(&self, region: RegionNo) -> (Place, mpsc::Receiver<Order>) {
        let (orders, received) = mpsc::channel(ORDERS_MAX);
        let mut live = self.live();
        live.newest += 1;
        let number = live.newest;
        if let Some(older) = live.sessions.insert(region, Session { number, orders }) {
            older.tell(Order::End(Refusal::Busy, "the agent has a newer session"));
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

    /// Whether no newer session has taken the place.
    pub(super) fn is_newest(&self, place: &Place) -> bool {
        self.live()
            .sessions
            .get(&place.region)
            .is_some_and(|it| it.number == place.number)
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

    /// Brings all sessions to what the store says.
    pub(super) fn compare(&self, regions: &[RegionRow]) {
        let standings: HashMap<_, _> = regions.iter().map(|row| (row.no, row.standing)).collect();
        let numbers: Vec<_> = self.live().sessions.keys().copied().collect();
        for no in numbers {
            match standings.get(&no) {
                None => self.removed(no),
                Some(Standing::Accepted) => self.accepted(no),
                Some(Standing::Pending) => {}
            }
        }
    }

    fn tell(&self, region: RegionNo, order: Order) {
        if let Some(session) = self.live().sessions.get(&region) {
            session.tell(order);
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn tell(&self, order: Order) {
        // A full queue belongs to a session that is ending for an earlier order.
        let _ = self.orders.try_send(order);
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
    use super::*;

    #[test]
    fn a_newer_session_ends_the_older_and_keeps_its_place() {
        let registry = Registry::default();
        let (old, mut old_orders) = registry.enter(RegionNo(1));
        let (new, mut new_orders) = registry.enter(RegionNo(1));
        assert!(matches!(
            old_orders.try_recv(),
            Ok(Order::End(Refusal::Busy, _))
        ));
        drop(old);
        registry.removed(RegionNo(1));
        assert!(matches!(
            new_orders.try_recv(),
            Ok(Order::End(Refusal::Removed, _))
        ));
        drop(new);
        assert!(registry.is_empty());
    }
}
