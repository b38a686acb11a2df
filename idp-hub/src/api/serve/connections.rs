//! A bound on the number of connections.

use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::Accept;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Layer;

/// Takes in connections while there are places. Others are closed before they cost anything.
#[derive(Clone)]
pub(super) struct Bounded {
    places: Arc<Semaphore>,
}

/// A connection's place, given back with its service at its end.
type Place = Arc<OwnedSemaphorePermit>;

impl Bounded {
    pub(super) fn new(connections_max: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(connections_max)),
        }
    }
}

impl<I, S> Accept<I, S> for Bounded {
    type Stream = I;
    type Service = AddExtension<S, Place>;
    type Future = Ready<io::Result<(I, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let place = Arc::clone(&self.places).try_acquire_owned();
        ready(match place {
            Ok(place) => Ok((stream, Extension(Arc::new(place)).layer(service))),
            Err(_) => Err(io::Error::other("too many connections")),
        })
    }
}
