//! Owns the token: one for all requests, renewed by one task while all others go on.
//!
//! A token is renewed well before it expires, beside the requests: whoever asks meanwhile gets the
//! one that is valid, so that a Keystone which is away, or hangs, stops nothing before the token's
//! end. Only where there is none, callers wait. The sign-in is a task of its own, so that a caller
//! who gives up does not break it off, and the next caller does not begin another.
//!
//! A refused sign-in is repeated after ever longer pauses: Keystone may lock the account after a
//! few (`lockout_failure_attempts`), and it may be the operator's own. And a service that refuses a
//! token which the others take is its own trouble: the token stays until there is another, and
//! when that is refused as well, no more are fetched for this service for a while.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;
use shared::model::ServiceKind;
use shared::runtime::clock::Clock;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::http::Http;
use super::options::Options;
use super::patience::Patience;
use super::setup::SetupError;
pub(super) use super::signing::Login;
use super::signing::Signer;
use crate::cloud::CloudError;

/// A refused sign-in is repeated after this: what was a moment's trouble of Keystone's own
/// directory is over soon.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// Each pause after it is so many times as long.
const REFUSED_FACTOR: u32 = 4;

/// The longest pause. Keystone counts what fails until something succeeds, and six are what most
/// operators allow (`[security_compliance] lockout_failure_attempts`; PCI DSS 8.1.6): with pauses
/// of 1, 4, 16 and 64 minutes the sixth comes after more than five hours, and a lock of half an
/// hour (`lockout_duration`) is long over when the next one comes. Who has mended it need not wait:
/// a new credential, or the configuration read again, is tried at once.
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(4 * 3600);

/// Those who come after a sign-in that failed share its failure, instead of trying in turn.
const FAILED_PAUSE: Duration = Duration::from_secs(2);

/// While the old token serves, Keystone is asked for a new one no more often than this.
const RENEWAL_PAUSE: Duration = Duration::from_secs(15);

/// A token that is refused when it is younger is not replaced: the next would be refused too.
const REPLACEMENT_AGE_MIN: Duration = Duration::from_secs(5);

/// For a service that refused a token and its replacement, no other is fetched for this long; and
/// for twice as long each time that the next one is refused too.
const REFUSING_PAUSE_MIN: Duration = Duration::from_secs(60);

/// A service that was mended is read again after this at the latest, if only a new token helps.
const REFUSING_PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// The sign-in at one Keystone.
#[derive(Debug)]
pub(super) struct Session {
    desk: Arc<Desk>,
    /// Holds the task that signs in, and ends it with this value.
    tasks: Mutex<JoinSet<()>>,
}

/// What the session and its task share.
#[derive(Debug)]
struct Desk {
    signer: Signer,
    clock: Clock,
    /// Never held while anything is awaited.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    login: Option<Arc<Login>>,
    failure: Option<Failure>,
    /// Sign-ins in a row for which the credential was refused.
    refusals: u32,
    running: Option<Running>,
    refusing: BTreeMap<ServiceKind, Refusing>,
}

/// A sign-in under way: `None` until it has come to its end.
type Running = watch::Receiver<Option<Outcome>>;

type Outcome = Result<Arc<Login>, CloudError>;

#[derive(Debug)]
struct Failure {
    error: CloudError,
    until: Instant,
}

/// A service that refuses tokens which were just issued.
#[derive(Debug)]
struct Refusing {
    pause: Duration,
    until: Instant,
}

impl State {
    fn valid(&self, now: Instant) -> Option<Arc<Login>> {
        self.login.clone().filter(|it| !it.is_expired(now))
    }

    /// The failure that is too recent for another try.
    fn recent_failure(&self, now: Instant) -> Option<CloudError> {
        let failure = self.failure.as_ref().filter(|it| now < it.until)?;
        Some(failure.error.clone())
    }

