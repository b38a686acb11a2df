//! Projects, users, groups and roles, read by pages into records.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use shared::model::{CloudId, Record, ServiceKind};

use super::Rules;
use super::custody::{self, Keeper, Own};
use super::departments::Departments;
use super::parse::{GroupList, ProjectList, Raw, RoleList, UserList};
use super::whose::{Answer, Whose};
use crate::cloud::openstack::client::{Ask, Client, GivenUp};
use crate::cloud::openstack::paging::{Listing, Pager};
use crate::cloud::openstack::pass::{self, Pulse};
use crate::cloud::openstack::projects;
use crate::cloud::openstack::singles::Singles;
use crate::cloud::{CloudError, Cut, Incomplete, Mark, Page, Pages, Reach, Unread, Whole};

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
    Ok(tell::<L>(client, &mut pager, pages, read).await?)
}

async fn tell<L: Listing<Item = Raw>>(
    client: &Client,
    pager: &mut Pager<'_>,
    pages: &Pages,
    read: &Read<'_>,
) -> Result<(), GivenUp> {
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
    /// Departments of which all came.
    pub(super) listed: BTreeSet<CloudId>,
    /// Departments of which nothing is known.
    pub(super) unlisted: Option<Incomplete>,
    /// Departments of which not all came.
    pub(super) cut: Option<Incomplete>,
    /// What of these did.
    pub(super) came: Cut,
    /// For how long nothing but what failed was asked.
    pub(super) in_vain: Duration,
}

impl Lists {
    /// As what came of a part that is these lists.
    pub(super) fn whole(self, mark: Mark) -> Whole {
        Whole {
            mark,
            // The graver of them.
            incomplete: self.unlisted.or(self.cut),
            tells: Reach {
                departments: self.listed,
                groups: BTreeSet::new(),
            },
            cut: self.came,
            in_vain: self.in_vain,
        }
    }
}

/// Reads the users or groups of each department. One that can't be read (its directory server may
/// be away, or hang) keeps none of the others from being told, and is told as unlisted, and so is
/// one that is not asked for after others took too long. Of one whose list is cut is told what
/// came, and that there may be more.
///
/// # Errors
/// Where none can be read, or the account may not ask, or Keystone itself does not answer: that is
/// no department's trouble.
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
    let (mut listed, mut came) = (BTreeSet::new(), Cut::new());
    let pulse = Pulse::new(client.clock(), pages);
    let whose = Whose::new(client, collection);
    let mut all: Vec<_> = departments.iter().collect();
    // Where not all are asked, it is not always the same ones that are not, and not those first
    // that answer.
    all.sort_by_cached_key(|(id, _)| (client.silent.has(collection, id), rand::random::<u64>()));
    let mut questions = Vec::with_capacity(all.len());
    for (id, name) in all {
        let told = whose.ask(id, async move |within| {
            let told = of_each::<L>(client, (collection, id, within), pages, read).await;
            let told = told.map_err(|it| GivenUp {
                error: of_department(it.error, name),
                ..it
            });
            told.map(|cut| cut.map(|(error, came)| (of_department(error, name), came)))
        });
        let pulse = &pulse;
        questions.push(async move {
            let told = told.await?;
            // Not by who takes the answers: while he waited for a place, one of those that tell of
            // other departments might have it, and go on no more.
            pass::send(pages, unread(id, &told)).await?;
            pulse.beat().await?;
            Ok::<_, CloudError>((id, name, told))
        });
    }
    let mut answers = stream::iter(questions).buffer_unordered(client.concurrency_max);
    while let Some(answer) = answers.next().await {
        let (id, name, told) = answer?;
        let named = || format!("{name} ({id})");
        match told.counted(&mut singles, named) {
            Some(None) => {
                cut.read();
                listed.insert(id.clone());
            }
            Some(Some((error, some))) => {
                cut.failed(&error, named);
                came.insert(id.clone(), some);
            }
            None => {}
        }
    }
    let unlisted = singles.end();
    match unlisted.as_ref().filter(|it| it.failed == it.of) {
        Some(none) => Err(none.source.clone()),
        None => Ok(Lists {
            listed,
            unlisted,
            cut: cut.end(),
            came,
            in_vain: whose.in_vain(),
        }),
    }
}

/// What is told of what did not come.
fn unread<T>(id: &CloudId, told: &Answer<Option<T>>) -> Page {
    let unread = match told {
        Answer::Good(None) => None,
        Answer::Good(Some(_)) => Some(Unread::Department(id.clone())),
        Answer::Failed(_) | Answer::NotAsked => Some(Unread::Unlisted(id.clone())),
    };
    Page {
        unread: unread.into_iter().collect(),
        ..Page::default()
    }
}

/// Reads one department's. Why its list was cut, and what came of it, if it was.
async fn of_each<L: Listing<Item = Raw>>(
    client: &Client,
    (collection, id, within): (&'static str, &CloudId, Option<Duration>),
    pages: &Pages,
    read: &Read<'_>,
) -> Result<Option<(CloudError, BTreeSet<CloudId>)>, GivenUp> {
    let ask = Ask::new(ServiceKind::Identity, [collection]);
    let ask = ask.with("domain_id", id.to_string()).within(within);
    let mut pager = match collection {
        "roles" => Pager::whole(ask, pages),
        _ => Pager::in_part(ask, pages),
    };
    let came = Mutex::new(BTreeSet::new());
    let noting = |raw: Raw| {
        let id = raw.id();
        let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
        came.extend(id);
        drop(came);
        read(raw)
    };
    tell::<L>(client, &mut pager, pages, &noting).await?;
    let came = came.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(pager.cut().map(|error| (error, came)))
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
) -> Result<Lists, CloudError> {
    list_each::<UserList>(client, ("users", departments), pages, &|raw| {
        let keeper = departments.keeper(&raw.department()?);
        let by = (rules, own, kept);
        let custody = custody::user(keeper, by, (&raw.id()?, raw.name()));
        raw.into_user(custody).map(Some)
    })
    .await
}

/// Reads the groups of all departments; `kept` are those that govern the cloud itself.
pub(super) async fn groups(
    client: &Client,
    (departments, kept): (&Departments, &BTreeSet<CloudId>),
    pages: &Pages,
) -> Result<Lists, CloudError> {
    list_each::<GroupList>(client, ("groups", departments), pages, &|raw| {
        let keeper = departments.keeper(&raw.department()?);
        let custody = custody::group(keeper, kept, &raw.id()?);
        raw.into_group(custody).map(Some)
    })
    .await
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
