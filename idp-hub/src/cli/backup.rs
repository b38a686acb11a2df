//! `idp-hub backup FILE`.

use std::path::Path;

use reqwest::Method;
use serde_json::json;

use super::arguments::Arguments;
use super::error::CliError;
use super::output::Screen;
use crate::config::Purpose;
use crate::store;

pub(super) async fn run(
    arguments: &Arguments,
    file: &Path,
    screen: Screen,
) -> Result<(), CliError> {
    let config = super::config(arguments, Purpose::Ask)?;
    store::back_up(&config.database(), file)?;
    tell(arguments, file).await;
    let keys = config.data_dir.display();
    let shown = file.display();
    let text = format!(
        "Copied the database to {shown}.\nThe keys are not in it: keep *.pem and *.key of {keys}, \
         too, once and in a safe place.\nTo go back to it, stop the hub and run: idp-hub restore \
         {shown}"
    );
    screen.line(&text, &json!({ "file": file }))
}

/// Tells the hub's audit trail of it. The copy is made all the same where no hub runs to be told.
async fn tell(arguments: &Arguments, file: &Path) {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let made = json!({ "file": file });
    let told = async {
        let client = super::client(arguments)?;
        let path = "/audit/backups";
        client.act(Method::POST, path, Some(&made)).await
    };
    if let Err(error) = told.await {
        eprintln!("note: the audit trail does not know of this copy: {error}");
    }
}
