//! Signs in at Keystone: one token, with the catalog that came with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use reqwest::Url;
use reqwest::header::HeaderValue;
use shared::model::ServiceKind;
use shared::runtime::clock::Clock;

use super::catalog::Catalog;
use super::http::{Answer, Http};
use super::negotiation::Negotiation;
use super::options::{Auth, Interface, Options};
use super::passwords::EXPIRED;
use super::patience::{Patience, Tries};
use super::refusal::Refusal;
use super::setup::SetupError;
use super::token::{self, Home, SignIn};
use crate::cloud::CloudError;

/// A token, and what it came with. All of it is read anew with the next token.
#[derive(Debug)]
pub(super) struct Login {
    /// Marked as sensitive, so that no log shows it.
    pub(super) token: HeaderValue,
    /// Where the services are.
    pub(super) catalog: Catalog,
    /// The account's name.
    pub(super) user: String,
    /// The account's id.
    pub(super) user_id: Option<String>,
    /// The project's name.
    pub(super) project: String,
    /// The project's id.
    pub(super) project_id: Option<String>,
    /// The domains that the account and the project live in.
    pub(super) domains: Vec<Home>,
    /// The names of the account's roles in it.
    pub(super) roles: Vec<String>,
    /// Whether administrators of the project are the cloud's.
    pub(super) is_admin_project: bool,
    /// What each service offers; in the order of [`ServiceKind::ALL`].
    negotiations: [Negotiation; ServiceKind::ALL.len()],
    issued: Instant,
    life: Duration,
}

impl Login {
    /// What a service offers, once it was asked.
    pub(super) fn negotiation(&self, service: ServiceKind) -> Option<&Negotiation> {
        let at = ServiceKind::ALL.iter().position(|it| *it == service)?;
        self.negotiations.get(at)
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.issued)
    }

    /// A fifth of its life is left: room for a Keystone that is away for some minutes.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.age(now) >= self.life / 5 * 4
    }

    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.age(now) >= self.life
    }
}

/// The door of one Keystone, and what is shown there.
#[derive(Debug)]
pub(super) struct Signer {
    keystone: Url,
    auth: Auth,
    region: Option<String>,
    interface: Interface,
    http: Arc<Http>,
    clock: Clock,
    patience: Patience,
    /// The last catalog, for telling where a service should be while there is no token.
    known: ArcSwap<Catalog>,
}

impl Signer {
    pub(super) fn new(
        options: &Options,
        http: Arc<Http>,
        clock: Clock,
        patience: Patience,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            keystone: options.keystone()?,
            auth: options.auth.clone(),
            region: options.region_name.clone(),
            interface: options.interface,
            http,
            clock,
            patience,
            known: ArcSwap::default(),
        })
    }

    /// Where Keystone is.
    pub(super) const fn keystone(&self) -> &Url {
        &self.keystone
    }

    /// Where a service was when it was last known; empty if it never was.
    pub(super) fn known_endpoint(&self, service: ServiceKind) -> String {
        match service {
            ServiceKind::Identity => self.keystone.to_string(),
            _ => {
                let known = self.known.load();
                let url = known.endpoint(service).map_or("", Url::as_str);
                url.trim_end_matches('/').to_owned()
            }
        }
    }

    /// A new token.
    ///
    /// # Errors
    /// If Keystone does not give one, also after some tries.
    pub(super) async fn sign_in(&self) -> Result<Login, CloudError> {
        let issued = self.clock.now();
        let answer = self.post().await?;
        let malformed = |reason: String| CloudError::Malformed {
            endpoint: self.keystone.to_string(),
            what: WHAT.to_owned(),
            reason,
        };
        let token = token::parse(&answer.body).map_err(malformed)?;
        let subject = answer
            .subject_token
            .ok_or_else(|| malformed("it has no X-Subject-Token header".to_owned()))?;
        let mut header = HeaderValue::from_str(subject.expose())
            .map_err(|_| malformed("its token is no header value".to_owned()))?;
        header.set_sensitive(true);
        let (project, project_id) = token.project;
        let catalog = Catalog::choose(
            &token.services,
            self.region.as_deref(),
            self.interface,
            project_id.as_deref(),
        )
        .map_err(malformed)?
        .with_keystone(self.keystone.clone());
        self.known.store(Arc::new(catalog.clone()));
        tracing::debug!(life_s = token.life.as_secs(), "signed in at Keystone");
        Ok(Login {
            token: header,
            catalog,
            user: token.user,
            user_id: token.user_id,
            project,
            project_id,
            domains: token.domains,
            roles: token.roles,
            is_admin_project: token.is_admin_project,
            negotiations: Default::default(),
            issued,
            life: token.life,
        })
    }

    async fn post(&self) -> Result<Answer, CloudError> {
        let mut url = self.keystone.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["auth", "tokens"]);
        }
        let mut tries = Tries::new(&self.patience);
        loop {
            let body = SignIn::from(&self.auth);
            let request = self.http.client().post(url.clone()).json(&body);
            let answer = self.http.send(request).await;
            let refusal = match Refusal::unless(|status| status == 201, answer) {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            match tries.next(refusal.outcome(), rand::random()) {
                Some(wait) => self.clock.sleep(wait).await,
                None => {
                    let error = refusal.into_error(self.keystone.as_str(), WHAT.to_owned());
                    return Err(self.auth.judge(error));
                }
            }
        }
    }
}

impl Auth {
    /// What a failed sign-in says: Keystone has but one answer to most of what may be wrong.
    fn judge(&self, error: CloudError) -> CloudError {
        let CloudError::Unauthorized { endpoint, reason } = error else {
            return error;
        };
        let means = match self {
            Self::Password { .. } if reason.starts_with(EXPIRED) => "the password has expired",
            Self::Password { .. } => {
                "the password is another one, or account, domain or project is switched off or \
                 locked, or the account has no role there any more"
            }
            Self::ApplicationCredential { .. } => {
                "it was deleted or has expired, its secret is another one, or its user is switched \
                 off or has lost the roles that it was made with"
            }
        };
        CloudError::CredentialRefused {
            endpoint,
            account: self.shown(),
            reason,
            means,
        }
    }
}

/// What a sign-in is called in errors.
const WHAT: &str = "POST /auth/tokens";
