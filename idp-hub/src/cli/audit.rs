//! `idp-hub audit …`.

use std::path::Path;

use serde::Serialize;
use shared::audit::{Act, By, Head};
use shared::model::UnixMillis;
use shared::runtime::clock::Clock;

use super::arguments::{Audit, AuditList};
use super::client::{Client, escaped};
use super::error::CliError;
use super::output::Screen;
use super::pages::PAGE;
use crate::api::{AuditDocument, AuditEntryDocument, AuditHeadDocument, Time, VerifiedDocument};
use crate::store;

/// The entries, the newest last.
#[derive(Serialize)]
struct Entries {
    entries: Vec<AuditEntryDocument>,
    head: AuditHeadDocument,
}

/// Lists or checks the trail of the running hub.
pub(super) async fn run(client: &Client, asked: &Audit, screen: Screen) -> Result<(), CliError> {
    match asked {
        Audit::List(asked) => list(client, asked, screen).await,
        Audit::Verify { head, .. } => {
            let head = head.map_or_else(String::new, |Head { number, link }| {
                format!("?head={number}:{link}")
            });
            let path = format!("/audit/verify{head}");
            let found: VerifiedDocument = client.get_slowly(&path).await?;
            tell(&found, screen)
        }
    }
}

/// Checks the trail of a copy.
pub(super) fn verify_file(file: &Path, head: Option<Head>, screen: Screen) -> Result<(), CliError> {
    let found = store::verify_audit(file, head)?;
    tell(&VerifiedDocument::new(found, head), screen)
}

async fn list(client: &Client, asked: &AuditList, screen: Screen) -> Result<(), CliError> {
    let now = Clock::system().unix_millis();
    let since = asked
        .since
        .as_deref()
        .map(|it| moment(it, now))
        .transpose()?;
    let mut filter = String::new();
    for (name, value) in [
        ("action", &asked.action),
        ("who", &asked.who),
        ("subject", &asked.subject),
        ("since", &since),
    ] {
        if let Some(value) = value {
            filter.push_str(&format!("&{name}={}", escaped(value)));
        }
    }
    let wanted = asked.limit as usize;
    let (mut entries, mut after) = (Vec::new(), String::new());
    let head = loop {
        let left = u32::try_from(wanted - entries.len()).unwrap_or(PAGE);
        let limit = left.min(PAGE);
        let path = format!("/audit?limit={limit}{filter}{after}");
        let mut page: AuditDocument = client.get(&path).await?;
        entries.append(&mut page.items);
        match page.next.filter(|_| entries.len() < wanted) {
            Some(next) => after = format!("&after={next}"),
            None => break page.head,
        }
    };
    entries.truncate(wanted);
    entries.reverse();
    let all = Entries { entries, head };
    screen.write(|| text(&all), &all)
}

fn text(all: &Entries) -> String {
    let mut lines: Vec<String> = all.entries.iter().map(line).collect();
    if lines.is_empty() {
        lines.push("No such entries.".to_owned());
    }
    let AuditHeadDocument { number, link } = &all.head;
    lines.push(format!("\nnewest: entry {number}, {link}"));
    lines.join("\n")
}

/// One line, however long: a line that is found is found whole.
fn line(entry: &AuditEntryDocument) -> String {
    let number = entry.number;
    let Some(at) = &entry.at else {
        return format!("{:24} #{number} {}", "", entry.outcome);
    };
    let subject = &entry.subject;
    let act = Act::new(By::new(&entry.who, &entry.source), &entry.action)
        .on(&subject.kind, &subject.id, &subject.name)
        .changing(&entry.before, &entry.after)
        .with_outcome(&entry.outcome);
    format!("{} #{number} {}", at.0, act.line())
}

fn tell(found: &VerifiedDocument, screen: Screen) -> Result<(), CliError> {
    screen.write(|| verified(found), found)?;
    match found.intact && found.has_head != Some(false) {
        true => Ok(()),
        false => Err(CliError::Broken),
    }
}

fn verified(found: &VerifiedDocument) -> String {
    if let Some(broken) = &found.broken {
        return format!(
            "BROKEN at entry {}: {}\n  next: {}",
            broken.number, broken.what, broken.next_step
        );
    }
    let time = |it: &Option<Time>| it.as_ref().map_or("-", |it| it.0.as_str()).to_owned();
    let (first, last) = (time(&found.first), time(&found.last));
    let mut text = format!(
        "{} entries checked, from {first} to {last}: each is as it was written.",
        found.entries.unwrap_or(0)
    );
    if let Some(begin) = found.begin.as_ref().filter(|it| it.number > 0) {
        let older = begin.number;
        text.push_str(&format!("\nolder:  {older} entries are no longer kept"));
    }
    if let Some(AuditHeadDocument { number, link }) = &found.head {
        text.push_str(&format!("\nnewest: entry {number}, {link}"));
    }
    if let Some(shows) = &found.shows {
        text.push_str(&format!("\n{shows}"));
    }
    text
}

/// So long ago, or the moment that was given.
fn moment(text: &str, now: UnixMillis) -> Result<String, CliError> {
    let unit = match text.chars().next_back() {
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        _ => return Ok(text.to_owned()),
    };
    let count = text.get(..text.len() - 1).unwrap_or_default();
    let count: u64 = count.parse().map_err(|_| {
        let what = format!("{text:?} is no time: write 90m, 2h, 3d, or 2026-11-21T18:00:00Z");
        CliError::Usage(what)
    })?;
    let ago = count.saturating_mul(unit);
    Ok(Time::from(UnixMillis(now.0.saturating_sub(ago))).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_so_long_ago_or_a_moment() {
        let now = UnixMillis(1_795_284_000_000);
        let told = |text| moment(text, now).unwrap();
        assert_eq!(told("90m"), "2026-11-21T16:30:00.000Z");
        assert_eq!(told("2h"), "2026-11-21T16:00:00.000Z");
        assert_eq!(told("3d"), "2026-11-18T18:00:00.000Z");
        assert_eq!(told("2026-11-21T18:00:00Z"), "2026-11-21T18:00:00Z");
        assert!(moment("xh", now).is_err() && moment("h", now).is_err());
    }
}
