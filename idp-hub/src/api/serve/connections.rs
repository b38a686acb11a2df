//! A bound on connections, by number, by source and by time; `places` decides.
//!
//! ```text
//! Bounded ── accept ──▶ Watched: the stream, which fails once its connection is over
//!                   └─▶ Counted: the service, which tells when something is owed to the peer
//! ```

mod counted;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use shared::runtime::clock::Clock;
use shared::runtime::logs::LogLimiter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;

use self::counted::Counted;
use super::places::{Entry, Full, Limits, Places, Site, Verdict};
use crate::api::limiter::site;

/// How often the log says that there is no room, for all places and for each source.
const FULL_LOG_WINDOW: Duration = Duration::from_secs(60);

/// Sources that the log tells apart in that time.
const FULL_LOG_SITES_MAX: usize = 16;

/// Takes in connections while there are places. Others are closed before they cost anything.
#[derive(Clone)]
pub(super) struct Bounded(Arc<Shared>);

struct Shared {
    listener: &'static str,
    limits: Limits,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    /// Dropping the sender ends the connection.
    places: Places<oneshot::Sender<Infallible>>,
    /// By whose share is full; `None` for all places.
    told: LogLimiter<Option<Site>>,
}

impl Bounded {
    pub(super) fn new(listener: &'static str, limits: Limits, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            listener,
            limits,
            clock,
            state: Mutex::new(State {
                places: Places::new(limits),
                told: LogLimiter::new(FULL_LOG_WINDOW, FULL_LOG_SITES_MAX),
            }),
        }))
    }

    fn enter(&self, site: Site) -> io::Result<(Seat, Over)> {
        let (sender, ended) = oneshot::channel();
        let now = self.0.clock.now();
        let mut state = self.0.state();
        let Entry { place, full } = state.places.enter(now, site, sender);
        let told = full.and_then(|full| {
            let key = match full {
                Full::All { .. } => None,
                Full::Share { site, .. } => Some(site),
            };
            state.told.admit(now, key).map(|left_out| (full, left_out))
        });
        drop(state);
        if let Some((full, left_out)) = told {
            self.0.tell(full, left_out);
        }
        let place = place.ok_or_else(|| io::Error::other("too many connections"))?;
        let seat = Seat {
            shared: Arc::clone(&self.0),
            place,
        };
        let over = Box::pin(over(seat.clone(), ended));
        Ok((seat, over))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, full: Full, left_out: u64) {
        let listener = self.listener;
        match full {
            Full::All { site, held } => tracing::warn!(
                listener,
                places = self.limits.places,
                most_held_by = shown(site),
                held,
                left_out,
                "all places for connections are taken, so idle ones give way and, where there are \
                 none, callers are refused; see whether the address that holds most should"
            ),
            Full::Share { site, held } => tracing::warn!(
                listener,
                held_by = shown(site),
                held,
                left_out,
                "one address has all the connections that it may have, so its own idle ones give \
                 way and, where there are none, its calls are refused; see what it does"
            ),
        }
    }
}

fn shown(site: Site) -> String {
    match site {
        Some(address) if address.is_ipv6() => format!("{address}/64"),
        Some(address) => address.to_string(),
        None => "the local socket".to_owned(),
    }
}

/// A connection's place, as long as it is in it.
#[derive(Clone)]
struct Seat {
    shared: Arc<Shared>,
    place: u64,
}

/// Ends with the connection's time, or when it must give way.
type Over = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn over(seat: Seat, mut ended: oneshot::Receiver<Infallible>) {
    let clock = &seat.shared.clock;
    loop {
        let now = clock.now();
        let verdict = seat.shared.state().places.look(now, seat.place);
        let Verdict::LookAgain(then) = verdict else {
            return;
        };
        tokio::select! {
            _ = &mut ended => return,
            () = clock.sleep_until(then) => {}
        }
    }
}

/// Where a connection comes from.
pub(super) trait Origin {
    /// Its site. Fails for one that is gone already.
    fn site(&self) -> io::Result<Site>;
}

impl Origin for TcpStream {
    fn site(&self) -> io::Result<Site> {
        Ok(Some(site(self.peer_addr()?.ip())))
    }
}

impl Origin for UnixStream {
    fn site(&self) -> io::Result<Site> {
        Ok(None)
    }
}

impl<I: Origin, S> Accept<I, S> for Bounded {
    type Stream = Watched<I>;
    type Service = Counted<S>;
    type Future = Ready<io::Result<(Watched<I>, Counted<S>)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let entered = stream.site().and_then(|site| self.enter(site));
        ready(entered.map(|(seat, over)| {
            let over = Some(over);
            let watched = Watched {
                stream,
                seat: seat.clone(),
                over,
            };
            (watched, Counted::new(service, seat))
        }))
    }
}

/// A connection's stream. Its end gives back the place.
pub(super) struct Watched<I> {
    stream: I,
    seat: Seat,
    /// `None` once it is over.
    over: Option<Over>,
}

impl<I> Drop for Watched<I> {
    fn drop(&mut self) {
        self.seat.shared.state().places.leave(self.seat.place);
    }
}

impl<I: Unpin> Watched<I> {
    /// The stream, while its connection is not over. Wakes the task when it is: one that neither
    /// reads nor writes owes something to its peer, and such a one is not ended.
    fn open(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut I>> {
        let over = self.over.as_mut().map(|it| it.as_mut().poll(context));
        if let Some(Poll::Pending) = over {
            return Ok(Pin::new(&mut self.stream));
        }
        self.over = None;
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the connection's time is over",
        ))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.open(context)?.poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.open(context)?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.open(context)?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
