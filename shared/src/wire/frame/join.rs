//! Frames of a join: a connection without a client certificate, one request, one answer.
//!
//! Each request is signed by the bound key over the connection's TLS exporter (RFC 8446 §7.5), so
//! that it can't be carried over to another connection.

use serde::{Deserialize, Serialize};

use super::{Cloud, Refuse, write};
use crate::ids::{FederationId, HubId, RegionId};
use crate::wire::codec::{self, DecodeError, EncodeError};
use crate::wire::v1::Name;
use crate::wire::{Bytes, Text};

/// A region that was invited asks for its first certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join<'a> {
    /// The token's public half.
    #[serde(borrow)]
    pub token_id: Text<'a, 32>,
    /// The token's secret; only its hash is kept.
    pub secret: [u8; 32],
    /// PKCS #10 (RFC 2986) on the bound key, PEM.
    pub csr: Text<'a, 4096>,
    /// ECDSA over the TLS exporter.
    pub proof: Bytes<'a, 128>,
    /// The agent's release.
    pub software: Text<'a, 64>,
    /// The agent's host name.
    pub host: Name<'a>,
    /// What its cloud is, for the second yes.
    pub cloud: Cloud<'a>,
}

/// A region whose certificate has expired asks for another by its registered bound key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recover<'a> {
    /// Which region; believed only with `proof`.
    pub region: RegionId,
    /// PKCS #10 on the bound key, PEM.
    #[serde(borrow)]
    pub csr: Text<'a, 4096>,
    /// ECDSA over the TLS exporter.
    pub proof: Bytes<'a, 128>,
}

/// The certificate, and what the region is to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued<'a> {
    /// The region's id, the federation's own.
    pub region: RegionId,
    /// The region's name at the hub.
    #[serde(borrow)]
    pub name: Name<'a>,
    /// The federation.
    pub federation: FederationId,
    /// Its epoch.
    pub epoch: u64,
    /// The hub.
    pub hub: HubId,
    /// X.509, PEM.
    pub certificate: Text<'a, 8192>,
}

/// Any frame of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinFrame<'a> {
    /// Agent to hub.
    Join(Join<'a>),
    /// Agent to hub.
    Recover(Recover<'a>),
    /// Hub to agent.
    Issued(Issued<'a>),
    /// Hub to agent.
    Refuse(Refuse<'a>),
}

impl<'a> JoinFrame<'a> {
    /// Appends the frame to `bytes`.
    ///
    /// # Errors
    /// None that the types allow.
    pub fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Join(it) => write(48, it, bytes),
            Self::Recover(it) => write(49, it, bytes),
            Self::Issued(it) => write(50, it, bytes),
            Self::Refuse(it) => write(3, it, bytes),
        }
    }

    /// Reads a frame's payload; `None` is a kind of a later release.
    ///
    /// # Errors
    /// If a known kind does not decode.
    pub fn decode(kind: u16, payload: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            48 => Self::Join(codec::decode(payload)?),
            49 => Self::Recover(codec::decode(payload)?),
            50 => Self::Issued(codec::decode(payload)?),
            3 => Self::Refuse(codec::decode(payload)?),
            _ => return Ok(None),
        }))
    }
}
