//! Drift as text. Names and values are strangers' words: one line each.

use shared::foreign::{self, word};
use shared::model::UnixMillis;

use super::super::super::moment::ago;
use super::super::super::output::Screen;
use super::super::super::prompt::YES;
use super::super::shown::named;
use super::DriftPolicy;
use crate::api::{CuredDocument, DifferenceDocument, RemarkDocument};

/// Characters of an id that are shown.
const ID_CHARS: usize = 12;

/// Behind the drift of all regions.
pub(super) const OF_A_REGION: &str = "\n\nWho has the role \"admin\" in a region, and not by the \
    directory, is told of one region: idp-hub org drift --region REGION";

/// What differs, and what to do next.
pub(super) fn drift(all: &[RemarkDocument], now: UnixMillis, screen: Screen) -> String {
    if all.is_empty() {
        return "Nothing differs from the directory. `idp-hub org status` shows how far it is \
                applied."
            .to_owned();
    }
    let rows = all.iter().map(|it| {
        let differs = it.differences.iter().map(difference);
        [
            foreign::line(&it.region),
            it.kind.clone(),
            foreign::name(&it.name),
            (it.department.as_ref()).map_or_else(String::new, |it| foreign::name(&it.name)),
            screen.several(&differs.collect::<Vec<_>>()),
            ago(&it.since, now),
            short(it).to_owned(),
        ]
    });
    let names = [
        "REGION",
        "KIND",
        "NAME",
        "DEPARTMENT",
        "DIFFERS",
        "FOR",
        "ID",
    ];
    let mut text = screen.listed(names, rows);
    let (open, closed): (Vec<_>, Vec<_>) =
        (all.iter()).partition(|it| it.can_put_back || it.can_adopt);
    if let Some(first) = open.first() {
        let (region, id) = (word(&first.region), short(first));
        text.push_str(&format!(
            "\n\nThe region's value becomes everybody's, or the directory's is put back there:\n  \
             next: idp-hub org drift adopt {region} {id}\n    or: idp-hub org drift put-back \
             {region} {id}"
        ));
    }
    if all.iter().any(is_unsaid_link) {
        text.push_str(
            "\n\nLinks of which the directory says nothing were given after the backup that this \
             hub was restored\nfrom. Adopted, they are given everywhere; put back, they are taken \
             away there, and no policy does\neither.",
        );
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

/// What the directory says nothing of, and can be put back all the same, is a link.
pub(super) fn is_unsaid_link(it: &RemarkDocument) -> bool {
    it.can_put_back
        && it
            .differences
            .iter()
            .any(|it| it.what == "not-in-directory")
}

/// An id's beginning, which tells it from a thousand others and does not break a table's line.
fn short(it: &RemarkDocument) -> &str {
    it.id.get(..ID_CHARS).unwrap_or(&it.id)
}

fn step(it: &RemarkDocument) -> String {
    let next = foreign::line(&it.next_step);
    format!(
        "{}: {next}",
        named(&it.kind, &it.name, it.department.as_ref())
    )
}

fn difference(it: &DifferenceDocument) -> String {
    let said = |value: &Option<String>| match value {
        Some(value) => foreign::quoted(value),
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

/// What was left out of all, and how it is answered.
pub(super) fn left_out(all: &[RemarkDocument]) -> String {
    let Some(first) = all.first() else {
        return String::new();
    };
    let (region, id) = (word(&first.region), short(first));
    let mut text = format!(
        "\n{} link(s) of which the directory says nothing are left out: they were given after the \
         backup that this hub was restored from. Answer them one by one:",
        all.len()
    );
    let mut word = "next";
    for (how, can) in [("adopt", first.can_adopt), ("put-back", first.can_put_back)] {
        if can {
            text.push_str(&format!(
                "\n  {word}: idp-hub org drift {how} {region} {id}"
            ));
            word = "  or";
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-11-26T10:05:00Z
    const NOW: UnixMillis = UnixMillis(1_795_687_500_000);

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
        let text = drift(&all, NOW, Screen::wide(80));
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
        assert!(!text.contains("backup"), "{text}");
        let unsaid = drift(
            &[remark("membership", "not-in-directory", true)],
            NOW,
            Screen::wide(80),
        );
        let unsaid = squeezed(&unsaid);
        assert!(
            unsaid.contains("put back, they are taken away there"),
            "{unsaid}"
        );
        let it = difference(&all[0].differences[0]);
        assert_eq!(it, "name: directory \"ann\", region \"anna\"");
    }

    #[test]
    fn a_drift_is_one_line_of_eighty_columns() {
        let mut found = remark("user", "created-here", true);
        found.id = "0123456789abcdef".repeat(4);
        found.name = "ann".to_owned();
        found.since.0 = "2026-11-26T10:00:00.123Z".to_owned();
        let text = drift(&[found], NOW, Screen::wide(80));
        let lines: Vec<&str> = text.lines().take(3).collect();
        assert!(
            lines[1].contains(" 4 min ") && lines[1].ends_with(" 0123456789ab"),
            "{text}"
        );
        assert!(
            lines[1].chars().count() <= 80 && lines[2].is_empty(),
            "{text}"
        );
    }
}
