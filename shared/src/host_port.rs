//! A host with a port, as people write it and agents dial it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A DNS name or an IP address, with a port that is not 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: u16,
}

/// A text that is no host with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostPortError {
    /// No `:port` at the end, or not a number from 1 to 65535.
    #[error("has no port at its end, which is a number from 1 to 65535")]
    Port,
    /// What stands before the port is no name and no address.
    #[error("has no DNS name or IP address; IPv6 goes in brackets before a port")]
    Host,
    /// Numbers with dots between, that are no IPv4 address.
    #[error("is no IPv4 address, which is four numbers from 0 to 255, with dots between")]
    Ipv4,
    /// It begins as a URL does.
    #[error("is a URL; write the host alone, without `https://` or a path")]
    Url,
    /// `0.0.0.0` or `::`, which is nobody's address.
    #[error("is for listening; nobody can dial it")]
    Unspecified,
}

/// The longest DNS name, in its dotted form (RFC 1035 §2.3.4).
const NAME_BYTES_MAX: usize = 253;

impl HostPort {
    /// Checks the host.
    ///
    /// # Errors
    /// If it is neither a DNS name nor an IP address, or the port is 0.
    pub fn new(host: &str, port: u16) -> Result<Self, HostPortError> {
        if port == 0 {
            return Err(HostPortError::Port);
        }
        match host.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => return Err(HostPortError::Unspecified),
            Ok(_) => {}
            Err(_) if host.contains("://") => return Err(HostPortError::Url),
            Err(_) if is_numbers(host) => return Err(HostPortError::Ipv4),
            Err(_) if is_dns_name(host) => {}
            Err(_) => return Err(HostPortError::Host),
        }
        let host = host.to_owned();
        Ok(Self { host, port })
    }

    /// This machine, for want of an address.
    pub fn localhost(port: u16) -> Self {
        Self {
            host: "localhost".to_owned(),
            port: port.max(1),
        }
    }

    /// The DNS name, or the IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Whether it is meant as an IPv4 address.
fn is_numbers(host: &str) -> bool {
    host.contains('.') && host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn is_dns_name(name: &str) -> bool {
    let label = |label: &str| {
        let letters = label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (1..=63).contains(&label.len())
            && letters
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits alone is a mistyped IPv4 address (RFC 1123 §2.1).
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|b| b.is_ascii_digit());
    name.len() <= NAME_BYTES_MAX && name.split('.').all(label) && !number
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        if text.contains("://") {
            return Err(HostPortError::Url);
        }
        let (host, port) = text.rsplit_once(':').ok_or(HostPortError::Port)?;
        let port = port.parse().map_err(|_| HostPortError::Port)?;
        match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(inner) if inner.parse::<Ipv6Addr>().is_ok() => Self::new(inner, port),
            None if !host.contains(':') => Self::new(host, port),
            _ => Err(HostPortError::Host),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_as_they_are_written() {
        for text in [
            "hub:7443",
            "hub.example.org:1",
            "10.0.0.7:65535",
            "[fe80::1]:7443",
            "a_b.c:9",
        ] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        assert_eq!("[::1]:80".parse::<HostPort>().unwrap().host(), "::1");
    }

    #[test]
    fn what_nobody_could_dial_is_told() {
        use HostPortError::{Host, Ipv4, Port, Unspecified, Url};
        for (text, expected) in [
            ("hub", Port),
            ("hub:", Port),
            ("hub:0", Port),
            ("hub:65536", Port),
            ("hub:-1", Port),
            (":7443", Host),
            ("::1:7443", Host),
            ("[hub]:7443", Host),
            ("https://hub:7443", Url),
            ("https://hub", Url),
            ("10.0.0.300:7443", Ipv4),
            ("10.0.0:7443", Ipv4),
            ("a..b:7443", Host),
            ("-a:7443", Host),
            ("0.0.0.0:7443", Unspecified),
            ("[::]:7443", Unspecified),
        ] {
            assert_eq!(text.parse::<HostPort>(), Err(expected), "{text}");
        }
        assert_eq!(
            format!("{}:1", "a.".repeat(200)).parse::<HostPort>(),
            Err(Host)
        );
    }
}
