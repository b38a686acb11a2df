//! Runs programs: quietly with a log, or with the user's own terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crate::clock;

/// A download may be slow, but nothing that runs quietly takes longer than this.
pub(crate) const QUIET_RUN_MAX: Duration = Duration::from_mins(20);
const POLL_PERIOD: Duration = Duration::from_millis(50);
/// What is shown of a log: enough for a Python traceback's end.
const TAIL_LINES_MAX: usize = 25;
/// OpenStack's services put whole tracebacks into one line as well.
const TAIL_COLUMNS_MAX: usize = 240;
const TAIL_BYTES_MAX: u64 = 16 * 1024;

/// Runs `command` without a terminal; its output is added to `log`.
///
/// # Errors
/// It could not be run, did not end within [`QUIET_RUN_MAX`], or failed; then the error shows
/// the end of the log.
pub(crate) fn quietly(command: &mut Command, log: &Path) -> Result<(), RunError> {
    let mut child = spawn_logged(command.stdin(Stdio::null()), log)?;
    finish(command, &mut child, log)
}

/// Starts `command` with its output added to `log`; the caller has set its standard input.
pub(crate) fn spawn_logged(command: &mut Command, log: &Path) -> Result<Child, RunError> {
    let open = || OpenOptions::new().create(true).append(true).open(log);
    let opened = open().and_then(|out| Ok((out, open()?)));
    let (out, err) = opened.map_err(|source| RunError::Log {
        log: log.to_path_buf(),
        source,
    })?;
    command.stdout(out).stderr(err);
    command.spawn().map_err(|source| RunError::Start {
        program: program(command),
        source,
    })
}

/// Waits for a child of [`spawn_logged`] and judges how it ended.
pub(crate) fn finish(command: &Command, child: &mut Child, log: &Path) -> Result<(), RunError> {
    let waiting = |source| RunError::Wait {
        program: program(command),
        source,
    };
    let deadline = clock::now() + QUIET_RUN_MAX;
    let status = loop {
        match child.try_wait().map_err(waiting)? {
            Some(status) => break status,
            None if clock::now() > deadline => {
                child.kill().and_then(|()| child.wait()).map_err(waiting)?;
                return Err(RunError::TooLong {
                    program: program(command),
                    tail: tail(log),
                });
            }
            None => thread::sleep(POLL_PERIOD),
        }
    };
    if status.success() {
        return Ok(());
    }
    Err(RunError::Failed {
        program: program(command),
        status,
        log: log.to_path_buf(),
        tail: tail(log),
    })
}

/// Runs `command` on the user's terminal.
///
/// # Errors
/// It could not be run, or failed; what it printed says why.
pub(crate) fn openly(command: &mut Command) -> Result<(), RunError> {
    let status = command.status().map_err(|source| RunError::Start {
        program: program(command),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(RunError::FailedOpenly {
        command: words(command),
        status,
    })
}

/// The last lines of a log, indented; empty when it can't be read.
pub(crate) fn tail(log: &Path) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(log)?;
        let size_bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(size_bytes.saturating_sub(TAIL_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    last_lines(&read().unwrap_or_default())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let lines_hidden = lines.len().saturating_sub(TAIL_LINES_MAX);
    let shown = lines.into_iter().skip(lines_hidden);
    shown.map(|line| format!("\n    | {}", cut(line))).collect()
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(TAIL_COLUMNS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

fn program(command: &Command) -> String {
    let path = Path::new(command.get_program());
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn words(command: &Command) -> String {
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    [program(command)]
        .into_iter()
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The log can't be written.
    #[error("cannot write the log {}", log.display())]
    Log {
        /// The log.
        log: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program can't be started.
    #[error("cannot start {program}; is it installed? `cargo xtask setup` installs what is needed")]
    Start {
        /// Its name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// Its end can't be awaited.
    #[error("cannot wait for {program}")]
    Wait {
        /// Its name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It was ended because it took too long.
    #[error(
        "{program} did not end within {} minutes and was stopped:{tail}",
        QUIET_RUN_MAX.as_secs() / 60
    )]
    TooLong {
        /// Its name.
        program: String,
        /// The end of its log.
        tail: String,
    },
    /// It failed quietly.
    #[error("{program} failed ({status}); the end of {}:{tail}", log.display())]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The whole log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// It failed in the user's sight.
    #[error("`{command}` failed ({status}); see its messages above")]
    FailedOpenly {
        /// Program and arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_shown() {
        let text: String = (0..40).map(|n| format!("line {n}\n")).collect();
        let shown = last_lines(&text);
        assert_eq!(shown.lines().skip(1).count(), TAIL_LINES_MAX);
        assert!(shown.starts_with("\n    | line 15\n"));
        assert!(shown.ends_with("line 39"));
        assert_eq!(last_lines(""), "");
        assert_eq!(
            last_lines(&"é".repeat(300))
                .chars()
                .filter(|c| *c == 'é')
                .count(),
            240
        );
    }

    #[test]
    fn a_failure_names_the_program_and_shows_what_it_said() {
        let log = std::env::temp_dir().join(format!("xtask-run-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo why >&2; exit 3"]);
        let error = quietly(&mut command, &log).unwrap_err().to_string();
        std::fs::remove_file(&log).unwrap();
        assert!(error.starts_with("sh failed (exit status: 3)"), "{error}");
        assert!(
            error.contains("| out") && error.contains("| why"),
            "{error}"
        );
    }
}
