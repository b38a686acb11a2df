//! `sp-agent check`.

use serde::Serialize;
use shared::runtime::clock::Clock;
use shared::runtime::daemon::Exit;

use super::ask::{daemon, json, say};
use super::{Failure, Output, load};
use crate::config::Purpose;
use crate::status::check::{self, CheckReport};
use crate::tasks::Origin;

#[derive(Serialize)]
struct Document<'a> {
    configuration: String,
    is_good: bool,
    cloud: &'a [CheckReport],
}

pub(super) async fn run(origin: &Origin, output: Output) -> Result<Exit, Failure> {
    let points = match load(origin, Purpose::Run) {
        Ok(config) => match config.checked() {
            Some(cloud) => check::check(&cloud, Clock::system()).await,
            None => Vec::new(),
        },
        // What systemd hands over, and files of its user, only the daemon can read.
        Err(failure) => {
            let config = load(origin, Purpose::Ask)?;
            match daemon(&config).await {
                Ok(Some(client)) => client.check().await.map_err(Failure::usage)?,
                _ => return Err(failure),
            }
        }
    };
    let is_good = !points.iter().any(CheckReport::is_bad);
    let configuration = origin.path.display().to_string();
    match output {
        Output::Json => json(&Document {
            configuration,
            is_good,
            cloud: &points,
        })?,
        Output::Table => say(&text_of(&configuration, &points))?,
    }
    Ok(match is_good {
        true => Exit::Success,
        false => Exit::Failure,
    })
}

fn text_of(configuration: &str, points: &[CheckReport]) -> String {
    let width = points.iter().map(|it| it.subject.chars().count()).max();
    let width = width.unwrap_or(0).max("configuration".len());
    let mut text = format!("ok       {:width$}  {configuration}\n", "configuration");
    for point in points {
        let verdict = match point.verdict.as_str() {
            "good" => "ok",
            "bad" => "WRONG",
            other => other,
        };
        text += &format!("{verdict:<7}  {:width$}  {}\n", point.subject, point.text);
    }
    let (wrong, warnings) = points.iter().fold((0, 0), |(wrong, warnings), point| {
        match point.verdict.as_str() {
            "bad" => (wrong + 1, warnings),
            "warning" => (wrong, warnings + 1),
            _ => (wrong, warnings),
        }
    });
    let outcome = match (wrong, warnings) {
        (0, 0) => "All is well.".to_owned(),
        (0, 1) => "The agent can do its work; there is a warning.".to_owned(),
        (0, warnings) => format!("The agent can do its work; there are {warnings} warnings."),
        (1, _) => "One thing is wrong; mend it and check again.".to_owned(),
        (wrong, _) => format!("{wrong} things are wrong; mend them and check again."),
    };
    text + "\n" + &outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stand_in_columns_with_a_sum_below() {
        let point = |verdict: &str, subject: &str| CheckReport {
            verdict: verdict.to_owned(),
            subject: subject.to_owned(),
            text: "found".to_owned(),
        };
        let points = [point("good", "sign-in"), point("bad", "Nova")];
        let expected = "ok       configuration  a.toml\n\
                        ok       sign-in        found\n\
                        WRONG    Nova           found\n\n\
                        One thing is wrong; mend it and check again.";
        assert_eq!(text_of("a.toml", &points), expected);
        let warned = text_of("a.toml", &[point("warning", "Cinder")]);
        assert!(warned.ends_with("there is a warning."), "{warned}");
        assert!(text_of("a.toml", &[]).ends_with("All is well."));
    }
}
