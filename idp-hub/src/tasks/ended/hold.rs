//! Until when users do not sign in at a hub that was restored. Pure: time is an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::store::RegionNo;

/// An agent of an earlier release does not say that it has told what ended: once it has the
/// directory, it does so within a second or two, and one that could not write that down tries again
/// after ten. So many leave room for one that is busy besides.
const SAYS_WITHIN: Duration = Duration::from_secs(15);

/// An agent that said it before, is there, and says nothing for so long is one that was put back to
/// an earlier release, or hangs: it is not waited for, and had no say either.
const OWES_WITHIN: Duration = Duration::from_secs(5 * 60);

/// A region that has not said anything after so long is waited for no longer, where another one
/// has: a site that is away for a week must not keep all users out.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// What a region's agent said of whether it has told what ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// That it has.
    Given,
    /// Nothing since the restore, but before: it will, unless it was put back to an earlier
    /// release.
    Owed,
    /// Nothing ever: it is of an earlier release, or was when the backup was made.
    Unknown,
}

/// How a merged region stands at a look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) no: RegionNo,
    /// Up to which change of the directory its agent holds it, if it is there and can tell what it
    /// finds by it.
    pub(super) held: Option<u64>,
    /// How many changes there are.
    pub(super) head: u64,
    /// Whether all that it has told of its organization by now is here, as of this hub's life: what
    /// ended is told with it, and waits behind what changed since the backup.
    pub(super) has_told: bool,
    pub(super) word: Word,
}

/// What was heard of the regions since the hub began.
#[derive(Debug)]
pub(super) struct Hold {
    began: Instant,
    /// Up to which change of the directory each had to be told first.
    heads: BTreeMap<RegionNo, u64>,
    /// Since when each has that, and nothing that it told is on its way. Of those alone that say
    /// nothing themselves.
    since: BTreeMap<RegionNo, Instant>,
    /// When that was first so of those that said it before.
    owes: BTreeMap<RegionNo, Instant>,
    /// Which had their say.
    heard: BTreeSet<RegionNo>,
}

impl Hold {
    pub(super) const fn begun(now: Instant) -> Self {
        Self {
            began: now,
            heads: BTreeMap::new(),
            since: BTreeMap::new(),
            owes: BTreeMap::new(),
            heard: BTreeSet::new(),
        }
    }

    /// Which had their say.
    pub(super) fn heard(&self) -> BTreeSet<RegionNo> {
        self.heard.clone()
    }

    /// Looks at the merged regions. Once users may sign in, those are returned that had no say.
    pub(super) fn look(&mut self, now: Instant, regions: &[Seen]) -> Option<BTreeSet<RegionNo>> {
        let mut silent = BTreeSet::new();
        for seen in regions {
            if self.is_silent(now, seen) {
                silent.insert(seen.no);
            }
        }
        let all = regions.iter().map(|it| it.no);
        let (heard, away): (BTreeSet<_>, BTreeSet<_>) = all.partition(|it| self.heard.contains(it));
        let is_late = now.saturating_duration_since(self.began) >= PATIENCE;
        let is_over = away.is_subset(&silent) || (is_late && !heard.is_empty());
        is_over.then_some(away)
    }

