//! An error with its causes, on one line.

use std::error::Error;
use std::fmt;

/// What a task or a start may fail with; the concrete type no longer matters to whoever only logs
/// it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Causes deeper than this are cut off: a source that names itself would go on for ever.
const CAUSES_MAX: usize = 16;

/// Writes an error and its causes, outermost first, separated by colons. A cause whose text its
/// parent already ends with is not repeated.
#[must_use]
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain { error }
}

/// See [`chain`].
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    error: &'a (dyn Error + 'static),
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.error.to_string();
        f.write_str(&last)?;
        let mut cause = self.error.source();
        for _ in 0..CAUSES_MAX {
            let Some(error) = cause else { return Ok(()) };
            let text = error.to_string();
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("cannot read the key")]
        Own(#[source] io::Error),
        #[error("cannot read: {0}")]
        Repeating(#[source] io::Error),
    }

    #[test]
    fn every_level_is_said_once() {
        let disk = || io::Error::other("disk on fire");
        assert_eq!(
            chain(&Outer::Own(disk())).to_string(),
            "cannot read the key: disk on fire"
        );
        assert_eq!(
            chain(&Outer::Repeating(disk())).to_string(),
            "cannot read: disk on fire"
        );
    }
}
