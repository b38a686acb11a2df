//! Just enough HTTP to ask a service on this machine whether it is ready.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A service on a loaded machine may take long over its first request.
const REPLY_WITHIN: Duration = Duration::from_secs(30);
/// The longest reply that is read; a catalog or a list of one host is far shorter.
const REPLY_BYTES_MAX: u64 = 1024 * 1024;

/// A reply's status, headers and body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// As in 200.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    /// The value of a header, whose name is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body; null when it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// `GET path` from a port of this machine, as the owner of `token`.
pub(crate) fn get(port: u16, path: &str, token: Option<&str>) -> io::Result<Reply> {
    let token = token
        .map(|token| format!("X-Auth-Token: {token}\r\n"))
        .unwrap_or_default();
    exchange(
        port,
        &format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{token}\r\n"),
    )
}

/// `POST path` with a JSON body.
pub(crate) fn post(port: u16, path: &str, body: &Value) -> io::Result<Reply> {
    let body = body.to_string();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n");
    let kind = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    exchange(port, &format!("{head}{kind}{body}"))
}

/// HTTP/1.0: the reply comes unchunked, and the connection's end ends it.
fn exchange(port: u16, request: &str) -> io::Result<Reply> {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let mut stream = TcpStream::connect_timeout(&address.into(), REPLY_WITHIN)?;
    stream.set_read_timeout(Some(REPLY_WITHIN))?;
    stream.set_write_timeout(Some(REPLY_WITHIN))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(REPLY_BYTES_MAX).read_to_end(&mut bytes)?;
    parse(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the reply is not HTTP"))
}

fn parse(text: &str) -> Option<Reply> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()?
        .strip_prefix("HTTP/1.")?
        .split(' ')
        .nth(1)?
        .parse()
        .ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Reply {
        status,
        headers,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_taken_apart() {
        let text = "HTTP/1.1 201 CREATED\r\nX-Subject-Token: gAAA\r\nVary: a\r\n\r\n{\"n\": 1}";
        let reply = parse(text).unwrap();
        assert_eq!(reply.status, 201);
        assert_eq!(reply.header("x-subject-token"), Some("gAAA"));
        assert_eq!(reply.header("absent"), None);
        assert_eq!(reply.json().get("n"), Some(&Value::from(1)));
    }

    #[test]
    fn what_is_not_http_is_no_reply() {
        for text in [
            "",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nunfinished",
            "HTTP/1.1 x\r\n\r\n",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        let reply = parse("HTTP/1.0 503 Busy\r\n\r\nnot json").unwrap();
        assert_eq!(reply.json(), Value::Null);
    }
}
