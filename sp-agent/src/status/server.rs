//! The daemon's end of the local socket, and the metrics' own listener.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use shared::runtime::shutdown::Shutdown;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tower_http::limit::RequestBodyLimitLayer;

use super::bounded::Bounded;
use super::check::CheckReport;
use super::credential::{CredentialAsked, CredentialTold};
use super::problem::Problem;
use super::report::Report;
use crate::join::Joined;

/// Owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// The largest body taken, in bytes: a credential of a long secret, each letter of it escaped.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Connections at once: some commands and a scraper. More wait.
const CONNECTIONS_MAX: usize = 32;

/// A connection's longest life: a check of a slow cloud is the longest command.
const CONNECTION_LIFE: Duration = Duration::from_secs(600);

/// A scraper's connection ends sooner, since strangers may reach its listener.
const SCRAPE_LIFE: Duration = Duration::from_secs(60);

/// How long open connections may hold up the stop: what they ask for is stopping too.
const DRAIN_MAX: Duration = Duration::from_secs(2);

/// What the socket can ask of the daemon.
#[async_trait]
pub trait Operations: Send + Sync + 'static {
    /// How the daemon is.
    async fn report(&self) -> Report;
    /// Joins a federation.
    async fn join(&self, asked: JoinAsked) -> Result<JoinTold, Problem>;
    /// Leaves the federation.
    async fn leave(&self) -> Result<LeaveTold, Problem>;
    /// Reads the configuration file anew, and asks the cloud.
    async fn check(&self) -> Result<Vec<CheckReport>, Problem>;
    /// Proves another credential at the cloud, and keeps it.
    async fn credential(&self, asked: CredentialAsked) -> Result<CredentialTold, Problem>;
    /// Prometheus' text format.
    fn metrics(&self) -> String;
}

/// What a join takes.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinAsked {
    /// The token's text.
    pub token: String,
    /// Where the hub may be dialed, `host:port`; those of the configuration, if there are none.
    pub hubs: Vec<String>,
}

impl std::fmt::Debug for JoinAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JoinAsked(token not shown, {:?})", self.hubs)
    }
}

/// What came of a join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinTold {
    /// The region's name at the hub.
    pub name: String,
    /// The region's id.
    pub region: String,
    /// The federation's id.
    pub federation: String,
    /// The bound key's fingerprint.
    pub key: String,
    /// Why the cloud could not be described to the hub's administrator, if it could not.
    pub warning: Option<String>,
}

impl JoinTold {
    /// What there is to say about a join.
    pub fn new(joined: &Joined, warning: Option<String>) -> Self {
        Self {
            name: joined.membership.name.clone(),
            region: joined.membership.region.to_string(),
            federation: joined.membership.federation.to_string(),
            key: joined.fingerprint.to_string(),
            warning,
        }
    }
}

/// What came of a leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveTold {
    /// Where the membership was moved to.
    pub kept: String,
    /// Whether the hub heard of it.
    pub hub_told: bool,
    /// Whether the hub had removed the region before, so that it need not hear.
    #[serde(default)]
    pub was_removed: bool,
}

/// Why the socket or the metrics' listener can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another daemon answers on the socket.
    #[error("another sp-agent listens on {}; stop it, or give this one its own socket",
        path.display())]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// What is there is no socket.
    #[error("{} is in the way of the local socket; move it away", path.display())]
    NotSocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket can't be bound.
    #[error(
        "cannot listen on {}; is its directory there, and writable for this user?",
        path.display()
    )]
    Bind {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The metrics' address can't be bound.
    #[error("cannot serve metrics on {address}; is the port taken?")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A listener failed while it served.
    #[error("the listener failed")]
    Serve(#[source] io::Error),
}

/// The listeners, bound.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    socket: UnixListener,
    metrics: Option<TcpListener>,
}

type Shared = State<Arc<dyn Operations>>;

