//! What an audit may remove at its end.
//!
//! A service that answers by mistake with too little (a wrong scope, a restored database, a proxy
//! that leads to another cloud) looks like one where much was deleted. So where much is missing,
//! two audits in a row must miss it. What the first one missed is held in memory: after a restart
//! the next audit is a first one again, and removes later, never sooner.

use std::collections::HashSet;

use super::Held;
use super::audits::IdHash;

/// So few may go at once, whatever part of all they are, unless nothing would be left: a small
/// region must not wait.
const MISSING_MIN: u64 = 20;

/// One in so many may go at once.
const MISSING_SHARE: u64 = 5;

/// What an audit missed.
pub(super) type Missed = HashSet<IdHash>;

/// What becomes of records that an audit missed.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// These are gone.
    pub(super) gone: Missed,
    /// The next audit decides about these.
    pub(super) missed: Missed,
    /// How many they are, if any.
    pub(super) held: Option<Held>,
}

/// Decides about the records that an audit missed, of a part that held so many when it began.
/// `before` is what the audit before it missed and held.
pub(super) fn decide(missing: Missed, of: u64, before: &Missed) -> Verdict {
    if !is_too_much(missing.len() as u64, of) {
        return Verdict {
            gone: missing,
            ..Verdict::default()
        };
    }
    let (mut gone, new): (Missed, Missed) = missing.into_iter().partition(|id| before.contains(id));
    let of = of.saturating_sub(gone.len() as u64);
    if !is_too_much(new.len() as u64, of) {
        gone.extend(new);
        return Verdict {
            gone,
            ..Verdict::default()
        };
    }
    let missing = new.len() as u64;
    Verdict {
        gone,
        missed: new,
        held: Some(Held { missing, of }),
    }
}

/// Whether so many of so many are too much to be believed at once: many, or all of several.
const fn is_too_much(missing: u64, of: u64) -> bool {
    let are_many = missing > MISSING_MIN && missing.saturating_mul(MISSING_SHARE) > of;
    are_many || (missing > 1 && missing >= of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::audits::hash;

    fn ids(range: std::ops::Range<u64>) -> Missed {
        range.map(|id| hash(&id.to_be_bytes())).collect()
    }

    #[test]
    fn few_or_a_small_share_go_at_once() {
        for (missing, of, too_much) in [
            (0, 0, false),
            (1, 1, false),
            (2, 2, true),
            (1, 2, false),
            (19, 20, false),
            (20, 20, true),
            (21, 21, true),
            (21, 104, true),
            (21, 105, false),
            (200, 1000, false),
            (201, 1000, true),
            (u64::MAX, 1, true),
        ] {
            assert_eq!(is_too_much(missing, of), too_much, "{missing} of {of}");
        }
        let verdict = decide(ids(0..20), 21, &Missed::default());
        assert_eq!((verdict.gone.len(), verdict.held), (20, None));
    }

    #[test]
    fn too_much_goes_when_two_audits_miss_it() {
        let first = decide(ids(0..100), 200, &Missed::default());
        let held = Held {
            missing: 100,
            of: 200,
        };
        assert_eq!((first.gone.len(), first.held), (0, Some(held)));
        let second = decide(ids(0..100), 200, &first.missed);
        assert_eq!((second.gone.len(), second.held), (100, None));
    }

    #[test]
    fn what_only_one_of_them_missed_stays() {
        let first = decide(ids(0..100), 400, &Missed::default());
        let second = decide(ids(50..250), 400, &first.missed);
        assert_eq!(second.gone, ids(50..100));
        let held = Held {
            missing: 150,
            of: 350,
        };
        assert_eq!(second.held, Some(held));
        let third = decide(ids(100..250), 350, &second.missed);
        assert_eq!((third.gone.len(), third.held), (150, None));
    }

    #[test]
    fn an_audit_that_meets_them_again_forgets_the_doubt() {
        let first = decide(ids(0..100), 200, &Missed::default());
        let second = decide(ids(0..3), 200, &first.missed);
        assert_eq!((second.gone.len(), second.missed.len()), (3, 0));
        let third = decide(ids(0..100), 197, &second.missed);
        assert!(third.gone.is_empty() && third.held.is_some());
    }
}
