//! `[policy]`: what the federation may do in this region.

use std::time::Duration;

use shared::runtime::settings::Table;

use crate::cloud::Policy;

/// So many names can be looked over by people, and are compared with each thing that is read.
const PROTECTED_MAX: usize = 256;

/// Keystone's columns hold 255 characters, of four bytes at most.
const NAME_BYTES_MAX: usize = 1020;

/// More than any department loses in a day; a batch that removes more is a mistake or an attack.
const REMOVALS_MAX: u64 = 10_000;

/// More than any cloud carries out in a minute.
const WITHDRAWALS_MAX: u64 = 100_000;

/// For a cloud whose services remember no tokens.
const PURGE_REST_MIN: Duration = Duration::from_secs(1);

/// A word to purge is good for seven days; whoever must wait longer than one would often be late.
const PURGE_REST_MAX: Duration = Duration::from_secs(24 * 3600);

pub(super) fn read(mut table: Table<'_>) -> Policy {
    let default = Policy::default();
    let mut count = |key, max| {
        let given = table.integer(key, 0..=max).value;
        given.and_then(|it| u32::try_from(it).ok())
    };
    let removals = count("removals_max", REMOVALS_MAX);
    let withdrawals = count("withdrawals_max", WITHDRAWALS_MAX);
    let rest = table.duration("purge_rest", PURGE_REST_MIN..=PURGE_REST_MAX);
    Policy {
        read_only: table.flag("read_only").or(default.read_only).value,
        protected_departments: names(&mut table, "protected_departments", "Operations"),
        protected_users: names(&mut table, "protected_users", "backup-operator"),
        removals_max: removals.unwrap_or(default.removals_max),
        withdrawals_max: withdrawals.unwrap_or(default.withdrawals_max),
        purge_unchecked: names(&mut table, "purge_unchecked", "object-store"),
        purge_rest: rest.or(default.purge_rest).value,
        credential_from_hub: table
            .flag("credential_from_hub")
            .or(default.credential_from_hub)
            .value,
    }
}

fn names(table: &mut Table<'_>, key: &'static str, example: &str) -> Vec<String> {
    let given = table.texts(key, example);
    let count = given.value.as_ref().map_or(0, Vec::len);
    if count > PROTECTED_MAX {
        let what = format!("has {count} names");
        given.fault(what, format!("leave at most {PROTECTED_MAX}"));
    }
    let mut names = Vec::new();
    for name in given.value.into_iter().flatten() {
        let (trimmed, bytes) = (name.value.trim(), name.value.len());
        let instead = format!("write a name or an id, such as \"{example}\"");
        match () {
            () if trimmed.is_empty() => name.fault("is empty", instead),
            // It would protect nothing, and look as if it did.
            () if trimmed.len() != bytes => name.fault("begins or ends with a space", instead),
            () if bytes > NAME_BYTES_MAX => name.fault("is longer than any name", instead),
            () => names.push(name.value),
        }
    }
    names
}
