//! Asks the services: token, address, version, patience and fairness for every request.
//!
//! Each service has its own bound on requests at a time, so that a slow Nova delays no question to
//! Cinder. All requests are reads but those of [`Change`]s, which have places of their own, so that
//! questions that hang hold up no change, and are sent again only where they were surely not
//! carried out.

mod change;
mod places;
mod target;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde::de::DeserializeOwned;
use shared::model::ServiceKind;
use shared::runtime::clock::Clock;

use super::http::{Answer, Http};
use super::options::Options;
use super::paging::Limits;
use super::patience::{Patience, Tries};
use super::refusal::Refusal;
use super::session::{Login, Session};
use super::setup::SetupError;
use super::silent::Silent;
use super::version::{self, Microversion, Versions};
use crate::cloud::CloudError;
use crate::cloud::measure::{self, Outcome};
pub(super) use change::Change;
use places::Places;
use target::Target;

/// One cloud's services.
#[derive(Debug)]
pub(super) struct Client {
    http: Arc<Http>,
    session: Session,
    clock: Clock,
    patience: Patience,
    questions: Places,
    changes: Places,
    pub(super) page_size: u32,
    /// Of lists of which a page of that size was too much.
    pub(super) limits: Limits,
    /// Departments that did not answer.
    pub(super) silent: Silent,
    pub(super) concurrency_max: usize,
    pub(super) request_timeout: Duration,
}

/// A question to a service.
#[derive(Debug, Clone)]
pub(super) struct Ask<'a> {
    pub(super) service: ServiceKind,
    /// What is appended to the service's address; each segment is escaped.
    pub(super) path: Vec<&'a str>,
    pub(super) query: Vec<(&'a str, String)>,
    /// The highest that the caller understands; the service may offer less.
    pub(super) microversion: Option<Microversion>,
    /// Each try may take so long, where that is less than usual.
    pub(super) within: Option<Duration>,
}

