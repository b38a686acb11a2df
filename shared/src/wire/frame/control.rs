//! Frames of the control stream: greeting, heartbeats, acknowledgements.

use serde::{Deserialize, Serialize};

use super::write;
use crate::ids::{FederationId, FeedId, HubId};
use crate::model::{CloudDescription, CloudKind};
use crate::wire::codec::{self, DecodeError, EncodeError};
use crate::wire::v1::Name;
use crate::wire::{List, Text};

/// The agent's first frame. Who it is stands in its certificate, never here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// Lowest and highest protocol version that the agent speaks.
    pub versions: (u16, u16),
    /// The codec of all frames: [`codec::CODEC`].
    pub codec: u8,
    /// The agent's release, for the operator.
    #[serde(borrow)]
    pub software: Text<'a, 64>,
    /// The agent's host name, for the operator.
    pub host: Name<'a>,
    /// What its cloud is.
    pub cloud: Cloud<'a>,
    /// The federation and epoch that the agent follows.
    pub federation: FederationId,
    /// See `federation`.
    pub epoch: u64,
    /// The feeds that it has to offer.
    pub offers: List<Offer, 16>,
}

/// What the agent's cloud is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cloud<'a> {
    /// [`cloud_kind_code`].
    pub kind: u8,
    /// A line for people.
    #[serde(borrow)]
    pub version: Text<'a, 256>,
    /// Where its API is.
    pub endpoint: Text<'a, 512>,
}

/// A feed that a sender has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// [`feed_code`](super::feed_code).
    pub feed: u8,
    /// Which life of it.
    pub id: FeedId,
    /// The newest sequence number.
    pub head: u64,
}

/// The hub's answer to a [`Hello`] that it accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol version to speak.
    pub version: u16,
    /// The hub's federation.
    pub federation: FederationId,
    /// Its epoch.
    pub epoch: u64,
    /// The hubs from the root down to this one. A hub that finds itself in it refuses.
    pub path: List<HubId, 16>,
    /// How often the agent must be heard, ms.
    pub heartbeat_ms: u32,
    /// Whether the hub's administrator has confirmed this region.
    pub standing: Standing,
    /// How far the hub has got in each feed that was offered.
    pub cursors: List<Cursor, 16>,
}

/// Whether a region may report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It waits for the hub's administrator; no feeds yet.
    Pending,
    /// It may.
    Accepted,
}

/// How far a receiver has got in a feed.
///
/// On its own a request: go on from here. A receiver that can't go on names [`FeedId::NONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// [`feed_code`](super::feed_code).
    pub feed: u8,
    /// Which life of it.
    pub id: FeedId,
    /// The sequence number up to which everything is durable at the receiver.
    pub seq: u64,
    /// Whether that is in the middle of a snapshot.
    pub phase: Phase,
}

/// What a receiver holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// All that the feed held at the cursor.
    Live,
    /// The beginning of a snapshot, and beneath it what was there before.
    Snapshot,
}

/// All of a feed up to a sequence number is durable at the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// [`feed_code`](super::feed_code).
    pub feed: u8,
    /// The last sequence number of a batch.
    pub seq: u64,
}

/// The hub's answer to a [`Hello`] that it does not accept. It closes afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refuse<'a> {
    /// A [`Refusal`]'s number.
    pub code: u16,
    /// What is wrong and what to do, for the agent's operator.
    #[serde(borrow)]
    pub reason: Text<'a, 512>,
    /// Not before so many milliseconds again.
    pub retry_after_ms: u32,
}

/// Why a hub refuses a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No protocol version in common.
    Version,
    /// The region was removed, or its key is not the registered one.
    Removed,
    /// Another federation.
    Federation,
    /// The agent's epoch is higher: this hub was superseded.
    StaleEpoch,
    /// The hub has as many sessions as it can serve.
    Busy,
    /// The frame was not what it should be.
    Protocol,
    /// The hub has never heard of the region: it was restored from a backup that is older. An agent
    /// of before takes it for [`Other`](Self::Other), and shows the hub's words.
    Unknown,
    /// A reason of a later release.
    Other(u16),
}

impl Refusal {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Version => 1,
            Self::Removed => 2,
            Self::Federation => 3,
            Self::StaleEpoch => 4,
            Self::Busy => 5,
            Self::Protocol => 6,
            Self::Unknown => 7,
            Self::Other(code) => code,
        }
    }

    /// The reason of a number.
    pub const fn from_code(code: u16) -> Self {
        match code {
            1 => Self::Version,
            2 => Self::Removed,
            3 => Self::Federation,
            4 => Self::StaleEpoch,
            5 => Self::Busy,
            6 => Self::Protocol,
            7 => Self::Unknown,
            code => Self::Other(code),
        }
    }
}

/// The agent lives. Any other frame says so too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Rises by one; a gap tells the hub's log of a stalled agent.
    pub count: u32,
}

/// The sender closes in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goodbye {
    /// The agent stops and will be back (restart, upgrade).
    Stopping,
    /// The region leaves the federation: its key may be forgotten.
    Leaving,
}

/// A request for a new certificate on the bound key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew<'a> {
    /// PKCS #10 (RFC 2986), PEM.
    #[serde(borrow)]
    pub csr: Text<'a, 4096>,
}

