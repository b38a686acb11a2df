//! Who is in which group: one question for each group of all departments.

use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use shared::model::{CloudId, Membership, Record, ServiceKind};

use super::departments::Departments;
use super::lists::{Lacks, list_each};
use super::parse::{GroupList, UserList};
use crate::cloud::openstack::client::{Ask, Client, GivenUp};
use crate::cloud::openstack::paging::Pager;
use crate::cloud::openstack::pass::Pulse;
use crate::cloud::openstack::singles::Singles;
use crate::cloud::{CloudError, Incomplete, Page, Pages, Unread};

/// Groups whose members are asked for before a page is handed over.
const PAGE_GROUPS: usize = 50;

/// Records handed over at once, unless one group has more: what other lists have in a page.
const PAGE_RECORDS: usize = 1000;

/// A group, as far as its memberships need it.
type Named = (CloudId, String);

/// Reads the members of all groups. A group that can't be read keeps those that are known of it,
/// and so do those of a department whose groups can't be listed.
pub(super) async fn read(
    client: &Client,
    departments: &Departments,
    pages: &Pages,
) -> Result<Option<Incomplete>, CloudError> {
    let (groups, unlisted) = groups(client, departments, pages).await?;
    let mut singles = Singles::new("groups' memberships");
    let pulse = Pulse::new(client.clock(), pages);
    for some in groups.chunks(PAGE_GROUPS) {
        page(client, some, &mut singles, &pulse, pages).await?;
    }
    let incomplete = singles.end();
    // Where none could be read, there was nothing to tell.
    match incomplete.as_ref().filter(|it| it.failed == it.of) {
        Some(incomplete) => Err(incomplete.source.clone()),
        None => Ok(unlisted.or(incomplete)),
    }
}

/// All groups, and of which departments they could not be listed.
async fn groups(
    client: &Client,
    departments: &Departments,
    pages: &Pages,
) -> Result<(Vec<Named>, Option<Incomplete>), CloudError> {
    let groups = Mutex::new(Vec::new());
    let Lacks { unlisted, cut } =
        list_each::<GroupList>(client, ("groups", departments), pages, &|raw| {
            let named = (raw.id()?, raw.name().to_owned());
            let mut groups = groups.lock().unwrap_or_else(PoisonError::into_inner);
            groups.push(named);
            Some(None)
        })
        .await?;
    // Of those that it lacks, nobody can say which memberships are still there.
    if let Some(cut) = cut {
        return Err(cut.source);
    }
    let groups = groups.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((groups, unlisted))
}

/// Hands over the memberships of some groups.
async fn page(
    client: &Client,
    groups: &[Named],
    singles: &mut Singles,
    pulse: &Pulse<'_>,
    pages: &Pages,
) -> Result<(), CloudError> {
    let questions: Vec<_> = groups
        .iter()
        .map(|(id, _)| members(client, id, pages))
        .collect();
    let mut answers = stream::iter(questions).buffered(client.concurrency_max);
    let mut page = Page::default();
    for (group, name) in groups {
        let Some(answer) = answers.next().await else {
            break;
        };
        match singles.take(answer, || format!("{name} ({group})"))? {
            Some(users) => page.records.extend(users.into_iter().map(|user| {
                let group = group.clone();
                Record::Membership(Membership { group, user })
            })),
            None => page.unread.push(Unread::Group(group.clone())),
        }
        if page.records.len() >= PAGE_RECORDS {
            send(pages, std::mem::take(&mut page)).await?;
        }
        pulse.beat().await?;
    }
    // An empty one too: it tells that the pass goes on.
    send(pages, page).await
}

async fn send(pages: &Pages, page: Page) -> Result<(), CloudError> {
    pages.send(page).await.map_err(|_| CloudError::Stopped)
}

/// A group's members; none of one that is gone since it was listed.
/// Reads the members of a group; none where it is gone.
pub(super) async fn members(
    client: &Client,
    group: &CloudId,
    pages: &Pages,
) -> Result<Vec<CloudId>, GivenUp> {
    let id = group.to_string();
    let ask = Ask::new(ServiceKind::Identity, ["groups", &id, "users"]);
    // Keystone 30 would cut the list to a page, and can't go on with it.
    let mut pager = Pager::whole(ask, pages);
    let mut users = Vec::new();
    loop {
        let found = match pager.next::<UserList>(client).await {
            Err(error @ CloudError::Status { status: 404, .. }) => {
                return match exists(client, &id).await? {
                    true => Err(error.into()),
                    false => Ok(Vec::new()),
                };
            }
            found => found?,
        };
        let Some(found) = found else {
            return Ok(users);
        };
        for raw in found {
            users.push(raw.id().ok_or_else(|| pager.no_id())?);
        }
    }
}

/// Whether a group exists (still).
async fn exists(client: &Client, id: &str) -> Result<bool, CloudError> {
    let ask = Ask::new(ServiceKind::Identity, ["groups", id]);
    match client.get(&ask).await {
        Ok(_) => Ok(true),
        Err(CloudError::Status { status: 404, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
