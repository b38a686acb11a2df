//! Shows each step of long work and the time that it took, on standard error.
//!
//! On a terminal a step is a line with a spinner until it ends; elsewhere (CI logs) it is one
//! line at its start and one at its end. Steps may run in several threads at once.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock;

const SPINNER_PERIOD: Duration = Duration::from_millis(120);

/// The steps of one command.
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
    begun: Instant,
}

impl Progress {
    /// Begins; the total time counts from here.
    pub(crate) fn begin() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self {
            bars: (!bars.is_hidden()).then_some(bars),
            begun: clock::now(),
        }
    }

    /// Announces a step.
    pub(crate) fn step(&self, what: impl Into<Cow<'static, str>>) -> Step<'_> {
        let what = what.into();
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.set_message(what.to_string());
            bar.enable_steady_tick(SPINNER_PERIOD);
            bar
        });
        if bar.is_none() {
            eprintln!("   ...    {what}");
        }
        Step {
            progress: self,
            what,
            bar,
            begun: clock::now(),
            ended: false,
        }
    }

    /// Prints a line between the steps.
    pub(crate) fn say(&self, line: &str) {
        match &self.bars {
            // Only fails when the terminal is gone, and then nobody reads.
            Some(bars) => drop(bars.println(line)),
            None => eprintln!("{line}"),
        }
    }

    /// Since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        clock::now().duration_since(self.begun)
    }
}

/// A step under way. Dropped without [`Step::done`], it is shown as failed.
pub(crate) struct Step<'a> {
    progress: &'a Progress,
    what: Cow<'static, str>,
    bar: Option<ProgressBar>,
    begun: Instant,
    ended: bool,
}

impl Step<'_> {
    /// The step succeeded.
    pub(crate) fn done(mut self) {
        self.end("ok");
    }

    /// The step is no longer awaited, because another one failed.
    pub(crate) fn abandon(mut self) {
        self.end("not awaited");
    }

    fn end(&mut self, outcome: &str) {
        self.ended = true;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let elapsed = clock::now().duration_since(self.begun);
        self.progress.say(&line(outcome, elapsed, &self.what));
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end("FAILED");
        }
    }
}

fn line(outcome: &str, elapsed: Duration, what: &str) -> String {
    format!("{:>6.1} s  {what}: {outcome}", elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_seconds_step_and_outcome() {
        let text = line("ok", Duration::from_millis(12_340), "install OpenStack");
        assert_eq!(text, "  12.3 s  install OpenStack: ok");
    }
}
