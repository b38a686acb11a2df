//! OpenStack, through its public APIs alone: no database, no message queue, no plug-in.
//!
//! One [`OpenStack`] is one region of one cloud, seen with one account. It signs in at Keystone,
//! finds the services in the catalog, asks each for the newest microversion that both know, and
//! turns the answers into records. It changes the organization in Keystone and the limits of quotas
//! in Nova, Cinder and Neutron, by orders, and nothing else.
//!
//! ```text
//! options, setup, tls → http → signing → session (token, catalog) → client → paging → compute, …
//! ```
//!
//! What the APIs can't tell, this client does not guess: a service that is not in the catalog is
//! missing, a cell that does not answer makes a pass fail (where Nova has a witness of it, see
//! `compute/servers/cells.rs`), a capacity of "infinite" is none.

mod account;
mod catalog;
mod check;
mod client;
mod compute;
mod describe;
mod fault;
mod http;
mod identity;
mod negotiation;
mod network;
mod options;
mod paging;
mod pass;
mod passwords;
mod patience;
mod probe;
mod projects;
mod prove;
mod purge;
mod quota;
mod refusal;
mod remembered;
mod rights;
mod scalar;
mod session;
mod setup;
mod signing;
mod silent;
mod singles;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod token;
mod version;
mod volume;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use shared::model::{CloudDescription, CloudId, ObjectKind, UnixMillis};
use shared::runtime::clock::Clock;
use shared::wire::frame::Checked;

pub use self::account::check_account;
pub use self::check::{CheckLine, Verdict};
use self::client::Client;
use self::compute::nodes::{self, LastCapacities};
use self::compute::servers::{self, Witness};
use self::network::LastAddresses;
pub use self::options::{Auth, Domain, Interface, Options, Secret, keystone};
use self::patience::Patience;
pub use self::prove::{Proof, Unproven, prove};
pub use self::setup::SetupError;
pub use self::token::Home;
use self::volume::pools;
use super::{Cloud, CloudError, Mark, Order, Pages, Part, Probe, QuotaOrder, QuotaSet, Whole};

/// One region of one OpenStack cloud.
#[derive(Debug)]
pub struct OpenStack {
    client: Client,
    capacities: LastCapacities,
    addresses: LastAddresses,
    witness: Witness,
    rules: identity::Rules,
    /// The one that is read; `None` where the cloud has but one.
    region: Option<String>,
    silence_max: Duration,
}

/// Checks Keystone's address by itself, whatever else is configured.
///
/// # Errors
/// What is wrong with it.
pub fn check_auth_url(auth_url: &str) -> Result<(), SetupError> {
    options::keystone(auth_url).map(drop)
}

/// Checks the file of certificates by itself, whatever else is configured.
///
/// # Errors
/// What is wrong with it.
pub fn check_ca_file(path: &Path) -> Result<(), SetupError> {
    tls::certificates(Some(path)).map(drop)
}

impl OpenStack {
    /// Checks the options and reads the certificates. Asks nobody yet.
    ///
    /// # Errors
    /// If an option is wrong, or `ca_file` can't be used.
    pub fn new(options: &Options, clock: Clock) -> Result<Self, SetupError> {
        Self::with_patience(options, clock, Patience::default())
    }

    fn with_patience(
        options: &Options,
        clock: Clock,
        patience: Patience,
    ) -> Result<Self, SetupError> {
        let silence_max = options.silence_max(&patience);
        Ok(Self {
            client: Client::new(options, clock, patience)?,
            capacities: LastCapacities::default(),
            addresses: LastAddresses::default(),
            witness: Witness::default(),
            rules: identity::Rules {
                sign_in_domains: options.auth.domains(),
                default_domain: options.default_domain_id.clone(),
                policy: options.policy.clone(),
            },
            region: options.region_name.clone(),
            silence_max,
        })
    }

    /// Tells an operator whether the agent can work with this cloud, point after point. Never
    /// fails: a failure is a point.
    pub async fn check(&self) -> Vec<CheckLine> {
        check::check(&self.client).await
    }

    fn purge<'a>(
        &'a self,
        (kind, id, name): (ObjectKind, &'a CloudId, &'a str),
        told: UnixMillis,
        along: &'a BTreeSet<CloudId>,
    ) -> purge::Purge<'a> {
        purge::Purge {
            kind,
            id,
            name,
            told,
            along,
            region: self.region.as_deref(),
            unchecked: &self.rules.policy.purge_unchecked,
            look_max: purge::LOOK_MAX,
        }
    }
}

#[async_trait]
impl Cloud for OpenStack {
    fn silence_max(&self) -> Duration {
        self.silence_max
    }

    async fn describe(&self) -> Result<CloudDescription, CloudError> {
        describe::describe(&self.client).await
    }

    async fn probe(&self) -> Vec<Probe> {
        probe::all(&self.client).await
    }

    async fn audit(&self, part: Part, pages: &Pages) -> Result<Whole, CloudError> {
        let client = &self.client;
        match part {
            Part::Servers => servers::audit(client, &self.witness, pages).await,
            Part::Nodes => nodes::audit(client, &self.capacities, pages).await,
            Part::Volumes => volume::audit(client, pages).await,
            Part::StoragePools => pools::audit(client, pages).await,
            Part::Networks => network::audit(client, &self.addresses, pages).await,
            Part::FloatingIps => network::audit_floating_ips(client, pages).await,
            Part::ComputeQuota | Part::VolumeQuota | Part::NetworkQuota => {
                quota::audit(client, (part.service(), &self.witness), pages).await
            }
            Part::Departments
            | Part::Projects
            | Part::Users
            | Part::Groups
            | Part::Roles
            | Part::Memberships
            | Part::Implications
            | Part::Assignments => identity::audit(client, (part, &self.rules), pages).await,
        }
    }

    /// Nova tells what changed and what was deleted; Cinder from microversion 3.60 on what
    /// changed, not what was deleted; nothing else tells anything (a stock Neutron refuses
    /// `changed_since`).
    async fn changes(
        &self,
        part: Part,
        since: Mark,
        pages: &Pages,
    ) -> Result<Option<Mark>, CloudError> {
        let client = &self.client;
        match part {
            Part::Servers => servers::changes(client, &self.witness, since, pages)
                .await
                .map(Some),
            Part::Volumes => volume::changes(client, since, pages).await,
            _ => Ok(None),
        }
    }

    async fn perform(&self, order: &Order) -> Result<Option<CloudId>, CloudError> {
        match order {
            Order::Look {
                kind,
                id,
                name,
                told,
                along,
            } => {
                let order = self.purge((*kind, id, name), *told, along);
                let looked = purge::look(&self.client, &self.witness, &order).await;
                looked.map(|()| None)
            }
            Order::Purge {
                kind,
                id,
                name,
                told,
            } => {
                let none = BTreeSet::new();
                let order = self.purge((*kind, id, name), *told, &none);
                let purged = purge::purge(&self.client, &self.witness, &order).await;
                purged.map(|()| None)
            }
            order => identity::perform(&self.client, order).await,
        }
    }

    async fn set_quota(&self, order: &QuotaOrder) -> Result<QuotaSet, CloudError> {
        quota::set(&self.client, order).await
    }

    async fn set_password(&self, user: &CloudId, password: &str) -> Result<(), CloudError> {
        passwords::set(&self.client, user, password).await
    }

    async fn check_password(&self, user: &CloudId, password: &str) -> Result<Checked, CloudError> {
        passwords::check(&self.client, user, password).await
    }
}
