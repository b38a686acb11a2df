//! How a task ended: panics become values, with the place where they happened.
//!
//! Tokio catches panics too, but loses their place, which only the panic hook sees. The hook and
//! the catching run on the same thread within one poll, so the hook leaves the place in a
//! thread-local; a panic that nobody is going to catch here, on a thread of its own, is logged by
//! the hook itself. Either way it is logged once.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::runtime::errors::BoxError;

/// How a task ended.
#[derive(Debug)]
pub enum Ending {
    /// Without an error.
    Finished,
    /// With an error.
    Failed(BoxError),
    /// By a bug.
    Panicked(Panic),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("it ended without having been asked to"),
            Self::Failed(error) => error.fmt(f),
            Self::Panicked(panic) => panic.fmt(f),
        }
    }
}

impl Error for Ending {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Finished | Self::Panicked(_) => None,
        }
    }
}

/// A caught panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    message: String,
    place: Option<String>,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "panicked at {place}: {}", self.message),
            None => write!(f, "panicked: {}", self.message),
        }
    }
}

thread_local! {
    /// Whether a poll on this thread is being watched, and so the hook may leave the telling to the
    /// watcher.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// Where the last watched panic happened.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics part of the log: those of tasks are told with the task's ending, others by the hook
/// at once. Call once, before the first task. Without it, panics are told by Rust's own hook as
/// well.
pub fn install_panic_hook() {
    let own = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string);
        if WATCHED.get() {
            PLACE.set(place);
        } else if tracing::enabled!(tracing::Level::ERROR) {
            let panic = Panic {
                message: message_of(info.payload()),
                place,
            };
            let thread = std::thread::current();
            let thread = thread.name().unwrap_or("unnamed");
            tracing::error!(thread, error = %panic, "thread failed");
        } else {
            own(info);
        }
    }));
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "with a value that is not text".to_owned()
    }
}

/// A future that ends by its panic, instead of passing it on. After a panic it is not polled again.
pub(super) struct Caught<F> {
    // Boxed, since a field cannot be pinned in place without unsafe code.
    future: Pin<Box<F>>,
}

impl<F> Caught<F> {
    pub(super) fn new(future: F) -> Self {
        Self {
            future: Box::pin(future),
        }
    }
}

impl<F, E> Future for Caught<F>
where
    F: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    type Output = Ending;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ending> {
        let watched_before = WATCHED.replace(true);
        let future = self.future.as_mut();
        // Nothing of the future is looked at after it panicked, so it does not matter what state it
        // is in.
        let polled = panic::catch_unwind(AssertUnwindSafe(|| future.poll(context)));
        WATCHED.set(watched_before);
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(()))) => Poll::Ready(Ending::Finished),
            Ok(Poll::Ready(Err(error))) => Poll::Ready(Ending::Failed(error.into())),
            Err(payload) => {
                let panic = Panic {
                    message: message_of(&*payload),
                    place: PLACE.take(),
                };
                Poll::Ready(Ending::Panicked(panic))
            }
        }
    }
}
