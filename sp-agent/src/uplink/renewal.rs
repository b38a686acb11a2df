//! The certificate's life: renewed at half of it while connected, recovered when it does not count.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::wire::Text;
use shared::wire::frame::{Control, Renew};

use super::Options;
use super::failure::Failure;
use crate::join;
use crate::membership::Kept;

/// A renewal that brought nothing, or a certificate that seems due for another at once since the
/// clocks are far apart, is asked for again after this.
const AGAIN: Duration = Duration::from_secs(300);

/// Certificates live for a day; a clock far off must not overflow a deadline.
const WAIT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// When the certificate is renewed.
pub(super) struct Renewal {
    due: Instant,
    jitter: f64,
    /// The hub says that the certificate does not count, and its clock is what matters.
    doubted: bool,
}

impl Renewal {
    pub(super) fn new(options: &Options, jitter: f64) -> Self {
        let mut renewal = Self {
            due: options.clock.now(),
            jitter,
            doubted: false,
        };
        renewal.schedule(options);
        renewal
    }

    /// Waits until a renewal is due.
    pub(super) fn due<'a>(&self, clock: &'a Clock) -> impl Future<Output = ()> + 'a {
        clock.sleep_until(self.due)
    }

    /// The request, and the next one later should this bring nothing.
    pub(super) fn request(&mut self, options: &Options) -> Option<Control<'static>> {
        self.store_again(options);
        if options.clock.unix_millis() < options.credentials.renew_at(self.jitter) {
            // It was woken to store, or has been recovered meanwhile.
            return None;
        }
        match options.credentials.csr() {
            Ok(csr) => Some(Control::Renew(Renew {
                csr: Text::cut_owned(csr),
            })),
            Err(error) => {
                tracing::error!(error = %chain(&error), "cannot ask for a new certificate");
                None
            }
        }
    }

    /// Keeps a new certificate. The connection goes on with the old one, the next takes the new.
    pub(super) fn keep(&mut self, options: &Options, certificate: &str) {
        match options.credentials.keep_certificate(certificate) {
            Ok(kept) => {
                tracing::info!("the certificate was renewed");
                self.schedule(options);
                self.kept(options, &kept);
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "the hub's new certificate is refused");
            }
        }
    }

    /// There is a connection, maybe by a recovered certificate, whose renewal may be due sooner
    /// than that of one that did not count yet.
    pub(super) fn connected(&mut self, options: &Options) {
        let due = self.due;
        self.schedule(options);
        self.due = self.due.min(due);
    }

    /// There is none. A certificate that was called in doubt stays so while no other is given for
    /// it; where nobody could be asked, the link is tried as well, as the hub's clock may be right
    /// again.
    pub(super) const fn failed(&mut self, failure: &Failure) {
        if matches!(failure, Failure::OutOfDate(_) | Failure::Refused { .. }) {
            self.doubted = true;
        }
    }

    /// The way back when the certificate does not count, by this machine's clock or by the hub's.
    pub(super) fn recovery(
        &mut self,
        options: &Options,
        address: &str,
    ) -> Option<BoxFuture<'static, Result<(), Failure>>> {
        let doubted = std::mem::take(&mut self.doubted);
        if !doubted && !options.credentials.expired(options.clock.unix_millis()) {
            return None;
        }
        tracing::warn!(
            "the certificate has expired, or the hub says that it does not count now; asking for a \
             new one by the bound key"
        );
        let credentials = std::sync::Arc::clone(&options.credentials);
        let (region, address) = (options.membership.region, address.to_owned());
        let dial = options.dial.clone();
        Some(Box::pin(async move {
            let kept = join::recover(&credentials, region, &address, dial).await?;
            warn_unstored(&kept);
            Ok(())
        }))
    }

    /// The next wake is for storing, or else for the next renewal.
    fn store_again(&mut self, options: &Options) {
        let stored = options.credentials.store_again();
        // Not at once also should the request bring nothing.
        self.schedule(options);
        if let Some(kept) = stored {
            if matches!(kept, Kept::Stored) {
                tracing::info!("the renewed certificate is stored now");
            }
            self.kept(options, &kept);
        }
    }

    fn kept(&mut self, options: &Options, kept: &Kept) {
        warn_unstored(kept);
        if matches!(kept, Kept::InMemory(_)) {
            self.due = self.due.min(options.clock.now() + AGAIN);
        }
    }

    fn schedule(&mut self, options: &Options) {
        let wait = options
            .credentials
            .renew_at(self.jitter)
            .since(options.clock.unix_millis());
        self.due = options.clock.now() + wait.clamp(AGAIN, WAIT_MAX);
    }
}

fn warn_unstored(kept: &Kept) {
    if let Kept::InMemory(error) = kept {
        tracing::error!(
            error = %chain(error),
            "the new certificate is in use, but could not be stored: make room or mend the disk, \
             before this agent is restarted; it is tried again every five minutes"
        );
    }
}

#[cfg(test)]
mod tests;
