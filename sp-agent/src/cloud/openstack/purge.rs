//! Deletes a retired project or department, if it is empty: every service that can hold something
//! of a project is asked right before, and what can't be asked is not deleted.
//!
//! Asked are Nova (servers, also soft-deleted ones), Cinder (volumes, snapshots, backups), Neutron
//! (networks, ports, routers, floating IPs, security groups but the default one), Glance (images,
//! also hidden and community ones) and Keystone (what is nested in it, and all that is in a
//! department). What other services hold (Heat, Octavia, Designate, Manila, Barbican, Swift) is not
//! looked for. Keystone's own DELETE of a domain takes everything in it along (Identity API v3,
//! "Delete domain"), so that a department must have nothing in it at all.
//!
//! Nothing comes in between: no token is good in a project that is switched off. The default
//! security group stays in Neutron, which makes it anew whenever a project's groups are listed.

use reqwest::Method;
use serde_json::Value;
use shared::model::{CloudId, ObjectKind, ServiceKind};

use super::client::{Ask, Change, Client};
use super::compute;
use super::compute::servers::Witness;
use super::compute::servers::cells::Watch;
use super::identity::segment;
use super::rights;
use super::volume;
use crate::cloud::CloudError;

/// As many of each are asked for: enough to refuse.
const COUNT_MAX: usize = 100;

/// A group that Neutron makes in every project, and that is nobody's work.
const DEFAULT_GROUP: &str = "default";

/// How many of what are there.
type Found = Vec<(&'static str, usize)>;

/// Deletes it.
///
/// # Errors
/// [`CloudError::Occupied`] with what is in it, and nothing is deleted; or any other error, as a
/// service that does not answer may have something. That it is gone already is none.
pub(super) async fn purge(
    client: &Client,
    witness: &Witness,
    (kind, id, name): (ObjectKind, &CloudId, &str),
) -> Result<(), CloudError> {
    let what = format!("the {} {name:?}", kind.name());
    let (collection, member) = match kind {
        ObjectKind::Project => ("projects", "project"),
        ObjectKind::Department => ("domains", "domain"),
        ObjectKind::User | ObjectKind::Group | ObjectKind::Role => {
            return Err(CloudError::Refused {
                what: format!("purge a {}", kind.name()),
                reason: "it is removed by an order of its own; report this as a fault".to_owned(),
            });
        }
    };
    let id = segment(id)?;
    if !is_there_and_off(client, (collection, member), &id, &what).await? {
        return Ok(());
    }
    let found = match kind {
        ObjectKind::Department => of_department(client, &id).await,
        _ => of_project(client, witness, &id).await,
    };
    let found = found.map_err(not_mistaken)?;
    if !found.is_empty() {
        let found = counted(&found);
        return Err(CloudError::Occupied { what, found });
    }
    let change = Change {
        service: ServiceKind::Identity,
        method: Method::DELETE,
        path: vec![collection.to_owned(), id],
        body: None,
    };
    match client.change(&change).await {
        Ok(_) | Err(CloudError::Status { status: 404, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether it is there still. One that is in use is not deleted.
async fn is_there_and_off(
    client: &Client,
    (collection, member): (&str, &str),
    id: &str,
    what: &str,
) -> Result<bool, CloudError> {
    let ask = Ask::new(ServiceKind::Identity, [collection, id]);
    let answer = match client.get(&ask).await {
        Err(CloudError::Status { status: 404, .. }) => return Ok(false),
        answer => answer?,
    };
    let body: Value = answer.parse(&ask)?;
    let enabled = body.get(member).and_then(|it| it.get("enabled"));
    match enabled.and_then(Value::as_bool) {
        Some(false) => Ok(true),
        Some(true) => Err(CloudError::Occupied {
            what: what.to_owned(),
            found: "been switched on again".to_owned(),
        }),
        None => Err(answer.malformed(&ask, "it tells not whether it is enabled".to_owned())),
    }
}

/// All that is in a department, whoever made it.
async fn of_department(client: &Client, id: &str) -> Result<Found, CloudError> {
    rights::prove(client, ServiceKind::Identity).await?;
    let mut found = Found::new();
    for collection in ["projects", "users", "groups", "roles"] {
        let ask = Ask::new(ServiceKind::Identity, [collection]).with("domain_id", id);
        count(client, ask, (collection, collection), &mut found).await?;
    }
    Ok(found)
}

async fn of_project(client: &Client, witness: &Witness, id: &str) -> Result<Found, CloudError> {
    let mut found = Found::new();
    let nested = Ask::new(ServiceKind::Identity, ["projects"]).with("parent_id", id);
    count(client, nested, ("projects", "projects"), &mut found).await?;
    for part in [
        of_nova(client, witness, id).await,
        of_cinder(client, id).await,
        of_neutron(client, id).await,
        of_glance(client, id).await,
    ] {
        match part {
            Ok(part) => found.extend(part),
            // A cloud without the service has nothing of it.
            Err(CloudError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Servers. Those of a cell that is silent are left out of the list, so the list lies between two
/// good words of Nova's witness.
async fn of_nova(client: &Client, witness: &Witness, id: &str) -> Result<Found, CloudError> {
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
    cells.word()?;
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
/// asked for them.
async fn of_glance(client: &Client, id: &str) -> Result<Found, CloudError> {
    let mut found = Found::new();
    for (name, value) in [("", ""), ("visibility", "community"), ("os_hidden", "true")] {
        let ask = Ask::new(ServiceKind::Image, ["images"])
            .with("owner", id)
            .with("limit", COUNT_MAX.to_string());
        let ask = match name {
            "" => ask,
            name => ask.with(name, value),
        };
        match count(client, ask, ("images", "images"), &mut found).await {
            // One that knows no such word has no such images.
            Err(CloudError::Status { status: 400, .. }) if !name.is_empty() => {}
            other => other?,
        }
    }
    Ok(found)
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
fn counted(found: &Found) -> String {
    let words = found.iter().map(|(word, count)| match count {
        1 => format!("1 {}", word.strip_suffix('s').unwrap_or(word)),
        count if *count >= COUNT_MAX => format!("{COUNT_MAX} or more {word}"),
        count => format!("{count} {word}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// A list that is "not found" says nothing of the thing that is to be deleted.
fn not_mistaken(error: CloudError) -> CloudError {
    match error {
        CloudError::Status {
            endpoint,
            what,
            status: 404,
            reason,
        } => CloudError::Malformed {
            endpoint,
            what,
            reason: format!("HTTP 404 ({reason}) for a list that it should have"),
        },
        error => error,
    }
}
