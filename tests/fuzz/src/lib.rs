//! The fuzzer's face of `tests/src/fuzzing.rs`, where the targets are.

#[path = "../../src"]
mod tests {
    pub mod fuzzing;
}

pub use libfuzzer_sys;
pub use tests::fuzzing;

/// A fuzzer that searches one target, beginning with its seeds.
#[macro_export]
macro_rules! search {
    ($name:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(
            init: {
                $crate::fuzzing::plant(&$crate::fuzzing::target($name), std::env::args());
            },
            |bytes: &[u8]| {
                ($crate::fuzzing::target($name).check)(bytes);
            }
        );
    };
}
