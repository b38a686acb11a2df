//! What the audit trail is told of comings and goings: of whoever is let in, leaves, or lets
//! somebody try again, and of whoever is not let in.

use std::time::{Duration, Instant};

use metrics::counter;
use shared::audit::{Act, By};

use super::audit;
use super::per_asker::PerAsker;
use super::session::ACCOUNT_BYTES_MAX;
use super::state::ApiState;
use super::who::{Source, Who};
use crate::store::audit::Passing;
use crate::store::{Changing, StoreError};

/// Comings and goings of one account or user of which the audit has each, and after them one in so
/// long: who has two browsers and works from two places never has more in a day; a script has.
const AT_ONCE: u32 = 24;
const EACH: Duration = Duration::from_secs(15 * 60);

/// Sign-ins that were refused, by what the audit trail is told as the reason.
const SIGN_INS_REFUSED: &str = "idp_hub_sign_ins_refused_total";

/// Who comes or goes. No kind takes the room in the trail of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comer {
    /// An account of the hub, or a cloud administrator: few.
    Administrator,
    /// Any other user of the directory: as many as there are.
    User,
    /// Whoever lets a user try again: that is a change, and needs a lock that is there.
    Opener,
}

impl Comer {
    pub(super) const fn user(is_administrator: bool) -> Self {
        match is_administrator {
            true => Self::Administrator,
            false => Self::User,
        }
    }

    pub(super) const fn of(who: &Who) -> Self {
        match who {
            Who::Local | Who::Account(_) => Self::Administrator,
            Who::User(user) => Self::user(user.is_administrator),
        }
    }
}

/// Comings and goings of which the audit has heard, by who it was.
#[derive(Debug)]
pub(super) struct Visits {
    administrators: PerAsker,
    users: PerAsker,
    openers: PerAsker,
}

impl Default for Visits {
    fn default() -> Self {
        let few = || PerAsker::new(AT_ONCE, EACH);
        Self {
            administrators: few(),
            users: few(),
            openers: few(),
        }
    }
}

impl Visits {
    /// How often he came or went without a word in the audit, if this time may have one.
    pub(super) fn admit(&mut self, now: Instant, comer: Comer, asker: &str) -> Option<u64> {
        let visits = match comer {
            Comer::Administrator => &mut self.administrators,
            Comer::User => &mut self.users,
            Comer::Opener => &mut self.openers,
        };
        visits.admit(now, asker).ok()
    }
}

/// A coming or going of which the trail is told.
#[derive(Debug)]
pub(super) struct Visit {
    comer: Comer,
    act: Act,
}

/// What the trail is told of it that somebody came, went, or opened a lock; not each time, where
/// one does it over and over: the next entry of his says how often he did it without one. Nothing
/// where this one has none.
pub(super) fn visit(state: &ApiState, comer: Comer, asker: &str, act: Act) -> Option<Visit> {
    let act = match state.admit_visit(comer, asker)? {
        0 => act,
        left_out => act.with_outcome(format!(
            "done, and {left_out} times before this he came or went without an entry"
        )),
    };
    Some(Visit { comer, act })
}

/// Tells the audit trail of who came or went, if it is to be told.
pub(super) fn tell_visit(it: &mut Changing<'_>, visit: Option<Visit>) -> Result<(), StoreError> {
    let Some(Visit { comer, act }) = visit else {
        return Ok(());
    };
    match comer {
        Comer::Administrator => it.audit_passing(Passing::Administrator, act),
        Comer::User => it.audit_passing(Passing::Visit, act),
        Comer::Opener => it.audit(act).map(drop),
    }
}

/// What the audit trail is told of an account, or a user of the directory, that comes or goes.
pub(super) fn signing((kind, name): (&str, &str), source: Source, action: &str) -> Act {
    let by = By::new(name, source.to_string());
    Act::new(by, action).on(kind, "", name)
}

/// Nobody was refused yet. The other reasons are seen when they first come.
pub(super) fn begin_counting() {
    for reason in ["wrong-password", "locked", "region-away"] {
        counter!(SIGN_INS_REFUSED, "reason" => reason).increment(0);
    }
}

/// Counts a sign-in that is refused, and tells the trail, and the log, of one in a while.
pub(super) fn note_refused(
    state: &ApiState,
    source: Source,
    (kind, account): (&str, &str),
    reason: &'static str,
) {
    const ACTION: &str = "sign-in";
    counter!(SIGN_INS_REFUSED, "reason" => reason).increment(1);
    if let Some(silenced) = state.admit_refusal(ACTION, reason) {
        let shown = ..account.floor_char_boundary(ACCOUNT_BYTES_MAX);
        let account = account.get(shown).unwrap_or_default();
        let act = signing((kind, account), source, ACTION);
        let act = audit::outcome(act, reason, silenced);
        state.store.audit_soon(Passing::Stranger, act);
        tracing::warn!(
            target: "audit", action = ACTION, account, %source, reason, silenced, "refused"
        );
    }
}
