//! What passes: who comes and goes, and who is refused. It changes nothing, and whoever may sign
//! in, or any stranger, causes as much of it as he likes. So the trail has room for some of it,
//! which is counted in the database with it: however often a hub is started anew, it is the same.
//! What found no room is counted, and told with the next that does.

use rusqlite::Connection;
use shared::audit::{Act, By};
use shared::model::UnixMillis;

use super::{KEPT_MS, Limits};
use crate::store::error::StoreError;
use crate::store::{Reading, facts};

/// What kind of it: each has its own room, so that strangers take none of those who sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// An account of the hub, or a cloud administrator, signed in or out.
    Administrator,
    /// Any other user signed in or out.
    Visit,
    /// Somebody was not let in.
    Stranger,
    /// Something was refused to whoever is in.
    Refusal,
}

/// So many entries at once, and then one in each of a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) at_once: u64,
    pub(super) each_ms: u64,
}

/// A morning of 20,000 users who come and go; and after it 2,400 entries a day.
const VISITS: Room = Room {
    at_once: 40_000,
    each_ms: 36 * 1000,
};

/// Few, of whom each has some hundred a day at most before it comes here: a hundred who work in
/// shifts, and 2,400 entries a day.
const ADMINISTRATORS: Room = Room {
    at_once: 10_000,
    each_ms: 36 * 1000,
};

/// Each way of refusing has an entry a minute at most before it comes here: nine hours of all that
/// there are at once, and after them 240 entries a day.
const REFUSALS: Room = Room {
    at_once: 4000,
    each_ms: 360 * 1000,
};

impl Room {
    /// Entries at most that are not older than entries are kept.
    const fn entries_max(self) -> u64 {
        self.at_once + KEPT_MS / self.each_ms
    }
}

impl Passing {
    /// Entries at most of all kinds.
    pub(super) const ENTRIES_MAX: u64 =
        ADMINISTRATORS.entries_max() + VISITS.entries_max() + 2 * REFUSALS.entries_max();

    pub(super) const fn room(self) -> Room {
        match self {
            Self::Administrator => ADMINISTRATORS,
            Self::Visit => VISITS,
            Self::Stranger | Self::Refusal => REFUSALS,
        }
    }

    /// The fact that has what is taken of its room.
    const fn fact(self) -> &'static str {
        match self {
            Self::Administrator => "audit_administrators",
            Self::Visit => "audit_visits",
            Self::Stranger => "audit_strangers",
            Self::Refusal => "audit_refusals",
        }
    }

    /// What is told of those that found no room.
    fn left_out(self, count: u64) -> Act {
        let what = match self {
            Self::Administrator => "comings and goings of administrators; the log has each",
            Self::Visit => "comings and goings of users; the log has each",
            Self::Stranger => "refused sign-ins",
            Self::Refusal => "refusals",
        };
        Act::new(By::new("this hub", "this hub"), "left-out")
            .on("audit", "", "")
            .changing("", format!("without an entry before this: {count} {what}"))
    }
}

/// What is taken of a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    /// When all of it is there again, by the wall clock.
    until_ms: u64,
    /// What found no room since the last that did.
    left_out: u64,
}

impl Taken {
    fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_le_bytes(bytes);
        Self {
            until_ms: both as u64,
            left_out: (both >> 64) as u64,
        }
    }

    fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.until_ms) | u128::from(self.left_out) << 64).to_le_bytes()
    }

    /// Takes room for so many entries, if there is.
    fn take(&mut self, now: UnixMillis, entries: u64, room: Room) -> bool {
        let all = now
            .0
            .saturating_add(room.at_once.saturating_mul(room.each_ms));
        // Beyond it only where the clock was set back: then no more is taken than there is.
        let until = self.until_ms.clamp(now.0, all);
        let then = until.saturating_add(entries.saturating_mul(room.each_ms));
        let has_room = then <= all;
        self.until_ms = if has_room { then } else { until };
        has_room
    }
}

/// Appends what passes, and before it how much found no room.
pub(super) fn append(
    connection: &Connection,
    at: UnixMillis,
    (passing, act): (Passing, Act),
    (room, limits): (Room, Limits),
) -> Result<(), StoreError> {
    let taken = Reading { connection }.fact(passing.fact())?;
    let mut taken = taken.map(Taken::from_bytes).unwrap_or_default();
    let before = (taken.left_out > 0).then(|| passing.left_out(taken.left_out));
    let acts = before.into_iter().chain([act]);
    if taken.take(at, acts.size_hint().0 as u64, room) {
        taken.left_out = 0;
        for act in acts {
            super::append(connection, at, act, limits)?;
        }
    } else {
        taken.left_out = taken.left_out.saturating_add(1);
    }
    facts::store(connection, passing.fact(), &taken.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 3600 * 1000;

    #[test]
    fn however_much_passes_no_more_is_kept_than_there_is_room_for() {
        for room in [ADMINISTRATORS, VISITS, REFUSALS] {
            let mut taken = Taken::default();
            // As old as entries may be, ten a minute.
            let begin = 1_795_284_000_000;
            let flood = (begin..begin + KEPT_MS).step_by(6000);
            let told = flood.filter(|now| taken.take(UnixMillis(*now), 1, room));
            let told = told.count() as u64;
            assert!(told <= room.entries_max(), "{told}: {room:?}");
            assert!(told + 2 >= room.entries_max(), "{told}: {room:?}");
        }
        assert_eq!(Passing::ENTRIES_MAX, 2_170_000);
    }

    #[test]
    fn a_clock_that_stood_wrong_closes_the_room_for_no_longer_than_it_takes_to_be_free_again() {
        let now = UnixMillis(1_795_284_000_000);
        let mut taken = Taken::default();
        assert!(taken.take(UnixMillis(now.0 + 1000 * DAY_MS), 1, REFUSALS));
        assert!(!taken.take(now, 1, REFUSALS));
        let later = |each| UnixMillis(now.0 + each * REFUSALS.each_ms);
        assert!(taken.take(later(1), 1, REFUSALS));
        assert!(!taken.take(later(2), 2, REFUSALS));
        assert_eq!(Taken::from_bytes(taken.to_bytes()), taken);
    }
}
