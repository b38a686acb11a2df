//! Exit codes, and why a start failed.

use std::process::ExitCode;

use crate::runtime::errors::{BoxError, chain};

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Code 0.
    Success,
    /// Code 1: something failed that may go well another time.
    Failure,
    /// Code 64, `EX_USAGE` of sysexits(3): flags or configuration are wrong, and starting again
    /// will not help. Units say `RestartPreventExitStatus=64`.
    Usage,
}

impl Exit {
    /// The number that the parent process sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 64,
        }
    }

    /// The first thing that went wrong, which is the cause of what went wrong later.
    pub(super) fn or(self, later: Self) -> Self {
        if self == Self::Success { later } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a daemon did not start. Any error turns into one with `?`, as a failure.
#[derive(Debug)]
pub struct StartError {
    exit: Exit,
    error: BoxError,
}

impl StartError {
    /// The operator's flags or configuration are wrong.
    pub fn usage(error: impl Into<BoxError>) -> Self {
        Self {
            exit: Exit::Usage,
            error: error.into(),
        }
    }

    /// Something else failed.
    pub fn failure(error: impl Into<BoxError>) -> Self {
        Self {
            exit: Exit::Failure,
            error: error.into(),
        }
    }

    /// Logs the reason, once, and tells the exit.
    pub(super) fn report(&self) -> Exit {
        tracing::error!(error = %chain(&*self.error), "cannot start");
        self.exit
    }
}

impl<E: Into<BoxError>> From<E> for StartError {
    fn from(error: E) -> Self {
        Self::failure(error)
    }
}
