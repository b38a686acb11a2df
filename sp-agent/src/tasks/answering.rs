//! Answers the hub's calls by asking the cloud.

mod checks;
mod guesses;

use std::sync::Arc;

use async_trait::async_trait;
use shared::audit::By;
use shared::foreign;
use shared::ids::{FederationId, RegionId};
use shared::model::{CloudCredential, CloudId, Secret, UnixMillis};
use shared::pki::{Context, SealError, SealedFor, SealingKey};
use shared::wire::frame::{Checked, Fate, decode_credential};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::custodian::{Custodian, NotTaken};
use crate::apply::Unseal;
use crate::cloud::Cloud;
use crate::cloud::openstack::Unproven;
use crate::config::Config;
use crate::uplink::Answering;
pub(super) use checks::Checks;
pub(super) use guesses::Guesses;

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
    pub(super) checks: Checks,
    pub(super) configs: watch::Receiver<Arc<Config>>,
    pub(super) custodian: Custodian,
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
        let cloud = self.cloud.borrow().clone();
        let cloud =
            cloud.ok_or("the agent is not set up for a cloud yet; see `sp-agent status`")?;
        let password = self.opener.open(SealedFor::Check(&user), &sealed)?;
        self.checks.begin(&user).await?;
        let checked = cloud.check_password(&user, &password).await;
        self.checks.end(&user, checked.as_ref().ok().copied());
        checked.map_err(|error| error.to_string())
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
