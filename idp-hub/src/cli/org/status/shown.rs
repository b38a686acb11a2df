//! Progress and failures as text. Names and errors are strangers' words: one line each.

use shared::foreign;
use shared::model::UnixMillis;

use super::super::super::moment::ago;
use super::super::super::output::Screen;
use super::failures;
use crate::api::{CountsDocument, ProgressDocument, RemarkDocument};
use crate::store::directory::UNTOLD_MAX;

/// How far each region is, then what failed.
pub(super) fn status(
    regions: &[ProgressDocument],
    failed: &[RemarkDocument],
    now: UnixMillis,
    screen: Screen,
) -> String {
    if regions.is_empty() {
        return "There are no regions yet. Invite one: idp-hub region invite NAME".to_owned();
    }
    let (counted, others): (Vec<_>, Vec<_>) = regions.iter().partition(|it| it.progress.is_some());
    let mut parts = Vec::new();
    if !counted.is_empty() {
        parts.push(counts(&counted, now, screen));
    }
    if !others.is_empty() {
        let others = others.into_iter().map(|it| {
            let [region, .., note] = row(it, now);
            format!("{region}: {note}")
        });
        parts.push(others.collect::<Vec<String>>().join("\n"));
    }
    let mut text = parts.join("\n\n");
    let shown = failed.len();
    let all: u64 = (regions.iter())
        .filter_map(|it| it.progress.as_ref())
        .map(|it| it.failed)
        .sum();
    if shown > 0 {
        text.push_str("\n\nNot applied:");
    }
    for line in failures::lines(failed, now) {
        text.push_str(&format!("\n  {line}"));
    }
    if all > shown as u64 && shown > 0 {
        text.push_str(&format!("\n  {shown} of {all} are shown"));
    }
    if regions.iter().any(has_drift) {
        text.push_str("\n\n  next: idp-hub org drift");
    }
    text
}

/// Regions by their counts. Those that have none stand below, as their notes would have no more
/// room here than the counts of all others leave them.
fn counts(regions: &[&ProgressDocument], now: UnixMillis, screen: Screen) -> String {
    let names = [
        "REGION",
        "IN PLACE",
        "DONE",
        "LEFT",
        "FAILED",
        "DRIFT",
        "ABOUT DRIFT",
        "NOTE",
    ];
    screen.listed(names, regions.iter().map(|it| row(it, now)))
}

fn has_drift(it: &ProgressDocument) -> bool {
    it.progress.as_ref().is_some_and(|it| it.drift > 0)
}

fn row(it: &ProgressDocument, now: UnixMillis) -> [String; 8] {
    let away = it.away_since.as_ref();
    let note = note(it, away.map(|it| format!("away for {}", ago(it, now))));
    let Some(counts) = &it.progress else {
        let none = String::new;
        let region = foreign::line(&it.region);
        return [region, none(), none(), none(), none(), none(), none(), note];
    };
    [
        foreign::line(&it.region),
        format!("{} of {}", counts.in_place, counts.desired),
        percent(it, counts),
        left(it, counts),
        counts.failed.to_string(),
        counts.drift.to_string(),
        it.policy.clone(),
        note,
    ]
}

