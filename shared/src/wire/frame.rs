//! Frames: what stands on a stream, one after another.
//!
//! ```text
//! kind: u16 LE · len: u32 LE · len bytes of payload
//! ```
//!
//! A frame of a kind that only a later release knows is read over. The protocol's major version is
//! the ALPN, the minor one is agreed by [`Hello`] and [`Welcome`], so a frame need not repeat it.

mod adopt;
mod call;
mod control;
mod credential;
mod feed;
mod gathered;
mod join;

pub use adopt::{
    Account, Adopt, AdoptFrame, Adopted, Denial, Denied, HUB_ADDRESSES_MAX, Look, Looked,
    PASSWORD_BYTES_MAX,
};
pub use call::{Answer, Call, Check, Checked, Unable};
pub use control::{
    Ack, Cloud, Control, Cursor, Goodbye, Heartbeat, Hello, Keeping, Named, Offer, Phase, Refusal,
    Refuse, Renew, Renewed, Sealing, Standing, Welcome, cloud_kind, cloud_kind_code,
};
pub use credential::{Fate, Give, Given, decode_credential, encode_credential};
pub use feed::{Batch, BatchRecord, FeedFrame, Open, RECORDS_MAX, Start};
pub use gathered::{GatherError, Gathered, Row};
pub use join::{Issued, Join, JoinFrame, Recover};

use super::codec::{self, DecodeError, EncodeError};
use crate::model::Feed;

/// The protocol versions that this release speaks: the current one and the one before it. Version 2
/// brought organizations: the feed of them, and the directory's way back.
pub const PROTOCOL: (u16, u16) = (1, 2);

/// The number of the feed by which a hub tells an agent the directory. Those of feeds that go from
/// a hub to its agents begin here; see [`feed_code`] for the others.
pub const DIRECTORY_FEED: u8 = 128;

/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 6;

/// The most bytes of a frame's payload on a control or join stream: the largest is a `Renewed`
/// with a certificate chain, some 4 KiB.
pub const CONTROL_BYTES_MAX: usize = 16 << 10;

/// The most bytes of a frame's payload on a feed stream.
pub const FEED_BYTES_MAX: usize = codec::VALUE_BYTES_MAX;

/// The beginning of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub kind: u16,
    /// How long its payload is, in bytes.
    pub len: usize,
}

impl Header {
    /// Reads a header and checks the announced length against the stream's cap.
    ///
    /// # Errors
    /// If the payload would be longer than `len_max`: nothing of it is then worth reading.
    pub fn read(bytes: [u8; HEADER_BYTES], len_max: usize) -> Result<Self, DecodeError> {
        let [k0, k1, l0, l1, l2, l3] = bytes;
        let kind = u16::from_le_bytes([k0, k1]);
        // On a machine of 16 bits the cap refuses what the cast cuts.
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if len > len_max {
            Err(DecodeError::TooLong { len })
        } else {
            Ok(Self { kind, len })
        }
    }
}

/// Appends a whole frame to `bytes`.
///
/// # Errors
/// If the payload is too long; `bytes` is then as it was.
fn write<T: serde::Serialize>(
    kind: u16,
    payload: &T,
    bytes: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = bytes.len();
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    codec::encode_into(payload, bytes).inspect_err(|_| bytes.truncate(start))?;
    let len = (bytes.len() - start - HEADER_BYTES) as u32;
    if let Some(field) = bytes.get_mut(start + 2..start + HEADER_BYTES) {
        field.copy_from_slice(&len.to_le_bytes());
    }
    Ok(())
}

/// The number by which a feed goes onto the wire. Never reused, never changed.
pub const fn feed_code(feed: Feed) -> u8 {
    match feed {
        Feed::Inventory => 1,
        Feed::Quota => 2,
        Feed::Health => 3,
        Feed::Samples => 4,
        Feed::Organization => 5,
    }
}

/// The protocol version from which on a feed is sent: an older hub would take it for a fault.
pub const fn feed_version(feed: Feed) -> u16 {
    match feed {
        Feed::Inventory | Feed::Quota | Feed::Health | Feed::Samples => 1,
        Feed::Organization => 2,
    }
}

/// The protocol version from which on the directory is told.
pub const DIRECTORY_VERSION: u16 = 2;

/// The feed of a number, if this release knows it.
pub fn feed_of(code: u8) -> Option<Feed> {
    Feed::ALL.into_iter().find(|feed| feed_code(*feed) == code)
}
