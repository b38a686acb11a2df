//! Speaks to the daemon through its local socket.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::pki::install_default_provider;

use super::error::CliError;
use super::words::of_commands;
use crate::api::problem::{MEDIA_TYPE, ProblemDocument};

/// The daemon bounds its own work to less than this.
const TIMEOUT: Duration = Duration::from_secs(75);

/// What is only looked up is there at once, or the daemon hangs.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Whom the requests name. Nobody looks it up: the socket leads to the daemon.
const BASE: &str = "http://localhost/api/v1";

/// A daemon's API.
pub(super) struct Client {
    http: reqwest::Client,
    socket: PathBuf,
}

impl Client {
    pub(super) fn new(socket: PathBuf) -> Result<Self, CliError> {
        // The library asks for a TLS provider, though nothing here is encrypted.
        install_default_provider();
        let http = reqwest::Client::builder()
            .unix_socket(socket.as_path())
            // It would refuse to be made where the machine trusts no CA at all.
            .tls_certs_only([])
            .no_proxy()
            .build();
        match http {
            Ok(http) => Ok(Self { http, socket }),
            Err(source) => Err(CliError::Talk { socket, source }),
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let response = self.send(Method::GET, path, None::<&()>).await?;
        self.read(response).await
    }

    /// As [`get`](Self::get), of what the daemon has to work out first.
    pub(super) async fn get_slowly<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let request = self.http.get(format!("{BASE}{path}")).timeout(TIMEOUT);
        let response = self.answer(request).await?;
        self.read(response).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, CliError> {
        let response = self.send(Method::POST, path, Some(body)).await?;
        self.read(response).await
    }

    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, CliError> {
        let response = self.send(Method::PUT, path, Some(body)).await?;
        self.read(response).await
    }

    /// A request whose answer has no body.
    pub(super) async fn act(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<(), CliError> {
        self.send(method, path, body).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Response, CliError> {
        let limit = match method {
            Method::GET => LOOK_TIMEOUT,
            _ => TIMEOUT,
        };
        let request = self.http.request(method, format!("{BASE}{path}"));
        let mut request = request.timeout(limit);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answer(request).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Response, CliError> {
        let response = request.send().await.map_err(|error| self.failed(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let kind = response.headers().get(reqwest::header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind == MEDIA_TYPE) {
            let problem: ProblemDocument = self.read(response).await?;
            return Err(CliError::Problem(Box::new(of_commands(problem))));
        }
        Err(match response.error_for_status() {
            Err(error) => self.failed(error),
            Ok(_) => CliError::Usage("the hub redirects, which it never does".to_owned()),
        })
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, CliError> {
        let bytes = response.bytes().await.map_err(|error| self.failed(error))?;
        serde_json::from_slice(&bytes).map_err(CliError::Answer)
    }

    fn failed(&self, error: reqwest::Error) -> CliError {
        let socket = self.socket.clone();
        match cause(&error) {
            Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                CliError::NotRunning { socket }
            }
            Some(io::ErrorKind::PermissionDenied) => CliError::NotAllowed { socket },
            _ => CliError::Talk {
                socket,
                source: error.without_url(),
            },
        }
    }
}

/// The operating system's reason among an error's causes.
fn cause(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

/// A name as one part of a path (RFC 3986 §2.1).
pub(super) fn escaped(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let one = |b: u8| {
        if plain(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    name.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_one_part_of_a_path() {
        assert_eq!(escaped("north-1.a_b~"), "north-1.a_b~");
        assert_eq!(escaped("a b/ü?"), "a%20b%2F%C3%BC%3F");
    }
}
