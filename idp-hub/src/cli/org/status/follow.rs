//! What is new at each look. Pure.

use std::collections::BTreeMap;

use super::shown;
use crate::api::ProgressDocument;

/// So many looks in a row find everything in place before it is taken for so: an agent tells its
/// counts a second after what it did, and so they may be from before it was told what is new.
const LOOKS_MIN: u32 = 4;

/// So many looks in a row at which nothing has changed, and nothing is left but what failed, is
/// held back or is away: longer than one batch of removals waits for the next, and than a Keystone
/// takes for a moment's trouble.
const STUCK_LOOKS: u32 = 90;

/// The same whatever is left: no order takes as long, nor does a reading that goes on.
const SILENT_LOOKS: u32 = 600;

/// How following ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Every merged region was in place for a while.
    InPlace,
    /// Nothing goes on, and not all is in place.
    Stuck,
}

/// What was shown of each region last.
#[derive(Debug, Default)]
pub(super) struct Following {
    shown: BTreeMap<String, String>,
    /// How each stood at the last look.
    stood: Vec<Standing>,
    in_place: u32,
    /// Looks since anything has changed.
    same: u32,
    is_stuck: bool,
}

/// How a region stands, but for what changes while nothing goes on: its name, whether it is away,
/// what it was not told, up to which change it was, and its counts. What is not told is counted so
/// far only, and counts stand still until all of a first merge is told.
type Standing = (String, bool, Option<u64>, Option<u64>, Option<[u64; 6]>);

impl Following {
    /// Takes what is seen now, and returns lines of those regions of which anything is new.
    pub(super) fn look(&mut self, regions: &[ProgressDocument]) -> Vec<String> {
        let merged = || regions.iter().filter(|it| it.merged);
        let count = |count: u32, goes_on: bool| match goes_on {
            true => count.saturating_add(1),
            false => 0,
        };
        self.in_place = count(self.in_place, merged().all(is_in_place));
        self.is_stuck = merged().all(|it| is_in_place(it) || is_stuck(it));
        let stand: Vec<Standing> = merged().map(standing).collect();
        self.same = count(self.same, stand == self.stood);
        self.stood = stand;
        let mut new = Vec::new();
        for it in merged() {
            let line = shown::line(it);
            if self.shown.get(&it.region) != Some(&line) {
                new.push(line.clone());
                self.shown.insert(it.region.clone(), line);
            }
        }
        new
    }

    /// Whether there is nothing more to follow.
    pub(super) const fn end(&self) -> Option<End> {
        if self.in_place >= LOOKS_MIN {
            return Some(End::InPlace);
        }
        let is_stuck = self.is_stuck && self.same >= STUCK_LOOKS;
        match is_stuck || self.same >= SILENT_LOOKS {
            true => Some(End::Stuck),
            false => None,
        }
    }
}

/// The regions that are not in place, each in a line.
pub(super) fn unfinished(regions: &[ProgressDocument]) -> Vec<String> {
    let all = regions.iter().filter(|it| it.merged && !is_in_place(it));
    all.map(shown::line).collect()
}

fn standing(it: &ProgressDocument) -> Standing {
    let counts = it.progress.as_ref();
    let counts = counts.map(|it| {
        [
            it.in_place,
            it.under_way,
            it.waiting,
            it.removals_held,
            it.failed,
            it.drift,
        ]
    });
    (
        it.region.clone(),
        it.away_since.is_some(),
        it.untold,
        it.acknowledged,
        counts,
    )
}

/// Whether nothing goes on there by itself: its agent is away, gives its cloud nothing, or has
/// nothing left but what failed or is held back, for good by a policy that takes no changes, and
/// what waits for that.
fn is_stuck(it: &ProgressDocument) -> bool {
    if it.away_since.is_some() {
        return true;
    }
    it.untold == Some(0)
        && it.progress.as_ref().is_some_and(|it| {
            let is_held_up = it.failed > 0 || it.removals_held > 0 || it.read_only;
            it.paused.is_some() || (it.under_way == 0 && is_held_up)
        })
}

