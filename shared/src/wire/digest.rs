//! The digest of a feed's state: one number that sender and receiver keep record by record.
//!
//! The sum (mod 2¹²⁸) of each live record's 128-bit xxh3 hash over its value, seeded by its key.
//! Order does not matter, adding and taking away are inverse, so either side keeps it without
//! reading the rest. It finds mistakes, not forgeries: a peer is authenticated, and can only lie
//! about itself.

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

/// The digest of a set of records. The default is that of the empty set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest(u128);

impl Digest {
    /// The digest of one record: its kind number, its encoded id and its encoded value.
    pub fn of(kind: u16, id: &[u8], value: &[u8]) -> Self {
        let seed = xxh3_64_with_seed(id, kind.into());
        Self(xxh3_128_with_seed(value, seed))
    }

    /// Adds what was not in the set.
    pub const fn add(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// Takes out what was in the set.
    pub const fn subtract(&mut self, other: Self) {
        self.0 = self.0.wrapping_sub(other.0);
    }

    /// As it goes onto the wire and into a store, little-endian.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// As it came.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_taking_out_undoes() {
        let (a, b) = (Digest::of(1, b"a", b"1"), Digest::of(1, b"b", b"2"));
        let mut ab = a;
        ab.add(b);
        let mut ba = b;
        ba.add(a);
        assert_eq!(ab, ba);
        ab.subtract(a);
        assert_eq!(ab, b);
        assert_eq!(Digest::from_bytes(b.to_bytes()), b);
    }

    #[test]
    fn where_the_id_ends_matters() {
        assert_ne!(Digest::of(1, b"ab", b"c"), Digest::of(1, b"a", b"bc"));
        assert_ne!(Digest::of(1, b"a", b"b"), Digest::of(2, b"a", b"b"));
    }

    /// Both sides of a link may run different releases: the hash may never change.
    #[test]
    fn the_hash_is_frozen() {
        let hex: String = Digest::of(1, b"id", b"value")
            .to_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(hex, "6373b61978104b5858e4859292776498");
    }
}
