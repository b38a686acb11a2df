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

use shared::model::ServiceKind;

use self::custody::Own;
use self::departments::Departments;
pub(super) use self::write::{perform, segment};
use super::client::Client;
use super::options::Domain;
use super::rights;
use crate::cloud::{CloudError, Mark, Pages, Part, Policy, Whole, is_same_name};

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

/// Reads a part of the organization. Proves before and after that it is the whole cloud's, because
/// what an audit does not meet is removed.
pub(super) async fn audit(
    client: &Client,
    (part, rules): (Part, &Rules),
    pages: &Pages,
) -> Result<Whole, CloudError> {
    rights::prove(client, ServiceKind::Identity).await?;
    let mark = Mark(client.clock().unix_millis());
    let whole = read(client, (part, rules), mark, pages).await?;
    rights::prove(client, ServiceKind::Identity).await?;
    Ok(whole)
}

async fn read(
    client: &Client,
    (part, rules): (Part, &Rules),
    mark: Mark,
    pages: &Pages,
) -> Result<Whole, CloudError> {
    match part {
        Part::Departments => {
            departments::tell(client, rules, pages).await?;
            return Ok(mark.into());
        }
        Part::Implications => {
            links::implications(client, pages).await?;
            return Ok(mark.into());
        }
        Part::Assignments => {
            links::assignments(client, pages).await?;
            return Ok(mark.into());
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
            let lists = lists::users(client, (&departments, &own, &kept), rules, pages).await?;
            return Ok(lists.whole(mark));
        }
        Part::Groups => {
            let kept = system::groups(client).await?;
            let lists = lists::groups(client, (&departments, &kept), pages).await?;
            return Ok(lists.whole(mark));
        }
        Part::Roles => lists::roles(client, &departments, pages).await?,
        _ => return memberships::read(client, &departments, mark, pages).await,
    }
    Ok(mark.into())
}
