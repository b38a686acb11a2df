//! Regions as they are asked about passwords.

use futures_util::future::BoxFuture;
use shared::model::CloudId;
use shared::wire::frame::Checked;

use crate::downlink::{CallError, Registry};
use crate::store::RegionNo;

/// Asks regions about passwords.
pub trait Regions: Send + Sync {
    /// Whether a password, sealed to the region's agent, is the one of a user of its cloud.
    ///
    /// # Errors
    /// If the region gives no answer.
    fn check(
        &self,
        region: RegionNo,
        user: CloudId,
        sealed: Vec<u8>,
    ) -> BoxFuture<'_, Result<Checked, CallError>>;
}

impl Regions for Registry {
    fn check(
        &self,
        region: RegionNo,
        user: CloudId,
        sealed: Vec<u8>,
    ) -> BoxFuture<'_, Result<Checked, CallError>> {
        Box::pin(async move { self.check_password(region, &user, &sealed).await })
    }
}
