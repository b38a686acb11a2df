//! `idp-hub init`: a new federation, with its first hub and its administrator.
//!
//! An interrupted one is carried on. What is there is never replaced.

use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use serde::Serialize;
use shared::audit::{Act, By};
use shared::runtime::clock::Clock;
use shared::runtime::files::create_private_dir;

use super::arguments::{Arguments, Init};
use super::error::CliError;
use super::output::Screen;
use super::prompt;
use crate::api::passwords;
use crate::authority::{Authority, AuthorityError};
use crate::config::{Config, Purpose};
use crate::store::Store;

/// The account of the administrator.
const ADMINISTRATOR: &str = "admin";

/// What was made.
#[derive(Serialize)]
struct Made<'a> {
    federation: String,
    data_dir: String,
    link_address: String,
    console: String,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

pub(super) async fn run(
    arguments: &Arguments,
    asked: &Init,
    screen: Screen,
) -> Result<(), CliError> {
    let config = super::config(arguments, Purpose::Init)?;
    create_private_dir(&config.data_dir)?;
    let clock = Clock::system();
    let (store, writer) = Store::open(&config.database(), clock.clone())?;
    let made = make(&config, &store, &clock, asked, screen).await;
    store.close().await;
    drop(store);
    // The thread has nothing to do any more, so this is short.
    writer.join();
    give_to_owner(&config.data_dir)?;
    made
}

async fn make(
    config: &Config,
    store: &Store,
    clock: &Clock,
    asked: &Init,
    screen: Screen,
) -> Result<(), CliError> {
    let has_account = store.read(|it| it.account(ADMINISTRATOR)).await?.is_some();
    // Asked before anything is made: a password that is refused should leave nothing behind.
    let password = match has_account {
        true => None,
        false => Some(prompt::new_password(&asked.password)?),
    };
    let founded = match Authority::init(&config.data_dir, store, clock).await {
        // The founding went well before, and was interrupted before the account.
        Err(AuthorityError::Founded { federation }) if !has_account => federation,
        founded => founded?.federation,
    };
    if let Some(password) = &password {
        let hash = passwords::hash(&password.text)?;
        let set = store.change(move |it| {
            it.set_password(ADMINISTRATOR, &hash)?;
            let by = By::new("idp-hub init", "this machine");
            it.audit(Act::new(by, "set-password").on("account", "", ADMINISTRATOR))
        });
        set.await?;
    }
    let generated = password.filter(|it| it.generated).map(|it| it.text);
    let data_dir = config.data_dir.display().to_string();
    let address = format!(
        "https://{}:{}/",
        config.link.address.host(),
        config.web.listen.port()
    );
    let mut pairs = vec![
        ("Federation", founded.to_string()),
        ("Data", data_dir.clone()),
        ("Agents dial", config.link.address.to_string()),
        ("Console", address.clone()),
        ("Account", ADMINISTRATOR.to_owned()),
    ];
    if let Some(password) = &generated {
        pairs.push((
            "Password",
            format!("{} (shown this once)", password.as_str()),
        ));
    }
    let document = Made {
        federation: founded.to_string(),
        data_dir,
        link_address: config.link.address.to_string(),
        console: address,
        account: ADMINISTRATOR,
        password: generated.as_deref().map(String::as_str),
    };
    let text = || {
        format!(
            "{}\n\nNext: systemctl enable --now idp-hub\nThen: idp-hub region invite NAME",
            screen.pairs(pairs)
        )
    };
    screen.write(text, &document)
}

/// Made by root in a service's directory, files are the service's.
pub(super) fn give_to_owner(directory: &Path) -> Result<(), CliError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CliError::Owner { path, source }
    };
    let owner = directory.metadata().map_err(failed(directory))?;
    let entries = directory.read_dir().map_err(failed(directory))?;
    for entry in entries {
        let path = entry.map_err(failed(directory))?.path();
        let found = path.symlink_metadata().map_err(failed(&path))?;
        let ours = (found.uid(), found.gid()) == (owner.uid(), owner.gid());
        // A second name may be one outside of the directory: that file is not the service's.
        if found.is_file() && found.nlink() == 1 && !ours {
            // The directory is the service's, which may have put a link in the file's place since.
            lchown(&path, Some(owner.uid()), Some(owner.gid())).map_err(failed(&path))?;
        }
    }
    Ok(())
}
