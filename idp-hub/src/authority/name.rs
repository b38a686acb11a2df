//! Which names regions may have.

use shared::foreign::is_deceptive;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The most characters of a name: what fits in a table's column and an alert's subject.
pub const NAME_CHARS_MAX: usize = 64;

/// Why a text is no name for a region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or too much.
    #[error("a region's name has 1 to {NAME_CHARS_MAX} characters")]
    Length,
    /// Letters in pieces, which look like another name.
    #[error(
        "a region's name is written in composed letters (Unicode NFC), such as {composed:?}, and \
         begins with none that only goes with another"
    )]
    Pieces {
        /// The name in composed letters.
        composed: Box<str>,
    },
    /// A space where nobody sees it.
    #[error("a region's name neither begins nor ends with a space, nor has two that touch")]
    HiddenSpace,
    /// A character that does not show, shows as another, or ends a path's part.
    #[error("a region's name can't have the character U+{:04X}", u32::from(*.0))]
    Character(char),
    /// What a command would take for an option, or a path for a step.
    #[error("a region's name neither begins with - nor is . or ..")]
    Reserved,
}

/// Checks that a region may have this name.
///
/// Any script is welcome; what can't be seen, what turns the reading order round, and what cuts a
/// path or a command line apart is not: names stand in commands, URLs and alerts.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.chars().nth(NAME_CHARS_MAX).is_some() {
        return Err(NameError::Length);
    }
    if name.starts_with(' ') || name.ends_with(' ') || name.contains("  ") {
        return Err(NameError::HiddenSpace);
    }
    if let Some(character) = name.chars().find(|it| is_refused(*it)) {
        return Err(NameError::Character(character));
    }
    if !is_nfc(name) || name.starts_with(is_combining_mark) {
        let composed = name.nfc().collect::<String>().into();
        return Err(NameError::Pieces { composed });
    }
    if name.starts_with('-') || [".", ".."].contains(&name) {
        return Err(NameError::Reserved);
    }
    Ok(())
}

fn is_refused(c: char) -> bool {
    c.is_control() || (c.is_whitespace() && c != ' ') || is_deceptive(c) || matches!(c, '/' | '\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_any_script_pass() {
        for name in [
            "a",
            "Region 1",
            "caf\u{e9}",
            "北京-2",
            "мир_3",
            "x.y",
            "it's",
            "a - b",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        assert_eq!(check_name(&"名".repeat(NAME_CHARS_MAX)), Ok(()));
    }

    #[test]
    fn what_deceives_or_cuts_is_refused_by_name() {
        let character = NameError::Character;
        let pieces = |composed: &str| NameError::Pieces {
            composed: composed.into(),
        };
        for (name, fault) in [
            ("", NameError::Length),
            (" a", NameError::HiddenSpace),
            ("a ", NameError::HiddenSpace),
            ("a  b", NameError::HiddenSpace),
            ("a\nb", character('\n')),
            ("a\u{a0}b", character('\u{a0}')),
            ("a\u{202e}b", character('\u{202e}')),
            ("a\u{200b}b", character('\u{200b}')),
            ("a/b", character('/')),
            ("cafe\u{301}", pieces("caf\u{e9}")),
            ("\u{301}", pieces("\u{301}")),
            ("-rf", NameError::Reserved),
            ("..", NameError::Reserved),
        ] {
            assert_eq!(check_name(name), Err(fault), "{name:?}");
        }
        assert_eq!(
            check_name(&"n".repeat(NAME_CHARS_MAX + 1)),
            Err(NameError::Length)
        );
        let text = check_name("a\u{202e}b").unwrap_err().to_string();
        assert!(text.ends_with("U+202E"), "{text}");
    }

    proptest! {
        #[test]
        fn a_name_that_passes_is_one_bounded_line(name: String) {
            if check_name(&name).is_ok() {
                prop_assert!(name.lines().count() == 1 && name.len() <= 4 * NAME_CHARS_MAX);
                prop_assert_eq!(name.trim(), &name);
                prop_assert_eq!(shared::foreign::line(&name), name);
            }
        }
    }
}
