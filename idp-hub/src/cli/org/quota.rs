//! `idp-hub org quota …`.

mod shown;

use serde_json::{Map, Value, json};
use shared::foreign::word;

use super::super::arguments::{Kind, Quota, SetQuota, UnsetQuota};
use super::super::client::{Client, escaped};
use super::super::error::CliError;
use super::super::output::Screen;
use super::super::pages::List;
use super::super::prompt::{self, YES};
use super::find::find;
use super::shown::within;
use super::spread;
use crate::api::{AllocationDocument, LeftoverDocument, LimitsSetList, ProjectQuotaDocument};

pub(super) async fn run(client: &Client, asked: &Quota, screen: Screen) -> Result<(), CliError> {
    match asked {
        Quota::List {
            region,
            project,
            full,
        } => {
            let all = quotas(client, region.as_deref(), project.as_deref()).await?;
            screen.write(
                || shown::quotas(&all, *full, screen),
                &json!({ "quotas": all }),
            )
        }
        Quota::Set(asked) => set(client, asked, screen).await,
        Quota::Unset(asked) => unset(client, asked, screen).await,
        Quota::Spread(asked) => spread::run(client, asked, screen).await,
        Quota::Allocated { region } => {
            let it = allocation(client, region).await?;
            screen.write(|| shown::allocation(&it, screen), &it)
        }
        Quota::Zero {
            region,
            project,
            force,
            yes,
        } => zero(client, (region, project), (*force, *yes), screen).await,
    }
}

async fn quotas(
    client: &Client,
    region: Option<&str>,
    project: Option<&str>,
) -> Result<Vec<ProjectQuotaDocument>, CliError> {
    let list = List::of("/directory/quotas").by("region", region);
    list.by("project", project).slow().read(client).await
}

async fn allocation(client: &Client, region: &str) -> Result<AllocationDocument, CliError> {
    let path = format!("/regions/{}/allocation", escaped(region));
    client.get_slowly(&path).await
}

async fn set(client: &Client, asked: &SetQuota, screen: Screen) -> Result<(), CliError> {
    let resources = limits(&asked.limits)?;
    let within = asked.within.as_deref();
    let limits = match asked.own {
        true => json!({ "own": asked.project, "resources": resources }),
        false => {
            let found = find(client, Kind::Project, &asked.project, within).await?;
            json!({ "project": found.id, "resources": resources })
        }
    };
    let path = format!("/regions/{}/limits", escaped(&asked.region));
    let (force, overcommit) = (asked.force, asked.overcommit);
    let body = json!({ "limits": [limits], "force": force, "overcommit": overcommit });
    let set: LimitsSetList = client.put(&path, &body).await?;
    screen.write(|| shown::set(&set), &set)
}

async fn unset(client: &Client, asked: &UnsetQuota, screen: Screen) -> Result<(), CliError> {
    let resources = &asked.resources;
    let body = match asked.own {
        true => json!({ "own": asked.project, "resources": resources }),
        false => {
            let within = asked.within.as_deref();
            let found = find(client, Kind::Project, &asked.project, within).await?;
            json!({ "project": found.id, "resources": resources })
        }
    };
    let path = format!("/regions/{}/limits/unset", escaped(&asked.region));
    let set: LimitsSetList = client.post(&path, &body).await?;
    screen.write(|| shown::unset(&set), &set)
}

/// What `cores=20 ram=unlimited` says.
fn limits(words: &[String]) -> Result<Map<String, Value>, CliError> {
    let mut all = Map::new();
    for word in words {
        let wrong = || {
            let what = "is no limit; write RESOURCE=N, as in cores=20 or ram=unlimited";
            CliError::Usage(format!("{word:?} {what}"))
        };
        let (name, limit) = word.rsplit_once('=').ok_or_else(wrong)?;
        let limit = match limit {
            "unlimited" => -1,
            limit => limit.parse::<i64>().map_err(|_| wrong())?,
        };
        if all.insert(name.to_owned(), json!(limit)).is_some() {
            let what = format!("{name:?} is named twice; name it once");
            return Err(CliError::Usage(what));
        }
    }
    Ok(all)
}

async fn zero(
    client: &Client,
    (region, project): (&str, &str),
    (force, yes): (bool, bool),
    screen: Screen,
) -> Result<(), CliError> {
    let all = allocation(client, region).await?;
    let found = leftover(&all, project)?;
    if !yes {
        let question = shown::question(&all.region, found);
        if !prompt::confirm(&question, YES)? {
            return Err(CliError::Declined);
        }
    }
    let path = format!("/regions/{}/limits/zero", escaped(region));
    let body = json!({ "own": found.own, "force": force });
    let set: LimitsSetList = client.post(&path, &body).await?;
    screen.write(|| shown::set(&set), &set)
}

/// The leftover of this name or id.
fn leftover<'a>(all: &'a AllocationDocument, name: &str) -> Result<&'a LeftoverDocument, CliError> {
    let found = all.leftovers.iter();
    let found: Vec<_> = found
        .filter(|it| it.own == name || it.name == name)
        .collect();
    let region = &all.region;
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(CliError::Usage(format!(
            "the region {region:?} has no leftover {name:?}; see `idp-hub org quota allocated \
             {}`",
            word(region)
        ))),
        several => {
            let mut text = format!(
                "several leftovers of the region {region:?} are called {name:?}; give the id of \
                 one of them:"
            );
            for it in several {
                let within = within(it.department.as_ref());
                text.push_str(&format!("\n  {}{within}", it.own));
            }
            Err(CliError::Usage(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_typed() {
        let words = |all: &[&str]| {
            let all: Vec<String> = all.iter().map(|it| (*it).to_owned()).collect();
            limits(&all)
        };
        let read = words(&["cores=20", "ram=unlimited", "gigabytes_a=b=-1"]).unwrap();
        let expected = json!({"cores": 20, "ram": -1, "gigabytes_a=b": -1});
        assert_eq!(Value::Object(read), expected);
        for wrong in [&["cores"][..], &["cores=many"], &["a=1", "a=2"]] {
            assert!(matches!(words(wrong), Err(CliError::Usage(_))), "{wrong:?}");
        }
    }
}
