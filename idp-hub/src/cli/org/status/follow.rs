//! What is new at each look. Pure.

use std::collections::BTreeMap;

use super::shown;
use crate::api::ProgressDocument;

/// So many looks in a row find everything in place before it is taken for so: an agent tells its
/// counts a second after what it did, and so they may be from before it was told what is new.
const LOOKS_MIN: u32 = 4;

/// What was shown of each region last.
#[derive(Debug, Default)]
pub(super) struct Following {
    shown: BTreeMap<String, String>,
    in_place: u32,
}

impl Following {
    /// Takes what is seen now, and returns lines of those regions of which anything is new.
    pub(super) fn look(&mut self, regions: &[ProgressDocument]) -> Vec<String> {
        let is_all = regions.iter().filter(|it| it.merged).all(is_in_place);
        self.in_place = match is_all {
            true => self.in_place.saturating_add(1),
            false => 0,
        };
        let mut new = Vec::new();
        for it in regions.iter().filter(|it| it.merged) {
            let line = shown::line(it);
            if self.shown.get(&it.region) != Some(&line) {
                new.push(line.clone());
                self.shown.insert(it.region.clone(), line);
            }
        }
        new
    }

    /// Whether every merged region was in place for a while.
    pub(super) const fn is_over(&self) -> bool {
        self.in_place >= LOOKS_MIN
    }
}

/// Whether nothing is left to be done there. What differs, and stays so, waits for an
/// administrator.
fn is_in_place(it: &ProgressDocument) -> bool {
    let counts = it.progress.as_ref();
    it.away_since.is_none()
        && it.untold == Some(0)
        && counts.is_some_and(|it| it.under_way == 0 && it.waiting == 0 && it.failed == 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            assert!(!following.is_over(), "{look}: its counts may be older");
            following.look(&seen);
        }
        assert!(following.is_over());
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
        let mut failed = good;
        failed.progress.as_mut().unwrap().failed = 1;
        for it in [away, unknown, silent, failed] {
            assert!(!is_in_place(&it), "{it:?}");
        }
    }
}
