//! How many passwords a hub has looked at that are wrong: so few of each user that his cloud does
//! not lock him out. Pure: time is an argument.
//!
//! Each is counted before the cloud is asked, so that a hub that hangs up evades nothing, and given
//! back where it was not wrong. Keystone counts what is wrong until the user signs in
//! (`[security_compliance] lockout_failure_attempts`, of which operators allow five or six).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use shared::model::CloudId;
use shared::wire::frame::Checked;

use crate::allowance::{Allowance, Twofold};

/// Wrong passwords of a user that may follow one another: typing errors. He has two more of the
/// five by himself, in his own cloud.
const AT_ONCE: u32 = 3;

/// After them one in so long.
const EACH: Duration = Duration::from_secs(30 * 60);

/// Wrong ones of a user in a day, and after them one a day. What was wrong Keystone forgets when he
/// signs in, and otherwise only after it has locked him: without this, whoever guesses at the hub's
/// own page for an hour would have him locked out of his cloud. The price is that he can keep him,
/// until he has a password of the hub's, out of the hub for a day.
const A_DAY: u32 = 4;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Wrong passwords that are looked at one after another, whoever's they are: the typing errors of
/// the users of a large region in one busy minute.
const ALL_AT_ONCE: u32 = 60;

/// After them one in so long. A hub that was taken over guesses no faster, however many it asks
/// about.
const ALL_EACH: Duration = Duration::from_secs(2);

/// Users that are remembered, some 200 bytes each. By the allowance of all together, fewer are
/// wrong in the day after which the first of them are forgotten.
const USERS_MAX: usize = 50_000;

/// What the audit trail is told of passwords that are not looked at: so many at once, and then one
/// in so long, or a hub that was taken over fills the disk.
const TOLD_AT_ONCE: u32 = 10;
const TOLD_EACH: Duration = Duration::from_secs(60);

/// Too many were wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMany {
    /// Of this user.
    #[error(
        "too many passwords of this user were wrong here lately, and the cloud may lock him out; \
         the next is looked at in {} min", wait.as_secs().div_ceil(60)
    )]
    User {
        /// When the next one is.
        wait: Duration,
    },
    /// Of all users together.
    #[error(
        "too many passwords were wrong here lately; the next is looked at in {} s",
        wait.as_millis().div_ceil(1000)
    )]
    All {
        /// When the next one is.
        wait: Duration,
    },
}

/// What was wrong lately.
#[derive(Debug)]
pub(in crate::tasks) struct Guesses {
    users: BTreeMap<CloudId, Twofold>,
    all: Allowance,
    told: Allowance,
}

impl Default for Guesses {
    fn default() -> Self {
        Self {
            users: BTreeMap::new(),
            all: Allowance::new(ALL_AT_ONCE, ALL_EACH),
            told: Allowance::new(TOLD_AT_ONCE, TOLD_EACH),
        }
    }
}

/// A user's, of whom none was wrong.
const fn full() -> Twofold {
    Twofold::new(Allowance::new(AT_ONCE, EACH), Allowance::new(A_DAY, DAY))
}

