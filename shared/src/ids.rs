//! Identifiers, each of its own kind, so that a region's id can't be passed where a hub's is due.
//!
//! They are the federation's own and outlive any one hub: random (UUID version 4, RFC 9562 §5.4),
//! but for those of things that a region brought along, and of what
//! every federation has. What a cloud calls its own things is a
//! [`CloudId`](crate::model::CloudId).

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is no identifier of the asked kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: give a UUID such as 67e55044-10b1-426f-9247-bb680e5fe0c8")]
pub struct ParseIdError {
    kind: &'static str,
    text: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id of 128 random bits, which the caller draws.
            pub fn from_random(bits: u128) -> Self {
                Self(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
            }

            /// Takes the id as it stood on the wire or in a store.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The id as it goes onto the wire and into a store.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| ParseIdError {
                    kind: $kind,
                    text: text.chars().take(64).collect(),
                })
            }
        }
    };
}

id!(
    /// The regions that follow one hub. Stays the same when the hub changes.
    FederationId,
    "federation id"
);
id!(
    /// One cloud of the federation.
    RegionId,
    "region id"
);
id!(
    /// One hub, a standby or nested one included.
    HubId,
    "hub id"
);
id!(
    /// One life of a feed. A sender that lost its store begins a new one.
    FeedId,
    "feed id"
);

id!(
    /// A department, project, user, group or role of the federation's directory.
    ObjectId,
    "directory id"
);

impl ObjectId {
    /// The id of what a region brought along, made from what that region's cloud calls it: whoever
    /// asks twice, because the first time was not finished, is given the same one (UUID version 5,
    /// RFC 9562 §5.5).
    pub fn of_region(region: RegionId, kind: &str, cloud_id: &str) -> Self {
        Self(Uuid::new_v5(
            &region.0,
            format!("{kind}/{cloud_id}").as_bytes(),
        ))
    }

    /// Whether it was drawn: no region or federation brought what has it.
    pub fn is_drawn(self) -> bool {
        self.0.get_version() == Some(uuid::Version::Random)
    }

    /// The id of what a federation has from its beginning, of a kind and by a word: the same at its
    /// hub and at every agent, whichever made it first (UUID version 5).
    pub fn of_federation(federation: FederationId, kind: &str, word: &str) -> Self {
        Self(Uuid::new_v5(
            &federation.0,
            format!("{kind}/{word}").as_bytes(),
        ))
    }
}

impl FeedId {
    /// No feed: what a receiver names that holds nothing yet.
    pub const NONE: Self = Self::from_bytes([0; 16]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_what_it_writes() {
        let id = RegionId::from_random(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(RegionId::from_bytes(id.to_bytes()), id);
        assert_eq!(id.to_string(), "01234567-89ab-4def-8123-456789abcdef");
    }

    #[test]
    fn a_wrong_text_is_named_and_cut_short() {
        let error = "x".repeat(1000).parse::<HubId>().unwrap_err().to_string();
        assert!(error.contains("is not a hub id"), "{error}");
        assert!(error.len() < 200, "{error}");
    }
}
