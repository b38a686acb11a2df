//! Regions as they are asked about passwords, and given credentials.

use futures_util::future::BoxFuture;
use shared::model::CloudId;
use shared::wire::frame::{Checked, Fate};

use crate::downlink::{CallError, Registry};
use crate::store::RegionNo;

/// Asks regions about passwords, and gives them credentials.
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

    /// Has the region's agent take a credential, sealed to it, on behalf of whom is named: what
    /// came of it, in words.
    ///
    /// # Errors
    /// If the region gives no answer.
    fn give(
        &self,
        region: RegionNo,
        sealed: Vec<u8>,
        by: String,
    ) -> BoxFuture<'_, Result<(Fate, String), CallError>> {
        let _ = (region, sealed, by);
        Box::pin(async { Err(CallError::Away) })
    }
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

    fn give(
        &self,
        region: RegionNo,
        sealed: Vec<u8>,
        by: String,
    ) -> BoxFuture<'_, Result<(Fate, String), CallError>> {
        Box::pin(async move { self.give_credential(region, &sealed, &by).await })
    }
}
