//! Cinder: volumes and storage pools.

mod parse;
pub(super) mod pools;

use shared::model::{Record, ServiceKind};

use self::parse::VolumeList;
use super::client::{Ask, Client};
use super::paging::Pager;
use super::pass;
use super::rights;
use super::version::Microversion;
use crate::cloud::{CloudError, Mark, Page, Pages, Whole};

/// The newest of Cinder's microversions that this client was written for (2024.1).
pub(super) const NEWEST: Microversion = Microversion(3, 71);

/// From here on lists can be asked for what came or changed since a time.
const TIME_COMPARISON: Microversion = Microversion(3, 60);

/// Reads all volumes of all projects, the oldest first: what is made meanwhile comes last. Proves
/// that they are of all projects, because what an audit does not meet is removed.
pub(super) async fn audit(client: &Client, pages: &Pages) -> Result<Whole, CloudError> {
    rights::prove(client, ServiceKind::Volume).await?;
    let mark = read(client, list(), pages).await?;
    rights::prove(client, ServiceKind::Volume).await?;
    Ok(mark.into())
}

/// Reads the volumes that changed since `mark`; `None` where this Cinder can't tell. Deletions are
/// not told by any Cinder: an audit finds them.
pub(super) async fn changes(
    client: &Client,
    mark: Mark,
    pages: &Pages,
) -> Result<Option<Mark>, CloudError> {
    let microversion = client.microversion(&list()).await?;
    if microversion.is_none_or(|it| it < TIME_COMPARISON) {
        return Ok(None);
    }
    let since = format!("gte:{}", pass::since(mark));
    // A new volume has no time of change until its first change.
    let created = list().with("created_at", since.clone());
    let now = read(client, created, pages).await?;
    read(client, list().with("updated_at", since), pages).await?;
    Ok(Some(now))
}

fn list() -> Ask<'static> {
    Ask::new(ServiceKind::Volume, ["volumes", "detail"])
        .at(NEWEST)
        .with("all_tenants", "1")
        .with("sort", "created_at:asc,id:asc")
}

async fn read(client: &Client, ask: Ask<'static>, pages: &Pages) -> Result<Mark, CloudError> {
    let mut pager = Pager::new(ask, pages);
    while let Some(volumes) = pager.next::<VolumeList>(client).await? {
        let mut page = Page::default();
        for volume in volumes {
            let volume = volume.read().ok_or_else(|| pager.no_id())?;
            page.records.push(Record::Volume(volume));
        }
        pass::send(pages, page).await?;
    }
    Ok(Mark(pager.begun(client)))
}
