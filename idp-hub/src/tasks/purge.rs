//! Brings purges to their end, and ends again what a region proves to have ended.

use std::time::Duration;

use shared::audit::By;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::store::{Store, StoreError};

/// Whoever purges something waits for its end.
const EVERY: Duration = Duration::from_secs(5);

/// Every so many times all remarks are looked at for what ended: a hub that was restored has
/// forgotten it since its backup, and minutes more are nothing to that.
const ROUNDS: u32 = 6;

/// Works until the hub stops.
pub(super) async fn run(store: Store, clock: Clock, shutdown: Shutdown) {
    let mut round: u32 = 0;
    while shutdown.until_draining(clock.sleep(EVERY)).await.is_some() {
        round = round.wrapping_add(1);
        let mut outcome = end_purges(&store).await;
        if outcome.is_ok() && round.is_multiple_of(ROUNDS) {
            outcome = end_again(&store).await;
        }
        match outcome {
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(error, "purges are not looked at; trying again");
            }
        }
    }
}

async fn end_purges(store: &Store) -> Result<(), StoreError> {
    for (kind, id) in store.read(|it| it.purged_everywhere()).await? {
        let by = By::new("every region", "this hub");
        let ended = store.change(move |it| it.end_purge(kind, id, &by)).await?;
        let (action, kind) = ("purged", kind.name());
        tracing::info!(target: "audit", action, kind, %id, ended, "done");
    }
    Ok(())
}

async fn end_again(store: &Store) -> Result<(), StoreError> {
    // What is in something comes after it, and ends before it: whatever takes its own along ends
    // them as it ends itself.
    for revived in store.read(|it| it.revived()).await?.into_iter().rev() {
        let by = By::new("this hub, before it was restored", "a region");
        let ended = store.change(move |it| it.end_again(revived, &by)).await?;
        let (kind, id, _) = revived;
        let (action, kind) = ("end-again", kind.name());
        tracing::info!(target: "audit", action, kind, %id, ended, "done");
    }
    Ok(())
}
