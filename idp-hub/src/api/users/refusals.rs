//! The last time that each user was not let in, and why: for whoever may give him a password, as he
//! himself is told what anybody is. Pure: time is an argument.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared::ids::ObjectId;
use shared::model::UnixMillis;
use utoipa::ToSchema;

use crate::api::documents::Time;
use crate::api::who::Source;

/// Users that are remembered, some 100 bytes each. Who was refused longest ago makes room.
const USERS_MAX: usize = 8192;

/// Whom the hub did not let in, when last. In memory: a hub that is started anew has forgotten it.
#[derive(Debug, Default)]
pub(in crate::api) struct Refusals(HashMap<ObjectId, Refusal>);

/// That a user was not let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal {
    at: UnixMillis,
    source: Source,
    reason: &'static str,
}

impl Refusals {
    /// A user is not let in.
    pub(in crate::api) fn add(
        &mut self,
        at: UnixMillis,
        user: ObjectId,
        (source, reason): (Source, &'static str),
    ) {
        if self.0.len() >= USERS_MAX && !self.0.contains_key(&user) {
            let oldest = self.0.iter().min_by_key(|(_, it)| it.at);
            if let Some(oldest) = oldest.map(|(user, _)| *user) {
                self.0.remove(&oldest);
            }
        }
        let refusal = Refusal { at, source, reason };
        self.0.insert(user, refusal);
    }

    /// The last time of his.
    pub(super) fn last(&self, user: ObjectId) -> Option<Refusal> {
        self.0.get(&user).copied()
    }
}

/// That a user was not let in at the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusalDocument {
    /// When.
    pub at: Time,
    /// From which address; it need not have been himself.
    pub source: String,
    /// Why, as the audit trail says it, such as `wrong-password` or `region-away`.
    pub reason: String,
    /// The same in words, with what helps.
    pub detail: String,
}

impl From<Refusal> for RefusalDocument {
    fn from(it: Refusal) -> Self {
        Self {
            at: it.at.into(),
            source: it.source.to_string(),
            reason: it.reason.to_owned(),
            detail: in_words(it.reason).to_owned(),
        }
    }
}

fn in_words(reason: &str) -> &'static str {
    match reason {
        "wrong-password" => "the password was wrong",
        "locked" => "too many passwords were wrong lately; `idp-hub org unlock` lets the user in",
        "region-busy" => "too many users waited for the region that knows the password; try again",
        "region-away" => {
            "the region that knows the password was away, or its agent has told no key; bring it \
             back, or set a password"
        }
        "region-unable" => {
            "the region that knows the password could not check it, as its Keystone is away or too \
             many were wrong there: see `sp-agent audit list` there, or set a password"
        }
        "region-silent" => {
            "the region that knows the password did not answer in time; try again, or set a \
             password"
        }
        "password-expired" => {
            "the password is right, and expired in its region: change it there, or set one"
        }
        "needs-more" => {
            "the password is right, and its region wants a second factor, which the hub does not \
             know: set a password"
        }
        "beyond-region" => {
            "the user has the role `admin`, or administers something that did not come with his \
             region, so that its word for his password does not count: set one, with `idp-hub org \
             password`"
        }
        "disabled" => "the user or the department is switched off",
        "ended" => "the user was deleted meanwhile",
        _ => "the hub itself failed or was busy; try again, and see its log",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_refusal_of_each_user_is_kept_and_the_oldest_makes_room() {
        let mut refusals = Refusals::default();
        let user = |number: u32| ObjectId::from_random(number.into());
        for (at, number) in (0..=USERS_MAX as u32).enumerate() {
            let why = (Source(None), "wrong-password");
            refusals.add(UnixMillis(at as u64), user(number), why);
        }
        assert_eq!(refusals.0.len(), USERS_MAX);
        assert!(refusals.last(user(0)).is_none());
        let again = (Source(None), "region-away");
        refusals.add(UnixMillis(9000), user(1), again);
        assert_eq!(refusals.0.len(), USERS_MAX);
        let last = RefusalDocument::from(refusals.last(user(1)).unwrap());
        assert_eq!(
            (last.reason.as_str(), last.source.as_str()),
            ("region-away", "local socket")
        );
        assert_eq!(last.at.0, "1970-01-01T00:00:09.000Z");
    }
}
