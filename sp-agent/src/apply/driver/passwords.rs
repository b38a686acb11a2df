//! Gives a user the password that the hub sealed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use shared::model::{CloudId, Secret};
use shared::wire::frame::Checked;

use super::Unseal;
use crate::apply::doubts::is_doubtful;
use crate::cloud::{Cloud, CloudError};

/// Passwords in doubt that are remembered; of more than these none is.
const DOUBTS_MAX: usize = 1024;

/// Passwords of which nobody knows whether they were set: the answer was lost.
#[derive(Debug, Default)]
pub(super) struct Doubts(Mutex<BTreeSet<(CloudId, u64)>>);

impl Doubts {
    pub(super) fn add(&self, user: &CloudId, version: u64) {
        let mut doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if doubts.len() < DOUBTS_MAX {
            doubts.insert((user.clone(), version));
        }
    }

    fn take(&self, user: &CloudId, version: u64) -> bool {
        let mut doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.remove(&(user.clone(), version))
    }
}

/// Opens a password and sets it. A cloud that refuses it may have it already, from a try of which
/// the answer was lost: some keep a history of passwords and take none twice. Only then it is
/// asked, and once: it counts wrong passwords, and locks whoever has too many.
pub(super) async fn set(
    cloud: &dyn Cloud,
    (unseal, doubts): (&dyn Unseal, &Doubts),
    user: &CloudId,
    secret: &Secret,
) -> Result<(), CloudError> {
    let password = unseal
        .password(secret)
        .map_err(|reason| CloudError::Refused {
            what: "set this password".to_owned(),
            reason,
        })?;
    let refused = match cloud.set_password(user, &password).await {
        Err(error) if is_refusal(&error) && doubts.take(user, secret.version) => error,
        done => {
            match &done {
                Ok(()) => _ = doubts.take(user, secret.version),
                Err(error) if is_doubtful(error) => doubts.add(user, secret.version),
                Err(_) => {}
            }
            return done;
        }
    };
    match cloud.check_password(user, &password).await {
        Ok(Checked::Right | Checked::NeedsMore) => Ok(()),
        Ok(Checked::Wrong | Checked::Expired) | Err(_) => Err(refused),
    }
}

const fn is_refusal(error: &CloudError) -> bool {
    match error {
        CloudError::Conflict { .. } => true,
        CloudError::Status { status, .. } => *status == 400,
        _ => false,
    }
}
