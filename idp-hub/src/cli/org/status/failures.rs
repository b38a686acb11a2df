//! Failures as text: what fails alike in a region is told once, as one cause fails hundreds.

use std::collections::BTreeMap;

use shared::foreign;
use shared::model::UnixMillis;

use super::super::super::moment::ago;
use super::super::shown::named;
use crate::api::RemarkDocument;

/// So many that fail alike are listed one by one.
const ALONE_MAX: usize = 3;

/// Lines, in the order in which they came.
pub(super) fn lines(all: &[RemarkDocument], now: UnixMillis) -> Vec<String> {
    let mut groups: Vec<Vec<&RemarkDocument>> = Vec::new();
    let mut places = BTreeMap::new();
    for it in all {
        let place = *places
            .entry((&it.region, &it.error))
            .or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(it),
            None => groups.push(vec![it]),
        }
    }
    let mut lines = Vec::new();
    for group in groups {
        match group.len() {
            0..=ALONE_MAX => lines.extend(group.into_iter().map(|it| alone(it, now))),
            _ => lines.push(alike(&group, now)),
        }
    }
    lines
}

fn alone(it: &RemarkDocument, now: UnixMillis) -> String {
    let tried = match it.tries {
        Some(tries) => format!(" (tried {tries} times in {})", ago(&it.since, now)),
        None => String::new(),
    };
    format!("{}: {}: {}{tried}", region(it), thing(it), error(it))
}

fn alike(group: &[&RemarkDocument], now: UnixMillis) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let named: Vec<String> = group.iter().take(ALONE_MAX).map(|it| thing(it)).collect();
    let since = group.iter().map(|it| &it.since);
    let since = since.min_by(|a, b| a.0.cmp(&b.0));
    let tries = group.iter().filter_map(|it| it.tries).max();
    let tried = match (tries, since) {
        (Some(tries), Some(since)) => {
            format!(" (tried up to {tries} times in {})", ago(since, now))
        }
        _ => String::new(),
    };
    format!(
        "{}: {} things, as {}: {}{tried}",
        region(first),
        group.len(),
        named.join(", "),
        error(first)
    )
}

fn region(it: &RemarkDocument) -> String {
    foreign::line(&it.region)
}

fn thing(it: &RemarkDocument) -> String {
    named(&it.kind, &it.name, it.department.as_ref())
}

fn error(it: &RemarkDocument) -> String {
    foreign::line(it.error.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_284_000_000);

    fn failure(region: &str, name: &str, error: &str) -> RemarkDocument {
        let document = json!({
            "region": region, "id": "07", "kind": "user", "name": name, "state": "failed",
            "error": error, "tries": 3, "since": "2026-11-21T17:55:00Z",
            "next_step": "", "can_put_back": false, "can_adopt": false, "seen": "" });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn what_fails_alike_in_a_region_is_told_once_and_the_rest_one_by_one() {
        let names = ["ann", "bob", "eve\u{1b}", "joe"];
        let mut all: Vec<_> = names.map(|it| failure("north", it, "403")).into();
        all.insert(1, failure("north", "max", "409"));
        all.push(failure("south", "ann", "403"));
        let lines = lines(&all, NOW);
        assert_eq!(lines.len(), 3, "{lines:?}");
        let expected = "north: 4 things, as user \"ann\", user \"bob\", user \"eve\\u{1b}\": 403 \
                        (tried up to 3 times in 5 min)";
        assert_eq!(lines[0].replace("eve\u{fffd}", "eve"), expected);
        assert!(lines[1].starts_with("north: user \"max\": 409 (tried 3 times"));
        assert!(lines[2].starts_with("south: user \"ann\": 403"));
    }
}
