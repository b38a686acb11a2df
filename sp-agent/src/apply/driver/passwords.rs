//! Gives a user the password that the hub sealed.

use shared::model::{CloudId, Secret};
use shared::wire::frame::Checked;

use super::Unseal;
use crate::cloud::{Cloud, CloudError};

/// Opens a password and sets it. A cloud that refuses it may have it already, from a try of which
/// the answer was lost: some keep a history of passwords and take none twice, so that it is asked.
pub(super) async fn set(
    cloud: &dyn Cloud,
    unseal: &dyn Unseal,
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
        Err(error) if is_refusal(&error) => error,
        done => return done,
    };
    match cloud.check_password(user, &password).await {
        Ok(Checked::Right | Checked::NeedsMore) => Ok(()),
        Ok(Checked::Wrong | Checked::Expired) | Err(_) => Err(refused),
    }
}

const fn is_refusal(error: &CloudError) -> bool {
    match error {
        CloudError::Forbidden { .. } | CloudError::Conflict { .. } => true,
        CloudError::Status { status, .. } => *status == 400,
        _ => false,
    }
}
