//! What all readers of a daemon may hold of large frames, together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::wire::frame::FEED_BYTES_MAX;

/// Frames up to this are not worth counting: a control stream has no larger ones, and must not wait
/// behind bulk.
pub(super) const UNCOUNTED_BYTES_MAX: usize = 16 << 10;

const KIB: usize = 1 << 10;

/// A place in the queue for a part of the budget. It is kept over cancellations, so that a reader
/// that is interrupted again and again gets its turn all the same.
pub(super) type Turn = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

/// A number of bytes that all frames above 16 KiB share, from before their payload is read until
/// the permit in [`RawFrame`](super::RawFrame) is dropped; cheap to clone.
#[derive(Debug, Clone)]
pub struct ByteBudget {
    semaphore: Arc<Semaphore>,
}

impl ByteBudget {
    /// A budget of so many bytes; never less than the largest frame, which could not be read else.
    pub fn new(bytes: usize) -> Self {
        let kib = bytes.max(FEED_BYTES_MAX).div_ceil(KIB);
        Self {
            semaphore: Arc::new(Semaphore::new(kib.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Bytes that are free, in whole KiB.
    pub fn available(&self) -> usize {
        self.semaphore.available_permits() * KIB
    }

    /// Queues for a frame of so many bytes.
    pub(super) fn queue(&self, bytes: usize) -> Turn {
        let semaphore = Arc::clone(&self.semaphore);
        let kib = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        // It is never closed, so that there is no error.
        Box::pin(async move { semaphore.acquire_many_owned(kib).await.ok() })
    }
}