impl Server {
    /// Binds the local socket, and the metrics' listener where one is configured. Within a Tokio
    /// runtime.
    ///
    /// # Errors
    /// If another daemon answers there, or an address can't be had. A socket that a killed daemon
    /// left behind is replaced.
    pub async fn bind(path: &Path, metrics: Option<SocketAddr>) -> Result<Self, ServerError> {
        clear(path).await?;
        let failed = |source| ServerError::Bind {
            path: path.into(),
            source,
        };
        let socket = UnixListener::bind(path).map_err(failed)?;
        fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
        let metrics = match metrics {
            Some(address) => {
                let failed = |source| ServerError::Metrics { address, source };
                Some(TcpListener::bind(address).await.map_err(failed)?)
            }
            None => None,
        };
        Ok(Self {
            path: path.into(),
            socket,
            metrics,
        })
    }

    /// Where the metrics' listener is bound.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }

    /// Serves until the daemon stops.
    ///
    /// # Errors
    /// If a listener fails.
    pub async fn run(
        self,
        operations: Arc<dyn Operations>,
        shutdown: Shutdown,
    ) -> Result<(), ServerError> {
        let local = Bounded::new(self.socket, CONNECTIONS_MAX, CONNECTION_LIFE);
        let local = serve(local, router(Arc::clone(&operations)), &shutdown);
        let scraped = async {
            match self.metrics {
                Some(listener) => {
                    let listener = Bounded::new(listener, CONNECTIONS_MAX, SCRAPE_LIFE);
                    serve(listener, metrics_router(operations), &shutdown).await
                }
                None => Ok(()),
            }
        };
        let served = async { tokio::try_join!(local, scraped) };
        let limit = async {
            shutdown.draining().await;
            tokio::time::sleep(DRAIN_MAX).await;
        };
        let outcome = tokio::select! {
            outcome = served => outcome.map(|_| ()).map_err(ServerError::Serve),
            () = limit => Ok(()),
        };
        // The next start would replace it; a command in between should hear that nobody is there.
        let _ = fs::remove_file(&self.path);
        outcome
    }
}

async fn serve<L>(listener: Bounded<L>, router: Router, shutdown: &Shutdown) -> io::Result<()>
where
    L: axum::serve::Listener,
    L::Addr: std::fmt::Debug,
{
    let shutdown = shutdown.clone();
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { shutdown.draining().await })
        .await
}

/// Removes a socket that nobody listens on.
async fn clear(path: &Path) -> Result<(), ServerError> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(ServerError::NotSocket { path: path.into() });
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(ServerError::Taken { path: path.into() });
    }
    fs::remove_file(path).map_err(|source| ServerError::Bind {
        path: path.into(),
        source,
    })
}

/// Everything that is served through the local socket.
pub(super) fn router(operations: Arc<dyn Operations>) -> Router {
    Router::new()
        .route("/v1/status", get(report))
        .route("/v1/join", post(join))
        .route("/v1/leave", post(leave))
        .route("/v1/check", post(check))
        .route("/v1/credential", post(credential))
        .route("/metrics", get(metrics))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "Nothing has this address.") })
        // An announced length beyond the limit is refused at once, without waiting for the body.
        .layer(RequestBodyLimitLayer::new(BODY_BYTES_MAX))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(operations)
}

fn metrics_router(operations: Arc<dyn Operations>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(operations)
}

async fn report(State(operations): Shared) -> Json<Report> {
    Json(operations.report().await)
}

async fn join(
    State(operations): Shared,
    asked: Result<Json<JoinAsked>, JsonRejection>,
) -> Result<Json<JoinTold>, Problem> {
    let Json(asked) = asked.map_err(|error| Problem::invalid(error.body_text()))?;
    operations.join(asked).await.map(Json)
}

async fn leave(State(operations): Shared) -> Result<Json<LeaveTold>, Problem> {
    operations.leave().await.map(Json)
}

async fn check(State(operations): Shared) -> Result<Json<Vec<CheckReport>>, Problem> {
    operations.check().await.map(Json)
}

async fn credential(
    State(operations): Shared,
    asked: Result<Json<CredentialAsked>, JsonRejection>,
) -> Result<Json<CredentialTold>, Problem> {
    // The library's own words may quote what was sent.
    let Json(asked) = asked.map_err(|_| Problem::invalid("the body is no credential"))?;
    operations.credential(asked).await.map(Json)
}

async fn metrics(State(operations): Shared) -> ([(&'static str, &'static str); 1], String) {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([("content-type", kind)], operations.metrics())
}
