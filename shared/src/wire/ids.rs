//! Ids on the wire: sixteen bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{FederationId, FeedId, HubId, ObjectId, RegionId};

macro_rules! sixteen_bytes {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_bytes().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <[u8; 16]>::deserialize(deserializer).map(Self::from_bytes)
            }
        }
    )*};
}

sixteen_bytes!(FederationId, RegionId, HubId, FeedId, ObjectId);
