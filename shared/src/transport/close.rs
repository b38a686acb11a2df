//! Why a connection ends, as a number on the wire and as a line for operators.

use std::fmt;

use quinn::{ConnectionError, VarInt};

use crate::foreign;
use crate::pki::handshake_advice;

/// The most characters of a peer's own words that are shown: an operator's line, not a peer's page.
const WORDS_MAX: usize = 256;

/// QUIC's transport error for a server that takes no connection now (RFC 9000 §20.1).
const CONNECTION_REFUSED: u64 = 0x02;

/// QUIC's transport errors that carry a TLS alert in their low byte (RFC 9001 §4.8).
const CRYPTO_ERRORS: std::ops::RangeInclusive<u64> = 0x100..=0x1ff;

/// TLS's alert for a certificate that has expired, or doesn't count yet (RFC 8446 §6.2).
const CERTIFICATE_EXPIRED: u8 = 45;

/// Why one side closes a connection. The number goes over the wire and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCode {
    /// Nobody closed it: what held it was dropped.
    Dropped,
    /// All was said.
    Done,
    /// The link wants a certificate of the federation, and none was shown.
    NoIdentity,
    /// As much is going on as the hub can serve.
    Busy,
    /// The session was refused; the frame before says why.
    Refused,
    /// What came breaks the protocol.
    Protocol,
    /// A frame came too slowly.
    Slow,
    /// Nothing was heard for too long.
    Silent,
    /// The same peer has connected again.
    Replaced,
    /// The peer was removed from the federation.
    Removed,
    /// The daemon stops.
    Stopping,
    /// The peer's certificate has run out while the connection was open.
    Expired,
    /// A reason of a later release.
    Other(u32),
}

impl CloseCode {
    /// The number on the wire.
    pub const fn number(self) -> u32 {
        match self {
            Self::Dropped => 0,
            Self::Done => 1,
            Self::NoIdentity => 2,
            Self::Busy => 3,
            Self::Refused => 4,
            Self::Protocol => 5,
            Self::Slow => 6,
            Self::Silent => 7,
            Self::Replaced => 8,
            Self::Removed => 9,
            Self::Stopping => 10,
            Self::Expired => 11,
            Self::Other(number) => number,
        }
    }

    /// The reason of a number.
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Dropped,
            1 => Self::Done,
            2 => Self::NoIdentity,
            3 => Self::Busy,
            4 => Self::Refused,
            5 => Self::Protocol,
            6 => Self::Slow,
            7 => Self::Silent,
            8 => Self::Replaced,
            9 => Self::Removed,
            10 => Self::Stopping,
            11 => Self::Expired,
            number => Self::Other(number),
        }
    }

    pub(super) fn var_int(self) -> VarInt {
        VarInt::from_u32(self.number())
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dropped => "it ended without a word",
            Self::Done => "all was said",
            Self::NoIdentity => "no valid certificate was shown: join, or recover by the key",
            Self::Busy => "too much is going on: it is tried again by itself",
            Self::Refused => "the session was refused",
            Self::Protocol => "what came breaks the protocol: compare the versions of both sides",
            Self::Slow => "a frame came too slowly: look at the line's capacity",
            Self::Silent => "nothing was heard: look at the network in this one direction",
            Self::Replaced => "the same peer connected again",
            Self::Removed => "the region was removed from the federation",
            Self::Stopping => "the daemon stops",
            Self::Expired => "the certificate has run out: see why it was not renewed",
            Self::Other(number) => return write!(f, "reason {number} of a later release"),
        })
    }
}

/// Why a connection is gone, in words for an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// Nothing came for the idle timeout.
    #[error("nothing came from the other side any more: it is down, or the network between is")]
    TimedOut,
    /// A stateless reset (RFC 9000 §10.3).
    #[error("the other side was restarted and does not know this connection any more")]
    Restarted,
    /// It takes no connection.
    #[error("the other side takes no connection now: it is busy, and will be tried again")]
    Unaccepting,
    /// The TLS handshake failed.
    #[error("{} (TLS alert {alert}, {})", advice(*alert), side(*by_peer))]
    Handshake {
        /// The alert's number (RFC 8446 §6).
        alert: u8,
        /// Who refused: the other side, or this one.
        by_peer: bool,
        /// The library's words, for the log.
        detail: String,
    },
    /// The other side closed it.
    #[error("the other side closed the connection: {code}{}", words(reason))]
    ByPeer {
        /// Why.
        code: CloseCode,
        /// Its own words, made safe to show; may be empty.
        reason: String,
    },
    /// This side closed it.
    #[error("closed by this side: {code}{}", words(reason))]
    Here {
        /// Why.
        code: CloseCode,
        /// In words; may be empty.
        reason: String,
    },
    /// No QUIC version in common.
    #[error("the other side speaks no QUIC version of ours: check that it is the hub's link port")]
    Version,
    /// The QUIC protocol was broken, by either side.
    #[error("the QUIC connection broke ({0}): a defect, or a device that meddles with it")]
    Transport(String),
}

