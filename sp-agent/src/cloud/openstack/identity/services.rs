//! The accounts by which OpenStack's services work: they stay the region's own.
//!
//! An account is a service's if it has the role `service` anywhere, which current releases ask of
//! each other, or any role in the project `service` or `services` of a department that is the
//! cloud's own, where all installers put them.

use std::collections::BTreeSet;

use shared::model::{Actor, CloudId, SERVICE, SERVICE_PROJECTS, ServiceKind, is_service_project};

use super::custody::Keeper;
use super::departments::Departments;
use super::links;
use super::parse::{ProjectList, RoleList};
use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::paging::Pager;
use crate::cloud::{CloudError, Pages};

/// Reads the accounts of services, as far as users have roles themselves and not by groups.
pub(super) async fn users(
    client: &Client,
    departments: &Departments,
    pages: &Pages,
) -> Result<BTreeSet<CloudId>, CloudError> {
    let mut users = BTreeSet::new();
    for project in projects(client, departments, pages).await? {
        with_roles(client, ("scope.project.id", project), &mut users).await?;
    }
    let asked = Ask::new(ServiceKind::Identity, ["roles"]).with("name", SERVICE);
    let mut pager = Pager::whole(asked, pages);
    while let Some(found) = pager.next::<RoleList>(client).await? {
        // Global ones alone: a department's own role of that name is its own business.
        let global = found.iter().filter(|it| it.department().is_none());
        for role in global.filter(|it| it.name().eq_ignore_ascii_case(SERVICE)) {
            let role = role.id().ok_or_else(|| pager.no_id())?;
            with_roles(client, ("role.id", role), &mut users).await?;
        }
    }
    Ok(users)
}

/// The projects that services have their accounts in.
async fn projects(
    client: &Client,
    departments: &Departments,
    pages: &Pages,
) -> Result<Vec<CloudId>, CloudError> {
    let mut projects = Vec::new();
    for name in SERVICE_PROJECTS {
        let ask = Ask::new(ServiceKind::Identity, ["projects"]).with("name", name);
        let mut pager = Pager::new(ask, pages);
        while let Some(found) = pager.next::<ProjectList>(client).await? {
            for raw in found.iter().filter(|it| is_service_project(it.name())) {
                let department = raw.department().ok_or_else(|| pager.no_id())?;
                if departments.keeper(&department) == Keeper::Cloud {
                    projects.push(raw.id().ok_or_else(|| pager.no_id())?);
                }
            }
        }
    }
    Ok(projects)
}

async fn with_roles(
    client: &Client,
    (by, id): (&'static str, CloudId),
    users: &mut BTreeSet<CloudId>,
) -> Result<(), CloudError> {
    let ask = links::assigned().with(by, id.to_string());
    for assignment in links::ask(client, &ask).await? {
        if let Actor::User(user) = assignment.actor {
            users.insert(user);
        }
    }
    Ok(())
}
