//! From where users of the directory signed in lately. Pure: time is an argument.
//!
//! Only who signs in puts a place here, so that strangers, however many, make nobody's forgotten;
//! and of each user it has few, so that a user with many addresses does not either.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use shared::ids::ObjectId;

use crate::api::limiter::site;
use crate::api::who::Source;
use crate::store::places::{DAYS, OF_USER_MAX};

/// After so long without a sign-in from it a place is forgotten.
const LATELY: Duration = Duration::from_secs(DAYS * 24 * 3600);

/// Users whose places are remembered, half a kilobyte each at most. Who signed in longest ago makes
/// room.
pub(super) const USERS_MAX: usize = 8192;

/// A place: an address, or what counts as one; none is the hub's own machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(Option<IpAddr>);

impl From<Source> for Place {
    fn from(source: Source) -> Self {
        Self(source.0.map(site))
    }
}

impl Place {
    /// The address, but for the hub's own machine.
    pub(super) const fn address(self) -> Option<IpAddr> {
        self.0
    }
}

/// Who signed in where, and when last. In memory: a hub that is started anew learns it from the
/// store.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<ObjectId, Vec<(Place, Instant)>>);

impl Places {
    /// Whether he signed in from there lately.
    pub(super) fn has(&self, now: Instant, user: ObjectId, place: Place) -> bool {
        let mut his = self.0.get(&user).into_iter().flatten();
        his.any(|(it, at)| *it == place && is_lately(now, *at))
    }

    /// How many users signed in from there lately.
    pub(super) fn users_at(&self, now: Instant, place: Place) -> usize {
        let is_there = |(it, at): &(Place, Instant)| *it == place && is_lately(now, *at);
        self.0.values().filter(|it| it.iter().any(is_there)).count()
    }

    /// He signs in from there.
    pub(super) fn add(&mut self, now: Instant, user: ObjectId, place: Place) {
        if self.0.len() >= USERS_MAX && !self.0.contains_key(&user) {
            let last = |it: &[(Place, Instant)]| it.last().map(|(_, at)| *at);
            let oldest = self.0.iter().min_by_key(|(_, it)| last(it));
            if let Some(oldest) = oldest.map(|(user, _)| *user) {
                self.0.remove(&oldest);
            }
        }
        // The newest stands last.
        let his = self.0.entry(user).or_default();
        his.retain(|(it, at)| *it != place && is_lately(now, *at));
        if his.len() >= OF_USER_MAX {
            his.remove(0);
        }
        his.push((place, now));
    }
}

fn is_lately(now: Instant, at: Instant) -> bool {
    now.saturating_duration_since(at) < LATELY
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    fn place(number: u32) -> Place {
        Place(Some(IpAddr::V4(number.into())))
    }

    fn user(number: u128) -> ObjectId {
        ObjectId::from_random(number)
    }

    #[test]
    fn a_user_is_known_where_he_signed_in_lately_and_nowhere_else() {
        let (mut places, now) = (Places::default(), Clock::system().now());
        places.add(now, user(1), place(1));
        assert!(places.has(now, user(1), place(1)));
        assert!(!places.has(now, user(1), place(2)));
        assert!(!places.has(now, user(2), place(1)));
        assert_eq!(places.users_at(now, place(1)), 1);
        assert_eq!(places.users_at(now, place(2)), 0);
        let later = now + LATELY;
        assert_eq!(places.users_at(later, place(1)), 0);
        assert!(!places.has(later, user(1), place(1)));
        places.add(later, user(1), place(2));
        assert_eq!(places.0[&user(1)].len(), 1, "nor is it kept");
    }

    #[test]
    fn a_site_of_many_addresses_is_one_place() {
        let of = |it: &str| Place::from(Source(Some(it.parse().unwrap())));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[test]
    fn places_and_users_are_so_many_and_the_oldest_make_room() {
        let (mut places, begin) = (Places::default(), Clock::system().now());
        let at = |second: u64| begin + Duration::from_secs(second);
        for number in 0..=OF_USER_MAX as u32 {
            places.add(at(number.into()), user(0), place(number));
        }
        assert!(!places.has(at(10), user(0), place(0)));
        assert!(places.has(at(10), user(0), place(1)));
        for number in 1..USERS_MAX as u128 {
            places.add(at(20), user(number), place(1));
        }
        places.add(at(30), user(0), place(1));
        places.add(at(30), user(1 << 40), place(1));
        assert_eq!(places.0.len(), USERS_MAX);
        assert!(places.has(at(30), user(0), place(1)));
    }
}
