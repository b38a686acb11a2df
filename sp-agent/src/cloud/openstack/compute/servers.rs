//! Servers: Compute API, "List Servers Detailed".

mod flavors;
mod parse;

use std::collections::HashSet;

use shared::model::{CloudId, Key, Record, RecordKind, ServiceKind};

use self::flavors::Flavors;
use self::parse::{Found, ServerList};
use super::NEWEST;
use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::paging::Pager;
use crate::cloud::openstack::pass;
use crate::cloud::openstack::version::Microversion;
use crate::cloud::{CloudError, Mark, Page, Pages};

/// From here on each server carries its flavor's figures.
const FLAVOR_EMBEDDED: Microversion = Microversion(2, 47);

/// Reads all servers of all projects, the oldest first: what is made meanwhile comes last.
pub(in crate::cloud::openstack) async fn audit(
    client: &Client,
    pages: &Pages,
) -> Result<Mark, CloudError> {
    read(client, list().with("deleted", "false"), pages).await
}

/// Reads the servers that changed since `mark`, and the ids of those that were deleted.
pub(in crate::cloud::openstack) async fn changes(
    client: &Client,
    mark: Mark,
    pages: &Pages,
) -> Result<Mark, CloudError> {
    let since = format!("{}Z", pass::since(mark));
    let now = read(client, list().with("changes-since", since), pages).await?;
    Ok(now.max(mark))
}

fn list() -> Ask<'static> {
    Ask::new(ServiceKind::Compute, ["servers", "detail"])
        .at(NEWEST)
        .with("all_tenants", "1")
        .with("sort_key", "created_at")
        .with("sort_dir", "asc")
}

async fn read(client: &Client, ask: Ask<'static>, pages: &Pages) -> Result<Mark, CloudError> {
    let microversion = client.microversion(&ask).await?;
    let embedded = microversion.is_some_and(|it| it >= FLAVOR_EMBEDDED);
    let mut flavors = Flavors::default();
    let mut silent: HashSet<CloudId> = HashSet::new();
    let mut pager = Pager::new(ask);
    while let Some(servers) = pager.next::<ServerList>(client).await? {
        if !embedded {
            flavors.learn(client, &servers).await?;
        }
        let mut page = Page::default();
        for server in servers {
            match server.read(&flavors).ok_or_else(|| pager.no_id())? {
                Found::Server(server) => page.records.push(Record::Server(server)),
                Found::Deleted(id) => page.deleted.push(Key {
                    kind: RecordKind::Server,
                    id,
                }),
                Found::Silent(id) => {
                    silent.insert(id);
                }
            }
        }
        pass::send(pages, page).await?;
    }
    match silent.len() {
        0 => Ok(Mark(pager.begun(client))),
        // They exist, so the pass must not end as if they did not.
        count => Err(pager.malformed(format!(
            "{count} servers are in a cell whose database does not answer"
        ))),
    }
}
