//! The listeners: HTTPS, the local socket, and metrics where they are asked for.
//!
//! Every port is bound before any task begins, so that a start fails whole. Connections are bounded
//! in number and in what one source may have of them; one that asks for nothing, or does not send
//! the whole of what it asks, is closed after a while, and gives way when there is no room.

mod certificate;
mod connections;
mod places;
mod socket;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Address, Handle, Server};
use hyper_util::rt::TokioTimer;
use shared::keyring::KeyringError;
use shared::pki::{CredentialError, TlsClock, TlsError, web_server};
use shared::runtime::daemon::ReloadListener;
use shared::runtime::files::FileError;
use shared::runtime::shutdown::Shutdown;
use shared::runtime::tasks::{OnExit, Restart, Task, Tasks};

use super::state::ApiState;
use super::{local_router, metrics_router, web_router};
use crate::authority::AuthorityError;
use crate::config::Config;
use certificate::Certificate;
use connections::Bounded;
use places::{IDLE_TIME, Limits};

/// Connections over HTTPS at a time: a thousand consoles, some 20 MiB. One source has a quarter of
/// them at most: 256 browsers behind one proxy, since each needs one connection, and as many as may
/// follow events. So nobody shuts out the others from one address, or from three.
const WEB_LIMITS: Limits = Limits {
    places: 1024,
    share: 256,
};

/// Connections for metrics at a time. A scraper needs one or two.
const METRICS_LIMITS: Limits = Limits {
    places: 64,
    share: 16,
};

/// Connections through the local socket at a time. Whoever opens it is an administrator.
const LOCAL_LIMITS: Limits = Limits {
    places: 64,
    share: 64,
};

/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How often an HTTP/2 peer is asked whether it is there, and how long it may take to say so. What
/// it may do with its connection meanwhile, `places` decides.
const PING_TIME: Duration = Duration::from_secs(30);

/// Requests at once in one HTTP/2 connection.
const STREAMS_MAX: u32 = 32;

/// How long requests that have begun may go on at the stop.
const DRAIN_TIME: Duration = Duration::from_secs(3);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A TCP port can't be had.
    #[error(
        "cannot listen on {address} (TCP) for {purpose}; change {setting} in the configuration"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What for.
        purpose: &'static str,
        /// Which setting names it.
        setting: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Another daemon has the local socket.
    #[error("another idp-hub serves {}; stop it first", path.display())]
    Running {
        /// The socket.
        path: PathBuf,
    },
    /// The local socket can't be made.
    #[error("cannot make the local socket {}; check its directory", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The web certificate's files can't be used.
    #[error(transparent)]
    Files(#[from] KeyringError),
    /// The list of names beside the hub's own certificate can't be written.
    #[error("cannot keep the names of the web certificate")]
    Names(#[source] FileError),
    /// The hub's own web certificate can't be issued.
    #[error("cannot issue the web certificate")]
    Issue(#[from] AuthorityError),
    /// The hub's own web certificate can't be used.
    #[error("cannot use the web certificate")]
    Credential(#[from] CredentialError),
    /// TLS can't be set up.
    #[error("cannot set up HTTPS")]
    Tls(#[from] TlsError),
}

/// Where it is served, as bound.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// HTTPS.
    pub web: SocketAddr,
    /// Metrics, where configured.
    pub metrics: Option<SocketAddr>,
}

/// Binds everything, then begins to serve.
///
/// # Errors
/// If a port, the socket or the certificate can't be had.
pub fn start(
    config: &Config,
    state: &ApiState,
    tasks: &Tasks,
    reload: ReloadListener,
) -> Result<Served, ServeError> {
    let certificate = Certificate::load(config, &state.authority, &state.clock)?;
    let clock = state.clock.clone();
    let tls_clock = TlsClock::from_fn(move || clock.unix_millis().as_secs());
    let tls = web_server(certificate.slot(), &tls_clock)?;
    let web = bind(config.web.listen, "the console", "web.listen")?;
    let metrics = config
        .metrics
        .map(|it| bind(it, "metrics", "metrics.listen"))
        .transpose()?;
    let socket = socket::bind(&config.socket)?;
    let served = Served {
        web: web.address,
        metrics: metrics.as_ref().map(|it| it.address),
    };

    let tls = RustlsAcceptor::new(RustlsConfig::from_config(tls)).handshake_timeout(HANDSHAKE_TIME);
    let bounded = |name, limits| Bounded::new(name, limits, state.clock.clone());
    let tls = tls.acceptor(bounded("web", WEB_LIMITS));
    let router = web_router(state.clone());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let handle = Handle::new();
    let server = tamed(web.server, &handle).acceptor(tls);
    run(tasks, "web", handle, server.serve(service));

    let handle = Handle::new();
    let server = tamed(socket, &handle).acceptor(bounded("local-socket", LOCAL_LIMITS));
    let service = local_router(state.clone()).into_make_service();
    run(tasks, "local-socket", handle, server.serve(service));

    if let Some(metrics) = metrics {
        let handle = Handle::new();
        let server = tamed(metrics.server, &handle).acceptor(bounded("metrics", METRICS_LIMITS));
        let service = metrics_router(state.clone()).into_make_service();
        run(tasks, "metrics", handle, server.serve(service));
    }
    let keep = move |shutdown: Shutdown| {
        let (certificate, reload) = (certificate.clone(), reload.clone());
        async move { certificate.keep(reload, &shutdown).await }
    };
    tasks.spawn_restarting(Task::worker("web-certificate"), Restart::default(), keep);
    Ok(served)
}

/// A bound TCP listener, and where it is.
struct Bound {
    server: Server<SocketAddr>,
    address: SocketAddr,
}

fn bind(
    address: SocketAddr,
    purpose: &'static str,
    setting: &'static str,
) -> Result<Bound, ServeError> {
    let bound = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Bound {
            server: axum_server::from_tcp(listener)?,
            address,
        })
    };
    bound().map_err(|source| ServeError::Bind {
        address,
        purpose,
        setting,
        source,
    })
}

/// With the bounds that the library leaves open.
fn tamed<A: Address>(mut server: Server<A>, handle: &Handle<A>) -> Server<A> {
    let builder = server.http_builder();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_TIME)
        .keep_alive_timeout(PING_TIME);
    server.handle(handle.clone())
}

/// Serves until the stop begins, then lets finish what has begun.
fn run<A: Address + Send + Sync + 'static>(
    tasks: &Tasks,
    name: &'static str,
    handle: Handle<A>,
    serving: impl Future<Output = io::Result<()>> + Send + 'static,
) {
    let shutdown = tasks.shutdown();
    tasks.spawn(Task::worker(name), OnExit::StopDaemon, async move {
        tokio::pin!(serving);
        tokio::select! {
            served = &mut serving => return served,
            () = shutdown.draining() => handle.graceful_shutdown(Some(DRAIN_TIME)),
        }
        serving.await
    });
}
