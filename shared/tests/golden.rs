//! The bytes that stores and other releases hold: frozen.
//!
//! Each example's encoding must be what its file in `golden/v1` says, and what the file says must
//! still be read as the example. A failure here means that a released struct was changed: put the
//! struct back, and make a new version of it instead.
//!
//! A new example writes its file when `REGROUP_GOLDEN=new` is set; an existing file is never
//! written again.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should panic"
)]

#[path = "golden/adopt.rs"]
mod adopt;
#[path = "golden/audit.rs"]
mod audit;
#[path = "golden/feed.rs"]
mod feed;
#[path = "golden/frames.rs"]
mod frames;
#[path = "golden/organization.rs"]
mod organization;
#[path = "golden/records.rs"]
mod records;
#[path = "golden/remarks.rs"]
mod remarks;
#[path = "golden/states.rs"]
mod states;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

/// Bytes of a line.
const LINE_BYTES: usize = 40;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// One named part of an example.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Part {
    pub(crate) fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let name = name.into();
        Self { name, bytes }
    }
}

/// Reads an example's bytes back, and panics where they say something else.
type Read = Box<dyn Fn(&[Part])>;

/// An example and what reads its bytes back.
pub(crate) struct Example {
    pub(crate) name: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) read: Read,
}

fn to_text(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        writeln!(text, "{}", part.name).unwrap();
        for line in part.bytes.chunks(LINE_BYTES) {
            writeln!(text, "  {}", HEXLOWER.encode(line)).unwrap();
        }
    }
    text
}

fn from_text(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("  ") {
            Some(hex) => {
                let bytes = HEXLOWER.decode(hex.as_bytes()).unwrap();
                parts.last_mut().unwrap().bytes.extend(bytes);
            }
            None => parts.push(Part::new(line, Vec::new())),
        }
    }
    parts
}

fn examples() -> Vec<Example> {
    let mut examples = records::examples();
    examples.extend(states::examples());
    examples.extend(organization::examples());
    examples.extend(remarks::examples());
    examples.extend(frames::examples());
    examples.extend(feed::examples());
    examples.extend(adopt::examples());
    examples.extend(audit::examples());
    examples
}

#[test]
fn what_is_encoded_is_what_was_frozen() {
    let new = std::env::var("REGROUP_GOLDEN").is_ok_and(|it| it == "new");
    for example in examples() {
        let path = folder().join(&example.name).with_extension("hex");
        let text = to_text(&example.parts);
        if new && !path.exists() {
            std::fs::write(&path, &text).unwrap();
        }
        let frozen = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(text, frozen, "{}", example.name);
    }
}

#[test]
fn what_was_frozen_is_still_read() {
    for example in examples() {
        let path = folder().join(&example.name).with_extension("hex");
        let frozen = from_text(&std::fs::read_to_string(path).unwrap());
        (example.read)(&frozen);
    }
}

#[test]
fn no_frozen_bytes_are_without_their_example() {
    let entries = std::fs::read_dir(folder()).unwrap().map(|it| it.unwrap());
    let files: BTreeSet<String> = entries
        .map(|it| it.file_name().into_string().unwrap())
        .collect();
    let named = examples()
        .into_iter()
        .map(|it| format!("{}.hex", it.name))
        .collect();
    assert_eq!(files, named);
}
