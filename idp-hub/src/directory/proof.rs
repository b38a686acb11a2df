//! The hub's own proof that something ended, by which it believes its word when a region tells it
//! back: a hub that was restored from an older backup has forgotten what its regions still know.

use aws_lc_rs::hmac;
use shared::ids::ObjectId;
use shared::model::{End, ObjectKind};

/// The proof that a thing ended so: HMAC-SHA256 (RFC 2104) with a key that only the hub and its
/// backups have, of its kind, its id and its end. A region that was broken into can tell of what
/// ended, and can't end anything.
pub fn lapse_proof(key: &[u8; 32], (kind, id): (ObjectKind, ObjectId), how: End) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut proof = [0; 32];
    let tag = hmac::sign(&key, &said(kind, id, how));
    proof.copy_from_slice(tag.as_ref());
    proof
}

/// Whether a proof is one of this hub's.
pub fn is_lapse_proof(
    key: &[u8; 32],
    (kind, id): (ObjectKind, ObjectId),
    how: End,
    proof: &[u8; 32],
) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::verify(&key, &said(kind, id, how), proof).is_ok()
}

fn said(kind: ObjectKind, id: ObjectId, how: End) -> Vec<u8> {
    let how = match how {
        End::Deleted => "deleted",
        End::Retired => "retired",
    };
    format!("regroup 1 lapse {} {id} {how}", kind.name()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_of_one_thing_one_end_and_one_hub() {
        let (key, other) = ([1; 32], [2; 32]);
        let ann = (ObjectKind::User, ObjectId::from_random(1));
        let proof = lapse_proof(&key, ann, End::Deleted);
        assert!(is_lapse_proof(&key, ann, End::Deleted, &proof));
        let bob = (ObjectKind::User, ObjectId::from_random(2));
        let group = (ObjectKind::Group, ann.1);
        assert!(!is_lapse_proof(&other, ann, End::Deleted, &proof));
        assert!(!is_lapse_proof(&key, ann, End::Retired, &proof));
        assert!(!is_lapse_proof(&key, bob, End::Deleted, &proof));
        assert!(!is_lapse_proof(&key, group, End::Deleted, &proof));
        assert!(!is_lapse_proof(&key, ann, End::Deleted, &[0; 32]));
    }
}
