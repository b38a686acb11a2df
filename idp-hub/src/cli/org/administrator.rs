//! `idp-hub org administrator …`.

use reqwest::Method;
use serde_json::{Value, json};
use shared::foreign;

use super::find::find;
use super::shown;
use crate::api::{AdministratorsDocument, ObjectDocument, PasswordDocument};
use crate::cli::arguments::{Administrator, Kind, Whom};
use crate::cli::client::Client;
use crate::cli::error::CliError;
use crate::cli::output::Screen;
use crate::cli::prompt;

const PATH: &str = "/directory/administrators";

pub(super) async fn run(
    client: &Client,
    asked: &Administrator,
    screen: Screen,
) -> Result<(), CliError> {
    match asked {
        Administrator::List => {
            let all: AdministratorsDocument = client.get(PATH).await?;
            screen.write(|| listed(&all, screen), &all)
        }
        Administrator::Add { who, stdin } => {
            let user = found(client, who).await?;
            let new = prompt::password_for_clouds(*stdin)?;
            let body = json!({ "new": new.as_str() });
            let set: PasswordDocument = client.put(&one(&user), &body).await?;
            screen.write(|| appointed(&user, &set), &set)
        }
        Administrator::Remove { who, last } => {
            let user = found(client, who).await?;
            let path = format!("{}?last={last}", one(&user));
            client.act(Method::DELETE, &path, None::<&Value>).await?;
            let text = format!(
                "{} is no cloud administrator any more, and signed out here; each region is told \
                 at once, or as soon as it is back.",
                foreign::quoted(&user.name)
            );
            screen.line(&text, &json!({ "dismissed": user.id, "name": user.name }))
        }
    }
}

async fn found(client: &Client, who: &Whom) -> Result<ObjectDocument, CliError> {
    find(client, Kind::User, &who.user, who.within.as_deref()).await
}

fn one(user: &ObjectDocument) -> String {
    format!("{PATH}/{}", user.id)
}

fn appointed(user: &ObjectDocument, set: &PasswordDocument) -> String {
    format!(
        "{} is a cloud administrator, here and, as soon as that password is his there, in every \
         merged region.\n{}\n  A region in which he has the role admin by anything else keeps \
         the one that he has there (idp-hub org drift).\n  Each merged region's agent opens the \
         password: whoever takes one of them over can do everything, everywhere.\n  next: idp-hub \
         org status, which says how far the regions are",
        foreign::quoted(&user.name),
        shown::password(user, set)
    )
}

fn listed(all: &AdministratorsDocument, screen: Screen) -> String {
    if all.items.is_empty() {
        return "No user of the directory is a cloud administrator: the hub's own accounts are. \
                Make one: idp-hub org administrator add USER --in DEPARTMENT"
            .to_owned();
    }
    let rows = all.items.iter().map(|it| {
        let used = if it.enabled { "" } else { "disabled" };
        [
            foreign::name(&it.name),
            foreign::name(&it.department.name),
            used.to_owned(),
            it.user.clone(),
        ]
    });
    screen.listed(["NAME", "DEPARTMENT", "USE", "ID"], rows)
}
