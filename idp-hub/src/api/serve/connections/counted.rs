//! Tells when the hub owes something to a connection's peer.
//!
//! ```text
//! head comes ──▶ body comes ──whole──▶ answer is made ──given──▶ peer takes it
//!                (Coming) idle         busy                      (Counting) idle
//! ```

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use http_body::{Frame, SizeHint};
use tokio::sync::oneshot;
use tower::Service;

use super::Seat;

/// A connection's service.
#[derive(Clone)]
pub(in crate::api::serve) struct Counted<S> {
    service: S,
    seat: Seat,
}

impl<S> Counted<S> {
    pub(super) fn new(service: S, seat: Seat) -> Self {
        Self { service, seat }
    }
}

impl<S, B> Service<Request<B>> for Counted<S>
where
    S: Service<Request<Coming<B>>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send,
    B: HttpBody,
{
    type Response = Response<Counting>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut debt = Debt::of_request(self.seat.clone());
        let (end, has_come) = oneshot::channel();
        // What has no body has come whole with its head.
        let end = (!request.body().is_end_stream()).then_some(end);
        let answer = self.service.call(request.map(|body| Coming { body, end }));
        Box::pin(async move {
            tokio::pin!(answer);
            let answer = tokio::select! {
                // The answer first: it is what asks for the body.
                biased;
                answer = &mut answer => answer,
                // By its end or by its drop: nobody waits for more.
                _ = has_come => {
                    debt.owe();
                    answer.await
                }
            }?;
            debt.give();
            Ok(answer.map(|body| Counting { body, debt }))
        })
    }
}

/// A request's body. Until the whole of it has come, it is the peer who owes something; one that
/// promised it and does not send it could else keep a place from everybody.
pub(in crate::api::serve) struct Coming<B> {
    body: B,
    /// Dropped at the body's end, or with the body.
    end: Option<oneshot::Sender<Infallible>>,
}

impl<B: HttpBody + Unpin> HttpBody for Coming<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = frame {
            self.end = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether the hub owes something to one request.
struct Debt {
    seat: Seat,
    is_owed: bool,
}

impl Debt {
    /// Of one whose head has come. Nothing is owed yet.
    fn of_request(seat: Seat) -> Self {
        let now = seat.shared.clock.now();
        seat.shared.state().places.asked(now, seat.place);
        Self {
            seat,
            is_owed: false,
        }
    }

    fn owe(&mut self) {
        if !self.is_owed {
            self.is_owed = true;
            self.seat.shared.state().places.owes(self.seat.place);
        }
    }

    fn give(&mut self) {
        if self.is_owed {
            self.is_owed = false;
            let now = self.seat.shared.clock.now();
            self.seat.shared.state().places.gave(now, self.seat.place);
        }
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        self.give();
    }
}

/// An answer's body. Asked for more, the hub owes it; what it gave, the peer has to take.
pub(in crate::api::serve) struct Counting {
    body: Body,
    debt: Debt,
}

impl HttpBody for Counting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Pending => self.debt.owe(),
            Poll::Ready(_) => self.debt.give(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
