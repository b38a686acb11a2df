//! From `tracing` events to `log` records that keep their fields.
//!
//! The `log` feature of `tracing` flattens the fields into the message, and a journal that is
//! searched by `REGION=` has nothing to find. Hence this layer.

use std::sync::Arc;

use log::{Level, Log, Record};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;

/// Hands each event to a `log::Log`, with the fields of all spans around it.
pub struct RecordLayer {
    sink: Arc<dyn Log>,
}

impl RecordLayer {
    /// Logs to `sink`, which is not asked whether it is enabled: the filter stands before this
    /// layer.
    #[must_use]
    pub fn new(sink: Arc<dyn Log>) -> Self {
        Self { sink }
    }
}

impl<S> Layer<S> for RecordLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span);
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        self.sink.log(
            &Record::builder()
                .args(format_args!("{}", fields.message))
                .level(level(*metadata.level()))
                .target(metadata.target())
                .module_path_static(metadata.module_path())
                .file_static(metadata.file())
                .line(metadata.line())
                .key_values(&fields)
                .build(),
        );
    }
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

impl std::fmt::Debug for RecordLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordLayer").finish_non_exhaustive()
    }
}
