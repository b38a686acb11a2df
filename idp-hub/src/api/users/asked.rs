//! Asks the region that a user came from whether a password is his.

use std::time::{Duration, Instant};

use shared::model::CloudId;
use shared::pki::{Context, SECRET_BYTES_MAX, SealedFor};
use shared::runtime::errors::chain;
use shared::wire::frame::Checked;

use super::refused::{Refused, refused};
use crate::api::problem::{Kind, Problem};
use crate::api::state::ApiState;
use crate::downlink::CallError;
use crate::store::users::Recipient;

/// How long a region is waited for.
const ASKED_MAX: Duration = Duration::from_secs(10);

/// Whether the region's cloud says that it is his password, of whom began to sign in then.
pub(super) async fn ask(
    state: &ApiState,
    began: Instant,
    (region, user): &(Recipient, CloudId),
    password: &str,
) -> Result<(), Refused> {
    let late = began.checked_add(state.sign_ins().turn_within());
    let late = state.clock.sleep_until(late.unwrap_or(began));
    let turn = state.asking().turn(region.no, late);
    let _turn = turn.await.ok_or_else(|| {
        let detail = "Too many sign-ins wait for this user's region already.";
        let problem = Problem::new(Kind::Unavailable, detail);
        Refused::unanswered("region-busy", problem.retry_after(Duration::from_secs(2)))
    })?;
    let checked = check(state, region, user, password);
    let checked = tokio::time::timeout(ASKED_MAX, checked).await;
    match checked.unwrap_or_else(|_| Err(CallError::Late.into())) {
        Ok(Checked::Right) => Ok(()),
        Ok(Checked::Wrong) => Err(refused("wrong-password")),
        // What is over, or is not enough alone, is not taken over.
        Ok(Checked::Expired) => Err(refused("password-expired")),
        Ok(Checked::NeedsMore) => Err(refused("needs-more")),
        Err(silence) => Err(silence.refused(&region.name)),
    }
}

/// Why a region gave no answer about a password.
#[derive(Debug)]
struct Silence {
    /// In a word.
    reason: &'static str,
    cause: String,
}

impl Silence {
    /// Nothing was sent.
    const fn before(cause: String) -> Self {
        let reason = "region-away";
        Self { reason, cause }
    }

    fn refused(self, region: &str) -> Refused {
        let Self { reason, cause } = self;
        tracing::info!(
            region,
            reason,
            cause,
            "a region gave no answer about a password"
        );
        let detail = "The region that knows this password can't be asked now.";
        Refused::unanswered(reason, Problem::new(Kind::RegionAway, detail))
    }
}

impl From<CallError> for Silence {
    fn from(error: CallError) -> Self {
        let reason = match &error {
            CallError::Away => "region-away",
            // Its cloud is away, or too many were wrong there: its own trail says which.
            CallError::Unable(_) => "region-unable",
            CallError::Late | CallError::Lost(_) => "region-silent",
        };
        let cause = chain(&error).to_string();
        Self { reason, cause }
    }
}

async fn check(
    state: &ApiState,
    region: &Recipient,
    user: &CloudId,
    password: &str,
) -> Result<Checked, Silence> {
    if password.len() > SECRET_BYTES_MAX {
        return Ok(Checked::Wrong);
    }
    let key = region.key;
    let key = key.ok_or_else(|| Silence::before("its agent has told no key yet".to_owned()))?;
    let context = Context {
        federation: state.authority.hub_facts().federation,
        region: region.id,
        purpose: SealedFor::Check(user),
    };
    let sealed = key.seal(&context, password.as_bytes());
    let sealed = sealed.map_err(|error| Silence::before(chain(&error).to_string()))?;
    let answer = state.regions().check(region.no, user.clone(), sealed).await;
    answer.map_err(Silence::from)
}

#[cfg(test)]
mod tests {
    use super::super::refused::Counts;
    use super::*;

    #[test]
    fn a_region_that_says_nothing_counts_for_the_name_and_the_audit_has_the_reason() {
        let unable = || CallError::Unable("its Keystone is down".to_owned());
        let lost = || CallError::Lost("reset".to_owned());
        for (silence, reason) in [
            (Silence::before("no key".to_owned()), "region-away"),
            (CallError::Away.into(), "region-away"),
            (unable().into(), "region-unable"),
            (CallError::Late.into(), "region-silent"),
            (lost().into(), "region-silent"),
        ] {
            let refused = silence.refused("north");
            assert_eq!((refused.reason, refused.counts), (reason, Counts::ForName));
            assert_eq!(refused.problem.kind(), Kind::RegionAway, "{reason}");
        }
        for reason in ["wrong-password", "password-expired"] {
            assert_eq!(refused(reason).counts, Counts::Everywhere);
        }
    }
}
