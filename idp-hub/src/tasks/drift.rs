//! Does about drift what each region's policy says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::audit::By;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::directory::DriftPolicy;
use crate::store::directory::{Remarked, Seen};
use crate::store::{Store, StoreError};

/// Remarks are looked at so often: somebody who changed something in a region and looks at it
/// should not wonder, and a hub without such a policy does nothing for it.
const EVERY: Duration = Duration::from_secs(5);

/// What is cured in one look: what goes wrong in a region is not spread over all others before
/// somebody can say `ask`.
const CURES_MAX: usize = 20;

/// What was refused is tried again after this, as another name may be free by then.
const AGAIN: Duration = Duration::from_secs(300);

/// Cures drift until the hub stops.
pub(super) async fn run(store: Store, clock: Clock, shutdown: Shutdown) {
    let mut refused = BTreeMap::new();
    while shutdown.until_draining(clock.sleep(EVERY)).await.is_some() {
        match cure(&store, clock.now(), &mut refused).await {
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(error, "drift is not looked at; trying again");
            }
        }
    }
}

/// What was refused, and when.
type Refused = BTreeMap<[u8; 16], Instant>;

async fn cure(store: &Store, now: Instant, refused: &mut Refused) -> Result<(), StoreError> {
    refused.retain(|_, at| now.saturating_duration_since(*at) < AGAIN);
    let due = store.read(|it| it.drift_by_policy()).await?;
    let due = due
        .into_iter()
        .filter(|(it, _)| !refused.contains_key(&it.seen.to_bytes()));
    for (it, policy) in due.take(CURES_MAX).collect::<Vec<_>>() {
        if let Err(error) = one(store, &it, policy).await {
            let (StoreError::Drift(_) | StoreError::Edit(_)) = &error else {
                return Err(error);
            };
            let (region, subject) = (&it.region, it.remark.subject.to_string());
            let error = error.to_string();
            tracing::warn!(
                region,
                subject,
                error,
                "drift is not cured as the policy says"
            );
            refused.insert(it.seen.to_bytes(), now);
        }
    }
    Ok(())
}

async fn one(store: &Store, it: &Remarked, policy: DriftPolicy) -> Result<(), StoreError> {
    let (no, subject) = (it.no, it.remark.subject.to_string());
    let seen = Seen {
        id: it.remark.subject.id(),
        digest: it.seen,
    };
    let changed = store.change(move |it| {
        let Some(region) = it.region_numbered(no)? else {
            return Ok(false);
        };
        let by = By::new(
            format!("policy of region {}", region.facts.name),
            "this hub",
        );
        match policy {
            DriftPolicy::Ask => Ok(false),
            DriftPolicy::PutBack => it.put_back(&region, &seen, &by),
            DriftPolicy::Adopt => {
                let delta = it.adopt_drift(&region, &seen, false, &by)?;
                Ok(!delta.is_empty())
            }
        }
    });
    let (changed, region, policy) = (changed.await?, &it.region, policy.name());
    let action = "drift-policy";
    tracing::info!(target: "audit", action, region, subject, policy, changed, "done");
    Ok(())
}