impl<'a> Ask<'a> {
    /// A question without a query and without a microversion.
    pub(super) fn new(service: ServiceKind, path: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            service,
            path: path.into_iter().collect(),
            query: Vec::new(),
            microversion: None,
            within: None,
        }
    }

    /// The same with the highest microversion that the caller understands.
    pub(super) const fn at(mut self, microversion: Microversion) -> Self {
        self.microversion = Some(microversion);
        self
    }

    /// The same with one more parameter.
    pub(super) fn with(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same, for an answer within less than the usual time.
    pub(super) const fn within(mut self, within: Option<Duration>) -> Self {
        self.within = within;
        self
    }

    /// What it is called in errors.
    pub(super) fn what(&self) -> String {
        let mut what = "GET ".to_owned();
        for segment in &self.path {
            // Writing into a text can't fail.
            let _ = write!(what, "/{segment}");
        }
        what
    }

    fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

impl Answer {
    fn from(mut self, endpoint: &Url) -> Self {
        self.endpoint = endpoint.to_string();
        self
    }

    /// What the answer says, of the kind that was asked for.
    pub(super) fn parse<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<T, CloudError> {
        serde_json::from_slice(&self.body).map_err(|error| self.malformed(ask, error.to_string()))
    }

    /// The error that this answer does not say what it should.
    pub(super) fn malformed(&self, ask: &Ask<'_>, reason: String) -> CloudError {
        CloudError::Malformed {
            endpoint: self.endpoint.clone(),
            what: ask.what(),
            reason,
        }
    }
}

/// Why a question was given up.
#[derive(Debug)]
pub(super) struct GivenUp {
    pub(super) error: CloudError,
    /// Whether one for less may have an answer.
    pub(super) is_too_much: bool,
    /// Whether Keystone itself said so, and nothing in its place.
    pub(super) is_of_keystone: bool,
}

impl GivenUp {
    /// Whether an answer came with one of these statuses.
    pub(super) fn is(&self, statuses: &[u16]) -> bool {
        matches!(&self.error, CloudError::Status { status, .. } if statuses.contains(status))
    }
}

impl From<CloudError> for GivenUp {
    fn from(error: CloudError) -> Self {
        Self {
            error,
            is_too_much: false,
            is_of_keystone: false,
        }
    }
}

impl From<GivenUp> for CloudError {
    fn from(given_up: GivenUp) -> Self {
        given_up.error
    }
}

impl Client {
    pub(super) fn new(
        options: &Options,
        clock: Clock,
        patience: Patience,
    ) -> Result<Self, SetupError> {
        options.check()?;
        let http = Arc::new(Http::new(options, clock.clone())?);
        let session = Session::new(options, http.clone(), clock.clone(), patience.clone())?;
        Ok(Self {
            http,
            session,
            clock,
            patience,
            questions: Places::new(options.concurrency_max),
            changes: Places::new(options.concurrency_max),
            page_size: options.page_size,
            limits: Limits::default(),
            silent: Silent::default(),
            concurrency_max: options.concurrency_max,
            request_timeout: options.request_timeout,
        })
    }

    /// The clock that this client measures with.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The HTTP side, for the one question that is asked without a token.
    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// Where Keystone is.
    pub(super) fn keystone(&self) -> &Url {
        self.session.keystone()
    }

    /// The token and the catalog.
    pub(super) async fn login(&self) -> Result<Arc<Login>, CloudError> {
        self.session.login().await
    }

    /// Asks, patiently, and returns an answer that is good.
    pub(super) async fn get(&self, ask: &Ask<'_>) -> Result<Answer, CloudError> {
        Ok(self.negotiated(ask, &self.patience).await?)
    }

    /// Asks patiently for a page of a list, or for what is as heavy: one that is too long or takes
    /// too long is not asked for again, because the caller may ask for less.
    pub(super) async fn get_page(&self, ask: &Ask<'_>) -> Result<Answer, GivenUp> {
        self.negotiated(ask, &self.patience.for_a_page()).await
    }

    /// A service that does not understand the microversion which it offered is asked once more,
    /// with what it offers now.
    async fn negotiated(&self, ask: &Ask<'_>, patience: &Patience) -> Result<Answer, GivenUp> {
        let microversion = self.microversion(ask).await?;
        let answer = self.get_with(ask, microversion, patience).await;
        let Err(GivenUp {
            error: CloudError::Status { status: 406, .. },
            ..
        }) = &answer
        else {
            return answer;
        };
        if microversion.is_none() {
            return answer;
        }
        self.negotiate_again(ask, microversion).await?;
        let microversion = self.microversion(ask).await?;
        self.get_with(ask, microversion, patience).await
    }

    async fn get_with(
        &self,
        ask: &Ask<'_>,
        microversion: Option<Microversion>,
        patience: &Patience,
    ) -> Result<Answer, GivenUp> {
        let _place = self.questions.one(ask.service).await?;
        self.exchange(Target::Api(ask, microversion), patience)
            .await
    }

    /// Asks briefly, past those who wait for a place: how a service answers must be told also, and
    /// just then, when it is slow.
    pub(super) async fn get_at_once(&self, ask: &Ask<'_>) -> Result<Answer, CloudError> {
        let target = Target::Api(ask, None);
        Ok(self.exchange(target, &Patience::brief()).await?)
    }

    /// Where a service was when it was last known; empty if it never was.
    pub(super) fn known_endpoint(&self, service: ServiceKind) -> String {
        self.session.known_endpoint(service)
    }

    /// Which versions a service offers. Asked once for each token.
    pub(super) async fn versions(
        &self,
        service: ServiceKind,
        patience: &Patience,
    ) -> Result<Versions, CloudError> {
        let login = self.session.login().await?;
        let negotiation = login.negotiation(service);
        let negotiation = negotiation.ok_or(CloudError::Missing { service })?;
        let fetch = async || self.fetch_versions(&login, service, patience).await;
        negotiation.versions(&self.clock, fetch).await
    }

    /// Asks anew what a service offers, after it refused what it offered.
    async fn negotiate_again(
        &self,
        ask: &Ask<'_>,
        refused: Option<Microversion>,
    ) -> Result<(), CloudError> {
        let Some(versions) = ask.microversion.zip(refused) else {
            return Ok(());
        };
        let service = ask.service;
        let login = self.session.login().await?;
        let negotiation = login.negotiation(service);
        let negotiation = negotiation.ok_or(CloudError::Missing { service })?;
        let fetch = async || self.fetch_versions(&login, service, &self.patience).await;
        negotiation.again(&self.clock, versions, fetch).await
    }

    async fn fetch_versions(
        &self,
        login: &Login,
        service: ServiceKind,
        patience: &Patience,
    ) -> Result<Versions, CloudError> {
        let endpoint = login.catalog.endpoint(service);
        let endpoint = endpoint.ok_or(CloudError::Missing { service })?;
        let _place = self.questions.one(service).await?;
        let target = Target::VersionDocument(service);
        let answer = self.exchange(target, patience).await?;
        version::parse(service, &answer.body).map_err(|reason| CloudError::Malformed {
            endpoint: endpoint.to_string(),
            what: target.what(),
            reason,
        })
    }

    /// The microversion that a question is asked with.
    pub(super) async fn microversion(
        &self,
        ask: &Ask<'_>,
    ) -> Result<Option<Microversion>, CloudError> {
        match ask.microversion {
            Some(wanted) => {
                let versions = self.versions(ask.service, &self.patience).await?;
                Ok(versions.negotiate(wanted))
            }
            None => Ok(None),
        }
    }

    async fn exchange(&self, target: Target<'_>, patience: &Patience) -> Result<Answer, GivenUp> {
        let service = target.service();
        let mut tries = Tries::new(patience);
        let mut login = self.session.login().await?;
        let mut replaced = false;
        loop {
            let endpoint = login.catalog.endpoint(service);
            let endpoint = endpoint.ok_or(CloudError::Missing { service })?;
            let begun = self.clock.now();
            let answer = self.http.send(self.request(target, endpoint, &login)).await;
            let took = self.clock.now().saturating_duration_since(begun);
            let answer = Refusal::unless(|status| target.is_good(status), answer);
            let status = match &answer {
                Ok(answer) => Some(answer.status),
                Err(refusal) => refusal.status(),
            };
            measure::asked(service, outcome(&answer, status), took);
            let what = target.what();
            tracing::debug!(service = service.name(), what, status, "asked");
            let refusal = match answer {
                Ok(answer) => {
                    if target.proves_the_token() {
                        self.session.accepted_by(service);
                    }
                    return Ok(answer.from(endpoint));
                }
                Err(refusal) => refusal,
            };
            if status == Some(401)
                && let Some(other) = self.another(&login, replaced, service).await?
            {
                replaced = true;
                login = other;
                continue;
            }
            match tries.next(refusal.outcome(), rand::random()) {
                Some(wait) => self.clock.sleep(wait).await,
                None => {
                    return Err(GivenUp {
                        is_too_much: refusal.is_too_much(),
                        is_of_keystone: refusal.is_of_keystone(),
                        error: refusal.into_error(endpoint.as_str(), what),
                    });
                }
            }
        }
    }

    /// Another token than the one that a service refused, once; the second is a reason to stop.
    async fn another(
        &self,
        refused: &Arc<Login>,
        replaced: bool,
        service: ServiceKind,
    ) -> Result<Option<Arc<Login>>, CloudError> {
        if replaced {
            self.session.refused_by(service);
            return Ok(None);
        }
        self.session.replace(refused, service).await
    }

    fn request(
        &self,
        target: Target<'_>,
        endpoint: &Url,
        login: &Login,
    ) -> reqwest::RequestBuilder {
        let request = target.begun(self.http.client(), endpoint, &login.token);
        let Target::Api(ask, Some(microversion)) = target else {
            return request;
        };
        match ask.service {
            // Nova before 2.27 knows only its own header, later ones both.
            ServiceKind::Compute => request
                .header("OpenStack-API-Version", format!("compute {microversion}"))
                .header("X-OpenStack-Nova-API-Version", microversion.to_string()),
            ServiceKind::Volume => {
                request.header("OpenStack-API-Version", format!("volume {microversion}"))
            }
            service => request.header(
                "OpenStack-API-Version",
                format!("{} {microversion}", service.name()),
            ),
        }
    }
}

const fn outcome<T, E>(answer: &Result<T, E>, status: Option<u16>) -> Outcome {
    match (answer, status) {
        (Ok(_), _) => Outcome::Ok,
        (Err(_), Some(_)) => Outcome::Refused,
        (Err(_), None) => Outcome::Unanswered,
    }
}
