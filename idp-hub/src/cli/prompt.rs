//! Asks on the terminal.

use std::io::{self, IsTerminal};
use std::path::Path;

use shared::runtime::{files, terminal};
use zeroize::Zeroizing;

use super::arguments::PasswordFrom;
use super::error::CliError;
use crate::api::passwords;

/// The answer that confirms a key.
pub(super) const YES: &str = "yes";

/// Bytes of a line that are read: more than any password or name has.
const LINE_BYTES_MAX: u64 = 4096;

/// Characters of a generated password: 32 letters each, so 100 bits.
const GENERATED_CHARS: usize = 20;

/// Letters and digits that nobody takes for one another, in any font.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789A";

/// A new password, and whether whoever asked must be told it.
pub(super) struct NewPassword {
    pub(super) text: Zeroizing<String>,
    pub(super) generated: bool,
}

/// Gets a new password from where it was said to come from.
pub(super) fn new_password(from: &PasswordFrom) -> Result<NewPassword, CliError> {
    let (text, generated) = if let Some(path) = &from.password_file {
        (from_file(path)?, false)
    } else if from.ask_password {
        (ask_twice()?, false)
    } else {
        (generate(), true)
    };
    passwords::check(&text)?;
    Ok(NewPassword { text, generated })
}

/// Gets the new password of a user of the directory: from the terminal, where it is asked for
/// twice, or from standard input. Never from an argument, which every user of the machine sees.
pub(super) fn password_for_clouds(stdin: bool) -> Result<Zeroizing<String>, CliError> {
    let text = match stdin {
        true => terminal::line_of_stdin().map_err(CliError::Stdin)?,
        false => ask_twice()?,
    };
    passwords::check_for_clouds(&text)?;
    Ok(text)
}

/// Gets a secret that exists already: from standard input, or else from the terminal.
pub(super) fn given_secret(stdin: bool, question: &str) -> Result<Zeroizing<String>, CliError> {
    match stdin {
        true => terminal::line_of_stdin().map_err(CliError::Stdin),
        false => ask_secret(question),
    }
}

/// Gets a password that exists already: from a file, or else from the terminal.
pub(super) fn given_password(
    file: Option<&Path>,
    question: &str,
) -> Result<Zeroizing<String>, CliError> {
    match file {
        Some(path) => from_file(path),
        None => ask_secret(question),
    }
}

/// Asks for a line.
pub(super) fn ask(question: &str) -> Result<Zeroizing<String>, CliError> {
    terminal::ask(question).map_err(CliError::Terminal)
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, CliError> {
    let bytes = files::read_secret(path, LINE_BYTES_MAX)?;
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok(line) => Ok(Zeroizing::new(line.to_owned())),
        Err(_) => Err(CliError::Usage(format!(
            "{} is not UTF-8 text",
            path.display()
        ))),
    }
}

/// In groups of five, as people copy it.
fn generate() -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(GENERATED_CHARS + GENERATED_CHARS / 5));
    let drawn: Zeroizing<[u8; GENERATED_CHARS]> = Zeroizing::new(rand::random());
    for (place, byte) in drawn.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        let letter = ALPHABET
            .get(usize::from(byte % 32))
            .copied()
            .unwrap_or(b'a');
        text.push(char::from(letter));
    }
    text
}

fn ask_twice() -> Result<Zeroizing<String>, CliError> {
    loop {
        let first = ask_secret("New password: ")?;
        let second = ask_secret("The same again: ")?;
        if first == second {
            return Ok(first);
        }
        eprintln!("These are not the same.");
    }
}

fn ask_secret(question: &str) -> Result<Zeroizing<String>, CliError> {
    terminal::ask_secret(question).map_err(CliError::Terminal)
}

/// Asks for consent: true if the answer is `expected`.
pub(super) fn confirm(question: &str, expected: &str) -> Result<bool, CliError> {
    if !io::stdin().is_terminal() {
        let reason = io::Error::other("this is not run on one");
        return Err(CliError::Terminal(reason));
    }
    let answer = terminal::ask(question).map_err(CliError::Terminal)?;
    Ok(answer.trim() == expected)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_generated_password_is_one_and_its_letters_are_all_different() {
        let letters: BTreeSet<_> = ALPHABET.iter().collect();
        assert_eq!(letters.len(), 32);
        let (one, two) = (generate(), generate());
        assert_ne!(one, two);
        assert_eq!(one.len(), 23);
        assert!(passwords::check(&one).is_ok());
    }
}
