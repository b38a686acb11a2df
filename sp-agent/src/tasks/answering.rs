//! Answers the hub's calls by asking the cloud.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use shared::audit::By;
use shared::foreign;
use shared::ids::{FederationId, RegionId};
use shared::model::{CloudCredential, CloudId, Secret, UnixMillis};
use shared::pki::{Context, SealError, SealedFor, SealingKey};
use shared::runtime::clock::Clock;
use shared::wire::frame::{Checked, Fate, decode_credential};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::custodian::{Custodian, NotTaken};
use crate::allowance::Allowance;
use crate::apply::Unseal;
use crate::cloud::Cloud;
use crate::cloud::openstack::Unproven;
use crate::config::Config;
use crate::uplink::Answering;

/// Wrong passwords that are tried one after another, whoever's they are: the typing errors of the
/// users of a large region in one busy minute.
const WRONG_AT_ONCE: u32 = 60;

/// After them one in so long. A hub that was taken over can guess no faster, however many it asks
/// about; the cloud's own lockout counts for each account besides.
const WRONG_EACH: Duration = Duration::from_secs(2);

/// Opens what is sealed to this agent.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) key: Arc<SealingKey>,
    pub(super) federation: FederationId,
    pub(super) region: RegionId,
}

/// Answers calls.
pub(super) struct Answers {
    pub(super) opener: Opener,
    pub(super) cloud: watch::Receiver<Option<Arc<dyn Cloud>>>,
    pub(super) clock: Clock,
    /// Counts wrong passwords.
    pub(super) wrong: Mutex<Allowance>,
    pub(super) configs: watch::Receiver<Arc<Config>>,
    pub(super) custodian: Custodian,
}

/// What may be wrong, all users together.
pub(super) const fn wrong() -> Allowance {
    Allowance::new(WRONG_AT_ONCE, WRONG_EACH)
}

/// The key's public half tells whether it is the same.
impl PartialEq for Opener {
    fn eq(&self, other: &Self) -> bool {
        let own = |it: &Self| (it.key.public(), it.federation, it.region);
        own(self) == own(other)
    }
}

impl Opener {
    /// The credential that is sealed to this agent, and when it was.
    fn credential(&self, sealed: &[u8]) -> Result<(CloudCredential, UnixMillis), String> {
        let context = self.context(SealedFor::Credential);
        let opened = self.key.open(&context, sealed);
        let opened = opened.map_err(|_| {
            "it was sealed to a key that this agent has no more; try again".to_owned()
        })?;
        let offered = decode_credential(&opened);
        let (offered, at) = offered.map_err(|_| {
            "it is of a kind that this agent does not know; upgrade the agent".to_owned()
        })?;
        offered.check().map_err(|error| error.to_string())?;
        Ok((offered, at))
    }

