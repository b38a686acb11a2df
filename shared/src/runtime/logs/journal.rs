//! Records for the journal: fields as fields, and in the message as well.
//!
//! `journalctl -u sp-agent` shows nothing but the message, and an operator who reads "task failed"
//! there must also read why. `journalctl REGION=eu-1` finds the same record by its field.

use log::{Log, Metadata, Record};

use super::lines::message;

/// Hands records on with their fields added to the message.
pub(super) struct Journal<L> {
    journal: L,
}

impl<L: Log> Journal<L> {
    pub(super) fn new(journal: L) -> Self {
        Self { journal }
    }
}

impl<L: Log> Log for Journal<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.journal.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        let message = message(record, "", "");
        self.journal
            .log(&record.to_builder().args(format_args!("{message}")).build());
    }

    fn flush(&self) {
        self.journal.flush();
    }
}
