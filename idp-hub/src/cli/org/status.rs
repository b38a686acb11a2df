//! `idp-hub org status`: how far the directory is applied in each region, what failed there, and
//! whether users wait for the regions' word.

mod failures;
mod follow;
mod hold;
mod shown;

use std::time::Duration;

use serde_json::json;
use shared::runtime::clock::Clock;

use self::follow::{End, Following};
use super::super::client::Client;
use super::super::error::CliError;
use super::super::moment::now;
use super::super::output::Screen;
use super::super::pages::List;
use super::shown::exposed;
use crate::api::{ExposuresDocument, ProgressDocument, RemarkDocument, SignInHoldDocument};

/// Failures that are read: more than anybody reads on a screen. The counts say the rest.
const FAILURES_MAX: usize = 1000;

/// Between two looks: agents tell their counts as often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How far each region is, what failed, whom users wait for, and how many are in somebody's power.
pub(super) async fn run(
    client: &Client,
    region: Option<&str>,
    screen: Screen,
) -> Result<(), CliError> {
    let regions = progress(client, region).await?;
    let failures = of_regions("failures", region).enough(FAILURES_MAX);
    let failures: Vec<RemarkDocument> = failures.read(client).await?;
    let hold: SignInHoldDocument = client.get("/directory/sign-in-hold").await?;
    let exposures: ExposuresDocument = client.get("/directory/exposures?limit=1").await?;
    let text = || {
        let now = now();
        let status = shown::status(&regions, &failures, now, screen);
        let exposed = exposed::counted(exposures.count);
        [Some(status), hold::hold(&hold, now), exposed]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    let document = json!({ "regions": regions, "failures": failures, "sign_in_hold": hold,
        "exposed": exposures.count });
    screen.write(text, &document)
}

/// A line for each change, until all is in place in every merged region, nothing goes on any more,
/// or whoever looks has seen enough.
pub(super) async fn follow(
    client: &Client,
    region: Option<&str>,
    screen: Screen,
) -> Result<(), CliError> {
    let (clock, mut following) = (Clock::system(), Following::default());
    loop {
        let regions = progress(client, region).await?;
        let document = json!({ "regions": regions });
        if !regions.iter().any(|it| it.merged) {
            let text = || shown::status(&regions, &[], now(), screen);
            return screen.append(text, &document).map(drop);
        }
        let new = following.look(&regions);
        let is_read = new.is_empty() || screen.append(|| new.join("\n"), &document)?;
        match following.end() {
            Some(End::Stuck) if is_read => {
                let left = follow::unfinished(&regions).join("; ");
                return Err(CliError::Unfinished { left });
            }
            Some(_) => return Ok(()),
            None if !is_read => return Ok(()),
            None => {}
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

/// What all regions or one have of something.
fn of_regions(what: &str, region: Option<&str>) -> List {
    List::of(&format!("/directory/{what}")).by("region", region)
}

async fn progress(
    client: &Client,
    region: Option<&str>,
) -> Result<Vec<ProgressDocument>, CliError> {
    of_regions("progress", region).read(client).await
}
