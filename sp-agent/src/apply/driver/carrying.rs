//! Carries an order to the cloud.

use shared::model::CloudId;

use super::{Unseal, passwords};
use crate::apply::batch::Task;
use crate::cloud::{Cloud, CloudError, Order, QuotaSet};

/// What came of an order: the id of what was made, and what a quota became.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) made: Option<CloudId>,
    pub(super) set: QuotaSet,
}

/// Has the cloud perform it.
pub(super) async fn carry(
    cloud: &dyn Cloud,
    unseal: &dyn Unseal,
    task: &Task,
) -> Result<Carried, CloudError> {
    let mut carried = Carried::default();
    match &task.order {
        Order::Password(user, secret) => {
            let password = (secret, task.giving.may_be_set);
            passwords::set(cloud, unseal, user, password).await?;
        }
        Order::Quota(order) => carried.set = cloud.set_quota(order).await?,
        order => carried.made = cloud.perform(order).await?,
    }
    Ok(carried)
}