/// A new certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed<'a> {
    /// X.509, PEM.
    #[serde(borrow)]
    pub certificate: Text<'a, 8192>,
}

/// What the region is called at the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named<'a> {
    /// Its present name.
    #[serde(borrow)]
    pub name: Name<'a>,
}

/// Whether the agent can keep anything new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeping<'a> {
    /// Why it can't, if it can't: for the hub's operator.
    #[serde(borrow)]
    pub fault: Option<Text<'a, 512>>,
}

/// The key that secrets for this agent are sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    /// The public half, as [`PublicSealingKey`](crate::pki::PublicSealingKey) has it.
    pub key: [u8; 32],
}

/// Any frame of the control stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control<'a> {
    /// Agent to hub, first.
    Hello(Hello<'a>),
    /// Hub to agent, first.
    Welcome(Welcome),
    /// Hub to agent, instead of `Welcome` or at any time.
    Refuse(Refuse<'a>),
    /// Agent to hub.
    Heartbeat(Heartbeat),
    /// Receiver of a feed to its sender.
    Ack(Ack),
    /// Receiver of a feed to its sender: go on from here.
    Cursor(Cursor),
    /// Either way.
    Goodbye(Goodbye),
    /// Hub to agent: the administrator has confirmed the region, or no longer does.
    Standing(Standing),
    /// Agent to hub.
    Renew(Renew<'a>),
    /// Hub to agent.
    Renewed(Renewed<'a>),
    /// Agent to hub: what its cloud is, found out or changed since `Hello`.
    Describe(Cloud<'a>),
    /// Hub to agent: after `Welcome`, and when the region gets another name.
    Named(Named<'a>),
    /// Agent to hub, when it changes. A session begins with an agent that can keep what is new.
    Keeping(Keeping<'a>),
    /// Agent to hub, once a session.
    Sealing(Sealing),
}

impl<'a> Control<'a> {
    /// Appends the frame to `bytes`.
    ///
    /// # Errors
    /// None that the types allow.
    pub fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Hello(it) => write(1, it, bytes),
            Self::Welcome(it) => write(2, it, bytes),
            Self::Refuse(it) => write(3, it, bytes),
            Self::Heartbeat(it) => write(4, it, bytes),
            Self::Ack(it) => write(5, it, bytes),
            Self::Cursor(it) => write(6, it, bytes),
            Self::Goodbye(it) => write(7, it, bytes),
            Self::Standing(it) => write(8, it, bytes),
            Self::Renew(it) => write(9, it, bytes),
            Self::Renewed(it) => write(10, it, bytes),
            Self::Describe(it) => write(11, it, bytes),
            Self::Named(it) => write(12, it, bytes),
            Self::Keeping(it) => write(13, it, bytes),
            Self::Sealing(it) => write(14, it, bytes),
        }
    }

    /// Reads a frame's payload; `None` is a kind of a later release.
    ///
    /// # Errors
    /// If a known kind does not decode.
    pub fn decode(kind: u16, payload: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            1 => Self::Hello(codec::decode(payload)?),
            2 => Self::Welcome(codec::decode(payload)?),
            3 => Self::Refuse(codec::decode(payload)?),
            4 => Self::Heartbeat(codec::decode(payload)?),
            5 => Self::Ack(codec::decode(payload)?),
            6 => Self::Cursor(codec::decode(payload)?),
            7 => Self::Goodbye(codec::decode(payload)?),
            8 => Self::Standing(codec::decode(payload)?),
            9 => Self::Renew(codec::decode(payload)?),
            10 => Self::Renewed(codec::decode(payload)?),
            11 => Self::Describe(codec::decode(payload)?),
            12 => Self::Named(codec::decode(payload)?),
            13 => Self::Keeping(codec::decode(payload)?),
            14 => Self::Sealing(codec::decode(payload)?),
            _ => return Ok(None),
        }))
    }
}

impl<'a> From<&'a CloudDescription> for Cloud<'a> {
    fn from(it: &'a CloudDescription) -> Self {
        Self {
            kind: cloud_kind_code(it.kind),
            version: Text::cut(&it.version),
            endpoint: Text::cut(&it.endpoint),
        }
    }
}

impl From<CloudDescription> for Cloud<'static> {
    fn from(it: CloudDescription) -> Self {
        Self {
            kind: cloud_kind_code(it.kind),
            version: Text::cut_owned(it.version),
            endpoint: Text::cut_owned(it.endpoint),
        }
    }
}

impl Cloud<'_> {
    /// The description that it is.
    pub fn description(&self) -> CloudDescription {
        CloudDescription {
            kind: cloud_kind(self.kind),
            version: self.version.as_str().to_owned(),
            endpoint: self.endpoint.as_str().to_owned(),
        }
    }
}

/// The number by which a cloud's kind goes onto the wire and into stores. Never reused.
pub const fn cloud_kind_code(kind: CloudKind) -> u8 {
    match kind {
        CloudKind::Other => 0,
        CloudKind::OpenStack => 1,
        CloudKind::Kubernetes => 2,
        CloudKind::Simulated => 3,
    }
}

/// The kind of a number; one of a later release is [`CloudKind::Other`].
pub const fn cloud_kind(code: u8) -> CloudKind {
    match code {
        1 => CloudKind::OpenStack,
        2 => CloudKind::Kubernetes,
        3 => CloudKind::Simulated,
        _ => CloudKind::Other,
    }
}
