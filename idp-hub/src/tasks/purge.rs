//! Brings purges to their end.

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

/// Works until the hub stops.
pub(super) async fn run(store: Store, clock: Clock, shutdown: Shutdown) {
    while shutdown.until_draining(clock.sleep(EVERY)).await.is_some() {
        match bring_on(&store, clock.unix_millis()).await {
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
