//! How many requests each service is asked at once.

use std::time::Duration;

use shared::model::ServiceKind;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::cloud::CloudError;

/// A change that is not answered within this gives its place away: others must not wait for one
/// that hangs. Whoever orders changes bounds how many there are.
pub(super) const HOLDS_MAX: Duration = Duration::from_secs(2);

/// Of each service, in the order of [`ServiceKind::ALL`].
#[derive(Debug)]
pub(super) struct Places([Semaphore; ServiceKind::ALL.len()]);

impl Places {
    pub(super) fn new(each: usize) -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(each)))
    }

    /// Waits for one of a service.
    pub(super) async fn one(&self, of: ServiceKind) -> Result<SemaphorePermit<'_>, CloudError> {
        let at = ServiceKind::ALL.iter().position(|it| *it == of);
        let places = at.and_then(|at| self.0.get(at));
        let places = places.ok_or(CloudError::Missing { service: of })?;
        // They are never closed.
        places.acquire().await.map_err(|_| CloudError::Stopped)
    }
}
