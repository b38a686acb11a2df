//! Where a request goes, and how it looks, before any of its tries. Pure.

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Url};
use shared::model::ServiceKind;

use super::{Ask, Change};
use crate::cloud::openstack::catalog::version_document;
use crate::cloud::openstack::version::Microversion;

/// Where a request goes within a service.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    Api(&'a Ask<'a>, Option<Microversion>),
    Change(&'a Change),
    VersionDocument(ServiceKind),
}

impl Target<'_> {
    pub(super) fn service(self) -> ServiceKind {
        match self {
            Self::Api(ask, _) => ask.service,
            Self::Change(change) => change.service,
            Self::VersionDocument(service) => service,
        }
    }

    /// What it is called in errors.
    pub(super) fn what(self) -> String {
        match self {
            Self::Api(ask, _) => ask.what(),
            Self::Change(change) => change.what(),
            Self::VersionDocument(_) => "GET its versions".to_owned(),
        }
    }

    pub(super) fn is_good(self, status: u16) -> bool {
        match self {
            Self::Api(..) | Self::Change(_) => matches!(status, 200..300),
            // Glance and old Cinders list their versions with "300 Multiple Choices".
            Self::VersionDocument(_) => matches!(status, 200..=300),
        }
    }

    /// Whether a good answer says that the token is good: a version document is shown to anybody,
    /// whatever token comes with it.
    pub(super) fn proves_the_token(self) -> bool {
        !matches!(self, Self::VersionDocument(_))
    }

    /// The request, but for its microversion.
    pub(super) fn begun(self, client: &Client, base: &Url, token: &HeaderValue) -> RequestBuilder {
        let (method, url) = match self {
            Self::Api(ask, _) => (Method::GET, ask.url(base)),
            Self::Change(change) => (change.method.clone(), change.url(base)),
            Self::VersionDocument(service) => (Method::GET, version_document(service, base)),
        };
        let request = client
            .request(method, url)
            .header(ACCEPT, "application/json")
            .header("X-Auth-Token", token.clone());
        match self {
            Self::Change(Change {
                body: Some(body), ..
            }) => request.json(body),
            Self::Api(
                Ask {
                    within: Some(within),
                    ..
                },
                _,
            ) => request.timeout(*within),
            _ => request,
        }
    }
}
