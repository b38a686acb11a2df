//! `idp-hub backup FILE`.

use std::path::Path;

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
    let keys = config.data_dir.display();
    let shown = file.display();
    let text = format!(
        "Copied the database to {shown}.\nThe keys are not in it: keep *.pem and *.key of {keys}, \
         too, once and in a safe place.\nTo go back to it, stop the hub and run: idp-hub restore \
         {shown}"
    );
    screen.line(&text, &json!({ "file": file }))
}
