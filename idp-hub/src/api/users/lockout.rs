//! Locks the account of a user of the directory at whose password somebody guesses, wherever from.
//! Pure: time is an argument.
//!
//! The hub's own accounts have no such lock: a guesser must not lock out the administrator. Here it
//! also keeps a region's Keystone from being asked without end. A name that nobody has is locked in
//! the same way, so that the lock tells nothing.
//!
//! Where a user signed in lately, attempts at his account are counted apart: strangers lock it for
//! all who come from elsewhere, and him they do not keep out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use shared::ids::ObjectId;

use super::places::{Place, Places};

/// Wrong passwords that lock an account.
const WRONG_MAX: u32 = 10;

/// Within this time.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// For so long.
const LOCKED: Duration = Duration::from_secs(15 * 60);

/// Users that are remembered, some 100 bytes each, as many of them where they are known, and as
/// many names that nobody has: none takes another kind's place, however many a guesser invents. Who
/// failed least and longest ago makes room, but nobody who is locked: where all are, a newcomer has
/// to wait as well.
const REMEMBERED_MAX: usize = 8192;

/// Whose account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// A user's, from somewhere.
    User(ObjectId),
    /// A user's, from where he signed in lately.
    Known(ObjectId, Place),
    /// Nobody's: department and name as they were given, hashed.
    Nobody(u64),
}

/// At whose passwords somebody guesses, and who is known where. In memory: a hub that is started
/// anew has forgotten who guessed.
#[derive(Debug, Default)]
pub(in crate::api) struct Lockout {
    users: Remembered,
    known: Remembered,
    nobodies: Remembered,
    places: Places,
}

#[derive(Debug, Default)]
struct Remembered(HashMap<Whose, Wrong>);

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    first: Instant,
    last: Instant,
}

impl Wrong {
    fn locked(&self, now: Instant) -> Duration {
        match self.count >= WRONG_MAX {
            true => LOCKED.saturating_sub(now.saturating_duration_since(self.last)),
            false => Duration::ZERO,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        match self.count >= WRONG_MAX {
            true => self.locked(now).is_zero(),
            false => now.saturating_duration_since(self.first) >= WINDOW,
        }
    }

    fn count_at(&self, now: Instant) -> u32 {
        match self.is_over(now) {
            true => 0,
            false => self.count,
        }
    }
}

impl Lockout {
    /// By what attempts at a user's account are counted that come from there.
    pub(super) fn whose(&self, now: Instant, user: ObjectId, place: Place) -> Whose {
        match self.places.has(now, user, place) {
            true => Whose::Known(user, place),
            false => Whose::User(user),
        }
    }

    /// Asks for an attempt. It counts as wrong until it is said to be right, so that many at once
    /// get no further than one after the other.
    ///
    /// # Errors
    /// How long the account is locked.
    pub(super) fn attempt(&mut self, now: Instant, whose: Whose) -> Result<(), Duration> {
        let is_nobody = matches!(whose, Whose::Nobody(_));
        match self.of(&whose).attempt(now, whose) {
            // There is nobody to guard: only the answer must be that to a user's name.
            Err(Full::All(_)) if is_nobody => Ok(()),
            Err(Full::All(left) | Full::One(left)) => Err(left),
            Ok(()) => Ok(()),
        }
    }

    /// The password was right. What is wrong elsewhere stays counted: he buys strangers no guesses
    /// by coming and going.
    pub(super) fn right(&mut self, now: Instant, whose: &Whose, (user, place): (ObjectId, Place)) {
        self.of(whose).0.remove(whose);
        self.places.add(now, user, place);
    }

    /// A user signed in from there, before the hub was started.
    pub(super) fn signed_in(&mut self, at: Instant, user: ObjectId, place: Place) {
        self.places.add(at, user, place);
    }

    /// How many users signed in from there lately.
    pub(super) fn users_at(&self, now: Instant, place: Place) -> usize {
        self.places.users_at(now, place)
    }

    /// How long a user's account is locked yet, wherever he comes from.
    pub(super) fn locked_for(&self, now: Instant, user: ObjectId) -> Option<Duration> {
        let known = self.known.0.iter();
        let known = known.filter(|(whose, _)| is_of(whose, user));
        let all = known.chain(self.users.0.get_key_value(&Whose::User(user)));
        let left = all.map(|(_, wrong)| wrong.locked(now));
        left.max().filter(|it| !it.is_zero())
    }

