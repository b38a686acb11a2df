//! Frames of an adoption: a hub at an unjoined agent's door, one request, one answer.
//!
//! ```text
//! hub ── Look ──▶ agent ── Looked ──▶ hub          who are you?
//! hub ── Adopt ─▶ agent ── Adopted, Denied ─▶ hub  join me, and here is why you may
//! ```
//!
//! The agent is known by the key of its TLS handshake, so no frame repeats it. The account in an
//! [`Adopt`] is only ever sent to a key that an administrator has confirmed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cloud, write};
use crate::ids::{FederationId, RegionId};
use crate::wire::codec::{self, DecodeError, EncodeError};
use crate::wire::v1::{Message, Name};
use crate::wire::{List, Text};

/// The most addresses of a hub in an [`Adopt`]: as many as a membership keeps.
pub const HUB_ADDRESSES_MAX: usize = 16;

/// The longest password, in bytes: Keystone's own limit is 4,096 at most.
pub const PASSWORD_BYTES_MAX: usize = 4096;

/// Asks an agent who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look<'a> {
    /// The hub's release.
    #[serde(borrow)]
    pub software: Text<'a, 64>,
}

/// Who the agent is, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked<'a> {
    /// The agent's release.
    #[serde(borrow)]
    pub software: Text<'a, 64>,
    /// The agent's host name.
    pub host: Name<'a>,
    /// What its cloud is.
    pub cloud: Cloud<'a>,
}

/// An administrator of the agent's cloud, by whom the agent lets itself be adopted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account<'a> {
    /// The account's name.
    #[serde(borrow)]
    pub user: Name<'a>,
    /// Its password.
    pub password: Text<'a, PASSWORD_BYTES_MAX>,
    /// The account's domain, by name; the cloud's default one if not given.
    pub user_domain: Option<Name<'a>>,
    /// The project in which it is an administrator; the agent's own if not given.
    pub project: Option<Name<'a>>,
    /// The project's domain, by name; the cloud's default one if not given.
    pub project_domain: Option<Name<'a>>,
}

impl fmt::Debug for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(…)")
    }
}

/// Asks an agent to join this hub.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopt<'a> {
    /// The token of an invitation, as it is typed otherwise.
    #[serde(borrow)]
    pub token: Text<'a, 256>,
    /// Where the hub may be dialed, `host:port`, the first one first.
    pub addresses: List<Text<'a, 262>, HUB_ADDRESSES_MAX>,
    /// The port of the hub's link: to be dialed also where this very connection came from. 0 for
    /// none.
    pub link_port: u16,
    /// By whom.
    pub account: Account<'a>,
}

impl fmt::Debug for Adopt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.addresses.as_slice();
        write!(
            f,
            "Adopt(token not shown, {addresses:?}, {:?})",
            self.account
        )
    }
}

/// The agent has joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted<'a> {
    /// The region's id.
    pub region: RegionId,
    /// The region's name at the hub.
    #[serde(borrow)]
    pub name: Name<'a>,
    /// The federation.
    pub federation: FederationId,
    /// The hub's address that answered.
    pub address: Text<'a, 262>,
}

/// The agent has not joined, and its door stays open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied<'a> {
    /// [`Denial::code`].
    pub code: u16,
    /// What is wrong, for the hub's administrator.
    #[serde(borrow)]
    pub reason: Message<'a>,
    /// Not before this again, ms.
    pub retry_after_ms: u32,
}

/// Why an agent does not let itself be adopted. The number goes over the wire and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Denial {
    /// The request can't be read, or something in it is not what it should be.
    Unreadable,
    /// Another adoption is going on.
    Busy,
    /// Too many accounts were refused lately.
    TooMany,
    /// The cloud refuses account and password.
    Account,
    /// The account is no administrator.
    NotAdministrator,
    /// The cloud does not answer.
    Cloud,
    /// No hub answers at the addresses.
    Hub,
    /// The hub refuses the join.
    Join,
    /// Something failed at the agent.
    Agent,
    /// A reason of a later release.
    Other(u16),
}

impl Denial {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Unreadable => 1,
            Self::Busy => 2,
            Self::TooMany => 3,
            Self::Account => 4,
            Self::NotAdministrator => 5,
            Self::Cloud => 6,
            Self::Hub => 7,
            Self::Join => 8,
            Self::Agent => 9,
            Self::Other(code) => code,
        }
    }

    /// The reason of a number.
    pub const fn from_code(code: u16) -> Self {
        match code {
            1 => Self::Unreadable,
            2 => Self::Busy,
            3 => Self::TooMany,
            4 => Self::Account,
            5 => Self::NotAdministrator,
            6 => Self::Cloud,
            7 => Self::Hub,
            8 => Self::Join,
            9 => Self::Agent,
            code => Self::Other(code),
        }
    }

    /// The word in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Busy => "busy",
            Self::TooMany => "too many",
            Self::Account => "account",
            Self::NotAdministrator => "not an administrator",
            Self::Cloud => "cloud",
            Self::Hub => "hub",
            Self::Join => "join",
            Self::Agent => "agent",
            Self::Other(_) => "other",
        }
    }
}

/// Any frame of an adoption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdoptFrame<'a> {
    /// Hub to agent.
    Look(Look<'a>),
    /// Agent to hub.
    Looked(Looked<'a>),
    /// Hub to agent.
    Adopt(Adopt<'a>),
    /// Agent to hub.
    Adopted(Adopted<'a>),
    /// Agent to hub.
    Denied(Denied<'a>),
}

impl<'a> AdoptFrame<'a> {
    /// Appends the frame to `bytes`.
    ///
    /// # Errors
    /// None that the types allow.
    pub fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Look(it) => write(56, it, bytes),
            Self::Looked(it) => write(57, it, bytes),
            Self::Adopt(it) => write(58, it, bytes),
            Self::Adopted(it) => write(59, it, bytes),
            Self::Denied(it) => write(60, it, bytes),
        }
    }

    /// Reads a frame's payload; `None` is a kind of a later release.
    ///
    /// # Errors
    /// If a known kind does not decode.
    pub fn decode(kind: u16, payload: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            56 => Self::Look(codec::decode(payload)?),
            57 => Self::Looked(codec::decode(payload)?),
            58 => Self::Adopt(codec::decode(payload)?),
            59 => Self::Adopted(codec::decode(payload)?),
            60 => Self::Denied(codec::decode(payload)?),
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_read_as_it_was_said() {
        for code in 0..20 {
            assert_eq!(Denial::from_code(code).code(), code);
        }
    }

    #[test]
    fn neither_password_nor_token_is_shown() {
        let adopt = AdoptFrame::Adopt(Adopt {
            token: Text::cut("rg1.secret"),
            addresses: List::cut([Text::cut("hub:7443")]),
            link_port: 7443,
            account: Account {
                user: Text::cut("admin"),
                password: Text::cut("hush"),
                user_domain: None,
                project: None,
                project_domain: None,
            },
        });
        let shown = format!("{adopt:?}");
        assert!(shown.contains("hub:7443"), "{shown}");
        for secret in ["hush", "secret", "admin"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