impl Guesses {
    /// Counts a password that is about to be looked at.
    ///
    /// # Errors
    /// If it must not be: nothing is counted then.
    pub(super) fn begin(&mut self, user: &CloudId, now: Instant) -> Result<(), TooMany> {
        self.all.admit(now).map_err(|wait| TooMany::All { wait })?;
        if self.users.len() >= USERS_MAX {
            self.users.retain(|_, it| !it.is_full(now));
        }
        let has_room = self.users.len() < USERS_MAX;
        let his = match self.users.entry(user.clone()) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) if has_room => place.insert(full()),
            Entry::Vacant(_) => return Err(TooMany::All { wait: ALL_EACH }),
        };
        his.admit(now).map_err(|wait| TooMany::User { wait })?;
        his.count(now);
        self.all.count(now);
        Ok(())
    }

    /// What the cloud said of one that was begun; `None` if it said nothing. One that is broken off
    /// stays counted: the cloud may have looked at it.
    pub(super) fn end(&mut self, user: &CloudId, checked: Option<Checked>) {
        match checked {
            Some(Checked::Wrong) => return,
            // Keystone, too, forgets what was wrong before.
            Some(Checked::Right) => drop(self.users.remove(user)),
            Some(Checked::Expired | Checked::NeedsMore) | None => {
                if let Some(his) = self.users.get_mut(user) {
                    his.give_back();
                }
            }
        }
        self.all.give_back();
    }

    /// Whether the audit trail is told of one more that is not looked at.
    pub(super) fn is_told(&mut self, now: Instant) -> bool {
        let is_told = self.told.admit(now).is_ok();
        if is_told {
            self.told.count(now);
        }
        is_told
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    fn user(number: u32) -> CloudId {
        CloudId::new(&format!("user {number}"))
    }

    fn wrong(guesses: &mut Guesses, user: &CloudId, now: Instant) -> Result<(), TooMany> {
        guesses.begin(user, now)?;
        guesses.end(user, Some(Checked::Wrong));
        Ok(())
    }

    #[test]
    fn of_each_user_fewer_are_wrong_than_lock_him_out_and_then_one_in_half_an_hour_and_a_day() {
        let (mut guesses, begin) = (Guesses::default(), Clock::system().now());
        let (ann, bob) = (user(1), user(2));
        for _ in 0..AT_ONCE {
            assert_eq!(wrong(&mut guesses, &ann, begin), Ok(()));
        }
        let told = wrong(&mut guesses, &ann, begin).unwrap_err();
        assert_eq!(told, TooMany::User { wait: EACH });
        assert!(told.to_string().ends_with("in 30 min"), "{told}");
        assert_eq!(wrong(&mut guesses, &bob, begin), Ok(()));
        // Asked each minute of two days.
        let minutes = 1..=2 * 24 * 60;
        let passed = minutes.filter(|it| {
            let now = begin + Duration::from_secs(60 * it);
            wrong(&mut guesses, &ann, now).is_ok()
        });
        let passed: Vec<u64> = passed.collect();
        assert_eq!(passed, [30, 24 * 60, 2 * 24 * 60]);
    }

    /// Keystone counts what is wrong until he signs in, and locks him after five
    /// (`keystone/identity/backends/sql.py`).
    #[test]
    fn who_signs_in_at_his_own_cloud_each_day_is_not_locked_there_however_long_somebody_guesses() {
        const A_DAY: u64 = 24 * 60;
        let (mut guesses, begin) = (Guesses::default(), Clock::system().now());
        let mut counted = 0;
        for minute in 0..30 * A_DAY {
            if minute % A_DAY == 9 * 60 {
                counted = 0;
            }
            let now = begin + Duration::from_secs(60 * minute);
            if wrong(&mut guesses, &user(1), now).is_ok() {
                counted += 1;
            }
            assert!(counted < 5, "locked in minute {minute}");
        }
    }

    #[test]
    fn who_hangs_up_is_counted_and_what_was_not_wrong_is_given_back() {
        let (mut guesses, now) = (Guesses::default(), Clock::system().now());
        let ann = user(1);
        let not_wrong = [
            None,
            Some(Checked::Right),
            Some(Checked::Expired),
            Some(Checked::NeedsMore),
        ];
        for checked in not_wrong.repeat(ALL_AT_ONCE as usize) {
            assert_eq!(guesses.begin(&ann, now), Ok(()), "{checked:?}");
            guesses.end(&ann, checked);
        }
        for _ in 0..AT_ONCE {
            assert_eq!(guesses.begin(&ann, now), Ok(()));
        }
        let hung_up = guesses.begin(&ann, now);
        assert_eq!(hung_up, Err(TooMany::User { wait: EACH }));
    }

    #[test]
    fn of_all_users_together_wrong_ones_run_out_and_come_back_one_by_one() {
        let (mut guesses, begin) = (Guesses::default(), Clock::system().now());
        for number in 0..ALL_AT_ONCE {
            assert_eq!(wrong(&mut guesses, &user(number), begin), Ok(()));
        }
        let late = TooMany::All { wait: ALL_EACH };
        assert_eq!(wrong(&mut guesses, &user(100), begin), Err(late));
        let later = begin + ALL_EACH;
        assert_eq!(wrong(&mut guesses, &user(100), later), Ok(()));
        assert_eq!(wrong(&mut guesses, &user(101), later), Err(late));
    }

    #[test]
    fn users_are_remembered_within_bounds_and_each_is_forgotten_in_time() {
        let (mut guesses, begin) = (Guesses::default(), Clock::system().now());
        // As fast as all together may be wrong.
        let last = 2 * USERS_MAX as u32;
        for number in 0..last {
            let now = begin + ALL_EACH * number;
            assert_eq!(wrong(&mut guesses, &user(number), now), Ok(()));
            assert!(guesses.users.len() <= USERS_MAX);
        }
    }

    #[test]
    fn the_trail_is_told_of_few_that_are_not_looked_at() {
        let (mut guesses, begin) = (Guesses::default(), Clock::system().now());
        let seconds = (0..600).map(|it| begin + Duration::from_secs(it));
        let told = seconds.filter(|now| guesses.is_told(*now));
        assert_eq!(told.count(), 19);
    }
}