    /// Looks whether a region had its say. Tells whether it is waited for no longer without that.
    fn is_silent(&mut self, now: Instant, seen: &Seen) -> bool {
        let no = seen.no;
        // What is changed later has nothing to do with who was deleted before.
        let head = *self.heads.entry(no).or_insert(seen.head);
        let is_there = seen.has_told && seen.held.is_some_and(|it| it >= head);
        match seen.word {
            // It stands behind all that it is about, and is here.
            Word::Given => {
                self.heard.insert(no);
            }
            Word::Owed => {
                self.since.remove(&no);
                if !is_there {
                    return false;
                }
                let since = *self.owes.entry(no).or_insert(now);
                return now.saturating_duration_since(since) >= OWES_WITHIN;
            }
            Word::Unknown if is_there => {
                let since = *self.since.entry(no).or_insert(now);
                if now.saturating_duration_since(since) >= SAYS_WITHIN {
                    self.heard.insert(no);
                }
            }
            Word::Unknown => {
                self.since.remove(&no);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use shared::runtime::clock::Clock;

    use super::*;

    const NORTH: RegionNo = RegionNo(1);
    const SOUTH: RegionNo = RegionNo(2);

    fn begun() -> (Hold, Instant) {
        let now = Clock::system().now();
        (Hold::begun(now), now)
    }

    fn seen(no: RegionNo, held: Option<u64>, head: u64) -> Seen {
        Seen {
            no,
            held,
            head,
            has_told: true,
            word: Word::Unknown,
        }
    }

    /// Whether it is, so many seconds after it was begun, where north gives this word.
    fn is_over(hold: &mut Hold, begin: Instant, seconds: u64, word: Word) -> bool {
        let now = begin + Duration::from_secs(seconds);
        let north = Seen {
            word,
            ..seen(NORTH, Some(7), 7)
        };
        hold.look(now, &[north]).is_some()
    }

    #[test]
    fn an_agents_own_word_counts_at_once_and_is_waited_for_where_it_gives_one() {
        let (mut hold, begin) = begun();
        let mut after = |seconds, word| is_over(&mut hold, begin, seconds, word);
        assert!(!after(0, Word::Owed));
        assert!(
            !after(60, Word::Owed),
            "its disk may be full, or its agent hang"
        );
        assert!(after(61, Word::Given));
        assert!(after(62, Word::Owed), "said is said");
        // It is away since, and much that it told is on its way.
        let (mut hold, now) = begun();
        let away = Seen {
            word: Word::Given,
            has_told: false,
            ..seen(NORTH, None, 7)
        };
        assert_eq!(hold.look(now, &[away]), Some(BTreeSet::new()));
        // One that was upgraded since the backup gives the first here.
        let (mut hold, begin) = begun();
        let mut after = |seconds, word| is_over(&mut hold, begin, seconds, word);
        assert!(!after(0, Word::Unknown));
        assert!(after(2, Word::Given));
    }

    #[test]
    fn an_agent_that_was_put_back_to_an_earlier_release_is_waited_for_some_minutes() {
        let owes = |no, held| Seen {
            word: Word::Owed,
            ..seen(no, held, 7)
        };
        let (mut hold, begin) = begun();
        let mut after =
            |seconds, regions: &[Seen]| hold.look(begin + Duration::from_secs(seconds), regions);
        let north = [owes(NORTH, Some(7))];
        assert_eq!(after(0, &[owes(NORTH, Some(6))]), None, "it is told");
        assert_eq!(after(10, &north), None);
        let telling = Seen {
            has_told: false,
            ..owes(NORTH, Some(7))
        };
        assert_eq!(after(310, &[telling]), None, "its word may be on its way");
        let without = BTreeSet::from([NORTH]);
        assert_eq!(after(311, &north), Some(without), "and this is said");
        // One that is away is waited for, whatever others owe.
        let both = [owes(NORTH, Some(7)), seen(SOUTH, None, 5)];
        assert_eq!(after(312, &both), None);
        let gone = [owes(NORTH, None), owes(SOUTH, None)];
        assert_eq!(after(100_000, &gone), None, "nobody had a say");
    }

    #[test]
    fn users_wait_until_each_region_has_the_directory_and_a_moment_to_say_what_of_it_ended() {
        let (mut hold, begin) = begun();
        let mut after = |seconds, north, south| {
            let now = begin + Duration::from_secs(seconds);
            // The directory goes on meanwhile.
            let regions = [seen(NORTH, north, 7 + seconds), seen(SOUTH, south, 5)];
            hold.look(now, &regions).map(|it| it.len())
        };
        assert_eq!(after(0, None, None), None);
        assert_eq!(after(1, Some(7), Some(4)), None, "south has not all of it");
        assert_eq!(after(16, Some(7), Some(5)), None, "it has only just now");
        // North had its say, and may go; south goes before its own, and begins anew.
        assert_eq!(after(20, None, None), None);
        assert_eq!(after(22, None, Some(5)), None);
        assert_eq!(after(36, None, Some(5)), None);
        assert_eq!(after(37, None, Some(9)), Some(0));
        let (mut hold, now) = begun();
        assert_eq!(hold.look(now, &[]), Some(BTreeSet::new()));
    }

    #[test]
    fn a_region_had_no_say_while_what_it_tells_is_on_its_way() {
        let (mut hold, begin) = begun();
        let mut after = |seconds, has_told| {
            let now = begin + Duration::from_secs(seconds);
            let south = seen(SOUTH, None, 5);
            let north = Seen {
                has_told,
                ..seen(NORTH, Some(7), 7)
            };
            let open = hold.look(now, &[north, south]);
            (open.is_some(), hold.heard.contains(&NORTH))
        };
        // It has the directory at once, and was live in the backup.
        assert_eq!(after(0, false), (false, false));
        assert_eq!(after(600, false), (false, false), "it is told for long");
        assert_eq!(after(601, true), (false, false));
        assert_eq!(after(610, true), (false, false));
        // Much changed meanwhile, behind which its word may wait.
        assert_eq!(after(612, false), (false, false));
        assert_eq!(after(613, true), (false, false));
        assert_eq!(after(627, true), (false, false));
        assert_eq!(after(628, true), (false, true));
        assert_eq!(after(640, false), (false, true), "it was said all the same");
        assert_eq!(after(900, false), (true, true));
    }

    #[test]
    fn one_that_is_away_for_long_keeps_users_out_no_longer_than_another_one_had_its_say() {
        let (mut hold, begin) = begun();
        let regions = |north| [seen(NORTH, north, 7), seen(SOUTH, None, 5)];
        assert_eq!(hold.look(begin, &regions(None)), None);
        let late = begin + PATIENCE * 3;
        assert_eq!(hold.look(late, &regions(None)), None, "nobody had one");
        assert_eq!(hold.look(late, &regions(Some(7))), None);
        let said = late + SAYS_WITHIN;
        let away = BTreeSet::from([SOUTH]);
        assert_eq!(hold.look(said, &regions(Some(7))), Some(away));

        let (mut hold, begin) = begun();
        hold.look(begin, &regions(Some(7)));
        let early = begin + PATIENCE - Duration::from_secs(1);
        assert_eq!(hold.look(early, &regions(Some(7))), None);
        let late = begin + PATIENCE;
        assert!(hold.look(late, &regions(None)).is_some());
    }
}
