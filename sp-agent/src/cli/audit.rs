//! `sp-agent audit …`: reads the agent's own trail from its file, whether or not the agent runs.

use std::path::Path;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use shared::audit::{Act, Broken, Entry, Head, Verified, Wanted};
use shared::model::UnixMillis;
use shared::runtime::clock::Clock;
use shared::runtime::daemon::Exit;
use shared::runtime::errors::chain;

use super::ask::{json, say};
use super::{Failure, Output, OutputArgs, load};
use crate::audit::Trail;
use crate::config::Purpose;
use crate::membership;
use crate::status::Time;
use crate::tasks::Origin;

/// What to do about a trail that is broken.
const BROKEN_NEXT: &str = "somebody, or a failing disk, was at the file: keep a copy of it, and \
    compare with the newest entries that the agent's log tells each day";

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Show who did what to this region, the newest last.
    List(List),
    /// Check that every entry is as it was written; exits with 1 if one is not.
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A newest entry that was shown or logged before, which must still be there as it was.
    #[arg(long, value_name = "NUMBER:LINK")]
    head: Option<Head>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this action, such as create, update, remove, join or leave.
    #[arg(long)]
    action: Option<String>,
    /// Only what was done on behalf of this one.
    #[arg(long)]
    who: Option<String>,
    /// Only what was done to this: a kind, such as user or project, an id, or a part of a name.
    #[arg(long)]
    subject: Option<String>,
    /// Not before this: a moment by RFC 3339, such as 2026-11-21T18:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<UnixMillis>,
    /// How many entries, the newest.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Serialize)]
struct Place {
    number: u64,
    link: String,
}

impl From<Head> for Place {
    fn from(head: Head) -> Self {
        Self {
            number: head.number,
            link: head.link.to_string(),
        }
    }
}

#[derive(Serialize)]
struct Shown {
    number: u64,
    at: Option<Time>,
    epoch: u64,
    who: String,
    source: String,
    action: String,
    subject_kind: String,
    subject_id: String,
    subject_name: String,
    before: String,
    after: String,
    outcome: String,
}

#[derive(Serialize)]
struct Entries {
    entries: Vec<Shown>,
    head: Place,
}

#[derive(Serialize)]
struct Found {
    intact: bool,
    has_witness: bool,
    entries: Option<u64>,
    first: Option<Time>,
    last: Option<Time>,
    begin: Option<Place>,
    head: Option<Place>,
    broken: Option<String>,
}

pub(super) fn run(origin: &Origin, asked: Audit) -> Result<Exit, Failure> {
    let config = load(origin, Purpose::Ask)?;
    let trail = Trail::existing(&config.data_dir)?;
    match asked {
        Audit::List(asked) => list(&trail, asked),
        Audit::Verify(asked) => {
            let found = trail.verify(asked.head)?;
            match asked.output.output {
                Output::Json => json(&document(&found))?,
                Output::Table => say(&verified(&found, asked.head))?,
            }
            Ok(match found {
                Ok(it) if asked.head.is_none() || it.has_witness => Exit::Success,
                _ => Exit::Failure,
            })
        }
    }
}

fn list(trail: &Trail, asked: List) -> Result<Exit, Failure> {
    let wanted = Wanted {
        action: asked.action,
        who: asked.who,
        subject: asked.subject,
        since: asked.since,
    };
    // First, so that the newest that is shown is not newer than the head.
    let head = trail.head()?;
    let mut entries = trail.list(asked.limit as usize, &wanted)?;
    entries.reverse();
    match asked.output.output {
        Output::Json => json(&Entries {
            entries: entries.into_iter().map(shown).collect(),
            head: head.into(),
        })?,
        Output::Table => {
            let mut lines: Vec<String> = entries.iter().map(line).collect();
            if lines.is_empty() {
                lines.push("No such entries.".to_owned());
            }
            lines.push(format!("\nnewest: entry {}, {}", head.number, head.link));
            say(&lines.join("\n"))?;
        }
    }
    Ok(Exit::Success)
}

/// One line, however long.
fn line((number, entry): &(u64, Option<Entry>)) -> String {
    match entry {
        Some(entry) => {
            let at = Time::from(entry.at).0;
            format!("{at} #{number} {}", entry.act.line())
        }
        None => format!("{:24} #{number} this entry can't be read", ""),
    }
}

