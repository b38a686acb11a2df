//! `idp-hub org status`: how far the directory is applied in each region, and what failed there.

mod shown;

use serde_json::json;

use super::super::client::Client;
use super::super::error::CliError;
use super::super::output::Screen;
use super::of_regions;
use crate::api::{ProgressDocument, RemarkDocument};

/// Failures that are read: more than anybody reads on a screen. The counts say the rest.
const FAILURES_MAX: usize = 1000;

/// How far each region is, and what failed.
pub(super) async fn run(
    client: &Client,
    region: Option<&str>,
    screen: Screen,
) -> Result<(), CliError> {
    let regions: Vec<ProgressDocument> =
        of_regions(client, "progress", region, usize::MAX).await?;
    let failures: Vec<RemarkDocument> =
        of_regions(client, "failures", region, FAILURES_MAX).await?;
    let document = json!({ "regions": regions, "failures": failures });
    screen.write(|| shown::status(&regions, &failures, screen), &document)
}
