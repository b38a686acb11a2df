//! What was retired, as text: what is left of it in each region, and what to do next. Names and
//! errors are strangers' words: one line each.

use std::time::Duration;

use shared::foreign;
use shared::model::{Purge, UnixMillis};

use super::super::super::arguments::Kind;
use super::super::super::moment::{ago, exact, left_of};
use super::super::super::output::Screen;
use super::super::super::prompt::YES;
use super::super::shown::named;
use crate::api::{InsideDocument, LeftDocument, RetiredDocument};

/// A region that was not heard for as long is away.
const HEARD_MAX: Duration = Duration::from_secs(60);

/// A table, and below it what to do next, where a command has room to be copied.
pub(super) fn list(all: &[RetiredDocument], now: UnixMillis, screen: Screen) -> String {
    if all.is_empty() {
        return "Nothing is retired. A project or department is, with `idp-hub org retire`."
            .to_owned();
    }
    let rows = all.iter().map(|it| {
        let department = it.department.as_ref();
        [
            it.kind.clone(),
            foreign::name(&it.name),
            department.map_or_else(String::new, |it| foreign::name(&it.name)),
            it.state.clone(),
            screen.several(&lefts(it, now)),
        ]
    });
    let mut text = screen.listed(["KIND", "NAME", "DEPARTMENT", "STATE", "LEFT"], rows);
    text.push('\n');
    for it in all {
        let next = foreign::line(&it.next_step);
        text.push_str(&format!("\n{}\n  next: {next}", thing(it)));
    }
    text
}

fn thing(it: &RetiredDocument) -> String {
    named(&it.kind, &it.name, it.department.as_ref())
}

/// Asks before it is purged.
pub(super) fn question(it: &RetiredDocument) -> String {
    let along = inside(&it.goes_along);
    let along = match along.is_empty() {
        true => String::new(),
        false => format!(" Deleted with it, in every region: {}.", along.join(", ")),
    };
    let ends = match it.kind == Kind::Project.word() {
        true => " Its application credentials, EC2 credentials and trusts end with it.",
        false => "",
    };
    format!(
        "Purge the {}? Each region's agent looks once more whether anything is in it; once \
         none found anything, all delete it.{along}{ends} Nothing brings it back. Type {YES} to go \
         on: ",
        thing(it)
    )
}

/// Everything about one.
pub(in crate::cli::org) fn one(it: &RetiredDocument, now: UnixMillis, screen: Screen) -> String {
    let department = it.department.as_ref();
    let mut pairs = vec![
        ("Name", foreign::name(&it.name)),
        ("Kind", it.kind.clone()),
        (
            "Department",
            department.map_or_else(String::new, |it| foreign::name(&it.name)),
        ),
        ("State", it.state.clone()),
        (
            "Since",
            format!("{} by {}", exact(&it.since, now), foreign::line(&it.by)),
        ),
        ("Goes along", inside(&it.goes_along).join(", ")),
    ];
    let until = it.regions.iter().filter_map(|it| it.good_until.as_ref());
    let until = until.max_by(|a, b| a.0.cmp(&b.0));
    pairs.push((
        "Good until",
        until.map_or_else(String::new, |it| it.0.to_string()),
    ));
    pairs.push(("Left", lefts(it, now).join("\n")));
    if let Some(why) = &it.why_not {
        pairs.push(("Not purged", foreign::line(why)));
    }
    pairs.retain(|(_, value)| !value.is_empty());
    pairs.push(("Id", it.id.clone()));
    let next = foreign::line(&it.next_step);
    format!("{}\n\n  next: {next}", screen.pairs(pairs))
}

/// What came of the word to purge it: what is waited for, and where that is seen.
pub(super) fn told(it: &RetiredDocument, now: UnixMillis) -> String {
    let mut text = format!("Each region is told to purge the {}.", thing(it));
    for left in lefts(it, now) {
        text.push_str(&format!("\n  {left}"));
    }
    text.push_str(
        "\n  next: idp-hub org retired, which shows how far it is; where a region refuses or says \
         nothing,\n  see `sp-agent status` beside it",
    );
    text
}

/// What of it is in each region, and what is waited for there.
fn lefts(it: &RetiredDocument, now: UnixMillis) -> Vec<String> {
    let is_behind = |it: &&LeftDocument| !matches!(it.purge.as_deref(), Some("ready" | "purged"));
    let behind = it.regions.iter().filter(is_behind);
    let behind: Vec<String> = behind.map(|it| foreign::line(&it.region)).collect();
    let rest = left_of(Purge::REST, &it.since, now);
    let all = it.regions.iter();
    all.filter_map(|it| left(it, (&behind.join(", "), &rest), now))
        .collect()
}

/// What of it is in a region; `None` where nothing is to be said. What is ready waits for those who
/// are `behind`, and one that was told begins once the `rest` is over.
fn left(it: &LeftDocument, (behind, rest): (&str, &str), now: UnixMillis) -> Option<String> {
    let mut words = counted(&[
        (it.servers, "server"),
        (it.volumes, "volume"),
        (it.networks, "network"),
        (it.floating_ips, "floating IP"),
    ]);
    words.extend(inside(&it.inside));
    if it.is_on {
        words.push("switched on".to_owned());
    }
    if !it.is_fresh {
        words.push(format!("not heard for {}", ago(&it.heard, now)));
    }
    words.extend(it.unread.iter().map(|it| foreign::line(it)));
    match (it.purge.as_deref(), &it.why) {
        (Some("refused"), Some(why)) => words.push(format!("refused: {}", foreign::line(why))),
        (Some("ready"), _) => words.push(format!("ready, waits for {behind}")),
        (Some("waiting"), _) => words.push(waiting(it, rest, now)),
        (Some(state), _) => words.push(state.to_owned()),
        (None, _) if words.is_empty() && it.is_here => words.push("empty".to_owned()),
        (None, _) => {}
    }
    let is_any = !words.is_empty();
    is_any.then(|| format!("{}: {}", foreign::line(&it.region), words.join(", ")))
}

