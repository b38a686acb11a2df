//! One change of what a service has: a write, sent at most once as far as that can be known.

use reqwest::{Method, Url};
use serde_json::Value;
use shared::model::ServiceKind;

use super::places::HOLDS_MAX;
use super::target::Target;
use super::{Answer, Client, GivenUp};
use crate::cloud::CloudError;

/// A change to ask a service for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cloud::openstack) struct Change {
    pub(in crate::cloud::openstack) service: ServiceKind,
    pub(in crate::cloud::openstack) method: Method,
    /// What is appended to the service's address; each segment is escaped.
    pub(in crate::cloud::openstack) path: Vec<String>,
    /// As JSON.
    pub(in crate::cloud::openstack) body: Option<Value>,
}

impl Change {
    /// What it is called in errors; never its body, which may hold what no log should.
    pub(in crate::cloud::openstack) fn what(&self) -> String {
        format!("{} /{}", self.method, self.path.join("/"))
    }

    pub(super) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&self.path);
        }
        url
    }
}

impl Client {
    /// Asks for a change. It waits for a place among the changes, which it keeps for a while at
    /// most, and is sent again where the service had no time for it (429, 503) and does not say
    /// for how long, refused the token, or could not be reached at all: then it was not carried
    /// out. Where it says how long to wait, the caller is told so at once
    /// ([`CloudError::Throttled`]). Where its answer was lost it may have been carried out, and the
    /// caller is told that ([`CloudError::Unreachable`]).
    pub(in crate::cloud::openstack) async fn change(
        &self,
        change: &Change,
    ) -> Result<Answer, CloudError> {
        Ok(self.try_change(change).await?)
    }

    /// The same, with what else is known of an answer that is an error.
    pub(in crate::cloud::openstack) async fn try_change(
        &self,
        change: &Change,
    ) -> Result<Answer, GivenUp> {
        let place = self.changes.one(change.service).await?;
        let patience = self.patience.for_a_change();
        let answer = self.exchange(Target::Change(change), &patience);
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => return answer,
            () = self.clock.sleep(HOLDS_MAX) => drop(place),
        }
        answer.await
    }
}