/// The same of one region in a line of its own, which says the same for as long as nothing changes.
pub(super) fn line(it: &ProgressDocument) -> String {
    let away = it.away_since.as_ref();
    let note = note(it, away.map(|it| format!("away since {}", it.0)));
    let region = foreign::line(&it.region);
    let Some(counts) = &it.progress else {
        return format!("{region}: {note}");
    };
    let mut parts = vec![format!(
        "{region}: {} of {} in place",
        counts.in_place, counts.desired
    )];
    parts.push(percent(it, counts));
    parts.push(format!("left: {}", left(it, counts)));
    for (count, what) in [(counts.failed, "failed"), (counts.drift, "differ")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.push(note);
    parts.retain(|it| !it.is_empty());
    parts.join(", ")
}

/// Whether nobody knows what its agent was not told: then its counts say nothing of how far it is.
fn is_unknown(it: &ProgressDocument) -> bool {
    it.merged && it.untold.is_none() && it.away_since.is_some()
}

/// Rounded down, so that only what is all in place is 100 %. What the agent was not told is none of
/// it.
fn percent(it: &ProgressDocument, counts: &CountsDocument) -> String {
    let all = counts.desired.saturating_add(it.untold.unwrap_or(0));
    match all {
        _ if is_unknown(it) => String::new(),
        0 => "100 %".to_owned(),
        all => format!("{} %", counts.in_place.saturating_mul(100) / all),
    }
}

fn left(it: &ProgressDocument, counts: &CountsDocument) -> String {
    let rest = counts.under_way.saturating_add(counts.waiting);
    let mut parts = Vec::new();
    match (rest, counts.left_s) {
        (0, _) => {}
        _ if it.away_since.is_some() => parts.push(rest.to_string()),
        _ if counts.read_only => parts.push(format!("{rest} stay undone")),
        (_, Some(seconds @ 0..=90)) => parts.push(format!("{rest}, {seconds} s")),
        (_, Some(seconds)) => parts.push(format!("{rest}, {} min", seconds.div_ceil(60))),
        (_, None) => parts.push(format!("{rest}, nobody can say how long")),
    }
    match it.untold {
        None | Some(0) => {}
        Some(untold) if untold < UNTOLD_MAX => parts.push(format!("{untold} not told yet")),
        Some(untold) => parts.push(format!("{untold} or more not told yet")),
    }
    if is_unknown(it) {
        parts.push("not known".to_owned());
    }
    match parts.is_empty() {
        true => "nothing".to_owned(),
        false => parts.join("; "),
    }
}

fn note(it: &ProgressDocument, away: Option<String>) -> String {
    let mut notes: Vec<String> = away.into_iter().collect();
    match &it.progress {
        None if it.merged => notes.push("its agent has said nothing yet".to_owned()),
        None => notes.push(format!(
            "not merged: idp-hub org plan {}",
            foreign::word(&it.region)
        )),
        Some(counts) => notes.extend(notes_of(counts)),
    }
    notes.join("; ")
}

fn notes_of(it: &CountsDocument) -> impl Iterator<Item = String> {
    let paused = it.paused.as_ref();
    let paused = paused.map(|why| format!("paused: {}", foreign::line(why)));
    let read_only = it
        .read_only
        .then(|| "its policy takes no changes".to_owned());
    let held = it.removals_held;
    let held = (held > 0).then(|| format!("{held} held back by its policy, so many a minute"));
    [paused, read_only, held].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// 2026-11-26T10:05:00Z
    const NOW: UnixMillis = UnixMillis(1_795_687_500_000);

    fn region(document: Value) -> ProgressDocument {
        serde_json::from_value(document).unwrap()
    }

    fn home(more: &Value) -> ProgressDocument {
        let mut document = json!({
            "region": "home", "merged": true, "policy": "ask", "untold": 0, "progress": {
                "desired": 300, "in_place": 300, "under_way": 0, "waiting": 0,
                "removals_held": 0, "failed": 0, "drift": 0, "left_s": 0,
                "read_only": false, "told": "2026-11-26T10:00:00Z" } });
        for (name, value) in more.as_object().unwrap() {
            match value {
                Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
                value => document[name] = value.clone(),
            }
        }
        region(document)
    }

    fn squeezed(regions: &[ProgressDocument], failures: &[RemarkDocument]) -> String {
        let text = status(regions, failures, NOW, Screen::wide(80));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn status_says_how_far_each_region_is() {
        let regions = [
            region(
                json!({ "region": "home", "merged": true, "policy": "ask", "untold": 0,
                "progress": {
                    "desired": 300, "in_place": 299, "under_way": 1, "waiting": 0,
                    "removals_held": 0, "failed": 1, "drift": 2, "left_s": 200,
                    "read_only": false, "told": "2026-11-26T10:00:00Z" } }),
            ),
            region(json!({ "region": "north", "merged": false, "policy": "ask" })),
        ];
        let failed = json!({
            "region": "north", "id": "0123", "kind": "user", "name": "ann", "state": "failed",
            "since": "2026-11-26T10:00:00Z", "differences": [], "next_step": "do this",
            "can_put_back": false, "can_adopt": false, "seen": "07", "tries": 3,
            "error": "403 at keystone; give it the role",
        });
        let failed = serde_json::from_value(failed).unwrap();
        let text = squeezed(&regions, &[failed]);
        for expected in [
            "299 of 300",
            "99 %",
            "1, 4 min",
            "403 at keystone; give it the role (tried 3 times in 5 min)",
            "not merged",
            "next: idp-hub org drift",
        ] {
            assert!(text.contains(expected), "{expected}:\n{text}");
        }
    }

    #[test]
    fn what_no_change_is_taken_for_is_not_promised() {
        let mut it = home(&json!({}));
        let counts = it.progress.as_mut().unwrap();
        (counts.in_place, counts.waiting, counts.read_only) = (259, 41, true);
        counts.left_s = None;
        let text = line(&it);
        let said = "left: 41 stay undone, its policy takes no changes";
        assert!(text.ends_with(said), "{text}");
    }

    #[test]
    fn a_region_that_was_away_while_the_directory_was_changed_is_not_done() {
        let cells = |it: &ProgressDocument| {
            let [_, _, done, left, .., note] = row(it, NOW);
            [done, left, note]
        };
        assert_eq!(cells(&home(&json!({}))), ["100 %", "nothing", ""]);
        let untold = home(&json!({ "untold": 500 }));
        assert_eq!(cells(&untold), ["37 %", "500 not told yet", ""]);
        let since = "2026-11-26T10:00:00Z";
        let away = home(&json!({ "untold": 500, "away_since": since }));
        let note = "away for 5 min".to_owned();
        assert_eq!(cells(&away), ["37 %", "500 not told yet", &note]);
        // It may be a hub of which nobody knows what it told.
        let unknown = home(&json!({ "untold": null, "away_since": since }));
        assert_eq!(cells(&unknown), ["", "not known", &note]);
        // What was left then takes nobody knows how long.
        let mut busy = home(&json!({ "away_since": since }));
        let counts = busy.progress.as_mut().unwrap();
        (counts.in_place, counts.under_way, counts.left_s) = (240, 60, None);
        assert_eq!(cells(&busy), ["80 %", "60", &note]);
        let silent = home(&json!({ "progress": null, "away_since": since }));
        let note = format!("{note}; its agent has said nothing yet");
        assert_eq!(cells(&silent), ["", "", &note]);
    }

    #[test]
    fn a_region_that_is_away_is_one_line_of_eighty_columns() {
        let away = home(&json!({ "away_since": "2026-11-26T10:00:00.123Z" }));
        let text = status(&[away], &[], NOW, Screen::wide(80));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[1].ends_with("away for 4 min"), "{text}");
        assert!(lines.iter().all(|it| it.len() <= 80), "{text}");
    }

    #[test]
    fn a_region_of_which_nothing_is_known_is_one_line_of_eighty_columns() {
        let since = "2026-11-26T10:00:00Z";
        let silent = || home(&json!({ "progress": null, "away_since": since }));
        let north = || region(json!({ "region": "north", "merged": false, "policy": "ask" }));
        for (regions, lines) in [
            (vec![north()], 1),
            (vec![silent(), north()], 2),
            (vec![home(&json!({})), silent(), north()], 5),
        ] {
            let text = status(&regions, &[], NOW, Screen::wide(80));
            assert_eq!(text.lines().count(), lines, "{text}");
            assert!(text.lines().all(|it| it.len() <= 80), "{text}");
            assert!(
                text.ends_with("north: not merged: idp-hub org plan north"),
                "{text}"
            );
            let note = "home: away for 5 min; its agent has said nothing yet";
            assert_eq!(text.contains(note), lines > 1, "{text}");
        }
    }

    #[test]
    fn a_line_that_is_followed_does_not_change_with_the_time() {
        let since = "2026-11-26T10:00:00.123Z";
        let line = line(&home(&json!({ "away_since": since })));
        assert!(line.ends_with(&format!("away since {since}")), "{line}");
    }
}
