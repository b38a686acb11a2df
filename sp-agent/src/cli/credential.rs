//! `sp-agent credential set`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use shared::audit::By;
use shared::model::{CloudCredential, NamedDomain};
use shared::runtime::clock::Clock;
use shared::runtime::daemon::Exit;
use shared::runtime::errors::chain;
use shared::runtime::{files, terminal};
use zeroize::Zeroizing;

use super::ask::{daemon, json, say};
use super::{Failure, Output, OutputArgs, audit, load};
use crate::cloud::openstack::{Options, prove};
use crate::config::{Config, Purpose};
use crate::credential::{self, Sheet, Why, auth_of, is_same_keystone};
use crate::status::{CredentialAsked, CredentialTold};
use crate::tasks::{self, NotTaken, Origin, Taken};

/// The largest file that is read, in bytes: a clouds.yaml of many clouds.
const FILE_BYTES_MAX: u64 = 256 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum Credential {
    /// Give another one. Its secret is asked for, or read from standard input or a file: never an
    /// argument, which every user of the machine sees.
    Set(SetArgs),
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// Read it from this openrc or clouds.yaml, of which nothing is run.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["application_credential", "username"])]
    from: Option<PathBuf>,
    /// Which cloud of the clouds.yaml; the only one unless given.
    #[arg(long, value_name = "NAME", requires = "from")]
    cloud: Option<String>,
    /// The id of an application credential.
    #[arg(long, value_name = "ID", conflicts_with = "username")]
    application_credential: Option<String>,
    /// The name of an account.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The account's domain; as until now unless given.
    #[arg(long, value_name = "NAME", requires = "username")]
    user_domain: Option<String>,
    /// The project in which the account is an administrator; as until now unless given.
    #[arg(long, value_name = "NAME", requires = "username")]
    project: Option<String>,
    /// The project's domain; as until now unless given.
    #[arg(long, value_name = "NAME", requires = "username")]
    project_domain: Option<String>,
    /// Read the secret from standard input (its first line), instead of asking for it.
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn run(origin: &Origin, asked: Credential) -> Result<Exit, Failure> {
    let Credential::Set(args) = asked;
    let output = args.output.output;
    let sheet = sheet(&args)?;
    let auth_url = sheet.auth_url.clone();
    let offered = sheet.credential(|question| secret(args.stdin, question))?;
    let config = load(origin, Purpose::Ask)?;
    let told = match daemon(&config).await? {
        Some(client) => {
            if let Some((given, own)) = auth_url.zip(client.report().await?.cloud) {
                is_of(&given, &own.endpoint)?;
            }
            client.credential(&CredentialAsked::from(&offered)).await?
        }
        None => {
            let told = offline(origin, &offered, auth_url).await?;
            // One that was started meanwhile has read what was there before.
            match daemon(&config).await? {
                Some(client) => client.credential(&CredentialAsked::from(&offered)).await?,
                None => told,
            }
        }
    };
    match output {
        Output::Json => json(&told)?,
        Output::Table => {
            say(&format!(
                "It works, and is kept: the agent signs in as {} from now on.",
                told.account
            ))?;
            if let Some(warning) = &told.warning {
                say(&format!("Note that {warning}."))?;
            }
        }
    }
    Ok(Exit::Success)
}

/// The parts, from the file or as they were typed; the account is asked for where none is named.
fn sheet(args: &SetArgs) -> Result<Sheet, Failure> {
    if let Some(path) = &args.from {
        let bytes = files::read_secret(path, FILE_BYTES_MAX)?;
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| Failure::usage(format!("{} is no text", path.display())))?;
        let sheet = Sheet::read(text, args.cloud.as_deref());
        return sheet.map_err(|error| Failure::usage(format!("{}: {error}", path.display())));
    }
    let named = |name: &Option<String>| name.clone().map(NamedDomain::Name);
    let mut sheet = Sheet {
        application_credential_id: args.application_credential.clone(),
        username: args.username.clone(),
        user_domain: named(&args.user_domain),
        project_name: args.project.clone(),
        project_domain: named(&args.project_domain),
        ..Sheet::default()
    };
    if sheet.application_credential_id.is_none() && sheet.username.is_none() {
        let who = terminal::ask("Account (or application credential, with id:): ")?;
        match who.trim().split_once("id:") {
            Some(("", id)) => sheet.application_credential_id = Some(id.trim().to_owned()),
            _ => sheet.username = Some(who.trim().to_owned()),
        }
    }
    Ok(sheet)
}

fn secret(stdin: bool, question: &str) -> Result<Zeroizing<String>, Failure> {
    Ok(match stdin {
        true => terminal::line_of_stdin()?,
        false => terminal::ask_secret(question)?,
    })
}

/// Whether a file is about the agent's own cloud: a credential is sent nowhere else, and its owner
/// should hear why it would not work.
fn is_of(given: &str, own: &str) -> Result<(), Failure> {
    match is_same_keystone(given, own) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "it is for the Keystone at {given}, and this agent's is at {own}; if both are the \
             same, name the account with --username or --application-credential instead"
        ))),
    }
}

/// Without a daemon: it finds the credential when it starts.
async fn offline(
    origin: &Origin,
    offered: &CloudCredential,
    auth_url: Option<String>,
) -> Result<CredentialTold, Failure> {
    let config = load(origin, Purpose::Run)?;
    let (own, configured) = tasks::openstack_of(&config)?;
    if let Some(url) = auth_url {
        is_of(&url, &own.auth_url)?;
    }
    let by = By::new("administrator", "this machine");
    let before = own.auth.shown();
    let taken = prove_and_keep(&config, (own, configured), offered, &by).await;
    let account = taken.as_ref().map(|it| it.account.clone());
    let account = account.map_err(Clone::clone);
    let act = tasks::credential_act(by, offered.kind(), Some(before), &account);
    audit::tell(&config.data_dir, act);
    let Taken { account, warning } = taken?;
    Ok(CredentialTold { account, warning })
}

async fn prove_and_keep(
    config: &Config,
    (own, configured): (&Options, &Options),
    offered: &CloudCredential,
    by: &By,
) -> Result<Taken, NotTaken> {
    let clock = Clock::system();
    let auth = auth_of(&own.auth, offered);
    let homes = prove(own, &auth, clock.clone()).await?.homes;
    let (at, by) = (clock.unix_millis(), format!("{} ({})", by.who, by.source));
    let why = Why::Given { at, by };
    let kept = credential::keep(&config.data_dir, configured, (&auth, &homes), &why);
    kept.map_err(|error| {
        let error = chain(&error);
        NotTaken::Other(format!("it works, but it can't be kept: {error}"))
    })?;
    Ok(Taken {
        account: auth.shown(),
        warning: tasks::strange(own, &config.credential.homes, &homes),
    })
}
