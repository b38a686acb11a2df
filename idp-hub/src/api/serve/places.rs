//! Who has a place among the connections, and who gives way. Pure: time is an argument.
//!
//! A connection is idle while nothing is asked of the hub over it, and also while the hub waits for
//! the rest of a request, or an answer for a peer that does not take it. Only one over which the
//! hub itself owes something is busy.
//!
//! ```text
//! taken in ──▶ idle ◀──▶ busy        idle for too long: closed
//!                │                   no place left: the longest idle one gives way
//! ```

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a connection may take until it has asked for something, its TLS handshake included.
/// Browsers that open one in advance open it again.
pub(super) const FIRST_REQUEST_TIME: Duration = Duration::from_secs(10);

/// How long a connection may be idle between requests.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(60);

/// What one party is supposed to have: an IPv4 address or an IPv6 network; nothing for the local
/// socket, behind which everybody is an administrator.
pub(super) type Site = Option<IpAddr>;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of all.
    pub(super) places: usize,
    /// Of one site.
    pub(super) share: usize,
}

/// The connections. `H` is what ends one when it is dropped.
#[derive(Debug)]
pub(super) struct Places<H> {
    limits: Limits,
    seats: HashMap<u64, Seat<H>>,
    /// How many each site has. No longer than there are seats.
    held: HashMap<Site, usize>,
    next: u64,
}

#[derive(Debug)]
struct Seat<H> {
    site: Site,
    _handle: H,
    has_asked: bool,
    /// Requests to which the hub owes something.
    owed: usize,
    /// Since when it owes nothing, or when it was asked last.
    since: Instant,
}

/// What became of a newcomer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// His place; none where nobody could give way.
    pub(super) place: Option<u64>,
    /// What there was no room in.
    pub(super) full: Option<Full>,
}

/// What is full, and who has most of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// All places.
    All {
        /// Who has the most of them.
        site: Site,
        /// How many.
        held: usize,
    },
    /// The newcomer's own share.
    Share {
        /// Whose.
        site: Site,
        /// How many.
        held: usize,
    },
}

/// What is to be done about a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is over.
    Close,
    /// Nothing until then.
    LookAgain(Instant),
}

