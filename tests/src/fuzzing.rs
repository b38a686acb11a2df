//! What must hold of every decoder whatever bytes it is given; one target for each.
//!
//! A target panics where a decoder breaks its promise, and does nothing else. The fuzzer (the crate
//! in `tests/fuzz`, by `cargo xtask fuzz`) searches for such bytes without end, and `cargo test`
//! tries some hundred thousand mutated seeds of each. Only `shared` is named here, so that the
//! fuzzer has little to build.

mod certificates;
mod frames;
mod seeds;

/// A decoder's promise, and bytes that it reads.
#[derive(Clone, Copy)]
pub struct Target {
    /// The fuzzer's name of it.
    pub name: &'static str,
    /// Panics where the promise is broken.
    pub check: fn(&[u8]),
    /// Bytes that are well formed, from which to begin.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every decoder of what comes from outside.
pub const TARGETS: [Target; 12] = [
    Target {
        name: "control",
        check: frames::control,
        seeds: seeds::control,
    },
    Target {
        name: "call",
        check: frames::call,
        seeds: seeds::call,
    },
    Target {
        name: "feed",
        check: frames::feed,
        seeds: seeds::feed,
    },
    Target {
        name: "join",
        check: frames::join,
        seeds: seeds::join,
    },
    Target {
        name: "adopt",
        check: frames::adopt,
        seeds: seeds::adopt,
    },
    Target {
        name: "record",
        check: frames::record,
        seeds: seeds::record,
    },
    Target {
        name: "stream",
        check: frames::stream,
        seeds: seeds::stream,
    },
    Target {
        name: "token",
        check: certificates::token,
        seeds: seeds::token,
    },
    Target {
        name: "request",
        check: certificates::request,
        seeds: seeds::request,
    },
    Target {
        name: "certificate",
        check: certificates::certificate,
        seeds: seeds::certificate,
    },
    Target {
        name: "anchors",
        check: certificates::anchors,
        seeds: seeds::anchors,
    },
    Target {
        name: "key",
        check: certificates::key,
        seeds: seeds::key,
    },
];

/// The target of this name.
pub fn target(name: &str) -> Target {
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no target is called {name}"))
}

/// Puts a target's seeds into the fuzzer's corpus, of which `arguments` name the folder.
pub fn plant(target: &Target, arguments: impl Iterator<Item = String>) {
    let ending = format!("corpus/{}", target.name);
    for folder in arguments.filter(|argument| argument.trim_end_matches('/').ends_with(&ending)) {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            let path = std::path::Path::new(&folder).join(format!("seed-{number}"));
            std::fs::write(&path, seed).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
}
