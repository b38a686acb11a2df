//! Names as the coarsest database under a Keystone compares them.
//!
//! MySQL, which most have, takes upper and lower case, letters with and without marks, and trailing
//! spaces for the same (its collation `utf8mb3_general_ci`), and with these the final sigma for a
//! sigma, a sharp s for one s, and an i without a dot for an i; SQLite and PostgreSQL do not. A
//! name must do in every region, so the coarsest comparison decides.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A name as the coarsest database compares it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folded(Box<str>);

impl Folded {
    /// Folds a name.
    pub fn new(name: &str) -> Self {
        let letters = name.nfkd().filter(|it| !is_combining_mark(*it));
        let folded: String = letters.flat_map(char::to_lowercase).map(plain).collect();
        Self(folded.trim_end_matches(' ').into())
    }

    /// As text, to be stored beside the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Letters that are another one's small form, or as good as another one, though neither their case
/// nor their decomposition says so.
const fn plain(letter: char) -> char {
    match letter {
        '\u{3c2}' => '\u{3c3}',
        '\u{df}' => 's',
        '\u{131}' => 'i',
        other => other,
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
            // A sigma is one at the end of a word too, as is the lunate one.
            (
                "\u{39d}\u{399}\u{39a}\u{39f}\u{3a3}",
                "\u{3bd}\u{3b9}\u{3ba}\u{3bf}\u{3c2}",
                true,
            ),
            ("\u{3c3}", "\u{3c2}", true),
            ("\u{3f2}", "\u{3c3}", true),
            // A sharp s is one s, and not two.
            ("Wei\u{df}", "weis", true),
            ("Wei\u{1e9e}", "wei\u{df}", true),
            ("Wei\u{df}", "weiss", false),
            // An i without a dot is an i, as is a capital one with a dot.
            ("Ayd\u{131}n", "aydin", true),
            ("\u{130}zmir", "izmir", true),
            ("\u{17f}ales", "sales", true),
            ("\u{f8}", "o", false),
            ("\u{e6}", "ae", false),
        ] {
            assert_eq!(
                Folded::new(one) == Folded::new(other),
                same,
                "{one:?} {other:?}"
            );
        }
    }
}