impl Loss {
    /// Whether the other side took this side's certificate for one that has expired or does not
    /// count yet, by its own clock.
    pub const fn is_out_of_date(&self) -> bool {
        let Self::Handshake { alert, by_peer, .. } = self else {
            return false;
        };
        *alert == CERTIFICATE_EXPIRED && *by_peer
    }
}

impl From<ConnectionError> for Loss {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::Reset => Self::Restarted,
            ConnectionError::VersionMismatch => Self::Version,
            ConnectionError::LocallyClosed => Self::Here {
                code: CloseCode::Dropped,
                reason: String::new(),
            },
            ConnectionError::ApplicationClosed(close) => Self::ByPeer {
                code: CloseCode::from_number(
                    u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX),
                ),
                reason: shown(&close.reason),
            },
            ConnectionError::ConnectionClosed(close) => {
                transport(close.error_code.into(), shown(&close.reason), true)
            }
            ConnectionError::TransportError(error) => {
                transport(error.code.into(), shown(error.reason.as_bytes()), false)
            }
            ConnectionError::CidsExhausted => Self::Transport(error.to_string()),
        }
    }
}

fn transport(code: u64, detail: String, by_peer: bool) -> Loss {
    if code == CONNECTION_REFUSED {
        Loss::Unaccepting
    } else if CRYPTO_ERRORS.contains(&code) {
        Loss::Handshake {
            // The range leaves just the low byte.
            alert: (code & 0xff) as u8,
            by_peer,
            detail,
        }
    } else {
        Loss::Transport(format!("error {code:#x}{}", words(&detail)))
    }
}

/// A peer's words in one line.
fn shown(reason: &[u8]) -> String {
    // Four bytes a character at most, so that what is cut was not to be shown anyway.
    let reason = reason.get(..WORDS_MAX * 4).unwrap_or(reason);
    let line = foreign::line(&String::from_utf8_lossy(reason));
    line.chars().take(WORDS_MAX).collect()
}

fn words(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    }
}

fn advice(alert: u8) -> &'static str {
    handshake_advice(alert).unwrap_or("the TLS handshake failed: a defect, or an attack")
}

const fn side(by_peer: bool) -> &'static str {
    if by_peer {
        "raised by the other side"
    } else {
        "raised by this side"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_as_it_was_written() {
        for number in 0..20 {
            assert_eq!(CloseCode::from_number(number).number(), number);
        }
    }

    #[test]
    fn an_alert_tells_what_to_do() {
        let loss = transport(0x100 + 45, "certificate expired".into(), true);
        let text = loss.to_string();
        assert!(text.contains("compare the clocks"), "{text}");
        assert!(
            text.contains("alert 45, raised by the other side"),
            "{text}"
        );
        assert!(loss.is_out_of_date());
        assert!(!transport(0x100 + 45, String::new(), false).is_out_of_date());
        assert!(!transport(0x100 + 42, String::new(), true).is_out_of_date());
        assert_eq!(transport(0x02, String::new(), true), Loss::Unaccepting);
        let defect = transport(0x0a, "x".into(), false).to_string();
        assert!(defect.contains("error 0xa: x"), "{defect}");
    }

    #[test]
    fn a_peers_words_are_cut_and_harmless() {
        let hostile = "é\n\u{1b}[31m".repeat(10_000);
        let text = shown(hostile.as_bytes());
        assert_eq!(text.chars().count(), WORDS_MAX);
        assert!(!text.chars().any(char::is_control));
        assert_eq!(shown(&[0xff, b'a']), "\u{fffd}a");
    }
}
