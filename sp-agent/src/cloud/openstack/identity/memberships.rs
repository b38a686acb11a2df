//! Who is in which group: one question for each group of all departments.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use shared::model::{CloudId, Membership, Record, ServiceKind};

use super::departments::Departments;
use super::lists::{Lists, list_each};
use super::parse::{GroupList, UserList};
use super::whose::{Answer, Whose};
use crate::cloud::openstack::client::{Ask, Client, GivenUp};
use crate::cloud::openstack::paging::Pager;
use crate::cloud::openstack::pass::Pulse;
use crate::cloud::openstack::singles::Singles;
use crate::cloud::{CloudError, Cut, Mark, Page, Pages, Reach, Unread, Whole};

/// Groups whose members are asked for before a page is handed over.
const PAGE_GROUPS: usize = 50;

/// Records handed over at once, unless one group has more: what other lists have in a page.
const PAGE_RECORDS: usize = 1000;

/// What is asked for of each group.
const MEMBERS: &str = "members";

/// A group, as far as its memberships need it.
#[derive(Debug)]
struct Named {
    id: CloudId,
    name: String,
    department: CloudId,
}

/// Reads the members of all groups. A group that can't be read keeps those that are known of it,
/// and so do those of a department whose groups can't be listed, and of groups beyond the end of a
/// list that is cut. One may be forbidden by itself, as a Keystone's rules may name groups; where
/// all are, the account may not ask.
pub(super) async fn read(
    client: &Client,
    departments: &Departments,
    mark: Mark,
    pages: &Pages,
) -> Result<Whole, CloudError> {
    let (mut groups, lists) = groups(client, departments, pages).await?;
    // As where they are listed.
    groups.sort_by_cached_key(|it| client.silent.has(MEMBERS, &it.department));
    let of: BTreeSet<&CloudId> = groups.iter().map(|it| &it.department).collect();
    let are_of_all = of.len() == departments.iter().count();
    let mut all = Members {
        whose: Whose::new(client, MEMBERS),
        singles: Singles::new("groups' memberships"),
        tells: Reach {
            departments: lists.listed,
            groups: BTreeSet::new(),
        },
    };
    let pulse = Pulse::new(client.clock(), pages);
    for some in groups.chunks(PAGE_GROUPS) {
        page(client, some, &mut all, &pulse, pages).await?;
    }
    let in_vain = lists.in_vain.saturating_add(all.whose.in_vain());
    let is_forbidden = all.singles.is_forbidden();
    let incomplete = all.singles.end();
    // Where none could be read, it is Keystone's trouble, but where some departments have none:
    // all others may be behind one directory server.
    match incomplete.as_ref().filter(|it| it.failed == it.of) {
        Some(incomplete) if are_of_all || is_forbidden => Err(incomplete.source.clone()),
        _ => Ok(Whole {
            mark,
            incomplete: lists.unlisted.or(incomplete).or(lists.cut),
            tells: all.tells,
            // Of a group that did not come nothing is told, so that its department is lacking.
            cut: Cut::new(),
            in_vain,
        }),
    }
}

/// How far the members of all groups are read.
#[derive(Debug)]
struct Members<'a> {
    whose: Whose<'a>,
    singles: Singles,
    /// Groups that were, and departments of which no group was not.
    tells: Reach,
}

/// All groups, and of which departments they could be listed.
async fn groups(
    client: &Client,
    departments: &Departments,
    pages: &Pages,
) -> Result<(Vec<Named>, Lists), CloudError> {
    let groups = Mutex::new(Vec::new());
    let mut lists = list_each::<GroupList>(client, ("groups", departments), pages, &|raw| {
        let named = Named {
            id: raw.id()?,
            name: raw.name().to_owned(),
            department: raw.department()?,
        };
        let mut groups = groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.push(named);
        Some(None)
    })
    .await?;
    for (department, came) in std::mem::take(&mut lists.came) {
        let unread = vec![Unread::Beyond(department, came)];
        send(
            pages,
            Page {
                unread,
                ..Page::default()
            },
        )
        .await?;
    }
    let groups = groups.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((groups, lists))
}

/// Hands over the memberships of some groups.
async fn page(
    client: &Client,
    groups: &[Named],
    all: &mut Members<'_>,
    pulse: &Pulse<'_>,
    pages: &Pages,
) -> Result<(), CloudError> {
    let whose = &all.whose;
    let mut questions = Vec::with_capacity(groups.len());
    for group in groups {
        let answer = whose.ask(&group.department, async move |within| {
            members(client, (&group.id, within), pages).await
        });
        questions.push(async move { (group, answer.await) });
    }
    let mut answers = stream::iter(questions).buffered(client.concurrency_max);
    let mut page = Page::default();
    while let Some((group, answer)) = answers.next().await {
        let Named {
            id,
            name,
            department,
        } = group;
        let answer = match answer {
            Err(error @ CloudError::Forbidden { .. }) => Answer::Failed(error),
            answer => answer?,
        };
        match answer.counted(&mut all.singles, || format!("{name} ({id})")) {
            Some(users) => {
                all.tells.groups.insert(id.clone());
                page.records.extend(users.into_iter().map(|user| {
                    let group = id.clone();
                    Record::Membership(Membership { group, user })
                }));
            }
            None => {
                all.tells.departments.remove(department);
                page.unread.push(Unread::Group(id.clone()));
            }
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

/// Reads the members of a group; none where it is gone.
pub(super) async fn members(
    client: &Client,
    (group, within): (&CloudId, Option<Duration>),
    pages: &Pages,
) -> Result<Vec<CloudId>, GivenUp> {
    let id = group.to_string();
    let ask = Ask::new(ServiceKind::Identity, ["groups", &id, "users"]).within(within);
    // Keystone 30 would cut the list to a page, and can't go on with it.
    let mut pager = Pager::whole(ask, pages);
    let mut users = Vec::new();
    loop {
        let found = match pager.next::<UserList>(client).await {
            Err(given_up) if given_up.is(&[404]) => {
                return match exists(client, &id).await? {
                    true => Err(given_up),
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
