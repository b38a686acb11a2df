//! Connection ids that a hub knows for its own, also after a restart.
//!
//! A packet for a connection that the hub does not know is answered by a stateless reset, if its id
//! is one that the hub has given out. 10,000 agents must all be answered at once, so there is no
//! limit in time on resets; the tag sees to it that only who was connected gets one. A reset is
//! shorter than what it answers, so that nothing is amplified and no two hubs go on for ever.
//!
//! An id is 8 random bytes, which never repeat, and a tag. If they repeated over restarts, a reset
//! gathered from the hub before would cut a connection after (RFC 9000 §21.11).

use aws_lc_rs::hmac;
use quinn::{ConnectionId, ConnectionIdGenerator};
use quinn_proto::InvalidCid;

use super::options::ResetKey;

const RANDOM_BYTES: usize = 8;

/// One packet in four billion is answered without right.
const TAG_BYTES: usize = 4;

/// Makes ids, and knows them again.
pub(super) struct TaggedIds {
    key: hmac::Key,
}

impl TaggedIds {
    /// Ids of the hub with this key.
    pub(super) fn new(reset_key: &ResetKey) -> Self {
        let seed = hmac::sign(&reset_key.hmac(), b"regroup 1 connection ids");
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, seed.as_ref()),
        }
    }

    fn tagged(&self, random: [u8; RANDOM_BYTES]) -> ConnectionId {
        let mut id = [0; RANDOM_BYTES + TAG_BYTES];
        let tag = hmac::sign(&self.key, &random);
        // `zip` ends with the id, and cuts the tag.
        for (to, from) in id.iter_mut().zip(random.iter().chain(tag.as_ref())) {
            *to = *from;
        }
        ConnectionId::new(&id)
    }
}

impl ConnectionIdGenerator for TaggedIds {
    fn generate_cid(&mut self) -> ConnectionId {
        self.tagged(rand::random())
    }

    fn validate(&self, id: &ConnectionId) -> Result<(), InvalidCid> {
        let random = id.first_chunk().ok_or(InvalidCid)?;
        // A guess that is told apart early by its timing is not worth more than a reset.
        if self.tagged(*random) == *id {
            Ok(())
        } else {
            Err(InvalidCid)
        }
    }

    fn cid_len(&self) -> usize {
        RANDOM_BYTES + TAG_BYTES
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(key: u8) -> TaggedIds {
        TaggedIds::new(&ResetKey::from_bytes([key; 64]))
    }

    #[test]
    fn a_restarted_hub_knows_its_ids_and_no_others() {
        let (mut before, after, other) = (ids(1), ids(1), ids(2));
        let id = before.generate_cid();
        assert_eq!(id.len(), after.cid_len());
        assert!(after.validate(&id).is_ok());
        assert!(other.validate(&id).is_err());
        for bit in 0..id.len() * 8 {
            let mut wrong = id.to_vec();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(after.validate(&ConnectionId::new(&wrong)).is_err(), "{bit}");
        }
        for len in 0..id.len() {
            assert!(after.validate(&ConnectionId::new(&id[..len])).is_err());
        }
        assert_ne!(before.generate_cid(), id);
    }
}
