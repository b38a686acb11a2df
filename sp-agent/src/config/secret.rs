//! The cloud's secret: from a file, from systemd, or, where nobody else can read it, from the
//! configuration itself.

use std::path::Path;

use shared::runtime::errors::chain;
use shared::runtime::files;
use shared::runtime::settings::{Setting, Table};
use zeroize::Zeroizing;

use super::{CREDENTIAL, Surroundings};
use crate::cloud::openstack::Secret;

/// The longest secret, in bytes: Keystone's own limit for passwords is 4,096 at most.
const SECRET_BYTES_MAX: u64 = 4096;

const OTHER_FILE: &str = "name a file that holds the secret and nothing else";

/// Reads the secret that the settings `inline` or `file` give, or else systemd. What is wrong is
/// told where it stands; what is missing, at the section.
pub(super) fn read(
    table: &mut Table<'_>,
    (inline_key, file_key): (&'static str, &'static str),
    surroundings: &Surroundings,
) -> Option<Secret> {
    let inline = table.text(inline_key, "…");
    let file = table.path(file_key, "/etc/sp-agent/cloud-secret");
    match (inline.is_given(), file.is_given()) {
        (true, true) => {
            let what = format!("stands beside {file_key}");
            inline.fault(what, "remove one of them");
            None
        }
        (true, false) => from_setting(inline, file_key, surroundings),
        (false, true) => from_file(file.value.as_deref()?, &|what, instead| {
            file.fault(what, instead);
        }),
        (false, false) => {
            let handed = surroundings.credentials.as_ref();
            let path = handed.map(|directory| directory.join(CREDENTIAL));
            if let Some(path) = path.filter(|path| path.exists()) {
                return from_file(&path, &|what, instead| {
                    table.fault(what, instead);
                });
            }
            table.fault(
                "has no secret",
                format!(
                    "write {file_key} = \"/etc/sp-agent/cloud-secret\", or put the secret into \
                     /etc/credstore/sp-agent.{CREDENTIAL}, from where systemd hands it over"
                ),
            );
            None
        }
    }
}

fn from_setting(
    inline: Setting<'_, Option<String>>,
    file_key: &str,
    surroundings: &Surroundings,
) -> Option<Secret> {
    let instead = format!("put it into a file of mode 0600, and name that with {file_key}");
    if surroundings.is_open {
        inline.fault("is a secret in a file that everybody can read", instead);
        return None;
    }
    match inline.value.as_deref() {
        Some("") => {
            inline.fault("is empty", "write the secret");
            None
        }
        Some(_) => inline.value.map(Secret::new),
        None => None,
    }
}

fn from_file(path: &Path, fault: &dyn Fn(String, String)) -> Option<Secret> {
    let bytes = match files::read_secret(path, SECRET_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            fault(chain(&error).to_string(), OTHER_FILE.to_owned());
            return None;
        }
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        fault(
            format!("{} is no text", path.display()),
            OTHER_FILE.to_owned(),
        );
        return None;
    };
    // Editors and `echo` end a file with a line break, which is no part of a secret.
    let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if secret.is_empty() {
        fault(
            format!("{} is empty", path.display()),
            OTHER_FILE.to_owned(),
        );
        return None;
    }
    Some(Secret::new(secret.as_str()))
}
