//! `idp-hub org plan` and `merge`: look, then say yes to what was seen.

use serde_json::json;

use super::super::client::{Client, escaped};
use super::super::error::CliError;
use super::super::output::Screen;
use super::super::pages::PAGE;
use super::super::prompt::{self, YES};
use super::shown;
use crate::api::{MergedDocument, PlanDocument, StepDocument};

/// Actions of which some steps need a look: another name, or something that is not taken over.
const TELLING: [&str; 5] = ["adopt", "recognize", "withhold", "block", "skip"];

pub(super) async fn show(
    client: &Client,
    region: &str,
    full: bool,
    screen: Screen,
) -> Result<(), CliError> {
    let plan = match full {
        true => whole(client, region).await?,
        false => telling(client, region).await?,
    };
    screen.write(|| shown::plan(&plan, full, screen), &plan)
}

pub(super) async fn merge(
    client: &Client,
    region: &str,
    (digest, (take_over, copied)): (Option<&str>, (bool, bool)),
    screen: Screen,
) -> Result<(), CliError> {
    let digest = match digest {
        Some(digest) => digest.to_owned(),
        None => {
            let plan = telling(client, region).await?;
            eprintln!("{}\n", shown::plan(&plan, false, screen));
            let question = format!("Merge {region:?} so? Type {YES} to go on: ");
            if !prompt::confirm(&question, YES)? {
                return Err(CliError::Declined);
            }
            // The one that was shown: another one is not done.
            plan.digest
        }
    };
    let body = json!({ "digest": digest, "take_over": take_over, "copied": copied });
    let path = format!("/regions/{}/organization/merge", escaped(region));
    let merged: MergedDocument = client.post(&path, &body).await?;
    screen.write(|| shown::merged(&merged), &merged)
}

/// The plan with every step.
async fn whole(client: &Client, region: &str) -> Result<PlanDocument, CliError> {
    let mut plan = page(client, region, &format!("limit={PAGE}")).await?;
    if let Some(next) = plan.next.take() {
        let (action, after) = (None, Some(next));
        each_page(client, region, (action, after), |items| {
            plan.items.extend(items)
        })
        .await?;
    }
    Ok(plan)
}

/// The plan with steps that need a look.
async fn telling(client: &Client, region: &str) -> Result<PlanDocument, CliError> {
    let mut plan = page(client, region, "limit=1").await?;
    plan.items.clear();
    plan.next = None;
    for action in TELLING {
        if plan.counts.iter().all(|it| it.action != action) {
            continue;
        }
        let from = (Some(action), None);
        each_page(client, region, from, |items| {
            let telling = items.into_iter().filter(shown::needs_a_look);
            plan.items.extend(telling);
        })
        .await?;
    }
    plan.items.sort_by_key(shown::is_as_there);
    Ok(plan)
}

/// The steps of one action or of all, from a page on to the end. Where the plan is another one
/// meanwhile, the hub says so.
async fn each_page(
    client: &Client,
    region: &str,
    (action, mut after): (Option<&str>, Option<String>),
    mut take: impl FnMut(Vec<StepDocument>),
) -> Result<(), CliError> {
    let action = action.map_or_else(String::new, |it| format!("&action={it}"));
    loop {
        let from = after.map_or_else(String::new, |it| format!("&after={it}"));
        let page = page(client, region, &format!("limit={PAGE}{action}{from}")).await?;
        take(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn page(client: &Client, region: &str, query: &str) -> Result<PlanDocument, CliError> {
    let path = format!("/regions/{}/organization/plan?{query}", escaped(region));
    client.get(&path).await
}
