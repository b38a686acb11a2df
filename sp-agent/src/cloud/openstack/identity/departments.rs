//! The departments of a cloud: told as records, or kept while what is in them is read.

use std::collections::BTreeMap;

use shared::model::{CloudId, ServiceKind};

use super::Rules;
use super::custody::{self, Keeper};
use super::lists::list;
use super::parse::DomainList;
use crate::cloud::openstack::client::Ask;
use crate::cloud::openstack::client::Client;
use crate::cloud::openstack::paging::Pager;
use crate::cloud::openstack::pass;
use crate::cloud::{CloudError, Pages};

/// All departments, and what is known of each: some hundred bytes, of some thousands at most.
#[derive(Debug, Default)]
pub(super) struct Departments(BTreeMap<CloudId, Known>);

#[derive(Debug)]
struct Known {
    name: String,
    keeper: Keeper,
}

/// The question for all departments.
fn all() -> Ask<'static> {
    Ask::new(ServiceKind::Identity, ["domains"])
}

/// Reads all departments into `pages`.
pub(super) async fn tell(client: &Client, rules: &Rules, pages: &Pages) -> Result<(), CloudError> {
    let homes = custody::homes(client).await?;
    list::<DomainList>(client, all(), pages, &|raw| {
        let keeper = Keeper::of((rules, &homes), &raw.id()?, raw.name());
        raw.into_department(keeper.custody()).map(Some)
    })
    .await
}

impl Departments {
    /// Reads all departments, for what is in them; tells none.
    pub(super) async fn read(
        client: &Client,
        rules: &Rules,
        pages: &Pages,
    ) -> Result<Self, CloudError> {
        let homes = custody::homes(client).await?;
        let mut departments = BTreeMap::new();
        let mut pager = Pager::new(all(), pages);
        while let Some(found) = pager.next::<DomainList>(client).await? {
            for raw in found {
                let id = raw.id().ok_or_else(|| pager.no_id())?;
                let name = raw.name().to_owned();
                let keeper = Keeper::of((rules, &homes), &id, &name);
                departments.insert(id, Known { name, keeper });
            }
            pass::goes_on(pages).await?;
        }
        Ok(Self(departments))
    }

    /// Each department's id and name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&CloudId, &str)> {
        self.0.iter().map(|(id, known)| (id, known.name.as_str()))
    }

    /// Who keeps a department. One that was not there when they were read is left alone until the
    /// next time.
    pub(super) fn keeper(&self, id: &CloudId) -> Keeper {
        self.0.get(id).map_or(Keeper::Operator, |it| it.keeper)
    }
}
