//! Asks whoever sits at the terminal, and reads what is piped in: for commands.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// Bytes of a line that are read: more than any password or name has.
pub const LINE_BYTES_MAX: u64 = 4096 + 2;

/// Asks for a line on the process's terminal, whatever its standard input is.
///
/// # Errors
/// If there is no terminal.
pub fn ask(question: &str) -> io::Result<Zeroizing<String>> {
    ask_on(&terminal()?, question)
}

/// As [`ask`], without showing what is typed.
///
/// # Errors
/// If there is no terminal.
pub fn ask_secret(question: &str) -> io::Result<Zeroizing<String>> {
    let terminal = terminal()?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let answer = ask_on(&terminal, question);
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    answer
}

/// The first line of standard input.
///
/// # Errors
/// If it can't be read, or is no UTF-8.
pub fn line_of_stdin() -> io::Result<Zeroizing<String>> {
    line(io::stdin().lock())
}

fn terminal() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

fn ask_on(mut terminal: &File, question: &str) -> io::Result<Zeroizing<String>> {
    terminal.write_all(question.as_bytes())?;
    terminal.flush()?;
    line(terminal)
}

fn line(from: impl Read) -> io::Result<Zeroizing<String>> {
    // With all its room from the beginning it leaves no smaller copy behind when it grows.
    let room = usize::try_from(LINE_BYTES_MAX).unwrap_or(0);
    let mut line = Zeroizing::new(String::with_capacity(room));
    BufReader::new(from.take(LINE_BYTES_MAX)).read_line(&mut line)?;
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_at_its_break_and_at_a_bound() {
        assert_eq!(*line(&b"hush\r\nmore"[..]).unwrap(), "hush");
        assert_eq!(*line(&b""[..]).unwrap(), "");
        let endless = line(io::repeat(b'x')).unwrap();
        assert_eq!(endless.len() as u64, LINE_BYTES_MAX);
    }
}
