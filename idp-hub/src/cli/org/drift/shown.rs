//! Drift, failures and progress as text. Names and errors are strangers' words: one line each.

use shared::foreign;

use super::super::super::output::{Screen, headers};
use super::super::super::prompt::YES;
use super::DriftPolicy;
use crate::api::{
    CountsDocument, CuredDocument, DifferenceDocument, ProgressDocument, RemarkDocument,
};

/// Characters of an id that are shown.
const ID_CHARS: usize = 12;

/// What differs, and what to do next.
pub(super) fn drift(all: &[RemarkDocument], screen: Screen) -> String {
    if all.is_empty() {
        return "Nothing differs from the directory. `idp-hub org status` shows how far it is \
                applied."
            .to_owned();
    }
    let mut table = screen.table();
    table.set_header(headers([
        "REGION", "KIND", "NAME", "DIFFERS", "SINCE", "ID",
    ]));
    for it in all {
        let differs = it.differences.iter().map(difference);
        let differs: Vec<String> = differs.collect();
        table.add_row([
            foreign::line(&it.region),
            it.kind.clone(),
            foreign::line(&it.name),
            differs.join("\n"),
            it.since.0.clone(),
            short(it).to_owned(),
        ]);
    }
    let mut text = table.trim_fmt();
    let (open, closed): (Vec<_>, Vec<_>) =
        (all.iter()).partition(|it| it.can_put_back || it.can_adopt);
    if let Some(first) = open.first() {
        let (region, id) = (foreign::line(&first.region), short(first));
        text.push_str(&format!(
            "\n\nThe region's value becomes everybody's, or the directory's is put back there:\n  \
             next: idp-hub org drift adopt {region} {id}\n    or: idp-hub org drift put-back \
             {region} {id}"
        ));
    }
    let mut steps: Vec<String> = closed.iter().map(|it| step(it)).collect();
    steps.dedup();
    if !steps.is_empty() {
        text.push_str("\n\nOf the others:");
    }
    for step in steps {
        text.push_str(&format!("\n  {step}"));
    }
    text
}

/// An id's beginning, which tells it from a thousand others and does not break a table's line.
fn short(it: &RemarkDocument) -> &str {
    it.id.get(..ID_CHARS).unwrap_or(&it.id)
}

fn step(it: &RemarkDocument) -> String {
    let (kind, name) = (&it.kind, foreign::line(&it.name));
    format!("{kind} {name:?}: {}", foreign::line(&it.next_step))
}

fn difference(it: &DifferenceDocument) -> String {
    let said = |value: &Option<String>| match value {
        Some(value) => format!("{:?}", foreign::line(value)),
        None => "none".to_owned(),
    };
    match it.what.as_str() {
        "deleted" => "deleted in the region".to_owned(),
        "created-here" => "made in the region".to_owned(),
        "link-given" => "given in the region".to_owned(),
        "link-taken" => "taken away in the region".to_owned(),
        "password" => "the password may not be set there".to_owned(),
        "quota" => "the limits may not be set there".to_owned(),
        "missing" => "may not be made there".to_owned(),
        "surplus" => "may not be removed there".to_owned(),
        "not-in-directory" => "the directory says nothing of it".to_owned(),
        what => format!(
            "{what}: directory {}, region {}",
            said(&it.directory),
            said(&it.cloud)
        ),
    }
}

/// Asks before drift is cured.
pub(super) fn question(count: usize, how: &str) -> String {
    let what = match how {
        "adopt" => "Adopt the region's value into the directory, and so into every region",
        _ => "Put the directory's value back in the region",
    };
    format!("{what}, of {count}? Type {YES} to go on: ")
}

/// What came of it.
pub(super) fn cured(done: &[CuredDocument], refused: &[String], how: &str) -> String {
    let new = done.iter().filter(|it| it.changed).count();
    let before = done.len().saturating_sub(new);
    let mut text = match how {
        "adopt" => format!("Adopted {new} into the directory; every region is told at once."),
        _ => format!(
            "The agent is told to put {new} back; `idp-hub org drift` shows when it is done."
        ),
    };
    if before > 0 {
        text.push_str(&format!(" {before} were so, or were said, before."));
    }
    for it in refused {
        text.push_str(&format!("\n  not done: {}", foreign::line(it)));
    }
    text
}

/// What a policy means.
pub(super) const fn policy(policy: DriftPolicy) -> &'static str {
    match policy {
        DriftPolicy::Ask => "Drift there is shown from now on, and waits for an administrator.",
        DriftPolicy::PutBack => "Drift there is put back from now on, where that can be.",
        DriftPolicy::Adopt => {
            "Drift there is adopted into the directory from now on, where nothing ends by it; what \
             is given or switched on there waits for an administrator."
        }
    }
}