fn shown((number, entry): (u64, Option<Entry>)) -> Shown {
    let (at, epoch) = (
        entry.as_ref().map(|it| it.at),
        entry.as_ref().map_or(0, |it| it.epoch),
    );
    let unread = || {
        let by = shared::audit::By::new("", "");
        Act::new(by, "").with_outcome("this entry can't be read")
    };
    let act = entry.map_or_else(unread, |it| it.act);
    Shown {
        number,
        at: at.map(Time::from),
        epoch,
        who: act.by.who,
        source: act.by.source,
        action: act.action,
        subject_kind: act.subject.kind,
        subject_id: act.subject.id,
        subject_name: act.subject.name,
        before: act.before,
        after: act.after,
        outcome: act.outcome,
    }
}

fn verified(found: &Result<Verified, Broken>, witness: Option<Head>) -> String {
    let it = match found {
        Ok(it) => it,
        Err(broken) => {
            let (number, fault) = (broken.number, &broken.fault);
            return format!("BROKEN at entry {number}: {fault}\nNext: {BROKEN_NEXT}");
        }
    };
    let moment = |it: Option<UnixMillis>| it.map_or_else(|| "-".to_owned(), |it| Time::from(it).0);
    let (first, last) = (moment(it.first), moment(it.last));
    let mut text = format!(
        "{} entries checked, from {first} to {last}: each is as it was written.",
        it.entries
    );
    if it.begin.number > 0 {
        let older = it.begin.number;
        text.push_str(&format!("\nolder:  {older} entries are no longer kept"));
    }
    let Head { number, link } = it.head;
    text.push_str(&format!("\nnewest: entry {number}, {link}\n"));
    text.push_str(&it.said_of(witness));
    text
}

fn document(found: &Result<Verified, Broken>) -> Found {
    let it = found.as_ref().ok();
    Found {
        intact: it.is_some(),
        has_witness: it.is_some_and(|it| it.has_witness),
        entries: it.map(|it| it.entries),
        first: it.and_then(|it| it.first).map(Time::from),
        last: it.and_then(|it| it.last).map(Time::from),
        begin: it.map(|it| it.begin.into()),
        head: it.map(|it| it.head.into()),
        broken: found.as_ref().err().map(ToString::to_string),
    }
}

fn moment(text: &str) -> Result<UnixMillis, String> {
    let moment: Result<Timestamp, _> = text.parse();
    let millis = moment.map(Timestamp::as_millisecond);
    millis
        .map(|it| UnixMillis(u64::try_from(it).unwrap_or(0)))
        .map_err(|_| "write a moment such as 2026-11-21T18:00:00Z".to_owned())
}

/// Tells the trail what a command did without the daemon. What is done is done: a trail that can't
/// be told is only worth a warning.
pub(super) fn tell(data_dir: &Path, act: Act) {
    let now = Clock::system().unix_millis();
    let told = || -> Result<(), Failure> {
        let trail = Trail::open(data_dir, now)?;
        trail.write(now, vec![act])?;
        membership::hand_over(trail.path())?;
        Ok(())
    };
    if let Err(failure) = told() {
        let error = chain(&*failure.error);
        eprintln!("sp-agent: the audit trail could not be told of this: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_is_told_listed_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let by = shared::audit::By::new("administrator", "this machine");
        tell(folder.path(), Act::new(by, "leave").on("federation", 7, ""));
        let trail = Trail::existing(folder.path()).unwrap();
        let entries = trail.list(10, &Wanted::default()).unwrap();
        let line = line(&entries[0]);
        let said = "#1 administrator (this machine) leave federation 7";
        assert!(line.ends_with(said), "{line}");
        let found = trail.verify(None).unwrap();
        let text = verified(&found, None);
        assert!(text.starts_with("1 entries checked, from 2"), "{text}");
        assert!(text.contains("\nnewest: entry 1, "), "{text}");
        assert!(document(&found).intact);
        let number = 3;
        let fault = shared::audit::Fault::Changed;
        let broken = Err(Broken { number, fault });
        assert!(verified(&broken, None).starts_with("BROKEN at entry 3: it does not fit"));
        assert_eq!(document(&broken).entries, None);
    }

    #[test]
    fn an_entry_that_can_t_be_read_is_shown_as_one() {
        assert!(line(&(7, None)).ends_with(" #7 this entry can't be read"));
        assert!(shown((7, None)).at.is_none());
    }
}
