//! A seeded cloud of any size with a life of its own, for demonstrations, scale and faults.
//!
//! [`World`] is the cloud: pure, and moved by being told the time. [`Simulated`] puts a clock, an
//! API's latency and a script of faults before it, and answers as a [`Cloud`].
//!
//! ```text
//! Options ─check─▶ Plan ─▶ World (rows · ledger · life) ─told─▶ Simulated (face) ─▶ pages
//! ```

mod face;
mod flavors;
mod ledger;
mod names;
mod options;
mod organization;
mod rows;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use shared::model::{CloudDescription, CloudKind, Key, Record, ServiceKind};
use shared::runtime::clock::Clock;
use tokio::sync::Semaphore;

use super::measure::{self, Outcome};
use super::{
    Account, AccountError, Cloud, CloudError, Mark, Page, Pages, Part, Probe, QuotaOrder, QuotaSet,
    Whole,
};
use face::Face;
pub use options::{
    ACCOUNT_DEFAULT, ANSWER_TIME_MAX, Character, FAULTS_MAX, FLOATING_IPS_MAX, Fault, FaultKind,
    NETWORKS_MAX, NODES_MAX, Options, OptionsError, PACE_MAX, PROJECTS_MAX, Plan, SERVERS_MAX,
    VOLUMES_MAX,
};
pub use world::{Cursor, PAGE_RECORDS_MAX, World};

/// Requests at once, of everybody together: what a considerate client asks of a real cloud.
const REQUESTS_AT_ONCE_MAX: usize = 8;
/// Events lived in one go: a few milliseconds, after which other tasks have their turn.
const EVENTS_AT_ONCE_MAX: u32 = 10_000;

/// A [`World`] behind APIs.
#[derive(Debug)]
pub struct Simulated {
    world: Mutex<World>,
    face: Face,
    description: String,
    clock: Clock,
    requests: Semaphore,
}

impl Simulated {
    /// Builds the cloud, as it has become until now. A million servers take about a second.
    pub fn new(plan: Plan, clock: Clock) -> Self {
        let born = plan.born.unwrap_or_else(|| clock.unix_millis());
        Self {
            face: Face::new(&plan),
            description: plan.describe(),
            world: Mutex::new(World::new(plan, born)),
            clock,
            requests: Semaphore::new(REQUESTS_AT_ONCE_MAX),
        }
    }

    /// Waits as long as a request takes now, and fails as it fails.
    async fn request(&self, service: ServiceKind) -> face::Answer {
        // It is never closed; were it, going on without a permit would still be right.
        let _permit = self.requests.acquire().await.ok();
        let now = self.clock.unix_millis();
        let age = now.since(self.world().born());
        let answer = self.face.answer(service, age, now.0);
        if answer.takes > Duration::ZERO {
            self.clock.sleep(answer.takes).await;
        }
        let outcome = match &answer.result {
            Ok(()) => Outcome::Ok,
            Err(CloudError::Unauthorized { .. }) => Outcome::Refused,
            Err(_) => Outcome::Unanswered,
        };
        measure::asked(service, outcome, answer.takes);
        answer
    }

    /// Lets the cloud live until now, in turns with everybody else.
    async fn live(&self) -> Mark {
        let now = self.clock.unix_millis();
        loop {
            let arrived = {
                let mut world = self.world();
                let arrived = world.advance_some(now, EVENTS_AT_ONCE_MAX);
                arrived.then(|| Mark(world.lived()))
            };
            if let Some(mark) = arrived {
                return mark;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Sends pages until there are no more, each by a request of its own.
    async fn send(
        &self,
        part: Part,
        pages: &Pages,
        page: impl Fn(&World, Cursor) -> (Vec<Record>, Option<Cursor>),
    ) -> Result<(), CloudError> {
        let mut next = Some(Cursor::default());
        while let Some(cursor) = next {
            self.request(part.service()).await.result?;
            self.live().await;
            let (records, after) = page(&self.world(), cursor);
            next = after;
            send_page(pages, records, Vec::new()).await?;
        }
        Ok(())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A world whose holder panicked is whole enough to be told.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the account is the one that administers the simulated cloud.
///
/// # Errors
/// If it is another, or the password is.
pub fn check_account(plan: &Plan, account: &Account) -> Result<(), AccountError> {
    let (user, password) = plan.administrator();
    if account.user.as_str() == user && account.password.as_str() == password {
        return Ok(());
    }
    let told = "the simulated cloud refuses account and password; they stand in its agent's \
                configuration, as cloud.simulated.administrator and administrator_password";
    Err(AccountError::Refused(told.to_owned()))
}

async fn send_page(
    pages: &Pages,
    records: Vec<Record>,
    deleted: Vec<Key>,
) -> Result<(), CloudError> {
    if records.is_empty() && deleted.is_empty() {
        return Ok(());
    }
    let page = Page {
        records,
        deleted,
        ..Page::default()
    };
    pages.send(page).await.map_err(|_| CloudError::Stopped)
}

#[async_trait]
impl Cloud for Simulated {
    async fn describe(&self) -> Result<CloudDescription, CloudError> {
        self.request(ServiceKind::Identity).await.result?;
        Ok(CloudDescription {
            kind: CloudKind::Simulated,
            version: self.description.clone(),
            endpoint: self.face.endpoint(ServiceKind::Identity),
        })
    }

    async fn probe(&self) -> Vec<Probe> {
        let probe = async |service| self.face.probe(service, self.request(service).await);
        join_all(face::SERVICES.map(probe)).await
    }

    async fn audit(&self, part: Part, pages: &Pages) -> Result<Whole, CloudError> {
        let mark = self.live().await;
        self.send(part, pages, |world, cursor| world.page(part, cursor))
            .await?;
        Ok(mark.into())
    }

    async fn changes(
        &self,
        part: Part,
        since: Mark,
        pages: &Pages,
    ) -> Result<Option<Mark>, CloudError> {
        let mark = self.live().await;
        let Some(deleted) = self.world().deleted(part, since.0) else {
            return Ok(None);
        };
        self.send(part, pages, |world, cursor| {
            world
                .changed_page(part, since.0, cursor)
                .unwrap_or_default()
        })
        .await?;
        for keys in deleted.chunks(PAGE_RECORDS_MAX) {
            send_page(pages, Vec::new(), keys.to_vec()).await?;
        }
        Ok(Some(mark))
    }

    async fn set_quota(&self, order: &QuotaOrder) -> Result<QuotaSet, CloudError> {
        self.request(order.service).await.result?;
        self.live().await;
        let endpoint = self.face.endpoint(order.service);
        let set = self.world().set_quota(order);
        let set = set.map(|[before, quota]| QuotaSet {
            before: Some(before),
            quota: Some(quota),
            refused: None,
        });
        set.map_err(|reason| CloudError::Status {
            endpoint,
            what: format!("PUT /quotas/{}", order.project),
            status: 400,
            reason,
        })
    }
}

#[cfg(test)]
mod tests;