    /// Forgets who guessed at a user's password.
    pub(super) fn open(&mut self, user: ObjectId) {
        self.users.0.remove(&Whose::User(user));
        self.known.0.retain(|whose, _| !is_of(whose, user));
    }

    /// The password could not be looked at.
    pub(super) fn take_back(&mut self, whose: &Whose) {
        if let Some(wrong) = self.of(whose).0.get_mut(whose) {
            wrong.count = wrong.count.saturating_sub(1);
        }
    }

    const fn of(&mut self, whose: &Whose) -> &mut Remembered {
        match whose {
            Whose::User(_) => &mut self.users,
            Whose::Known(..) => &mut self.known,
            Whose::Nobody(_) => &mut self.nobodies,
        }
    }
}

fn is_of(whose: &Whose, user: ObjectId) -> bool {
    matches!(whose, Whose::User(it) | Whose::Known(it, _) if *it == user)
}

/// Who has to wait, and how long.
#[derive(Debug)]
enum Full {
    /// The one who was asked about, as he is locked.
    One(Duration),
    /// Whoever is not remembered yet, as all who are, are locked.
    All(Duration),
}

impl Remembered {
    fn attempt(&mut self, now: Instant, whose: Whose) -> Result<(), Full> {
        if let Some(wrong) = self.0.get_mut(&whose) {
            let left = wrong.locked(now);
            if !left.is_zero() {
                return Err(Full::One(left));
            }
            if wrong.is_over(now) {
                (wrong.count, wrong.first) = (0, now);
            }
            wrong.count = wrong.count.saturating_add(1);
            wrong.last = now;
            return Ok(());
        }
        self.make_room(now).map_err(Full::All)?;
        let wrong = Wrong {
            count: 1,
            first: now,
            last: now,
        };
        self.0.insert(whose, wrong);
        Ok(())
    }

