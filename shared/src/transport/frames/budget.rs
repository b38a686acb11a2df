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

/// The slow ones have a budget of their own, so much smaller than the whole one.
const SLOW_DIVISOR: usize = 4;

/// What one peer may hold of that: a batch as agents make them, of 256 KiB and a record. So as many
/// regions as can hold the whole budget leave room for others among the slow.
const SLOW_SHARE_BYTES: usize = 384 << 10;

const KIB: usize = 1 << 10;

/// A place in the queue for a part of the budget. It is kept over cancellations, so that a reader
/// that is interrupted again and again gets its turn all the same.
pub(super) type Turn = Pin<Box<dyn Future<Output = Option<BudgetPermit>> + Send>>;

/// A number of bytes that all frames above 16 KiB share, from before their payload is read until
/// the permit in [`RawFrame`](super::RawFrame) is dropped; cheap to clone. A frame that comes
/// slowly while others wait is set aside: it counts against a second budget, a quarter as large,
/// and whoever trickles holds up none but his like.
#[derive(Debug, Clone)]
pub struct ByteBudget {
    whole: Arc<Whole>,
    /// What one peer may hold of it.
    share: Option<Share>,
}

/// What one peer may hold.
#[derive(Debug, Clone)]
struct Share {
    all: Arc<Semaphore>,
    slow: Arc<Semaphore>,
}

#[derive(Debug)]
struct Whole {
    free: Arc<Semaphore>,
    /// For frames that were set aside.
    slow: Arc<Semaphore>,
    /// Frames that wait for others to give room.
    waiting: AtomicUsize,
}

/// A frame's part of a budget, given back when dropped.
#[derive(Debug)]
pub struct BudgetPermit {
    held: OwnedSemaphorePermit,
    _share: Option<OwnedSemaphorePermit>,
    /// The peer's share of what is slow, once it was set aside.
    slow_share: Option<OwnedSemaphorePermit>,
    is_slow: bool,
}

impl ByteBudget {
    /// A budget of so many bytes; never less than the largest frame, which could not be read else.
    pub fn new(bytes: usize) -> Self {
        let kib = bytes.max(FEED_BYTES_MAX).div_ceil(KIB);
        let places = |kib: usize| Arc::new(Semaphore::new(kib.min(Semaphore::MAX_PERMITS)));
        Self {
            whole: Arc::new(Whole {
                free: places(kib),
                slow: places(kib / SLOW_DIVISOR),
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
            share: Some(Share {
                all: Arc::new(Semaphore::new(SHARE_BYTES / KIB)),
                slow: Arc::new(Semaphore::new(SLOW_SHARE_BYTES / KIB)),
            }),
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

    /// Sets a frame aside, and gives its place to those who wait, if there is room among the slow.
    pub(super) fn set_aside(&self, permit: &mut BudgetPermit) -> bool {
        let kib = u32::try_from(permit.held.num_permits()).unwrap_or(u32::MAX);
        let take = |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_many_owned(kib).ok();
        let share = match &self.share {
            Some(share) => match take(&share.slow) {
                None => return false,
                share => share,
            },
            None => None,
        };
        let Some(place) = take(&self.whole.slow) else {
            return false;
        };
        (permit.held, permit.slow_share, permit.is_slow) = (place, share, true);
        true
    }

    /// Queues for a frame of so many bytes.
    pub(super) fn queue(&self, bytes: usize) -> Turn {
        let whole = Arc::clone(&self.whole);
        let share = self.share.as_ref().map(|it| Arc::clone(&it.all));
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
                held: free.acquire_many_owned(kib).await.ok()?,
                _share: share,
                slow_share: None,
                is_slow: false,
            })
        })
    }
}

impl BudgetPermit {
    /// How many bytes it stands for, in whole KiB.
    pub fn bytes(&self) -> usize {
        self.held.num_permits() * KIB
    }

    /// Whether it was set aside.
    pub(super) const fn is_slow(&self) -> bool {
        self.is_slow
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
