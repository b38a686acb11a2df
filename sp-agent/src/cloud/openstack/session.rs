//! Owns the token: one for all requests, renewed by one caller while the others wait for it.
//!
//! A token is renewed well before it expires. While Keystone does not answer, the old one serves
//! on to its end, so that a restart of Keystone stops nothing. A refused sign-in is not repeated at
//! once: Keystone may lock the account after a few (`lockout_failure_attempts`), and it may be the
//! operator's own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use reqwest::Url;
use reqwest::header::HeaderValue;
use shared::model::ServiceKind;
use shared::runtime::clock::Clock;
use tokio::sync::{Mutex, OnceCell};

use super::catalog::Catalog;
use super::http::{Answer, Http};
use super::options::{Auth, Interface, Options};
use super::patience::{Patience, Tries};
use super::refusal::Refusal;
use super::setup::SetupError;
use super::token::{self, SignIn};
use super::version::Versions;
use crate::cloud::CloudError;

/// A refused sign-in is repeated after this: ten attempts in ten minutes stay unnoticed by the
/// lockouts that operators set, and a corrected password is taken up soon.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// Those who waited for a sign-in that failed share its failure, instead of trying in turn.
const FAILED_PAUSE: Duration = Duration::from_secs(2);

/// While the old token serves, Keystone is asked for a new one no more often than this.
const RENEWAL_PAUSE: Duration = Duration::from_secs(15);

/// A token that is refused when it is younger is not replaced: the next would be refused too, and
/// a service that refuses every token must not turn each request into a sign-in.
const REPLACEMENT_AGE_MIN: Duration = Duration::from_secs(5);

/// The sign-in at one Keystone.
#[derive(Debug)]
pub(super) struct Session {
    keystone: Url,
    auth: Auth,
    region: Option<String>,
    interface: Interface,
    http: Arc<Http>,
    clock: Clock,
    patience: Patience,
    state: Mutex<State>,
    /// The last catalog, for telling where a service should be while there is no token.
    known: ArcSwap<Catalog>,
}

#[derive(Debug, Default)]
struct State {
    login: Option<Arc<Login>>,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Failure {
    error: CloudError,
    until: Instant,
}

/// A token, and what it came with. All of it is read anew with the next token.
#[derive(Debug)]
pub(super) struct Login {
    /// Marked as sensitive, so that no log shows it.
    pub(super) token: HeaderValue,
    /// Where the services are.
    pub(super) catalog: Catalog,
    /// The account's name.
    pub(super) user: String,
    /// The project's name.
    pub(super) project: String,
    /// The project's id.
    pub(super) project_id: Option<String>,
    /// The names of the account's roles in it.
    pub(super) roles: Vec<String>,
    /// Each service's versions, once they were asked for; in the order of [`ServiceKind::ALL`].
    versions: [OnceCell<Versions>; ServiceKind::ALL.len()],
    issued: Instant,
    life: Duration,
}

impl Login {
    /// The place for a service's versions.
    pub(super) fn versions(&self, service: ServiceKind) -> Option<&OnceCell<Versions>> {
        let at = ServiceKind::ALL.iter().position(|it| *it == service)?;
        self.versions.get(at)
    }

    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.issued)
    }

    /// A fifth of its life is left: room for a Keystone that is away for some minutes.
    fn is_due(&self, now: Instant) -> bool {
        self.age(now) >= self.life / 5 * 4
    }

    fn is_expired(&self, now: Instant) -> bool {
        self.age(now) >= self.life
    }
}

impl Session {
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
            state: Mutex::default(),
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

    /// A valid token; signs in if there is none.
    pub(super) async fn login(&self) -> Result<Arc<Login>, CloudError> {
        // Held over the sign-in, so that one caller signs in and the others wait for him.
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        let current = state.login.clone().filter(|it| !it.is_expired(now));
        match current {
            Some(login) if !login.is_due(now) => Ok(login),
            current => {
                self.sign_in_unless_it_just_failed(&mut state, current)
                    .await
            }
        }
    }

    /// Another token than the one that a service refused; `None` if that was a new one already.
    pub(super) async fn replace(
        &self,
        refused: &Arc<Login>,
    ) -> Result<Option<Arc<Login>>, CloudError> {
        let mut state = self.state.lock().await;
        match &state.login {
            // Somebody else replaced it meanwhile.
            Some(login) if !Arc::ptr_eq(login, refused) => return Ok(Some(login.clone())),
            _ => {}
        }
        if refused.age(self.clock.now()) < REPLACEMENT_AGE_MIN {
            return Ok(None);
        }
        state.login = None;
        let login = self.sign_in_unless_it_just_failed(&mut state, None).await?;
        Ok(Some(login))
    }

    async fn sign_in_unless_it_just_failed(
        &self,
        state: &mut State,
        current: Option<Arc<Login>>,
    ) -> Result<Arc<Login>, CloudError> {
        let now = self.clock.now();
        let recent = state.failure.as_ref().filter(|it| now < it.until);
        let error = match recent {
            Some(failure) => failure.error.clone(),
            None => match self.sign_in().await {
                Ok(login) => {
                    let login = Arc::new(login);
                    *state = State {
                        login: Some(login.clone()),
                        failure: None,
                    };
                    return Ok(login);
                }
                Err(error) => {
                    if current.is_some() {
                        tracing::warn!(%error, "cannot renew the token yet; the old one serves");
                    }
                    state.failure = Some(self.failure(error.clone(), current.is_some()));
                    error
                }
            },
        };
        current.ok_or(error)
    }

    fn failure(&self, error: CloudError, has_token: bool) -> Failure {
        let pause = match error {
            CloudError::Unauthorized { .. } | CloudError::Forbidden { .. } => REFUSED_PAUSE,
            _ if has_token => RENEWAL_PAUSE,
            _ => FAILED_PAUSE,
        };
        let until = self.clock.now() + pause;
        Failure { error, until }
    }

    async fn sign_in(&self) -> Result<Login, CloudError> {
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
            project,
            project_id,
            roles: token.roles,
            versions: Default::default(),
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
                None => return Err(refusal.into_error(self.keystone.as_str(), WHAT.to_owned())),
            }
        }
    }
}

/// What a sign-in is called in errors.
const WHAT: &str = "POST /auth/tokens";
