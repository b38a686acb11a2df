//! How many credentials are tried at Keystone: so few for each account, whoever gives them, that it
//! does not lock it. Pure: time is an argument.
//!
//! Each is counted before it is tried, so that who hangs up evades nothing, and given back where it
//! was not refused. Keystone counts what it refuses until the account signs in
//! (`[security_compliance] lockout_failure_attempts`, of which operators allow five or six); this
//! agent's own sign-in spends some of them, see the sign-in's pauses.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use shared::model::Folded;

use crate::allowance::{Allowance, Twofold};
use crate::cloud::openstack::Auth;

/// Refused ones of an account that may follow one another: typing errors.
const AT_ONCE: u32 = 2;

/// After them one in so long.
const EACH: Duration = Duration::from_secs(30 * 60);

/// Refused ones of an account in a day, and after them one a day: one that is not signed in with
/// meanwhile, as by a token that lives for a day, is not locked by many days' tries either.
const A_DAY: u32 = 4;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Credentials from the hub that may be of no use one after another, all accounts together.
const HUB_AT_ONCE: u32 = 5;

/// After them one in so long: a hub that was taken over guesses no faster.
const HUB_EACH: Duration = Duration::from_secs(60);

/// Accounts that are remembered. By the hub's allowance above, it names fewer in a day, after which
/// each is forgotten; the rest is for those on this machine.
const ACCOUNTS_MAX: usize = 4096;

/// Whose credential it is, as coarsely as any Keystone compares names; in whichever domain, as that
/// has two names, of which one may be unknown here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Account {
    User(Folded),
    Application(String),
}

impl From<&Auth> for Account {
    fn from(auth: &Auth) -> Self {
        match auth {
            Auth::ApplicationCredential { id, .. } => Self::Application(id.clone()),
            Auth::Password { username, .. } => Self::User(Folded::new(username)),
        }
    }
}

/// Who gives a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Giver {
    /// The region's own administrators, by a command or the configuration.
    Here,
    /// The hub.
    Hub,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It does.
    Does,
    /// It signs in, and is of no use.
    Useless,
    /// Keystone refuses it.
    Refused,
    /// Nobody answered.
    Unanswered,
}

/// Too many were tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// Of this account.
    #[error(
        "too many credentials of {account} were refused lately, and Keystone may lock it; the next \
         one is tried in {} min", whole_minutes(*wait)
    )]
    Account {
        /// Whose.
        account: String,
        /// When the next one is tried.
        wait: Duration,
    },
    /// From the hub.
    #[error(
        "too many credentials from the hub were of no use lately; the next is looked at in {} s",
        wait.as_millis().div_ceil(1000)
    )]
    Hub {
        /// When the next one is.
        wait: Duration,
    },
    /// Of all accounts.
    #[error("too many accounts were tried lately; try again tomorrow, or restart the agent")]
    All,
}

const fn whole_minutes(wait: Duration) -> u64 {
    wait.as_secs().div_ceil(60)
}

/// What was tried lately.
#[derive(Debug)]
pub struct Tries {
    accounts: BTreeMap<Account, Twofold>,
    hub: Allowance,
}

/// An account's, of which none was refused.
const fn full() -> Twofold {
    Twofold::new(Allowance::new(AT_ONCE, EACH), Allowance::new(A_DAY, DAY))
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            accounts: BTreeMap::new(),
            hub: Allowance::new(HUB_AT_ONCE, HUB_EACH),
        }
    }
}

