//! Keystone: a cloud's organization, that is its domains (our departments), projects, users,
//! groups and roles, and who has which role where (Identity API v3).
//!
//! Keystone has no feed of changes, so each part is read whole. Its lists are for administrators,
//! and refused to others rather than shortened; one is shortened all the same: where domains have
//! drivers of their own (`domain_specific_drivers_enabled`), users and groups are told of one
//! domain alone, the agent's own, unless another one is asked for. So those, and roles, which are
//! told of no domain unless it is asked for, are read department by department.
//!
//! ```text
//! departments ─▶ custody (pure) ─▶ lists: projects, users, groups, roles · memberships · links
//! ```

mod custody;
mod departments;
mod links;
mod lists;
pub(super) mod marker;
mod memberships;
mod parse;
mod services;
mod system;
mod whose;
mod write;

use std::time::Duration;

use shared::model::ServiceKind;

use self::custody::Own;
use self::departments::Departments;
pub(super) use self::write::{perform, segment};
use super::client::Client;
use super::options::Domain;
use super::rights;
use crate::cloud::{
    CloudError, Cut, Incomplete, Mark, Pages, Part, Policy, Reach, Whole, is_same_name,
};

/// What a reading of the organization goes by, besides the cloud itself.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The id of Keystone's own domain.
    pub(super) default_domain: String,
    /// The domains that the agent's sign-in names.
    pub(super) sign_in_domains: Vec<Domain>,
    /// What the operator keeps from the federation.
    pub(super) policy: Policy,
}

impl Rules {
    /// Whether the agent's sign-in names a department of this id and name. Keystone looks names up
    /// whatever the case, as most of its databases do.
    fn signs_in_at(&self, id: &str, name: &str) -> bool {
        let mut all = self.sign_in_domains.iter();
        all.any(|it| match it {
            Domain::Id(it) => it == id,
            Domain::Name(it) => is_same_name(it, name),
        })
    }
}

/// What came of a part of the organization.
#[derive(Debug, Default)]
struct Came {
    /// Whether some could not be read.
    incomplete: Option<Incomplete>,
    /// Of whose part all was read, where it is read department by department, or group by group.
    tells: Reach,
    /// Of whose part some was, as its list was cut.
    cut: Cut,
    /// For how long nothing but what failed was asked.
    in_vain: Duration,
}

/// Reads a part of the organization. Proves before and after that it is the whole cloud's, because
/// what an audit does not meet is removed.
pub(super) async fn audit(
    client: &Client,
    (part, rules): (Part, &Rules),
    pages: &Pages,
) -> Result<Whole, CloudError> {
    rights::prove(client, ServiceKind::Identity).await?;
    let begun = client.clock().unix_millis();
    let came = read(client, (part, rules), pages).await?;
    rights::prove(client, ServiceKind::Identity).await?;
    Ok(Whole {
        mark: Mark(begun),
        incomplete: came.incomplete,
        tells: came.tells,
        cut: came.cut,
        in_vain: came.in_vain,
    })
}

async fn read(
    client: &Client,
    (part, rules): (Part, &Rules),
    pages: &Pages,
) -> Result<Came, CloudError> {
    match part {
        Part::Departments => {
            departments::tell(client, rules, pages).await?;
            return Ok(Came::default());
        }
        Part::Implications => {
            links::implications(client, pages).await?;
            return Ok(Came::default());
        }
        Part::Assignments => {
            links::assignments(client, pages).await?;
            return Ok(Came::default());
        }
        _ => {}
    }
    let departments = Departments::read(client, rules, pages).await?;
    match part {
        Part::Projects => {
            let own = Own::of(client).await?;
            lists::projects(client, (&departments, &own), pages).await?;
        }
        Part::Users => {
            let own = Own::of(client).await?;
            let mut kept = services::users(client, &departments, pages).await?;
            kept.extend(system::users(client, pages).await?);
            return lists::users(client, (&departments, &own, &kept), rules, pages).await;
        }
        Part::Groups => {
            let kept = system::groups(client).await?;
            return lists::groups(client, (&departments, &kept), pages).await;
        }
        Part::Roles => lists::roles(client, &departments, pages).await?,
        _ => return memberships::read(client, &departments, pages).await,
    }
    Ok(Came::default())
}
