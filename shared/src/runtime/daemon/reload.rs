//! Reloading: a request goes to every listener, and is over when each has come back for the next.

use std::collections::BTreeMap;
use std::future::Future;

use tokio::sync::watch;

/// The asking side. Generations count requests; `applied` holds, per listener, the last one that it
/// is done with.
#[derive(Debug)]
pub(super) struct Reload {
    requested: watch::Sender<u64>,
    applied: watch::Sender<Applied>,
}

#[derive(Debug, Default)]
struct Applied {
    next_id: u64,
    generations: BTreeMap<u64, u64>,
}

impl Default for Reload {
    fn default() -> Self {
        Self {
            requested: watch::Sender::new(0),
            applied: watch::Sender::default(),
        }
    }
}

impl Reload {
    pub(super) fn listener(&self) -> ReloadListener {
        ReloadListener {
            id: None,
            seen: 0,
            requested: self.requested.subscribe(),
            applied: self.applied.clone(),
        }
    }

    /// Wakes all listeners; the returned future ends when each of them has done its part, or is
    /// gone.
    pub(super) fn request(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut generation = 0;
        self.requested.send_modify(|requested| {
            *requested += 1;
            generation = *requested;
        });
        let mut applied = self.applied.subscribe();
        async move {
            let done = |applied: &Applied| applied.generations.values().all(|at| *at >= generation);
            // The sender lives in `Reload`; when that is gone, so is the daemon.
            let _ = applied.wait_for(done).await;
        }
    }
}

/// The hearing side, one for each task that has something to reload. It counts from its first
/// [`requested`](Self::requested) on; until then it is only there to be cloned.
#[derive(Debug)]
pub struct ReloadListener {
    id: Option<u64>,
    seen: u64,
    requested: watch::Receiver<u64>,
    applied: watch::Sender<Applied>,
}

impl ReloadListener {
    /// Returns when a reload is asked for. Calling it again says that the last one is done, well or
    /// badly. Requests that come while one is being done become one. Dropping the returned future
    /// loses nothing.
    pub async fn requested(&mut self) {
        self.report();
        let seen = self.seen;
        let asked = self
            .requested
            .wait_for(|generation| *generation > seen)
            .await;
        let asked = asked.map(|generation| *generation);
        match asked {
            Ok(generation) => self.seen = generation,
            // Nobody is left to ask.
            Err(_) => std::future::pending().await,
        }
    }

    fn report(&mut self) {
        self.applied.send_modify(|applied| {
            let id = *self.id.get_or_insert_with(|| {
                applied.next_id += 1;
                applied.next_id
            });
            applied.generations.insert(id, self.seen);
        });
    }
}

impl Clone for ReloadListener {
    fn clone(&self) -> Self {
        Self {
            id: None,
            seen: self.seen,
            requested: self.requested.clone(),
            applied: self.applied.clone(),
        }
    }
}

impl Drop for ReloadListener {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.applied.send_modify(|applied| {
                applied.generations.remove(&id);
            });
        }
    }
}
