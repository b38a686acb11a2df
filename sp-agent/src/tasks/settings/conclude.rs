//! What comes of a try of the configuration's credential.

use std::sync::Arc;

use shared::runtime::errors::chain;

use super::{Course, PROVE_AGAIN, Settings};
use crate::cloud::openstack::{Auth, Home, Proof, Unproven};
use crate::config::Config;
use crate::credential::{self, Counts, Doubt, Why};
use crate::tasks::custodian::{NotTaken, credential_act};

impl Settings {
    /// Keeps what works, for the configuration's credential.
    pub(super) async fn keep(
        &self,
        config: &Config,
        (auth, homes): (&Auth, Vec<Home>),
        why: Why,
    ) -> Result<(), String> {
        let Some(configured) = config.credential.configured.clone() else {
            return Ok(());
        };
        let (data_dir, auth) = (self.data_dir.clone(), auth.clone());
        let keep = move || credential::keep(&data_dir, &configured, (&auth, &homes), &why);
        match tokio::task::spawn_blocking(keep).await {
            Ok(kept) => kept.map_err(|error| chain(&error).to_string()),
            Err(_) => Err("the agent stops".to_owned()),
        }
    }

    /// The configuration's credential was tried.
    pub(super) async fn conclude(&self, proven: Result<Proof, NotTaken>, course: &mut Course) {
        course.trial = None;
        let config = Arc::clone(&self.configs.borrow());
        let Some((configured, at_work)) = config
            .credential
            .configured
            .as_ref()
            .zip(config.openstack())
        else {
            return;
        };
        let is_new = config.credential.is_tried;
        let taken = proven.as_ref().map(|_| configured.auth.shown());
        let taken = taken.map_err(Clone::clone);
        let (changed, is_told) = match proven {
            Ok(proof) => (self.works(proof, is_new).await, is_new),
            Err(NotTaken::Unproven(error @ (Unproven::Refused(_) | Unproven::Lacking(_)))) => {
                let text = error.to_string();
                let changed = match is_new {
                    true => self.refused(&config, &at_work.auth, text).await,
                    // It goes on, as there is no other; and the services say what it lacks.
                    false => self.is_as_good_as_kept(),
                };
                (changed, is_new)
            }
            Err(error) => {
                course.again_at = Some(self.clock.now() + PROVE_AGAIN);
                let text = error.to_string();
                let is_told = is_new && course.told.as_ref() != Some(&text);
                course.told = Some(text.clone());
                (self.doubted(Doubt::Unanswered(text), is_new), is_told)
            }
        };
        if is_told {
            let was = at_work.auth.shown();
            let act = credential_act(self.by(), configured.auth.kind(), Some(was), &taken);
            self.trail.note(self.clock.unix_millis(), act).await;
        }
        // Once the trail has it: whoever sees what counts now finds why.
        if let Some(changed) = changed {
            self.configs.send_replace(Arc::new(changed));
        }
    }

    /// The configuration's credential works: it goes to work, and is kept.
    async fn works(&self, proof: Proof, is_new: bool) -> Option<Config> {
        let mut config = self.as_before();
        let auth = config.openstack()?.auth.clone();
        let kept = self
            .keep(&config, (&auth, proof.homes.clone()), Why::Own)
            .await;
        if let Err(error) = &kept {
            tracing::error!(
                error,
                "the credential that works can't be kept: a start by another one that does not \
                 work would not find it"
            );
        }
        if is_new {
            tracing::info!(
                account = auth.shown(),
                "the configuration's credential is at work"
            );
        }
        config.credential.counts = Counts::Configured;
        config.credential.is_tried = false;
        // Not tried again and again where the disk is full.
        config.credential.is_kept = true;
        config.credential.homes = proof.homes;
        Some(config)
    }

    /// The configuration's credential is refused: the one at work goes on, also after a start.
    async fn refused(&self, config: &Config, at_work: &Auth, text: String) -> Option<Config> {
        tracing::error!(
            reason = text,
            "the configuration's new credential is not taken; the one until now goes on"
        );
        let at = self.clock.unix_millis();
        // One that was never seen to work is no better than the configuration's.
        if config.credential.is_kept {
            let refused = text.clone();
            let homes = config.credential.homes.clone();
            let why = Why::Former { refused, at };
            if let Err(error) = self.keep(config, (at_work, homes), why).await {
                tracing::error!(error, "that the one until now goes on can't be kept");
            }
        }
        self.doubted(Doubt::Refused { text, at }, true)
    }

    fn is_as_good_as_kept(&self) -> Option<Config> {
        let mut config = Config::clone(&self.configs.borrow());
        config.credential.is_kept = true;
        Some(config)
    }

    /// With the reason why the configuration's credential is not at work.
    fn doubted(&self, doubt: Doubt, is_new: bool) -> Option<Config> {
        let mut config = Config::clone(&self.configs.borrow());
        config.credential.is_tried = is_new && !matches!(doubt, Doubt::Refused { .. });
        let counts = Counts::Former { doubt };
        (is_new && config.credential.counts != counts).then(|| {
            config.credential.counts = counts;
            config
        })
    }
}
