//! Names as the coarsest database under a Keystone compares them.
//!
//! MySQL, which most have, takes upper and lower case, letters with and without marks, and trailing
//! spaces for the same (its collation `utf8mb3_general_ci`); SQLite and PostgreSQL do not. A name
//! must do in every region, so the coarsest comparison decides.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A name as the coarsest database compares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folded(Box<str>);

impl Folded {
    /// Folds a name.
    pub fn new(name: &str) -> Self {
        let letters = name.nfkd().filter(|it| !is_combining_mark(*it));
        let folded: String = letters.flat_map(char::to_lowercase).collect();
        Self(folded.trim_end_matches(' ').into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_database_takes_for_the_same_is_the_same() {
        for (one, other, same) in [
            ("Finance", "finance", true),
            ("Caf\u{e9}", "cafe", true),
            ("Cafe\u{301}", "caf\u{e9}", true),
            ("ops ", "ops", true),
            ("\u{ff21}dmin", "admin", true),
            (" ops", "ops", false),
            ("ops1", "ops2", false),
            ("\u{7814}\u{53d1}\u{90e8}", "\u{7814}\u{53d1}", false),
        ] {
            assert_eq!(
                Folded::new(one) == Folded::new(other),
                same,
                "{one:?} {other:?}"
            );
        }
    }
}
