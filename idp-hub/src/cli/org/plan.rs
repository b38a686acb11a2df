//! `idp-hub org plan` and `merge`: look, then say yes to what was seen.

use serde_json::json;

use super::super::client::{Client, escaped};
use super::super::error::CliError;
use super::super::output::Screen;
use super::super::prompt::{self, YES};
use super::{PAGE, shown};
use crate::api::{MergedDocument, PlanDocument};

/// Actions of which some steps need a look: another name, or something that is not taken over.
const TELLING: [&str; 6] = [
    "adopt",
    "recognize",
    "give-way",
    "withhold",
    "block",
    "skip",
];

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
    (digest, take_over): (Option<&str>, bool),
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
    let body = json!({ "digest": digest, "take_over": take_over });
    let path = format!("/regions/{}/organization/merge", escaped(region));
    let merged: MergedDocument = client.post(&path, &body).await?;
    screen.write(|| shown::merged(&merged), &merged)
}

/// The plan with every step.
async fn whole(client: &Client, region: &str) -> Result<PlanDocument, CliError> {
    let mut plan = page(client, region, &format!("limit={PAGE}")).await?;
    while let Some(next) = plan.next.take() {
        let more = page(client, region, &format!("limit={PAGE}&after={next}")).await?;
        plan.items.extend(more.items);
        plan.next = more.next;
    }
    Ok(plan)
}

/// The plan with steps that need a look: of each action those among the first page's.
async fn telling(client: &Client, region: &str) -> Result<PlanDocument, CliError> {
    let mut plan = page(client, region, "limit=1").await?;
    plan.items.clear();
    plan.next = None;
    for action in TELLING {
        if plan.counts.iter().all(|it| it.action != action) {
            continue;
        }
        let of = page(client, region, &format!("limit={PAGE}&action={action}")).await?;
        plan.items
            .extend(of.items.into_iter().filter(shown::needs_a_look));
    }
    Ok(plan)
}

async fn page(client: &Client, region: &str, query: &str) -> Result<PlanDocument, CliError> {
    let path = format!("/regions/{}/organization/plan?{query}", escaped(region));
    client.get(&path).await
}
