//! Projects, users, groups and roles, read by pages into records.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use shared::model::{CloudId, Record, ServiceKind};

use super::custody::{self, Keeper, Own};
use super::departments::Departments;
use super::parse::{GroupList, ProjectList, Raw, RoleList, UserList};
use super::{Came, Rules};
use crate::cloud::openstack::client::{Ask, Client, GivenUp};
use crate::cloud::openstack::paging::{Listing, Pager};
use crate::cloud::openstack::pass::{self, Pulse};
use crate::cloud::openstack::projects;
use crate::cloud::openstack::singles::Singles;
use crate::cloud::{CloudError, Incomplete, Page, Pages, Reach, Unread};

/// Makes a record of what stands in a list: `None` where it can't be told from another,
/// `Some(None)` where there is nothing to tell of it.
pub(super) type Read<'a> = dyn Fn(Raw) -> Option<Option<Record>> + Send + Sync + 'a;

/// Reads a list to its end.
pub(super) async fn list<L: Listing<Item = Raw>>(
    client: &Client,
    ask: Ask<'_>,
    pages: &Pages,
    read: &Read<'_>,
) -> Result<(), CloudError> {
    // Asked for a page of roles, Keystone 30 links to the next, and answers with the first again.
    let mut pager = match ask.path.first() {
        Some(&"roles") => Pager::whole(ask, pages),
        _ => Pager::new(ask, pages),
    };
    tell::<L>(client, &mut pager, pages, read).await
}

async fn tell<L: Listing<Item = Raw>>(
    client: &Client,
    pager: &mut Pager<'_>,
    pages: &Pages,
    read: &Read<'_>,
) -> Result<(), CloudError> {
    while let Some(found) = pager.next::<L>(client).await? {
        let mut page = Page::default();
        for raw in found {
            let record = read(raw).ok_or_else(|| {
                pager.malformed("a record has no id, or no domain_id where it needs one".to_owned())
            })?;
            page.records.extend(record);
        }
        pass::send(pages, page).await?;
    }
    Ok(())
}

/// What came of a list of each department. What could not be read was told as [`Unread`].
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Departments of which all came that there is to be had.
    pub(super) listed: BTreeSet<CloudId>,
    /// Departments of which nothing is known.
    pub(super) unlisted: Option<Incomplete>,
    /// Departments of which not all came.
    pub(super) cut: Option<Incomplete>,
}

impl From<Lists> for Came {
    fn from(lists: Lists) -> Self {
        Self {
            // The graver of them.
            incomplete: lists.unlisted.or(lists.cut),
            tells: Reach {
                departments: lists.listed,
                groups: BTreeSet::new(),
            },
        }
    }
}

