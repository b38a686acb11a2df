//! Which roles come with which, and who has which role where. Keystone tells each in one answer.

mod parse;

use shared::model::{Actor, Assignment, CloudId, Record, ServiceKind};

use crate::cloud::openstack::client::{Ask, Client};
use crate::cloud::openstack::pass;
use crate::cloud::{CloudError, Page, Pages};

/// Records handed over at once: what other lists have in a page.
const PAGE: usize = 1000;

/// Reads all implied roles (`GET /role_inferences`).
pub(super) async fn implications(client: &Client, pages: &Pages) -> Result<(), CloudError> {
    let ask = Ask::new(ServiceKind::Identity, ["role_inferences"]);
    let answer = client.get(&ask).await?;
    let implications =
        parse::implications(&answer.body).map_err(|reason| answer.malformed(&ask, reason))?;
    let records = implications.into_iter().map(Record::Implication);
    send(records.collect(), pages).await
}

/// Reads all assignments as they were made: groups are not resolved, and inherited ones stand where
/// they were made. Those on the system (`system_scope`) are no part of an organization.
pub(super) async fn assignments(client: &Client, pages: &Pages) -> Result<(), CloudError> {
    let assignments = ask(client, &assigned()).await?;
    let records = assignments.into_iter().map(Record::Assignment);
    send(records.collect(), pages).await
}

/// The question for all assignments.
pub(super) fn assigned<'a>() -> Ask<'a> {
    Ask::new(ServiceKind::Identity, ["role_assignments"])
}

/// Asks for assignments. Keystone has no pages of them, so the answer holds all; some hundred
/// thousand fit into the longest that the client takes.
pub(super) async fn ask(
    client: &Client,
    ask: &Ask<'_>,
) -> Result<Vec<Assignment<CloudId>>, CloudError> {
    let answer = client.get_page(ask).await?;
    parse::assignments(&answer.body).map_err(|reason| answer.malformed(ask, reason))
}

/// Who has a role in the system as a whole (`scope.system`, Identity API v3.10).
pub(super) async fn of_the_system(client: &Client) -> Result<Vec<Actor<CloudId>>, CloudError> {
    let ask = assigned().with("scope.system", "all");
    let answer = client.get_page(&ask).await?;
    parse::of_the_system(&answer.body).map_err(|reason| answer.malformed(&ask, reason))
}

async fn send(records: Vec<Record>, pages: &Pages) -> Result<(), CloudError> {
    for some in records.chunks(PAGE) {
        let page = Page {
            records: some.to_vec(),
            ..Page::default()
        };
        pass::send(pages, page).await?;
    }
    Ok(())
}
