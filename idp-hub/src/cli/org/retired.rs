//! `idp-hub org retired`, and `purge`: what is left of what was retired, and its end.

use reqwest::Method;
use serde_json::{Value, json};
use shared::foreign;
use shared::ids::ObjectId;
use shared::model::UnixMillis;

use super::super::arguments::{Ending, Kind};
use super::super::client::Client;
use super::super::error::CliError;
use super::super::moment::{ago, exact, now};
use super::super::output::{Screen, headers};
use super::super::pages::List;
use super::super::prompt::{self, YES};
use crate::api::{InsideDocument, LeftDocument, RetiredDocument};

/// All that was retired, or of one kind.
pub(super) async fn list(
    client: &Client,
    kind: Option<Kind>,
    screen: Screen,
) -> Result<(), CliError> {
    let all = all(client, kind, None).await?;
    screen.write(|| shown(&all, now(), screen), &json!({ "retired": all }))
}

/// One that was retired, by name or id; `None` where none is called so.
pub(super) async fn find(
    client: &Client,
    kind: Kind,
    name: &str,
    within: Option<&str>,
) -> Result<Option<RetiredDocument>, CliError> {
    if name.parse::<ObjectId>().is_ok() {
        let path = format!("/directory/retired/{name}");
        return client.get(&path).await.map(Some);
    }
    let mut found = all(client, Some(kind), Some(name)).await?;
    found.retain(|it| match (within, &it.department) {
        (None, _) => true,
        (Some(within), Some(its)) => within == its.id || within == its.name,
        (Some(_), None) => false,
    });
    match (found.pop(), found.is_empty()) {
        (found, true) => Ok(found),
        (Some(one), false) => {
            found.push(one);
            let word = kind.word();
            let mut text =
                format!("several retired {word}s are called {name:?}; give the id of one of them:");
            for it in &found {
                let department = it.department.as_ref().map_or("", |it| &it.name);
                text.push_str(&format!("\n  {}  {}", it.id, foreign::name(department)));
            }
            Err(CliError::Usage(text))
        }
        (None, false) => Ok(None),
    }
}

pub(super) async fn purge(
    client: &Client,
    asked: &Ending,
    cancel: bool,
    screen: Screen,
) -> Result<(), CliError> {
    let which = &asked.which;
    let word = which.kind.word();
    if !matches!(which.kind, Kind::Project | Kind::Department) {
        let what = format!("a {word} is not purged: use `idp-hub org delete {word} …`");
        return Err(CliError::Usage(what));
    }
    let found = find(client, which.kind, &which.name, which.within.as_deref()).await?;
    let Some(found) = found else {
        return Err(CliError::Usage(format!(
            "no retired {word} is called {:?}; see `idp-hub org retired`, and retire it first, \
             with `idp-hub org retire {word} …`",
            which.name
        )));
    };
    if cancel {
        return take_back(client, &found, screen).await;
    }
    if !asked.yes && found.why_not.is_none() {
        eprintln!("{}\n", one(&found, now(), screen));
        if !prompt::confirm(&question(&found), YES)? {
            return Err(CliError::Declined);
        }
    }
    let path = format!("/directory/retired/{}/purge", found.id);
    let told: RetiredDocument = client.post(&path, &Value::Null).await?;
    screen.write(
        || {
            format!(
                "Each region is told to purge the {word} {}, if nothing is in it.\n  next: \
                 idp-hub org retired",
                foreign::quoted(&told.name)
            )
        },
        &told,
    )
}

async fn take_back(
    client: &Client,
    found: &RetiredDocument,
    screen: Screen,
) -> Result<(), CliError> {
    let path = format!("/directory/retired/{}", found.id);
    let purge = format!("{path}/purge");
    client.act(Method::DELETE, &purge, None::<&Value>).await?;
    let told: RetiredDocument = client.get(&path).await?;
    let (word, name) = (&told.kind, foreign::quoted(&told.name));
    let text = || format!("The {word} {name} is not purged any more where it was not yet.");
    screen.write(text, &told)
}

async fn all(
    client: &Client,
    kind: Option<Kind>,
    name: Option<&str>,
) -> Result<Vec<RetiredDocument>, CliError> {
    let list = List::of("/directory/retired").by("kind", kind.map(Kind::word));
    list.by("name", name).read(client).await
}

fn question(it: &RetiredDocument) -> String {
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
        "Purge the {} {}? Each region's agent looks once more whether anything is in it; once \
         none found anything, all delete it.{along}{ends} Nothing brings it back. Type {YES} to go \
         on: ",
        it.kind,
        foreign::quoted(&it.name)
    )
}

fn shown(all: &[RetiredDocument], now: UnixMillis, screen: Screen) -> String {
    if all.is_empty() {
        return "Nothing is retired. A project or department is, with `idp-hub org retire`."
            .to_owned();
    }
    let mut table = screen.table();
    table.set_header(headers(["KIND", "NAME", "STATE", "LEFT", "NEXT"]));
    for it in all {
        let left = it.regions.iter().filter_map(|it| left(it, now));
        let left: Vec<String> = left.collect();
        table.add_row([
            it.kind.clone(),
            foreign::name(&it.name),
            it.state.clone(),
            left.join("\n"),
            foreign::line(&it.next_step),
        ]);
    }
    table.trim_fmt()
}

/// Everything about one.
pub(super) fn one(it: &RetiredDocument, now: UnixMillis, screen: Screen) -> String {
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
    let left = it.regions.iter().filter_map(|it| left(it, now));
    pairs.push(("Left", left.collect::<Vec<_>>().join("\n")));
    if let Some(why) = &it.why_not {
        pairs.push(("Not purged", foreign::line(why)));
    }
    pairs.retain(|(_, value)| !value.is_empty());
    pairs.extend([
        ("Next", foreign::line(&it.next_step)),
        ("Id", it.id.clone()),
    ]);
    screen.pairs(pairs)
}

/// What of it is in a region; `None` where nothing is to be said.
fn left(it: &LeftDocument, now: UnixMillis) -> Option<String> {
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
        (Some("ready"), _) => words.push("ready, waits for the others".to_owned()),
        (Some(state), _) => words.push(state.to_owned()),
        (None, _) if words.is_empty() && it.is_here => words.push("empty".to_owned()),
        (None, _) => {}
    }
    let is_any = !words.is_empty();
    is_any.then(|| format!("{}: {}", foreign::line(&it.region), words.join(", ")))
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
    use crate::cli::arguments::Format;

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
        let screen = Screen::new(Format::Table);
        let text = shown(&[document()], NOW, screen) + &one(&document(), NOW, screen);
        for said in [
            "north: 2 servers",
            "refused: it has 1 image",
            "west: empty",
            "east: ready",
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
}