    fn is_refusing(&self, service: ServiceKind, now: Instant) -> bool {
        self.refusing.get(&service).is_some_and(|it| now < it.until)
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of it is a single assignment, so a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sign_in(&self) -> Outcome {
        let outcome = self.signer.sign_in().await.map(Arc::new);
        let mut state = self.state();
        state.running = None;
        match &outcome {
            Ok(login) => {
                state.login = Some(login.clone());
                state.failure = None;
                state.refusals = 0;
            }
            Err(error) => {
                let now = self.clock.now();
                let has_token = state.valid(now).is_some();
                let is_refused = matches!(error, CloudError::CredentialRefused { .. });
                if has_token && !is_refused {
                    tracing::warn!(%error, "cannot get a new token yet; the old one serves");
                }
                let mut wait = pause(error, has_token);
                if is_refused {
                    wait = refused_pause(state.refusals);
                    state.refusals = state.refusals.saturating_add(1);
                    let pause_s = wait.as_secs();
                    tracing::warn!(%error, pause_s, "Keystone refuses the credential");
                }
                state.failure = Some(Failure {
                    error: error.clone(),
                    until: now + wait,
                });
            }
        }
        outcome
    }
}

fn pause(error: &CloudError, has_token: bool) -> Duration {
    match error {
        CloudError::Forbidden { .. } => REFUSED_PAUSE,
        _ if has_token => RENEWAL_PAUSE,
        _ => FAILED_PAUSE,
    }
}

/// How long to wait after a refusal, of which there were so many before.
fn refused_pause(before: u32) -> Duration {
    let factor = REFUSED_FACTOR.saturating_pow(before);
    REFUSED_PAUSE.saturating_mul(factor).min(REFUSED_PAUSE_MAX)
}

impl Session {
    pub(super) fn new(
        options: &Options,
        http: Arc<Http>,
        clock: Clock,
        patience: Patience,
    ) -> Result<Self, SetupError> {
        let desk = Desk {
            signer: Signer::new(options, http, clock.clone(), patience)?,
            clock,
            state: Mutex::default(),
        };
        Ok(Self {
            desk: Arc::new(desk),
            tasks: Mutex::default(),
        })
    }

    /// Where Keystone is.
    pub(super) fn keystone(&self) -> &Url {
        self.desk.signer.keystone()
    }

    /// Where a service was when it was last known; empty if it never was.
    pub(super) fn known_endpoint(&self, service: ServiceKind) -> String {
        self.desk.signer.known_endpoint(service)
    }

    /// A valid token; signs in if there is none, and waits only then.
    pub(super) async fn login(&self) -> Result<Arc<Login>, CloudError> {
        let now = self.desk.clock.now();
        let running = {
            let mut state = self.desk.state();
            let failure = state.recent_failure(now);
            match (state.valid(now), failure) {
                (Some(login), failure) => {
                    if login.is_due(now) && failure.is_none() {
                        drop(self.sign_in(&mut state));
                    }
                    return Ok(login);
                }
                (None, Some(error)) => return Err(error),
                (None, None) => self.sign_in(&mut state),
            }
        };
        outcome(running).await
    }

    /// Another token than the one that a service refused; `None` if another would not help. The
    /// refused one goes on serving the other services until then.
    pub(super) async fn replace(
        &self,
        refused: &Arc<Login>,
        service: ServiceKind,
    ) -> Result<Option<Arc<Login>>, CloudError> {
        let now = self.desk.clock.now();
        let running = {
            let mut state = self.desk.state();
            match state.valid(now) {
                // Somebody else replaced it meanwhile.
                Some(login) if !Arc::ptr_eq(&login, refused) => return Ok(Some(login)),
                _ => {}
            }
            if refused.age(now) < REPLACEMENT_AGE_MIN || state.is_refusing(service, now) {
                return Ok(None);
            }
            if let Some(error) = state.recent_failure(now) {
                return Err(error);
            }
            self.sign_in(&mut state)
        };
        outcome(running).await.map(Some)
    }

    /// A service refused a token and its replacement as well.
    pub(super) fn refused_by(&self, service: ServiceKind) {
        let now = self.desk.clock.now();
        let mut state = self.desk.state();
        // Questions that were under way together count once.
        if state.is_refusing(service, now) {
            return;
        }
        let before = state.refusing.get(&service).map(|it| it.pause);
        let pause = before.map_or(REFUSING_PAUSE_MIN, |it| (it * 2).min(REFUSING_PAUSE_MAX));
        let until = now + pause;
        state.refusing.insert(service, Refusing { pause, until });
        let service = service.name();
        let pause_s = pause.as_secs();
        tracing::warn!(
            service,
            pause_s,
            "a service refuses new tokens; none is fetched for it"
        );
    }

    /// A service took a token.
    pub(super) fn accepted_by(&self, service: ServiceKind) {
        self.desk.state().refusing.remove(&service);
    }

    /// The sign-in under way; begins one if there is none.
    fn sign_in(&self, state: &mut State) -> Running {
        // One whose task is gone without a word will never tell.
        let running = state.running.clone();
        if let Some(running) = running.filter(|it| it.has_changed().is_ok()) {
            return running;
        }
        let (tell, running) = watch::channel(None);
        state.running = Some(running.clone());
        let desk = Arc::clone(&self.desk);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // There is at most one besides those that ended.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let outcome = desk.sign_in().await;
            tell.send_replace(Some(outcome));
        });
        running
    }
}

async fn outcome(mut running: Running) -> Outcome {
    match running.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(outcome)) => outcome.clone(),
        // The task is gone: the agent stops.
        _ => Err(CloudError::Stopped),
    }
}
