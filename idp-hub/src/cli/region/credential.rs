//! `idp-hub region credential`: another credential for a region's cloud.

use serde::Serialize;
use zeroize::Zeroizing;

use super::super::arguments::Credential;
use super::super::client::{Client, escaped};
use super::super::error::CliError;
use super::super::output::Screen;
use super::super::prompt;
use crate::api::CredentialDocument;

/// What is sent. It borrows the secret, which is wiped by its owner.
#[derive(Serialize)]
struct Asked<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    application_credential_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_domain: Option<&'a str>,
}

pub(super) async fn run(
    client: &Client,
    asked: &Credential,
    screen: Screen,
) -> Result<(), CliError> {
    let application = asked.application_credential.as_deref();
    let account = match (application, &asked.account) {
        (Some(_), _) => None,
        (None, Some(account)) => Some(Zeroizing::new(account.clone())),
        (None, None) => Some(prompt::ask("Administrator of that cloud: ")?),
    };
    let question = match application {
        Some(_) => "Secret of the application credential: ",
        None => "His password: ",
    };
    let secret = prompt::given_secret(asked.stdin, question)?;
    eprintln!("The agent tries it at its cloud ...");
    let is_account = account.is_some();
    let body = Asked {
        application_credential_id: application,
        secret: (!is_account).then_some(secret.as_str()),
        account: account.as_ref().map(|it| it.as_str()),
        password: is_account.then_some(secret.as_str()),
        user_domain: asked.user_domain.as_deref(),
        project: asked.project.as_deref(),
        project_domain: asked.project_domain.as_deref(),
    };
    let path = format!("/regions/{}/credential", escaped(&asked.region));
    let kept: CredentialDocument = client.post(&path, &body).await?;
    let text = || {
        format!(
            "It works, and is kept: the agent of {:?} signs in as {} from now on.",
            kept.region, kept.account
        )
    };
    screen.write(text, &kept)
}