/// Reads the users or groups of each department. One that can't be read (its directory server may
/// be away) keeps none of the others from being told, and is told as unlisted. Of one whose list is
/// cut is told what came, and that there may be more.
///
/// # Errors
/// Where none can be read, or the account may not ask: that is no department's trouble.
pub(super) async fn list_each<L: Listing<Item = Raw>>(
    client: &Client,
    (collection, departments): (&'static str, &Departments),
    pages: &Pages,
    read: &Read<'_>,
) -> Result<Lists, CloudError> {
    let mut singles = Singles::new(match collection {
        "users" => "departments' users",
        "groups" => "departments' groups",
        _ => "departments' roles",
    });
    let mut cut = Singles::new("departments' lists");
    let mut listed = BTreeSet::new();
    let pulse = Pulse::new(client.clock(), pages);
    let mut questions = Vec::new();
    for (id, name) in departments.iter() {
        let ask = Ask::new(ServiceKind::Identity, [collection]).with("domain_id", id.to_string());
        questions.push(async move {
            let mut pager = match collection {
                "roles" => Pager::whole(ask, pages),
                _ => Pager::in_part(ask, pages),
            };
            let told = tell::<L>(client, &mut pager, pages, read).await;
            let told = told.map(|()| pager.cut().map(|error| of_department(error, name)));
            (id, name, told.map_err(|error| of_department(error, name)))
        });
    }
    let mut answers = stream::iter(questions).buffer_unordered(client.concurrency_max);
    while let Some((id, name, told)) = answers.next().await {
        if let Err(error @ CloudError::Forbidden { .. }) = told {
            return Err(error);
        }
        let named = || format!("{name} ({id})");
        let told = singles.take(told.map_err(GivenUp::from), named)?;
        let unread = match &told {
            None => Some(Unread::Unlisted(id.clone())),
            Some(Some(_)) => Some(Unread::Department(id.clone())),
            Some(None) => None,
        };
        let page = Page {
            unread: unread.into_iter().collect(),
            ..Page::default()
        };
        pass::send(pages, page).await?;
        if let Some(is_cut) = told {
            listed.insert(id.clone());
            // However many they are, each was told as far as it can be read.
            let _ = cut.take(is_cut.map_or(Ok(()), |it| Err(GivenUp::from(it))), named);
        }
        pulse.beat().await?;
    }
    let unlisted = singles.end();
    match unlisted.as_ref().filter(|it| it.failed == it.of) {
        Some(none) => Err(none.source.clone()),
        None => Ok(Lists {
            listed,
            unlisted,
            cut: cut.end(),
        }),
    }
}

/// The same error, with the department's name in what was asked.
fn of_department(mut error: CloudError, name: &str) -> CloudError {
    if let CloudError::Status { what, .. }
    | CloudError::Malformed { what, .. }
    | CloudError::Forbidden { what, .. } = &mut error
    {
        let short: String = name.chars().take(64).collect();
        what.push_str(&format!(" of department {short:?}"));
    }
    error
}

/// Reads all projects that are no domains.
pub(super) async fn projects(
    client: &Client,
    (departments, own): (&Departments, &Own),
    pages: &Pages,
) -> Result<(), CloudError> {
    list::<ProjectList>(client, projects::list(), pages, &|raw| {
        if raw.is_domain() {
            return Some(None);
        }
        let keeper = departments.keeper(&raw.department()?);
        let custody = custody::project(keeper, own, (&raw.id()?, raw.name()));
        raw.into_project(custody).map(Some)
    })
    .await
}

/// Reads the users of all departments; `kept` are those that the cloud itself works by.
pub(super) async fn users(
    client: &Client,
    (departments, own, kept): (&Departments, &Own, &BTreeSet<CloudId>),
    rules: &Rules,
    pages: &Pages,
) -> Result<Came, CloudError> {
    list_each::<UserList>(client, ("users", departments), pages, &|raw| {
        let keeper = departments.keeper(&raw.department()?);
        let by = (rules, own, kept);
        let custody = custody::user(keeper, by, (&raw.id()?, raw.name()));
        raw.into_user(custody).map(Some)
    })
    .await
    .map(Came::from)
}

/// Reads the groups of all departments; `kept` are those that govern the cloud itself.
pub(super) async fn groups(
    client: &Client,
    (departments, kept): (&Departments, &BTreeSet<CloudId>),
    pages: &Pages,
) -> Result<Came, CloudError> {
    list_each::<GroupList>(client, ("groups", departments), pages, &|raw| {
        let keeper = departments.keeper(&raw.department()?);
        let custody = custody::group(keeper, kept, &raw.id()?);
        raw.into_group(custody).map(Some)
    })
    .await
    .map(Came::from)
}

/// Reads global roles, which is what a question without a domain is answered with, and those of all
/// departments.
pub(super) async fn roles(
    client: &Client,
    departments: &Departments,
    pages: &Pages,
) -> Result<(), CloudError> {
    let read = |raw: Raw| {
        let keeper = match raw.department() {
            Some(department) => departments.keeper(&department),
            None => Keeper::None,
        };
        raw.into_role(keeper.custody()).map(Some)
    };
    let global = Ask::new(ServiceKind::Identity, ["roles"]);
    list::<RoleList>(client, global, pages, &read).await?;
    let each = list_each::<RoleList>(client, ("roles", departments), pages, &read).await?;
    // They are no LDAP directory's, and are not taken in part.
    match each.unlisted {
        Some(unlisted) => Err(unlisted.source),
        None => Ok(()),
    }
}
