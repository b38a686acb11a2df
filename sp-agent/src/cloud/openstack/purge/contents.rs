//! What is in a project or a department, as each service says.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::model::{CloudId, ServiceKind};

use super::super::client::{Ask, Client};
use super::super::compute::servers::Witness;
use super::super::compute::servers::cells::Watch;
use super::super::version::Microversion;
use super::super::{compute, rights, volume};
use super::neutron;
use crate::cloud::CloudError;

/// As many of each are asked for: enough to refuse.
const COUNT_MAX: usize = 100;

/// Pages of server groups that are looked through, a thousand each: a quota of 10 for each project
/// (`quota_server_groups`) makes fewer.
const PAGES_MAX: usize = 100;

/// From here on Nova's server groups tell whose they are (API microversion history, 2.13).
const TELLS_WHOSE: Microversion = Microversion(2, 13);

/// What Cinder has from which microversion on (REST API version history): generic groups, and
/// snapshots of them.
const CINDER: [(&str, &[&str], &str, Microversion); 5] = [
    ("volumes", &["volumes"], "volumes", Microversion(3, 0)),
    ("snapshots", &["snapshots"], "snapshots", Microversion(3, 0)),
    ("backups", &["backups"], "backups", Microversion(3, 0)),
    (
        "groups",
        &["groups", "detail"],
        "volume groups",
        Microversion(3, 13),
    ),
    (
        "group_snapshots",
        &["group_snapshots", "detail"],
        "group snapshots",
        Microversion(3, 14),
    ),
];

/// How many of what are there.
pub(super) type Found = Vec<(&'static str, usize)>;

/// Services that this cloud has.
pub(super) type Kinds = BTreeSet<ServiceKind>;

/// All that is in a department, whoever made it, but for what is removed before it.
pub(super) async fn of_department(
    client: &Client,
    id: &str,
    along: &BTreeSet<CloudId>,
) -> Result<Found, CloudError> {
    rights::prove(client, ServiceKind::Identity).await?;
    let mut found = Found::new();
    for collection in ["projects", "users", "groups", "roles"] {
        let ask = Ask::new(ServiceKind::Identity, [collection]).with("domain_id", id);
        let all = list(client, &ask, collection).await?;
        let goes_along = |it: &&Value| {
            let id = it.get("id").and_then(Value::as_str);
            id.is_some_and(|id| along.contains(&CloudId::new(id)))
        };
        let others = all.iter().filter(|it| !goes_along(it)).count();
        add(&mut found, collection, others);
    }
    Ok(found)
}

/// All that the services of these kinds have of a project. One that is not in the catalog all the
/// same can't be asked, and that is an error as any other.
pub(super) async fn of_project(
    client: &Client,
    (witness, what): (&Witness, &str),
    id: &str,
    kinds: &Kinds,
) -> Result<Found, CloudError> {
    let mut found = Found::new();
    rights::prove(client, ServiceKind::Identity).await?;
    let nested = Ask::new(ServiceKind::Identity, ["projects"]).with("parent_id", id);
    count(client, nested, ("projects", "projects"), &mut found).await?;
    for kind in kinds {
        found.extend(match kind {
            ServiceKind::Compute => of_nova(client, (witness, what), id).await?,
            ServiceKind::Volume => of_cinder(client, id).await?,
            ServiceKind::Network => neutron::of_project(client, id).await?,
            ServiceKind::Image => of_glance(client, id).await?,
            // Hold nothing of a project's.
            ServiceKind::Identity | ServiceKind::Placement | ServiceKind::Kubernetes => continue,
        });
    }
    Ok(found)
}

/// Servers, and groups of them. Servers of a cell that is silent are left out of the list, so it
/// lies between two good words of Nova's witness; where there is none, nobody knows.
async fn of_nova(
    client: &Client,
    (witness, what): (&Witness, &str),
    id: &str,
) -> Result<Found, CloudError> {
    let ask = Ask::new(ServiceKind::Compute, ["servers"])
        .at(compute::NEWEST)
        .with("all_tenants", "1")
        .with("deleted", "false")
        .with("soft_deleted", "true");
    let mut found = Found::new();
    let mut cells = Watch::new(client, witness);
    cells.look().await;
    count(client, of(ask, id), ("servers", "servers"), &mut found).await?;
    cells.look().await;
    cells.certainly(what)?;
    add(
        &mut found,
        "server groups",
        server_groups(client, id).await?,
    );
    Ok(found)
}

/// Nova lists the groups of all projects to administrators, and by no project's id (Compute API,
/// "List Server Groups").
async fn server_groups(client: &Client, id: &str) -> Result<usize, CloudError> {
    let (mut seen, mut its): (usize, usize) = (0, 0);
    for _ in 0..PAGES_MAX {
        let ask = Ask::new(ServiceKind::Compute, ["os-server-groups"])
            .at(compute::NEWEST)
            .with("all_projects", "true")
            .with("limit", "1000")
            .with("offset", seen.to_string());
        let answer = client.get(&ask).await?;
        let body: Value = answer.parse(&ask)?;
        let Some(all) = body.get("server_groups").and_then(Value::as_array) else {
            let reason = "it has no list \"server_groups\"".to_owned();
            return Err(answer.malformed(&ask, reason));
        };
        if all.is_empty() {
            return Ok(its);
        }
        for it in all {
            let Some(whose) = it.get("project_id").and_then(Value::as_str) else {
                let reason = format!("it tells not whose a group is (from {TELLS_WHOSE} on)");
                return Err(answer.malformed(&ask, reason));
            };
            its = its.saturating_add(usize::from(whose == id));
        }
        seen = seen.saturating_add(all.len());
    }
    Err(CloudError::Malformed {
        endpoint: client.known_endpoint(ServiceKind::Compute),
        what: "the server groups of all projects".to_owned(),
        reason: format!("there are more than {seen} of them"),
    })
}

/// A transfer is a volume of its project until somebody takes it.
async fn of_cinder(client: &Client, id: &str) -> Result<Found, CloudError> {
    rights::prove(client, ServiceKind::Volume).await?;
    let mut found = Found::new();
    for (collection, path, word, since) in CINDER {
        let ask = Ask::new(ServiceKind::Volume, path.iter().copied())
            .at(volume::NEWEST)
            .with("all_tenants", "1");
        // One that is older than a kind of things has none of them.
        let has_it = client
            .microversion(&ask)
            .await?
            .is_some_and(|it| it >= since);
        if has_it || since == Microversion(3, 0) {
            count(client, of(ask, id), (collection, word), &mut found).await?;
        }
    }
    rights::prove(client, ServiceKind::Volume).await?;
    Ok(found)
}

/// Images (Image API v2): a list leaves out hidden ones, and others' community ones, unless it is
/// asked for them; whoever is no administrator gets only what he may use.
async fn of_glance(client: &Client, id: &str) -> Result<Found, CloudError> {
    rights::prove(client, ServiceKind::Image).await?;
    let mut images = BTreeSet::new();
    for hidden in [None, Some("true")] {
        for visibility in [
            None,
            Some("private"),
            Some("shared"),
            Some("community"),
            Some("public"),
        ] {
            let mut ask = Ask::new(ServiceKind::Image, ["images"])
                .with("owner", id)
                .with("limit", COUNT_MAX.to_string());
            let words = [("os_hidden", hidden), ("visibility", visibility)];
            for (name, value) in words {
                if let Some(value) = value {
                    ask = ask.with(name, value);
                }
            }
            let is_late = hidden.is_some() || matches!(visibility, Some("shared" | "community"));
            match images_of(client, &ask).await {
                Ok(all) => images.extend(all),
                // One that knows no such word has no such images.
                Err(CloudError::Status { status: 400, .. }) if is_late => {}
                Err(error) => return Err(error),
            }
        }
    }
    rights::prove(client, ServiceKind::Image).await?;
    Ok(match images.len() {
        0 => Found::new(),
        count => vec![("images", count)],
    })
}

/// Their ids, so that one that is in two lists is counted once.
async fn images_of(client: &Client, ask: &Ask<'_>) -> Result<BTreeSet<String>, CloudError> {
    let answer = client.get(ask).await?;
    let body: Value = answer.parse(ask)?;
    let Some(all) = body.get("images").and_then(Value::as_array) else {
        return Err(answer.malformed(ask, "it has no list \"images\"".to_owned()));
    };
    let ids = all
        .iter()
        .map(|it| match it.get("id").and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            None => it.to_string(),
        });
    Ok(ids.collect())
}

