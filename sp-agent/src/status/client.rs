//! The command line's end of the local socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::check::CheckReport;
use super::credential::{CredentialAsked, CredentialTold};
use super::problem::Problem;
use super::report::Report;
use super::server::{JoinAsked, JoinTold, LeaveTold};

/// The longest that a command waits: as long as the daemon keeps a connection.
const ANSWER_MAX: Duration = Duration::from_secs(600);

/// The longest that a daemon needs to say how it is; beyond it, it hangs.
const REPORT_MAX: Duration = Duration::from_secs(10);

/// Speaks to a running daemon.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    path: PathBuf,
}

/// Why the daemon can't be spoken to, or what it says no with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon listens.
    #[error("the agent does not run (nobody listens on {})", path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
    },
    /// This user may not open the socket.
    #[error(
        "this user may not speak to the agent through {}; use sudo, or join the socket's group",
        path.display()
    )]
    Forbidden {
        /// The socket.
        path: PathBuf,
    },
    /// The socket can't be opened.
    #[error("cannot open {}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The daemon did not answer, or not rightly.
    #[error("the agent gives no right answer; see its log: journalctl -u sp-agent")]
    Http(#[from] reqwest::Error),
    /// The daemon says no.
    #[error("{}", .0.detail)]
    Refused(Problem),
}

impl Client {
    /// Makes sure that a daemon listens on the socket at `path`.
    ///
    /// # Errors
    /// If nobody does, or this user may not connect.
    pub async fn connect(path: &Path) -> Result<Self, ClientError> {
        let path = path.to_path_buf();
        if let Err(source) = UnixStream::connect(&path).await {
            return Err(match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    ClientError::NotRunning { path }
                }
                io::ErrorKind::PermissionDenied => ClientError::Forbidden { path },
                _ => ClientError::Connect { path, source },
            });
        }
        let builder = reqwest::Client::builder()
            .unix_socket(path.clone())
            // Nothing here is encrypted, and a machine that trusts no CA at all may ask as well.
            .tls_certs_only([])
            .no_proxy();
        Ok(Self {
            http: builder.timeout(ANSWER_MAX).build()?,
            path,
        })
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the daemon is.
    ///
    /// # Errors
    /// If it doesn't answer within 10 s.
    pub async fn report(&self) -> Result<Report, ClientError> {
        let request = self.request(Method::GET, "v1/status");
        answer(request.timeout(REPORT_MAX)).await
    }

    /// Has the daemon join.
    ///
    /// # Errors
    /// Why it could not.
    pub async fn join(&self, asked: &JoinAsked) -> Result<JoinTold, ClientError> {
        answer(self.request(Method::POST, "v1/join").json(asked)).await
    }

    /// Has the daemon leave.
    ///
    /// # Errors
    /// Why it could not.
    pub async fn leave(&self) -> Result<LeaveTold, ClientError> {
        answer(self.request(Method::POST, "v1/leave")).await
    }

    /// Has the daemon check its cloud, with what it has been given.
    ///
    /// # Errors
    /// If its configuration has faults.
    pub async fn check(&self) -> Result<Vec<CheckReport>, ClientError> {
        answer(self.request(Method::POST, "v1/check")).await
    }

    /// Has the daemon prove another credential at its cloud, and keep it.
    ///
    /// # Errors
    /// Why it is not kept: the one until now goes on.
    pub async fn credential(&self, asked: &CredentialAsked) -> Result<CredentialTold, ClientError> {
        answer(self.request(Method::POST, "v1/credential").json(asked)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://sp-agent/{path}"))
    }
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ClientError> {
    let response = request.send().await?;
    if response.status().is_success() {
        return Ok(response.json().await?);
    }
    Err(ClientError::Refused(response.json().await?))
}
