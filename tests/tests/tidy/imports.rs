//! Who may import whom.

use super::source::{self, Source};

/// A crate that only some files may name, and those files.
const OWNED: [(&str, &[&str]); 6] = [
    ("quinn", &["shared/src/transport"]),
    ("bincode", &["shared/src/wire/codec.rs"]),
    ("rustls", &["shared/src/pki"]),
    ("rcgen", &["shared/src/pki"]),
    ("x509_parser", &["shared/src/pki"]),
    (
        "rusqlite",
        &[
            "idp-hub/src/store",
            "sp-agent/src/audit",
            "sp-agent/src/database",
            "sp-agent/src/replica/store",
            "sp-agent/src/spool",
        ],
    ),
];

/// Files that name another's crate all the same, and why.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "shared/src/transport/tls.rs",
    "rustls",
    "hands the PKI's configurations to quinn",
)];

/// Modules that decide: `(now, input) -> effects`, values only.
const PURE: [&str; 48] = [
    "shared/src/foreign",
    "shared/src/ids",
    "shared/src/model",
    "shared/src/wire",
    "shared/src/backoff",
    "shared/src/audit",
    "shared/src/link",
    "idp-hub/src/api/per_asker.rs",
    "idp-hub/src/api/users/lockout.rs",
    "idp-hub/src/api/users/places.rs",
    "idp-hub/src/directory",
    "idp-hub/src/fleet",
    "sp-agent/src/collect/schedule",
    "sp-agent/src/allowance.rs",
    "sp-agent/src/apply/actual.rs",
    "sp-agent/src/apply/batch.rs",
    "sp-agent/src/apply/compare.rs",
    "sp-agent/src/apply/doubts.rs",
    "sp-agent/src/apply/driver/told.rs",
    "sp-agent/src/apply/ended.rs",
    "sp-agent/src/apply/failures.rs",
    "sp-agent/src/apply/inputs.rs",
    "sp-agent/src/apply/link_ends.rs",
    "sp-agent/src/apply/links.rs",
    "sp-agent/src/apply/objects.rs",
    "sp-agent/src/apply/own.rs",
    "sp-agent/src/apply/pace.rs",
    "sp-agent/src/apply/places.rs",
    "sp-agent/src/apply/policy.rs",
    "sp-agent/src/apply/progress.rs",
    "sp-agent/src/apply/purge.rs",
    "sp-agent/src/apply/put_back.rs",
    "sp-agent/src/apply/quotas.rs",
    "sp-agent/src/apply/remarks.rs",
    "sp-agent/src/apply/rests.rs",
    "sp-agent/src/apply/settle.rs",
    "sp-agent/src/apply/subject.rs",
    "sp-agent/src/apply/verdict.rs",
    "sp-agent/src/cloud/openstack/purge/services.rs",
    "sp-agent/src/cloud/trouble.rs",
    "sp-agent/src/credential/choice.rs",
    "sp-agent/src/credential/offered.rs",
    "sp-agent/src/credential/openrc.rs",
    "sp-agent/src/credential/places.rs",
    "sp-agent/src/credential/sheet.rs",
    "sp-agent/src/credential/tries.rs",
    "sp-agent/src/replica.rs",
    "sp-agent/src/tasks/answering/guesses.rs",
];

/// What a deciding module may not name.
const IMPURE: [&str; 9] = [
    "tokio",
    "quinn",
    "rusqlite",
    "std::fs",
    "std::net::Udp",
    "std::thread",
    "Instant::now",
    "SystemTime",
    "rand::random",
];

/// The modules of a crate in the order of the map in its `lib.rs`.
fn map(name: &str) -> Vec<String> {
    let path = source::root().join(name).join("src/lib.rs");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, after) = text.split_once("```text").unwrap();
    let (map, _) = after.split_once("```").unwrap();
    map.lines()
        .map(|line| line.trim_start_matches("//!"))
        .filter(|line| !line.contains("---"))
        .flat_map(|line| line.split('·'))
        .filter_map(|part| part.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn mapped_crates() -> [&'static str; 3] {
    ["shared", "sp-agent", "idp-hub"]
}

pub(crate) fn out_of_order() -> Vec<String> {
    let mut findings = Vec::new();
    for name in mapped_crates() {
        let map = map(name);
        let place = |module: &str| map.iter().position(|it| it == module);
        for file in source::of_crate(name) {
            let Some(own) = file.module().and_then(place) else {
                continue;
            };
            for (number, line) in file.code() {
                for other in named_after(line, "crate::") {
                    if place(other).is_some_and(|other| other > own) {
                        let path = &file.path;
                        findings.push(format!("{path}:{number}: {other} stands below it"));
                    }
                }
            }
        }
    }
    findings
}

/// The identifiers that follow `prefix` in a line, also in `prefix{a, b}`.
fn named_after<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    let word = |text: &'a str| {
        let end = text
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        &text[..end]
    };
    line.match_indices(prefix)
        .filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .flat_map(|(at, _)| {
            let rest = &line[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(list) => list
                    .split([',', '}'])
                    .map(|part| word(part.trim()))
                    .collect(),
                None => vec![word(rest)],
            }
        })
        .collect()
}

pub(crate) fn not_on_the_map() -> Vec<String> {
    let mut findings = Vec::new();
    for name in mapped_crates() {
        let map = map(name);
        let lib = std::fs::read_to_string(source::root().join(name).join("src/lib.rs")).unwrap();
        let modules = lib.lines().filter_map(|line| {
            line.trim_start_matches("pub ")
                .strip_prefix("mod ")?
                .strip_suffix(';')
        });
        for module in modules {
            if !map.iter().any(|it| it == module) {
                findings.push(format!(
                    "{name}/src/lib.rs: {module} does not stand on the map"
                ));
            }
        }
    }
    findings
}

fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let in_text = line[..at].matches('"').count() % 2 == 1;
        !inside(before) && !inside(after) && !in_text
    })
}

fn product() -> impl Iterator<Item = Source> {
    mapped_crates()
        .into_iter()
        .flat_map(source::of_crate)
        .filter(|file| !file.is_test())
}

pub(crate) fn strangers() -> Vec<String> {
    let mut findings = Vec::new();
    for file in product() {
        for (owned, owners) in OWNED {
            let owner = owners.iter().any(|owner| file.path.starts_with(owner));
            let excepted = EXCEPTIONS
                .iter()
                .any(|(path, name, _)| file.path == *path && *name == owned);
            if owner || excepted {
                continue;
            }
            let used = format!("{owned}::");
            for (number, line) in file.code() {
                if names(line, owned) && line.contains(&used) {
                    findings.push(format!("{}:{number}: names {owned}", file.path));
                }
            }
        }
    }
    findings
}

pub(crate) fn impure() -> Vec<String> {
    let mut findings = Vec::new();
    for file in product() {
        if !PURE.iter().any(|pure| file.path.starts_with(pure)) {
            continue;
        }
        for (number, line) in file.code() {
            for word in IMPURE.iter().filter(|word| names(line, word)) {
                findings.push(format!(
                    "{}:{number}: a deciding module names {word}",
                    file.path
                ));
            }
        }
    }
    findings
}