/// What is waited for in a region that was told.
fn waiting(it: &LeftDocument, rest: &str, now: UnixMillis) -> String {
    let is_away = left_of(HEARD_MAX, &it.heard, now).is_empty();
    match (is_away, rest) {
        (true, _) if it.is_fresh => format!(
            "waits for the region, not heard for {}",
            ago(&it.heard, now)
        ),
        (true, _) => "waits for the region".to_owned(),
        (false, "") => "waits for its agent to look into it".to_owned(),
        (false, rest) => format!(
            "rests for {rest} more (or as its purge_rest says), then its agent looks into it"
        ),
    }
}

fn inside(it: &InsideDocument) -> Vec<String> {
    counted(&[
        (it.projects, "project"),
        (it.users, "user"),
        (it.groups, "group"),
        (it.roles, "role"),
    ])
}

fn counted(all: &[(u64, &str)]) -> Vec<String> {
    let there = all.iter().filter(|(count, _)| *count > 0);
    let words = there.map(|(count, word)| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Time;

    /// 2026-11-26T17:05:00Z
    const NOW: UnixMillis = UnixMillis(1_795_712_700_000);

    fn document() -> RetiredDocument {
        let inside = json!({ "projects": 0, "users": 0, "groups": 0, "roles": 0 });
        let region = |name: &str, servers: u64, purge: Option<&str>, why: Option<&str>| {
            json!({ "region": name, "heard": "2026-11-26T15:00:00Z", "is_fresh": true,
                "is_here": true, "is_on": false, "servers": servers, "volumes": 0,
                "networks": 0, "floating_ips": 0, "inside": inside, "purge": purge, "why": why })
        };
        let mut away = region("away", 0, None, None);
        away["is_fresh"] = json!(false);
        let document = json!({
            "id": "67e55044-10b1-426f-9247-bb680e5fe0c8", "kind": "project",
            "name": "web\u{1b}[8m", "state": "purging", "since": "2026-11-26T14:00:00Z",
            "by": "ann", "goes_along": { "projects": 0, "users": 2, "groups": 0, "roles": 1 },
            "regions": [
                region("north", 2, None, None),
                region("south", 0, Some("refused"), Some("it has 1 image")),
                region("west", 0, None, None),
                region("east", 0, Some("ready"), None),
                away,
            ],
            "next_step": "do what the region says",
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn what_is_left_is_said_region_by_region_and_what_goes_along_is_asked() {
        let screen = Screen::wide(80);
        let text = list(&[document()], NOW, screen) + &one(&document(), NOW, screen);
        for said in [
            "north: 2 servers",
            "refused: it has 1 image",
            "west: empty",
            "east: ready, waits for north, south, west, away",
            "away: not heard for 2 h",
            "2026-11-26T14:00:00Z (3 h ago) by ann",
        ] {
            let squeezed = |it: &str| it.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(squeezed(&text).contains(said), "{said}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        let question = question(&document());
        assert!(question.contains("2 users, 1 role"), "{question}");
    }
    #[test]
    fn a_command_to_type_is_a_line_of_its_own_whatever_the_screen() {
        let mut it = document();
        it.department = serde_json::from_value(json!({ "id": "2f", "name": "research" })).unwrap();
        it.next_step = format!("idp-hub org purge project {}", it.id);
        let next = format!("\n  next: {}", it.next_step);
        for screen in [Screen::wide(40), Screen::wide(80), Screen::piped()] {
            let text = list(&[it.clone()], NOW, screen);
            assert!(text.ends_with(&next), "{text}");
            assert!(text.contains("(in research)"), "{text}");
            assert!(one(&it, NOW, screen).ends_with(&next));
        }
        let piped = list(&[it.clone()], NOW, Screen::piped());
        let row = piped.lines().nth(1).unwrap();
        assert!(
            row.contains("research") && row.contains("west: empty; east:"),
            "{row}"
        );
    }

    #[test]
    fn waiting_is_told_with_what_is_left_and_with_what_is_waited_for() {
        let mut it = document();
        it.regions.retain(|it| it.region == "west");
        it.regions[0].purge = Some("waiting".to_owned());
        it.regions[0].heard = Time::from(NOW);
        let mut at = |since: &str| {
            it.since.0 = since.to_owned();
            told(&it, NOW)
        };
        let resting = at("2026-11-26T17:02:00Z");
        let said = "\n  west: rests for 12 min more (or as its purge_rest says), then its \
                    agent looks into it\n";
        assert!(resting.contains(said), "{resting}");
        assert!(resting.contains("next: idp-hub org retired"), "{resting}");
        let rested = at("2026-11-26T16:02:00Z");
        assert!(
            rested.contains("\n  west: waits for its agent to look"),
            "{rested}"
        );
        it.regions[0].heard.0 = "2026-11-26T15:00:00Z".to_owned();
        let away = told(&it, NOW);
        assert!(
            away.contains("\n  west: waits for the region, not heard for 2 h\n"),
            "{away}"
        );
    }
}
