//! Advisories that were looked at: mended by a version in Cargo.lock, or excepted with a reason.
//!
//! `packaging/advisories.toml` is the list. An advisory database can't be fetched in every place
//! where the tests run; `cargo deny check advisories` reads the same exceptions where it can.

use std::collections::BTreeMap;

use super::source;

#[derive(serde::Deserialize)]
struct List {
    mended: Vec<Mended>,
    excepted: Vec<Excepted>,
}

#[derive(serde::Deserialize)]
struct Mended {
    id: String,
    package: String,
    since: String,
}

#[derive(serde::Deserialize)]
struct Excepted {
    id: String,
    package: String,
    version: String,
    reason: String,
}

#[derive(serde::Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    version: String,
}

fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    plain
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

pub(crate) fn findings() -> Vec<String> {
    let read = |path: &str| std::fs::read_to_string(source::root().join(path)).unwrap();
    let list: List = toml::from_str(&read("packaging/advisories.toml")).unwrap();
    let lock: Lock = toml::from_str(&read("Cargo.lock")).unwrap();
    let mut locked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &lock.package {
        locked
            .entry(&package.name)
            .or_default()
            .push(&package.version);
    }
    let mut findings = Vec::new();
    for it in &list.mended {
        for version in locked.get(it.package.as_str()).into_iter().flatten() {
            if numbers(version) < numbers(&it.since) {
                let (id, package, since) = (&it.id, &it.package, &it.since);
                findings.push(format!("{id}: {package} {version} is below {since}"));
            }
        }
    }
    for it in &list.excepted {
        let present = locked
            .get(it.package.as_str())
            .is_some_and(|found| found.iter().any(|version| *version == it.version));
        if !present {
            findings.push(format!(
                "{}: {} {} is gone; drop it",
                it.id, it.package, it.version
            ));
        }
        if it.reason.len() < 40 {
            findings.push(format!("{}: the exception needs a reason", it.id));
        }
    }
    findings
}
