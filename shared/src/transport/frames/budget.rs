//! What all readers of a daemon may hold of large frames, together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::wire::frame::FEED_BYTES_MAX;

/// Frames up to this are not worth counting: a control stream has no larger ones, and must not wait
/// behind bulk.
pub(super) const UNCOUNTED_BYTES_MAX: usize = 16 << 10;

/// What one peer may hold: the largest frame on its way while another waits for its commit.
const SHARE_BYTES: usize = 2 * FEED_BYTES_MAX;

const KIB: usize = 1 << 10;

/// A place in the queue for a part of the budget. It is kept over cancellations, so that a reader
/// that is interrupted again and again gets its turn all the same.
pub(super) type Turn = Pin<Box<dyn Future<Output = Option<BudgetPermit>> + Send>>;

/// A number of bytes that all frames above 16 KiB share, from before their payload is read until
/// the permit in [`RawFrame`](super::RawFrame) is dropped; cheap to clone.
#[derive(Debug, Clone)]
pub struct ByteBudget {
    whole: Arc<Whole>,
    /// What one peer may hold of it.
    share: Option<Arc<Semaphore>>,
}

#[derive(Debug)]
struct Whole {
    free: Arc<Semaphore>,
    /// Frames that wait for others to give room.
    waiting: AtomicUsize,
}

/// A frame's part of a budget, given back when dropped.
#[derive(Debug)]
pub struct BudgetPermit {
    whole: OwnedSemaphorePermit,
    _share: Option<OwnedSemaphorePermit>,
}

impl ByteBudget {
    /// A budget of so many bytes; never less than the largest frame, which could not be read else.
    pub fn new(bytes: usize) -> Self {
        let kib = bytes.max(FEED_BYTES_MAX).div_ceil(KIB);
        let free = Arc::new(Semaphore::new(kib.min(Semaphore::MAX_PERMITS)));
        Self {
            whole: Arc::new(Whole {
                free,
                waiting: AtomicUsize::new(0),
            }),
            share: None,
        }
    }

    /// The same budget for the readers of one peer, who together hold at most 2 MiB of it: what a
    /// peer announces and does not send keeps others out of no more than that.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            whole: Arc::clone(&self.whole),
            share: Some(Arc::new(Semaphore::new(SHARE_BYTES / KIB))),
        }
    }

    /// Bytes that are free, in whole KiB.
    pub fn available(&self) -> usize {
        self.whole.free.available_permits() * KIB
    }

    /// Whether frames wait for others to be done: then those that don't come are in the way.
    pub(super) fn is_pressed(&self) -> bool {
        self.whole.waiting.load(Ordering::Relaxed) > 0
    }

    /// Queues for a frame of so many bytes.
    pub(super) fn queue(&self, bytes: usize) -> Turn {
        let (whole, share) = (Arc::clone(&self.whole), self.share.clone());
        let kib = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        // They are never closed, so that there is no error.
        Box::pin(async move {
            let share = match share {
                Some(share) => Some(share.acquire_many_owned(kib).await.ok()?),
                None => None,
            };
            let _waiting = Waiting::begin(&whole);
            let free = Arc::clone(&whole.free);
            Some(BudgetPermit {
                whole: free.acquire_many_owned(kib).await.ok()?,
                _share: share,
            })
        })
    }
}

impl BudgetPermit {
    /// How many bytes it stands for, in whole KiB.
    pub fn bytes(&self) -> usize {
        self.whole.num_permits() * KIB
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(whole: &'a Whole) -> Self {
        whole.waiting.fetch_add(1, Ordering::Relaxed);
        Self(&whole.waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
