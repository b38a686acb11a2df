//! Tells limits that waited until others have less.

use std::time::Duration;

use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::store::{Store, StoreError};

/// Whoever shifts waits for it, and regions confirm what they lowered within seconds.
const EVERY: Duration = Duration::from_secs(5);

/// Works until the hub stops. All that it goes by is in the store.
pub(super) async fn run(store: Store, clock: Clock, shutdown: Shutdown) {
    while shutdown.until_draining(clock.sleep(EVERY)).await.is_some() {
        match tell_raises(&store).await {
            Ok(_) | Err(StoreError::Closed) => {}
            Err(error) => {
                let error = chain(&error).to_string();
                let what = "limits that wait for others are not looked at; trying again";
                tracing::warn!(error, "{what}");
            }
        }
    }
}

/// Tells what is due. Returns how many limits that were.
///
/// # Errors
/// If the database fails. What fails for one limit alone is logged, and holds up no other.
pub async fn tell_raises(store: &Store) -> Result<usize, StoreError> {
    let mut told = 0;
    for (no, key) in store.read(|it| it.raises_due()).await? {
        let (project, resource) = (key.project, key.resource.clone());
        match store.change(move |it| it.tell_raise(no, &key)).await {
            Ok(Some(name)) => {
                told += 1;
                tracing::info!(
                    target: "audit", action = "set-quota", %project, name, resource, "told"
                );
            }
            Ok(None) => {}
            Err(StoreError::Closed) => return Err(StoreError::Closed),
            Err(error) => {
                let error = chain(&error).to_string();
                let what = "a limit that waited for others is not told; trying again";
                tracing::warn!(%project, resource, error, "{what}");
            }
        }
    }
    Ok(told)
}
