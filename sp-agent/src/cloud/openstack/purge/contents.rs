//! What is in a project or a department, as each service says.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::model::ServiceKind;

use super::super::client::{Ask, Client};
use super::super::compute::servers::Witness;
use super::super::compute::servers::cells::Watch;
use super::super::{compute, rights, volume};
use crate::cloud::CloudError;

/// As many of each are asked for: enough to refuse.
const COUNT_MAX: usize = 100;

/// A group that Neutron makes in every project, and that is nobody's work.
const DEFAULT_GROUP: &str = "default";

/// How many of what are there.
pub(super) type Found = Vec<(&'static str, usize)>;

/// Services that this cloud has.
pub(super) type Kinds = BTreeSet<ServiceKind>;

/// All that is in a department, whoever made it.
pub(super) async fn of_department(client: &Client, id: &str) -> Result<Found, CloudError> {
    rights::prove(client, ServiceKind::Identity).await?;
    let mut found = Found::new();
    for collection in ["projects", "users", "groups", "roles"] {
        let ask = Ask::new(ServiceKind::Identity, [collection]).with("domain_id", id);
        count(client, ask, (collection, collection), &mut found).await?;
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
            ServiceKind::Network => of_neutron(client, id).await?,
            ServiceKind::Image => of_glance(client, id).await?,
            // Hold nothing of a project's.
            ServiceKind::Identity | ServiceKind::Placement | ServiceKind::Kubernetes => continue,
        });
    }
    Ok(found)
}

/// Servers. Those of a cell that is silent are left out of the list, so the list lies between two
/// good words of Nova's witness; where there is none, nobody knows.
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
    Ok(found)
}

async fn of_cinder(client: &Client, id: &str) -> Result<Found, CloudError> {
    rights::prove(client, ServiceKind::Volume).await?;
    let mut found = Found::new();
    for collection in ["volumes", "snapshots", "backups"] {
        let ask = Ask::new(ServiceKind::Volume, [collection])
            .at(volume::NEWEST)
            .with("all_tenants", "1");
        count(client, of(ask, id), (collection, collection), &mut found).await?;
    }
    rights::prove(client, ServiceKind::Volume).await?;
    Ok(found)
}

/// What comes with an extension is asked for where Neutron says that it has it.
async fn of_neutron(client: &Client, id: &str) -> Result<Found, CloudError> {
    rights::prove(client, ServiceKind::Network).await?;
    let ask = Ask::new(ServiceKind::Network, ["extensions"]).with("fields", "alias");
    let answer = client.get(&ask).await?;
    let body: Value = answer.parse(&ask)?;
    let extensions = body.get("extensions").and_then(Value::as_array);
    let Some(extensions) = extensions else {
        return Err(answer.malformed(&ask, "it tells of no extensions".to_owned()));
    };
    let has = |alias: &str| {
        let mut aliases = extensions.iter().filter_map(|it| it.get("alias"));
        alias.is_empty() || aliases.any(|it| it.as_str() == Some(alias))
    };
    let mut found = Found::new();
    for (extension, path, collection, word) in [
        ("", "networks", "networks", "networks"),
        ("", "ports", "ports", "ports"),
        ("router", "routers", "routers", "routers"),
        ("router", "floatingips", "floatingips", "floating IPs"),
        (
            "security-group",
            "security-groups",
            "security_groups",
            "security groups",
        ),
    ] {
        if has(extension) {
            let ask = Ask::new(ServiceKind::Network, [path]);
            count(client, of(ask, id), (collection, word), &mut found).await?;
        }
    }
    rights::prove(client, ServiceKind::Network).await?;
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
fn of<'a>(ask: Ask<'a>, project: &str) -> Ask<'a> {
    ask.with("project_id", project)
        .with("limit", COUNT_MAX.to_string())
}

/// Counts what a list begins with. A service that passes over a filter tells of others' things, and
/// then nothing is deleted.
async fn count(
    client: &Client,
    ask: Ask<'_>,
    (collection, word): (&str, &'static str),
    found: &mut Found,
) -> Result<(), CloudError> {
    let answer = client.get(&ask).await?;
    let body: Value = answer.parse(&ask)?;
    let Some(all) = body.get(collection).and_then(Value::as_array) else {
        return Err(answer.malformed(&ask, format!("it has no list {collection:?}")));
    };
    let is_default = |it: &&Value| it.get("name").and_then(Value::as_str) == Some(DEFAULT_GROUP);
    let left_out = match word {
        "security groups" => all.iter().filter(is_default).count(),
        _ => 0,
    };
    let counted = all.len().saturating_sub(left_out);
    match found.iter_mut().find(|(known, _)| *known == word) {
        Some((_, count)) => *count = count.saturating_add(counted),
        None if counted > 0 => found.push((word, counted)),
        None => {}
    }
    Ok(())
}

/// `2 servers, 100 or more volumes`.
pub(super) fn counted(found: &Found) -> String {
    let words = found.iter().map(|(word, count)| match count {
        1 => format!("1 {}", word.strip_suffix('s').unwrap_or(word)),
        count if *count >= COUNT_MAX => format!("{COUNT_MAX} or more {word}"),
        count => format!("{count} {word}"),
    });
    words.collect::<Vec<_>>().join(", ")
}
