//! Which session each region has, and how to reach it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::model::UnixMillis;
use shared::transport::LinkConnection;
use shared::wire::frame::{Refusal, Standing};
use tokio::sync::Notify;

use super::measure;
use crate::store::RegionNo;
use crate::store::regions::RegionRow;

/// What a session is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// The administrator confirmed the region.
    Accepted,
    /// The region has another name.
    Renamed(Box<str>),
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
    /// What its agent was told that the region is called.
    name: Box<str>,
    orders: Arc<Orders>,
    /// By which it is called.
    connection: Option<LinkConnection>,
}

/// What waits for a session to look. Of every kind of order one counts, so that there is room for
/// all in three places; a queue's would cost each idle session more than a kilobyte.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// When the agent last said anything but what the store has; unix milliseconds.
    heard: AtomicU64,
    /// Up to which change the agent holds the directory, and one; 0 where it has not said.
    held: AtomicU64,
    /// The agent can't keep anything new: what it would say of that is not in its feeds.
    mute: AtomicBool,
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    accepted: bool,
    /// The newest counts.
    renamed: Option<Box<str>>,
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
    pub(super) fn enter(
        &self,
        region: RegionNo,
        name: &str,
        connection: impl Into<Option<LinkConnection>>,
    ) -> (Place, Arc<Orders>) {
        let orders = Arc::<Orders>::default();
        let received = Arc::clone(&orders);
        let mut live = self.live();
        live.newest += 1;
        let number = live.newest;
        let name = name.into();
        let session = Session {
            number,
            name,
            orders,
            connection: connection.into(),
        };
        if let Some(older) = live.sessions.insert(region, session) {
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

    /// By which a region's agent can be called, while it has a session.
    pub(super) fn connection(&self, region: RegionNo) -> Option<LinkConnection> {
        self.live().sessions.get(&region)?.connection.clone()
    }

    /// The second yes.
    pub fn accepted(&self, region: RegionNo) {
        self.tell(region, Order::Accepted);
    }

    /// It has another name, which its agent is told.
    pub(super) fn renamed(&self, region: RegionNo, name: &str) {
        if let Some(session) = self.live().sessions.get_mut(&region)
            && *session.name != *name
        {
            session.name = name.into();
            session.orders.tell(Order::Renamed(name.into()));
        }
    }

    /// When the agent of an open session was last heard, as far as it said something that is not
    /// in the store.
    pub fn heard(&self, region: RegionNo) -> Option<UnixMillis> {
        let live = self.live();
        let heard = &live.sessions.get(&region)?.orders.heard;
        Some(UnixMillis(heard.load(Ordering::Relaxed)))
    }

    /// Up to which change the agents of open sessions hold the directory, as far as they said.
    pub fn held(&self) -> HashMap<RegionNo, u64> {
        self.held_by(|_| true)
    }

    /// The same, of those agents alone that can say what they find by it.
    pub fn telling(&self) -> HashMap<RegionNo, u64> {
        self.held_by(|it| !it.is_mute())
    }

    fn held_by(&self, is_meant: impl Fn(&Orders) -> bool) -> HashMap<RegionNo, u64> {
        let live = self.live();
        let all = live.sessions.iter().filter(|(_, it)| is_meant(&it.orders));
        all.filter_map(|(no, it)| Some((*no, it.orders.held()?)))
            .collect()
    }

    /// Those whose agents can't keep anything new, and so say nothing.
    pub fn mute(&self) -> BTreeSet<RegionNo> {
        let live = self.live();
        let mute = live.sessions.iter().filter(|(_, it)| it.orders.is_mute());
        mute.map(|(no, _)| *no).collect()
    }

    /// Revoked: the open connection is closed at once.
    pub fn removed(&self, region: RegionNo) {
        let reason = "this region was removed from the federation; to come back, run `sp-agent \
                      leave`, then `sp-agent join` with a new invitation";
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
        let registered: HashMap<_, _> = regions.iter().map(|row| (row.no, &row.facts)).collect();
        for no in sessions.iter().copied() {
            let Some(facts) = registered.get(&no) else {
                self.removed(no);
                continue;
            };
            self.renamed(no, &facts.name);
            if facts.standing == Standing::Accepted {
                self.accepted(no);
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
            Order::Renamed(name) => waiting.renamed = Some(name),
            Order::End(refusal, reason) => drop(waiting.end.get_or_insert((refusal, reason))),
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// The agent said something.
    pub(super) fn heard(&self, at: UnixMillis) {
        self.heard.store(at.0, Ordering::Relaxed);
    }

    /// The agent holds the directory up to this change.
    pub(super) fn holds(&self, seq: u64) {
        self.held.store(seq.saturating_add(1), Ordering::Relaxed);
    }

    /// Up to which change the agent holds the directory.
    pub(super) fn held(&self) -> Option<u64> {
        self.held.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Whether the agent can keep anything new.
    pub(super) fn keeps(&self, keeps: bool) {
        self.mute.store(!keeps, Ordering::Relaxed);
    }

    fn is_mute(&self) -> bool {
        self.mute.load(Ordering::Relaxed)
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
        if let Some(name) = waiting.renamed.take() {
            return Some(Order::Renamed(name));
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
        let (old, old_orders) = registry.enter(RegionNo(1), "north", None);
        let (new, new_orders) = registry.enter(RegionNo(1), "north", None);
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
    fn an_open_session_is_heard_without_the_store() {
        let registry = Registry::default();
        assert_eq!(registry.heard(RegionNo(1)), None);
        let (place, orders) = registry.enter(RegionNo(1), "north", None);
        orders.heard(UnixMillis(7));
        assert_eq!(registry.heard(RegionNo(1)), Some(UnixMillis(7)));
        drop(place);
        assert_eq!(registry.heard(RegionNo(1)), None);
    }

    #[test]
    fn an_agent_that_can_keep_nothing_says_nothing_of_the_directory_that_it_holds() {
        let registry = Registry::default();
        let (_place, orders) = registry.enter(RegionNo(1), "north", None);
        let held = HashMap::from([(RegionNo(1), 7)]);
        orders.holds(7);
        assert_eq!(
            (registry.held(), registry.telling()),
            (held.clone(), held.clone())
        );
        orders.keeps(false);
        assert_eq!(
            (registry.held(), registry.telling()),
            (held.clone(), HashMap::new())
        );
        orders.keeps(true);
        assert_eq!(registry.telling(), held);
    }

    #[test]
    fn a_session_that_never_began_leaves_the_older_one_the_last() {
        let registry = Registry::default();
        let (old, _) = registry.enter(RegionNo(1), "north", None);
        let (new, _) = registry.enter(RegionNo(1), "north", None);
        assert!(!registry.is_newest(&old));
        drop(new);
        assert!(registry.is_newest(&old));
    }

    #[tokio::test]
    async fn orders_wait_for_their_session_each_once_and_the_first_end_counts() {
        let registry = Registry::default();
        let (_place, orders) = registry.enter(RegionNo(1), "north", None);
        assert!(orders.next().now_or_never().is_none());
        registry.accepted(RegionNo(1));
        registry.accepted(RegionNo(1));
        for name in ["north", "west", "south"] {
            registry.renamed(RegionNo(1), name);
        }
        registry.removed(RegionNo(1));
        registry.tell(RegionNo(1), Order::End(Refusal::Busy, "later"));
        assert_eq!(orders.next().await, Order::Accepted);
        assert_eq!(orders.next().await, Order::Renamed("south".into()));
        assert!(matches!(
            orders.next().await,
            Order::End(Refusal::Removed, _)
        ));
        let mut waiting = pin!(orders.next());
        assert!(poll!(&mut waiting).is_pending());
        registry.renamed(RegionNo(1), "south");
        assert!(poll!(&mut waiting).is_pending(), "it knows that name");
        registry.accepted(RegionNo(1));
        assert_eq!(waiting.await, Order::Accepted);
    }
}
