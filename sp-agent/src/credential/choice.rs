//! Which credential goes to work, and whether the configuration's is tried first. Pure.
//!
//! What works is kept. A credential that has not been proven takes the place of none that works: it
//! is tried beside it, also after a restart. Only where nothing is known to work at this Keystone,
//! the configuration's goes to work untried.

use std::time::Duration;

use shared::model::UnixMillis;

use super::{Counts, Doubt};
use crate::cloud::openstack::{Auth, Home};

/// The configuration's that was refused is tried again with the first reading or start after this.
/// An agent that is started again and again, or whose file is edited for something else, must not
/// lock the account; Keystone's own lock is mostly as long (`lockout_duration`).
const AGAIN: Duration = Duration::from_secs(30 * 60);

/// A credential that was proven at the configuration's Keystone, as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The credential.
    pub auth: Auth,
    /// Why it is kept.
    pub why: Why,
    /// The domains that its account and project live in.
    pub homes: Vec<Home>,
    /// It was kept for the configuration's credential as that is now.
    pub stands: bool,
}

/// Why a credential is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is the configuration's own, and works.
    Own,
    /// Somebody gave it instead of the configuration's.
    Given {
        /// When.
        at: UnixMillis,
        /// By whom.
        by: String,
    },
    /// It worked before the configuration's, which is refused.
    Former {
        /// Why that is refused.
        refused: String,
        /// Since when.
        at: UnixMillis,
    },
}

/// What is known when a configuration was read.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The configuration's credential.
    pub configured: &'a Auth,
    /// What was kept, if it is for the configuration's Keystone.
    pub kept: Option<&'a Kept>,
    /// What is at work at that Keystone; `None` at the start.
    pub at_work: Option<&'a Auth>,
    /// Why the configuration's, as it is now, was not at work until now.
    pub doubt: Option<&'a Doubt>,
    /// Somebody asks for the configuration to be read.
    pub is_asked: bool,
    /// The time.
    pub now: UnixMillis,
}

/// What goes to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The credential.
    pub auth: Auth,
    /// Which one it is.
    pub counts: Counts,
    /// The configuration's is to be proven, and to go to work once it is.
    pub is_tried: bool,
    /// It is what was kept, for this configuration: a start would find it again.
    pub is_kept: bool,
}

