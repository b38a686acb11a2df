//! The membership's record: TOML, with a version, for people to read.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use shared::runtime::settings::{Document, Faults, Table};

use super::Membership;

/// The record's version. A later release that writes another one reads this one still.
const VERSION: u64 = 1;

/// The most addresses kept: a hub and its standbys, each under two names.
pub const ADDRESSES_MAX: usize = 16;

/// The longest region name kept, in bytes; the wire allows no longer one.
pub const NAME_BYTES_MAX: usize = 1020;

const HEADER: &str = "\
# This agent's membership in its federation: written by `sp-agent join`, kept up by the daemon,
# and ended by `sp-agent leave`. It holds no secret.
";

const RESTORE: &str = "restore the file from a backup";

/// Writes a record.
pub(super) fn write(it: &Membership) -> String {
    let addresses: Vec<String> = it.addresses.iter().map(|it| quoted(it)).collect();
    format!(
        "{HEADER}version = {VERSION}\nfederation = \"{}\"\nregion = \"{}\"\nname = {}\n\
         epoch = {}\naddresses = [{}]\n",
        it.federation,
        it.region,
        quoted(&it.name),
        it.epoch,
        addresses.join(", ")
    )
}

/// A text as a TOML basic string, on one line. JSON's escapes are TOML's, but for DEL.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{7f}', "\\u007f")
}

/// Reads a record.
pub(super) fn read(path: &Path, text: &str) -> Result<Membership, Faults> {
    let file = path.display().to_string();
    let document = Document::parse(&file, text);
    let read = fields(document.root());
    // Without faults every field is there; the second error is for that never to be a panic.
    document.finish()?;
    match read {
        Some(membership) => Ok(membership),
        None => {
            let document = Document::parse(&file, text);
            document.root().fault("is not whole", RESTORE);
            Err(match document.finish() {
                Err(faults) => faults,
                Ok(()) => Faults {
                    file,
                    faults: Vec::new(),
                },
            })
        }
    }
}

fn fields(mut root: Table<'_>) -> Option<Membership> {
    let restored =
        |it: shared::runtime::settings::Setting<'_, Option<u64>>| it.required(RESTORE).value;
    restored(root.integer("version", VERSION..=VERSION));
    let federation = parsed(&mut root, "federation");
    let region = parsed(&mut root, "region");
    let name = root.text("name", "east").required(RESTORE);
    if name
        .value
        .as_ref()
        .is_some_and(|it| it.len() > NAME_BYTES_MAX)
    {
        name.fault(format!("is longer than {NAME_BYTES_MAX} bytes"), RESTORE);
    }
    let epoch = restored(root.integer("epoch", 0..=u64::MAX));
    let addresses = root
        .texts("addresses", "hub.example.org:7443")
        .required(RESTORE);
    if let Some(list) = &addresses.value
        && !(1..=ADDRESSES_MAX).contains(&list.len())
    {
        let what = format!("has {} addresses, not 1 to {ADDRESSES_MAX}", list.len());
        addresses.fault(what, RESTORE);
    }
    Some(Membership {
        federation: federation?,
        region: region?,
        name: name.value?,
        epoch: epoch?,
        addresses: addresses.value?.into_iter().map(|it| it.value).collect(),
    })
}

fn parsed<T: FromStr<Err: Display>>(root: &mut Table<'_>, key: &'static str) -> Option<T> {
    let text = root.text(key, "67e55044-10b1-426f-9247-bb680e5fe0c8");
    text.required(RESTORE)
        .try_map(|text| {
            text.parse()
                .map_err(|error: T::Err| (error.to_string(), RESTORE.to_owned()))
        })
        .value
}