impl Tries {
    /// Counts a try that is about to be made.
    ///
    /// # Errors
    /// If it must not be made: nothing is counted then.
    pub fn begin(&mut self, auth: &Auth, giver: Giver, now: Instant) -> Result<(), TooMany> {
        if giver == Giver::Hub {
            self.hub.admit(now).map_err(|wait| TooMany::Hub { wait })?;
        }
        if self.accounts.len() >= ACCOUNTS_MAX {
            self.accounts.retain(|_, it| !it.is_full(now));
        }
        let has_room = self.accounts.len() < ACCOUNTS_MAX;
        let refused = match self.accounts.entry(auth.into()) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) if has_room => place.insert(full()),
            Entry::Vacant(_) => return Err(TooMany::All),
        };
        refused.admit(now).map_err(|wait| TooMany::Account {
            account: auth.shown(),
            wait,
        })?;
        refused.count(now);
        if giver == Giver::Hub {
            self.hub.count(now);
        }
        Ok(())
    }

    /// What came of a try that was begun. One that is broken off stays counted.
    pub fn end(&mut self, auth: &Auth, giver: Giver, tried: Tried) {
        let account = Account::from(auth);
        match tried {
            Tried::Refused => {}
            // Keystone, too, forgets what it refused before.
            Tried::Does | Tried::Useless => drop(self.accounts.remove(&account)),
            Tried::Unanswered => {
                if let Some(it) = self.accounts.get_mut(&account) {
                    it.give_back();
                }
            }
        }
        if giver == Giver::Hub && matches!(tried, Tried::Does | Tried::Unanswered) {
            self.hub.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;
    use crate::cloud::openstack::{Domain, Secret};

    fn of(user: &str, domain: &str) -> Auth {
        Auth::Password {
            username: user.to_owned(),
            password: Secret::new("guess"),
            user_domain: Domain::Name(domain.to_owned()),
            project_name: "admin".to_owned(),
            project_domain: Domain::Name(domain.to_owned()),
        }
    }

    fn refused(tries: &mut Tries, auth: &Auth, giver: Giver, now: Instant) -> Result<(), TooMany> {
        tries.begin(auth, giver, now)?;
        tries.end(auth, giver, Tried::Refused);
        Ok(())
    }

    #[test]
    fn no_account_is_refused_often_enough_to_be_locked_whoever_gives_and_however_it_is_written() {
        let (mut tries, begin) = (Tries::default(), Clock::system().now());
        let given = [
            (of("admin", "Default"), Giver::Hub),
            (of("ADMIN ", "default"), Giver::Here),
        ];
        for (auth, giver) in &given {
            assert_eq!(refused(&mut tries, auth, *giver, begin), Ok(()));
        }
        for (auth, giver) in &given {
            let told = refused(&mut tries, auth, *giver, begin).unwrap_err();
            assert!(told.to_string().ends_with("tried in 30 min"), "{told}");
        }
        let other = of("carol", "Default");
        assert_eq!(refused(&mut tries, &other, Giver::Hub, begin), Ok(()));
        // Asked each minute of a day.
        let minutes = (1..24 * 60).map(|it| begin + Duration::from_secs(60 * it));
        let passed = minutes.filter(|now| {
            let auth = of("Ádmin", "d1");
            refused(&mut tries, &auth, Giver::Here, *now).is_ok()
        });
        assert_eq!(passed.count(), 2, "four of a day");
    }

    #[test]
    fn who_hangs_up_is_counted_and_what_works_or_meets_nobody_is_given_back() {
        let (mut tries, now) = (Tries::default(), Clock::system().now());
        let (auth, giver) = (of("admin", "Default"), Giver::Hub);
        for tried in [Tried::Unanswered, Tried::Does].repeat(10) {
            assert_eq!(tries.begin(&auth, giver, now), Ok(()), "{tried:?}");
            tries.end(&auth, giver, tried);
        }
        for _ in 0..AT_ONCE {
            assert_eq!(tries.begin(&auth, giver, now), Ok(()));
        }
        let told = tries.begin(&auth, giver, now).unwrap_err();
        assert!(matches!(told, TooMany::Account { .. }), "{told}");
    }

    #[test]
    fn the_hub_has_few_for_all_accounts_together() {
        let (mut tries, now) = (Tries::default(), Clock::system().now());
        let auth = |no: u32| of(&format!("user {no}"), "Default");
        for no in 0..HUB_AT_ONCE {
            assert_eq!(tries.begin(&auth(no), Giver::Hub, now), Ok(()));
            tries.end(&auth(no), Giver::Hub, Tried::Useless);
        }
        let told = tries.begin(&auth(9), Giver::Hub, now).unwrap_err();
        assert_eq!(told, TooMany::Hub { wait: HUB_EACH });
        assert_eq!(tries.begin(&auth(9), Giver::Here, now), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgotten_after_a_day() {
        let (mut tries, now) = (Tries::default(), Clock::system().now());
        for no in 0..ACCOUNTS_MAX {
            let auth = of(&no.to_string(), "Default");
            assert_eq!(tries.begin(&auth, Giver::Here, now), Ok(()));
        }
        let auth = of("one more", "Default");
        assert_eq!(tries.begin(&auth, Giver::Here, now), Err(TooMany::All));
        assert_eq!(tries.begin(&auth, Giver::Here, now + DAY), Ok(()));
        assert_eq!(tries.accounts.len(), 1);
    }
}
