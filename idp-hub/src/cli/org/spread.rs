//! `idp-hub org quota spread …`.

mod shown;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::super::arguments::{Kind, Spread, SpreadCommand};
use super::super::client::{Client, escaped};
use super::super::error::CliError;
use super::super::output::Screen;
use super::super::pages::List;
use super::find::find;
use crate::api::SpreadDocument;

pub(super) async fn run(client: &Client, asked: &Spread, screen: Screen) -> Result<(), CliError> {
    match &asked.command {
        Some(SpreadCommand::List { project }) => list(client, project.as_deref(), screen).await,
        Some(SpreadCommand::Remove {
            project,
            resources,
            within,
        }) => remove(client, (project, within.as_deref()), resources, screen).await,
        None => set(client, asked, screen).await,
    }
}

async fn set(client: &Client, asked: &Spread, screen: Screen) -> Result<(), CliError> {
    let name = asked.project.as_deref().unwrap_or_default();
    let found = find(client, Kind::Project, name, asked.within.as_deref()).await?;
    let mut totals = BTreeMap::new();
    for (resource, total) in &asked.totals {
        if totals.insert(resource, total).is_some() {
            let what = format!("{resource} has two totals; give one");
            return Err(CliError::Usage(what));
        }
    }
    let body = json!({ "totals": totals, "overcommit": asked.overcommit });
    let path = format!("/directory/spreads/{}", found.id);
    client.act(Method::PUT, &path, Some(&body)).await?;
    screen.write(|| shown::set(&found.name), &json!({ "totals": totals }))
}

async fn list(client: &Client, project: Option<&str>, screen: Screen) -> Result<(), CliError> {
    let found = match project {
        None => None,
        Some(name) => Some(find(client, Kind::Project, name, None).await?.id),
    };
    let list = List::of("/directory/spreads").by("project", found.as_deref());
    let all: Vec<SpreadDocument> = list.read(client).await?;
    screen.write(|| shown::list(&all, screen), &json!({ "spreads": all }))
}

async fn remove(
    client: &Client,
    (project, within): (&str, Option<&str>),
    resources: &[String],
    screen: Screen,
) -> Result<(), CliError> {
    let found = find(client, Kind::Project, project, within).await?;
    for resource in resources {
        let path = format!("/directory/spreads/{}/{}", found.id, escaped(resource));
        client.act(Method::DELETE, &path, None::<&Value>).await?;
    }
    let document = json!({ "removed": resources, "project": found.id });
    screen.write(|| shown::removed(&found.name, resources), &document)
}
