//! `idp-hub region adopt`: look, compare, give the account, and wait until the region is there.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use shared::runtime::clock::Clock;
use zeroize::Zeroizing;

use super::super::arguments::Adopt;
use super::super::client::{Client, escaped};
use super::super::error::CliError;
use super::super::output::Screen;
use super::super::prompt;
use super::compare::Stranger;
use super::shown::servers_of;
use crate::api::{AdoptionDocument, DoorDocument, RegionDocument};

/// How long a new region may take to have told everything before the command ends without it: a
/// large cloud is read for longer, and is a region all the same.
const HEALTHY_MAX: Duration = Duration::from_secs(30);

/// How often the region is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is sent. It borrows the password, which is wiped by its owner.
#[derive(Serialize)]
struct Asked<'a> {
    address: &'a str,
    fingerprint: &'a str,
    name: &'a str,
    account: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_domain: Option<&'a str>,
    hub_addresses: &'a [String],
}

/// What came of it.
#[derive(Serialize)]
struct Outcome<'a> {
    #[serde(flatten)]
    adoption: &'a AdoptionDocument,
    state: &'a str,
    reason: &'a str,
    next_step: &'a str,
}

pub(super) async fn run(client: &Client, asked: &Adopt, screen: Screen) -> Result<(), CliError> {
    eprintln!("Looking at {} ...", asked.address);
    let body = json!({ "address": asked.address });
    let door: DoorDocument = client.post("/adoptions/look", &body).await?;
    eprintln!("{}\n", Stranger::from(&door).shown());
    let fingerprint = confirmed(asked, &door)?;
    let account = match &asked.account {
        Some(account) => Zeroizing::new(account.clone()),
        None => prompt::ask("Administrator of that cloud: ")?,
    };
    let password = prompt::given_password(asked.password_file.as_deref(), "His password: ")?;
    eprintln!("The agent asks its cloud about the account, and joins ...");
    let body = Asked {
        address: &asked.address,
        fingerprint: &fingerprint,
        name: &asked.name,
        account: &account,
        password: &password,
        user_domain: asked.user_domain.as_deref(),
        project: asked.project.as_deref(),
        project_domain: asked.project_domain.as_deref(),
        hub_addresses: &asked.hubs,
    };
    let adoption: AdoptionDocument = client.post("/adoptions", &body).await?;
    eprintln!("Adopted and accepted; waiting until it has told everything ...");
    let region = settled(client, &adoption.region).await?;
    let outcome = Outcome {
        adoption: &adoption,
        state: &region.state,
        reason: &region.reason,
        next_step: &region.next_step,
    };
    screen.write(|| told(&adoption, &region), &outcome)
}

/// The fingerprint that the administrator stands for.
fn confirmed(asked: &Adopt, door: &DoorDocument) -> Result<String, CliError> {
    let shown = &door.key_fingerprint;
    if let Some(given) = &asked.fingerprint {
        return match given.eq_ignore_ascii_case(shown) {
            true => Ok(shown.clone()),
            false => Err(CliError::OtherKey {
                shown: shown.clone(),
            }),
        };
    }
    eprintln!("Only whoever has the key is sent the password.");
    let question = Stranger::from(door).question(prompt::YES);
    match prompt::confirm(&question, prompt::YES)? {
        true => Ok(shown.clone()),
        false => Err(CliError::Declined),
    }
}

/// The region as soon as it is healthy, or as it is after a while.
async fn settled(client: &Client, name: &str) -> Result<RegionDocument, CliError> {
    let (clock, path) = (Clock::system(), format!("/regions/{}", escaped(name)));
    let deadline = clock.now() + HEALTHY_MAX;
    loop {
        let region: Result<RegionDocument, CliError> = client.get(&path).await;
        let is_settled = region.as_ref().is_ok_and(|it| it.state == "healthy");
        // What is shown follows what is stored a moment later, so that none yet is no error yet.
        if is_settled || clock.now() >= deadline {
            return region;
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

fn told(adoption: &AdoptionDocument, region: &RegionDocument) -> String {
    let AdoptionDocument {
        region: name,
        key_fingerprint,
        ..
    } = adoption;
    let mut text = format!(
        "Adopted {name:?}, with the key\n  {key_fingerprint}\nIt is {}; {}.",
        region.state,
        servers_of(region)
    );
    if !region.next_step.is_empty() {
        text.push_str(&format!("\n  next: {}", region.next_step));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::CloudDocument;

    #[test]
    fn another_key_than_the_given_one_is_refused_before_anybody_is_asked() {
        let door = DoorDocument {
            address: "10.0.0.7:7444".to_owned(),
            key_fingerprint: "ab".repeat(32),
            software: String::new(),
            host: String::new(),
            cloud: CloudDocument {
                kind: "simulated".to_owned(),
                version: String::new(),
                endpoint: String::new(),
            },
        };
        let asked = |fingerprint: &str| Adopt {
            name: "north".to_owned(),
            address: "10.0.0.7".to_owned(),
            fingerprint: Some(fingerprint.to_owned()),
            account: None,
            password_file: None,
            user_domain: None,
            project: None,
            project_domain: None,
            hubs: Vec::new(),
        };
        let right = confirmed(&asked(&"AB".repeat(32)), &door).unwrap();
        assert_eq!(right, door.key_fingerprint);
        let wrong = confirmed(&asked(&"cd".repeat(32)), &door).unwrap_err();
        assert!(wrong.told().contains("next: "), "{}", wrong.told());
    }
}
