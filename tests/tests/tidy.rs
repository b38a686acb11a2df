//! The project's conventions, as tests: what README.md and the crates' maps promise.

#[path = "tidy/advisories.rs"]
mod advisories;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

/// Fails with all findings at once.
fn check(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn modules_import_only_what_stands_above_them() {
    check(imports::out_of_order());
}

#[test]
fn every_module_stands_on_its_crate_s_map() {
    check(imports::not_on_the_map());
}

#[test]
fn only_their_own_modules_name_quinn_rustls_bincode_and_rusqlite() {
    check(imports::strangers());
}

#[test]
fn deciding_modules_are_pure() {
    check(imports::impure());
}

#[test]
fn files_and_functions_are_small() {
    check(sizes::too_long());
}

#[test]
fn nothing_is_left_undone_or_skipped() {
    check(words::unfinished());
}

#[test]
fn known_advisories_are_mended_or_have_a_reason() {
    check(advisories::findings());
}
