//! How a purge goes on: each region is asked, all delete it once all said that nothing is in it,
//! and what nobody has done after a week is no word any more.

use shared::model::{End, Purge, PurgeStep, UnixMillis};

use super::retired::Purging;

/// What one merged region is told, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When the administrator said so, by the hub's clock.
    pub at: UnixMillis,
    /// What it is told.
    pub step: PurgeStep,
    /// What it says.
    pub state: Purging,
}

/// What is to be done about a purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Next {
    /// Nothing: somebody else has to do something.
    Wait,
    /// The word is too old: no region is to act by it any more.
    Lapse,
    /// Every region found it empty: they are to delete it.
    Delete,
    /// Every region has purged it.
    End,
}

/// What is next for something that some merged regions were told to purge; `None` is one that was
/// not. `how` it ended in the directory; what lives again is nobody's to purge.
pub fn next(how: Option<End>, regions: &[Option<Told>], now: UnixMillis) -> Next {
    let told = || regions.iter().flatten();
    // One that was merged after the others were told has to be told, too: the command is given
    // again. What was purged once is told of where it came up again alone.
    let is_everywhere = how != Some(End::Retired) || regions.iter().all(Option::is_some);
    let is_any = told().next().is_some();
    if is_any && is_everywhere && told().all(|it| it.state == Purging::Done) {
        return Next::End;
    }
    let is_old = |it: &Told| it.step != PurgeStep::Lapsed && Purge::is_old(it.at, now);
    if told().any(is_old) {
        return Next::Lapse;
    }
    let agrees = |it: &Told| match it.state {
        Purging::Done | Purging::Ready => true,
        // It agreed, and has begun.
        _ => it.step == PurgeStep::Delete,
    };
    let is_asked = told().any(|it| it.step == PurgeStep::Ask);
    match how.is_some() && is_everywhere && is_asked && told().all(agrees) {
        true => Next::Delete,
        false => Next::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = UnixMillis(1_000);
    const SOON: UnixMillis = UnixMillis(2_000);

    fn told(step: PurgeStep, state: Purging) -> Option<Told> {
        Some(Told {
            at: AT,
            step,
            state,
        })
    }

    #[test]
    fn nothing_is_deleted_while_one_region_has_not_found_it_empty() {
        use PurgeStep::{Ask, Delete};
        let ready = told(Ask, Purging::Ready);
        let done = told(Ask, Purging::Done);
        let next = |all: &[Option<Told>]| super::next(Some(End::Retired), all, SOON);
        for other in [
            None,
            told(Ask, Purging::Waiting),
            told(Ask, Purging::Refused("1 image".to_owned())),
            told(PurgeStep::Lapsed, Purging::Lapsed),
        ] {
            assert_eq!(
                next(&[ready.clone(), other.clone()]),
                Next::Wait,
                "{other:?}"
            );
            assert_eq!(
                next(&[done.clone(), other.clone()]),
                Next::Wait,
                "{other:?}"
            );
        }
        assert_eq!(next(&[ready.clone(), ready.clone()]), Next::Delete);
        assert_eq!(next(&[ready.clone(), done.clone()]), Next::Delete);
        assert_eq!(next(&[done.clone(), done.clone()]), Next::End);
        // One that was merged later agrees too, while the others are at it.
        let begun = told(Delete, Purging::Waiting);
        assert_eq!(next(&[begun.clone(), ready.clone()]), Next::Delete);
        assert_eq!(next(&[begun.clone(), done]), Next::Delete);
        assert_eq!(next(&[begun, told(Delete, Purging::Done)]), Next::Wait);
        assert_eq!(next(&[]), Next::Wait);
        // What lives again is not deleted, and what was purged once is looked for where it is.
        let all = [ready.clone(), None];
        assert_eq!(super::next(Some(End::Deleted), &all, SOON), Next::Delete);
        assert_eq!(super::next(None, &[ready], SOON), Next::Wait);
    }

    #[test]
    fn a_word_that_nobody_followed_is_none_after_a_week() {
        let week = Purge::GOOD_FOR.as_millis() as u64;
        let (last, late) = (UnixMillis(AT.0 + week), UnixMillis(AT.0 + week + 1));
        let refused = Purging::Refused("1 image".to_owned());
        for step in [PurgeStep::Ask, PurgeStep::Delete] {
            let all = [told(step, refused.clone()), told(step, Purging::Done)];
            assert_eq!(next(Some(End::Retired), &all, last), Next::Wait);
            assert_eq!(next(Some(End::Retired), &all, late), Next::Lapse);
        }
        let lapsed = [told(PurgeStep::Lapsed, Purging::Lapsed)];
        assert_eq!(next(Some(End::Retired), &lapsed, late), Next::Wait);
    }
}