    fn make_room(&mut self, now: Instant) -> Result<(), Duration> {
        if self.0.len() < REMEMBERED_MAX {
            return Ok(());
        }
        let open = self.0.iter().filter(|(_, it)| it.locked(now).is_zero());
        let least = open.min_by_key(|(_, it)| (it.count_at(now), it.last));
        match least.map(|(whose, _)| whose.clone()) {
            Some(least) => {
                self.0.remove(&least);
                Ok(())
            }
            None => {
                let left = self.0.values().map(|it| it.locked(now));
                Err(left.min().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;
    use crate::api::who::Source;

    const ANN: Whose = Whose::Nobody(1);

    fn place(last: u8) -> Place {
        Place::from(Source(Some([192, 0, 2, last].into())))
    }

    fn right(lockout: &mut Lockout, now: Instant) {
        lockout.right(now, &ANN, (ObjectId::from_random(1), place(1)));
    }

    #[test]
    fn ten_wrong_ones_lock_for_a_quarter_of_an_hour() {
        let (mut lockout, now) = (Lockout::default(), Clock::system().now());
        for second in 0..10 {
            let now = now + Duration::from_secs(second);
            assert_eq!(lockout.attempt(now, ANN), Ok(()));
        }
        let now = now + Duration::from_secs(9);
        assert_eq!(lockout.attempt(now, ANN), Err(LOCKED));
        let late = now + LOCKED - Duration::from_secs(1);
        assert_eq!(lockout.attempt(late, ANN), Err(Duration::from_secs(1)));
        assert_eq!(lockout.attempt(late, Whose::Nobody(2)), Ok(()));
        for _ in 0..10 {
            assert_eq!(lockout.attempt(now + LOCKED, ANN), Ok(()));
        }
        assert_eq!(lockout.attempt(now + LOCKED, ANN), Err(LOCKED));
    }

    #[test]
    fn a_right_one_and_time_are_forgiving() {
        let (mut lockout, mut now) = (Lockout::default(), Clock::system().now());
        for _ in 0..100 {
            for _ in 0..9 {
                assert_eq!(lockout.attempt(now, ANN), Ok(()));
            }
            right(&mut lockout, now);
        }
        for _ in 0..100 {
            now += WINDOW / 9;
            assert_eq!(lockout.attempt(now, ANN), Ok(()));
        }
        right(&mut lockout, now);
        for _ in 0..100 {
            assert_eq!(lockout.attempt(now, ANN), Ok(()));
            lockout.take_back(&ANN);
        }
    }

    #[test]
    fn strangers_keep_nobody_out_from_where_he_signed_in_and_get_no_guesses_by_him() {
        let (mut lockout, mut now) = (Lockout::default(), Clock::system().now());
        let (carol, home) = (ObjectId::from_random(3), place(1));
        let first = lockout.whose(now, carol, home);
        assert_eq!(first, Whose::User(carol));
        lockout.right(now, &first, (carol, home));
        let mut guesses = 0;
        for _ in 0..100 {
            now += Duration::from_secs(1);
            let stranger = lockout.whose(now, carol, place(2));
            guesses += u32::from(lockout.attempt(now, stranger).is_ok());
            let hers = lockout.whose(now, carol, home);
            assert_eq!(lockout.attempt(now, hers.clone()), Ok(()));
            lockout.right(now, &hers, (carol, home));
        }
        assert_eq!(guesses, WRONG_MAX);
        // Whoever is where she is guesses no more often than elsewhere.
        let hers = lockout.whose(now, carol, home);
        let tries = (0..100).filter(|_| lockout.attempt(now, hers.clone()).is_ok());
        assert_eq!(tries.count(), WRONG_MAX as usize);
        assert_eq!(lockout.locked_for(now, carol), Some(LOCKED));
        lockout.open(carol);
        assert_eq!(lockout.locked_for(now, carol), None);
        for place in [home, place(2)] {
            let whose = lockout.whose(now, carol, place);
            assert_eq!(lockout.attempt(now, whose), Ok(()));
        }
    }

    #[test]
    fn invented_names_push_out_nobody_who_is_locked() {
        let (mut lockout, now) = (Lockout::default(), Clock::system().now());
        for _ in 0..10 {
            assert_eq!(lockout.attempt(now, ANN), Ok(()));
        }
        for name in 2..10_000 {
            assert_eq!(lockout.attempt(now, Whose::Nobody(name)), Ok(()));
        }
        assert_eq!(lockout.nobodies.0.len(), REMEMBERED_MAX);
        assert_eq!(lockout.attempt(now, ANN), Err(LOCKED));
    }

    #[test]
    fn invented_names_between_guesses_buy_a_guesser_no_more_of_them() {
        for whose in [Whose::User(ObjectId::from_random(3)), ANN] {
            let (mut lockout, mut now) = (Lockout::default(), Clock::system().now());
            let mut looked_at = 0;
            for guess in 1..30 {
                now += Duration::from_secs(1);
                looked_at += u32::from(lockout.attempt(now, whose.clone()).is_ok());
                if guess == WRONG_MAX - 1 {
                    now += Duration::from_secs(1);
                    for name in 10..10 + REMEMBERED_MAX as u64 {
                        assert_eq!(lockout.attempt(now, Whose::Nobody(name)), Ok(()));
                    }
                }
            }
            assert_eq!(looked_at, WRONG_MAX, "{whose:?}");
        }
    }

    #[test]
    fn names_that_nobody_has_take_no_users_place_however_often_each_of_them_fails() {
        let (mut lockout, now) = (Lockout::default(), Clock::system().now());
        let carol = Whose::User(ObjectId::from_random(3));
        assert_eq!(lockout.attempt(now, carol.clone()), Ok(()));
        for name in 0..REMEMBERED_MAX as u64 {
            for _ in 0..WRONG_MAX {
                assert_eq!(lockout.attempt(now, Whose::Nobody(name)), Ok(()));
            }
        }
        assert_eq!(lockout.attempt(now, Whose::Nobody(0)), Err(LOCKED));
        assert!(lockout.users.0.contains_key(&carol));
        let another = Whose::User(ObjectId::from_random(4));
        for newcomer in [Whose::Nobody(1 << 40), another] {
            assert_eq!(lockout.attempt(now, newcomer), Ok(()), "both alike");
        }
    }

    #[test]
    fn who_failed_long_ago_makes_room_before_whoever_fails_now() {
        let (mut lockout, begin) = (Lockout::default(), Clock::system().now());
        let user = |number| Whose::User(ObjectId::from_random(number));
        for _ in 1..WRONG_MAX {
            assert_eq!(lockout.attempt(begin, user(0)), Ok(()));
        }
        let late = begin + WINDOW;
        for number in 1..=REMEMBERED_MAX as u128 {
            assert_eq!(lockout.attempt(late, user(number)), Ok(()));
        }
        assert_eq!(lockout.users.0.len(), REMEMBERED_MAX);
        assert!(!lockout.users.0.contains_key(&user(0)));
    }
}
