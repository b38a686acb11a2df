//! `idp-hub region …`.

mod adopt;
mod compare;
mod credential;
mod shown;

use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use shared::foreign::word;
use shared::pki::Fingerprint;

use self::compare::Stranger;
use super::arguments::Region;
use super::client::{Client, escaped};
use super::error::CliError;
use super::moment::now;
use super::output::Screen;
use super::pages::List;
use super::prompt::{self, YES};
use crate::api::{InvitationDocument, OpenInvitations, RegionDocument};

pub(super) async fn run(client: &Client, asked: &Region, screen: Screen) -> Result<(), CliError> {
    match asked {
        Region::Invite { name, minutes } => invite(client, name, *minutes, screen).await,
        Region::Invitations => invitations(client, screen).await,
        Region::Withdraw { name } => withdraw(client, name, screen).await,
        Region::Adopt(asked) => adopt::run(client, asked, screen).await,
        Region::List => list(client, screen).await,
        Region::Show { name } => show(client, name, screen).await,
        Region::Accept { name, key, yes } => {
            accept(client, name, key.as_deref(), *yes, screen).await
        }
        Region::Credential(asked) => credential::run(client, asked, screen).await,
        Region::Rename { from, to } => rename(client, from, to, screen).await,
        Region::Remove { name, yes } => remove(client, name, *yes, screen).await,
    }
}

async fn invite(client: &Client, name: &str, minutes: u64, screen: Screen) -> Result<(), CliError> {
    let body = json!({ "region": name, "lifetime_seconds": minutes * 60 });
    let invitation: InvitationDocument = client.post("/invitations", &body).await?;
    let text = || {
        format!(
            "Run this at the region {:?} within {minutes} min:\n\n  {}\n\n\
             It asks for the token, which is good once:\n\n  {}\n\n\
             Then accept it here: idp-hub region accept {}{}",
            invitation.region,
            invitation.command,
            invitation.token,
            word(&invitation.region),
            match invitation.replaces {
                true => "\nThe earlier invitation for this name is good for nothing any more.",
                false => "",
            }
        )
    };
    screen.write(text, &invitation)
}

async fn invitations(client: &Client, screen: Screen) -> Result<(), CliError> {
    let open: OpenInvitations = client.get("/invitations").await?;
    screen.write(|| shown::invitations(&open, screen), &open)
}

async fn withdraw(client: &Client, name: &str, screen: Screen) -> Result<(), CliError> {
    let path = format!("/invitations/{}", escaped(name));
    client.act(Method::DELETE, &path, None::<&Value>).await?;
    let text = format!("The invitation for {name:?} is good for nothing any more.");
    screen.line(&text, &json!({ "withdrawn": name }))
}

/// All regions, whatever their pages were.
#[derive(Serialize)]
struct Regions {
    regions: Vec<RegionDocument>,
}

async fn list(client: &Client, screen: Screen) -> Result<(), CliError> {
    let items = List::of("/regions").read(client).await?;
    let all = Regions { regions: items };
    screen.write(|| shown::list(&all.regions, now(), screen), &all)
}

async fn show(client: &Client, name: &str, screen: Screen) -> Result<(), CliError> {
    let region: RegionDocument = client.get(&format!("/regions/{}", escaped(name))).await?;
    screen.write(|| shown::one(&region, now(), screen), &region)
}

async fn accept(
    client: &Client,
    name: &str,
    key: Option<&str>,
    yes: bool,
    screen: Screen,
) -> Result<(), CliError> {
    let path = format!("/regions/{}", escaped(name));
    let key = match key {
        Some(key) => {
            let parsed: Result<Fingerprint, _> = key.to_ascii_lowercase().parse();
            let wrong = |error| CliError::Usage(format!("--key {key}: {error}"));
            parsed.map_err(wrong)?.to_string()
        }
        None => {
            let region: RegionDocument = client.get(&path).await?;
            if !yes {
                let stranger = Stranger::from(&region);
                eprintln!("By its own word {name:?} is:\n\n{}\n", stranger.shown());
                if !prompt::confirm(&stranger.question(YES), YES)? {
                    return Err(CliError::Declined);
                }
            }
            // The one that was shown: a region that meanwhile has another is not accepted.
            region.key_fingerprint
        }
    };
    let body = json!({ "key_fingerprint": key });
    client
        .act(Method::POST, &format!("{path}/accept"), Some(&body))
        .await?;
    let text = format!("Accepted {name:?}, with the key\n  {key}");
    screen.line(&text, &json!({ "accepted": name, "key_fingerprint": key }))
}

async fn rename(client: &Client, from: &str, to: &str, screen: Screen) -> Result<(), CliError> {
    let path = format!("/regions/{}", escaped(from));
    client
        .act(Method::PATCH, &path, Some(&json!({ "name": to })))
        .await?;
    screen.line(
        &format!("Renamed {from:?} to {to:?}."),
        &json!({ "renamed": from, "name": to }),
    )
}

async fn remove(client: &Client, name: &str, yes: bool, screen: Screen) -> Result<(), CliError> {
    let path = format!("/regions/{}", escaped(name));
    if !yes {
        // Whoever is asked should know that there is such a region at all.
        let region: RegionDocument = client.get(&path).await?;
        let question = format!(
            "Removing {name:?} ({}, {}) kills its key, closes its connection and drops \
             its records here.\nNothing is touched in its cloud. Type its name to go on: ",
            region.state,
            shown::servers_of(&region)
        );
        if !prompt::confirm(&question, name)? {
            return Err(CliError::Declined);
        }
    }
    client.act(Method::DELETE, &path, None::<&Value>).await?;
    screen.line(
        &format!("Removed {name:?}; the name is free."),
        &json!({ "removed": name }),
    )
}
