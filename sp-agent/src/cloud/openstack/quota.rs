//! Quota and use of every project, in Nova, Cinder and Neutron: one request a project and service;
//! and limits, set.

mod parse;
mod set;

use futures_util::{StreamExt, stream};
use shared::model::{Quota, Record, ServiceKind};

use super::client::{Ask, Client, GivenUp};
use super::compute::servers::Witness;
use super::compute::servers::cells::Watch;
use super::paging::Pager;
use super::pass::Pulse;
use super::projects::{self, Project, ProjectList};
use super::singles::Singles;
use super::{compute, volume};
use crate::cloud::{CloudError, Mark, Page, Pages, Unread, Whole};
pub(super) use set::set;

/// Projects of one page. A Keystone that does not page names thousands at once, and the quotas of
/// so many take longer than whoever waits for a page is patient.
const PAGE_PROJECTS: usize = 50;

/// Reads one service's quota of all projects. Nova counts a project's use over the cells that
/// answer and says nothing of the others, so its figures are told only between two good words of
/// all cells.
pub(super) async fn audit(
    client: &Client,
    (service, witness): (ServiceKind, &Witness),
    pages: &Pages,
) -> Result<Whole, CloudError> {
    let mut pager = Pager::new(projects::list(), pages);
    let mut singles = Singles::new("projects' quotas");
    let pulse = Pulse::new(client.clock(), pages);
    let mut cells = (service == ServiceKind::Compute).then(|| Watch::new(client, witness));
    hear(&mut cells).await?;
    pulse.beat().await?;
    while let Some(found) = pager.next::<ProjectList>(client).await? {
        pulse.beat().await?;
        let mut projects = Vec::with_capacity(found.len());
        for raw in found {
            projects.push(raw.read().ok_or_else(|| pager.no_id())?);
        }
        for projects in projects.chunks(PAGE_PROJECTS) {
            let page = page(client, (service, projects), &mut singles, &pulse).await?;
            hear(&mut cells).await?;
            // An empty one too: it tells that the pass goes on.
            pages.send(page).await.map_err(|_| CloudError::Stopped)?;
        }
    }
    let incomplete = singles.end();
    // Where none could be read, there was nothing to tell.
    if let Some(incomplete) = incomplete.as_ref().filter(|it| it.failed == it.of) {
        return Err(incomplete.source.clone());
    }
    let mark = Mark(pager.begun(client));
    Ok(Whole::of(mark, incomplete))
}

/// Hears whether all of Nova's cells answer, where it matters.
async fn hear(cells: &mut Option<Watch<'_>>) -> Result<(), CloudError> {
    match cells {
        Some(cells) => {
            cells.look().await;
            cells.word()
        }
        None => Ok(()),
    }
}

/// The quotas of some projects.
async fn page(
    client: &Client,
    (service, projects): (ServiceKind, &[Project]),
    singles: &mut Singles,
    pulse: &Pulse<'_>,
) -> Result<Page, CloudError> {
    let mut answers = stream::iter(projects.to_vec())
        .map(|project| {
            let asked = project.clone();
            async move { (project, of_project(client, service, asked).await) }
        })
        .buffered(client.concurrency_max);
    let mut page = Page::default();
    while let Some((project, answer)) = answers.next().await {
        let name = || format!("{} ({})", project.name, project.id);
        match singles.take(answer, name)? {
            Some(quota) => page.records.extend(quota.map(Record::Quota)),
            None => {
                let id = Quota::id_of(&project.id, service);
                page.unread.push(Unread::Record(id));
            }
        }
        pulse.beat().await?;
    }
    Ok(page)
}

/// `None` for a project that is gone since it was listed.
async fn of_project(
    client: &Client,
    service: ServiceKind,
    project: Project,
) -> Result<Option<Quota>, GivenUp> {
    let id = project.id.to_string();
    let ask = question(service, &id);
    // Not again when it is slow: there may be many more of them.
    let answer = match client.get_page(&ask).await {
        Ok(answer) => answer,
        // Nova says 400 and others 404 for a project that is not there, but not only for that.
        Err(
            given_up @ GivenUp {
                error:
                    CloudError::Status {
                        status: 400 | 404, ..
                    },
                ..
            },
        ) => {
            return match projects::exists(client, &project.id).await? {
                true => Err(given_up),
                false => Ok(None),
            };
        }
        Err(given_up) => return Err(given_up),
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
