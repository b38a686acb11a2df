//! Gives a user the password that the hub sealed.

use shared::model::{CloudId, Secret};
use shared::wire::frame::Checked;

use super::Unseal;
use crate::apply::late::is_refusal;
use crate::cloud::{Cloud, CloudError};

/// Opens a password and sets it. A cloud that refuses it may have it already, from a try of which
/// the answer was lost, or as it is given once more: some keep a history of passwords and take none
/// twice. Only then it is asked, and rarely: it counts wrong passwords, and locks whoever has too
/// many.
pub(super) async fn set(
    cloud: &dyn Cloud,
    unseal: &dyn Unseal,
    user: &CloudId,
    (secret, may_be_set): (&Secret, bool),
) -> Result<(), CloudError> {
    let password = unseal
        .password(secret)
        .map_err(|reason| CloudError::Refused {
            what: "set this password".to_owned(),
            reason,
        })?;
    let refused = match cloud.set_password(user, &password).await {
        Err(error) if is_refusal(&error) && may_be_set => error,
        done => return done,
    };
    // That it did not say is no refusal, so that it is asked again.
    match cloud.check_password(user, &password).await? {
        // A Keystone that wants each password changed by its user
        // (`change_password_upon_first_use`) says of each one that was just set that it is expired,
        // and of none that is wrong.
        Checked::Right | Checked::NeedsMore | Checked::Expired => Ok(()),
        Checked::Wrong => Err(refused),
    }
}
