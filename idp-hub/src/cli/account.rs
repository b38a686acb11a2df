//! `idp-hub account …`.

use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::arguments::Account;
use super::client::{Client, escaped};
use super::error::CliError;
use super::output::Screen;
use super::prompt;

#[derive(Serialize)]
struct Set<'a> {
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

pub(super) async fn run(client: &Client, asked: &Account, screen: Screen) -> Result<(), CliError> {
    let Account::Password { account, password } = asked;
    let new = prompt::new_password(password)?;
    let path = format!("/accounts/{}/password", escaped(account));
    client
        .act(
            Method::PUT,
            &path,
            Some(&json!({ "new": new.text.as_str() })),
        )
        .await?;
    let generated = new.generated.then(|| new.text.as_str());
    let mut text = format!("The password of {account:?} is set; its sessions have ended.");
    if let Some(password) = generated {
        text.push_str(&format!("\nIt is, and is shown this once: {password}"));
    }
    let document = Set {
        account,
        password: generated,
    };
    screen.line(&text, &document)
}
