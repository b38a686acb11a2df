//! Why somebody is not taken for the user that he says he is; and what he is told of it: one text,
//! no sooner than after one time, whatever the reason. So nobody learns from an answer which names
//! there are, which of them are locked, and whose region is away. The audit trail has the reason.

use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::api::problem::{Kind, Problem};
use crate::api::session::wrong;
use crate::api::state::ApiState;
use crate::store::StoreError;

/// A sign-in as a user is refused so long after it came, or later: within it a region's cloud that
/// is well tells of a password, and all that the hub itself does is done. As long as `login` waits
/// at a console (PAM's `FAIL_DELAY` is 3 s).
pub const REFUSED_AFTER: Duration = Duration::from_secs(2);

/// So long before that nobody waits for a turn any more: nobody is refused later because of it.
const TURN_MARGIN: Duration = Duration::from_millis(100);

/// Sign-ins as users that go on or wait for their refusal, some 20 KiB each: in
/// [`REFUSED_AFTER`], four times as many as the hub's hashes allow. Each address has few at once,
/// as each of them counts there before.
const GOING_ON_MAX: usize = 512;

/// Why he is not taken for it: what he may be told if he is known, and what the audit is.
#[derive(Debug)]
pub(in crate::api) struct Refused {
    /// What it is.
    pub(in crate::api) problem: Problem,
    /// What the audit is told.
    pub(in crate::api) reason: &'static str,
    /// For what it counts as a guess.
    pub(super) counts: Counts,
    /// Whether it says something of a name: a stranger is told what anybody is told.
    is_kept: bool,
}

/// For what a sign-in that was refused counts as a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// For the name, wherever from, and for where it came from.
    Everywhere,
    /// For the name alone: the region that knows him gave no answer, and it is not the fault of
    /// those who are where he is.
    ForName,
    /// For nothing: the hub itself failed, or was busy.
    Nowhere,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            reason: problem.kind().slug(),
            problem,
            counts: Counts::Nowhere,
            is_kept: false,
        }
    }
}

impl<E> From<E> for Refused
where
    E: Into<StoreError>,
{
    fn from(error: E) -> Self {
        Problem::from(error.into()).into()
    }
}

impl Refused {
    /// What says something of a name. It counts as a guess: where it would not, whoever tries on
    /// would learn by that what it is.
    pub(super) fn kept(reason: &'static str, problem: Problem) -> Self {
        Self {
            problem,
            reason,
            counts: Counts::Everywhere,
            is_kept: true,
        }
    }

    /// What a region gave no answer about.
    pub(super) fn unanswered(reason: &'static str, problem: Problem) -> Self {
        Self {
            counts: Counts::ForName,
            ..Self::kept(reason, problem)
        }
    }
}

/// A wrong password, whatever it is: also one that is his, and does not let him in. Where that did
/// not count, whoever guesses would see that it is his by how soon his next guess is heard.
pub(super) fn refused(reason: &'static str) -> Refused {
    Refused::kept(reason, wrong())
}

/// What no user is called. Told at once, as there is nothing to keep.
pub(super) fn nobodys_name() -> Refused {
    Refused {
        reason: Kind::WrongPassword.slug(),
        ..as_anybody().into()
    }
}

/// What everybody is told who is not let in.
fn as_anybody() -> Problem {
    let detail = "Wrong name or password; or the region that knows this account can't be reached \
                  now; or too many wrong passwords were given for it lately.";
    Problem::new(Kind::WrongPassword, detail).next_step(
        "Try again, and once more in a quarter of an hour; or ask an administrator, who sees why: \
         `idp-hub org show user`.",
    )
}

/// Sign-ins that go on, each until it is told what came of it.
#[derive(Debug)]
pub(in crate::api) struct SignIns {
    refused_after: Duration,
    places: Semaphore,
}

/// One of them.
pub(in crate::api) struct GoingOn<'a> {
    began: Instant,
    refused_after: Duration,
    _place: SemaphorePermit<'a>,
}

impl SignIns {
    pub(in crate::api) const fn new(refused_after: Duration) -> Self {
        Self {
            refused_after,
            places: Semaphore::const_new(GOING_ON_MAX),
        }
    }

    /// How long a turn to ask a region is waited for: whoever gets none is refused as late as
    /// anybody.
    pub(super) const fn turn_within(&self) -> Duration {
        self.refused_after.saturating_sub(TURN_MARGIN)
    }

    /// One more, before anything is counted or looked at.
    pub(in crate::api) fn begin(&self, now: Instant) -> Result<GoingOn<'_>, Problem> {
        let place = self.places.try_acquire();
        let _place = place.map_err(|_| {
            Problem::new(Kind::Unavailable, "Too many sign-ins wait already.")
                .retry_after(self.refused_after)
        })?;
        Ok(GoingOn {
            began: now,
            refused_after: self.refused_after,
            _place,
        })
    }
}

impl GoingOn<'_> {
    /// What a stranger is told, when it is time. What says nothing of a name is told as it is, and
    /// at once: it comes of where he asks from, or of the hub.
    pub(in crate::api) async fn told(self, state: &ApiState, refused: Refused) -> Problem {
        if !refused.is_kept {
            return refused.problem;
        }
        if let Some(time) = self.began.checked_add(self.refused_after) {
            state.clock.sleep_until(time).await;
        }
        as_anybody()
    }
}
