//! The project's Rust files.

use std::path::{Path, PathBuf};

/// The crates' folders.
pub(crate) const CRATES: [&str; 5] = ["shared", "sp-agent", "idp-hub", "packaging/xtask", "tests"];

/// One file.
pub(crate) struct Source {
    /// From the project's root, with `/`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl Source {
    /// The module's name: the first part of its path below `src`, without the ending.
    pub(crate) fn module(&self) -> Option<&str> {
        let (_, below) = self.path.split_once("/src/")?;
        let first = below.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// Whether it is only compiled for tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Lines with their numbers, without comments and without the unit tests at the end.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .text
            .find("\n#[cfg(test)]\nmod ")
            .unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate();
        lines
            .map(|(number, line)| (number + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// The project's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every Rust file of a crate.
pub(crate) fn of_crate(name: &str) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root().join(name), &mut found);
    assert!(!found.is_empty(), "{name} has no sources");
    found
}

/// Every Rust file.
pub(crate) fn all() -> Vec<Source> {
    CRATES.iter().flat_map(|name| of_crate(name)).collect()
}

fn walk(folder: &Path, found: &mut Vec<Source>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.ends_with("target") {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let shown = path
                .strip_prefix(root())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.push(Source {
                path: shown,
                text: std::fs::read_to_string(&path).unwrap(),
            });
        }
    }
}
