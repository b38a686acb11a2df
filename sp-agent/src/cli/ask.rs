//! What commands have in common: the daemon, if it runs, and their output.

use std::io::{self, Write};

use serde::Serialize;
use shared::runtime::errors::BoxError;

use super::Failure;
use crate::config::Config;
use crate::status::{Client, ClientError};

/// The running daemon; `None` where it doesn't run.
pub(super) async fn daemon(config: &Config) -> Result<Option<Client>, Failure> {
    match Client::connect(&config.socket).await {
        Ok(client) => Ok(Some(client)),
        Err(ClientError::NotRunning { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes a result for programs.
pub(super) fn json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(BoxError::from)?;
    say(&text)
}

/// Writes a result. A reader that has gone (`| head`) is no fault.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{}", text.trim_end()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
