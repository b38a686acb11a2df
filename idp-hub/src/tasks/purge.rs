//! Brings purges to their end, and ends again what a region proves to have ended.

use std::time::Duration;

use shared::audit::By;
use shared::model::UnixMillis;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::directory::Next;
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
        let mut outcome = bring_on(&store, clock.unix_millis()).await;
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

async fn bring_on(store: &Store, now: UnixMillis) -> Result<(), StoreError> {
    for going in store.read(move |it| it.purges_going_on(now)).await? {
        let ((kind, id), next) = going;
        let by = match next {
            Next::Wait | Next::Lapse => By::new("nobody, within a week", "this hub"),
            Next::Delete | Next::End => By::new("every region", "this hub"),
        };
        let is_done = store.change(move |it| it.bring_on(going, &by)).await?;
        let (action, kind) = (action(next), kind.name());
        tracing::info!(target: "audit", action, kind, %id, is_done, "done");
    }
    Ok(())
}

const fn action(next: Next) -> &'static str {
    match next {
        Next::Wait => "wait",
        Next::Lapse => "lapse-purge",
        Next::Delete => "agree-purge",
        Next::End => "purged",
    }
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