/// Whether nothing is left to be done there. What differs, and stays so, waits for an
/// administrator.
fn is_in_place(it: &ProgressDocument) -> bool {
    let counts = it.progress.as_ref();
    it.away_since.is_none()
        && it.untold == Some(0)
        && counts.is_some_and(|it| {
            let left = [it.under_way, it.waiting, it.removals_held, it.failed];
            left == [0; 4]
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::directory::UNTOLD_MAX;

    fn region(name: &str, in_place: u64, untold: u64) -> ProgressDocument {
        let document = json!({
            "region": name, "merged": true, "policy": "ask", "untold": untold, "progress": {
                "desired": 300, "in_place": in_place, "under_way": 300 - in_place, "waiting": 0,
                "removals_held": 0, "failed": 0, "drift": 0, "left_s": 40,
                "read_only": false, "told": "2026-11-26T10:00:00Z" } });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_line_is_of_what_changed_and_the_end_is_where_all_that_is_merged_is_in_place() {
        let mut following = Following::default();
        let mut unmerged = region("south", 0, 0);
        unmerged.merged = false;
        let mut seen = [region("home", 300, 0), region("north", 120, 0), unmerged];
        let expected = [
            "home: 300 of 300 in place, 100 %, left: nothing",
            "north: 120 of 300 in place, 40 %, left: 180, 40 s",
        ];
        assert_eq!(following.look(&seen), expected);
        assert!(following.look(&seen).is_empty(), "nothing is new");
        seen[1] = region("north", 300, 2);
        let expected = ["north: 300 of 300 in place, 99 %, left: 2 not told yet"];
        assert_eq!(following.look(&seen), expected);
        seen[1] = region("north", 300, 0);
        for look in 1..=LOOKS_MIN {
            assert_eq!(following.end(), None, "{look}: its counts may be older");
            following.look(&seen);
        }
        assert_eq!(following.end(), Some(End::InPlace));
    }

    /// After how many looks following ends that sees this each time, and how.
    fn ends_after(seen: &[ProgressDocument]) -> (u32, End) {
        let mut following = Following::default();
        let ends = (1..2000).find_map(|look| {
            following.look(seen);
            following.end().map(|end| (look, end))
        });
        ends.unwrap()
    }

    #[test]
    fn what_failed_is_held_back_or_is_away_ends_it_after_a_while_and_what_goes_on_does_not() {
        let home = region("home", 300, 0);
        let with = |change: fn(&mut ProgressDocument)| {
            let mut it = region("north", 300, 0);
            change(&mut it);
            [home.clone(), it]
        };
        let away = with(|it| it.away_since = Some(it.progress.as_ref().unwrap().told.clone()));
        let failed = with(|it| {
            let counts = it.progress.as_mut().unwrap();
            (counts.in_place, counts.failed, counts.waiting) = (290, 4, 6);
        });
        let held = with(|it| it.progress.as_mut().unwrap().removals_held = 3);
        let paused = with(|it| {
            let counts = it.progress.as_mut().unwrap();
            (counts.under_way, counts.paused) = (3, Some("503 at keystone".to_owned()));
        });
        let read_only = with(|it| {
            let counts = it.progress.as_mut().unwrap();
            (counts.in_place, counts.waiting, counts.read_only) = (259, 41, true);
        });
        for seen in [away, failed.clone(), held, paused, read_only] {
            assert_eq!(ends_after(&seen), (STUCK_LOOKS + 1, End::Stuck), "{seen:?}");
            assert_eq!(unfinished(&seen).len(), 1);
        }
        // One order may take long; what is to be read first, too; and whoever never spoke.
        let busy = with(|it| it.progress.as_mut().unwrap().under_way = 1);
        let reading = with(|it| it.progress.as_mut().unwrap().waiting = 1);
        let silent = with(|it| (it.untold, it.progress) = (None, None));
        for seen in [busy, reading, silent] {
            assert_eq!(
                ends_after(&seen),
                (SILENT_LOOKS + 1, End::Stuck),
                "{seen:?}"
            );
        }

        // While another one goes on, nobody stops looking.
        let mut following = Following::default();
        let mut seen = failed;
        for done in 0..300 {
            seen[0] = region("home", done, 0);
            following.look(&seen);
            assert_eq!(following.end(), None, "{done}");
        }
    }

    #[test]
    fn a_first_merge_that_is_told_for_long_goes_on_as_long_as_it_is_acknowledged() {
        let mut following = Following::default();
        let mut seen = region("north", 0, UNTOLD_MAX);
        for look in 0..3 * u64::from(SILENT_LOOKS) {
            // On a slow link it comes in large batches.
            seen.acknowledged = Some(look / 60);
            following.look(std::slice::from_ref(&seen));
            assert_eq!(following.end(), None, "{look}");
        }
        assert_eq!(ends_after(&[seen]), (SILENT_LOOKS + 1, End::Stuck));
    }

    #[test]
    fn whoever_is_away_or_failed_or_never_spoke_is_not_in_place() {
        let good = region("home", 300, 0);
        assert!(is_in_place(&good));
        let mut away = good.clone();
        away.away_since = Some(away.progress.as_ref().unwrap().told.clone());
        let mut unknown = good.clone();
        unknown.untold = None;
        let mut silent = good.clone();
        silent.progress = None;
        let mut held = good.clone();
        held.progress.as_mut().unwrap().removals_held = 1;
        let mut failed = good;
        failed.progress.as_mut().unwrap().failed = 1;
        for it in [away, unknown, silent, held, failed] {
            assert!(!is_in_place(&it), "{it:?}");
        }
    }
}