/// Decides.
pub fn choose(facts: Facts<'_>) -> Choice {
    let stands = facts.kept.filter(|it| it.stands);
    let kept = match stands.map(|it| (&it.why, it)) {
        Some((Why::Given { at, by }, it)) => {
            let (at, by) = (*at, by.clone());
            return Choice {
                auth: it.auth.clone(),
                counts: Counts::Given { at, by },
                is_tried: false,
                is_kept: true,
            };
        }
        Some((Why::Former { refused, at }, it)) => {
            let (text, at) = (refused.clone(), *at);
            Some((&it.auth, Doubt::Refused { text, at }))
        }
        Some((Why::Own, _)) | None => None,
    };
    let fallback = facts.at_work.or(facts.kept.map(|it| &it.auth));
    let Some(works) = fallback.filter(|it| *it != facts.configured) else {
        let is_kept = stands.is_some_and(|it| it.auth == *facts.configured);
        return Choice {
            auth: facts.configured.clone(),
            counts: Counts::Configured,
            is_tried: false,
            is_kept,
        };
    };
    let (works, doubt) = match kept {
        Some((works, doubt)) => (works, doubt),
        None => (works, facts.doubt.cloned().unwrap_or(Doubt::Untried)),
    };
    let is_tried = match &doubt {
        Doubt::Refused { at, .. } => facts.is_asked || facts.now.since(*at) >= AGAIN,
        Doubt::Untried | Doubt::Unanswered(_) => true,
    };
    Choice {
        auth: works.clone(),
        is_kept: facts.kept.is_some_and(|it| it.auth == *works),
        counts: Counts::Former { doubt },
        is_tried,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::openstack::Secret;

    const NOW: UnixMillis = UnixMillis(1_795_280_000_000);

    fn auth(secret: &str) -> Auth {
        Auth::ApplicationCredential {
            id: "a".to_owned(),
            secret: Secret::new(secret),
        }
    }

    fn kept(secret: &str, why: Why, stands: bool) -> Kept {
        Kept {
            auth: auth(secret),
            why,
            homes: Vec::new(),
            stands,
        }
    }

    fn given() -> Why {
        Why::Given {
            at: NOW,
            by: "me".to_owned(),
        }
    }

    fn refused(at: UnixMillis) -> Doubt {
        Doubt::Refused {
            text: "no".to_owned(),
            at,
        }
    }

    fn former(at: UnixMillis) -> Why {
        Why::Former {
            refused: "no".to_owned(),
            at,
        }
    }

    /// Of the configuration's "file".
    fn chosen(kept: Option<Kept>, at_work: Option<&str>, change: fn(&mut Facts<'_>)) -> Choice {
        let (configured, at_work) = (auth("file"), at_work.map(auth));
        let mut facts = Facts {
            configured: &configured,
            kept: kept.as_ref(),
            at_work: at_work.as_ref(),
            doubt: None,
            is_asked: false,
            now: NOW,
        };
        change(&mut facts);
        choose(facts)
    }

    fn is(choice: &Choice, secret: &str, counts: &Counts, is_tried: bool) {
        assert_eq!(choice.auth, auth(secret), "{choice:?}");
        assert_eq!((&choice.counts, choice.is_tried), (counts, is_tried));
    }

    const UNTRIED: Counts = Counts::Former {
        doubt: Doubt::Untried,
    };

    #[test]
    fn where_nothing_is_known_to_work_the_configurations_goes_to_work_and_is_kept_once_it_does() {
        let first = chosen(None, None, |_| {});
        is(&first, "file", &Counts::Configured, false);
        assert!(!first.is_kept);
        let again = chosen(Some(kept("file", Why::Own, true)), None, |_| {});
        is(&again, "file", &Counts::Configured, false);
        assert!(again.is_kept);
        // Given before, and since then written into the configuration.
        let moved = chosen(Some(kept("file", given(), false)), None, |_| {});
        is(&moved, "file", &Counts::Configured, false);
        assert!(!moved.is_kept);
    }

    #[test]
    fn what_was_given_counts_for_the_configuration_that_it_was_given_for() {
        let counts = Counts::Given {
            at: NOW,
            by: "me".to_owned(),
        };
        for at_work in [None, Some("old"), Some("file"), Some("given")] {
            let unasked = chosen(Some(kept("given", given(), true)), at_work, |_| {});
            let ask = |it: &mut Facts<'_>| it.is_asked = true;
            let asked = chosen(Some(kept("given", given(), true)), at_work, ask);
            for choice in [unasked, asked] {
                is(&choice, "given", &counts, false);
            }
        }
    }

    #[test]
    fn a_changed_configuration_is_tried_while_what_works_goes_on_also_by_a_start() {
        for why in [Why::Own, given(), former(NOW)] {
            let start = chosen(Some(kept("good", why, false)), None, |_| {});
            is(&start, "good", &UNTRIED, true);
        }
        let running = chosen(None, Some("good"), |_| {});
        is(&running, "good", &UNTRIED, true);
        assert!(!running.is_kept, "it could not be kept");
        let newer = chosen(Some(kept("stale", Why::Own, false)), Some("good"), |_| {});
        is(&newer, "good", &UNTRIED, true);
        // What is kept worked once, and is not what is at work: it is tried like any other.
        let stale = chosen(Some(kept("file", Why::Own, false)), Some("good"), |_| {});
        is(&stale, "good", &UNTRIED, true);
    }

    #[test]
    fn a_refused_one_is_tried_again_when_somebody_asks_or_after_a_while() {
        let before = UnixMillis(NOW.0 - 30 * 60 * 1000);
        let lately = UnixMillis(before.0 + 1);
        let ask: fn(&mut Facts<'_>) = |it| it.is_asked = true;
        for (at, change, is_tried) in [
            (before, (|_| {}) as fn(&mut Facts<'_>), true),
            (lately, |_| {}, false),
            (lately, ask, true),
            // The clock was set back.
            (UnixMillis(NOW.0 + 1), |_| {}, false),
        ] {
            let counts = Counts::Former { doubt: refused(at) };
            for at_work in [None, Some("good")] {
                let kept = kept("good", former(at), true);
                let choice = chosen(Some(kept), at_work, change);
                is(&choice, "good", &counts, is_tried);
                assert!(choice.is_kept);
            }
        }
    }

    #[test]
    fn what_could_not_be_kept_is_known_while_the_agent_runs() {
        let configured = auth("file");
        let works = auth("good");
        let doubt = refused(NOW);
        let facts = Facts {
            configured: &configured,
            kept: None,
            at_work: Some(&works),
            doubt: Some(&doubt),
            is_asked: false,
            now: NOW,
        };
        let counts = Counts::Former {
            doubt: refused(NOW),
        };
        is(&choose(facts), "good", &counts, false);
        let silent = Doubt::Unanswered("away".to_owned());
        let facts = Facts {
            doubt: Some(&silent),
            ..facts
        };
        let counts = Counts::Former {
            doubt: silent.clone(),
        };
        is(&choose(facts), "good", &counts, true);
    }
}
