//! Flavors, for clouds whose Nova is older than microversion 2.47 and tells only their ids.

use std::collections::HashMap;

use serde::Deserialize;
use shared::model::ServiceKind;

use super::parse::RawServer;
use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::compute::NEWEST;
use crate::cloud::openstack::paging::{Link, Listing, Pager};
use crate::cloud::openstack::pass;
use crate::cloud::openstack::scalar::Scalar;
use crate::cloud::{CloudError, Pages};

/// What a flavor gives a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) vcpus: u32,
    pub(super) memory_mib: u64,
    pub(super) disk_gib: u64,
}

impl Figures {
    pub(super) fn new(vcpus: &Scalar, ram: &Scalar, root: &Scalar, ephemeral: &Scalar) -> Self {
        let count = |figure: &Scalar| figure.count().unwrap_or_default();
        Self {
            vcpus: u32::try_from(count(vcpus)).unwrap_or(u32::MAX),
            memory_mib: count(ram),
            disk_gib: count(root).saturating_add(count(ephemeral)),
        }
    }
}

/// The flavors that were looked up during one pass.
#[derive(Debug, Default)]
pub(super) struct Flavors {
    known: HashMap<String, Figures>,
    listed: bool,
}

impl Flavors {
    /// A flavor's figures; zeros for one that is deleted, which an old Nova does not tell any more.
    pub(super) fn figures(&self, id: &str) -> Figures {
        self.known.get(id).copied().unwrap_or_default()
    }

    /// Looks up what these servers need: all flavors in one list, then the odd one that is not in
    /// it.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        servers: &[RawServer],
        pages: &Pages,
    ) -> Result<(), CloudError> {
        for id in servers.iter().filter_map(RawServer::flavor_id) {
            if !self.known.contains_key(id) && !self.listed {
                self.list(client, pages).await?;
                self.listed = true;
            }
            if !self.known.contains_key(id) {
                let figures = one(client, id).await?;
                self.known.insert(id.to_owned(), figures);
                // There may be many of them, and each may take as long as a page.
                pass::goes_on(pages).await?;
            }
        }
        Ok(())
    }

    async fn list(&mut self, client: &Client, pages: &Pages) -> Result<(), CloudError> {
        // "None" is both public and private ones, in Nova's own word.
        let ask = Ask::new(ServiceKind::Compute, ["flavors", "detail"])
            .at(NEWEST)
            .with("is_public", "None");
        let mut pager = Pager::new(ask, pages);
        while let Some(flavors) = pager.next::<FlavorList>(client).await? {
            for flavor in flavors {
                let figures = flavor.figures();
                self.known.insert(flavor.id.into_text(), figures);
            }
        }
        Ok(())
    }
}

async fn one(client: &Client, id: &str) -> Result<Figures, CloudError> {
    let ask = Ask::new(ServiceKind::Compute, ["flavors", id]).at(NEWEST);
    match client.get(&ask).await {
        Ok(answer) => Ok(answer.parse::<OneFlavor>(&ask)?.flavor.figures()),
        Err(CloudError::Status { status: 404, .. }) => Ok(Figures::default()),
        Err(error) => Err(error),
    }
}

#[derive(Debug, Deserialize)]
struct OneFlavor {
    flavor: RawFlavor,
}

/// `GET /flavors/detail`.
#[derive(Debug, Deserialize)]
struct FlavorList {
    flavors: Vec<RawFlavor>,
    #[serde(default)]
    flavors_links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct RawFlavor {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    vcpus: Scalar,
    #[serde(default)]
    ram: Scalar,
    #[serde(default)]
    disk: Scalar,
    #[serde(default, rename = "OS-FLV-EXT-DATA:ephemeral")]
    ephemeral: Scalar,
}

impl RawFlavor {
    fn figures(&self) -> Figures {
        Figures::new(&self.vcpus, &self.ram, &self.disk, &self.ephemeral)
    }
}

impl Listing for FlavorList {
    type Item = RawFlavor;

    fn into_parts(self) -> (Vec<RawFlavor>, Option<String>) {
        (self.flavors, Link::next(self.flavors_links))
    }

    fn id(item: &RawFlavor) -> Option<&str> {
        item.id.text()
    }
}
