//! This hub's own certificate: issued at each start, and renewed while it runs.
//!
//! The CA is here, so the certificate need not be stored.

use std::time::Duration;

use metrics::gauge;
use shared::backoff::Backoff;
use shared::ids::HubId;
use shared::pki::{Authority as Ca, BoundKey, Csr, LinkCredential, Peer, Serial, Validity};
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use super::{Authority, AuthorityError, CERTIFICATE_LIFETIME};

/// The wall clock may be set at any time, so it is looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The longest wait after a failure: the certificate still counts for hours.
const RETRY_MAX: Duration = Duration::from_secs(600);

pub(super) fn certify(
    ca: &Ca,
    key: &BoundKey,
    hub: HubId,
    now_secs: u64,
) -> Result<LinkCredential, AuthorityError> {
    let csr = Csr::create(key).map_err(AuthorityError::Request)?;
    let serial = Serial::generate().map_err(AuthorityError::Random)?;
    let validity = Validity::starting(now_secs, CERTIFICATE_LIFETIME);
    let issued = ca
        .issue(&csr, Peer::Hub(hub), serial, validity)
        .map_err(AuthorityError::Issue)?;
    LinkCredential::new(key, &issued.der, ca.anchor()).map_err(AuthorityError::Credential)
}

impl Authority {
    /// Renews this hub's own certificate at half its life, until the hub stops. A task of its own.
    pub async fn keep_certified(self, shutdown: Shutdown) {
        let mut backoff = Backoff::new(Duration::from_secs(1), RETRY_MAX);
        let mut jitter = rand::random();
        loop {
            let wait = match self.renew_own(jitter) {
                Ok(renewed) => {
                    backoff.reset();
                    if renewed {
                        jitter = rand::random();
                    }
                    LOOK_EVERY
                }
                Err(error) => {
                    let wait = backoff.next(rand::random());
                    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    let error = chain(&error);
                    tracing::error!(%error, wait_ms, "cannot renew this hub's certificate");
                    wait
                }
            };
            let slept = shutdown.until_draining(self.0.clock.sleep(wait)).await;
            if slept.is_none() {
                return;
            }
        }
    }

    /// Renews the certificate if it is due, or if the clock was set to where it does not count.
    fn renew_own(&self, jitter: f64) -> Result<bool, AuthorityError> {
        let inner = &self.0;
        let now_secs = inner.clock.unix_millis().as_secs();
        let validity = inner.own.current().validity();
        told("link", validity);
        told("ca", inner.ca.anchor().validity());
        if validity.contains(now_secs) && now_secs < validity.renew_at(jitter) {
            return Ok(false);
        }
        let own = certify(&inner.ca, &inner.key, inner.founding.hub, now_secs)?;
        let not_after = own.validity().not_after;
        told("link", own.validity());
        inner.own.replace(own);
        tracing::info!(not_after, "renewed this hub's certificate");
        Ok(true)
    }
}

/// Until when a certificate counts, for whoever scrapes.
fn told(certificate: &'static str, validity: Validity) {
    let name = "idp_hub_certificate_expiry_timestamp_seconds";
    gauge!(name, "certificate" => certificate).set(validity.not_after as f64);
}
