//! Samples of this machine, for the collector.

use std::time::Instant;

use shared::model::{HostSample, UnixMillis};
use shared::runtime::errors::chain;
use tracing::{error, info};

use crate::host::Host;

/// Takes a sample of this machine, latencies apart; `None` if nothing of it can be told, which it
/// logs itself. May block.
pub type Sampler = Box<dyn FnMut(UnixMillis, Instant) -> Option<HostSample> + Send>;

/// Samples from /proc. Logs when nothing can be read, and when it can again.
pub fn host_sampler(mut host: Host) -> Sampler {
    let mut is_blind = false;
    Box::new(move |now, monotonic| match host.sample(now, monotonic) {
        Ok(sample) => {
            if std::mem::take(&mut is_blind) {
                info!("this machine's health can be read again");
            }
            Some(sample)
        }
        Err(failure) => {
            if !std::mem::replace(&mut is_blind, true) {
                error!("{}", chain(&failure));
            }
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any instant will do")]
    fn this_machine_tells_its_memory() {
        let mut sampler = host_sampler(Host::new());
        let sample = sampler(UnixMillis(7), Instant::now()).unwrap();
        assert_eq!(sample.at, UnixMillis(7));
        assert!(sample.memory_total_mib > 0);
    }
}
