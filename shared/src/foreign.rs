//! Strangers' words, made fit to be shown to whoever decides by them.
//!
//! What a peer says of itself stands beside lines of ours, such as the key that is compared. So it
//! moves no cursor, hides and turns round nothing, and where it is cut to a line's width no
//! terminal breaks it into a second line, which could pass for one of ours.

/// What stands where something was left out.
const CUT: char = '…';

/// `text` as one line: runs of spaces, line breaks and control characters are one space, none
/// stands at its ends, and what is [deceptive](is_deceptive) is left out.
pub fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut is_apart = false;
    for character in text.chars() {
        if character.is_whitespace() || character.is_control() {
            is_apart = true;
        } else if !is_deceptive(character) {
            if is_apart && !line.is_empty() {
                line.push(' ');
            }
            is_apart = false;
            line.push(character);
        }
    }
    line
}

/// As much of `text`, made a [`line`], as no terminal shows in more than `columns`. It ends with
/// `…` where something was left out.
pub fn cut(text: &str, columns: usize) -> String {
    let mut line = line(text);
    let (mut taken, mut end) = (0, 0);
    for (at, character) in line.char_indices() {
        if taken + width(CUT) <= columns {
            end = at;
        }
        taken += width(character);
        if taken > columns {
            line.truncate(end);
            if width(CUT) <= columns {
                line.push(CUT);
            }
            return line;
        }
    }
    line
}

/// The most columns that a terminal may give a character: two, but where all of them agree on one.
fn width(character: char) -> usize {
    // Where the Latin blocks end.
    if character < '\u{250}' { 1 } else { 2 }
}

/// Whether a character reorders text, hides in it, or looks like a space that is none: format
/// characters (Unicode's category Cf), fillers, variation selectors, and what is in private use,
/// which each font draws as it likes.
pub fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        // Soft hyphen, grapheme joiner, Arabic letter mark, vowel separators that don't show.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        // Hangul fillers and the blank of Braille.
        | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        // Zero widths, marks and overrides of direction (UAX #9), separators, byte order mark.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        // Marks of shorthand and of music.
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Private use, variation selectors and tags.
        | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{10ffff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_said_stays_on_its_line_and_shows_what_it_is() {
        assert_eq!(line(" a\u{1b}[2Jb\r\n\t c\u{a0} d "), "a [2Jb c d");
        assert_eq!(line("gw\u{202e}1\u{200b}-\u{2800}\u{3164}2"), "gw1-2");
        assert_eq!(line("\u{200b} \u{7} \u{feff}"), "");
        assert_eq!(line("北京-2 é, мир"), "北京-2 é, мир");
    }

    #[test]
    fn a_line_is_cut_where_a_terminal_would_break_it() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcd…");
        assert_eq!(cut("北京北京", 8), "北京北京");
        assert_eq!(cut("北京北京北", 8), "北京北…");
        assert_eq!(cut("ab", 1), "");
        assert_eq!(cut(&"é ".repeat(9000), 80).chars().count(), 79);
    }

    proptest! {
        #[test]
        fn whatever_is_said_fits(text: String, columns in 0_usize..90) {
            let shown = cut(&text, columns);
            prop_assert!(shown.chars().map(width).sum::<usize>() <= columns);
            prop_assert!(!shown.contains(|c: char| c.is_control() || is_deceptive(c)));
            prop_assert!(!shown.contains("  ") && shown.lines().count() <= 1);
            prop_assert_eq!(line(&line(&text)), line(&text));
        }
    }
}
