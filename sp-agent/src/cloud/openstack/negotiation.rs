//! What one service offers, as it said last: asked once for each token, and once more when it
//! refuses what it offered.
//!
//! A service answers 406 to a microversion that it does not know. It does so after it offered it
//! when an upgrade rolls through the machines behind a load balancer, so that one of them says what
//! it offers and another one is asked, or when an upgrade was rolled back. Then the lower of the
//! two offers holds for some minutes, which all machines understand; the offer is then asked anew.

use std::time::{Duration, Instant};

use shared::runtime::clock::Clock;
use tokio::sync::Mutex;

use super::version::{Microversion, Versions};
use crate::cloud::CloudError;

/// An upgrade of a control plane takes that long from machine to machine. While it lasts longer,
/// one question in so many minutes is asked twice.
const LOWER_SERVES: Duration = Duration::from_secs(5 * 60);

/// One service's offer.
#[derive(Debug, Default)]
pub(super) struct Negotiation(
    // Held while the service is asked, so that one caller asks and the others wait for him.
    Mutex<Option<Offer>>,
);

#[derive(Debug)]
struct Offer {
    versions: Versions,
    /// When it is to be asked anew, if it is not good for as long as the token.
    until: Option<Instant>,
}

impl Negotiation {
    /// What the service offers; asks it, by `fetch`, if that is not known.
    pub(super) async fn versions(
        &self,
        clock: &Clock,
        fetch: impl AsyncFnOnce() -> Result<Versions, CloudError>,
    ) -> Result<Versions, CloudError> {
        let mut offer = self.0.lock().await;
        let now = clock.now();
        let known = offer
            .as_ref()
            .filter(|it| it.until.is_none_or(|end| now < end));
        if let Some(known) = known {
            return Ok(known.versions.clone());
        }
        let versions = fetch().await?;
        *offer = Some(Offer {
            versions: versions.clone(),
            until: None,
        });
        Ok(versions)
    }

    /// Asks the service anew, by `fetch`, after it refused `refused` for a question that may be
    /// asked with `wanted`. Nothing is asked where somebody else did so meanwhile.
    pub(super) async fn again(
        &self,
        clock: &Clock,
        (wanted, refused): (Microversion, Microversion),
        fetch: impl AsyncFnOnce() -> Result<Versions, CloudError>,
    ) -> Result<(), CloudError> {
        let mut offer = self.0.lock().await;
        let before = offer.take();
        let is_lower = |it: &Offer| it.versions.negotiate(wanted) < Some(refused);
        if before.as_ref().is_some_and(is_lower) {
            *offer = before;
            return Ok(());
        }
        // If this fails, nothing is known, and the next question asks.
        let fetched = fetch().await?;
        let versions = match before {
            Some(before) => before.versions.lower(fetched),
            None => fetched,
        };
        let until = Some(clock.now() + LOWER_SERVES);
        *offer = Some(Offer { versions, until });
        Ok(())
    }
}
