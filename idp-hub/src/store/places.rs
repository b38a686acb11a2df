//! From where users of the directory signed in lately, for a hub that is started anew. What is too
//! much or too old goes with each place that is new.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rusqlite::{OptionalExtension, params};
use shared::ids::ObjectId;
use shared::model::UnixMillis;

use super::error::{Doing, StoreError};
use super::{Changing, Reading};

/// Days without a sign-in from it after which a place is forgotten: whoever was on holiday comes
/// back to his desk as somebody who is known there.
pub const DAYS: u64 = 30;

/// Places of one user: desk, home, telephone, and some on the way. The oldest makes room.
pub const OF_USER_MAX: usize = 8;

/// Places of all users, some 100 bytes each. The oldest makes room.
const PLACES_MAX: u64 = 1 << 16;

/// Places too old that are forgotten with each that is new: more than come.
const FORGOTTEN_AT_ONCE: u32 = 100;

/// A place from which a user signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceRow {
    /// The user.
    pub user: ObjectId,
    /// The address.
    pub place: IpAddr,
    /// The last day on which he did, since 1970.
    pub day: u64,
}

/// Which day it is.
pub const fn day_of(at: UnixMillis) -> u64 {
    at.0 / (24 * 3600 * 1000)
}

impl Changing<'_> {
    /// A user signs in from there.
    ///
    /// # Errors
    /// If the database fails.
    pub fn signs_in_from(&mut self, user: ObjectId, place: IpAddr) -> Result<(), StoreError> {
        self.keep_place(user, place, PLACES_MAX)
    }

    fn keep_place(
        &mut self,
        user: ObjectId,
        place: IpAddr,
        places_max: u64,
    ) -> Result<(), StoreError> {
        const DOING: &str = "keep from where a user signed in";
        let (user, place, day) = (user.to_bytes(), bytes_of(place), day_of(self.now));
        let reading = self.reading();
        let sql = "SELECT day FROM places WHERE user = ?1 AND place = ?2";
        let known: Option<u64> = reading
            .prepared(sql)?
            .query_row(params![user, place], |row| row.get(0))
            .optional()
            .doing(DOING)?;
        if known == Some(day) {
            return Ok(());
        }
        let sql = "INSERT OR REPLACE INTO places (user, place, day) VALUES (?1, ?2, ?3)";
        self.execute(sql, &[&user, &place, &day], DOING)?;
        if known.is_some() {
            return Ok(());
        }
        let sql = "DELETE FROM places WHERE user = ?1 AND place NOT IN
                   (SELECT place FROM places WHERE user = ?1
                    ORDER BY place = ?2 DESC, day DESC LIMIT ?3)";
        self.execute(sql, &[&user, &place, &(OF_USER_MAX as u32)], DOING)?;
        let count = "SELECT count(*) FROM places";
        let count: u64 = self
            .reading()
            .prepared(count)?
            .query_row((), |row| row.get(0))
            .doing(DOING)?;
        let surplus = count.saturating_sub(places_max);
        let sql = "DELETE FROM places WHERE (user, place) IN
                   (SELECT user, place FROM places ORDER BY day LIMIT ?1)";
        self.execute(sql, &[&surplus], DOING)?;
        let sql = "DELETE FROM places WHERE (user, place) IN
                   (SELECT user, place FROM places WHERE day < ?1 ORDER BY day LIMIT ?2)";
        let oldest = day.saturating_sub(DAYS);
        self.execute(sql, &[&oldest, &FORGOTTEN_AT_ONCE], DOING)
    }
}

impl Reading<'_> {
    /// From where users signed in lately, the newest first: so many as there may be.
    ///
    /// # Errors
    /// If the database fails.
    pub fn signed_in_from(&self) -> Result<Vec<PlaceRow>, StoreError> {
        let sql = "SELECT user, place, day FROM places ORDER BY day DESC LIMIT ?1";
        let mut statement = self.prepared(sql)?;
        let rows = statement.query_map([PLACES_MAX], |row| {
            let (user, place): ([u8; 16], Vec<u8>) = (row.get(0)?, row.get(1)?);
            let place = address_of(&place).map(|place| PlaceRow {
                user: ObjectId::from_bytes(user),
                place,
                day: row.get(2).unwrap_or_default(),
            });
            Ok(place)
        });
        // What can't be one is passed over: nobody is known there.
        let rows = rows.and_then(|it| it.filter_map(Result::transpose).collect());
        rows.doing("read from where users signed in")
    }
}

fn bytes_of(place: IpAddr) -> Vec<u8> {
    match place {
        IpAddr::V4(it) => it.octets().to_vec(),
        IpAddr::V6(it) => it.octets().to_vec(),
    }
}

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).into());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(sixteen).into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::runtime::clock::{Clock, ManualClock};

    use super::*;
    use crate::store::Store;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    struct Site {
        store: Store,
        hand: ManualClock,
        _folder: tempfile::TempDir,
    }

    impl Site {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (clock, hand) = Clock::manual(UnixMillis(1_795_284_000_000));
            let (store, _) = Store::open(&folder.path().join("hub.db"), clock).unwrap();
            Self {
                store,
                hand,
                _folder: folder,
            }
        }

        async fn keeps(&self, user: u128, place: u32, places_max: u64) {
            let (user, place) = (ObjectId::from_random(user), IpAddr::V4(place.into()));
            let kept = self
                .store
                .change(move |it| it.keep_place(user, place, places_max));
            kept.await.unwrap();
        }

        /// By number, the newest first.
        async fn places(&self) -> Vec<u32> {
            let rows = self.store.read(|it| it.signed_in_from()).await.unwrap();
            let number = |it: PlaceRow| match it.place {
                IpAddr::V4(it) => it.to_bits(),
                IpAddr::V6(_) => u32::MAX,
            };
            rows.into_iter().map(number).collect()
        }
    }

    #[tokio::test]
    async fn a_user_has_few_places_and_the_one_he_was_at_last_makes_no_room() {
        let it = Site::new();
        for place in 0..10 {
            it.keeps(1, place, 100).await;
            it.hand.advance(DAY);
        }
        it.keeps(1, 5, 100).await;
        assert_eq!(it.places().await, [5, 9, 8, 7, 6, 4, 3, 2]);
        it.hand.advance(29 * DAY);
        it.keeps(2, 11, 100).await;
        assert_eq!(it.places().await, [11, 5, 9]);
        let here: IpAddr = "2001:db8:0:1::".parse().unwrap();
        let user = ObjectId::from_random(3);
        let kept = it.store.change(move |it| it.signs_in_from(user, here));
        kept.await.unwrap();
        let all = it.store.read(|it| it.signed_in_from()).await.unwrap();
        assert!(all.iter().any(|it| it.place == here && it.user == user));
    }

    #[tokio::test]
    async fn all_have_so_many_and_the_oldest_makes_room() {
        let it = Site::new();
        for place in 0..10 {
            it.keeps(place.into(), place, 4).await;
            it.hand.advance(DAY);
        }
        assert_eq!(it.places().await, [9, 8, 7, 6]);
    }
}
