//! Lets the control stream go before the feeds where QUIC does not.
//!
//! What a peer allows a connection to send is given to whichever stream asks first, whatever its
//! priority. While the control stream waits for it, the feeds of the same connection stand back.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Closed while the control stream waits; one for each connection.
#[derive(Debug, Default)]
pub(in crate::transport) struct Gate {
    is_closed: AtomicBool,
    opened: Notify,
}

/// Keeps the gate closed until it is dropped.
pub(super) struct Closed(Arc<Gate>);

impl Gate {
    pub(super) fn close(self: &Arc<Self>) -> Closed {
        self.is_closed.store(true, Ordering::SeqCst);
        Closed(Arc::clone(self))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Waits until the gate is open.
    pub(super) async fn opened(&self) {
        loop {
            let mut opened = pin!(self.opened.notified());
            // Registered before the look, so that an opening in between is not missed.
            opened.as_mut().enable();
            if !self.is_closed() {
                return;
            }
            opened.await;
        }
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.is_closed.store(false, Ordering::SeqCst);
        self.0.opened.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn feeds_wait_while_the_control_stream_does() {
        let gate = Arc::new(Gate::default());
        gate.opened().await;
        let closed = gate.close();
        let mut first = pin!(gate.opened());
        let mut second = pin!(gate.opened());
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        drop(closed);
        assert!(poll!(&mut first).is_ready() && poll!(&mut second).is_ready());
        assert!(!gate.is_closed());
    }
}