    const fn context<'a>(&self, purpose: SealedFor<'a>) -> Context<'a> {
        Context {
            federation: self.federation,
            region: self.region,
            purpose,
        }
    }

    fn open(&self, purpose: SealedFor<'_>, sealed: &[u8]) -> Result<Zeroizing<String>, String> {
        let opened = self.key.open(&self.context(purpose), sealed);
        let opened = opened.map_err(|error| match error {
            SealError::Open => "it was sealed to a key that this agent has no more, or for \
                                something else; have the user sign in at the hub, or set his \
                                password again there"
                .to_owned(),
            error => error.to_string(),
        })?;
        let text = std::str::from_utf8(&opened);
        let text = text.map_err(|_| "it is no text; set it again at the hub".to_owned())?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

impl Unseal for Opener {
    fn password(&self, secret: &Secret) -> Result<Zeroizing<String>, String> {
        let purpose = SealedFor::Password(secret.user, secret.version);
        self.open(purpose, &secret.sealed)
    }
}

#[async_trait]
impl Answering for Answers {
    async fn check(&self, user: CloudId, sealed: Vec<u8>) -> Result<Checked, String> {
        if let Err(wait) = self.wrong().admit(self.clock.now()) {
            let seconds = wait.as_millis().div_ceil(1000);
            return Err(format!(
                "too many passwords were wrong here lately; the next is looked at in {seconds} s"
            ));
        }
        let password = self.opener.open(SealedFor::Check(&user), &sealed)?;
        let cloud = self.cloud.borrow().clone();
        let cloud =
            cloud.ok_or("the agent is not set up for a cloud yet; see `sp-agent status`")?;
        let checked = cloud.check_password(&user, &password).await;
        let checked = checked.map_err(|error| error.to_string())?;
        if checked == Checked::Wrong {
            self.wrong().count(self.clock.now());
        }
        Ok(checked)
    }

    async fn take_credential(&self, sealed: Vec<u8>, by: String) -> (Fate, String) {
        let by = By::new(foreign::line(&by), "hub");
        let is_allowed = self.configs.borrow().policy.credential_from_hub;
        let offered = match self.opener.credential(&sealed) {
            Ok(offered) if is_allowed => offered,
            Ok((offered, _)) => {
                let text = "the region's policy takes no credential from a hub \
                            (credential_from_hub); give it in the region: sp-agent credential set";
                return self.unseen(by, offered.kind(), text.to_owned()).await;
            }
            Err(reason) => return self.unseen(by, "unknown", reason).await,
        };
        match self.custodian.take_sealed(offered, by).await {
            Ok(taken) => (Fate::Kept, taken.account),
            Err(error) => (fate(&error), error.to_string()),
        }
    }
}

/// What came of a credential that was not taken.
const fn fate(error: &NotTaken) -> Fate {
    match error {
        NotTaken::Unproven(Unproven::Refused(_)) => Fate::Refused,
        NotTaken::Unproven(Unproven::Lacking(_)) => Fate::Lacking,
        NotTaken::Unproven(Unproven::Unanswered(_)) => Fate::Unanswered,
        NotTaken::Other(_) => Fate::NotTaken,
    }
}

impl Answers {
    async fn unseen(&self, by: By, kind: &str, reason: String) -> (Fate, String) {
        let error = self.custodian.unseen(by, kind, reason).await;
        (Fate::NotTaken, error.to_string())
    }

    fn wrong(&self) -> std::sync::MutexGuard<'_, Allowance> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_passwords_run_out_and_come_back_one_by_one() {
        let begin = Clock::system().now();
        let mut wrong = wrong();
        for _ in 0..WRONG_AT_ONCE {
            assert_eq!(wrong.admit(begin), Ok(()));
            wrong.count(begin);
        }
        assert_eq!(wrong.admit(begin), Err(WRONG_EACH));
        let later = begin + WRONG_EACH;
        assert_eq!(wrong.admit(later), Ok(()));
        wrong.count(later);
        assert_eq!(wrong.admit(later), Err(WRONG_EACH));
    }

    #[test]
    fn a_secret_opens_for_its_user_and_version_in_this_region_alone() {
        let opener = Opener {
            key: Arc::new(SealingKey::generate().unwrap()),
            federation: FederationId::from_random(1),
            region: RegionId::from_random(2),
        };
        let user = shared::ids::ObjectId::from_random(3);
        let context = |region| Context {
            federation: opener.federation,
            region,
            purpose: SealedFor::Password(user, 7),
        };
        let seal = |region| {
            let sealed = opener
                .key
                .public()
                .seal(&context(region), "päss".as_bytes());
            sealed.unwrap()
        };
        let (version, sealed) = (7, seal(opener.region));
        let secret = Secret {
            user,
            version,
            sealed,
        };
        assert_eq!(*opener.password(&secret).unwrap(), "päss");
        let other = Secret {
            version: 8,
            ..secret.clone()
        };
        let foreign = Secret {
            sealed: seal(RegionId::from_random(9)),
            ..secret
        };
        for it in [other, foreign] {
            let told = opener.password(&it).unwrap_err();
            assert!(told.contains("sign in at the hub"), "{told}");
        }
    }
}
