//! The configuration's credential, while it is tried.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use shared::runtime::clock::Clock;

use crate::cloud::openstack::{Options, Proof};
use crate::credential::{Giver, Tries};
use crate::tasks::custodian::{NotTaken, attempt};

/// One try. Dropped, it is broken off.
pub(super) struct Trial {
    options: Options,
    under_way: BoxFuture<'static, Result<Proof, NotTaken>>,
}

impl Trial {
    /// Of the credential of these options, the configuration's.
    pub(super) fn new(configured: &Options, tries: Arc<Mutex<Tries>>, clock: Clock) -> Self {
        let options = configured.clone();
        let tried = configured.clone();
        let under_way = Box::pin(async move {
            // The administrator who wrote it there knows where it lives.
            let lives = (&tried, [].as_slice());
            let proven = attempt(&tries, lives, &tried.auth, (Giver::Here, &clock)).await;
            proven.map(|(proof, _)| proof)
        });
        Self { options, under_way }
    }

    /// Whether it is a try of just that.
    pub(super) fn is_of(&self, configured: &Options) -> bool {
        self.options == *configured
    }
}

/// What comes of the try that is under way; waits for ever where none is. Cancel-safe.
pub(super) async fn outcome(trial: &mut Option<Trial>) -> Result<Proof, NotTaken> {
    match trial {
        Some(trial) => (&mut trial.under_way).await,
        None => std::future::pending().await,
    }
}