/// How far each region is, then what failed.
pub(super) fn status(
    regions: &[ProgressDocument],
    failures: &[RemarkDocument],
    screen: Screen,
) -> String {
    if regions.is_empty() {
        return "There are no regions yet. Invite one: idp-hub region invite NAME".to_owned();
    }
    let mut table = screen.table();
    table.set_header(headers([
        "REGION",
        "IN PLACE",
        "DONE",
        "LEFT",
        "FAILED",
        "DRIFT",
        "ABOUT DRIFT",
        "NOTE",
    ]));
    for it in regions {
        table.add_row(row(it));
    }
    let mut text = table.trim_fmt();
    let shown = failures.len();
    let all: u64 = (regions.iter())
        .filter_map(|it| it.progress.as_ref())
        .map(|it| it.failed)
        .sum();
    if shown > 0 {
        text.push_str("\n\nNot applied:");
    }
    for it in failures {
        text.push_str(&format!("\n  {}", failure(it)));
    }
    if all > shown as u64 && shown > 0 {
        text.push_str(&format!("\n  {shown} of {all} are shown"));
    }
    if regions.iter().any(has_drift) {
        text.push_str("\n\n  next: idp-hub org drift");
    }
    text
}

fn has_drift(it: &ProgressDocument) -> bool {
    it.progress.as_ref().is_some_and(|it| it.drift > 0)
}

fn row(it: &ProgressDocument) -> [String; 8] {
    let Some(counts) = &it.progress else {
        let note = match it.merged {
            true => "its agent has said nothing yet",
            false => "not merged: idp-hub org plan",
        };
        let none = String::new;
        let region = foreign::line(&it.region);
        let note = note.to_owned();
        return [region, none(), none(), none(), none(), none(), none(), note];
    };
    [
        foreign::line(&it.region),
        format!("{} of {}", counts.in_place, counts.desired),
        percent(counts),
        left(counts),
        counts.failed.to_string(),
        counts.drift.to_string(),
        it.policy.clone(),
        note(counts),
    ]
}

/// Rounded down, so that only what is all in place is 100 %.
fn percent(it: &CountsDocument) -> String {
    match it.desired {
        0 => "100 %".to_owned(),
        all => format!("{} %", it.in_place.saturating_mul(100) / all),
    }
}

fn left(it: &CountsDocument) -> String {
    let rest = it.under_way.saturating_add(it.waiting);
    match it.left_s {
        _ if rest == 0 => "nothing".to_owned(),
        Some(seconds @ 0..=90) => format!("{rest}, {seconds} s"),
        Some(seconds) => format!("{rest}, {} min", seconds.div_ceil(60)),
        None => format!("{rest}, nobody can say how long"),
    }
}

fn note(it: &CountsDocument) -> String {
    let mut notes = Vec::new();
    if let Some(why) = &it.paused {
        notes.push(format!("paused: {}", foreign::line(why)));
    }
    if it.read_only {
        notes.push("its policy takes no changes".to_owned());
    }
    if it.removals_held > 0 {
        notes.push(format!("{} removals follow later", it.removals_held));
    }
    notes.join("; ")
}

fn failure(it: &RemarkDocument) -> String {
    let (region, name) = (foreign::line(&it.region), foreign::line(&it.name));
    let error = foreign::line(it.error.as_deref().unwrap_or_default());
    let tried = match it.tries {
        Some(tries) => format!(" (tried {tries} times since {})", it.since.0),
        None => String::new(),
    };
    format!("{region}: {} {name:?}: {error}{tried}", it.kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::arguments::Format;

    fn squeezed(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn remark(kind: &str, what: &str, can: bool) -> RemarkDocument {
        let document = json!({
            "region": "north", "id": "0123", "kind": kind, "name": "an\u{1b}[8mn",
            "state": "drift", "why": "region", "since": "2026-11-26T10:00:00Z",
            "differences": [{ "what": what, "directory": "ann", "cloud": "anna" }],
            "next_step": "do this", "can_put_back": can, "can_adopt": can, "seen": "07",
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn drift_says_what_differs_and_what_to_type_next() {
        let all = [
            remark("user", "name", true),
            remark("group", "created-here", false),
        ];
        let text = drift(&all, Screen::new(Format::Json));
        assert!(!text.contains('\u{1b}'), "{text}");
        let text = squeezed(&text);
        for expected in [
            "next: idp-hub org drift adopt north 0123",
            "or: idp-hub org drift put-back north 0123",
            "Of the others: group",
            "do this",
        ] {
            assert!(text.contains(expected), "{expected}:\n{text}");
        }
        let it = difference(&all[0].differences[0]);
        assert_eq!(it, "name: directory \"ann\", region \"anna\"");
    }

    #[test]
    fn status_says_how_far_each_region_is() {
        let regions = json!([
            { "region": "home", "merged": true, "policy": "ask", "progress": {
                "desired": 300, "in_place": 299, "under_way": 1, "waiting": 0,
                "removals_held": 0, "failed": 1, "drift": 2, "left_s": 200,
                "read_only": false, "told": "2026-11-26T10:00:00Z" } },
            { "region": "north", "merged": false, "policy": "ask" },
        ]);
        let regions: Vec<ProgressDocument> = serde_json::from_value(regions).unwrap();
        let mut failed = remark("user", "name", false);
        failed.error = Some("403 at keystone; give it the role".to_owned());
        failed.tries = Some(3);
        let text = squeezed(&status(&regions, &[failed], Screen::new(Format::Table)));
        for expected in [
            "299 of 300",
            "99 %",
            "403 at keystone; give it the role (tried 3 times since 2026-11-26T10:00:00Z)",
            "next: idp-hub org drift",
        ] {
            assert!(text.contains(expected), "{expected}:\n{text}");
        }
    }
}