/// The same question for what a project has.
pub(super) fn of<'a>(ask: Ask<'a>, project: &str) -> Ask<'a> {
    ask.with("project_id", project)
        .with("limit", COUNT_MAX.to_string())
}

/// Counts what a list begins with. A service that passes over a filter tells of others' things, and
/// then nothing is deleted.
pub(super) async fn count(
    client: &Client,
    ask: Ask<'_>,
    (collection, word): (&str, &'static str),
    found: &mut Found,
) -> Result<(), CloudError> {
    let all = list(client, &ask, collection).await?;
    add(found, word, all.len());
    Ok(())
}

/// What a list begins with. One that says that it is cut short is none.
pub(super) async fn list(
    client: &Client,
    ask: &Ask<'_>,
    collection: &str,
) -> Result<Vec<Value>, CloudError> {
    let answer = client.get(ask).await?;
    let mut body: Value = answer.parse(ask)?;
    if body.get("truncated") == Some(&Value::Bool(true)) {
        return Err(answer.malformed(ask, "the list is cut short".to_owned()));
    }
    match body.get_mut(collection).map(Value::take) {
        Some(Value::Array(all)) => Ok(all),
        _ => Err(answer.malformed(ask, format!("it has no list {collection:?}"))),
    }
}

pub(super) fn add(found: &mut Found, word: &'static str, more: usize) {
    match found.iter_mut().find(|(known, _)| *known == word) {
        Some((_, count)) => *count = count.saturating_add(more),
        None if more > 0 => found.push((word, more)),
        None => {}
    }
}

/// `2 servers, 100 or more volumes`.
pub(super) fn counted(found: &Found) -> String {
    let words = found.iter().map(|(word, count)| match count {
        1 => format!("1 {}", one(word)),
        count if *count >= COUNT_MAX => format!("{COUNT_MAX} or more {word}"),
        count => format!("{count} {word}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The word for one of them.
fn one(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => word.strip_suffix('s').unwrap_or(word).to_owned(),
    }
}
