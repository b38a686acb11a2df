//! A hub that is started anew learns from its store where users signed in lately.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use shared::ids::ObjectId;
use shared::model::UnixMillis;
use shared::runtime::errors::chain;

use super::places::{Place, USERS_MAX};
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::store::Changing;
use crate::store::places::{PlaceRow, day_of};

/// Keeps from where somebody signs in, as he does. That he is let in does not hang on it.
pub(in crate::api) fn keep_place(it: &mut Changing<'_>, user: ObjectId, source: Source) {
    let Some(address) = Place::from(source).address() else {
        return;
    };
    if let Err(error) = it.signs_in_from(user, address) {
        let error = chain(&error).to_string();
        tracing::warn!(error, "from where a user signs in is not kept");
    }
}

impl ApiState {
    /// Learns it, before anybody signs in. Where that can't be read, all are new wherever they
    /// are, and the hub serves all the same.
    pub async fn recall(&self) {
        let rows = match self.store.read(|it| it.signed_in_from()).await {
            Ok(rows) => rows,
            Err(error) => {
                let error = chain(&error).to_string();
                let what = "where users signed in lately can't be read: all are new everywhere";
                tracing::warn!(error, "{what}");
                return;
            }
        };
        let (now, wall) = (self.clock.now(), self.clock.unix_millis());
        let seen = newest(rows, now, wall);
        // They come from the newest on, for which the oldest make room.
        self.lockout(|it| {
            for (at, user, place) in seen.into_iter().rev() {
                it.signed_in(at, user, place);
            }
        });
    }
}

/// When who signed in where, of as many users as are remembered.
fn newest(rows: Vec<PlaceRow>, now: Instant, wall: UnixMillis) -> Vec<(Instant, ObjectId, Place)> {
    let mut users = HashSet::new();
    let rows = rows.into_iter().filter_map(|it| {
        if users.len() >= USERS_MAX && !users.contains(&it.user) {
            return None;
        }
        users.insert(it.user);
        let days = day_of(wall).saturating_sub(it.day);
        let ago = Duration::from_secs(days.saturating_mul(24 * 3600));
        let at = now.checked_sub(ago)?;
        Some((at, it.user, Source(Some(it.place)).into()))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use shared::runtime::clock::Clock;

    use super::*;

    #[test]
    fn those_who_signed_in_last_are_known_as_long_as_they_would_be() {
        let (now, wall) = (Clock::system().now(), UnixMillis(1_795_284_000_000));
        let home: IpAddr = "192.0.2.1".parse().unwrap();
        let row = |user: u128, days| PlaceRow {
            user: ObjectId::from_random(user),
            place: home,
            day: day_of(wall) - days,
        };
        let place = Place::from(Source(Some(home)));
        let day = Duration::from_secs(24 * 3600);
        let known = newest(vec![row(1, 0), row(2, 3)], now, wall);
        let expected = [(now, 1, place), (now - 3 * day, 2, place)];
        let expected = expected.map(|(at, user, place)| (at, ObjectId::from_random(user), place));
        assert_eq!(known, expected);
        // A clock that stood wrong makes nobody known for longer.
        let ahead = PlaceRow {
            day: day_of(wall) + 1000,
            ..row(1, 0)
        };
        assert_eq!(newest(vec![ahead], now, wall)[0].0, now);
        let many = (0..=USERS_MAX as u128).chain(0..10).map(|it| row(it, 0));
        let known = newest(many.collect(), now, wall);
        assert_eq!(known.len(), USERS_MAX + 10, "of each all, of users so many");
    }
}
