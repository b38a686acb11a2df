//! One request and its answer, within bounds; nothing of OpenStack but its headers.
//!
//! Redirects are not followed: the token would go wherever a catalog entry or a proxy points. The
//! environment's proxies are not used: the agent stands beside its cloud, and its configuration
//! says all.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response};
use shared::model::UnixMillis;
use shared::runtime::clock::Clock;

use super::fault;
use super::options::{Options, Secret};
use super::setup::SetupError;
use super::tls;

/// A page of 1000 servers has 3 to 6 MB, and more only where tenants stuff their servers' user
/// data; the pager then asks for smaller ones, because memory is finite.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Longer than any handshake over a line on which a cloud could be used.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Services close idle connections after 5 to 75 s; being first avoids sending into a closed one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Sends requests. Holds the connections.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    clock: Clock,
}

/// What a service answered, whether it is good or not.
#[derive(Debug)]
pub(super) struct Answer {
    /// The service's address, for errors about what is in the answer.
    pub(super) endpoint: String,
    pub(super) status: u16,
    /// The service's own clock.
    pub(super) date: Option<UnixMillis>,
    pub(super) retry_after: Option<Duration>,
    /// Keystone's new token.
    pub(super) subject_token: Option<Secret>,
    /// Where it would rather have been asked.
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
    /// From the request's first byte to the answer's last.
    pub(super) latency: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// No connection came about, so that nobody was asked.
    Unconnected(String),
    /// The connection broke; the service may have done what was asked.
    Broken(String),
    /// Nothing came in time, or not the whole of it.
    Slow(String),
    /// It is longer than [`BODY_BYTES_MAX`].
    TooLong,
}

impl NoAnswer {
    pub(super) fn too_long() -> String {
        format!(
            "it is longer than {} MiB, more than such an answer can be; see what answers in that \
             service's place",
            BODY_BYTES_MAX / (1024 * 1024)
        )
    }
}

impl Http {
    /// Sets up TLS and time limits. Asks nobody.
    pub(super) fn new(options: &Options, clock: Clock) -> Result<Self, SetupError> {
        let certificates = tls::certificates(options.ca_file.as_deref())?;
        let builder = || {
            Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(options.request_timeout)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(options.concurrency_max)
                .user_agent(concat!("regroup-sp-agent/", env!("CARGO_PKG_VERSION")))
        };
        let trusts_nobody = certificates.is_empty();
        let client = match builder().tls_certs_merge(certificates).build() {
            // Where the machine has no CA either. A cloud without TLS can be read all the same, and
            // one with it says that its certificate's issuer is not known.
            Err(_) if trusts_nobody => builder().tls_certs_only([]).build(),
            built => built,
        };
        let client = client.map_err(|source| SetupError::Http { source })?;
        Ok(Self { client, clock })
    }

    /// The client, to make a request with.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request, and reads the answer whole.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        let begun = self.clock.now();
        let mut response = request.send().await.map_err(broken)?;
        let body = body(&mut response).await?;
        let headers = response.headers();
        let date = text(headers.get(DATE)).and_then(http_date);
        Ok(Answer {
            endpoint: String::new(),
            status: response.status().as_u16(),
            date,
            retry_after: retry_after(headers, date),
            subject_token: text(headers.get("x-subject-token")).map(Secret::new),
            location: text(headers.get(LOCATION)).map(fault::one_line),
            body,
            latency: self.clock.now().saturating_duration_since(begun),
        })
    }
}

async fn body(response: &mut Response) -> Result<Vec<u8>, NoAnswer> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(NoAnswer::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The whole chain of causes, because its head only says "error sending request".
fn broken(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    // Where not even the connection is made, the question has burdened nobody.
    let is_connected = !error.is_connect();
    let is_slow = error.is_timeout();
    let mut causes: Vec<String> = Vec::new();
    let mut next: Option<&dyn Error> = Some(&error);
    while let Some(cause) = next {
        let line = fault::one_line(&cause.to_string());
        if !causes.iter().any(|known| known.contains(&line)) {
            causes.push(line);
        }
        next = cause.source();
    }
    let mut reason = causes.join(": ");
    if reason.contains("UnknownIssuer") {
        reason.push_str("; set ca_file to the certificate of the CA that signed it");
    }
    match (is_connected, is_slow) {
        (false, _) => NoAnswer::Unconnected(reason),
        (true, true) => NoAnswer::Slow(reason),
        (true, false) => NoAnswer::Broken(reason),
    }
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value?.to_str().ok()
}

/// RFC 9110 §10.2.3: seconds, or a date.
fn retry_after(headers: &HeaderMap, date: Option<UnixMillis>) -> Option<Duration> {
    let value = text(headers.get(RETRY_AFTER))?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(http_date(value)?.since(date?)),
    }
}

/// RFC 9110 §5.6.7, in the one form that servers may send.
fn http_date(text: &str) -> Option<UnixMillis> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    let seconds = u64::try_from(zoned.timestamp().as_second()).ok()?;
    Some(UnixMillis::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(retry_after: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(retry_after) {
            headers.insert(RETRY_AFTER, value);
        }
        headers
    }

    #[test]
    fn the_wish_to_wait_is_seconds_or_a_date_by_the_servers_clock() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date, Some(UnixMillis(784_111_777_000)));
        for (value, wait_s) in [
            ("7", Some(7)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let wait = retry_after(&headers(value), date);
            assert_eq!(wait, wait_s.map(Duration::from_secs), "{value}");
        }
        let in_words = headers("Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(retry_after(&in_words, None), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_passed_over(text in "\\PC{0,40}") {
            let _ = retry_after(&headers(&text), http_date(&text));
        }
    }
}
