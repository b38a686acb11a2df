//! Who has a role in the system as a whole (Identity API v3: system assignments). By such a role a
//! cloud is governed, and an organization has no such place: whoever has one stays the region's
//! own, or a password that is set at the hub would open the cloud.

use std::collections::BTreeSet;

use shared::model::{Actor, CloudId};

use super::links;
use super::memberships;
use crate::cloud::openstack::client::Client;
use crate::cloud::{CloudError, Pages};

/// The groups that have a role in the system, each with one question fewer than for [`users`].
pub(super) async fn groups(client: &Client) -> Result<BTreeSet<CloudId>, CloudError> {
    let holders = links::of_the_system(client).await?.into_iter();
    let groups = holders.filter_map(|it| match it {
        Actor::Group(group) => Some(group),
        Actor::User(_) => None,
    });
    Ok(groups.collect())
}

/// The users that have a role in the system, by themselves or by a group.
///
/// # Errors
/// Also where the members of such a group can't be read: nobody knows then who stays out.
pub(super) async fn users(client: &Client, pages: &Pages) -> Result<BTreeSet<CloudId>, CloudError> {
    let mut users = BTreeSet::new();
    for holder in links::of_the_system(client).await? {
        match holder {
            Actor::User(user) => drop(users.insert(user)),
            Actor::Group(group) => {
                let members = memberships::members(client, (&group, None), pages).await;
                users.extend(members.map_err(CloudError::from)?);
            }
        }
    }
    Ok(users)
}
