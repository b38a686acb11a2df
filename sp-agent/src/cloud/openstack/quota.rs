//! Quota and use of every project, in Nova, Cinder and Neutron: one request a project and service.

mod parse;

use futures_util::{StreamExt, TryStreamExt, stream};
use shared::model::{Quota, Record, ServiceKind};

use super::client::{Ask, Client};
use super::paging::Pager;
use super::projects::{self, Project, ProjectList};
use super::{compute, pass, volume};
use crate::cloud::{CloudError, Mark, Page, Pages};

/// Reads one service's quota of all projects.
pub(super) async fn audit(
    client: &Client,
    service: ServiceKind,
    pages: &Pages,
) -> Result<Mark, CloudError> {
    let mut pager = Pager::new(projects::list());
    while let Some(found) = pager.next::<ProjectList>(client).await? {
        let mut projects = Vec::with_capacity(found.len());
        for raw in found {
            projects.push(raw.read().ok_or_else(|| pager.no_id())?);
        }
        let quotas: Vec<Option<Quota>> = stream::iter(projects)
            .map(|project| of_project(client, service, project))
            .buffered(client.concurrency_max)
            .try_collect()
            .await?;
        let page = Page {
            records: quotas.into_iter().flatten().map(Record::Quota).collect(),
            ..Page::default()
        };
        pass::send(pages, page).await?;
    }
    Ok(Mark(pager.begun(client)))
}

/// `None` for a project that is gone since it was listed.
async fn of_project(
    client: &Client,
    service: ServiceKind,
    project: Project,
) -> Result<Option<Quota>, CloudError> {
    let id = project.id.to_string();
    let ask = question(service, &id);
    let answer = match client.get(&ask).await {
        Ok(answer) => answer,
        // Nova says 400 and others 404 for a project that is not there, but not only for that.
        Err(
            error @ CloudError::Status {
                status: 400 | 404, ..
            },
        ) => {
            return match projects::exists(client, &project.id).await? {
                true => Err(error),
                false => Ok(None),
            };
        }
        Err(error) => return Err(error),
    };
    let resources =
        parse::resources(service, &answer.body).map_err(|reason| answer.malformed(&ask, reason))?;
    Ok(Some(Quota {
        project: project.id,
        project_name: project.name,
        service,
        resources,
    }))
}

fn question(service: ServiceKind, project: &str) -> Ask<'_> {
    match service {
        ServiceKind::Volume => Ask::new(service, ["os-quota-sets", project])
            .at(volume::NEWEST)
            .with("usage", "true"),
        ServiceKind::Network => Ask::new(service, ["quotas", project, "details.json"]),
        _ => Ask::new(service, ["os-quota-sets", project, "detail"]).at(compute::NEWEST),
    }
}