impl<H> Places<H> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            seats: HashMap::new(),
            held: HashMap::new(),
            next: 0,
        }
    }

    /// A place for a newcomer, if there is one or an idle connection can give way.
    pub(super) fn enter(&mut self, now: Instant, site: Site, handle: H) -> Entry {
        let full = self.full_for(site);
        if let Some(full) = full {
            let idle = match full {
                Full::Share { .. } => self.idle_longest(|it| it.site == site),
                Full::All { .. } => self.idle_longest(|_| true),
            };
            let Some(idle) = idle else {
                return Entry {
                    place: None,
                    full: Some(full),
                };
            };
            self.leave(idle);
        }
        let place = self.next;
        self.next += 1;
        let seat = Seat {
            site,
            _handle: handle,
            has_asked: false,
            owed: 0,
            since: now,
        };
        self.seats.insert(place, seat);
        *self.held.entry(site).or_default() += 1;
        Entry {
            place: Some(place),
            full,
        }
    }

    /// The connection is gone.
    pub(super) fn leave(&mut self, place: u64) {
        let Some(seat) = self.seats.remove(&place) else {
            return;
        };
        if let Some(held) = self.held.get_mut(&seat.site) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&seat.site);
            }
        }
    }

    /// The head of a request has come. What follows it may take as long as the peer wants.
    pub(super) fn asked(&mut self, now: Instant, place: u64) {
        if let Some(seat) = self.seats.get_mut(&place) {
            seat.has_asked = true;
            seat.since = now;
        }
    }

    /// From now on the hub owes something to one request more.
    pub(super) fn owes(&mut self, place: u64) {
        if let Some(seat) = self.seats.get_mut(&place) {
            seat.owed += 1;
        }
    }

    /// From now on it owes something to one request less.
    pub(super) fn gave(&mut self, now: Instant, place: u64) {
        if let Some(seat) = self.seats.get_mut(&place) {
            seat.owed = seat.owed.saturating_sub(1);
            seat.since = now;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// How many don't give way.
    #[cfg(test)]
    pub(super) fn busy(&self) -> usize {
        self.seats.values().filter(|it| it.owed > 0).count()
    }

    /// What is to be done about a connection now.
    pub(super) fn look(&self, now: Instant, place: u64) -> Verdict {
        let Some(seat) = self.seats.get(&place) else {
            return Verdict::Close;
        };
        let over = match (seat.owed, seat.has_asked) {
            // It can't be over sooner, since it must become idle first.
            (1.., _) => now + IDLE_TIME,
            (0, true) => seat.since + IDLE_TIME,
            (0, false) => seat.since + FIRST_REQUEST_TIME,
        };
        if over <= now {
            Verdict::Close
        } else {
            Verdict::LookAgain(over)
        }
    }

    fn full_for(&self, site: Site) -> Option<Full> {
        let own = self.held(site);
        if own >= self.limits.share {
            return Some(Full::Share { site, held: own });
        }
        if self.seats.len() < self.limits.places {
            return None;
        }
        let (site, held) = self.held.iter().max_by_key(|(_, held)| **held)?;
        Some(Full::All {
            site: *site,
            held: *held,
        })
    }

    /// How many a site has.
    pub(super) fn held(&self, site: Site) -> usize {
        self.held.get(&site).copied().unwrap_or(0)
    }

    /// Of the site that has the most, so that a crowd makes room by itself, and those who have a
    /// few are left alone.
    fn idle_longest(&self, of: impl Fn(&Seat<H>) -> bool) -> Option<u64> {
        let idle = self.seats.iter().filter(|(_, it)| it.owed == 0 && of(it));
        let first = idle.max_by_key(|(place, it)| {
            let older = std::cmp::Reverse((it.since, **place));
            (self.held(it.site), older)
        });
        first.map(|(place, _)| *place)
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    const LIMITS: Limits = Limits {
        places: 6,
        share: 3,
    };

    fn site(number: u32) -> Site {
        Some(IpAddr::V4(number.into()))
    }

    fn after(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    /// Places, and the numbers of those that these sites took, a second apart from `now` on.
    fn taken(now: Instant, sites: &[u32]) -> (Places<()>, Vec<u64>) {
        let mut places = Places::new(LIMITS);
        let enter = |(second, number): (usize, &u32)| {
            let entry = places.enter(after(now, second as u64), site(*number), ());
            assert_eq!(entry.full, None, "{number}");
            entry.place.unwrap()
        };
        let taken = sites.iter().enumerate().map(enter).collect();
        (places, taken)
    }

    #[test]
    fn one_site_takes_its_share_and_leaves_the_rest() {
        let now = Clock::system().now();
        let (mut places, taken) = taken(now, &[1, 1, 1]);
        let fourth = places.enter(now, site(1), ());
        let full = Full::Share {
            site: site(1),
            held: 3,
        };
        assert_eq!(fourth.full, Some(full));
        assert_eq!(
            places.look(now, taken[0]),
            Verdict::Close,
            "its own oldest gave way"
        );
        assert_ne!(places.look(now, fourth.place.unwrap()), Verdict::Close);
        assert_eq!(places.held(site(1)), 3);
        assert_eq!(places.enter(now, site(2), ()).full, None);
    }

    #[test]
    fn who_is_answered_does_not_give_way() {
        let now = Clock::system().now();
        let (mut places, taken) = taken(now, &[1, 1, 1]);
        for place in &taken {
            places.owes(*place);
        }
        let refused = places.enter(now, site(1), ());
        assert_eq!(refused.place, None);
        assert!(refused.full.is_some());
        places.gave(after(now, 5), taken[1]);
        places.gave(after(now, 4), taken[2]);
        assert!(places.enter(after(now, 6), site(1), ()).place.is_some());
        let left: Vec<_> = taken
            .iter()
            .filter(|it| places.seats.contains_key(it))
            .collect();
        assert_eq!(
            left,
            [&taken[0], &taken[1]],
            "the longest idle one gave way"
        );
    }

    #[test]
    fn a_crowd_makes_room_before_those_who_have_few() {
        let now = Clock::system().now();
        let (mut places, taken) = taken(now, &[2, 3, 1, 1, 1, 4]);
        let entry = places.enter(after(now, 9), site(5), ());
        assert_eq!(
            entry.full,
            Some(Full::All {
                site: site(1),
                held: 3
            })
        );
        assert!(
            !places.seats.contains_key(&taken[2]),
            "the crowd's oldest gave way"
        );
        for place in [3, 4].map(|it| taken[it]) {
            places.owes(place);
        }
        assert!(places.enter(after(now, 9), site(6), ()).place.is_some());
        assert!(
            !places.seats.contains_key(&taken[0]),
            "then the oldest of all"
        );
        assert_eq!(places.seats.len(), LIMITS.places);
    }

    #[test]
    fn who_asks_nothing_is_closed_soon_and_who_asked_a_minute_after() {
        let now = Clock::system().now();
        let (mut places, taken) = taken(now, &[1, 2]);
        let first = now + FIRST_REQUEST_TIME;
        assert_eq!(places.look(now, taken[0]), Verdict::LookAgain(first));
        assert_eq!(places.look(first, taken[0]), Verdict::Close);

        places.asked(first, taken[1]);
        let over = first + IDLE_TIME;
        assert_eq!(places.look(first, taken[1]), Verdict::LookAgain(over));
        places.owes(taken[1]);
        let later = after(now, 3600);
        assert_eq!(
            places.look(later, taken[1]),
            Verdict::LookAgain(later + IDLE_TIME)
        );
        places.gave(later, taken[1]);
        let over = later + IDLE_TIME;
        assert_eq!(places.look(later, taken[1]), Verdict::LookAgain(over));
        assert_eq!(places.look(over, taken[1]), Verdict::Close);
    }

    #[test]
    fn a_place_is_given_back_once() {
        let now = Clock::system().now();
        let (mut places, taken) = taken(now, &[1]);
        places.leave(taken[0]);
        places.leave(taken[0]);
        places.owes(taken[0]);
        places.gave(now, taken[0]);
        assert!(places.seats.is_empty() && places.held.is_empty());
    }
}
