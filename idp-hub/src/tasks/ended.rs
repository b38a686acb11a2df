//! Ends again what a region proves to have ended: a hub that was restored from an older backup has
//! forgotten it, and whoever was deleted would sign in.

use std::time::Duration;

use shared::audit::By;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::store::{RegionNo, Store, StoreError};

/// Between two looks at what regions told: one that tells of ends without end costs no more.
const PAUSE: Duration = Duration::from_secs(1);

/// All regions' words are looked at so often, whatever was told: a hub may have been killed between
/// hearing and looking.
const ROUND: Duration = Duration::from_secs(30);

/// Works until the hub stops.
pub(super) async fn run(store: Store, clock: Clock, shutdown: Shutdown) {
    shutdown.until_draining(look(&store, &clock)).await;
}

async fn look(store: &Store, clock: &Clock) {
    let told = store.ends_told();
    let mut round = clock.now();
    loop {
        let outcome = tokio::select! {
            regions = told.next() => end_again_of(store, regions).await,
            () = clock.sleep_until(round) => {
                round = clock.now() + ROUND;
                end_again(store, None).await
            }
        };
        match outcome {
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(error, "what ended is not looked at; trying again");
            }
        }
        clock.sleep(PAUSE).await;
    }
}

async fn end_again_of(
    store: &Store,
    regions: impl IntoIterator<Item = RegionNo>,
) -> Result<(), StoreError> {
    for no in regions {
        end_again(store, Some(no)).await?;
    }
    Ok(())
}

/// Ends what these regions prove to have ended: one, or all.
async fn end_again(store: &Store, of: Option<RegionNo>) -> Result<(), StoreError> {
    // What is in something comes after it, and ends before it: whatever takes its own along ends
    // them as it ends itself.
    for revived in store
        .read(move |it| it.revived(of))
        .await?
        .into_iter()
        .rev()
    {
        let by = By::new("this hub, before it was restored", "a region");
        let ended = store.change(move |it| it.end_again(revived, &by)).await?;
        let (kind, id, _) = revived;
        let (action, kind) = ("end-again", kind.name());
        tracing::info!(target: "audit", action, kind, %id, ended, "done");
    }
    Ok(())
}
