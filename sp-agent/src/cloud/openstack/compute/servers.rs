//! Servers: Compute API, "List Servers Detailed".

pub(in crate::cloud::openstack) mod cells;
mod flavors;
mod parse;

use std::collections::HashSet;

use shared::model::{CloudId, Key, Record, RecordKind, ServiceKind};

use self::cells::Watch;
pub(in crate::cloud::openstack) use self::cells::Witness;
use self::flavors::Flavors;
use self::parse::{Found, ServerList};
use super::NEWEST;
use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::paging::Pager;
use crate::cloud::openstack::pass;
use crate::cloud::openstack::version::Microversion;
use crate::cloud::{CloudError, Mark, Page, Pages, Whole};

/// From here on each server carries its flavor's figures.
const FLAVOR_EMBEDDED: Microversion = Microversion(2, 47);

/// Reads all servers of all projects, the oldest first: what is made meanwhile comes last.
pub(in crate::cloud::openstack) async fn audit(
    client: &Client,
    witness: &Witness,
    pages: &Pages,
) -> Result<Whole, CloudError> {
    let cells = Watch::new(client, witness);
    // A server that its owner can still restore holds its resources. Changes tell it, and Nova
    // counts it among the deleted ones unless it is asked for (administrators may).
    let ask = list().with("deleted", "false").with("soft_deleted", "true");
    let mark = read(client, ask, (cells, Hearing::EachPage), pages).await?;
    Ok(mark.into())
}

/// Reads the servers that changed since `mark`, and the ids of those that were deleted.
pub(in crate::cloud::openstack) async fn changes(
    client: &Client,
    witness: &Witness,
    mark: Mark,
    pages: &Pages,
) -> Result<Mark, CloudError> {
    let since = format!("{}Z", pass::since(mark));
    let ask = list().with("changes-since", since);
    let cells = Watch::new(client, witness);
    read(client, ask, (cells, Hearing::Last), pages).await
}

/// When the witness is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    /// Before and after every page: what is missing will be taken for gone.
    EachPage,
    /// At the end, and at the beginning if in doubt: nothing is removed for being absent, and only
    /// the mark must not pass over what a silent cell has to tell.
    Last,
}

fn list() -> Ask<'static> {
    Ask::new(ServiceKind::Compute, ["servers", "detail"])
        .at(NEWEST)
        .with("all_tenants", "1")
        .with("sort_key", "created_at")
        .with("sort_dir", "asc")
}

async fn read(
    client: &Client,
    ask: Ask<'static>,
    (mut cells, hearing): (Watch<'_>, Hearing),
    pages: &Pages,
) -> Result<Mark, CloudError> {
    let microversion = client.microversion(&ask).await?;
    let embedded = microversion.is_some_and(|it| it >= FLAVOR_EMBEDDED);
    let mut flavors = Flavors::default();
    let mut silent: HashSet<CloudId> = HashSet::new();
    let mut pager = Pager::new(ask, pages);
    let each = hearing == Hearing::EachPage;
    if each || cells.is_in_doubt() {
        cells.look().await;
    }
    while let Some(servers) = pager.next::<ServerList>(client).await? {
        if !embedded {
            flavors.learn(client, &servers, pages).await?;
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
        cells.read_a_page(each).await;
    }
    // Stock Novas leave them out of such a list; one that names them must be heard too. They exist,
    // so the pass must not end as if they did not.
    if !silent.is_empty() {
        let count = silent.len();
        let reason = format!("{count} servers are in a cell whose database does not answer");
        cells.is_told(pager.malformed(reason));
    }
    cells.verdict().await?;
    Ok(Mark(pager.begun(client)))
}
