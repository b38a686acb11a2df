//! Strangers' words, made fit to be shown to whoever decides by them.
//!
//! What a peer says of itself stands beside lines of ours, such as the key that is compared. So it
//! moves no cursor, hides and turns round nothing, and where it is cut to a line's width no
//! terminal breaks it into a second line, which could pass for one of ours.

use unicode_normalization::char::is_combining_mark;

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

/// A thing's name as one line on which nothing hides: what can't be seen, or looks like something
/// else, stands as its code point (`\u{200b}`), so that two names that differ are not shown alike.
pub fn name(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        match character {
            '\\' if is_like_a_code_point(text, at) => shown.push_str("\\\\"),
            _ if is_hidden(text, at, character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// Whether a backslash at this byte, shown as it is, would make what follows it another thing than
/// it is.
fn is_like_a_code_point(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default().trim_start_matches('\\');
    let end = text.len() - rest.len();
    let next = rest.chars().next();
    rest.starts_with("u{") || next.is_some_and(|it| is_hidden(text, end, it))
}

/// [`name`] in quotation marks.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", name(text).replace('"', "\\\""))
}

/// A name as a POSIX shell takes it for one word. One in which something hides is written as
/// [`name`] writes it: then the command finds nothing, rather than another thing.
pub fn word(text: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || "._-".contains(it);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", name(text).replace('\'', r"'\''")),
    }
}

/// The first character of a name that can't be seen, or looks like another one, and at which place
/// it stands, from 1 on. A variant of an ideograph, which is written so in people's names, is none.
pub fn hidden(text: &str) -> Option<(usize, char)> {
    let mut all = text.char_indices().enumerate();
    let (place, (_, character)) = all.find(|(_, (at, character))| {
        let before = text.get(..*at).and_then(|it| it.chars().next_back());
        let is_variant = is_selector(*character) && before.is_some_and(is_ideograph);
        is_hidden(text, *at, *character) && !is_variant
    })?;
    Some((place + 1, character))
}

/// Whether nobody sees that this character stands at this byte of a text. A space is seen between
/// two other characters, a joiner where it joins, a selector where it chooses how a picture looks.
fn is_hidden(text: &str, at: usize, character: char) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let after = text.get(at + character.len_utf8()..).unwrap_or_default();
    match character {
        ' ' => before.is_empty() || before.ends_with(' ') || after.is_empty(),
        '\u{200c}' | '\u{200d}' => {
            let joined = before.strip_suffix('\u{fe0f}').unwrap_or(before);
            !(joined.ends_with(is_joined) && after.starts_with(is_joined))
        }
        '\u{fe0e}' | '\u{fe0f}' => {
            let is_key = before.ends_with(is_on_keys) && after.starts_with('\u{20e3}');
            !(is_key || before.ends_with(is_picture))
        }
        // With nothing to stand on, it shows on what is before the name.
        _ if before.is_empty() && is_combining_mark(character) => true,
        _ => character.is_whitespace() || character.is_control() || is_deceptive(character),
    }
}

/// Whether a joiner beside it shows: letters of scripts that join, and pictures.
const fn is_joined(character: char) -> bool {
    matches!(
        character,
        // Arabic, Syriac, N'Ko and their like; the scripts of India; Burmese, Khmer, Mongolian.
        '\u{620}'..='\u{7ff}' | '\u{840}'..='\u{dff}' | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17ff}' | '\u{1820}'..='\u{18af}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
    ) || is_picture(character)
}

/// Symbols, dingbats and emoji, skin tones among them.
const fn is_picture(character: char) -> bool {
    matches!(
        character,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{3030}' | '\u{303d}'
        | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

/// Whether it looks otherwise with a selector and the picture of a key behind it.
const fn is_on_keys(character: char) -> bool {
    matches!(character, '0'..='9' | '#' | '*')
}

const fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

const fn is_ideograph(character: char) -> bool {
    matches!(
        character,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
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
        // Syriac's mark of abbreviations, and what joins hieroglyphs.
        | '\u{70f}' | '\u{13430}'..='\u{1343f}'
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

    #[test]
    fn what_hides_in_a_name_is_shown_and_found() {
        for (text, shown, found) in [
            ("carol", "carol", None),
            ("the ops", "the ops", None),
            ("ca\u{200b}rol", r"ca\u{200b}rol", Some((3, '\u{200b}'))),
            ("\u{feff}carol", r"\u{feff}carol", Some((1, '\u{feff}'))),
            ("ca\u{ad}rol", r"ca\u{ad}rol", Some((3, '\u{ad}'))),
            ("\u{202e}lorac", r"\u{202e}lorac", Some((1, '\u{202e}'))),
            ("a\u{a0}b", r"a\u{a0}b", Some((2, '\u{a0}'))),
            ("a  b", r"a \u{20}b", Some((3, ' '))),
            ("carol ", r"carol\u{20}", Some((6, ' '))),
            (" carol", r"\u{20}carol", Some((1, ' '))),
            ("a\u{1b}[2J\n", r"a\u{1b}[2J\u{a}", Some((2, '\u{1b}'))),
            ("ca\u{200d}rol", r"ca\u{200d}rol", Some((3, '\u{200d}'))),
            ("carol\u{fe0f}", r"carol\u{fe0f}", Some((6, '\u{fe0f}'))),
            (
                "\u{2800}\u{3164}",
                r"\u{2800}\u{3164}",
                Some((1, '\u{2800}')),
            ),
            ("1\u{fe0f}", r"1\u{fe0f}", Some((2, '\u{fe0f}'))),
            ("\u{301}a", r"\u{301}a", Some((1, '\u{301}'))),
            ("a\u{70f}", r"a\u{70f}", Some((2, '\u{70f}'))),
            (r"ca\u{200b}rol", r"ca\\u{200b}rol", None),
            (r"DOM\carol", r"DOM\carol", None),
        ] {
            assert_eq!((name(text).as_str(), hidden(text)), (shown, found));
        }
        assert_eq!(quoted("a\"\u{200b}"), r#""a\"\u{200b}""#);
        assert_eq!(word("a \u{200b}"), r"'a \u{200b}'");
    }

    #[test]
    fn names_of_any_script_are_shown_as_they_are() {
        for text in [
            "björn",
            "北京-2",
            "мир",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}💻",
            "❤\u{fe0f}\u{200d}🔥",
            "🏳\u{fe0f}\u{200d}🌈",
            "team 1\u{fe0f}\u{20e3}",
            "👍🏽",
        ] {
            assert_eq!((name(text).as_str(), hidden(text)), (text, None));
        }
        // A variant of a letter may be meant, and is shown where two names may differ by it.
        let variant = "葛\u{e0100}城";
        assert_eq!(
            (name(variant).as_str(), hidden(variant)),
            (r"葛\u{e0100}城", None)
        );
    }

    proptest! {
        #[test]
        fn names_that_differ_are_shown_otherwise(one in "[ab\\\\u{}2 \u{200b}\u{a0}]{0,6}",
            other in "[ab\\\\u{}2 \u{200b}\u{a0}]{0,6}")
        {
            prop_assert_eq!(one == other, name(&one) == name(&other));
        }

        #[test]
        fn a_name_is_one_line_that_moves_no_cursor(text: String) {
            let shown = name(&text);
            prop_assert!(!shown.contains(char::is_control) && shown.lines().count() <= 1);
        }

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
